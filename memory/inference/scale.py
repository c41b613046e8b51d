"""Predictable scales: how large the next outcome is likely to be, judged from the past alone.

*Guaranteed*: nothing here looks at the observation it is going to divide, so dividing by it cannot break a bet. The
choice of median, window and clip is only about power; *measured* in benchmarks/inference_validity.py.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from memory.inference.state import State, read_numbers

__all__ = ["CLIP", "WINDOW", "RunningScale", "clipped_ratio"]

CLIP = 3.0
"""Largest size of a standardised statistic: one outlier cannot ruin a bet or make one."""
WINDOW = 32
"""How many past values a scale is judged from."""


def _median(ordered: list[float]) -> float:
    middle = len(ordered) // 2
    if len(ordered) % 2:
        return ordered[middle]
    return ordered[middle - 1] + (ordered[middle] - ordered[middle - 1]) / 2.0


def clipped_ratio(value: float, scale: float) -> float:
    """Return value/scale within ±3; a value that is not 0 over a scale of 0 is ±3, and 0/0 is 0.

    Args:
        value: the numerator.
        scale: a scale of at least 0.
    """
    if value == 0.0:
        return 0.0
    if scale == 0.0:
        return math.copysign(CLIP, value)
    return min(CLIP, max(-CLIP, value / scale))


@dataclass(slots=True)
class RunningScale:
    """The last 32 values, and what they say about the size, centre and spread of the next."""

    window: list[float] = field(default_factory=list)
    """Past values, oldest first."""

    def add(self, value: float) -> None:
        """Take one more value into the past, forgetting the 33rd.

        Args:
            value: a finite number.

        Raises:
            ValueError: it is not finite.
        """
        if not math.isfinite(value):
            raise ValueError(f"a scale is judged from finite values, not {value!r}")
        self.window.append(value + 0.0)
        if len(self.window) > WINDOW:
            del self.window[0]

    @property
    def known(self) -> bool:
        """Whether there is a past at all; without one, nothing should be bet."""
        return bool(self.window)

    def size(self, floor: float = 0.0) -> float:
        """Return the median absolute value of the past values that were not 0, but at least `floor`.

        Zeros say that nothing moved, not how far things move when they do: a metric that is mostly unchanged (an
        accuracy over few samples) would otherwise have the scale 0.

        Args:
            floor: the smallest effect of interest.

        Returns:
            0.0 only where every past value was 0 and so is the floor.
        """
        sizes = sorted(abs(value) for value in self.window if value != 0.0)
        return max(floor, _median(sizes)) if sizes else floor

    def centre(self) -> float:
        """Return the median of the past values, 0.0 where there are none."""
        return _median(sorted(self.window)) if self.window else 0.0

    def spread(self, floor: float = 0.0) -> float:
        """Return the spread of the past values about their median, erring to the large side while there are few.

        A deviation two ranks above the median one: with few values nearly the largest, because a spread judged far too
        small gives one observation the weight of hundreds, while one judged too large costs little.

        Args:
            floor: the smallest effect of interest.

        Returns:
            `size` where all past values agree; 0.0, for unknown, with fewer than three values.
        """
        if len(self.window) < 3:
            return 0.0
        centre = self.centre()
        deviations = sorted(abs(value - centre) for value in self.window)
        rank = min(len(deviations) - 1, len(deviations) // 2 + 2)
        return max(floor, deviations[rank]) or self.size(floor)

    def to_state(self) -> State:
        """Return the state as plain data."""
        return {"window": list(self.window)}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        """Return the scale that `to_state` described, bit for bit.

        Raises:
            ValueError: the data does not describe one.
        """
        window = read_numbers(state, "window")
        if len(window) > WINDOW:
            raise ValueError(f"a scale keeps at most {WINDOW} values, not {len(window)}")
        return cls(window=window)
