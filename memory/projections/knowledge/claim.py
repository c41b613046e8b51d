"""A claim: what was made of a hypothesis since e-BH first rejected its null."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from memory.inference.product_signs import chance_above_zero
from memory.inference.retraction import EDetector
from memory.inference.theories import Forecast, Score
from memory.projections.knowledge.panel import Panel

CONCERNS = 1e-9
"""A credence that moved by less is the same credence."""
_MODEL_WEIGHT = 32.0
"""How many outcomes of its own the forecast from a claim's statistics is worth; *measured* on simulated runs."""
_MODEL_CERTAINTY = 0.95
"""That forecast is no surer of a sign: its claim's own hits may be. Statistics of blocks are counts, and skewed."""


@dataclass(slots=True)
class Claim:
    """The claim, its theory and its belief."""

    panel: Panel
    slot: int
    first_claimed: int
    direction: int
    subject: str
    object: str
    subject_names: tuple[str, ...]
    status: str = "active"
    last_settled: int = 0
    score: Score = field(default_factory=Score)
    """The score of its theory."""
    last_scored: int | None = None
    belief_since: int | None = None
    belief_changed: int = 0
    belief_status: str = ""
    credence: float = 0.0
    supports: int = 0
    contradicts: int = 0
    detector: EDetector | None = None
    seen: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)
    """Count, sum and sum of squares of the statistic, and log e-value, when the theory was last scored."""
    blocks: tuple[float, float] = (0.0, 0.0)
    """Blocks it was scored on, and how many statistics they held."""
    digest: str = field(init=False, repr=False)
    _stored: bytes | None = field(init=False, repr=False, compare=False, default=None)

    def __post_init__(self) -> None:
        self.digest = self.panel.digest(self.slot)

    def identity(self, prefix: str) -> str:
        """Give the identity of the pattern, theory or belief."""
        return f"{prefix}-{self.digest}"

    @property
    def log_e(self) -> float:
        """Log e-value of its hypothesis."""
        return float(self.panel.log_e[self.slot])

    def changed(self) -> None:
        """Take note that the stored form is out of date."""
        self._stored = None

    def block_forecast(self) -> Forecast:
        """Say what comes in the next block, from the blocks before it.

        P(sign) pools its own hits with what the statistics so far say of a mean over as many as blocks have held.
        """
        n, total, squares, _ = self.seen
        mean = total / n if n else 0.0
        variance = (squares - n * mean * mean) / (n - 1.0) if n > 1.0 else 1.0
        each = math.sqrt(max(variance, 1e-12))
        scored, held = self.blocks
        size = (self.panel.batch + held) / (1.0 + scored)
        deviation = each * math.sqrt(1.0 / size + 1.0 / max(n, 1.0))
        side = self.direction or 1
        if self.panel.products and n:
            model = chance_above_zero(side * mean, each, n, size)
        else:
            model = 0.5 * math.erfc(-side * mean / (deviation * math.sqrt(2.0)))
        model = min(_MODEL_CERTAINTY, max(1.0 - _MODEL_CERTAINTY, model))
        probability = (_MODEL_WEIGHT * model + self.score.hits) / (_MODEL_WEIGHT + self.score.n)
        return self.score.expect(side, probability, mean, deviation)

    def see(self, seen: tuple[float, float, float, float]) -> None:
        """Take note of the statistics as of a block that was scored."""
        scored, held = self.blocks
        self.blocks = scored + 1.0, held + seen[0] - self.seen[0]
        self.seen = seen

    def to_state(self) -> orjson.Fragment:
        """Give the claim as JSON."""
        if self._stored is None:
            state = {
                "slot": self.slot,
                "first_claimed": self.first_claimed,
                "direction": self.direction,
                "subject": self.subject,
                "object": self.object,
                "subject_names": list(self.subject_names),
                "status": self.status,
                "last_settled": self.last_settled,
                "score": self.score.to_state(),
                "last_scored": self.last_scored,
                "belief_since": self.belief_since,
                "belief_changed": self.belief_changed,
                "belief_status": self.belief_status,
                "credence": self.credence,
                "supports": self.supports,
                "contradicts": self.contradicts,
                "detector": None if self.detector is None else self.detector.to_state(),
                "seen": list(self.seen),
                "blocks": list(self.blocks),
            }
            self._stored = orjson.dumps(state)
        return orjson.Fragment(self._stored)

    @classmethod
    def from_state(cls, panel: Panel, state: Mapping[str, Any]) -> Claim:
        """Rebuild from `to_state`, parsed."""
        rest = dict(state)
        detector = rest.pop("detector")
        return cls(
            panel=panel,
            score=Score.from_state(rest.pop("score")),
            detector=None if detector is None else EDetector.from_state(detector),
            subject_names=tuple(rest.pop("subject_names")),
            seen=tuple(rest.pop("seen")),
            blocks=tuple(rest.pop("blocks")),
            **rest,
        )
