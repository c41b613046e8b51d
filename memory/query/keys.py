"""What was recorded under an idempotency key."""

from __future__ import annotations

from sqlalchemy import select

from memory.events.envelope import StoredEvent, check_envelope_text
from memory.store.engine import Database
from memory.store.reading import read
from memory.store.tables import record_keys


def recorded_under(database: Database, key: str) -> StoredEvent | None:
    """Give the event that was recorded first under a key; None for a key not used yet.

    Raises:
        InvalidPayload: The text can be no key.
    """
    check_envelope_text("key", key)
    with database.reading() as connection:
        position = connection.execute(select(record_keys.c.position).where(record_keys.c.key == key)).scalar()
    if position is None:
        return None
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
    return next(found, None)
