"""Paired hypotheses by the row: whatever one evaluation bears on, bet on at once. What is guaranteed: see `effects`.

One row is one hypothesis. Its numbers are the same, bit for bit, whichever rows are updated beside it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from memory.inference.kernel import LAMBDAS
from memory.inference.packed import Arrays
from memory.inference.scale import WINDOW
from memory.inference.scale_rows import Floats, Index, ScaleRows, centre_of, clipped_ratios, grown, size_of, spread_of

__all__ = ["LARGEST", "LEAST_SPREAD", "SIDES", "TELLING", "Bets", "PairedBlock", "mixtures"]

LARGEST = 1e60
"""Beyond this size, squares of ratios could overflow; below its inverse a number counts as 0."""
LEAST_SPREAD = 0.25
"""The least spread that is believed, as a share of the centre."""
TELLING = 8
"""How many outcomes are remembered of each hypothesis: those that moved its evidence most."""

SIDES = len(LAMBDAS)
_STAKES = np.array([*LAMBDAS, *LAMBDAS])
_ROOM = 64
# Columns of `sums`.
(
    _DELTA,
    _N,
    _SKIPPED,
    _POSITIVES,
    _NEGATIVES,
    _TOTAL,
    _PEAK,
    _LOG_E,
    _COUNTED,
    _CENTRE,
    _UNIT,
    _WEIGHT,
    _WEIGHT2,
    _SUM1,
    _CROSS,
    _SUM2,
    _ONE_SIDED,
) = range(17)
_TABLES = ("wealth", "sums", "telling", "told")


def mixtures(wealth: Floats) -> Floats:
    """Return log(mean(exp(row))) of each row, without overflow; the order of the stakes is fixed."""
    top = wealth.max(axis=1)
    mixed: Floats = top + np.log(np.exp(wealth - top[:, None]).sum(axis=1) / wealth.shape[1])
    return mixed


@dataclass(frozen=True, slots=True)
class Bets:
    """Signed outcomes, one for each of some rows, and what was fixed before they came."""

    index: Index
    """Distinct rows."""
    outcomes: Floats
    """Those that are not finite are counted, and are no evidence."""
    propensity: Floats
    """Probability of the coin's arm that was drawn; 1/2 where there was no coin."""
    margin: Floats
    """How far each outcome may be off whatever the write did, upwards and downwards (two columns): part of the null,
    like δ, for this outcome."""
    writes: Index
    """Position of the write that each outcome is of."""
    restless: Floats
    """How many times as large as usual an outcome was expected to be, whatever the write did."""
    position: int = 0
    """Position of the outcomes."""
    baseline: int = 0
    """Position of what they are compared with."""

    def only(self, chosen: NDArray[np.bool_]) -> Bets:
        """Return some of them."""
        return Bets(
            self.index[chosen],
            self.outcomes[chosen],
            self.propensity[chosen],
            self.margin[chosen],
            self.writes[chosen],
            self.restless[chosen],
            self.position,
            self.baseline,
        )


