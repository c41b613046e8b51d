"""The part of the memory that tells of itself to people."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from memory.projections.runner import ProjectionRunner
from memory.store.log import EventStore

if TYPE_CHECKING:
    from memory.report.made import ReportMade


class ReportSurface:
    """The part of `memory.MemorySystem` that writes reports."""

    _store: EventStore
    _runner: ProjectionRunner

    def report(
        self,
        path: str | os.PathLike[str],
        *,
        model: str | None = None,
        title: str | None = None,
        verify: bool = True,
    ) -> ReportMade:
        """Write what was done and learned as one HTML page that needs nothing else: no network, no other file.

        It stays small however long the log is: what is drawn is summed up, extremes kept, and said to be so.

        Args:
            path: The file; one that is there is replaced.
            model: Only this model; None: every one.
            title: What it is called; None: after its models.
            verify: Whether to check every link of the log's chain first, and say so; that reads the whole log.

        Raises:
            UnknownModel: The record knows no model of that name.
            MissingDependency: The extra `report` is not installed.
            InvalidArgument: It cannot be written there.
        """
        from memory.report.made import write_report

        return write_report(self._store, self._runner, path, model=model, title=title, verify=verify)
