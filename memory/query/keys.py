"""What was recorded under an idempotency key."""

from __future__ import annotations

from contextlib import closing

from sqlalchemy import select

from memory.errors import DatabaseError
from memory.events.envelope import StoredEvent, check_envelope_text
from memory.store.carried import continuation
from memory.store.engine import Database
from memory.store.head import read_origin
from memory.store.reading import event_at
from memory.store.tables import record_keys


def recorded_under(database: Database, key: str) -> StoredEvent | None:
    """Give the event that was recorded first under a key, before a rollover too; None for a key not used yet.

    Raises:
        InvalidPayload: The text can be no key.
    """
    check_envelope_text("key", key)
    with database.reading() as connection:
        position = connection.execute(select(record_keys.c.position).where(record_keys.c.key == key)).scalar()
    if position is None:
        return None
    event = event_at(database, position)
    return event if event is not None else _recorded_before(database, key)


def _recorded_before(database: Database, key: str) -> StoredEvent | None:
    """Look in the log that this one goes on from; None where it cannot be opened any more."""
    with database.reading() as connection:
        continued = continuation(connection, read_origin(connection))
    if continued is None:
        return None
    try:
        with closing(Database.open(continued.predecessor, create=False)) as before:
            return recorded_under(before, key)
    except DatabaseError:
        return None