class PairedBlock:
    """Running state of many paired hypotheses: log-wealths, scales, confidence sequences, most telling outcomes."""

    def __init__(self) -> None:
        self.rows = 0
        """How many hypotheses there are; the tables have room for more."""
        self.wealth: Floats = np.zeros((0, 2 * SIDES))
        """Log-wealths: upward stakes, then downward ones."""
        self.sums: Floats = np.zeros((0, _ONE_SIDED + 1))
        self.scale = ScaleRows()
        self.telling: Index = np.zeros((0, TELLING, 3), dtype=np.int64)
        """Outcome, write and baseline positions of the most telling outcomes; 0 where there are not so many."""
        self.told: Floats = np.zeros((0, TELLING, 2))
        """Their signed outcomes, and what each did to the log e-value."""

    def add(self, smallest_effects: Floats, *, one_sided: bool = False) -> None:
        """Add rows.

        Args:
            smallest_effects: δ of each: effects up to this size are part of the null.
            one_sided: whether only the upward side is bet on (statistics that are ±1 for moved or not).

        Raises:
            ValueError: one is negative, or not finite.
        """
        wrong = ~((smallest_effects >= 0.0) & (smallest_effects <= LARGEST))
        if wrong.any():
            given = float(smallest_effects[wrong][0])
            raise ValueError(f"the smallest effect of interest must be finite and >= 0, not {given!r}")
        first, self.rows = self.rows, self.rows + len(smallest_effects)
        if self.rows > len(self.sums):
            room = max(self.rows, 2 * len(self.sums), _ROOM)
            for name in _TABLES:
                setattr(self, name, grown(getattr(self, name), room))
            self.scale.grow(room)
        self.sums[first : self.rows, _DELTA] = smallest_effects
        self.sums[first : self.rows, _ONE_SIDED] = one_sided

    def update(self, bets: Bets) -> Floats:
        """Take outcomes: first bet on each, then learn its scale.

        Returns:
            What each did to the log e-value of its row.

        Raises:
            ValueError: a propensity is not strictly between 0 and 1.
        """
        index, outcomes, propensity = bets.index, bets.outcomes, bets.propensity
        if not ((propensity > 0.0) & (propensity < 1.0)).all():
            wrong = float(propensity[~((propensity > 0.0) & (propensity < 1.0))][0])
            raise ValueError(f"the propensity of the arm drawn must be strictly between 0 and 1, not {wrong!r}")
        sizes = np.abs(outcomes)
        usable = sizes <= LARGEST
        if not usable.all():
            self.sums[index[~usable], _SKIPPED] += 1.0
            factors = np.zeros(len(index))
            if usable.any():
                factors[usable] = self.update(bets.only(usable))
            return factors
        if (sizes < 1.0 / LARGEST).any():
            outcomes = np.where(sizes < 1.0 / LARGEST, 0.0, outcomes)
        sums, windows, filled = self.sums[index], self.scale.window[index], self.scale.filled[index]
        counts = np.minimum(filled, WINDOW)
        delta = sums[:, _DELTA]
        restless = bets.restless
        size = np.maximum(size_of(windows) * restless, delta)
        if not counts.all():
            size[counts == 0] = np.inf
        factors = self._bet(index, sums, outcomes, delta[:, None] + bets.margin, size, propensity)
        centre = centre_of(windows, counts)
        spread = np.maximum(spread_of(windows, counts, centre, size / restless) * restless, delta)
        spread = _believed(np.where(counts < 3, 0.0, spread), centre)
        _count(sums, outcomes, centre, np.where(propensity == 0.5, spread, 0.0))
        sums[:, _N] += 1.0
        sums[:, _POSITIVES] += outcomes > 0.0
        sums[:, _NEGATIVES] += outcomes < 0.0
        sums[:, _TOTAL] += outcomes / (2.0 * propensity)
        self.sums[index] = sums
        self.scale.window[index, filled % WINDOW] = outcomes / restless
        self.scale.filled[index] = filled + 1
        self._remember(bets, outcomes, factors)
        return factors

    def _bet(
        self, index: Index, sums: Floats, outcomes: Floats, null: Floats, size: Floats, propensity: Floats
    ) -> Floats:
        """Bet on each outcome over its scale; an infinite scale, for unknown, bets nothing."""
        sides = np.empty((len(index), 2, SIDES))
        sides[:, 0] = clipped_ratios(outcomes - null[:, 0], size)[:, None]
        sides[:, 1] = clipped_ratios(-outcomes - null[:, 1], size)[:, None]
        # 1/(q + (1-q)e^{-2λd}), written so that d = 0 gives exactly 0 and nothing cancels.
        gains = 0.0 - np.log1p((1.0 - propensity)[:, None] * np.expm1(-2.0 * _STAKES * sides.reshape(len(index), -1)))
        one_sided = sums[:, _ONE_SIDED] != 0.0
        if one_sided.any():
            gains[one_sided, SIDES:] = 0.0
        wealth = self.wealth[index] + gains
        self.wealth[index] = wealth
        log_e = mixtures(wealth)
        if one_sided.any():
            log_e[one_sided] = mixtures(wealth[one_sided, :SIDES])
        factors: Floats = log_e - sums[:, _LOG_E]
        sums[:, _LOG_E] = log_e
        sums[:, _PEAK] = np.maximum(sums[:, _PEAK], log_e)
        return factors

    def _remember(self, bets: Bets, outcomes: Floats, factors: Floats) -> None:
        """Keep each outcome where it tells more than the least telling of those kept."""
        index = bets.index
        kept = np.abs(self.told[index, :, 1])
        least = kept.argmin(axis=1)
        more = np.flatnonzero(np.abs(factors) > kept.min(axis=1))
        if len(more):
            rows, places = index[more], least[more]
            self.telling[rows, places, 0], self.telling[rows, places, 2] = bets.position, bets.baseline
            self.telling[rows, places, 1] = bets.writes[more]
            self.told[rows, places, 0], self.told[rows, places, 1] = outcomes[more], factors[more]

    @property
    def log_e(self) -> Floats:
        """Log e-value of every row."""
        return self.sums[: self.rows, _LOG_E]

    @property
    def peak_log_e(self) -> Floats:
        """Largest log e-value every row ever reached."""
        return self.sums[: self.rows, _PEAK]

    def row(self, row: int) -> Floats:
        """Return the sums of one row, in the order of `effects.PairedProcess`."""
        found: Floats = self.sums[row]
        return found

    def renew(self, row: int, smallest_effect: float) -> None:
        """Put one row back to its beginning: evidence 1, nothing learned.

        Args:
            row: which.
            smallest_effect: its δ from now on.
        """
        one_sided = self.sums[row, _ONE_SIDED]
        self.wealth[row], self.sums[row], self.telling[row], self.told[row] = 0.0, 0.0, 0, 0.0
        self.sums[row, _DELTA], self.sums[row, _ONE_SIDED] = smallest_effect, one_sided
        self.scale.clear(row)

    def summary(self, index: Index) -> tuple[Floats, Floats, Floats]:
        """Return estimate, standard error and count of some rows, as credences ask for them."""
        sums = self.sums[index]
        n, weight = sums[:, _COUNTED], sums[:, _WEIGHT]
        with np.errstate(divide="ignore", invalid="ignore"):
            best = sums[:, _SUM1] / weight
            rest = sums[:, _SUM2] - 2.0 * best * sums[:, _CROSS] + best * best * sums[:, _WEIGHT2]
            variance = np.maximum(0.0, rest) / (n - 1.0)
            errors = np.where(n >= 2.0, sums[:, _UNIT] * np.sqrt(variance * n) / weight, np.inf)
            estimates = np.where(n > 0.0, sums[:, _CENTRE] + sums[:, _UNIT] * best, np.nan)
        return estimates, errors, n

    def to_arrays(self, first: int = 0, last: int | None = None) -> dict[str, NDArray[Any]]:
        """Return the state of some rows as arrays, all of them by default; what is not filled yet is left out."""
        rows = slice(first, self.rows if last is None else min(last, self.rows))
        filled = self.scale.filled[rows]
        arrays: dict[str, NDArray[Any]] = {name: getattr(self, name)[rows] for name in _TABLES}
        window = self.scale.window[rows, : int(min(WINDOW, filled.max(initial=0)))]
        return arrays | {"window": window, "filled": filled}

    def append(self, arrays: Arrays) -> None:
        """Take up the rows that another's `to_arrays` described, after those there are, bit for bit.

        Raises:
            ValueError: the arrays do not describe any.
        """
        rows_given = len(arrays["filled"]) if "filled" in arrays else 0
        for name in (*_TABLES, "window", "filled"):
            if name not in arrays or len(arrays[name]) != rows_given:
                raise ValueError(f"{name!r} is no part of a block of {rows_given} rows")
        first = self.rows
        self.add(np.zeros(len(arrays["sums"])))
        rows = slice(first, self.rows)
        for name in _TABLES:
            getattr(self, name)[rows] = arrays[name]
        window = arrays["window"]
        self.scale.window[rows, : window.shape[1]] = window
        self.scale.filled[rows] = arrays["filled"]

    @classmethod
    def from_arrays(cls, arrays: Arrays) -> Self:
        """Return the block that `to_arrays` described, bit for bit.

        Raises:
            ValueError: the arrays do not describe one.
        """
        block = cls()
        block.append(arrays)
        return block


