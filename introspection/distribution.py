"""How the values of a tensor are distributed, exactly, whatever its dtype and size: the way to count is chosen here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from introspection.moments import Counts, Floats, Moments
from introspection.radix import RadixDistribution
from introspection.tally import Tally, has_few_patterns
from introspection.values import Values

SMALL = 1 << 16
"""Up to this many stored values are simply sorted."""


class Distribution(Protocol):
    """The values of a tensor, counted; of complex ones the magnitudes. What is asked is of the finite ones only."""

    @property
    def nan(self) -> int:
        """How many are not a number."""

    @property
    def positive_infinite(self) -> int:
        """How many are +inf."""

    @property
    def negative_infinite(self) -> int:
        """How many are −inf."""

    @property
    def low(self) -> float:
        """The smallest; +inf if there is none."""

    @property
    def high(self) -> float:
        """The largest; −inf if there is none."""

    @property
    def moments(self) -> Moments:
        """Mean, spread and norms."""

    def answer(self, thresholds: Floats, ranks: Sequence[int]) -> tuple[Counts, list[float]]:
        """How many values lie below each threshold, and the values of the given ranks (0: the smallest).

        Args:
            thresholds: In ascending order; any number but NaN.
            ranks: Each at least 0 and below `moments.count`.
        """


def distribution_of(values: Values) -> Distribution:
    """Counts the values: one pass where the dtype has at most 65,536 bit patterns, else at most two (float32) or four.

    Nothing is copied whole: what is made beside the tensor is at most a few megabytes at a time, whatever its size.
    """
    if has_few_patterns(values.dtype):
        return Tally.of_patterns(values)
    if values.stored_elements <= SMALL:
        return Tally.of_sorted(values)
    return RadixDistribution(values)
