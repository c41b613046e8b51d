"""The beginning of a log in a database of its own: what was recorded up to some position, and nothing else.

Everything keeps its number, so that whatever is asked there is answered as it was where the log itself ended there.
Blobs are left out: they are no part of the log.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, insert, select

from memory.events.envelope import from_microseconds
from memory.store.engine import Database
from memory.store.head import read_head, read_origin
from memory.store.insert import write_rows
from memory.store.tables import appends, event_types, ledger, record_keys, streams

CHUNK = 2000
"""Events copied in one transaction."""


def position_at(database: Database, moment: int) -> int:
    """Give the position of the last append recorded at or before a moment; that before the first event if none was.

    Args:
        database: Where the log is.
        moment: Microseconds since 1970 UTC.
    """
    columns = appends.c
    last = (
        select(columns.last_position)
        # An origin has no events, and was recorded when the database was made.
        .where(columns.recorded_at <= moment, columns.first_position <= columns.last_position)
        .order_by(columns.append_id.desc())
        .limit(1)
    )
    with database.reading() as connection:
        found = connection.execute(last).scalar()
        return read_origin(connection).position if found is None else int(found)


def recorded_last(database: Database) -> datetime:
    """Give when the last append was recorded."""
    last = select(appends.c.recorded_at).order_by(appends.c.append_id.desc()).limit(1)
    with database.reading() as connection:
        return from_microseconds(connection.execute(last).scalar_one())


def copy_until(source: Database, target: Database, position: int) -> bool:
    """Copy what a log holds up to a position to a database that holds its beginning up to the end of an append.

    An append of which the position is in the middle is cut there: its link of the chain then proves nothing.

    Args:
        source: The log.
        target: A database at the head of the schema, in which nothing but this wrote.
        position: The last event wanted; there is one.

    Returns:
        Whether it ends with a whole append, so that it can be gone on from.
    """
    with target.reading() as connection:
        held = read_head(connection)
        known = {row.stream_id: row.version for row in connection.execute(select(streams))}
        kinds = set(connection.execute(select(event_types.c.type_id)).scalars())
    after, append_id, whole = held.position, held.append_id, True
    if append_id == 0:
        after, append_id = _begin(source, target)
    while after < position:
        page = _page(source, after, position, append_id)
        links = [_cut(row, position) for row in page["appends"]]
        with target.writing("ledger") as connection:
            _add_types(connection, source, {row[4] for row in page["ledger"]} - kinds)
            kinds |= {row[4] for row in page["ledger"]}
            moved = {row[2]: row[3] for row in page["ledger"]}
            _add_streams(connection, source, moved.keys() - known.keys(), moved)
            before = [(version, stream) for stream, version in moved.items() if stream in known]
            known |= moved
            write_rows(connection, links, page["ledger"], page["record_keys"], before)
        after = page["ledger"][-1][0]
        if links:
            append_id, whole = links[-1][0], page["appends"][-1][2] <= position
    return whole


def copy_file(source: Path, target: Path) -> None:
    """Copy a SQLite database that nothing writes to, page by page."""
    with closing(sqlite3.connect(source)) as old, closing(sqlite3.connect(target)) as new:
        old.backup(new)


def _begin(source: Database, target: Database) -> tuple[int, int]:
    """Write where a log begins that goes on from another, with the keys that it took over; give where that is."""
    columns = record_keys.c
    with source.reading() as connection:
        origin = read_origin(connection)
        if origin.append_id == 0:
            return origin.position, 0
        row = connection.execute(select(appends).where(appends.c.append_id == origin.append_id)).one()
        carried = connection.execute(select(record_keys).where(columns.position <= origin.position)).all()
    with target.writing("ledger") as connection:
        write_rows(connection, [tuple(row)], [], [tuple(each) for each in carried], [])
    return origin.position, origin.append_id


def _page(source: Database, after: int, until: int, append_id: int) -> dict[str, list[Any]]:
    """Read the next events, with the appends that are new among them and the keys they were recorded under."""
    events = ledger.c.position > after, ledger.c.position <= until
    with source.reading() as connection:
        rows = _fetched(connection, select(ledger).where(*events).order_by(ledger.c.position).limit(CHUNK))
        first, last = rows[0], rows[-1]
        of_append = appends.c.append_id > append_id, appends.c.append_id <= last[1]
        keyed = record_keys.c.position >= first[0], record_keys.c.position <= last[0]
        return {
            "ledger": rows,
            "appends": _fetched(connection, select(appends).where(*of_append).order_by(appends.c.append_id)),
            "record_keys": _fetched(connection, select(record_keys).where(*keyed)),
        }


def _fetched(connection: Connection, statement: Any) -> list[Any]:
    # The driver's own tuples: row objects would cost as much as the copy.
    return list(connection.execute(statement).cursor.fetchall())


def _cut(append: Any, position: int) -> Any:
    return (*append[:2], min(append[2], position), *append[3:])


def _add_types(connection: Connection, source: Database, missing: set[int]) -> None:
    for rows in _numbered(source, event_types, event_types.c.type_id, missing):
        connection.execute(insert(event_types), rows)


def _add_streams(connection: Connection, source: Database, missing: set[int], versions: dict[int, int]) -> None:
    for rows in _numbered(source, streams, streams.c.stream_id, missing):
        connection.execute(insert(streams), [row | {"version": versions[row["stream_id"]]} for row in rows])


def _numbered(source: Database, table: Any, column: Any, numbers: set[int]) -> Iterator[list[dict[str, Any]]]:
    wanted = sorted(numbers)
    for start in range(0, len(wanted), 500):
        with source.reading() as connection:
            rows = connection.execute(select(table).where(column.in_(wanted[start : start + 500]))).all()
        yield [dict(row._mapping) for row in rows]
