"""Theories that someone proposed: what they forecast, and how they have fared.

A theory is scored on what comes after it was proposed, one outcome at a time: a hit multiplies its e-value by 2p, a
miss by 2(1−p), p being what it gave to the outcome beforehand (and never less than a half is staked). *Guaranteed*:
if, given the past, no outcome comes as it says with a probability above 1/2, its e-value ever reaches 20 with
probability at most 1/20. That is all a word about outcomes can prove: whoever validates chooses what to tell, and a
theory of what nearly always happens is not thereby a cause. *Measured* only: gain and Brier score.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from memory.inference.theories import Forecast, Score

PROPOSAL_WEIGHT = 4.0
"""How many outcomes the probability that the proposer gives is worth."""
_CERTAINTY = 0.95
"""No forecast is surer than this, so that no single miss is ruinous."""


@dataclass(slots=True)
class Numbers:
    """Running mean and spread of the outcomes that were numbers."""

    n: int = 0
    mean: float = 0.0
    squares: float = 0.0
    """Summed squared distance from the mean."""

    def add(self, value: float) -> None:
        """Take one in; one too large for the sums to stay finite says nothing about a spread, and is left out."""
        off = value - self.mean
        mean = self.mean + off / (self.n + 1)
        squares = self.squares + off * (value - mean)
        if math.isfinite(mean) and math.isfinite(squares):
            self.n, self.mean, self.squares = self.n + 1, mean, squares

    def forecast(self) -> tuple[float, float]:
        """Give mean and standard deviation for the next one; a deviation of 0 where none can be told yet."""
        n = self.n
        if n < 2:
            return 0.0, 0.0
        # Inflated for the mean being estimated and, as Student's t is, for the spread being so too.
        inflation = (1.0 + 1.0 / n) * (n + 1.0) / (n - 1.0)
        sd = math.sqrt(self.squares / (n - 1.0) * inflation)
        return (self.mean * n / (n + 1.0), sd) if 0.0 < sd < math.inf else (0.0, 0.0)


def first_forecast(direction: int | None, probability: float) -> Forecast:
    """Give what a theory forecasts that has met no outcome yet."""
    return Forecast(direction or 1, _held(probability), 0.0, 0.0, 0.0)


@dataclass(slots=True)
class ProposedTheory:
    """One theory, its score and what its next forecast is made of."""

    theory_id: str
    model: str
    theory_type: str
    hypothesis: str
    proposed_by: str | None
    direction: int | None
    probability: float
    """What its proposer gives to an outcome that comes as it says."""
    since: int
    """The proposal it goes back to: what came before that is no outcome of it."""
    first_position: int
    """Where it was first told."""
    last_position: int | None = None
    score: Score = field(default_factory=Score)
    numbers: Numbers = field(default_factory=Numbers)
    rested_on: set[int] = field(default_factory=set)
    """The events that outcomes rest on: each counts once."""

    def forecast(self) -> Forecast:
        """Give what it says about the next outcome, from its past alone."""
        mean, sd = self.numbers.forecast()
        return Forecast(self.direction or 1, _held(self._chance), mean, sd, math.hypot(mean, sd))

    @property
    def _chance(self) -> float:
        return (PROPOSAL_WEIGHT * self.probability + self.score.hits) / (PROPOSAL_WEIGHT + self.score.n)

    @property
    def status(self) -> str:
        """`active` while the next outcome is as likely as not to come as it says, else `weakened`."""
        return "active" if self._chance >= 0.5 else "weakened"

    def meet(self, position: int, outcome: bool | float, registered: Forecast | None) -> bool | None:
        """Score one outcome.

        Args:
            position: The event that tells of it.
            outcome: Whether it came as the theory says, or the number it was.
            registered: The last prediction on record before it, by which it is scored; None: by the running forecast.

        Returns:
            Whether it was a hit; None where it says nothing: exactly 0, not finite, or a number for a theory that
            names no side.
        """
        prediction = registered or self.forecast()
        self.last_position = position
        if isinstance(outcome, bool):
            self._meet_word(outcome, prediction)
            return outcome
        if self.direction is None or not math.isfinite(outcome):
            self.score.skipped += 1
            return None
        self.score.update(prediction, outcome)
        self.numbers.add(outcome)
        return prediction.hit(outcome) if outcome != 0.0 else None

    def _meet_word(self, came_true: bool, prediction: Forecast) -> None:
        side = float(prediction.direction)
        words = replace(prediction, mean=0.0, sd=0.0, null_sd=0.0)
        self.score.update(words, side if came_true else -side)
        # Of a word no effect of 0 can be predicted: what it competes with is a fair coin.
        self.score.gain += math.log(2.0 * (words.probability if came_true else 1.0 - words.probability))

    def row(self) -> dict[str, Any]:
        """Give its row of `theories`."""
        score = self.score
        return {
            "theory_id": self.theory_id,
            "model": self.model,
            "theory_type": self.theory_type,
            "pattern_id": None,
            "composed_of": [],
            "hypothesis": self.hypothesis,
            "source": "proposed",
            "proposed_by": self.proposed_by,
            "predictions": score.n,
            "hits": score.hits,
            "log_e_value": score.log_e,
            "log_score_gain": score.gain,
            "brier": score.brier / score.n if score.n else None,
            "first_position": self.first_position,
            "last_position": self.last_position,
            "status": self.status,
        }

    def to_state(self) -> dict[str, Any]:
        """Give everything as plain data."""
        return {
            "theory_id": self.theory_id,
            "model": self.model,
            "theory_type": self.theory_type,
            "hypothesis": self.hypothesis,
            "proposed_by": self.proposed_by,
            "direction": self.direction,
            "probability": self.probability,
            "since": self.since,
            "first_position": self.first_position,
            "last_position": self.last_position,
            "score": self.score.to_state(),
            "numbers": [self.numbers.n, self.numbers.mean, self.numbers.squares],
            "rested_on": sorted(self.rested_on),
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> ProposedTheory:
        """Rebuild from `to_state`."""
        rest = dict(state)
        score, numbers, rested_on = rest.pop("score"), rest.pop("numbers"), rest.pop("rested_on")
        return cls(score=Score.from_state(score), numbers=Numbers(*numbers), rested_on=set(rested_on), **rest)


def _held(probability: float) -> float:
    return min(_CERTAINTY, max(1.0 - _CERTAINTY, probability))
