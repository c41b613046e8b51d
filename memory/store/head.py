"""The head of the log: where the next append goes."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, select

from memory.errors import CorruptionError
from memory.store.driver import fetch
from memory.store.tables import appends


@dataclass(frozen=True, slots=True)
class Head:
    """The last append of a log."""

    append_id: int
    """Its number; 0 for a log without appends."""
    position: int
    """Position of its last event."""
    digest: str
    """Its link of the hash chain, hex: kept elsewhere, it proves that nothing before it was changed."""


_LAST = "SELECT append_id, last_position, digest FROM appends ORDER BY append_id DESC LIMIT 1"


def read_head(connection: Connection) -> Head:
    """Read the last append.

    Raises:
        CorruptionError: Not even the origin is there.
    """
    found = fetch(connection, _LAST)
    if not found:
        raise CorruptionError("the origin of the hash chain is missing from table appends")
    append_id, last_position, digest = found[0]
    return Head(append_id, last_position, bytes(digest).hex())


_FIRST = (
    select(appends.c.append_id, appends.c.first_position, appends.c.last_position, appends.c.digest)
    .order_by(appends.c.append_id)
    .limit(2)
)


def read_origin(connection: Connection) -> Head:
    """Read where the log begins: append 0, or the head of another log that a rollover made this one go on from.

    Raises:
        CorruptionError: Not even the origin is there.
    """
    first = connection.execute(_FIRST).all()
    # Only an origin has no events: a second one says where a rollover went on.
    empty = [row for row in first if row.first_position > row.last_position]
    if not empty:
        if not first:
            raise CorruptionError("the origin of the hash chain is missing from table appends")
        row = first[0]
        return Head(row.append_id, row.last_position, bytes(row.digest).hex())
    row = empty[-1]
    return Head(row.append_id, row.last_position, bytes(row.digest).hex())
