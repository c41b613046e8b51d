"""Theories predict before they are tested, and are scored on their predictions alone.

The prospective e-value multiplies p/q for a hit and (1−p)/q for a miss, q being the probability of the coin's arm that
was drawn: for a fair coin 2p and 2(1−p). A hit is an outcome beyond the smallest effect of interest on the side the
theory names. *Guaranteed*, if z was such a coin and the forecast was fixed before it: under "the effect on that side
is at most δ" the score ever reaches 20 with probability at most 1/20. For, given the change, at most one arm of the
coin can hit (u = z·w + b with |b| <= δ, w not knowing z). If one arm can, the mean factor is q1·p/q1 + q2·(1−p)/q2 = 1;
if none can, it is 2(1−p) <= 1, as no factor ever stakes p < 1/2: a theory never gains by predicting its own failure.
Without a coin the same holds where outcomes are symmetric given the past. It starts at 1 at birth: data that discovered
a theory do not count for it again. All of this holds for whatever p in [1/2, 1) was fixed before the coin; what is
staked is the probability said, held within [.5, .95], so that under a fair coin no miss costs more than a factor of 10.

*Measured* only: the log-score gain over "no effect" and calibration, which rest on a normal forecast. What is said
allows for what held until now having stopped: the score keeps the probability that it still holds, by Bayes from hits
and misses alone, with a small chance of stopping at each outcome (a change point that nobody announces; Shiryaev 1963).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any, Self

from memory.inference.effects import PairedProcess
from memory.inference.state import State, read_count, read_number

__all__ = ["Forecast", "Score", "forecast"]

_CERTAINTY = 0.99
"""No forecast of a sign is surer than this."""
_LARGEST_STAKE = 0.95
"""No bet on a forecast stakes more than this, so that no single miss is ruinous."""
_STOPPING = 1 / 1000
"""The chance that what a theory says stops holding before the next outcome."""
_PRIOR_WEIGHT = 4.0
"""How many observed signs the normal forecast of the sign is worth."""
_DOUBT_WEIGHT = 1.0
"""How many observed signs the belief that nothing is known is worth: shrinks forecasts from few observations."""
_NORMAL = NormalDist()
_GAIN_LIMIT = 5.0
"""Largest log-score gain or loss of one outcome: one outlier cannot decide about a theory."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a theory says about the next signed outcome u, fixed before the act's coin."""

    direction: int
    """The side the theory names, +1 or -1."""
    probability: float
    """P(u goes beyond δ on that side), strictly between 0 and 1."""
    mean: float
    """Mean of the normal forecast of u."""
    sd: float
    """Its standard deviation; 0 where no normal forecast can be made yet."""
    null_sd: float
    """Standard deviation of the zero-mean forecast it competes with."""
    smallest_effect: float = 0.0
    """δ."""
    while_holding: float | None = None
    """P(hit) while what the theory says still holds; None where the forecast knows of no stopping."""
    once_stopped: float = 0.5
    """P(hit) once it holds no more."""

    def __post_init__(self) -> None:
        if self.direction not in (-1, 1):
            raise ValueError(f"a theory names a side, +1 or -1, not {self.direction!r}")
        for probability in (self.probability, self.while_holding, self.once_stopped):
            if probability is not None and not 0.0 < probability < 1.0:
                raise ValueError(f"a forecast probability must be strictly between 0 and 1, not {probability!r}")
        if not (math.isfinite(self.mean) and 0.0 <= self.sd < math.inf and 0.0 <= self.null_sd < math.inf):
            raise ValueError(
                "a normal forecast needs a finite mean and finite standard deviations of at least 0, not "
                f"{self.mean!r}, {self.sd!r}, {self.null_sd!r}"
            )

    def hit(self, outcome: float) -> bool:
        """Return whether the outcome went beyond δ on the side named."""
        return self.direction * outcome > self.smallest_effect

    def log_score_gain(self, outcome: float) -> float:
        """Return how much likelier, in log, the outcome is under this forecast than under "no effect"; within ±5."""
        if self.sd == 0.0 or self.null_sd == 0.0:
            return 0.0
        own, none = (outcome - self.mean) / self.sd, outcome / self.null_sd
        gain = math.log(self.null_sd / self.sd) + 0.5 * (none * none - own * own)
        return min(_GAIN_LIMIT, max(-_GAIN_LIMIT, gain))


