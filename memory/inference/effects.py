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
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from memory.inference.intervals import ConfidenceSequence
from memory.inference.kernel import SignBet
from memory.inference.scale import RunningScale, clipped_ratio
from memory.inference.state import State, read_count, read_number, read_part

__all__ = ["PairedProcess"]

_LARGEST = 1e60
"""Beyond this size, squares of ratios could overflow; below its inverse a number counts as 0."""
_LEAST_SPREAD = 0.25
"""The least spread that is believed, as a share of the centre."""
_SIDE_SHARE = 0.1
"""The part of an interval's error that each one-sided bet may spend."""


@dataclass(slots=True)
class PairedProcess:
    """The running state of one `effect` or `impact` hypothesis: an e-process, a scale and a confidence sequence."""

    smallest_effect: float = 0.0
    """δ: effects up to this size are not of interest, and are part of the null."""
    n: int = 0
    """Finite outcomes seen."""
    skipped: int = 0
    """Outcomes that were not finite."""
    positives: int = 0
    """Outcomes above 0."""
    negatives: int = 0
    """Outcomes below 0."""
    total: float = 0.0
    """Sum of the outcomes, each over twice its propensity (Horvitz and Thompson): its mean is the effect per act."""
    peak_log_e: float = 0.0
    """The largest log e-value ever reached; what the adjuster takes (multiplicity.adjust)."""
    bet: SignBet = field(default_factory=SignBet)
    """The log-wealths."""
    scale: RunningScale = field(default_factory=RunningScale)
    """The last outcomes."""
    sequence: ConfidenceSequence = field(default_factory=ConfidenceSequence)
    """The sums of the interval."""

    def __post_init__(self) -> None:
        if not 0.0 <= self.smallest_effect <= _LARGEST:
            raise ValueError(f"the smallest effect of interest must be finite and >= 0, not {self.smallest_effect!r}")

    def update(self, signed_outcome: float, propensity: float = 0.5) -> None:
        """Take the outcome of one act: first bet on it, then learn its scale.

        Args:
            signed_outcome: z·change for `effect`, change for `impact`.
            propensity: probability of the coin's arm that was drawn; 1/2 where there was no coin.

        Raises:
            ValueError: the propensity is not strictly between 0 and 1.
        """
        if not 0.0 < propensity < 1.0:
            raise ValueError(f"the propensity of the arm drawn must be strictly between 0 and 1, not {propensity!r}")
        outcome = float(signed_outcome)
        if not abs(outcome) <= _LARGEST:
            self.skipped += 1
            return
        if abs(outcome) < 1.0 / _LARGEST:
            outcome = 0.0
        delta = self.smallest_effect
        if self.scale.known:
            size = self.scale.size(delta)
            up, down = clipped_ratio(outcome - delta, size), clipped_ratio(-outcome - delta, size)
            self.bet.update_sides(up, down, propensity)
            self.peak_log_e = max(self.peak_log_e, self.bet.log_e)
            if propensity == 0.5:
                self.sequence.update(outcome, self.scale.centre(), self._spread())
        self.n += 1
        self.positives += outcome > 0.0
        self.negatives += outcome < 0.0
        self.total += outcome / (2.0 * propensity)
        self.scale.add(outcome)

    @property
    def log_e(self) -> float:
        """Log e-value against "no effect larger than δ, either way"."""
        return self.bet.log_e

    @property
    def e_value(self) -> float:
        """E-value against "no effect larger than δ, either way"; infinite beyond what a float holds."""
        log_e = self.log_e
        return math.exp(log_e) if log_e < 709.0 else math.inf

    @property
    def direction(self) -> int:
        """The side with more evidence: +1, -1, or 0 where neither has more."""
        return self.bet.direction

    @property
    def estimate(self) -> float:
        """Estimated effect per act: the mean weighted by past spread, at first the plain one; NaN before any."""
        if self.sequence.n:
            return self.sequence.estimate
        return self.total / self.n if self.n else math.nan

    @property
    def standard_error(self) -> float:
        """Standard error of the estimate (valid at a fixed n, unlike the interval); infinite with too few outcomes."""
        return self.sequence.standard_error

    @property
    def residual_sd(self) -> float:
        """Standard deviation of the next outcome about the estimate; NaN with too few outcomes."""
        return math.sqrt(self.sequence.residual_variance) * self._spread()

    def _spread(self) -> float:
        """The predictable spread of the next outcome, never below a quarter of the centre once it is known.

        The first outcomes may all come from one side of a coin, and agree by accident: their spread would give them
        the weight of hundreds.
        """
        spread = self.scale.spread(self.smallest_effect)
        return max(spread, _LEAST_SPREAD * abs(self.scale.centre())) if spread > 0.0 else 0.0

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
        if self.bet.log_up >= bound:
            low = max(low, min(self.smallest_effect, self.estimate))
        if self.bet.log_down >= bound:
            high = min(high, max(-self.smallest_effect, self.estimate))
        return low, high

    def to_state(self) -> State:
        """Return the state as plain data."""
        return {
            "smallest_effect": self.smallest_effect,
            "n": self.n,
            "skipped": self.skipped,
            "positives": self.positives,
            "negatives": self.negatives,
            "total": self.total,
            "peak_log_e": self.peak_log_e,
            "bet": self.bet.to_state(),
            "scale": self.scale.to_state(),
            "sequence": self.sequence.to_state(),
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        """Return the process that `to_state` described, bit for bit.

        Raises:
            ValueError: the data does not describe one.
        """
        return cls(
            smallest_effect=read_number(state, "smallest_effect"),
            n=read_count(state, "n"),
            skipped=read_count(state, "skipped"),
            positives=read_count(state, "positives"),
            negatives=read_count(state, "negatives"),
            total=read_number(state, "total"),
            peak_log_e=read_number(state, "peak_log_e"),
            bet=SignBet.from_state(read_part(state, "bet")),
            scale=RunningScale.from_state(read_part(state, "scale")),
            sequence=ConfidenceSequence.from_state(read_part(state, "sequence")),
        )
