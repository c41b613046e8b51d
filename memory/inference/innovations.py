"""What a reading says that its past did not: forecasts of many series at once, and what is left of each reading.

    forecast = level + drift + a1·d1 + a2·d2 + the change that known writes are expected to make

d is a reading minus its level and drift, d1 and d2 the last two; the level follows by 0.3·d and the drift by 0.02·d
(exponential smoothing with a trend, Holt 1957), and a1, a2 are least squares of d on d1, d2 with forgetting and a small
ridge, held inside the stationary triangle. All of it works in units of the running scale and clips, so that one outlier
neither moves a level far nor makes a coefficient. Three large residuals in a row on one side, or one beyond a thousand
scales (a change of unit), are a new level, taken at once; and what mostly stands still is expected to stand still, so
that a step is one innovation and not a tail of them.

*Guaranteed*: predictable. Forecast and scale of a reading use strictly earlier readings, so where the reading is
symmetric about its forecast given the past, u is symmetric about 0. That a real series is so is only *measured*.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from memory.inference.packed import Arrays
from memory.inference.scale import CLIP
from memory.inference.scale_rows import ScaleRows, grown

__all__ = ["Innovations", "Step"]

Floats = NDArray[np.float64]
Index = NDArray[np.int64]
Truths = NDArray[np.bool_]

GAIN = 0.3
"""How much of a deviation its level follows."""
DRIFT_GAIN = 0.02
"""How much of a deviation its drift follows."""
FORGETTING = 0.99
"""What a reading's weight in the coefficients is worth one reading later."""
RIDGE = 2.0
"""Squared scales by which the coefficients are pulled to 0: about one reading's worth."""
STATIONARY = 0.98
"""How far towards the edge of the stationary triangle the coefficients may go."""
LAG_CLIP = 6.0
"""Largest deviation, in scales, that moves a level or is remembered: those of a wandering series are larger than u."""
PRESSURE = 5.0
"""Where the sum of u, halved at every reading, means a new level: about three clipped in a row on one side."""
JUMP = 1000.0
"""The deviation, in scales, that means a new level by itself."""
STILL_GAIN = 0.1
"""How fast the share of readings equal to the one before them is learned; over one half, a series stands still."""

_LARGEST = 1e60
"""Beyond this size a reading is no number to reckon with: squares of ratios could overflow."""
_LEAST = 1e-200
"""What a scale of 0 is divided by: what is not 0 then counts as large, and 0/0 is 0."""

_LEVEL, _VALUE, _STILL, _DRIFT, _LAST, _BEFORE, _PRESSED, _A1, _A2 = range(9)
_MEMORY = slice(_DRIFT, _PRESSED + 1)
"""What a new level wipes out."""
_STANDING = slice(_LEVEL, _PRESSED + 1)
"""What a forecast starts from."""
_MOMENTS = slice(9, 14)
"""Weighted sums of d·d1, d1², d1·d2, d·d2, d2², in squared scales."""


@dataclass(frozen=True, slots=True)
class Step:
    """What one reading of some series said; arrays in the order of its index."""

    forecast: Floats
    """What was expected; NaN for a series that was never read."""
    residual: Floats
    """Reading minus forecast, raw; 0 where `known` is not."""
    scale: Floats
    """How large a residual was expected to be; 0 while nothing ever moved."""
    u: Floats
    """residual/scale within ±3; 0 where `known` is not."""
    adjustment: Floats
    """The change that known writes were expected to make; 0 where `known` is not."""
    stays: Floats
    """How much of its last deviations a series was expected to keep: the forecast beyond level, drift and writes."""
    known: Truths
    """Whether there was a reading, a forecast and a past to judge it by; elsewhere there is no innovation."""

    @property
    def unadjusted(self) -> Floats:
        """Residual of a forecast that knows of no write: what write effects are learned from."""
        return self.residual + self.adjustment