def _held(probability: float) -> float:
    """Return a probability held within what a forecast may say, [.01, .99]."""
    return min(_CERTAINTY, max(1.0 - _CERTAINTY, probability))


def forecast(process: PairedProcess, direction: int, standing: float = 1.0, restless: float = 1.0) -> Forecast:
    """Return what a theory of this direction forecasts for the hypothesis' next outcome, from its past alone.

    P(sign) pools the signs seen, the normal forecast (worth four of them) and doubt (worth one); in a restless spell it
    is that of a normal outcome so many times as spread about the same mean. It allows for what was seen having stopped.

    Args:
        process: the hypothesis' state before the outcome.
        direction: the side the theory names, +1 or -1.
        standing: the probability that what the theory says held until now (`Score.standing`).
        restless: how many times as large as usual the outcome is expected to be, whatever its cause; at least 1.

    Raises:
        ValueError: the direction is neither.
    """
    delta, n = process.smallest_effect, process.sequence.n
    signs = process.positives + process.negatives
    hits = process.positives if direction > 0 else process.negatives
    if n < 2:
        holding = _calmed((hits + 2.0 + 0.5 * _DOUBT_WEIGHT) / (signs + _PRIOR_WEIGHT + _DOUBT_WEIGHT), restless)
        return Forecast(direction, _mixed(holding, 0.5, standing), 0.0, 0.0, 0.0, delta, holding)
    mean = process.estimate * n / (n + 1.0)
    # Inflated for the mean being estimated and, as Student's t is, for the spread being so too.
    inflation = math.sqrt((1.0 + 1.0 / n) * (n + 1.0) / (n - 1.0))
    usual = max(process.residual_sd * inflation, 0.01 * process.scale.size(delta))
    sd = usual * restless
    if sd == 0.0:
        return Forecast(direction, 0.5, mean, 0.0, 0.0, delta)
    if delta > 0.0:
        # Signs tell of 0, not of δ: only the normal forecast knows about it.
        normal = _beyond((delta - direction * mean) / sd)
        holding = _held((n * normal + 0.5 * _DOUBT_WEIGHT) / (n + _DOUBT_WEIGHT))
    else:
        met = _PRIOR_WEIGHT * _beyond(-direction * mean / usual) + hits + 0.5 * _DOUBT_WEIGHT
        holding = _calmed(met / (_PRIOR_WEIGHT + signs + _DOUBT_WEIGHT), restless)
    stopped = _held(_beyond(delta / sd))
    probability = _mixed(holding, stopped, standing)
    return Forecast(direction, probability, mean, sd, math.hypot(sd, mean), delta, holding, stopped)


def _calmed(usual: float, restless: float) -> float:
    """Return the chance of a sign in a restless spell, held within [.01, .99]: as though its outcome were normal."""
    held = _held(usual)
    return held if restless == 1.0 else _held(_NORMAL.cdf(_NORMAL.inv_cdf(held) / restless))


def _beyond(deviations: float) -> float:
    return 0.5 * math.erfc(deviations / math.sqrt(2.0))


def _mixed(holding: float, stopped: float, standing: float) -> float:
    """Return P(hit), what was said having held until now with a probability, and stopping at its rate."""
    still = standing * (1.0 - _STOPPING)
    return still * holding + (1.0 - still) * stopped


