"""What a pattern asks, told so that the events it rests on can be found in the tables: which storages, since when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from sqlalchemy import Connection, func, or_, select

from memory.projections.knowledge.fact_rows import identity
from memory.projections.knowledge.panel import FamilyKey
from memory.projections.knowledge.ways import MOVES
from memory.projections.knowledge_tables import architectural_facts, families, patterns
from memory.projections.tables import metric_definitions, storage_names

WRITE_KINDS = ("effect", "impact")
CYCLE_KINDS = ("comodification", "sequence", "threshold")
"""Kinds whose blocks the first event after them settles."""


@dataclass(frozen=True, slots=True)
class Tensor:
    """A storage as hypotheses see it: with the storages and names that readings showed to be the same."""

    entity: int
    storages: dict[int, int] = field(default_factory=dict)
    """Storage to the position from which on it counts as this one."""
    names: dict[str, int] = field(default_factory=dict)
    """Name that no map knows to the position from which on it counts as this one."""


@dataclass(frozen=True, slots=True)
class Question:
    """What a pattern asks, and between which positions its evidence lies."""

    pattern: Any
    """The row of `patterns`."""
    key: FamilyKey
    family: Any
    """The row of `families`."""
    after: int
    """What came up to there was evidence on nothing, or on the question as it was asked before."""
    until: int
    subject: Tensor | None
    """The tensor the subject is, or is a write to; None for a metric or category."""
    object: Tensor | None
    smallest: tuple[tuple[int, float], ...]
    """Positions and the smallest effect that mattered from there on: of effects and impacts."""

    def smallest_at(self, position: int) -> float:
        """Give the smallest effect that mattered at a position."""
        return next((size for since, size in reversed(self.smallest) if since <= position), 0.0)


def question_of(connection: Connection, pattern: Any) -> Question:
    """Give what a pattern asks.

    Args:
        connection: One that reads.
        pattern: The row of `patterns`.
    """
    aspect = MOVES if pattern.kind == "impact" and not pattern.direction else ""
    key = FamilyKey(pattern.model, pattern.kind, pattern.method, pattern.dose, pattern.grade, aspect)
    family_id = identity("family", key.model, key.kind, key.method, key.level, key.grade, key.aspect)
    smallest = _smallest(connection, pattern) if pattern.kind in WRITE_KINDS else ()
    before = [_asked_before(connection, pattern)]
    before += [now for (_, size), (now, other) in pairwise(smallest) if size != other and now <= pattern.last_position]
    # The event that settles a block of cycles is the first one after it.
    last = pattern.last_position - (pattern.kind in CYCLE_KINDS)
    return Question(
        pattern,
        key,
        connection.execute(select(families).where(families.c.family_id == family_id)).one_or_none(),
        max(before),
        last,
        _tensor(connection, pattern.model, pattern.storage_id, pattern.subject),
        _tensor(connection, pattern.model, pattern.object_storage_id, pattern.object),
        smallest,
    )


def _asked_before(connection: Connection, pattern: Any) -> int:
    """Give where the same question was last withdrawn, to be asked anew; 0 where it never was."""
    columns = patterns.c
    same = [columns[name].is_not_distinct_from(getattr(pattern, name)) for name in _SAME]
    if pattern.storage_id is None:
        same.append(columns.subject == pattern.subject)
    if pattern.object_storage_id is None:
        same.append(columns.object == pattern.object)
    if pattern.kind == "impact":
        same.append(columns.direction == 0 if pattern.direction == 0 else columns.direction != 0)
    earlier = columns.status == "retracted", columns.first_position < pattern.first_position
    found = connection.execute(select(func.max(columns.last_position)).where(*same, *earlier))
    return found.scalar_one() or 0


_SAME = ("model", "kind", "method", "dose", "grade", "storage_id", "object_storage_id")


def _smallest(connection: Connection, pattern: Any) -> tuple[tuple[int, float], ...]:
    columns = metric_definitions.c
    about = or_(columns.model == pattern.model, columns.model.is_(None))
    found = select(columns.position, columns.model, columns.smallest_effect).where(
        columns.metric == pattern.object, about
    )
    sizes, of_model = [(0, 0.0)], False
    for row in connection.execute(found.order_by(columns.position)):
        # A definition for one model holds, whatever is defined for all.
        if row.model is not None or not of_model:
            sizes.append((row.position, row.smallest_effect))
        of_model = of_model or row.model is not None
    return tuple(sizes)


def _tensor(connection: Connection, model: str, entity: int | None, called: str) -> Tensor | None:
    if entity is None:
        return None
    columns = architectural_facts.c
    found = select(columns.subject, columns.object, columns.first_position).where(
        columns.model == model, columns.reason == "undeclared_alias"
    )
    facts: Sequence[Any] = connection.execute(found.order_by(columns.first_position)).all()
    tensor = Tensor(entity)
    if entity >= 0:
        tensor.storages[entity] = 0
    else:
        tensor.names[called.removeprefix("write:")] = 0
    grown = True
    while grown:
        grown = False
        for fact in facts:
            ends = [(name, _storage(connection, model, name, fact.first_position)) for name in fact[:2]]
            if any(_is_part(tensor, *end) for end in ends):
                for name, storage in ends:
                    grown |= _add(tensor, name, storage, fact.first_position)
    return tensor


def _is_part(tensor: Tensor, name: str, storage: int | None) -> bool:
    return name in tensor.names if storage is None else storage in tensor.storages


def _add(tensor: Tensor, name: str, storage: int | None, since: int) -> bool:
    known = _is_part(tensor, name, storage)
    if storage is None:
        tensor.names.setdefault(name, since)
    else:
        tensor.storages.setdefault(storage, since)
    return not known


def _storage(connection: Connection, model: str, name: str, position: int) -> int | None:
    columns = storage_names.c
    holds = columns.from_position <= position, or_(columns.to_position.is_(None), columns.to_position > position)
    found = select(columns.storage_id).where(columns.model == model, columns.name == name, *holds)
    return connection.execute(found).scalar()
