"""Does a write move a metric at all? For evaluations without noise, and writes whose direction is fresh each time.

A deterministic metric moves a little under any write, and a fresh direction has no sign to agree with; what can be
asked is whether it moves by more than δ more often than not. Reported as `impact` with direction 0.

*Guaranteed*: under "given the past, |change| > δ has probability at most 1/2" the e-value ever reaches 20 with
probability at most 1/20. This null is a statement about sizes: no coin is needed, and none helps.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from memory.inference.kernel import LAMBDAS, log_factor, log_mean_exp
from memory.inference.state import State, read_count, read_number, read_numbers

__all__ = ["MovementProcess"]


@dataclass(slots=True)
class MovementProcess:
    """The running state of one "moves at all" hypothesis: five one-sided log-wealths and a count."""

    smallest_effect: float = 0.0
    """δ: a change up to this size is no movement."""
    n: int = 0
    """Finite changes seen."""
    moved: int = 0
    """Those larger than δ."""
    skipped: int = 0
    """Changes that were not finite."""
    peak_log_e: float = 0.0
    """The largest log e-value ever reached."""
    wealth: list[float] = field(default_factory=lambda: [0.0] * len(LAMBDAS))
    """Log-wealth per stake."""

    def __post_init__(self) -> None:
        if not (math.isfinite(self.smallest_effect) and self.smallest_effect >= 0.0):
            raise ValueError(f"the smallest effect of interest must be finite and >= 0, not {self.smallest_effect!r}")

    def update(self, change: float) -> None:
        """Take the change of one act, of either sign.

        Args:
            change: after minus before; not finite is counted in `skipped` and is no evidence.
        """
        if not math.isfinite(change):
            self.skipped += 1
            return
        moved = abs(change) > self.smallest_effect
        self.n += 1
        self.moved += moved
        for index, stake in enumerate(LAMBDAS):
            self.wealth[index] += log_factor(stake, 1.0 if moved else -1.0)
        self.peak_log_e = max(self.peak_log_e, self.log_e)

    @property
    def log_e(self) -> float:
        """Log e-value against "moves by more than δ at most every other time"."""
        return log_mean_exp(self.wealth)

    @property
    def direction(self) -> int:
        """Always 0: this asks whether, not which way."""
        return 0

    @property
    def share(self) -> float:
        """Share of the changes larger than δ; NaN before the first."""
        return self.moved / self.n if self.n else math.nan

    def to_state(self) -> State:
        """Return the state as plain data."""
        return {
            "smallest_effect": self.smallest_effect,
            "n": self.n,
            "moved": self.moved,
            "skipped": self.skipped,
            "peak_log_e": self.peak_log_e,
            "wealth": list(self.wealth),
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        """Return the process that `to_state` described, bit for bit.

        Raises:
            ValueError: the data does not describe one.
        """
        return cls(
            smallest_effect=read_number(state, "smallest_effect"),
            n=read_count(state, "n"),
            moved=read_count(state, "moved"),
            skipped=read_count(state, "skipped"),
            peak_log_e=read_number(state, "peak_log_e"),
            wealth=read_numbers(state, "wealth", len(LAMBDAS)),
        )
