"""What a theory made of several claims can be about, and one such theory with its score."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from memory.inference.joint_forecasts import Met
from memory.inference.theories import Score
from memory.projections.knowledge.claim import Claim
from memory.projections.knowledge.fact_rows import identity
from memory.projections.knowledge.panel import RANDOMISED
from memory.projections.knowledge.ways import EFFECT, IMPACT

CAUSAL, STRUCTURAL, OPTIMIZATION = "causal_model", "structural", "optimization"
CONSTRAINT, BEHAVIORAL = "constraint", "behavioral"

Topic = tuple[Any, ...]
"""Model, type of theory, and what it is about."""


def theory_identity(topic: Topic, better: int) -> str:
    """Give the identity of a topic's theory: the same in every rebuild, whoever its members are."""
    return identity("theory-of", *topic, better)


def topics(claim: Claim) -> tuple[Topic, ...]:
    """Give what a claim, together with others, may say something about."""
    key = claim.panel.family(claim.slot).key
    if key.kind in (EFFECT, IMPACT):
        storage_id, metric = claim.panel.asked(claim.slot)
        if key.grade == RANDOMISED:
            deed: Topic = (key.model, CAUSAL, storage_id, key.method, key.level)
        else:
            deed = (key.model, BEHAVIORAL, "writes", storage_id)
        return (deed, (key.model, OPTIMIZATION, metric)) if claim.direction else (deed,)
    if key.kind in ("cochange", "metric_pair"):
        return ((key.model, STRUCTURAL, key.kind, key.method),)
    if key.kind == "threshold":
        return ((key.model, CONSTRAINT, claim.panel.asked(claim.slot)[0]),)
    return ((key.model, BEHAVIORAL, "habits"),) if key.kind in ("comodification", "sequence") else ()


@dataclass(slots=True)
class ComposedTheory:
    """One theory, since it was composed first."""

    topic: Topic
    better: int
    """The better side of the metric it tells how to improve; 0 for every other theory."""
    first_position: int
    score: Score = field(default_factory=Score)
    last_scored: int | None = None
    last: tuple[list[str], str] | None = None
    """Its patterns and its hypothesis when it last held; None while it holds."""
    theory_id: str = field(init=False)

    def __post_init__(self) -> None:
        self.theory_id = theory_identity(self.topic, self.better)

    def row(self, composed_of: list[str], hypothesis: str) -> dict[str, Any]:
        """Give it as a row."""
        score = self.score
        return {
            "theory_id": self.theory_id,
            "model": self.topic[0],
            "theory_type": self.topic[1],
            "pattern_id": composed_of[0],
            "composed_of": composed_of,
            "hypothesis": hypothesis,
            "source": "data",
            "proposed_by": None,
            "predictions": score.n,
            "hits": score.hits,
            "log_e_value": score.log_e,
            "log_score_gain": score.gain,
            "brier": score.brier / score.n if score.n else None,
            "first_position": self.first_position,
            "last_position": self.last_scored,
            "status": "active" if self.last is None else "weakened",
        }

    def update(self, met: Met, position: int) -> None:
        """Score what it said of one event."""
        n = self.score.n
        self.score.update(met.forecast, met.outcome, log_factor=met.log_factor)
        if self.score.n == n:
            # All in all nothing moved, or no number came of it: the bets on the parts were made all the same.
            self.score.log_e += met.log_factor
            self.score.peak_log_e = max(self.score.peak_log_e, self.score.log_e)
        self.last_scored = position

    def to_state(self) -> list[Any]:
        """Give everything as plain data."""
        rest = [self.better, self.first_position, self.score.to_state(), self.last_scored, self.last]
        return [list(self.topic), *rest]

    @classmethod
    def from_state(cls, state: Sequence[Any]) -> ComposedTheory:
        """Rebuild from `to_state`, parsed."""
        topic, better, first_position, score, last_scored, last = state
        score = Score.from_state(score)
        return cls(tuple(topic), better, first_position, score, last_scored, None if last is None else tuple(last))
