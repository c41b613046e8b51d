"""Writing the planned rows of appends: places, events, keys, and how far each stream has come."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from memory.errors import CorruptionError
from memory.store import faults
from memory.store.bulk import Columns, write
from memory.store.driver import driver_of, marked

AppendRow = tuple[int, int, int, int, str | None, str | None, bytes]
"""A row of `appends`, in the order of its columns."""
LedgerRow = tuple[int, int, int, int, int, str | None, str | None, int, str]
"""A row of `ledger`, in the order of its columns."""
KeyRow = tuple[str, int, bytes]
"""A row of `record_keys`, in the order of its columns."""

_COLUMNS: dict[str, Columns] = {
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
_MOVE = "UPDATE streams SET version = ? WHERE stream_id = ?"


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
    integrity = connection.dialect.dbapi.IntegrityError if connection.dialect.dbapi is not None else IntegrityError
    try:
        write(connection, "appends", _COLUMNS["appends"], appends)
        write(connection, "ledger", _COLUMNS["ledger"], ledger)
        write(connection, "record_keys", _COLUMNS["record_keys"], keys)
    except (IntegrityError, integrity) as error:
        if faults.is_sealed(error):
            raise
        # Under the lock every number is free; one that is taken was not put there by an append.
        cause = getattr(error, "orig", None) or error
        first = appends[0][1] if appends else None
        raise CorruptionError(f"the next append does not fit the ledger: {cause}", position=first) from error
    if moved:
        cursor = driver_of(connection).cursor()
        cursor.executemany(marked(connection, _MOVE), moved)
        cursor.close()
