"""Are forecast probabilities honest? Measured from registered predictions alone: no truth is needed.

*Measured*, never guaranteed: the expected calibration error of few forecasts is mostly noise (about 0.4·sqrt(b/n) for n
forecasts spread over b bins), so compare it with that before reading anything into it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from memory.inference.state import State, read_numbers

__all__ = ["BINS", "Calibration"]

BINS = 10
"""Equal bins of the forecast probability."""


@dataclass(slots=True)
class Calibration:
    """Sums over forecasts, by bins of their probability."""

    counts: list[float] = field(default_factory=lambda: [0.0] * BINS)
    """Forecasts per bin."""
    forecast: list[float] = field(default_factory=lambda: [0.0] * BINS)
    """Summed probabilities per bin."""
    came_true: list[float] = field(default_factory=lambda: [0.0] * BINS)
    """Forecasts that came true, per bin."""
    squares: list[float] = field(default_factory=lambda: [0.0] * BINS)
    """Summed squared errors per bin."""

    def update(self, probability: float, came_true: bool) -> None:
        """Count one forecast.

        Args:
            probability: what was forecast.
            came_true: what happened.

        Raises:
            ValueError: the probability is not within [0, 1].
        """
        if not 0.0 <= probability <= 1.0:
            raise ValueError(f"a probability must be within [0, 1], not {probability!r}")
        index = min(BINS - 1, int(probability * BINS))
        self.counts[index] += 1.0
        self.forecast[index] += probability
        self.came_true[index] += bool(came_true)
        self.squares[index] += (probability - bool(came_true)) ** 2

    @property
    def n(self) -> int:
        """Forecasts counted."""
        return int(sum(self.counts))

    @property
    def brier(self) -> float:
        """Mean squared error of the probabilities; NaN before the first."""
        return sum(self.squares) / self.n if self.n else math.nan

    @property
    def error(self) -> float:
        """Expected calibration error: mean over forecasts of |mean forecast − share come true| of their bin."""
        gaps = sum(abs(said - came) for said, came in zip(self.forecast, self.came_true, strict=True))
        return gaps / self.n if self.n else math.nan

    def to_state(self) -> State:
        """Return the state as plain data."""
        return {
            "counts": list(self.counts),
            "forecast": list(self.forecast),
            "came_true": list(self.came_true),
            "squares": list(self.squares),
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        """Return the sums that `to_state` described, bit for bit.

        Raises:
            ValueError: the data does not describe them.
        """
        return cls(
            counts=read_numbers(state, "counts", BINS),
            forecast=read_numbers(state, "forecast", BINS),
            came_true=read_numbers(state, "came_true", BINS),
            squares=read_numbers(state, "squares", BINS),
        )
