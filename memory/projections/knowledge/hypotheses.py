"""Hypotheses: one question each, its evidence, and what was made of it."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from memory.inference.effects import PairedProcess
from memory.inference.retraction import EDetector
from memory.inference.theories import Score


@dataclass(frozen=True, slots=True)
class FamilyKey:
    """What hypotheses must have in common to share one budget: one kind, one method, one dose, one way of choosing."""

    model: str
    kind: str
    method: str | None
    level: float | None
    randomised: bool


@dataclass(slots=True)
class Hypothesis:
    """Does writing this storage in this way move this metric? The evidence, and what was made of it."""

    family: FamilyKey
    storage_id: int
    metric: str
    weight: float
    """Its part of the budget for claims."""
    process: PairedProcess
    epoch: int = 0
    """Raised when the question is asked anew: evidence starts again at 1."""
    first_claimed: int | None = None
    last_settled: int = 0
    subject: str = ""
    """The storage's key when it was first claimed."""
    subject_names: tuple[str, ...] = ()
    status: str = "unclaimed"
    direction: int = 0
    """The direction of the theory, from its birth on."""
    score: Score | None = None
    """The theory's score; None until there is a theory."""
    last_scored: int | None = None
    belief_since: int | None = None
    belief_changed: int = 0
    belief_status: str = ""
    credence: float = 0.0
    detector: EDetector | None = None
    digest: str = field(init=False, repr=False)
    """What the identities of its pattern, theory and belief are made of: the same in every rebuild."""
    log_e: float = field(init=False, repr=False)
    """The process' log e-value, kept because every settlement asks for it."""
    _stored: bytes | None = field(init=False, repr=False, compare=False, default=None)

    def __post_init__(self) -> None:
        family = self.family
        asked = [family.model, family.kind, family.method, family.level, family.randomised]
        parts = [*asked, self.storage_id, self.metric, self.epoch]
        self.digest = hashlib.sha256(orjson.dumps(parts)).hexdigest()[:16]
        self.log_e = self.process.log_e

    @property
    def standing(self) -> float:
        """Log of evidence times weight: what e-BH ranks by."""
        return self.log_e + math.log(self.weight) if self.weight > 0.0 else -math.inf

    @property
    def untouched(self) -> bool:
        """Whether no outcome has come to this epoch."""
        return self.process.n == 0 and self.process.skipped == 0

    def identity(self, prefix: str) -> str:
        """Give the identity of the pattern, theory or belief made of it."""
        return f"{prefix}-{self.digest}"

    def settle(self, position: int, signed_outcome: float, propensity: float) -> None:
        """Bet on one outcome."""
        self.process.update(signed_outcome, propensity)
        self.log_e = self.process.log_e
        self.last_settled = position

    def next_epoch(self, smallest_effect: float) -> Hypothesis:
        """Give the same question with its evidence at 1 again.

        It keeps as much of its weight as its evidence had left of it: whoever asks again after losing has less to
        stake, so that asking again and again cannot raise the chance of a false claim.
        """
        weight = self.weight * math.exp(min(0.0, self.log_e))
        fresh = PairedProcess(smallest_effect=smallest_effect)
        return Hypothesis(self.family, self.storage_id, self.metric, weight, fresh, epoch=self.epoch + 1)

    def changed(self) -> None:
        """Take note that the stored form is out of date."""
        self._stored = None

    def to_state(self) -> orjson.Fragment:
        """Give the hypothesis as JSON, without its family (kept once)."""
        return orjson.Fragment(self.stored())

    def stored(self) -> bytes:
        """Give the text of `to_state`; written again only after `changed`."""
        if self._stored is None:
            state = {
                "storage_id": self.storage_id,
                "metric": self.metric,
                "weight": self.weight,
                "process": self.process.to_state(),
                "epoch": self.epoch,
                "first_claimed": self.first_claimed,
                "last_settled": self.last_settled,
                "subject": self.subject,
                "subject_names": list(self.subject_names),
                "status": self.status,
                "direction": self.direction,
                "score": None if self.score is None else self.score.to_state(),
                "last_scored": self.last_scored,
                "belief_since": self.belief_since,
                "belief_changed": self.belief_changed,
                "belief_status": self.belief_status,
                "credence": self.credence,
                "detector": None if self.detector is None else self.detector.to_state(),
            }
            self._stored = orjson.dumps(state)
        return self._stored

    @classmethod
    def from_state(cls, family: FamilyKey, state: Mapping[str, Any]) -> Hypothesis:
        """Rebuild from `to_state`, parsed."""
        rest = dict(state)
        process = PairedProcess.from_state(rest.pop("process"))
        score, detector = rest.pop("score"), rest.pop("detector")
        return cls(
            family=family,
            process=process,
            score=None if score is None else Score.from_state(score),
            detector=None if detector is None else EDetector.from_state(detector),
            subject_names=tuple(rest.pop("subject_names")),
            **rest,
        )