def _believed(spread: Floats, centre: Floats) -> Floats:
    """Return the spread that weighs the next outcome, never below a quarter of the centre once it is known.

    The first outcomes may all come from one side of a coin, and agree by accident: their spread would give them
    the weight of hundreds.
    """
    return np.where(spread > 0.0, np.maximum(spread, LEAST_SPREAD * np.abs(centre)), 0.0)


def _count(sums: Floats, outcomes: Floats, centre: Floats, spread: Floats) -> None:
    """Count outcomes into the confidence sequences (`intervals.ConfidenceSequence.update`, by the row)."""
    counts = spread > 0.0
    fresh = counts & (sums[:, _COUNTED] == 0.0)
    if fresh.any():
        sums[fresh, _CENTRE], sums[fresh, _UNIT] = centre[fresh], spread[fresh]
    if counts.all():
        weight = sums[:, _UNIT] / spread
        deviation = (outcomes - sums[:, _CENTRE]) / spread
    else:
        over = np.where(counts, spread, 1.0)
        weight = np.where(counts, sums[:, _UNIT] / over, 0.0)
        deviation = np.where(counts, (outcomes - sums[:, _CENTRE]) / over, 0.0)
    sums[:, _COUNTED] += counts
    sums[:, _WEIGHT] += weight
    sums[:, _WEIGHT2] += weight * weight
    sums[:, _SUM1] += deviation
    sums[:, _CROSS] += deviation * weight
    sums[:, _SUM2] += deviation * deviation
