"""When should a belief be given up? A detector that an effect once believed has shrunk or gone.

Per stake, a CUSUM of bets that the outcome falls short of 0.7 of the effect believed: M ← max(M, 1)·(1 + tanh(−λD)),
D = (±u − 0.7·|β̂|)/σ̂, averaged over stakes; it alarms at 200. β̂ is predictable: the estimate at which the belief was
formed, or the smallest since.

*Guaranteed*: while outcomes stay symmetric, given the past, about at least 0.7·|β̂| (under a coin: any constant effect
of that size, whatever the noise), the mean time to an alarm is at least 200 outcomes. *Measured*: how soon it alarms
when the effect has gone.

Source: Shin, Ramdas and Rinaldo, arXiv 2203.03532 (e-detectors).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from memory.inference.effects import PairedProcess
from memory.inference.kernel import LAMBDAS, log_factor, log_mean_exp
from memory.inference.scale import RunningScale, clipped_ratio
from memory.inference.state import State, read_count, read_number, read_numbers, read_part

__all__ = ["ALARM", "RETAINED", "EDetector"]

ALARM = 200.0
"""The bound, and so the mean time between false alarms promised."""
RETAINED = 0.7
"""The part of the believed effect that must remain."""


@dataclass(slots=True)
class EDetector:
    """The running state of the watch over one belief."""

    direction: int
    """The side believed, +1 or -1."""
    effect: float
    """|β̂| when the belief was formed, or the smallest estimate since, whichever is less."""
    n: int = 0
    """Finite outcomes watched."""
    skipped: int = 0
    """Outcomes that were not finite."""
    scale: RunningScale = field(default_factory=RunningScale)
    """Past shortfalls, whose size scales the next."""
    wealth: list[float] = field(default_factory=lambda: [0.0] * len(LAMBDAS))
    """log M per stake."""

    def __post_init__(self) -> None:
        if self.direction not in (-1, 1):
            raise ValueError(f"a belief has a side, +1 or -1, not {self.direction!r}")
        if not 0.0 < self.effect < math.inf:
            raise ValueError(f"only an effect of some finite size can be watched, not {self.effect!r}")

    @classmethod
    def over(cls, process: PairedProcess, direction: int) -> Self:
        """Return a fresh watch over the effect a process now estimates; its last outcomes give the first scale.

        Args:
            process: the hypothesis, as it is when the belief is formed.
            direction: the side believed, +1 or -1.

        Raises:
            ValueError: the estimate is not on that side, or not finite.
        """
        detector = cls(direction=direction, effect=direction * process.estimate)
        for outcome in process.scale.window:
            detector.scale.add(detector._shortfall(outcome))
        return detector

    def expect(self, effect: float) -> None:
        """Take note of what is now estimated of the effect, before its next outcome: never more is asked of it.

        The estimate at which a belief was formed is one of those that were large enough to be believed, and on average
        too large; a true effect would otherwise fall short of it for ever.

        Args:
            effect: the estimate, on the side believed; one that is not above 0 changes nothing.
        """
        if 0.0 < effect < self.effect:
            self.effect = effect

    def _shortfall(self, outcome: float) -> float:
        return RETAINED * self.effect - self.direction * outcome

    def update(self, signed_outcome: float, propensity: float = 0.5) -> bool:
        """Take one outcome.

        Args:
            signed_outcome: u, as the hypothesis was given it.
            propensity: probability of the coin's arm that was drawn; 1/2 where there was no coin.

        Returns:
            Whether the alarm sounds now.

        Raises:
            ValueError: the propensity is not strictly between 0 and 1.
        """
        if not 0.0 < propensity < 1.0:
            raise ValueError(f"the propensity of the arm drawn must be strictly between 0 and 1, not {propensity!r}")
        shortfall = self._shortfall(float(signed_outcome))
        if not math.isfinite(shortfall):
            self.skipped += 1
            return self.alarmed
        if self.scale.known:
            d = clipped_ratio(shortfall, self.scale.size())
            for index, stake in enumerate(LAMBDAS):
                self.wealth[index] = max(self.wealth[index], 0.0) + log_factor(stake, d, propensity)
        self.n += 1
        self.scale.add(shortfall)
        return self.alarmed

    @property
    def log_m(self) -> float:
        """Log of the e-detector."""
        return log_mean_exp(self.wealth)

    @property
    def alarmed(self) -> bool:
        """Whether the e-detector stands at the alarm or above."""
        return self.log_m >= math.log(ALARM)

    def to_state(self) -> State:
        """Return the state as plain data."""
        return {
            "direction": self.direction,
            "effect": self.effect,
            "n": self.n,
            "skipped": self.skipped,
            "scale": self.scale.to_state(),
            "wealth": list(self.wealth),
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        """Return the detector that `to_state` described, bit for bit.

        Raises:
            ValueError: the data does not describe one.
        """
        return cls(
            direction=int(read_number(state, "direction")),
            effect=read_number(state, "effect"),
            n=read_count(state, "n"),
            skipped=read_count(state, "skipped"),
            scale=RunningScale.from_state(read_part(state, "scale")),
            wealth=read_numbers(state, "wealth", len(LAMBDAS)),
        )
