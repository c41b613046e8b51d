"""Questions that look for something in the record, as the users of a memory know them."""

from __future__ import annotations

from memory.projections.runner import ProjectionRunner
from memory.store.log import EventStore


class FindingSurface:
    """The part of `memory.MemorySystem` and of `memory.query` that finds."""

    _store: EventStore
    _runner: ProjectionRunner