class Innovations:
    """Levels, coefficients and scales of a growing set of series; O(1) per series and reading."""

    def __init__(self, series: int = 0) -> None:
        self.seen: Index = np.zeros(series, dtype=np.int64)
        """Readings of each series that were finite."""
        self.skipped: Index = np.zeros(series, dtype=np.int64)
        """Readings of each series that were not."""
        self._state: Floats = np.zeros((_MOMENTS.stop, series))
        self._scale = ScaleRows(series)

    def grow(self, count: int) -> None:
        """Have at least so many series."""
        added = count - len(self.seen)
        if added > 0:
            self.seen, self.skipped = grown(self.seen, count), grown(self.skipped, count)
            self._state = np.concatenate([self._state, np.zeros((len(self._state), added))], axis=1)
            self._scale.grow(count)

    def update(
        self, index: Index, values: Floats, adjustment: Floats | None = None, broken: Truths | None = None
    ) -> Step:
        """Take one reading of some series: first say what it was against its forecast, then learn from it.

        Args:
            index: which series were read; distinct.
            values: their readings. One that is not finite teaches nothing, and its level moves by the adjustment alone.
            adjustment: the change since the last reading that known writes are expected to make. The level keeps it.
                Where it is not finite, something was written and nobody can say what to expect: as `broken`.
            broken: where the reading is no continuation of the last: it is the new level, and no innovation.
        """
        usable = np.abs(values) <= _LARGEST
        regular = usable & (self.seen[index] > 1)
        if adjustment is None:
            adjustment = np.zeros(len(index))
        else:
            regular &= np.abs(adjustment) <= _LARGEST
        if broken is not None:
            regular &= ~broken
        if regular.all():
            return self._continue(index, values, adjustment, regular)
        forecast, adjusted, residual, scale, u, stays = np.zeros((6, len(index)))
        if regular.any():
            step = self._continue(index[regular], values[regular], adjustment[regular], regular[regular])
            forecast[regular], adjusted[regular], residual[regular] = step.forecast, step.adjustment, step.residual
            scale[regular], u[regular], stays[regular] = step.scale, step.u, step.stays
        other = ~regular
        breaks = np.zeros(len(index), dtype=np.bool_) if broken is None else broken
        forecast[other] = self._begin(index[other], values[other], adjustment[other], usable[other], breaks[other])
        return Step(forecast, residual, scale, u, adjusted, stays, regular)

    def _begin(self, index: Index, values: Floats, adjustment: Floats, usable: Truths, broken: Truths) -> Floats:
        """Take readings that are no innovations: the first two, those after a break, and those that are no number."""
        state, seen = self._state[:, index], self.seen[index]
        expectable = np.abs(adjustment) <= _LARGEST
        moved = state[_LEVEL] + np.where(expectable, adjustment, 0.0)
        expected = moved + state[_DRIFT]
        second = usable & (seen == 1) & expectable & ~broken
        rebased = usable & ~second
        values = np.where(usable, values, moved)
        d = np.where(second, values - expected, 0.0)
        forecast = np.where(seen > 0, expected + state[_A1] * state[_LAST] + state[_A2] * state[_BEFORE], np.nan)
        state[_LEVEL] = np.where(second, expected + 0.5 * d, values)
        state[_VALUE] = np.where(usable, values, state[_VALUE])
        state[_MEMORY, rebased] = 0.0
        self._state[:, index] = state
        self.seen[index] = seen + usable
        self.skipped[index] += ~usable
        self._learn_scale(index, d)
        return forecast

    def _continue(self, index: Index, values: Floats, adjustment: Floats, known: Truths) -> Step:
        """Take readings that go on from at least two others."""
        state = self._state[:, index]
        expected = state[_LEVEL] + state[_DRIFT] + adjustment
        forecast = expected + (state[_A1] * state[_LAST] + state[_A2] * state[_BEFORE])
        residual = values - forecast
        scale = self._scale.centre(index)
        divisor = np.maximum(scale, _LEAST)
        u = np.minimum(np.maximum(residual / divisor, -CLIP), CLIP)

        lags = np.empty((3, len(index)))
        lags[0] = values - expected
        lags[1:] = state[_LAST : _BEFORE + 1]
        lags /= divisor
        far = np.abs(lags[0]) > JUMP
        lags = np.minimum(np.maximum(lags, -LAG_CLIP), LAG_CLIP)
        _learn_coefficients(state, lags)
        d = lags[0] * scale
        state[_BEFORE] = state[_LAST]
        state[_LAST] = d
        state[_LEVEL] = expected + GAIN * d
        state[_DRIFT] += DRIFT_GAIN * d
        state[_PRESSED] *= 0.5
        state[_PRESSED] += u
        state[_STILL] += STILL_GAIN * ((values == state[_VALUE]) - state[_STILL])
        state[_VALUE] = values
        anew = (np.abs(state[_PRESSED]) >= PRESSURE) | far | (state[_STILL] > 0.5)
        if anew.any():
            state[_LEVEL, anew] = values[anew]
            state[_MEMORY, anew] = 0.0
        self._state[:, index] = state
        self.seen[index] += 1
        self._learn_scale(index, residual)
        return Step(forecast, residual, scale, u, adjustment, forecast - expected, known)

    def _learn_scale(self, index: Index, residual: Floats) -> None:
        """Remember the sizes of residuals; one of 0 says that nothing moved, not how far things move when they do."""
        sizes = np.abs(residual)
        if not sizes.all():
            index, sizes = index[sizes > 0.0], sizes[sizes > 0.0]
        if len(index):
            self._scale.add(index, sizes)

    def levels(self) -> Floats:
        """Return where every series stands, to be put back if what is written from now on is taken back.

        NaN for a series that was never read.
        """
        return np.where(self.seen > 0, self._state[_STANDING], np.nan)

    def put_back(self, levels: Floats) -> None:
        """Let series stand where they stood; what was learned of coefficients and scales stays.

        Args:
            levels: what `levels` gave; series that stood nowhere then, or came since, keep their own.
        """
        stood = np.flatnonzero(np.isfinite(levels[0]))
        self._state[_STANDING, stood] = levels[:, stood]

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Return the state as arrays; a copy."""
        scale = {f"scale.{name}": array.copy() for name, array in self._scale.to_arrays().items()}
        return {"seen": self.seen.copy(), "skipped": self.skipped.copy(), "state": self._state.copy(), **scale}

    @classmethod
    def from_arrays(cls, arrays: Arrays) -> Self:
        """Return the series that `to_arrays` described, bit for bit.

        Raises:
            ValueError: the arrays do not describe one.
        """
        innovations = cls()
        innovations.seen, innovations.skipped = arrays["seen"].copy(), arrays["skipped"].copy()
        innovations._state = arrays["state"].copy()
        shape = innovations._state.shape
        if shape != (_MOMENTS.stop, len(innovations.seen)):
            raise ValueError(f"{len(innovations.seen)} series are kept in {_MOMENTS.stop} numbers each, not {shape}")
        names = ("window", "filled")
        innovations._scale = ScaleRows.from_arrays({name: arrays[f"scale.{name}"].copy() for name in names})
        return innovations


def _learn_coefficients(state: Floats, lags: Floats) -> None:
    """Let least squares of d on d1 and d2 take one more reading, in closed form: two unknowns need no recursion.

    Args:
        state: the series' columns; moments and coefficients are replaced.
        lags: d, d1 and d2, clipped, in units of the scale.
    """
    moments = state[_MOMENTS]
    moments *= FORGETTING
    moments[:3] += lags[1] * lags
    moments[3:] += lags[2] * lags[::2]
    cross = moments[2]
    diagonal = moments[1::3] + RIDGE
    coefficients = diagonal[::-1] * moments[::3] - cross * moments[3::-3]
    coefficients /= diagonal[0] * diagonal[1] - cross * cross
    second = np.minimum(np.maximum(coefficients[1], -STATIONARY), STATIONARY)
    edge = STATIONARY - second
    state[_A1] = np.minimum(np.maximum(coefficients[0], -edge), edge)
    state[_A2] = second
