"""Confidence sequences: intervals for an effect that may be looked at after every act.

For each candidate b the outcomes minus b, scaled predictably, are bet against symmetry about 0 with a normal mixture of
stakes, whose closed form needs five sums: E(b) = sqrt(ρ/(V+ρ))·exp(S²/(2(V+ρ))), S = Σ(u−b)/σ̂, V = Σ((u−b)/σ̂)². The
interval is the hull of all b with E(b) < 1/α, found exactly: E has at most four turning points, roots of a quartic.

*Guaranteed*: if, given the past, u is symmetric about the true b, the sequence ever misses b with probability at most
α. With coin-flipped signs that holds for an effect that is the same in every act, whatever the noise; without a coin
it holds where the innovations are symmetric. *Measured* in benchmarks/inference_validity.py: misses and widths.

With a constant ρ every far b would be accepted, since (V, S² → ∞ together) E(b) → 0. So ρ(b) = ρ·(1 + ((b−b0)/s0)²),
with centre b0 and spread s0 fixed before the first outcome counted: each b is its own test, and its tuning may depend
on b. Then E(b) → sqrt(ρ/(n+ρ))·exp(n²/(2(n+ρ))) for far b, which rejects once there are about a dozen outcomes.

Source: de la Peña, Klass and Lai 2004; Howard, Ramdas, McAuliffe and Sekhon, arXiv 1808.03204 (sub-gaussian mixture).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.polynomial import polynomial

from memory.inference.state import State, read_count, read_number

__all__ = ["MIXTURE", "ConfidenceSequence"]

MIXTURE = 2.0
"""ρ: the number of outcomes, over about eight, at which the interval is tightest; small, since acts are dear."""


@dataclass(slots=True)
class ConfidenceSequence:
    """Five sums over the outcomes, from which E(b) of every b follows; all in units of s0 about b0."""

    n: int = 0
    """Outcomes counted: those whose spread was known before they were."""
    centre: float = 0.0
    """b0, the centre of the outcomes before the first counted."""
    unit: float = 0.0
    """s0, their spread; 0 until an outcome counts."""
    weight: float = 0.0
    """Σ s0/σ̂."""
    weight2: float = 0.0
    """Σ (s0/σ̂)²."""
    sum1: float = 0.0
    """Σ (u−b0)/σ̂."""
    cross: float = 0.0
    """Σ (u−b0)/σ̂ · s0/σ̂."""
    sum2: float = 0.0
    """Σ ((u−b0)/σ̂)²."""

    def update(self, outcome: float, centre: float, spread: float) -> None:
        """Count one outcome.

        Args:
            outcome: u, finite.
            centre: where it was expected, judged before it came.
            spread: σ̂, judged before it came; 0 means unknown, and the outcome is then not counted.

        Raises:
            ValueError: a number is not finite, or the spread is negative.
        """
        if not (math.isfinite(outcome) and math.isfinite(centre) and math.isfinite(spread)) or spread < 0.0:
            raise ValueError(
                f"an interval needs finite numbers and a spread >= 0, not {outcome!r}, {centre!r}, {spread!r}"
            )
        if spread == 0.0:
            return
        if self.n == 0:
            self.centre, self.unit = centre, spread
        weight = self.unit / spread
        deviation = (outcome - self.centre) / spread
        self.n += 1
        self.weight += weight
        self.weight2 += weight * weight
        self.sum1 += deviation
        self.cross += deviation * weight
        self.sum2 += deviation * deviation

    def log_e_at(self, value: float) -> float:
        """Return the log e-value against "the outcomes are symmetric about `value`".

        Args:
            value: the candidate b.
        """
        if self.n == 0:
            return 0.0
        return self._log_e((value - self.centre) / self.unit)

    def _log_e(self, t: float) -> float:
        s = self.sum1 - t * self.weight
        v = max(0.0, self.sum2 - 2.0 * t * self.cross + t * t * self.weight2)
        rho = MIXTURE * (1.0 + t * t)
        return s * s / (2.0 * (v + rho)) - 0.5 * math.log1p(v / rho)

    @property
    def estimate(self) -> float:
        """The weighted mean, where S = 0: always inside the interval. NaN while nothing was counted."""
        return self.centre + self.unit * self._best if self.n else math.nan

    @property
    def _best(self) -> float:
        return self.sum1 / self.weight

    @property
    def residual_variance(self) -> float:
        """Mean square of the standardised deviations from the estimate (n − 1 below); NaN with fewer than two."""
        if self.n < 2:
            return math.nan
        t = self._best
        return max(0.0, self.sum2 - 2.0 * t * self.cross + t * t * self.weight2) / (self.n - 1)

    @property
    def standard_error(self) -> float:
        """Standard error of the estimate, by the spread of the outcomes themselves; infinite with fewer than two."""
        if self.n < 2:
            return math.inf
        return self.unit * math.sqrt(self.residual_variance * self.n) / self.weight

    def interval(self, alpha: float = 0.05) -> tuple[float, float]:
        """Return the hull of all effects not rejected at `alpha`; infinite on a side where it has no end yet.

        Args:
            alpha: the probability with which the sequence may ever miss the truth.

        Raises:
            ValueError: `alpha` is not strictly between 0 and 1.
        """
        if not 0.0 < alpha < 1.0:
            raise ValueError(f"alpha must be strictly between 0 and 1, not {alpha!r}")
        limit = -math.log(alpha)
        total = self.weight2 + MIXTURE
        far = self.weight * self.weight / (2.0 * total) - 0.5 * math.log(total / MIXTURE)
        if self.n == 0 or far < limit:
            return -math.inf, math.inf
        best = self._best
        turns = self._turning_points(best)
        below = self._end(best, [t for t in reversed(turns) if t < best], -1.0, limit)
        above = self._end(best, [t for t in turns if t > best], 1.0, limit)
        estimate = self.estimate
        return min(estimate, self.centre + self.unit * below), max(estimate, self.centre + self.unit * above)

    def _turning_points(self, best: float) -> list[float]:
        """Return where E may turn, in order: the real roots of E' times 2ρ(V+ρ)², a quartic in t."""
        step = self._step(best)
        # In x = (t − best)/step all coefficients are of like size.
        s = np.array([0.0, -self.weight * step])
        rho = MIXTURE * np.array([1.0 + best * best, 2.0 * best * step, step * step])
        v = np.array(
            [
                self.sum2 - 2.0 * best * self.cross + best * best * self.weight2,
                2.0 * step * (best * self.weight2 - self.cross),
                step * step * self.weight2,
            ]
        )
        q = v + rho
        derivative = polynomial.polyder
        pull = 2.0 * s[1] * polynomial.polymul(s, q)
        pull = polynomial.polysub(pull, polynomial.polymul(polynomial.polymul(s, s), derivative(q)))[:3]
        shrink = polynomial.polysub(polynomial.polymul(derivative(rho), q), polynomial.polymul(derivative(q), rho))[:3]
        slope = polynomial.polyadd(polynomial.polymul(pull, rho), polynomial.polymul(shrink, q))
        largest = float(np.max(np.abs(slope)))
        if largest == 0.0 or not math.isfinite(largest):
            return []
        roots = polynomial.polyroots(polynomial.polytrim(slope / largest, 1e-300))
        # A double root may come back as a close complex pair: its real part costs nothing to look at.
        return sorted(best + step * float(root.real) for root in np.atleast_1d(roots))

    def _step(self, best: float) -> float:
        v = max(0.0, self.sum2 - 2.0 * best * self.cross + best * best * self.weight2)
        return math.sqrt(v + MIXTURE * (1.0 + best * best)) / self.weight

    def _end(self, best: float, turns: list[float], side: float, limit: float) -> float:
        """Return the outermost t of one side where E reaches its limit, seen from outside.

        `turns` run outwards. Between neighbours of them E is monotone, and it exceeds the limit at infinity.
        """
        inner, outer = best, math.nan
        for turn in turns:
            if self._log_e(turn) < limit:
                inner, outer = turn, math.nan
            elif math.isnan(outer):
                outer = turn
        if math.isnan(outer):
            reach = self._step(best)
            while True:
                outer = inner + side * reach
                if not math.isfinite(outer):
                    return outer
                if self._log_e(outer) >= limit:
                    break
                reach *= 2.0
        while True:
            middle = inner + (outer - inner) / 2.0
            if middle in (inner, outer):
                return outer
            if self._log_e(middle) < limit:
                inner = middle
            else:
                outer = middle

    def to_state(self) -> State:
        """Return the state as plain data."""
        return {
            "n": self.n,
            "centre": self.centre,
            "unit": self.unit,
            "weight": self.weight,
            "weight2": self.weight2,
            "sum1": self.sum1,
            "cross": self.cross,
            "sum2": self.sum2,
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        """Return the sequence that `to_state` described, bit for bit.

        Raises:
            ValueError: the data does not describe one.
        """
        return cls(
            n=read_count(state, "n"),
            centre=read_number(state, "centre"),
            unit=read_number(state, "unit"),
            weight=read_number(state, "weight"),
            weight2=read_number(state, "weight2"),
            sum1=read_number(state, "sum1"),
            cross=read_number(state, "cross"),
            sum2=read_number(state, "sum2"),
        )
