"""The query engine: every question to the record in one place, now."""

from __future__ import annotations

from memory.projections.runner import ProjectionRunner
from memory.query.beliefs_surface import BeliefsSurface
from memory.query.evidence_surface import EvidenceSurface
from memory.query.finding_surface import FindingSurface
from memory.query.knowing_surface import KnowingSurface
from memory.store.log import EventStore


class QueryEngine(KnowingSurface, FindingSurface, BeliefsSurface, EvidenceSurface):
    """Every question to a record: what is known, why, and what was recorded.

    `memory.query` gives one. Each question is also asked of the memory itself, by the same name.

    Args:
        store: The log.
        runner: Keeps the tables that answer up to date with it.
    """

    def __init__(self, store: EventStore, runner: ProjectionRunner) -> None:
        self._store = store
        self._runner = runner
