"""Does B tend to follow a metric's crossing of a high level, more than it precedes it?

Levels are three running quantiles (.8, .9, .95) of the metric's own last 256 values: known before the value that may
cross them, and nowhere tuned. An up-crossing is a value above the level when the value before was not. Per block of 64
cycles and level, d is that of `sequences`, with the up-crossings for A; five one-sided bets per level, all fifteen
wealths averaged, so the choice between levels is paid for.

*Guaranteed*: if, given all earlier blocks, a block's up-crossings and presences of B have together the same law read
backwards, the e-value ever reaches 20 with probability at most 1/20: the sign that the block would have read backwards
is then the same coin for all three levels. *Approximate*: up-crossings read backwards are down-crossings, so for a
metric unrelated to B this needs the up-crossings to have one law read either way (exact where each stay above the level
and the one below before it are independent); and see `sequences` about what a block's start gives away. *Measured* in
tests/unit/inference/test_inference_thresholds.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from memory.inference.arrays import read_array
from memory.inference.block_bets import Excluded, Floats, Ints, PairTable, Settled, allowed, log_factors
from memory.inference.kernel import LAMBDAS
from memory.inference.presence import Presence
from memory.inference.sequences import BLOCK, REACH, before_and_after, standardised

__all__ = ["FEWEST", "PAST", "QUANTILES", "ThresholdGrid"]

QUANTILES = (0.8, 0.9, 0.95)
"""The levels watched."""
PAST = 256
"""How many past values a level is judged from."""
FEWEST = 32
"""Below so many there is no level, and no crossing."""

_LEVELS = len(QUANTILES)


class ThresholdGrid(PairTable):
    """All pairs of a metric 0..M−1 and a category 0..C−1; d is the mean over the levels that had a coincidence."""

    WEALTHS = _LEVELS * len(LAMBDAS)

    def __init__(self) -> None:
        super().__init__()
        self._present = Presence(BLOCK)
        # Entity 3m + q is "metric m crosses level q".
        self._crossing = Presence(BLOCK)
        self._past: Floats = np.full((0, PAST), np.inf)
        self._seen: Ints = np.zeros(0, dtype=np.int64)
        self._skipped: Ints = np.zeros(0, dtype=np.int64)
        self._above: NDArray[np.bool_] = np.zeros((_LEVELS, 0), dtype=np.bool_)

    @property
    def metric(self) -> Ints:
        """The metric of each slot."""
        return self._key(0)

    @property
    def category(self) -> Ints:
        """The category of each slot."""
        return self._key(1)

    @property
    def skipped(self) -> Ints:
        """Values per metric that were no finite number, and counted for nothing."""
        return self._skipped.copy()

    def grow(self, metrics: int = 0, categories: int = 0, wait: bool = False) -> None:
        """Allocate more metrics and categories; see `Presence.grow`."""
        self._crossing.grow(_LEVELS * metrics, wait)
        self._present.grow(categories, wait)
        self._past = np.concatenate([self._past, np.full((metrics, PAST), np.inf)])
        self._seen = np.concatenate([self._seen, np.zeros(metrics, dtype=np.int64)])
        self._skipped = np.concatenate([self._skipped, np.zeros(metrics, dtype=np.int64)])
        # As if it had been above: the first value that has levels crosses nothing.
        self._above = np.concatenate([self._above, np.ones((_LEVELS, metrics), dtype=np.bool_)], axis=1)
        self._make_room(len(self._seen), self._present.count)

    def end_metric(self, metric: int) -> None:
        """Let a metric take part no more, the block under way included."""
        for level in range(_LEVELS):
            self._crossing.end(_LEVELS * metric + level)

    def end_category(self, category: int) -> None:
        """Let a category take part no more, the block under way included."""
        self._present.end(category)

    def cycle(
        self, values: Mapping[int, float] | Floats, present: Sequence[int], excluded: Excluded | None = None
    ) -> Settled | None:
        """Take one cycle.

        Args:
            values: each metric's value in it, where there was one; or all of them in order, NaN for none.
            present: the categories that occurred in it.
            excluded: asked at the block's end about (metrics, categories).

        Returns:
            What a block's end settled, for the pairs with any coincidence; None within a block.

        Raises:
            ValueError: there is no such metric or category.
        """
        if isinstance(values, Mapping):
            metrics = np.fromiter(values, dtype=np.int64, count=len(values))
            numbers = np.fromiter(values.values(), dtype=np.float64, count=len(values))
        else:
            metrics = np.flatnonzero(~np.isnan(values))
            numbers = np.asarray(values, dtype=np.float64)[metrics]
        if len(metrics) and not (metrics.min() >= 0 and metrics.max() < len(self._seen)):
            raise ValueError(
                f"metrics are numbered 0 to {len(self._seen) - 1} here, not {metrics.tolist()}: call grow first"
            )
        self._present.step(present)
        if not self._crossing.step(self._crossings(metrics, numbers)):
            return None
        settled = self._settle(excluded)
        self._present.close()
        self._crossing.close()
        return settled

    def _crossings(self, metrics: Ints, numbers: Floats) -> list[int]:
        finite = np.isfinite(numbers)
        if not finite.all():
            self._skipped[metrics[~finite]] += 1
            metrics, numbers = metrics[finite], numbers[finite]
        seen = self._seen[metrics]
        past = self._past[metrics]
        # Above a quantile of the past is above so many of its values; the room not yet filled is infinite.
        below = (past < numbers[:, None]).sum(axis=1)
        known = seen >= FEWEST
        need = np.multiply.outer(np.array(QUANTILES), np.minimum(seen, PAST))
        above = below >= need
        was_above = self._above[:, metrics]
        level, which = np.nonzero(above & ~was_above & known)
        self._above[:, metrics] = np.where(known, above, was_above)
        self._past[metrics, seen % PAST] = numbers
        self._seen[metrics] = seen + 1
        crossing: list[int] = (_LEVELS * metrics[which] + level).tolist()
        return crossing

    def _settle(self, excluded: Excluded | None) -> Settled:
        crossings, crossed = self._crossing.block()
        categories, there = self._present.block()
        before, after = before_and_after(there)
        metrics, place = np.unique(crossings // _LEVELS, return_inverse=True)
        follows, precedes = np.zeros((2, _LEVELS, len(metrics), len(categories)), dtype=np.float32)
        occurs = crossed[REACH:-REACH].T
        follows[crossings % _LEVELS, place] = occurs @ after
        precedes[crossings % _LEVELS, place] = occurs @ before
        coincident = follows + precedes > 0.0
        one, other = np.nonzero(coincident.any(axis=0))
        keep = allowed(excluded, metrics[one], categories[other])
        if keep is not None:
            one, other = one[keep], other[keep]
        d = standardised(follows[:, one, other], precedes[:, one, other])
        factors = log_factors(LAMBDAS, d).reshape(self.WEALTHS, len(one))
        mean = d.sum(axis=0) / coincident[:, one, other].sum(axis=0)
        return self._bet(self._locate(metrics[one], categories[other]), mean, factors)

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Return the whole state, block under way included."""
        return {
            **self._table_to_arrays(),
            **self._present.to_arrays("present"),
            **self._crossing.to_arrays("crossing"),
            "past": self._past.copy(),
            "seen": self._seen.copy(),
            "skipped": self._skipped.copy(),
            "above": self._above.copy(),
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """Return the grid that `to_arrays` described, bit for bit.

        Raises:
            ValueError: the arrays do not describe one.
        """
        grid = cls._table_from_arrays(arrays)
        grid._present = Presence.from_arrays(BLOCK, arrays, "present")
        grid._crossing = Presence.from_arrays(BLOCK, arrays, "crossing")
        metrics = grid._crossing.count // _LEVELS
        grid._past = read_array(arrays, "past", np.float64, (metrics, PAST))
        grid._seen = read_array(arrays, "seen", np.int64, (metrics,))
        grid._skipped = read_array(arrays, "skipped", np.int64, (metrics,))
        grid._above = read_array(arrays, "above", np.bool_, (_LEVELS, metrics))
        grid._restore_index(metrics, grid._present.count)
        return grid
