"""Families of hypotheses: one budget for claims, one prior for credences."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from memory.inference.credence import Prior, credences, estimate_prior
from memory.inference.effects import PairedProcess
from memory.inference.multiplicity import Family, family_share
from memory.projections.knowledge.hypotheses import FamilyKey, Hypothesis

_PRIOR_EVERY = 16
"""A family's prior is estimated anew each time its outcomes have grown by one part in so many."""


@dataclass(slots=True)
class HypothesisFamily:
    """One family: a grid of storages and metrics fixed at its first settlement, and those that came later."""

    key: FamilyKey
    weights: Family
    rows: dict[int, int]
    """Storage id to row of the grid."""
    columns: dict[str, int]
    """Metric to column of the grid."""
    hypotheses: dict[tuple[int, str], Hypothesis] = field(default_factory=dict)
    """(storage id, metric) to the hypothesis, for those that met an outcome."""
    outcomes: int = 0
    """Outcomes settled in the family."""
    prior: Prior = field(default_factory=Prior)
    prior_due: int = 0
    """How many outcomes it takes until the prior is estimated again."""

    @classmethod
    def settled(cls, key: FamilyKey, index: int, storages: Sequence[int], metrics: Sequence[str]) -> HypothesisFamily:
        """Register the grid of every storage and every metric there is at the family's first settlement.

        The grid must not depend on outcomes: that is why it is all storages, not those that were written.
        """
        weights = Family(share=family_share(key.kind, index), registered=len(storages) * len(metrics))
        weights.settle()
        rows = {storage: row for row, storage in enumerate(storages)}
        return cls(key, weights, rows, {metric: column for column, metric in enumerate(metrics)})

    def hypothesis(self, storage_id: int, metric: str, smallest_effect: float) -> Hypothesis:
        """Give the hypothesis of a storage and a metric, registering it if it came after the first settlement."""
        hypothesis = self.hypotheses.get((storage_id, metric))
        if hypothesis is None:
            row, column = self.rows.get(storage_id), self.columns.get(metric)
            on_grid = row is not None and column is not None
            ordinal = row * len(self.columns) + column if on_grid else self.weights.register()  # type: ignore[operator]
            process = PairedProcess(smallest_effect=smallest_effect)
            hypothesis = Hypothesis(self.key, storage_id, metric, self.weights.weight(ordinal), process)
            self.hypotheses[storage_id, metric] = hypothesis
        return hypothesis

    def credence(self, hypothesis: Hypothesis) -> float:
        """Give P(real, and of its theory's sign), from the family as a whole."""
        if self.outcomes >= self.prior_due:
            self.prior = estimate_prior(*_summary(self.hypotheses.values()))
            self.prior_due = self.outcomes + 1 + self.outcomes // _PRIOR_EVERY
        positive, negative = credences(*_summary([hypothesis]), self.prior)
        return float(positive[0] if hypothesis.direction > 0 else negative[0])

    def to_state(self) -> list[Any]:
        """Give the family as data that orjson writes."""
        key = self.key
        return [
            [key.model, key.kind, key.method, key.level, key.randomised],
            self.weights.to_state(),
            list(self.rows),
            list(self.columns),
            [self.outcomes, self.prior.real, self.prior.slab, self.prior_due],
            [hypothesis.to_state() for hypothesis in self.hypotheses.values()],
        ]

    @classmethod
    def from_state(cls, state: Sequence[Any]) -> HypothesisFamily:
        """Rebuild from `to_state`, parsed."""
        parts, weights, storages, metrics, (outcomes, real, slab, due), hypotheses = state
        key = FamilyKey(*parts)
        loaded = [Hypothesis.from_state(key, each) for each in hypotheses]
        return cls(
            key,
            Family.from_state(weights),
            {storage: row for row, storage in enumerate(storages)},
            {metric: column for column, metric in enumerate(metrics)},
            {(each.storage_id, each.metric): each for each in loaded},
            outcomes,
            Prior(real, slab),
            due,
        )


def _summary(hypotheses: Iterable[Hypothesis]) -> tuple[list[float], list[float], list[int]]:
    """Give estimates, standard errors and counts."""
    processes = [hypothesis.process for hypothesis in hypotheses]
    return (
        [process.estimate for process in processes],
        [process.standard_error for process in processes],
        [process.sequence.n for process in processes],
    )
