"""Beliefs that someone asserted, and the principles that ship: what outcomes have done to them.

An asserted credence is worth a fixed number of outcomes, and outcomes are counted beside it (the mean of a Beta
distribution): credence = (4·asserted + supports) / (4 + supports + contradicts). Below a half a belief is weakened. It
is *measured* only, on what people choose to tell; beliefs earned from data are kept apart.

A core principle is held absolutely: outcomes are counted and told, and change neither its credence nor its strength.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from memory.projections.knowledge.fact_rows import identity
from memory.projections.knowledge.words import strength

ASSERTION_WEIGHT = 4.0
"""How many outcomes an asserted credence is worth."""
CORE_PRINCIPLES = (
    ("checkpoint before modification", "Save a checkpoint before a weight is modified."),
    ("NaN means immediate stop", "A NaN in weights, activations or metrics means: stop at once."),
    ("monitor during operations", "Watch the model while something is done to it."),
    ("validate before commit", "Validate a change before it is kept."),
)
"""What ships: the principle's name, by which it is tagged, and what it says."""


@dataclass(slots=True)
class HeldBelief:
    """One belief as it is held now."""

    belief_id: str
    model: str
    belief_type: str
    statement: str
    source: str
    """`asserted` or `shipped`."""
    asserted_by: str | None
    kind: str | None
    subject: str | None
    object: str | None
    direction: int | None
    asserted: float
    """The credence it was last asserted with."""
    importance: float
    tags: list[str]
    core: bool
    since: int
    """The assertion it goes back to: what came before that is no outcome of it."""
    first_position: int
    """Where it was first told."""
    last_position: int
    supports: int = 0
    contradicts: int = 0
    before: tuple[int, int] = (0, 0)
    """Supports and contradicts when it was last asserted: whoever asserted it then knew of them."""
    rested_on: set[int] = field(default_factory=set)
    """The events that outcomes rest on: each counts once."""

    @property
    def credence(self) -> float:
        """The probability it is held with."""
        if self.core:
            return 1.0
        supports, contradicts = self.supports - self.before[0], self.contradicts - self.before[1]
        return (ASSERTION_WEIGHT * self.asserted + supports) / (ASSERTION_WEIGHT + supports + contradicts)

    @property
    def status(self) -> str:
        """`active` from a credence of a half on, so a core principle always; else `weakened`."""
        return "active" if self.credence >= 0.5 else "weakened"

    @property
    def strength(self) -> str:
        """The word for its credence; `absolute` for a core principle."""
        return "absolute" if self.core else strength(self.credence)

    def meet(self, position: int, came_true: bool) -> None:
        """Count one outcome."""
        self.last_position = position
        if came_true:
            self.supports += 1
        else:
            self.contradicts += 1

    def row(self) -> dict[str, Any]:
        """Give its row of `beliefs`."""
        return {
            "belief_id": self.belief_id,
            "model": self.model,
            "belief_type": self.belief_type,
            "statement": self.statement,
            "source": self.source,
            "asserted_by": self.asserted_by,
            "theory_id": None,
            "kind": self.kind,
            "subject": self.subject,
            "object": self.object,
            "direction": self.direction,
            "credence": self.credence,
            "strength": self.strength,
            "importance": self.importance,
            "tags": self.tags,
            "effect": None,
            "ci_low": None,
            "ci_high": None,
            "grade": "asserted",
            "supports": self.supports,
            "contradicts": self.contradicts,
            "first_position": self.first_position,
            "last_position": self.last_position,
            "status": self.status,
        }

    def to_state(self) -> dict[str, Any]:
        """Give everything as plain data."""
        return {
            "belief_id": self.belief_id,
            "model": self.model,
            "belief_type": self.belief_type,
            "statement": self.statement,
            "source": self.source,
            "asserted_by": self.asserted_by,
            "kind": self.kind,
            "subject": self.subject,
            "object": self.object,
            "direction": self.direction,
            "asserted": self.asserted,
            "importance": self.importance,
            "tags": self.tags,
            "core": self.core,
            "since": self.since,
            "first_position": self.first_position,
            "last_position": self.last_position,
            "supports": self.supports,
            "contradicts": self.contradicts,
            "before": list(self.before),
            "rested_on": sorted(self.rested_on),
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> HeldBelief:
        """Rebuild from `to_state`."""
        rest = dict(state)
        before, rested_on = rest.pop("before"), rest.pop("rested_on")
        return cls(before=tuple(before), rested_on=set(rested_on), **rest)


def shipped() -> list[HeldBelief]:
    """Give the core principles that every record begins with."""
    return [
        HeldBelief(
            belief_id=identity("belief", "shipped", name),
            model="",
            belief_type="safety_principle",
            statement=statement,
            source="shipped",
            asserted_by=None,
            kind=None,
            subject=None,
            object=None,
            direction=None,
            asserted=1.0,
            importance=1.0,
            tags=["core", name],
            core=True,
            since=0,
            first_position=0,
            last_position=0,
        )
        for name, statement in CORE_PRINCIPLES
    ]


def withdrawn(row: Mapping[str, Any], position: int) -> dict[str, Any]:
    """Give the row of a belief of which nobody says any more that they hold it: with the credence it had last."""
    held = {"status": "retracted", "last_position": position, "strength": strength(row["credence"])}
    return {**row, **held}


def revision(row: Mapping[str, Any], position: int, reason: str) -> dict[str, Any]:
    """Give the row of `belief_revisions` for what a belief is from a position on."""
    kept = {name: row[name] for name in ("belief_id", "credence", "strength", "status", "effect")}
    return {**kept, "position": position, "reason": reason}
