"""What happened in a run, kept small: the statistics that peers and oracles are given, act by act.

Everything here could be read off the log; nothing of the planted truth is in it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
KEPT_METRICS = 64
"""With more metrics than this no outcomes are kept: such a world is for cost, and has no oracle and no peers."""


@dataclass(slots=True)
class ActRecord:
    """One act."""

    position: int
    """Its last event."""
    writes: list[tuple[int, str, float]]
    """(tensor, name, dose) of every record of a write, reverts and sweeps left out; dose 0: none was given."""
    paired: bool
    outcome: Floats | None
    """After minus before, or after minus a running mean of the metric; None with too many metrics to keep."""
    value: Floats | None
    """What was measured last."""
    categories: list[int]


@dataclass(slots=True)
class Chronicle:
    """A run as a statistician would be given it."""

    metric_names: list[str] = field(default_factory=list)
    """Columns of outcomes and values, derived metrics last."""
    acts: list[ActRecord] = field(default_factory=list)
    readings: list[tuple[int, dict[str, float]]] = field(default_factory=list)
    """(number of the act, name to value)."""
    writes_of: dict[int, list[int]] = field(default_factory=dict)
    """Tensor to the positions of its writes."""
    events: int = 0
    phases: list[int] = field(default_factory=list)
    """The position from which each phase holds."""

    def phase_at(self, position: int) -> int:
        """The phase that held at a position."""
        return max((index for index, since in enumerate(self.phases) if since <= position), default=0)