@dataclass(slots=True)
class Score:
    """How a theory's forecasts have fared since its birth."""

    n: int = 0
    """Forecasts that met an outcome."""
    hits: int = 0
    """Those whose side came true."""
    ties: int = 0
    """Outcomes of exactly 0 with δ = 0: they say nothing about a sign and are in neither count."""
    skipped: int = 0
    """Outcomes that were not finite."""
    log_e: float = 0.0
    """Log of the prospective e-value."""
    peak_log_e: float = 0.0
    """Its largest value so far."""
    gain: float = 0.0
    """Summed log-score gain over "no effect"."""
    brier: float = 0.0
    """Summed squared error of the forecast probabilities."""
    standing: float = 1.0
    """The probability that what the theory says still holds, by hits and misses alone."""

    def update(
        self, prediction: Forecast, outcome: float, propensity: float = 0.5, log_factor: float | None = None
    ) -> None:
        """Score one forecast by the outcome it was made for.

        Args:
            prediction: fixed before the outcome, and before the coin of the act.
            outcome: the signed outcome u.
            propensity: probability of the coin's arm that was drawn; 1/2 where there was no coin.
            log_factor: what the outcome did to the log of an e-process that bets on the theory's own alternative; where
                it is given, it is the prospective evidence instead of the bet on the sign (whose sign is no coin's).

        Raises:
            ValueError: the propensity is not strictly between 0 and 1.
        """
        if not 0.0 < propensity < 1.0:
            raise ValueError(f"the propensity of the arm drawn must be strictly between 0 and 1, not {propensity!r}")
        if not math.isfinite(outcome):
            self.skipped += 1
            return
        if outcome == 0.0 and prediction.smallest_effect == 0.0:
            self.ties += 1
            return
        hit = prediction.hit(outcome)
        stake = min(_LARGEST_STAKE, max(0.5, prediction.probability))
        self.n += 1
        self.hits += hit
        self.log_e += math.log((stake if hit else 1.0 - stake) / propensity) if log_factor is None else log_factor
        self.peak_log_e = max(self.peak_log_e, self.log_e)
        self.gain += prediction.log_score_gain(outcome)
        self.brier += (prediction.probability - hit) ** 2
        if prediction.while_holding is not None:
            holding, stopped = prediction.while_holding, prediction.once_stopped
            still = self.standing * (1.0 - _STOPPING)
            likely = still * (holding if hit else 1.0 - holding)
            self.standing = likely / (likely + (1.0 - still) * (stopped if hit else 1.0 - stopped))

    def expect(self, direction: int, while_holding: float, mean: float, sd: float) -> Forecast:
        """Return a forecast that allows for what the theory says having stopped, as the outcomes so far suggest.

        Args:
            direction: the side the theory names, +1 or -1.
            while_holding: P(hit) while it holds, held within [.01, .99]; once it holds no more it is a half.
            mean: mean of the normal forecast.
            sd: its standard deviation; 0 where there is none.
        """
        holding = _held(while_holding)
        null_sd = math.hypot(sd, mean) if sd else 0.0
        return Forecast(direction, _mixed(holding, 0.5, self.standing), mean, sd, null_sd, 0.0, holding)

    def to_state(self) -> State:
        """Return the state as plain data."""
        return {
            "n": self.n,
            "hits": self.hits,
            "ties": self.ties,
            "skipped": self.skipped,
            "log_e": self.log_e,
            "peak_log_e": self.peak_log_e,
            "gain": self.gain,
            "brier": self.brier,
            "standing": self.standing,
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        """Return the score that `to_state` described, bit for bit.

        Raises:
            ValueError: the data does not describe one.
        """
        return cls(
            n=read_count(state, "n"),
            hits=read_count(state, "hits"),
            ties=read_count(state, "ties"),
            skipped=read_count(state, "skipped"),
            log_e=read_number(state, "log_e"),
            peak_log_e=read_number(state, "peak_log_e"),
            gain=read_number(state, "gain"),
            brier=read_number(state, "brier"),
            standing=read_number(state, "standing"),
        )
