"""How strong it looked: the correlation a naive log would have reported, for what is dropped as architecture.

A description, never evidence: computed from the data and not from the map, so that the story told of a dropped relation
is what the data showed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from memory.inference.state import State, read_count, read_number

__all__ = ["Correlation"]


@dataclass(slots=True)
class Correlation:
    """Running correlation of two series, by Welford's stable sums.

    Source: Welford 1962; Chan, Golub and LeVeque 1983.
    """

    n: int = 0
    """Pairs of finite numbers seen."""
    skipped: int = 0
    """Pairs with a number that was not finite."""
    mean_first: float = 0.0
    """Mean of the first series."""
    mean_second: float = 0.0
    """Mean of the second series."""
    squares_first: float = 0.0
    """Summed squared deviations of the first series."""
    squares_second: float = 0.0
    """Summed squared deviations of the second series."""
    products: float = 0.0
    """Summed products of the deviations."""

    def update(self, first: float, second: float) -> None:
        """Take one pair.

        Args:
            first: a value of the first series.
            second: the value of the second that belongs to it.
        """
        if not (abs(first) <= 1e75 and abs(second) <= 1e75):
            self.skipped += 1
            return
        self.n += 1
        from_first, from_second = first - self.mean_first, second - self.mean_second
        self.mean_first += from_first / self.n
        self.mean_second += from_second / self.n
        self.squares_first += from_first * (first - self.mean_first)
        self.squares_second += from_second * (second - self.mean_second)
        self.products += from_first * (second - self.mean_second)

    @property
    def correlation(self) -> float:
        """Pearson's correlation, exactly 1.0 for identical series; NaN where a series never varied."""
        square = math.sqrt(self.squares_first) * math.sqrt(self.squares_second)
        if self.squares_first == self.squares_second:
            square = self.squares_first
        return max(-1.0, min(1.0, self.products / square)) if square > 0.0 else math.nan

    def to_state(self) -> State:
        """Return the state as plain data."""
        return {
            "n": self.n,
            "skipped": self.skipped,
            "mean_first": self.mean_first,
            "mean_second": self.mean_second,
            "squares_first": self.squares_first,
            "squares_second": self.squares_second,
            "products": self.products,
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        """Return the correlation that `to_state` described, bit for bit.

        Raises:
            ValueError: the data does not describe one.
        """
        return cls(
            n=read_count(state, "n"),
            skipped=read_count(state, "skipped"),
            mean_first=read_number(state, "mean_first"),
            mean_second=read_number(state, "mean_second"),
            squares_first=read_number(state, "squares_first"),
            squares_second=read_number(state, "squares_second"),
            products=read_number(state, "products"),
        )
