"""Reading the log in order, in chunks that are each a short transaction of their own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, repeat
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection, Select, select

from memory.errors import CorruptionError
from memory.events.envelope import StoredEvent, check_stream, model_stream
from memory.store.engine import Database
from memory.store.head import read_origin
from memory.store.tables import appends, event_types, ledger, streams

CHUNK = 1000
_DIGEST, _STREAM, _TYPE = itemgetter(1), itemgetter(3), itemgetter(5)

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
    new = tuple.__new__
    previous: int | None = None
    with database.reading() as connection:
        query = _filtered(connection, names, wanted)
        origin = read_origin(connection).position
    if query is None:
        return
    low, high = after, until
    while left is None or left > 0:
        size = CHUNK if left is None else min(CHUNK, left)
        with database.reading() as connection:
            result = connection.execute(_between(query, low, high, newest_first).limit(size))
            # The driver's own tuples: a replay would pay as much again for a row object around each.
            rows = result.cursor.fetchall()
        if rows and unfiltered:
            if not newest_first and previous is None:
                previous = max(low, origin)
            yield from map(new, repeat(StoredEvent), _unbroken(rows, previous, newest_first))
            previous = rows[-1][0]
        else:
            yield from map(new, repeat(StoredEvent), _whole(rows))
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


def _unbroken(rows: Sequence[Any], previous: int | None, newest_first: bool) -> Iterable[Any]:
    """Give rows, raising where a position is missing; `previous` is the one before the first, if that is known."""
    step = -1 if newest_first else 1
    # Positions are unique and sorted, so nothing is missing where the last is as far from the first as there are rows.
    if rows[-1][0] - rows[0][0] == step * (len(rows) - 1) and previous in (None, rows[0][0] - step):
        return _whole(rows)
    return _until_gap(rows, previous, newest_first)


def _until_gap(rows: Sequence[Any], previous: int | None, newest_first: bool) -> Iterator[Any]:
    for row in rows:
        if previous is not None and row[0] != (previous - 1 if newest_first else previous + 1):
            raise _gap(previous, row[0], newest_first)
        previous = row[0]
        yield from _whole([row])


def _whole(rows: Sequence[Any]) -> Iterable[Any]:
    """Give rows, raising where the append, stream or type is gone."""
    return _until_orphan(rows) if None in chain(map(_DIGEST, rows), map(_STREAM, rows), map(_TYPE, rows)) else rows


def _until_orphan(rows: Sequence[Any]) -> Iterator[Any]:
    for row in rows:
        if None in (_DIGEST(row), _STREAM(row), _TYPE(row)):
            raise CorruptionError(f"the append, stream or type of event {row[0]} is missing", position=row[0])
        yield row


def _gap(previous: int, position: int, newest_first: bool) -> CorruptionError:
    expected = previous - 1 if newest_first else previous + 1
    return CorruptionError(f"event {expected} is missing: after {previous} comes {position}", position=expected)
