"""Makes a report of one log."""

from __future__ import annotations

import datetime
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from memory.errors import UnknownModel
from memory.projections.runner import ProjectionRunner
from memory.report.alerts import alerts
from memory.report.architecture import architecture
from memory.report.beliefs import beliefs
from memory.report.calibration import calibration
from memory.report.changes import changes, storages
from memory.report.effects import effects
from memory.report.evidence import evidence
from memory.report.headline import headline
from memory.report.page import page, write_page
from memory.report.scope import Limits, Scope
from memory.report.section import Section
from memory.report.sharing import sharing
from memory.report.timeline import strip, timeline
from memory.store.log import EventStore
from memory.version import __version__

SECTIONS: tuple[Callable[[Scope], Section], ...] = (
    timeline,
    changes,
    sharing,
    effects,
    evidence,
    beliefs,
    architecture,
    calibration,
    alerts,
)


@dataclass(frozen=True, slots=True)
class ReportMade:
    """What was written."""

    path: str
    size: int
    """Bytes of the file."""
    events: int
    """Events of the log, of whatever model: one that goes on from another begins after it."""
    charts: int
    head: str
    """Digest of the head of the log it tells of."""
    verified: bool | None
    """Whether every link of the log's chain holds; None: it was not looked at."""

    def to_dict(self) -> dict[str, Any]:
        """Give it as data that JSON has words for."""
        return asdict(self)


def write_report(
    store: EventStore,
    runner: ProjectionRunner,
    path: str | os.PathLike[str],
    *,
    model: str | None = None,
    title: str | None = None,
    verify: bool = True,
    limits: Limits | None = None,
) -> ReportMade:
    """Write a report of a log: one HTML file that needs nothing else.

    Args:
        store: The log.
        runner: Its projections; they are caught up first.
        path: The file; one that is there is replaced.
        model: Only this model; None: every one.
        title: What it is called.
        verify: Whether to check every link of the log's chain, and say so; it reads the whole log.
        limits: How much of everything is shown at the most.

    Raises:
        UnknownModel: There is no model of that name.
        MissingDependency: The packages of the extra `report` are not installed.
        InvalidArgument: It cannot be written there.
    """
    until = runner.catch_up()
    head = store.head()
    whole = store.verify().ok if verify else None
    first = store.database.read_only_rows("SELECT min(position) AS low FROM ledger", {})
    scope = Scope(store, runner, next(iter(first.mappings()))["low"] or 1, until, model, limits or Limits())
    if model is not None:
        known = [row["model"] for row in _models(scope)]
        if model not in known:
            raise UnknownModel(model, known)
    told = headline(scope)
    sections = [make(scope) for make in SECTIONS]
    text = page(
        told,
        sections,
        strip=strip(scope),
        focus=[each["layer"] for each in sorted(storages(scope).values(), key=lambda each: each["order"])],
        about={
            "title": title or (f"What was done to {model}" if model else _title(told.models)),
            "made": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC"),
            "version": __version__,
            "head": head.digest,
            "verified": whole,
            "low": scope.low,
            "until": until,
            "model": model,
        },
    )
    write_page(Path(path), text)
    charts = sum(len(section.charts) for section in sections)
    return ReportMade(str(path), len(text.encode()), until - scope.low + 1, charts, head.digest, whole)


def _models(scope: Scope) -> list[Any]:
    return list(scope.store.database.read_only_rows("SELECT DISTINCT model FROM sharing_maps", {}).mappings())


def _title(models: Any) -> str:
    if len(models) == 1:
        return f"What was done to {models[0]}, and what followed"
    return "What was done to these models, and what followed" if models else "A record"
