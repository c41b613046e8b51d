"""One paired hypothesis: does writing this storage move this metric, and which way?

Two kinds share the process and differ in what they feed it, the *signed outcome* u of an act (change of the metric
within the act, at the method's reference dose, on one sample; z = ±1 is the coin that chose the direction):

- `effect`, the odd part: u = z·change. *Guaranteed* when z was a coin with the logged propensity: under "the change
  does not depend on z" the bet is fair whatever the change, its history, its tails, or what else happened in the act.
- `impact`, the even part: u = change. *Guaranteed* under the same coin: a change that only swaps its sign with z (plus
  symmetric noise) is symmetric about 0. If z is always +1 it fails every time: an odd effect then looks like an impact.

Without a coin both hold only where the innovations are symmetric given the past (grade: observational). What is
guaranteed, with or without a smallest effect of interest δ, is the chance of *ever* exceeding a bound under
|effect| <= δ. Estimate and interval count acts with a fair coin (or none) only: after a lopsided one the outcomes are
not symmetric about the effect. Outcomes that are not finite are counted in `skipped` and are no evidence: where the
write itself can make the metric NaN, that is a selection no e-value undoes.
"""

from __future__ import annotations

import math
from typing import Self

import numpy as np

from memory.inference.intervals import ConfidenceSequence
from memory.inference.kernel import SignBet
from memory.inference.paired import LEAST_SPREAD, SIDES, Bets, PairedBlock
from memory.inference.scale import RunningScale

__all__ = ["PairedProcess"]

_SIDE_SHARE = 0.1
"""The part of an interval's error that each one-sided bet may spend."""


class PairedProcess:
    """One `effect` or `impact` hypothesis: a row of a `PairedBlock`, by itself or among others.

    Args:
        smallest_effect: δ: effects up to this size are not of interest, and are part of the null.
    """

    __slots__ = ("_block", "_row")

    def __init__(self, smallest_effect: float = 0.0) -> None:
        self._block, self._row = PairedBlock(), 0
        self._block.add(np.array([smallest_effect], dtype=np.float64))

    @classmethod
    def of(cls, block: PairedBlock, row: int) -> Self:
        """Return the row of a block, to be read and written through."""
        process = cls.__new__(cls)
        process._block, process._row = block, row
        return process

    def update(self, signed_outcome: float, propensity: float = 0.5) -> None:
        """Take the outcome of one act: first bet on it, then learn its scale.

        Args:
            signed_outcome: z·change for `effect`, change for `impact`.
            propensity: probability of the coin's arm that was drawn; 1/2 where there was no coin.

        Raises:
            ValueError: the propensity is not strictly between 0 and 1.
        """
        row, write = np.array([self._row]), np.zeros(1, dtype=np.int64)
        outcome, arm = np.array([float(signed_outcome)]), np.array([float(propensity)])
        self._block.update(Bets(row, outcome, arm, np.zeros((1, 2)), write, np.ones(1)))

    @property
    def smallest_effect(self) -> float:
        """δ: effects up to this size are not of interest, and are part of the null."""
        return float(self._block.row(self._row)[0])

    @property
    def n(self) -> int:
        """Finite outcomes seen."""
        return int(self._block.row(self._row)[1])

    @property
    def skipped(self) -> int:
        """Outcomes that were not finite."""
        return int(self._block.row(self._row)[2])

    @property
    def positives(self) -> int:
        """Outcomes above 0."""
        return int(self._block.row(self._row)[3])

    @property
    def negatives(self) -> int:
        """Outcomes below 0."""
        return int(self._block.row(self._row)[4])

    @property
    def total(self) -> float:
        """Sum of the outcomes, each over twice its propensity (Horvitz, Thompson): its mean is the effect per act."""
        return float(self._block.row(self._row)[5])

    @property
    def peak_log_e(self) -> float:
        """The largest log e-value ever reached; what the adjuster takes (multiplicity.adjust)."""
        return float(self._block.row(self._row)[6])

    @property
    def log_e(self) -> float:
        """Log e-value against "no effect larger than δ, either way"."""
        return float(self._block.row(self._row)[7])

    @property
    def e_value(self) -> float:
        """E-value against "no effect larger than δ, either way"; infinite beyond what a float holds."""
        log_e = self.log_e
        return math.exp(log_e) if log_e < 709.0 else math.inf

    @property
    def bet(self) -> SignBet:
        """The log-wealths, as they are now."""
        wealth = self._block.wealth[self._row].tolist()
        return SignBet(up=wealth[:SIDES], down=wealth[SIDES:])

    @property
    def scale(self) -> RunningScale:
        """The last outcomes, as they are now."""
        return RunningScale(self._block.scale.oldest_first(self._row))

    @property
    def sequence(self) -> ConfidenceSequence:
        """The sums of the interval, as they are now."""
        n, *sums = self._block.row(self._row)[8:16].tolist()
        return ConfidenceSequence(int(n), *sums)

    @property
    def direction(self) -> int:
        """The side with more evidence: +1, -1, or 0 where neither has more."""
        return self.bet.direction

    @property
    def estimate(self) -> float:
        """Estimated effect per act: the mean weighted by past spread, at first the plain one; NaN before any."""
        sequence = self.sequence
        if sequence.n:
            return sequence.estimate
        return self.total / self.n if self.n else math.nan

    @property
    def standard_error(self) -> float:
        """Standard error of the estimate (valid at a fixed n, unlike the interval); infinite with too few outcomes."""
        return self.sequence.standard_error

    @property
    def residual_sd(self) -> float:
        """Standard deviation of the next outcome about the estimate; NaN with too few outcomes."""
        scale = self.scale
        spread = scale.spread(self.smallest_effect)
        spread = max(spread, LEAST_SPREAD * abs(scale.centre())) if spread > 0.0 else 0.0
        return math.sqrt(self.sequence.residual_variance) * spread

    def interval(self, alpha: float = 0.05) -> tuple[float, float]:
        """Return a confidence sequence's interval for the effect per act; always holds the estimate.

        Most of `alpha` goes to the mixture of `intervals`, a tenth to each one-sided bet, which excludes everything up
        to δ on the other side where it holds enough evidence: it often does long before the mixture has any end.

        Args:
            alpha: the probability with which the sequence may ever miss the truth.

        Returns:
            Its ends, infinite where there is no end yet (below about a dozen outcomes, or if none ever moved).

        Raises:
            ValueError: `alpha` is not strictly between 0 and 1.
        """
        low, high = self.sequence.interval((1.0 - 2.0 * _SIDE_SHARE) * alpha)
        bound = -math.log(_SIDE_SHARE * alpha)
        bet = self.bet
        if bet.log_up >= bound:
            low = max(low, min(self.smallest_effect, self.estimate))
        if bet.log_down >= bound:
            high = min(high, max(-self.smallest_effect, self.estimate))
        return low, high
