"""Paired hypotheses by the row: every metric of one storage, bet on at once. What is guaranteed is said in `effects`.

One row is one hypothesis. Its numbers are the same, bit for bit, whichever rows are updated beside it.
"""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from memory.inference.kernel import LAMBDAS
from memory.inference.packed import Arrays
from memory.inference.scale import WINDOW
from memory.inference.scale_rows import Floats, Index, ScaleRows, centre_of, clipped_ratios, grown, size_of, spread_of

__all__ = ["LARGEST", "LEAST_SPREAD", "SIDES", "TELLING", "PairedBlock", "mixtures"]

LARGEST = 1e60
"""Beyond this size, squares of ratios could overflow; below its inverse a number counts as 0."""
LEAST_SPREAD = 0.25
"""The least spread that is believed, as a share of the centre."""
TELLING = 8
"""How many outcomes are remembered of each hypothesis: those that moved its evidence most."""

SIDES = len(LAMBDAS)
_STAKES = np.array([*LAMBDAS, *LAMBDAS])
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
) = range(16)
_SEQUENCE = slice(_COUNTED, _SUM2 + 1)


def mixtures(wealth: Floats) -> Floats:
    """Return log(mean(exp(row))) of each row, without overflow; the order of the stakes is fixed."""
    top = wealth.max(axis=1)
    mixed: Floats = top + np.log(np.exp(wealth - top[:, None]).sum(axis=1) / wealth.shape[1])
    return mixed


