"""How restless series are just now, against how they usually are: judged from the past alone.

Noise comes in spells. An outcome of a restless spell divided by the scale of quiet ones looks like evidence, for one
side as often as for the other, and costs any bet much; divided by the scale of its spell it costs nothing.

*Guaranteed*: predictable. *Measured*: that it pays (`benchmarks/knowledge.py` has spells of fourfold noise).

Source: medians tracked by stochastic approximation, Robbins and Monro 1951.
"""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from memory.inference.packed import Arrays
from memory.inference.scale_rows import Floats, Index, grown

__all__ = ["Volatility"]

RESTLESS = 2.5
"""How many times its usual size a series' recent moves must have until it counts as restless."""
_QUICK, _SLOW = 0.2, 0.01
"""By how much, in logarithms, either median follows one move."""


class Volatility:
    """Two running medians of the size of moves for each series: a quick one and a slow one."""

    def __init__(self) -> None:
        self._medians: Floats = np.zeros((0, 2))
        """Logarithms: quick, slow."""
        self._seen: Index = np.zeros(0, dtype=np.int64)

    def grow(self, series: int) -> None:
        """Have at least so many series."""
        self._medians, self._seen = grown(self._medians, series), grown(self._seen, series)

    def ratio(self, index: Index) -> Floats:
        """Return how many times as large as usual moves are expected to be: 1 but for restless spells."""
        medians = self._medians[index]
        ratio = np.exp(medians[:, 0] - medians[:, 1])
        return np.where(ratio >= RESTLESS, ratio, 1.0)

    def update(self, index: Index, moves: Floats) -> None:
        """Take one move of each series named; what is 0 or no number says nothing.

        Args:
            index: distinct series.
            moves: how far each moved from where it was expected.
        """
        sizes = np.abs(moves)
        usable = (sizes > 0.0) & np.isfinite(sizes)
        if not usable.all():
            index, sizes = index[usable], sizes[usable]
        if not len(index):
            return
        logs = np.log(sizes)
        medians, seen = self._medians[index], self._seen[index]
        fresh = seen == 0
        if fresh.any():
            medians[fresh] = logs[fresh, None]
        side = np.sign(logs[:, None] - medians)
        slow = np.maximum(_SLOW, 1.0 / (seen + 2.0))
        medians[:, 0] += side[:, 0] * np.maximum(_QUICK, slow)
        medians[:, 1] += side[:, 1] * slow
        self._medians[index], self._seen[index] = medians, seen + 1

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Return the state as arrays."""
        return {"medians": self._medians, "seen": self._seen}

    @classmethod
    def from_arrays(cls, arrays: Arrays) -> Self:
        """Return what `to_arrays` described, bit for bit.

        Raises:
            ValueError: the arrays do not describe any.
        """
        found = cls()
        found._medians, found._seen = arrays["medians"].copy(), arrays["seen"].copy()
        if found._medians.shape != (len(found._seen), 2):
            raise ValueError(f"{len(found._seen)} series have two medians each, not {found._medians.shape}")
        return found
