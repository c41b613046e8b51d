"""Reading the log in order, in chunks that are each a short transaction of their own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, Select, func, select

from memory.errors import CorruptionError
from memory.events.envelope import StoredEvent, check_stream, from_microseconds, model_of, model_stream
from memory.store.chain import event_id
from memory.store.engine import Database
from memory.store.tables import appends, event_types, ledger, streams

CHUNK = 1000

_COLUMNS = (
    ledger.c.position,
    appends.c.digest,
    appends.c.first_position,
    streams.c.name,
    ledger.c.version,
    event_types.c.name,
    event_types.c.schema_version,
    ledger.c.occurred_at,
    appends.c.recorded_at,
    ledger.c.act_id,
    appends.c.correlation_id,
    ledger.c.causation_id,
    appends.c.actor,
    ledger.c.payload,
)
# Outer joins, so that a row whose surroundings were deleted is met and reported instead of silently left out.
_EVENTS = (
    select(*_COLUMNS)
    .select_from(ledger)
    .outerjoin(appends, appends.c.append_id == ledger.c.append_id)
    .outerjoin(streams, streams.c.stream_id == ledger.c.stream_id)
    .outerjoin(event_types, event_types.c.type_id == ledger.c.type_id)
)


def read(
    database: Database,
    *,
    after: int,
    until: int | None,
    stream: str | None,
    types: Iterable[str] | None,
    model: str | None,
    limit: int | None,
    newest_first: bool,
) -> Iterator[StoredEvent]:
    """Yield stored events in order of position; see `EventStore.read`.

    Raises:
        CorruptionError: An unfiltered read met a gap, or a row whose stream, type or append is gone.
    """
    names = _stream_names(stream, model)
    wanted = None if types is None else sorted({types} if isinstance(types, str) else set(types))
    unfiltered = names is None and wanted is None
    left = limit
    previous: int | None = None
    with database.reading() as connection:
        query = _filtered(connection, names, wanted)
        origin = connection.execute(select(func.min(appends.c.last_position))).scalar_one_or_none()
    if query is None:
        return
    low, high = after, until
    while left is None or left > 0:
        size = CHUNK if left is None else min(CHUNK, left)
        with database.reading() as connection:
            rows = connection.execute(_between(query, low, high, newest_first).limit(size)).all()
        if unfiltered and rows and not newest_first and previous is None:
            previous = max(low, origin or 0)
        for row in rows:
            if unfiltered:
                _check_contiguous(previous, row[0], newest_first)
            previous = row[0]
            yield _stored(row)
        if len(rows) < size:
            return
        if newest_first:
            high = rows[-1][0] - 1
        else:
            low = rows[-1][0]
        left = None if left is None else left - len(rows)


def _stream_names(stream: str | None, model: str | None) -> set[str] | None:
    """Give the streams that both filters leave, or None where neither is set."""
    if stream is None and model is None:
        return None
    names: set[str] = set()
    if stream is not None:
        check_stream(stream)
        names = {stream}
    if model is not None:
        of_model = {model_stream(model)}
        names = names & of_model if stream is not None else of_model
    return names


def _filtered(connection: Connection, names: set[str] | None, types: Sequence[str] | None) -> Select[Any] | None:
    """Give the query with its filters as row numbers, or None where they leave nothing."""
    query: Select[Any] = _EVENTS
    if names is not None:
        ids = connection.execute(select(streams.c.stream_id).where(streams.c.name.in_(names))).scalars().all()
        if not ids:
            return None
        query = query.where(ledger.c.stream_id.in_(ids))
    if types is not None:
        ids = connection.execute(select(event_types.c.type_id).where(event_types.c.name.in_(types))).scalars().all()
        if not ids:
            return None
        query = query.where(ledger.c.type_id.in_(ids))
    return query


def _between(query: Select[Any], low: int, high: int | None, newest_first: bool) -> Select[Any]:
    query = query.where(ledger.c.position > low)
    if high is not None:
        query = query.where(ledger.c.position <= high)
    return query.order_by(ledger.c.position.desc() if newest_first else ledger.c.position)


def _check_contiguous(previous: int | None, position: int, newest_first: bool) -> None:
    if previous is None:
        return
    expected = previous - 1 if newest_first else previous + 1
    if position != expected:
        raise CorruptionError(f"event {expected} is missing: after {previous} comes {position}", position=expected)


def _stored(row: Sequence[Any]) -> StoredEvent:
    position, digest, first_position, stream, version, event_type, schema_version = row[:7]
    occurred_at, recorded_at, act_id, correlation_id, causation_id, actor, text = row[7:]
    if digest is None or stream is None or event_type is None:
        raise CorruptionError(f"the append, stream or type of event {position} is missing", position=position)
    return StoredEvent(
        position=position,
        event_id=event_id(bytes(digest), position - first_position),
        stream=stream,
        version=version,
        event_type=event_type,
        schema_version=schema_version,
        occurred_at=from_microseconds(occurred_at),
        recorded_at=from_microseconds(recorded_at),
        act_id=act_id,
        correlation_id=correlation_id,
        causation_id=causation_id,
        actor=actor,
        model=model_of(stream),
        text=text,
    )