class PairedBlock:
    """Running state of many paired hypotheses: log-wealths, scales, confidence sequences, most telling outcomes.

    Args:
        smallest_effects: δ of each row there is at first.
        one_sided: whether only the upward side is bet on (statistics that are ±1 for moved or not).
    """

    def __init__(self, smallest_effects: Floats | None = None, *, one_sided: bool = False) -> None:
        self.one_sided = one_sided
        self.wealth: Floats = np.zeros((0, 2 * SIDES))
        """Log-wealths: upward stakes, then downward ones."""
        self.sums: Floats = np.zeros((0, _SUM2 + 1))
        self.scale = ScaleRows()
        self.telling: Index = np.zeros((0, TELLING, 3), dtype=np.int64)
        """Outcome, write and baseline positions of the most telling outcomes; 0 where there are not so many."""
        self.told: Floats = np.zeros((0, TELLING, 2))
        """Their signed outcomes, and what each did to the log e-value."""
        self.add(np.zeros(0) if smallest_effects is None else smallest_effects)

    def add(self, smallest_effects: Floats) -> None:
        """Add rows.

        Args:
            smallest_effects: δ of each: effects up to this size are part of the null.

        Raises:
            ValueError: one is negative, or not finite.
        """
        wrong = ~((smallest_effects >= 0.0) & (smallest_effects <= LARGEST))
        if wrong.any():
            given = float(smallest_effects[wrong][0])
            raise ValueError(f"the smallest effect of interest must be finite and >= 0, not {given!r}")
        first, rows = len(self.sums), len(self.sums) + len(smallest_effects)
        for name in ("wealth", "sums", "telling", "told"):
            setattr(self, name, grown(getattr(self, name), rows))
        self.scale.grow(rows)
        self.sums[first:, _DELTA] = smallest_effects

    def update(
        self,
        index: Index,
        outcomes: Floats,
        propensity: float,
        where: tuple[int, int, int] = (0, 0, 0),
        margin: Floats | None = None,
    ) -> Floats:
        """Take one signed outcome for each row named: first bet on it, then learn its scale.

        Args:
            index: distinct rows.
            outcomes: one for each; those that are not finite are counted, and are no evidence.
            propensity: probability of the coin's arm that was drawn; 1/2 where there was no coin.
            where: positions of the outcome, its write and its baseline.
            margin: how far each outcome may be off whatever the write did, judged before it came: part of the null,
                like δ, for this outcome.

        Returns:
            What this did to each log e-value.

        Raises:
            ValueError: the propensity is not strictly between 0 and 1.
        """
        if not 0.0 < propensity < 1.0:
            raise ValueError(f"the propensity of the arm drawn must be strictly between 0 and 1, not {propensity!r}")
        usable = np.abs(outcomes) <= LARGEST
        if not usable.all():
            self.sums[index[~usable], _SKIPPED] += 1.0
            factors = np.zeros(len(index))
            if usable.any():
                rest = None if margin is None else margin[usable]
                factors[usable] = self.update(index[usable], outcomes[usable], propensity, where, rest)
            return factors
        outcomes = np.where(np.abs(outcomes) < 1.0 / LARGEST, 0.0, outcomes)
        sums, windows = self.sums[index], self.scale.window[index]
        counts = np.minimum(self.scale.filled[index], WINDOW)
        delta, known = sums[:, _DELTA], counts > 0
        size = size_of(windows, delta)
        null = delta if margin is None else delta + margin
        factors = self._bet(index, sums, outcomes, null, np.where(known, size, np.inf), propensity)
        if propensity == 0.5:
            centre = centre_of(windows, counts)
            _count(sums, outcomes, centre, _believed(spread_of(windows, counts, centre, size, delta), centre))
        sums[:, _N] += 1.0
        sums[:, _POSITIVES] += outcomes > 0.0
        sums[:, _NEGATIVES] += outcomes < 0.0
        sums[:, _TOTAL] += outcomes / (2.0 * propensity)
        self.sums[index] = sums
        self.scale.add(index, outcomes)
        self._remember(index, outcomes, factors, where)
        return factors

    def _bet(
        self, index: Index, sums: Floats, outcomes: Floats, null: Floats, size: Floats, propensity: float
    ) -> Floats:
        """Bet on each outcome over its scale; an infinite scale, for unknown, bets nothing."""
        sides = np.empty((len(index), 2 * SIDES))
        sides[:, :SIDES] = clipped_ratios(outcomes - null, size)[:, None]
        sides[:, SIDES:] = clipped_ratios(-outcomes - null, size)[:, None]
        # 1/(q + (1-q)e^{-2λd}), written so that d = 0 gives exactly 0 and nothing cancels.
        gains = 0.0 - np.log1p((1.0 - propensity) * np.expm1(-2.0 * _STAKES * sides))
        if self.one_sided:
            gains[:, SIDES:] = 0.0
        wealth = self.wealth[index] + gains
        self.wealth[index] = wealth
        log_e = mixtures(wealth[:, :SIDES] if self.one_sided else wealth)
        factors: Floats = log_e - sums[:, _LOG_E]
        sums[:, _LOG_E] = log_e
        sums[:, _PEAK] = np.maximum(sums[:, _PEAK], log_e)
        return factors

    def _remember(self, index: Index, outcomes: Floats, factors: Floats, where: tuple[int, int, int]) -> None:
        """Keep the outcome where it tells more than the least telling of those kept."""
        kept = np.abs(self.told[index, :, 1])
        least = kept.argmin(axis=1)
        for at in np.flatnonzero(np.abs(factors) > kept[np.arange(len(index)), least]).tolist():
            row, place = index[at], least[at]
            self.telling[row, place] = where
            self.told[row, place] = outcomes[at], factors[at]

    @property
    def log_e(self) -> Floats:
        """Log e-value of every row."""
        return self.sums[:, _LOG_E]

    @property
    def peak_log_e(self) -> Floats:
        """Largest log e-value every row ever reached."""
        return self.sums[:, _PEAK]

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
        self.wealth[row], self.sums[row], self.telling[row], self.told[row] = 0.0, 0.0, 0, 0.0
        self.sums[row, _DELTA] = smallest_effect
        self.scale.clear(row)

    def summary(self) -> tuple[Floats, Floats, Floats]:
        """Return estimate, standard error and count of every row, as credences ask for them."""
        sums = self.sums
        n, weight = sums[:, _COUNTED], sums[:, _WEIGHT]
        with np.errstate(divide="ignore", invalid="ignore"):
            best = sums[:, _SUM1] / weight
            rest = sums[:, _SUM2] - 2.0 * best * sums[:, _CROSS] + best * best * sums[:, _WEIGHT2]
            variance = np.maximum(0.0, rest) / (n - 1.0)
            errors = np.where(n >= 2.0, sums[:, _UNIT] * np.sqrt(variance * n) / weight, np.inf)
            estimates = np.where(n > 0.0, sums[:, _CENTRE] + sums[:, _UNIT] * best, np.nan)
        return estimates, errors, n

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Return the state as arrays; what is not filled yet is left out."""
        filled = int(min(WINDOW, self.scale.filled.max(initial=0)))
        return {
            "one_sided": np.array([self.one_sided]),
            "wealth": self.wealth,
            "sums": self.sums,
            "window": self.scale.window[:, :filled],
            "filled": self.scale.filled,
            "telling": self.telling,
            "told": self.told,
        }

    @classmethod
    def from_arrays(cls, arrays: Arrays) -> Self:
        """Return the block that `to_arrays` described, bit for bit.

        Raises:
            ValueError: the arrays do not describe one.
        """
        rows = len(arrays["filled"]) if "filled" in arrays else 0
        for name in ("one_sided", "wealth", "sums", "window", "filled", "telling", "told"):
            if name not in arrays or len(arrays[name]) != (1 if name == "one_sided" else rows):
                raise ValueError(f"{name!r} is no part of a block of {rows} rows")
        block = cls(one_sided=bool(arrays["one_sided"][0]))
        for name in ("wealth", "sums", "telling", "told"):
            setattr(block, name, arrays[name])
        window = arrays["window"]
        block.scale.grow(len(window))
        block.scale.window[:, : window.shape[1]] = window
        block.scale.filled = arrays["filled"]
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
    over = np.where(counts, spread, 1.0)
    weight = np.where(counts, sums[:, _UNIT] / over, 0.0)
    deviation = np.where(counts, (outcomes - sums[:, _CENTRE]) / over, 0.0)
    sums[:, _COUNTED] += counts
    sums[:, _WEIGHT] += weight
    sums[:, _WEIGHT2] += weight * weight
    sums[:, _SUM1] += deviation
    sums[:, _CROSS] += deviation * weight
    sums[:, _SUM2] += deviation * deviation
