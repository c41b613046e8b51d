"""Reading the log in order, in chunks that are each a short transaction of their own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, Select, select

from memory.errors import CorruptionError
from memory.events.envelope import StoredEvent, check_stream, model_stream
from memory.store.engine import Database
from memory.store.head import read_origin
from memory.store.surroundings import LEDGER_ROWS, Surroundings
from memory.store.tables import event_types, ledger, streams

CHUNK = 2000
"""Rows read at a time, in a transaction of their own."""
LAST = 2**63 - 1
"""The last position that a column can hold."""


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
    surroundings = Surroundings()
    with database.reading() as connection:
        query = _filtered(connection, names, wanted)
        origin = read_origin(connection).position
    if query is None:
        return
    # Any number may be asked for; engines compare only with those that a position can be.
    low, high = min(after, LAST), None if until is None else min(until, LAST)
    while left is None or left > 0:
        size = CHUNK if left is None else min(CHUNK, left)
        with database.reading() as connection:
            result = connection.execute(_between(query, low, high, newest_first).limit(size))
            # The driver's own tuples: a replay would pay as much again for a row object around each.
            rows = result.cursor.fetchall()
            gap = None
            if rows and unfiltered:
                if not newest_first and previous is None:
                    previous = max(low, origin)
                gap = _first_gap(rows, previous, newest_first)
                previous = rows[-1][0]
            events = surroundings.events(connection, rows if gap is None else rows[: gap[0]])
        yield from events
        if gap is not None:
            raise gap[1]
        if len(rows) < size:
            return
        if newest_first:
            high = rows[-1][0] - 1
        else:
            low = rows[-1][0]
        left = None if left is None else left - len(rows)


def event_at(database: Database, position: int) -> StoredEvent | None:
    """Give the event at a position; None where there is none."""
    found = read(
        database,
        after=position - 1,
        until=position,
        stream=None,
        types=None,
        model=None,
        limit=1,
        newest_first=False,
    )
    return next(iter(found), None)


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
    query = LEDGER_ROWS
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


def _first_gap(rows: Sequence[Any], previous: int | None, newest_first: bool) -> tuple[int, CorruptionError] | None:
    """Give the first row before which a position is missing, and the error that says so; None where none is.

    Args:
        rows: The rows.
        previous: The position before the first, if that is known.
        newest_first: Whether positions fall.
    """
    step = -1 if newest_first else 1
    # Positions are unique and sorted, so nothing is missing where the last is as far from the first as there are rows.
    if rows[-1][0] - rows[0][0] == step * (len(rows) - 1) and previous in (None, rows[0][0] - step):
        return None
    for index, (position, *_) in enumerate(rows):
        if previous is not None and position != previous + step:
            expected = previous + step
            message = f"event {expected} is missing: after {previous} comes {position}"
            return index, CorruptionError(message, position=expected)
        previous = position
    return None
