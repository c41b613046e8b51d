"""The one betting kernel: evidence that a number which should be symmetric about zero is not.

*Guaranteed*, whatever the distribution, the dependence or the tails: if, given everything seen before, the sign of `d`
is a coin (with the logged propensity; 1/2 where nobody flipped one) once its size is known, then every mean of the
wealths kept here is a non-negative martingale that starts at 1, so by Ville's inequality it ever reaches 20 with
probability at most 1/20, however often it is looked at. It is the same under "the sign of `d` leans to minus" for the
one-sided upward mean, since each factor increases in `d`.

Source: Koning, arXiv 2310.01153 (sign-symmetry e-values); Vovk and Wang, arXiv 2208.08925; Ramdas et al. 2022.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from memory.inference.state import State, read_numbers

__all__ = ["LAMBDAS", "SignBet", "log_factor", "log_mean_exp"]

LAMBDAS = (0.1, 0.2, 0.4, 0.8, 1.6)
"""The stakes bet side by side; their mean needs no tuning, and costs at most log(5), with two sides log(10)."""


def log_mean_exp(logs: Sequence[float]) -> float:
    """Return log(mean(exp(logs))) without overflow, summed in the order given.

    Args:
        logs: at least one finite logarithm.

    Raises:
        ValueError: `logs` is empty.
    """
    if not logs:
        raise ValueError("the mean of no wealths is not defined: give at least one logarithm")
    top = max(logs)
    total = 0.0
    for value in logs:
        total += math.exp(value - top)
    return top + math.log(total / len(logs))


def log_factor(stake: float, d: float, propensity: float = 0.5) -> float:
    """Return the log of the bet's payoff e^{λd} / E_z[e^{λzr}], where d = z·r and `propensity` is P(the z drawn).

    For a fair coin this is log(1 + tanh(λd)). A negative `stake` bets on the other side.

    Args:
        stake: λ.
        d: the signed statistic, arm drawn included.
        propensity: probability, fixed before the draw, of the arm that was drawn.
    """
    # 1/(q + (1-q)e^{-2λd}), written so that d = 0 gives exactly 0 and nothing cancels.
    return 0.0 - math.log1p((1.0 - propensity) * math.expm1(-2.0 * stake * d))


@dataclass(slots=True)
class SignBet:
    """Ten log-wealths, one per stake and side; O(1) to update, additive, replayable bit for bit."""

    up: list[float] = field(default_factory=lambda: [0.0] * len(LAMBDAS))
    """Log-wealth of each stake that `d` leans to plus."""
    down: list[float] = field(default_factory=lambda: [0.0] * len(LAMBDAS))
    """Log-wealth of each stake that `d` leans to minus."""

    def update(self, d: float, propensity: float = 0.5) -> None:
        """Bet on one statistic from both sides.

        Args:
            d: the statistic; symmetric about 0 given the past under the null.
            propensity: probability of the arm that was drawn, 1/2 where there was no coin.

        Raises:
            ValueError: `d` is not finite, or the propensity is not strictly between 0 and 1.
        """
        self.update_sides(d, -d, propensity)

    def update_sides(self, up: float, down: float, propensity: float = 0.5) -> None:
        """Bet `up` on the upward side and `down` on the downward one; they differ when a margin is taken off both.

        Args:
            up: what the upward stakes gain from when positive.
            down: what the downward stakes gain from when positive.
            propensity: probability of the arm that was drawn.

        Raises:
            ValueError: a value is not finite, or the propensity is not strictly between 0 and 1.
        """
        if not (math.isfinite(up) and math.isfinite(down)):
            raise ValueError(f"a bet needs finite statistics, not {up!r} and {down!r}")
        if not 0.0 < propensity < 1.0:
            raise ValueError(f"the propensity of the arm drawn must be strictly between 0 and 1, not {propensity!r}")
        for index, stake in enumerate(LAMBDAS):
            self.up[index] += log_factor(stake, up, propensity)
            self.down[index] += log_factor(stake, down, propensity)

    @property
    def log_up(self) -> float:
        """Log of the one-sided e-value against "leans to minus, or to neither side"."""
        return log_mean_exp(self.up)

    @property
    def log_down(self) -> float:
        """Log of the one-sided e-value against "leans to plus, or to neither side"."""
        return log_mean_exp(self.down)

    @property
    def log_e(self) -> float:
        """Log of the two-sided e-value: the mean of both sides."""
        return log_mean_exp([*self.up, *self.down])

    @property
    def direction(self) -> int:
        """The side with more evidence: +1, -1, or 0 where neither has more."""
        up, down = self.log_up, self.log_down
        return (up > down) - (up < down)

    def to_state(self) -> State:
        """Return the state as plain data."""
        return {"up": list(self.up), "down": list(self.down)}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        """Return the bet that `to_state` described, bit for bit.

        Raises:
            ValueError: the data does not describe one.
        """
        return cls(up=read_numbers(state, "up", len(LAMBDAS)), down=read_numbers(state, "down", len(LAMBDAS)))
