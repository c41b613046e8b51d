"""What a rollover carries over: read from the events that a continued log begins with.

Carried keys are rows of `record_keys` like all others, with the positions they had in the log before; what became of
the records under them is in the `keys_carried` events, in order of position, so that one is found by bisection.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import Connection, false, func, select

from memory.errors import CorruptionError
from memory.events.continuity import KeysCarried, LogContinued, StreamsCarried
from memory.events.envelope import event_id
from memory.store.head import Head
from memory.store.tables import appends, event_types, ledger, record_keys, streams

CHUNK = 1000
"""Keys, or streams, in one event."""


class Carried(NamedTuple):
    """A record under a key, as a replay of it is answered."""

    key: str
    position: int
    content_digest: str
    event_id: str
    event_type: str
    stream: str
    version: int


@dataclass(frozen=True, slots=True)
class CarriedOver:
    """What was carried into a log, as its first events say, and where its tables say otherwise."""

    predecessor: str
    versions: Mapping[str, int]
    """Stream to its version in the log before."""
    problems: tuple[tuple[int, str], ...]
    """Position and words of everything that is not as it was carried."""


_EVENT = select(event_types.c.name, ledger.c.payload).join_from(
    ledger, event_types, event_types.c.type_id == ledger.c.type_id
)
_RECORDED = (
    select(
        record_keys.c.key,
        record_keys.c.position,
        record_keys.c.content_digest,
        appends.c.digest,
        appends.c.first_position,
        event_types.c.name.label("event_type"),
        streams.c.name.label("stream"),
        ledger.c.version,
    )
    .join_from(record_keys, ledger, ledger.c.position == record_keys.c.position)
    .join(appends, appends.c.append_id == ledger.c.append_id)
    .join(streams, streams.c.stream_id == ledger.c.stream_id)
    .join(event_types, event_types.c.type_id == ledger.c.type_id)
    .order_by(record_keys.c.position)
)
_KEY_ROWS = select(record_keys.c.key, record_keys.c.position, record_keys.c.content_digest).order_by(
    record_keys.c.position
)


def continuation(connection: Connection, origin: Head) -> LogContinued | None:
    """Give the event that says what a log goes on from; None for one that goes on from nothing.

    Raises:
        CorruptionError: The log begins in the middle, and its first event does not say of what.
    """
    if origin.append_id == 0:
        return None
    text = _payload(connection, origin.position + 1, LogContinued.event_type)
    found = LogContinued.model_validate_json(text) if text is not None else None
    if found is None or (found.append_id, found.position, found.digest) != (
        origin.append_id,
        origin.position,
        origin.digest,
    ):
        raise CorruptionError(
            f"the chain begins at append {origin.append_id}: what came before it was removed",
            position=origin.position + 1,
        )
    return found


def carried_versions(connection: Connection, origin: Head, continued: LogContinued | None) -> dict[str, int]:
    """Give the version that each stream had in the log before."""
    versions: dict[str, int] = {}
    for number in range(continued.stream_events if continued is not None else 0):
        text = _payload(connection, origin.position + 2 + number, StreamsCarried.event_type)
        if text is not None:
            versions.update(StreamsCarried.model_validate_json(text).versions)
    return versions


def carried_keys(
    connection: Connection, origin: Head, continued: LogContinued | None
) -> Iterator[tuple[int, list[Carried]]]:
    """Yield (position of the event, its keys) of every event that carries keys."""
    for position in _key_events(origin, continued):
        yield position, _keys(connection, position)


def carried_under(connection: Connection, origin: Head, position: int) -> Carried:
    """Give what is known of the record that had this position in the log before.

    Raises:
        CorruptionError: Nothing is.
    """
    places = _key_events(origin, continuation(connection, origin))
    low, high = 0, len(places)
    while low < high:
        middle = (low + high) // 2
        keys = _keys(connection, places[middle])
        if keys and keys[0].position <= position <= keys[-1].position:
            for each in keys:
                if each.position == position:
                    return each
            break
        if keys and position < keys[0].position:
            high = middle
        else:
            low = middle + 1
    raise CorruptionError(f"a key is recorded for event {position}, and nothing is known of it", position=position)


def every_key(connection: Connection, origin: Head, continued: LogContinued | None) -> Iterator[list[Carried]]:
    """Yield every key of a log in order of position, those that were carried into it included."""
    for _, keys in carried_keys(connection, origin, continued):
        yield keys
    after = origin.position
    while True:
        rows = connection.execute(_RECORDED.where(record_keys.c.position > after).limit(CHUNK)).all()
        if not rows:
            return
        after = rows[-1].position
        yield [
            Carried(
                row.key,
                row.position,
                bytes(row.content_digest).hex(),
                event_id(bytes(row.digest), row.position - row.first_position),
                row.event_type,
                row.stream,
                row.version,
            )
            for row in rows
        ]


def check_carried(connection: Connection, origin: Head) -> CarriedOver:
    """Hold the tables of a continued log against what was carried into it.

    Raises:
        CorruptionError: The log begins in the middle, and its first event does not say of what.
    """
    continued = continuation(connection, origin)
    if continued is None:
        return CarriedOver("", {}, ())
    problems: list[tuple[int, str]] = []
    versions = carried_versions(connection, origin, continued)
    known = {row.name for row in connection.execute(select(streams.c.name))}
    first = origin.position + 1
    problems += [(first, f"stream {name!r} was carried over and is missing") for name in versions.keys() - known]
    seen = 0
    for position, keys in carried_keys(connection, origin, continued):
        between = record_keys.c.position.between(keys[0].position, keys[-1].position) if keys else false()
        rows = connection.execute(_KEY_ROWS.where(between, record_keys.c.position <= origin.position)).all()
        seen += len(rows)
        if [(row.key, row.position, bytes(row.content_digest).hex()) for row in rows] != [each[:3] for each in keys]:
            problems.append((position, "the keys that were carried over are not the keys that are there"))
    there = connection.execute(
        select(func.count()).select_from(record_keys).where(record_keys.c.position <= origin.position)
    ).scalar_one()
    if there != seen:
        problems.append((first, f"{there} keys from before are there, and {seen} were carried over"))
    return CarriedOver(continued.predecessor, versions, tuple(problems))


def _key_events(origin: Head, continued: LogContinued | None) -> range:
    if continued is None:
        return range(0)
    first = origin.position + 2 + continued.stream_events
    return range(first, first + continued.key_events)


def _keys(connection: Connection, position: int) -> list[Carried]:
    text = _payload(connection, position, KeysCarried.event_type)
    return [] if text is None else [Carried(*each) for each in KeysCarried.model_validate_json(text).keys]


def _payload(connection: Connection, position: int, event_type: str) -> str | None:
    row = connection.execute(_EVENT.where(ledger.c.position == position)).one_or_none()
    return row.payload if row is not None and row.name == event_type else None
