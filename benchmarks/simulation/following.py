"""Follows the fold through a run: every row it gives, what it costs, and how its intervals fare at every look."""

from __future__ import annotations

import resource
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from benchmarks.simulation.envelopes import Told
from benchmarks.simulation.world import World
from memory.inference import Calibration
from memory.projections.knowledge.learning import Learning

Row = dict[str, Any]
ROWS_EVERY = 100
"""Events between two takings of rows: a look, for intervals; claims are decided by the fold at every settlement."""


@dataclass(slots=True)
class Followed:
    """What a fold made of a run."""

    first: dict[str, Row] = field(default_factory=dict)
    """Pattern id to its row at the first look after its first claim."""
    last: dict[str, Row] = field(default_factory=dict)
    """Pattern id to its row at the end."""
    intervals: dict[str, list[tuple[int, float | None, float | None]]] = field(default_factory=dict)
    """Pattern id to (last position, low, high) at every look that changed it."""
    beliefs: dict[str, Row] = field(default_factory=dict)
    facts: dict[str, Row] = field(default_factory=dict)
    calibration: Calibration = field(default_factory=Calibration)
    seconds: float = 0.0
    """Processor time of the fold alone, rows included."""
    events: int = 0
    resident: int = 0
    """How much the process' peak resident memory grew, in bytes; of use when one process follows one run."""

    @property
    def microseconds(self) -> float:
        """Per event."""
        return 1e6 * self.seconds / max(1, self.events)

    def take(self, replaced: dict[tuple[str, str], Row], added: Iterable[tuple[str, Row]]) -> None:
        """Note what one taking of rows gave."""
        for (table, identity), row in replaced.items():
            if table == "patterns":
                self.first.setdefault(identity, row)
                self.last[identity] = row
                if row["kind"] in ("effect", "impact"):
                    seen = self.intervals.setdefault(identity, [])
                    seen.append((row["last_position"], row["ci_low"], row["ci_high"]))
            elif table == "beliefs":
                self.beliefs[identity] = row
            elif table == "architectural_facts":
                self.facts[identity] = row
        for table, row in added:
            if table == "predictions" and row["hit"] is not None:
                self.calibration.update(row["probability"], bool(row["hit"]))


def follow(world: World, rows_every: int = ROWS_EVERY) -> Followed:
    """Feed a world's events straight to a fold.

    Args:
        world: One that has not run yet.
        rows_every: Events between two takings of rows.
    """
    followed, learning = Followed(), Learning()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    events = world.events()
    while portion := list(islice(events, rows_every)):
        started = time.process_time()
        _apply(learning, portion)
        replaced, added = learning.take_rows()
        followed.seconds += time.process_time() - started
        followed.events += len(portion)
        followed.take(replaced, added)
    followed.resident = 1024 * (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
    return followed


def _apply(learning: Learning, portion: list[Told]) -> None:
    for event, payload in portion:
        learning.apply(event, payload)
