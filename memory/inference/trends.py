"""Does a metric drift, up or down?

Blocks of 16 values come in disjoint triples (b0, b1, b2); D = mean(b2) − mean(b0), divided by the running median size
of the earlier D's, clipped to ±3, and bet on from both sides. The first triple only teaches that scale.

*Guaranteed*, e-values ever reach 20 with probability at most 1/20: for a metric whose steps are independent of its past
and symmetric (a random walk, of any step law that may change as it goes): D is a sum of the triple's own steps. And for
one whose triples have, given the earlier ones, the same law read backwards (independent values about one level).
*Approximate* for a reversible metric with memory: a triple starts where the last one ended, and leans back to the
level that it left, against what the last one showed. *Measured* in tests/unit/inference/test_inference_trends.py.
Triples that overlapped would share steps, and a random walk would then be claimed to drift: measured there too. So
will be, and not wrongly, a metric that jumps once and takes thousands of values to come back: that is not reversible.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from memory.inference.arrays import read_array
from memory.inference.block_bets import BetTable, Floats, Ints, Settled, log_factors
from memory.inference.kernel import LAMBDAS
from memory.inference.scale import WINDOW, RunningScale, clipped_ratio

__all__ = ["BLOCK", "TrendGrid"]

BLOCK = 16
"""Values to a block."""

_STAKES = (*LAMBDAS, *(-stake for stake in LAMBDAS))
_LARGEST = sys.float_info.max


class TrendGrid(BetTable):
    """Series 0..M−1, each with a clock of its own; a slot is a series, from its second triple on."""

    KEYS = 1
    WEALTHS = len(_STAKES)
    TWO_SIDED = True
    EXTRA = {"mean_change": np.float64}  # noqa: RUF012

    def __init__(self) -> None:
        super().__init__()
        self._slot: list[int] = []
        self._ended: list[bool] = []
        self._taken: list[int] = []
        self._sum: list[float] = []
        self._start: list[float] = []
        self._skipped: list[int] = []
        self._scale: list[RunningScale] = []

    @property
    def series(self) -> Ints:
        """The series of each slot."""
        return self._key(0)

    @property
    def mean_change(self) -> Floats:
        """Mean of D over the triples bet on: the metric's own units per 32 values."""
        return self._view("mean_change")

    @property
    def skipped(self) -> Ints:
        """Values per series that were no finite number, and counted for nothing."""
        return np.array(self._skipped, dtype=np.int64)

    def grow(self, count: int) -> None:
        """Allocate `count` more series.

        Raises:
            ValueError: `count` is negative.
        """
        if count < 0:
            raise ValueError(f"the number of new series must be at least 0, not {count!r}")
        for _ in range(count):
            self._slot.append(-1)
            self._ended.append(False)
            self._taken.append(0)
            self._sum.append(0.0)
            self._start.append(0.0)
            self._skipped.append(0)
            self._scale.append(RunningScale())

    def end(self, series: int) -> None:
        """Take no more values of a series; its triple under way is dropped.

        Raises:
            ValueError: there is no such series.
        """
        self._check(series)
        self._ended[series] = True
        self._taken[series] = 0
        self._sum[series] = self._start[series] = 0.0

    def update(self, series: int, value: float) -> Settled | None:
        """Take one value of a series.

        Args:
            series: which.
            value: what was read; NaN and infinities are skipped, and counted.

        Returns:
            What it settled where it completed a triple that was bet on; else None.

        Raises:
            ValueError: there is no such series.
        """
        self._check(series)
        if self._ended[series]:
            return None
        if not -_LARGEST <= value <= _LARGEST:
            self._skipped[series] += 1
            return None
        # Divided first, by a power of two: exact, and no sum of finite values overflows.
        self._sum[series] += value / BLOCK
        taken = self._taken[series] = self._taken[series] + 1
        if taken % BLOCK:
            return None
        mean, self._sum[series] = self._sum[series], 0.0
        if taken == BLOCK:
            self._start[series] = mean
        if taken < 3 * BLOCK:
            return None
        change = max(-_LARGEST, min(_LARGEST, mean - self._start[series]))
        self._taken[series], self._start[series] = 0, 0.0
        scale = self._scale[series]
        settled = self._settle(series, change, clipped_ratio(change, scale.size())) if scale.known else None
        scale.add(change)
        return settled

    def _settle(self, series: int, change: float, d: float) -> Settled:
        if self._slot[series] < 0:
            self._slot[series] = int(self._extend(np.array([[series]]))[0])
        slots = np.array([self._slot[series]])
        statistic = np.array([d])
        settled = self._bet(slots, statistic, log_factors(_STAKES, statistic))
        n = self._columns["n"][slots]
        # Both divided before they are subtracted, against overflow.
        self._columns["mean_change"][slots] += change / n - self._columns["mean_change"][slots] / n
        return settled

    def _check(self, series: int) -> None:
        if not 0 <= series < len(self._slot):
            raise ValueError(f"series are numbered 0 to {len(self._slot) - 1} here, not {series!r}: call grow first")

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Return the whole state, triples under way included."""
        windows = [scale.window for scale in self._scale]
        return {
            **self._table_to_arrays(),
            "slot": np.array(self._slot, dtype=np.int64),
            "ended": np.array(self._ended, dtype=np.bool_),
            "taken": np.array(self._taken, dtype=np.int64),
            "sum": np.array(self._sum, dtype=np.float64),
            "start": np.array(self._start, dtype=np.float64),
            "skipped": self.skipped,
            "known": np.array([len(window) for window in windows], dtype=np.int64),
            "window": np.array([w + [0.0] * (WINDOW - len(w)) for w in windows], dtype=np.float64).reshape(-1, WINDOW),
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """Return the grid that `to_arrays` described, bit for bit.

        Raises:
            ValueError: the arrays do not describe one.
        """
        grid = cls._table_from_arrays(arrays)
        grid._slot = read_array(arrays, "slot", np.int64, (-1,)).tolist()
        shape = (len(grid._slot),)
        grid._ended = read_array(arrays, "ended", np.bool_, shape).tolist()
        grid._taken = read_array(arrays, "taken", np.int64, shape).tolist()
        grid._sum = read_array(arrays, "sum", np.float64, shape).tolist()
        grid._start = read_array(arrays, "start", np.float64, shape).tolist()
        grid._skipped = read_array(arrays, "skipped", np.int64, shape).tolist()
        known = read_array(arrays, "known", np.int64, shape).tolist()
        windows = read_array(arrays, "window", np.float64, (*shape, WINDOW)).tolist()
        grid._scale = [RunningScale(window[:size]) for window, size in zip(windows, known, strict=True)]
        if sorted(slot for slot in grid._slot if slot >= 0) != list(range(grid.slots)):
            raise ValueError("inference state has series and slots that do not belong together")
        return grid
