"""Families of hypotheses: one budget for claims, one prior for credences."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from memory.inference.credence import Prior, credence, estimate_prior
from memory.inference.multiplicity import EARLY_SHARE, Family, family_share, late_weight
from memory.inference.scale_rows import Floats
from memory.projections.knowledge.fact_rows import identity
from memory.projections.knowledge.panel import FamilyKey
from memory.projections.knowledge_tables import families

if TYPE_CHECKING:
    from memory.projections.knowledge.panel import Panel

_OF_METRICS = ("effect", "impact", "metric_pair", "trend")
"""Kinds that leave out what they leave out because of metrics alone."""
_PRIOR_EVERY = 16
"""A family's prior is estimated anew each time its outcomes have grown by one part in so many."""


@dataclass(slots=True)
class HypothesisFamily:
    """One family: how many hypotheses it has, what each may spend, and what they look like as a whole."""

    key: FamilyKey
    weights: Family
    first_position: int
    grid: tuple[dict[Any, int], dict[Any, int]] = field(default_factory=lambda: ({}, {}))
    """Rows and columns there were at the first settlement."""
    left_out: int = 0
    outcomes: int = 0
    """Outcomes settled in the family."""
    prior: Prior = field(default_factory=Prior)
    prior_due: int = 0
    """How many outcomes it takes until the prior is estimated again."""
    panels: list[Panel] = field(default_factory=list)
    """Where its hypotheses are."""

    def log_weight(self, row: Any, column: Any) -> float:
        """Give the log weight of a hypothesis on the grid, or register one that came later."""
        first, second = self.grid[0].get(row), self.grid[1].get(column)
        on_grid = first is not None and second is not None
        ordinal = first * len(self.grid[1]) + second if on_grid else self.weights.register()  # type: ignore[operator]
        return math.log(self.weights.weight(ordinal))

    def late_log_weight(self) -> float:
        """Register one more hypothesis; give its log weight."""
        return math.log(self.weights.weight(self.weights.register()))

    def log_weights(self, first: int, count: int) -> Floats:
        """Give the log weights of hypotheses numbered as they are registered, from one number up to a count."""
        while self.weights.registered < count:
            self.weights.register()
        share, early = self.weights.share, self.weights.early
        late = range(max(first, early) - early, count - early)
        found = np.empty(count - first)
        if early:
            found[: early - first if early > first else 0] = math.log(share * EARLY_SHARE / early)
        found[len(found) - len(late) :] = [math.log(share * (1.0 - EARLY_SHARE) * late_weight(at)) for at in late]
        return found

    def credence(self, panel: Panel, slot: int, direction: int) -> float:
        """Give P(real, and of that sign), from the family as a whole."""
        if self.outcomes >= self.prior_due:
            parts = [each.summary(self) for each in self.panels]
            self.prior = estimate_prior(*(np.concatenate(each) for each in zip(*parts, strict=True)))
            self.prior_due = self.outcomes + 1 + self.outcomes // _PRIOR_EVERY
        n, mean, sd = panel.moments(slot)
        return credence(mean, sd / math.sqrt(n) if n else math.inf, n, self.prior, direction)

    def row(self) -> dict[str, Any]:
        """Give the family as a row."""
        key = self.key
        return {
            "family_id": identity("family", key.model, key.kind, key.method, key.level, key.grade, key.aspect),
            "model": key.model,
            "kind": key.kind,
            "method": key.method,
            "dose": key.level,
            "grade": key.grade,
            "share": self.weights.share,
            "early": self.weights.early,
            "registered": self.weights.registered,
            "left_out": self.left_out,
            "first_position": self.first_position,
        }

    def to_state(self) -> list[Any]:
        """Give the family as data that orjson writes."""
        key = self.key
        return [
            [key.model, key.kind, key.method, key.level, key.grade, key.aspect],
            self.weights.to_state(),
            self.first_position,
            [list(self.grid[0]), list(self.grid[1])],
            [self.left_out, self.outcomes, self.prior.real, self.prior.slab, self.prior_due],
        ]

    @classmethod
    def from_state(cls, state: list[Any]) -> HypothesisFamily:
        """Rebuild from `to_state`, parsed; its panels are added by whoever keeps them."""
        key, weights, first_position, (rows, columns), (left_out, outcomes, real, slab, due) = state
        grid = ({row: at for at, row in enumerate(rows)}, {column: at for at, column in enumerate(columns)})
        family = cls(FamilyKey(*key), Family.from_state(weights), first_position, grid, left_out, outcomes)
        family.prior, family.prior_due = Prior(real, slab), due
        return family


class Families:
    """Every family of the record, in the order in which they settled first."""

    def __init__(self) -> None:
        self._families: dict[FamilyKey, HypothesisFamily] = {}
        self._told: dict[FamilyKey, tuple[int, int]] = {}

    def get(self, key: FamilyKey) -> HypothesisFamily | None:
        """Give a family; None where it has not settled yet."""
        return self._families.get(key)

    def settled(self, key: FamilyKey) -> HypothesisFamily:
        """Give a family that has settled before."""
        return self._families[key]

    def settle(
        self, key: FamilyKey, position: int, early: int, grid: tuple[list[Any], list[Any]] = ([], []), left_out: int = 0
    ) -> HypothesisFamily:
        """Give a family; fix its early hypotheses at its first settlement, after which nothing changes them.

        What is early must not depend on outcomes: everything there is then, not what was written.

        Args:
            key: The family.
            position: The settlement.
            early: How many hypotheses it has.
            grid: Its rows and columns, where hypotheses are registered one by one.
            left_out: What it has no room for.
        """
        known = self._families.get(key)
        if known is not None:
            return known
        alike = sum((other.model, other.kind) == (key.model, key.kind) for other in self._families)
        weights = Family(share=family_share(key.kind, alike), registered=early)
        weights.settle()
        numbered = ({row: at for at, row in enumerate(grid[0])}, {column: at for at, column in enumerate(grid[1])})
        family = self._families[key] = HypothesisFamily(key, weights, position, numbered, left_out)
        return family

    def leave_out(self, model: str, metrics: int) -> None:
        """Take note of how many metrics of a model there is no room for."""
        for key, family in self._families.items():
            if key.model == model and key.kind in _OF_METRICS:
                family.left_out = metrics

    def take_rows(self) -> dict[tuple[str, str], dict[str, Any]]:
        """Give, and forget, the rows of families that are new or have grown."""
        rows = {}
        for key, family in self._families.items():
            size = (family.weights.registered, family.left_out)
            if self._told.get(key) != size:
                self._told[key] = size
                row = family.row()
                rows[families.name, row["family_id"]] = row
        return rows

    def to_state(self) -> list[Any]:
        """Give every family as data that orjson writes."""
        return [family.to_state() for family in self._families.values()]

    def load(self, state: list[Mapping[str, Any]]) -> None:
        """Go on from `to_state`, parsed."""
        loaded = [HypothesisFamily.from_state(each) for each in state]  # type: ignore[arg-type]
        self._families = {family.key: family for family in loaded}
