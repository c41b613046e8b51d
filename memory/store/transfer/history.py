"""A log as it travels: appends with their events by name, free of everything that belongs to one database only."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import select

from memory.errors import CorruptionError
from memory.store.chain import all_utf8, append_digest, events_bytes
from memory.store.engine import Database
from memory.store.head import Head
from memory.store.tables import appends, event_types, ledger, record_keys, streams

CHUNK = 2000
"""Most events read at once."""
CHUNK_BYTES = 16 * 2**20
"""Bytes of payload that are read, or written, at once: what keeps the memory constant where payloads are large."""


class LoggedEvent(NamedTuple):
    """An event, but for what its append says."""

    position: int
    stream: str
    version: int
    event_type: str
    schema_version: int
    occurred_at: int
    """Microseconds since 1970 UTC, as everywhere here."""
    act_id: str | None
    causation_id: str | None
    key: str | None
    payload: str


@dataclass(slots=True)
class LoggedAppend:
    """One append of a log, whole."""

    append_id: int
    recorded_at: int
    actor: str | None
    correlation_id: str | None
    digest: bytes
    events: list[LoggedEvent]

    @property
    def first_position(self) -> int:
        """Position of its first event."""
        return self.events[0].position

    @property
    def head(self) -> Head:
        """The head of a log that ends with it."""
        return Head(self.append_id, self.events[-1].position, self.digest.hex())

    def __str__(self) -> str:
        first, last = self.events[0].position, self.events[-1].position
        return f"append {self.append_id} (position{f' {first}' if first == last else f's {first} to {last}'})"


def fault(previous: Head, append: LoggedAppend) -> str | None:
    """Say what is wrong with an append as the one that follows `previous`; None where nothing is.

    Raises:
        TypeError, ValueError, struct.error: A field is not of its type at all.
    """
    if append.append_id != previous.append_id + 1:
        return f"append {previous.append_id + 1} is missing before it"
    if [event.position for event in append.events] != list(
        range(previous.position + 1, previous.position + 1 + len(append.events))
    ):
        return f"its positions do not follow {previous.position} one by one"
    _, names, versions, kinds, schemas, occurred, acts, causes, keys, texts = zip(*append.events, strict=True)
    found = append_digest(
        bytes.fromhex(previous.digest),
        append_id=append.append_id,
        first_position=append.events[0].position,
        last_position=append.events[-1].position,
        recorded_at=append.recorded_at,
        actor=append.actor,
        correlation_id=append.correlation_id,
        events=[
            events_bytes(
                list(map(str.encode, names)),
                versions,
                list(map(str.encode, kinds)),
                schemas,
                occurred,
                all_utf8(acts),
                all_utf8(causes),
                all_utf8(keys),
                list(map(str.encode, texts)),
            )
        ],
    )
    return None if found == append.digest else "its digest does not match its content: something in it was changed"


_EVENTS = (
    select(
        ledger.c.position,
        ledger.c.append_id,
        ledger.c.stream_id,
        ledger.c.version,
        ledger.c.type_id,
        ledger.c.occurred_at,
        ledger.c.act_id,
        ledger.c.causation_id,
        record_keys.c.key,
        ledger.c.payload,
        appends.c.recorded_at,
        appends.c.actor,
        appends.c.correlation_id,
        appends.c.digest,
    )
    .select_from(ledger)
    .outerjoin(record_keys, record_keys.c.position == ledger.c.position)
    .outerjoin(appends, appends.c.append_id == ledger.c.append_id)
    .order_by(ledger.c.position)
)


def stored_appends(database: Database, origin: Head, head: Head) -> Iterator[LoggedAppend]:
    """Yield the appends of a database after its origin and up to a head, each proved to follow the one before.

    Raises:
        CorruptionError: The log is not whole.
    """
    previous = origin
    for append in _grouped(_rows(database, origin.position, head.position)):
        wrong = fault(previous, append)
        if wrong is not None:
            raise CorruptionError(f"{append}: {wrong}", position=append.first_position)
        yield append
        previous = append.head
    if previous != head:
        raise CorruptionError(f"the log ends at position {previous.position}, and its head says {head.position}")


def _grouped(rows: Iterator[tuple[Any, ...]]) -> Iterator[LoggedAppend]:
    append: LoggedAppend | None = None
    for append_id, event, recorded_at, actor, correlation_id, digest in rows:
        if append is None or append.append_id != append_id:
            if append is not None:
                yield append
            append = LoggedAppend(append_id, recorded_at, actor, correlation_id, bytes(digest or b""), [])
        append.events.append(event)
    if append is not None:
        yield append


def _rows(database: Database, after: int, until: int) -> Iterator[tuple[Any, ...]]:
    """Yield (append_id, event, recorded_at, actor, correlation_id, digest), a page at a time."""
    names: dict[int, str] = {}
    kinds: dict[int, tuple[str, int]] = {}
    size = 64
    new = tuple.__new__
    while after < until:
        query = _EVENTS.where(ledger.c.position > after, ledger.c.position <= until).limit(size)
        with database.reading() as connection:
            # The driver's own tuples: row objects would take as long again as the digests.
            rows: Sequence[Any] = connection.execute(query).cursor.fetchall()
            if any(row[2] not in names or row[4] not in kinds for row in rows):
                names = {
                    row.stream_id: row.name for row in connection.execute(select(streams.c.stream_id, streams.c.name))
                }
                of_types = select(event_types.c.type_id, event_types.c.name, event_types.c.schema_version)
                kinds = {type_id: (name, version) for type_id, name, version in connection.execute(of_types)}
        if not rows:
            return
        volume = 0
        for position, append_id, stream, version, kind, occurred, act, cause, key, payload, *rest in rows:
            if stream not in names or kind not in kinds:
                raise CorruptionError(f"the stream or type of event {position} is missing", position=position)
            event = new(
                LoggedEvent,
                (position, names[stream], version, *kinds[kind], occurred, act, cause, key, payload),
            )
            volume += len(payload)
            yield (append_id, event, *rest)
        after = rows[-1][0]
        size = max(1, min(CHUNK, size * 2, CHUNK_BYTES * len(rows) // max(volume, 1)))
