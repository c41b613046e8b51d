"""Predictable scales of many series at once: `scale.RunningScale` for every row of a table of windows.

*Guaranteed*: nothing here looks at the observation it is going to divide. What the numbers mean, and why they are
medians, is said in `scale`.
"""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from memory.inference.packed import Arrays
from memory.inference.scale import CLIP, WINDOW

__all__ = ["Floats", "Index", "ScaleRows", "centre_of", "clipped_ratios", "grown", "size_of", "spread_of"]

Floats = NDArray[np.float64]
Index = NDArray[np.int64]


def grown(array: NDArray[Any], rows: int, fill: float = 0.0) -> NDArray[Any]:
    """Return an array with `rows` rows, the new ones filled, in a buffer that grows by doubling.

    Args:
        array: what there is; a view of its buffer's first rows.
        rows: how many rows are wanted, not fewer than there are.
        fill: what new rows hold.
    """
    if rows <= len(array):
        return array
    fresh = np.full((rows, *array.shape[1:]), fill, dtype=array.dtype)
    fresh[: len(array)] = array
    return fresh


def clipped_ratios(values: Floats, scales: Floats) -> Floats:
    """Return values/scales within ±3; what is not 0 over a scale of 0 is ±3, and 0/0 is 0."""
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        ratios = values / scales
    if not scales.all():
        ratios[values == 0.0] = 0.0
    return np.minimum(np.maximum(ratios, -CLIP), CLIP)


def _pick(ordered: Floats, ranks: Index) -> Floats:
    chosen: Floats = ordered[np.arange(len(ordered)), ranks]
    return chosen


def _median(ordered: Floats, counts: Index) -> Floats:
    """Return the median of the first `counts` of each ordered row; whatever is there where a count is 0."""
    high = np.minimum(counts // 2, WINDOW - 1)
    low = np.maximum(counts - 1, 0) // 2
    below = _pick(ordered, low)
    return below + (_pick(ordered, high) - below) / 2.0


def size_of(windows: Floats, floor: Floats | float = 0.0) -> Floats:
    """Return the median absolute value of each window's values that were not 0, but at least `floor`.

    Args:
        windows: a row each; places not filled yet hold infinity.
        floor: smallest size of each.
    """
    sizes = np.abs(windows)
    sizes[sizes == 0.0] = np.inf
    sizes.sort(axis=1)
    counts = np.isfinite(sizes).sum(axis=1)
    with np.errstate(invalid="ignore"):
        median = _median(sizes, counts)
    return np.maximum(np.where(counts > 0, median, 0.0), floor)


def centre_of(windows: Floats, counts: Index) -> Floats:
    """Return the median of each window's first `counts` values in order of size, 0 where there are none."""
    ordered = np.sort(windows, axis=1)
    if len(counts) and counts.min() == WINDOW:
        below = ordered[:, WINDOW // 2 - 1]
        return below + (ordered[:, WINDOW // 2] - below) / 2.0
    with np.errstate(invalid="ignore"):
        median = _median(ordered, counts)
    return np.where(counts > 0, median, 0.0)


def spread_of(windows: Floats, counts: Index, centre: Floats, size: Floats, floor: Floats | float = 0.0) -> Floats:
    """Return the spread of each window about its centre, erring to the large side while there are few values.

    Args:
        windows: a row each; places not filled yet hold infinity.
        counts: values in each.
        centre: `centre_of` each.
        size: `size_of` each, with the same floor.
        floor: smallest spread of each.

    Returns:
        0.0, for unknown, where there are fewer than three values.
    """
    deviations = np.abs(windows - centre[:, None])
    deviations.sort(axis=1)
    rank = np.maximum(np.minimum(counts - 1, counts // 2 + 2), 0)
    spread = np.maximum(_pick(deviations, rank), floor)
    return np.where(counts < 3, 0.0, np.where(spread == 0.0, size, spread))


class ScaleRows:
    """The last 32 values of each row, and what they say about the size, centre and spread of the next."""

    def __init__(self, rows: int = 0) -> None:
        self.window: Floats = np.full((rows, WINDOW), np.inf)
        """Past values, in no order; places not filled yet hold infinity."""
        self.filled: Index = np.zeros(rows, dtype=np.int64)
        """How many values each row was ever given."""

    def grow(self, rows: int) -> None:
        """Have at least so many rows."""
        self.window = grown(self.window, rows, np.inf)
        self.filled = grown(self.filled, rows)

    def add(self, index: Index, values: Floats) -> None:
        """Take one more finite value into each row named, forgetting the 33rd.

        Args:
            index: distinct rows.
            values: one for each.

        Raises:
            ValueError: a value is not finite.
        """
        if not np.isfinite(values).all():
            raise ValueError(f"a scale is judged from finite values, not {values!r}")
        filled = self.filled[index]
        self.window[index, filled % WINDOW] = values
        self.filled[index] = filled + 1

    def counts(self, index: Index) -> Index:
        """Return how many values each row holds now."""
        return np.minimum(self.filled[index], WINDOW)

    def size(self, index: Index, floor: Floats | float = 0.0) -> Floats:
        """Return `size_of` the rows named."""
        return size_of(self.window[index], floor)

    def centre(self, index: Index) -> Floats:
        """Return `centre_of` the rows named."""
        return centre_of(self.window[index], self.counts(index))

    def spread(self, index: Index, floor: Floats | float = 0.0) -> Floats:
        """Return `spread_of` the rows named."""
        windows, counts = self.window[index], self.counts(index)
        return spread_of(windows, counts, centre_of(windows, counts), size_of(windows, floor), floor)

    def oldest_first(self, row: int) -> list[float]:
        """Return the values of one row, oldest first."""
        filled = int(self.filled[row])
        window = self.window[row]
        return [float(window[at % WINDOW]) for at in range(max(0, filled - WINDOW), filled)]

    def clear(self, row: int) -> None:
        """Forget what one row holds."""
        self.window[row], self.filled[row] = np.inf, 0

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Return the state as arrays."""
        return {"window": self.window, "filled": self.filled}

    @classmethod
    def from_arrays(cls, arrays: Arrays) -> Self:
        """Return the rows that `to_arrays` described, bit for bit."""
        rows = cls()
        rows.window, rows.filled = arrays["window"], arrays["filled"]
        return rows
