"""What hangs together among patterns, theories, beliefs and events: found from one to the others."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any

from sqlalchemy import func, or_, select

from memory.errors import UnknownBelief, UnknownPattern
from memory.events.envelope import StoredEvent
from memory.events.modifications import WriteBase
from memory.events.observations import LayerStatisticsRecorded, MetricsRecorded, Observation
from memory.projections.knowledge_tables import beliefs, evidence, patterns, predictions, theories
from memory.projections.tables import storage_names
from memory.query.evidence import Evidence
from memory.store.engine import Database
from memory.store.log import EventStore


def get_pattern(database: Database, pattern_id: str) -> Any:
    """Give a pattern's row.

    Raises:
        UnknownPattern: There is no such pattern.
    """
    if isinstance(pattern_id, str):
        with database.reading() as connection:
            found = connection.execute(select(patterns).where(patterns.c.pattern_id == pattern_id)).one_or_none()
        if found is not None:
            return found
    raise UnknownPattern(pattern_id)


def select_patterns(
    database: Database, *, kind: str | None, words: Collection[str], log_e: float, support: int, **equal: str | None
) -> list[Any]:
    """Give the patterns that are all of what is asked, strongest evidence first.

    Args:
        database: Where they are.
        kind: Only of this kind.
        words: Each is an end, the method, the grade or the kind of the pattern.
        log_e: The least evidence, as a logarithm.
        support: The least support.
        equal: What columns must be; None: anything.
    """
    columns = patterns.c
    statement = select(patterns).where(columns.log_e_value >= log_e, columns.support >= support)
    for name, value in {"kind": kind, **equal}.items():
        if value is not None:
            statement = statement.where(columns[name] == value)
    for word in words:
        ends = columns.subject, columns.object, columns.method, columns.grade, columns.kind
        statement = statement.where(or_(*(each == word for each in ends)))
    with database.reading() as connection:
        return list(connection.execute(statement.order_by(columns.log_e_value.desc(), columns.pattern_id)))


def least_log_e(confidence: float) -> float:
    """Give the evidence that comes about by accident with a probability of at most one minus a confidence."""
    if confidence >= 1.0:
        return math.inf
    return -math.log1p(-confidence) if confidence > 0.0 else -math.inf


def related_patterns(database: Database, pattern_id: str, status: str | None) -> list[Any]:
    """Give the other patterns of its model that have an end in common with one, strongest evidence first.

    Raises:
        UnknownPattern: There is no such pattern.
    """
    of, columns = get_pattern(database, pattern_id), patterns.c
    storages = {of.storage_id, of.object_storage_id} - {None}
    ends = {of.subject, of.object} - {""}
    statement = select(patterns).where(
        columns.model == of.model,
        columns.pattern_id != pattern_id,
        or_(
            columns.storage_id.in_(storages),
            columns.object_storage_id.in_(storages),
            columns.subject.in_(ends),
            columns.object.in_(ends),
        ),
    )
    if status is not None:
        statement = statement.where(columns.status == status)
    with database.reading() as connection:
        return list(connection.execute(statement.order_by(columns.log_e_value.desc(), columns.pattern_id)))


def theories_of(database: Database, pattern_ids: Collection[str]) -> list[Any]:
    """Give the theories composed from any of some patterns, best proven first."""
    wanted, columns = set(pattern_ids), theories.c
    statement = select(theories).where(columns.pattern_id.is_not(None))
    with database.reading() as connection:
        rows = connection.execute(statement.order_by(columns.log_e_value.desc(), columns.theory_id)).all()
    # The engines ask JSON in words of their own; there are few theories.
    return [row for row in rows if wanted & {row.pattern_id, *row.composed_of}]


def theories_supporting(database: Database, belief_id: str) -> list[Any]:
    """Give the theory that a belief was formed from, and then the others composed from any of its patterns.

    Raises:
        UnknownBelief: There is no such belief.
    """
    with database.reading() as connection:
        belief = connection.execute(select(beliefs).where(beliefs.c.belief_id == belief_id)).one_or_none()
        if belief is None:
            raise UnknownBelief(belief_id)
        own = connection.execute(select(theories).where(theories.c.theory_id == belief.theory_id)).one_or_none()
    if own is None:
        return []
    return [own, *(row for row in theories_of(database, own.composed_of) if row.theory_id != own.theory_id)]


def patterns_bearing(store: EventStore, positions: Iterable[int], evidence_of: Callable[[str], Evidence]) -> list[Any]:
    """Give the patterns whose evidence any of some events is part of, strongest first.

    Those of which it is among what tells most are known at once; of others about the same things all evidence is
    walked, as far as the events.

    Args:
        store: The log; its projections have been caught up.
        positions: The events.
        evidence_of: Gives the evidence of a pattern.
    """
    wanted = set(positions)
    events = [event for each in sorted(wanted) for event in store.read(after=each - 1, until=each)]
    if not events:
        return []
    told, columns = evidence.c, patterns.c
    parts = told.position.in_(wanted), told.modification_position.in_(wanted), told.baseline_position.in_(wanted)
    about = {name for event in events for name in _about(event)}
    with store.database.reading() as connection:
        # The first and last position of a block are not what it was read from.
        telling = set(
            connection.execute(
                select(told.pattern_id).where(told.modification_position.is_not(None), or_(*parts))
            ).scalars()
        )
        named = select(storage_names.c.storage_id).where(storage_names.c.name.in_(about))
        concerned = or_(
            columns.pattern_id.in_(telling),
            columns.subject.in_(about),
            columns.object.in_(about),
            columns.storage_id.in_(named),
            columns.object_storage_id.in_(named),
        )
        rows = connection.execute(
            select(patterns).where(concerned).order_by(columns.log_e_value.desc(), columns.pattern_id)
        ).all()
    return [row for row in rows if row.pattern_id in telling or _rests_on(evidence_of(row.pattern_id), wanted)]


def _rests_on(of: Evidence, wanted: set[int]) -> bool:
    last = max(wanted)
    for bearing in of.rest():
        if any(part.position in wanted for part in bearing.parts):
            return True
        # An outcome may come long after its baseline, and be told of after others that began later.
        if bearing.position > last and bearing.parts[0].position > last:
            return False
    return False


def _about(event: StoredEvent) -> Sequence[str]:
    """Give the names that an event is about: tensors, metrics, categories."""
    payload = event.payload
    if isinstance(payload, WriteBase):
        names = (payload.storage_key, *(each.name for each in payload.affected))
        return (*names, *(f"write:{name}" for name in names))
    if isinstance(payload, MetricsRecorded):
        return tuple(payload.metrics)
    if isinstance(payload, LayerStatisticsRecorded):
        return tuple(payload.values)
    return (f"kind:{payload.category}",) if isinstance(payload, Observation) else ()


def fared_until(database: Database, theory_id: str, position: int) -> tuple[int, int]:
    """Give how many outcomes a theory had predicted by a position, and how many of them came as it says."""
    columns = predictions.c
    counts = select(func.count(), func.count().filter(columns.hit.is_(True)))
    with database.reading() as connection:
        met, hits = connection.execute(counts.where(columns.theory_id == theory_id, columns.position <= position)).one()
    return int(met), int(hits)
