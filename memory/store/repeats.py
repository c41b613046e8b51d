"""Whether a call made again says what was recorded, when the schema of what it says has moved on in between."""

from __future__ import annotations

from sqlalchemy import Connection, bindparam, select

from memory.errors import PalimpsestError
from memory.events.codec import encode
from memory.events.envelope import model_of
from memory.events.registry import decode
from memory.store.prepare import PreparedEvent
from memory.store.tables import event_types, ledger, streams

_RECORDED = (
    select(event_types.c.name, event_types.c.schema_version, streams.c.name.label("stream"), ledger.c.payload)
    .join_from(ledger, event_types, event_types.c.type_id == ledger.c.type_id)
    .join(streams, streams.c.stream_id == ledger.c.stream_id)
    .where(ledger.c.position == bindparam("position"))
)


def repeats_older_version(connection: Connection, event: PreparedEvent, position: int) -> bool:
    """Say whether an event is the one at a position, recorded under an older schema version and lifted to today's.

    Content digests are over the stored text and cannot tell: a call whose acknowledgement was lost before an upgrade
    of Palimpsest is made again after it.

    Args:
        connection: The transaction that appends.
        event: What is to be recorded under the key.
        position: Where the event is that was recorded under it first.
    """
    found = connection.execute(_RECORDED, {"position": position}).one_or_none()
    if found is None or found.name != event.event_type or model_of(found.stream) != model_of(event.stream):
        return False
    if found.schema_version >= event.schema_version:
        return False
    try:
        return encode(decode(found.name, found.schema_version, found.payload)) == event.text
    except PalimpsestError:
        return False
