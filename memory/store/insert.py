"""Writing planned rows the fastest way each engine has: prepared statements on SQLite, binary COPY on PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from memory.errors import CorruptionError

AppendRow = tuple[int, int, int, int, str | None, str | None, bytes]
"""A row of `appends`, in the order of its columns."""
LedgerRow = tuple[int, int, int, int, int, str | None, str | None, int, str]
"""A row of `ledger`, in the order of its columns."""
KeyRow = tuple[str, int, bytes]
"""A row of `record_keys`, in the order of its columns."""

_COPY_FROM = 20
"""Rows from which COPY costs less than one INSERT for each."""

_COLUMNS = {
    "appends": (
        ("append_id", "int8"),
        ("first_position", "int8"),
        ("last_position", "int8"),
        ("recorded_at", "int8"),
        ("actor", "text"),
        ("correlation_id", "text"),
        ("digest", "bytea"),
    ),
    "ledger": (
        ("position", "int8"),
        ("append_id", "int8"),
        ("stream_id", "int8"),
        ("version", "int8"),
        ("type_id", "int8"),
        ("act_id", "text"),
        ("causation_id", "text"),
        ("occurred_at", "int8"),
        ("payload", "text"),
    ),
    "record_keys": (("key", "text"), ("position", "int8"), ("content_digest", "bytea")),
}
_INSERTS = {
    mark: {
        table: f"INSERT INTO {table} ({', '.join(name for name, _ in columns)}) "
        f"VALUES ({', '.join(mark for _ in columns)})"
        for table, columns in _COLUMNS.items()
    }
    for mark in ("?", "%s")
}
_MOVES = {mark: f"UPDATE streams SET version = {mark} WHERE stream_id = {mark}" for mark in ("?", "%s")}


def write_rows(
    connection: Connection,
    appends: Sequence[AppendRow],
    ledger: Sequence[LedgerRow],
    keys: Sequence[KeyRow],
    moved: Sequence[tuple[int, int]],
) -> None:
    """Write the rows of one or more appends in the open transaction.

    Args:
        connection: The transaction, which holds the ledger's lock.
        appends: Rows of `appends`.
        ledger: Rows of `ledger`.
        keys: Rows of `record_keys`.
        moved: (version, stream_id) of each stream whose row is behind.

    Raises:
        CorruptionError: A row does not fit: something else wrote there.
    """
    sqlite = connection.dialect.name == "sqlite"
    mark = "?" if sqlite else "%s"
    integrity = connection.dialect.dbapi.IntegrityError if connection.dialect.dbapi is not None else IntegrityError
    try:
        for table, rows in (("appends", appends), ("ledger", ledger), ("record_keys", keys)):
            if not rows:
                continue
            if not sqlite and len(rows) >= _COPY_FROM:
                _copy(connection, table, rows)
            else:
                _execute(connection, _INSERTS[mark][table], rows)
    except (IntegrityError, integrity) as error:
        # Under the lock every number is free; one that is taken was not put there by an append.
        cause = getattr(error, "orig", None) or error
        raise CorruptionError(f"the next append does not fit the ledger: {cause}", position=appends[0][1]) from error
    if moved:
        _execute(connection, _MOVES[mark], moved)


def _execute(connection: Connection, statement: str, rows: Sequence[tuple[Any, ...]]) -> None:
    connection.exec_driver_sql(statement, rows[0] if len(rows) == 1 else list(rows))


def _copy(connection: Connection, table: str, rows: Sequence[tuple[Any, ...]]) -> None:
    columns = _COLUMNS[table]
    statement = f"COPY {table} ({', '.join(name for name, _ in columns)}) FROM STDIN (FORMAT BINARY)"
    driver: Any = connection.connection.driver_connection
    with driver.cursor() as cursor, cursor.copy(statement) as copy:
        copy.set_types([kind for _, kind in columns])
        for row in rows:
            copy.write_row(row)
