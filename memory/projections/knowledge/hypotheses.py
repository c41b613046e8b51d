"""Hypotheses and the families that share the budget for claiming them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from memory.inference.effects import PairedProcess
from memory.inference.multiplicity import Family, family_share
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
class HypothesisFamily:
    """One family: a grid of storages and metrics fixed at its first settlement, and those that came later."""

    key: FamilyKey
    weights: Family
    storages: dict[int, int]
    """Storage id to row of the grid."""
    metrics: dict[str, int]
    """Metric to column of the grid."""
    late: dict[tuple[int, str], int] = field(default_factory=dict)
    """(storage id, metric) to ordinal, for hypotheses that were not on the grid."""

    @classmethod
    def settled(cls, key: FamilyKey, index: int, storages: Sequence[int], metrics: Sequence[str]) -> HypothesisFamily:
        """Register the grid of every storage and every metric there is at the family's first settlement.

        The grid must not depend on outcomes: that is why it is all storages, not those that were written.
        """
        weights = Family(share=family_share(key.kind, index))
        for _ in range(len(storages) * len(metrics)):
            weights.register()
        weights.settle()
        rows = {storage: row for row, storage in enumerate(storages)}
        return cls(key, weights, rows, {metric: column for column, metric in enumerate(metrics)})

    def weight(self, storage_id: int, metric: str) -> float:
        """Give the weight of a hypothesis, registering it if it came after the first settlement."""
        row, column = self.storages.get(storage_id), self.metrics.get(metric)
        if row is not None and column is not None:
            return self.weights.weight(row * len(self.metrics) + column)
        ordinal = self.late.get((storage_id, metric))
        if ordinal is None:
            ordinal = self.late[storage_id, metric] = self.weights.register()
        return self.weights.weight(ordinal)

    def to_state(self) -> list[Any]:
        """Give the family as plain data."""
        key = self.key
        return [
            [key.model, key.kind, key.method, key.level, key.randomised],
            self.weights.to_state(),
            list(self.storages),
            list(self.metrics),
            [[storage, metric, ordinal] for (storage, metric), ordinal in self.late.items()],
        ]

    @classmethod
    def from_state(cls, state: Sequence[Any]) -> HypothesisFamily:
        """Rebuild from `to_state`."""
        key, weights, storages, metrics, late = state
        return cls(
            FamilyKey(*key),
            Family.from_state(weights),
            {storage: row for row, storage in enumerate(storages)},
            {metric: column for column, metric in enumerate(metrics)},
            {(storage, metric): ordinal for storage, metric, ordinal in late},
        )


@dataclass(frozen=True, slots=True)
class HypothesisKey:
    """One question: does writing this storage in this way move this metric?"""

    family: FamilyKey
    storage_id: int
    metric: str


@dataclass(slots=True)
class Hypothesis:
    """One question's evidence, and what was made of it."""

    key: HypothesisKey
    weight: float
    process: PairedProcess
    epoch: int = 0
    """Raised when a belief is retracted: evidence starts again at 1."""
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

    def identity(self, prefix: str) -> str:
        """Give the identity of the pattern, theory or belief made of it: the same in every rebuild."""
        family = self.key.family
        parts = [
            family.model,
            family.kind,
            family.method,
            family.level,
            family.randomised,
            self.key.storage_id,
            self.key.metric,
            self.epoch,
        ]
        return f"{prefix}-{hashlib.sha256(orjson.dumps(parts)).hexdigest()[:16]}"

    def next_epoch(self) -> Hypothesis:
        """Give the same question with its evidence at 1 again."""
        fresh = PairedProcess(smallest_effect=self.process.smallest_effect)
        return Hypothesis(self.key, self.weight, fresh, epoch=self.epoch + 1)

    def to_state(self) -> dict[str, Any]:
        """Give the hypothesis as plain data, without its family (kept once)."""
        return {
            "storage_id": self.key.storage_id,
            "metric": self.key.metric,
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

    @classmethod
    def from_state(cls, family: FamilyKey, state: Mapping[str, Any]) -> Hypothesis:
        """Rebuild from `to_state`."""
        rest = dict(state)
        key = HypothesisKey(family, rest.pop("storage_id"), rest.pop("metric"))
        process = PairedProcess.from_state(rest.pop("process"))
        score, detector = rest.pop("score"), rest.pop("detector")
        return cls(
            key=key,
            process=process,
            score=None if score is None else Score.from_state(score),
            detector=None if detector is None else EDetector.from_state(detector),
            subject_names=tuple(rest.pop("subject_names")),
            **rest,
        )
