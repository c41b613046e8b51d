"""Appending: what can be refused is refused before the lock; what needs the head comes after it."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, bindparam, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from memory.errors import ConcurrencyError, CorruptionError, InvalidPayload, KeyConflict
from memory.events.codec import content_digest, encode
from memory.events.envelope import (
    LAST_MICROSECOND,
    NewEvent,
    category_of,
    check_envelope_text,
    check_stream,
    model_of,
    to_microseconds,
)
from memory.store.chain import append_digest, event_bytes, event_id
from memory.store.head import Head, read_head
from memory.store.tables import appends, event_types, ledger, record_keys, streams

_PARAMETER_LIMIT = 500


@dataclass(frozen=True, slots=True)
class Appended:
    """What became of one event given to `append`."""

    position: int
    event_id: str
    event_type: str
    stream: str
    version: int
    replayed: bool
    """Whether it had been recorded before under the same key, and was not appended again."""


@dataclass(frozen=True, slots=True)
class PreparedEvent:
    """An event as it will be stored, but for what only its place decides."""

    stream: str
    event_type: str
    schema_version: int
    occurred_at: int | None
    act_id: str | None
    causation_id: str | None
    key: str | None
    content_digest: bytes | None
    text: str


@dataclass(frozen=True, slots=True)
class PreparedBatch:
    """A batch that can be stored; `same_as` gives, for an event, the earlier one of the batch that it repeats."""

    events: tuple[PreparedEvent, ...]
    same_as: Mapping[int, int]
    actor: str | None
    correlation_id: str | None
    expected_version: Mapping[str, int]


def prepare(
    events: Sequence[NewEvent],
    *,
    actor: str | None,
    correlation_id: str | None,
    expected_version: Mapping[str, int] | None,
) -> PreparedBatch:
    """Validate and encode a batch, touching no database.

    Raises:
        InvalidPayload: Something cannot be stored faithfully.
        KeyConflict: Two events of the batch have one key and different content.
    """
    check_envelope_text("actor", actor)
    check_envelope_text("correlation_id", correlation_id)
    expected = dict(expected_version or {})
    for stream, version in expected.items():
        check_stream(stream)
        if isinstance(version, bool) or not isinstance(version, int) or version < 0:
            raise InvalidPayload("expected_version", "must be 0 or more", value=repr(version), remedy="pass a version")
    prepared = tuple(_prepare_event(event) for event in events)
    same_as: dict[int, int] = {}
    first_of: dict[str, int] = {}
    for index, event in enumerate(prepared):
        if event.key is None:
            continue
        first = first_of.setdefault(event.key, index)
        if first != index:
            if prepared[first].content_digest != event.content_digest:
                raise KeyConflict(event.key, None)
            same_as[index] = first
    return PreparedBatch(prepared, same_as, actor, correlation_id, expected)


def _prepare_event(event: NewEvent) -> PreparedEvent:
    text = encode(event.payload)
    event_type = event.payload.event_type
    return PreparedEvent(
        stream=event.stream,
        event_type=event_type,
        schema_version=event.payload.schema_version,
        occurred_at=None if event.occurred_at is None else to_microseconds(event.occurred_at),
        act_id=event.act_id,
        causation_id=event.causation_id,
        key=event.key,
        content_digest=None if event.key is None else content_digest(event_type, model_of(event.stream), text),
        text=text,
    )


def append(connection: Connection, batch: PreparedBatch) -> tuple[Appended, ...]:
    """Append a prepared batch in the open transaction, which holds the ledger's lock.

    Raises:
        KeyConflict: A key was used before for other content.
        ConcurrencyError: A stream is not at the expected version.
        CorruptionError: The ledger contradicts its own caches.
    """
    head = read_head(connection)
    replayed = _find_replays(connection, batch)
    new = [index for index in range(len(batch.events)) if index not in replayed and index not in batch.same_as]
    appended = _insert(connection, batch, new, head) if new else {}
    results: list[Appended] = []
    for index in range(len(batch.events)):
        first = batch.same_as.get(index, index)
        found = replayed.get(first) or appended[first]
        results.append(found if index == first else _as_replay(found))
    return tuple(results)


def _as_replay(result: Appended) -> Appended:
    return Appended(result.position, result.event_id, result.event_type, result.stream, result.version, replayed=True)


_RECORDED = (
    select(
        record_keys.c.key,
        record_keys.c.content_digest,
        ledger.c.position,
        ledger.c.version,
        streams.c.name.label("stream"),
        appends.c.digest,
        appends.c.first_position,
    )
    .join_from(record_keys, ledger, ledger.c.position == record_keys.c.position)
    .join(appends, appends.c.append_id == ledger.c.append_id)
    .join(streams, streams.c.stream_id == ledger.c.stream_id)
    .where(record_keys.c.key.in_(bindparam("keys", expanding=True)))
)


def _find_replays(connection: Connection, batch: PreparedBatch) -> dict[int, Appended]:
    """Give, by index, the events of the batch that were recorded before under their key."""
    indices = {
        event.key: index
        for index, event in enumerate(batch.events)
        if event.key is not None and index not in batch.same_as
    }
    keys = list(indices)
    replays: dict[int, Appended] = {}
    for start in range(0, len(keys), _PARAMETER_LIMIT):
        for row in connection.execute(_RECORDED, {"keys": keys[start : start + _PARAMETER_LIMIT]}):
            index = indices[row.key]
            event = batch.events[index]
            if bytes(row.content_digest) != event.content_digest:
                raise KeyConflict(row.key, row.position)
            identity = event_id(bytes(row.digest), row.position - row.first_position)
            # The stream is the first one's: a key may be repeated from another stream of the same model.
            replays[index] = Appended(row.position, identity, event.event_type, row.stream, row.version, True)
    return replays


def _insert(connection: Connection, batch: PreparedBatch, new: Sequence[int], head: Head) -> dict[int, Appended]:
    """Insert the new events of a batch as one append; give their results by index."""
    events = [batch.events[index] for index in new]
    known_streams = _streams(connection, [*(event.stream for event in events), *batch.expected_version])
    for stream, expected in batch.expected_version.items():
        actual = known_streams[stream][1] if stream in known_streams else 0
        if actual != expected:
            raise ConcurrencyError(stream, expected, actual)
    stream_ids = _ensure_streams(connection, events, known_streams)
    type_ids = _ensure_types(connection, events)
    recorded_at = min(time.time_ns() // 1000, LAST_MICROSECOND)
    versions = {stream: version for stream, (_, version) in known_streams.items()}
    append_id, first = head.append_id + 1, head.position + 1
    encoded: list[bytes] = []
    rows: list[dict[str, Any]] = []
    for offset, event in enumerate(events):
        version = versions[event.stream] = versions.get(event.stream, 0) + 1
        occurred_at = recorded_at if event.occurred_at is None else event.occurred_at
        encoded.append(
            event_bytes(
                stream=event.stream,
                version=version,
                event_type=event.event_type,
                schema_version=event.schema_version,
                occurred_at=occurred_at,
                act_id=event.act_id,
                causation_id=event.causation_id,
                key=event.key,
                payload=event.text.encode(),
            )
        )
        rows.append(
            {
                "position": first + offset,
                "append_id": append_id,
                "stream_id": stream_ids[event.stream],
                "version": version,
                "type_id": type_ids[event.event_type, event.schema_version],
                "act_id": event.act_id,
                "causation_id": event.causation_id,
                "occurred_at": occurred_at,
                "payload": event.text,
            }
        )
    link: dict[str, Any] = {
        "append_id": append_id,
        "first_position": first,
        "last_position": first + len(events) - 1,
        "recorded_at": recorded_at,
        "actor": batch.actor,
        "correlation_id": batch.correlation_id,
    }
    digest = append_digest(bytes.fromhex(head.digest), events=encoded, **link)
    _write(connection, events, rows, {**link, "digest": digest})
    touched = {event.stream for event in events}
    connection.execute(
        update(streams).where(streams.c.stream_id == bindparam("id")).values(version=bindparam("to")),
        [{"id": stream_ids[stream], "to": versions[stream]} for stream in sorted(touched)],
    )
    return {
        index: Appended(
            row["position"], event_id(digest, offset), event.event_type, event.stream, row["version"], False
        )
        for offset, (index, event, row) in enumerate(zip(new, events, rows, strict=True))
    }


def _write(
    connection: Connection, events: Sequence[PreparedEvent], rows: list[dict[str, Any]], link: dict[str, Any]
) -> None:
    keys = [
        {"key": event.key, "position": row["position"], "content_digest": event.content_digest}
        for event, row in zip(events, rows, strict=True)
        if event.key is not None
    ]
    try:
        connection.execute(insert(appends), link)
        connection.execute(insert(ledger), rows)
        if keys:
            connection.execute(insert(record_keys), keys)
    except IntegrityError as error:
        # Under the lock every number is free; one that is taken was not put there by an append.
        raise CorruptionError(
            f"the next append does not fit the ledger: {error.orig}", position=link["first_position"]
        ) from error


_STREAMS = select(streams.c.name, streams.c.stream_id, streams.c.version).where(
    streams.c.name.in_(bindparam("names", expanding=True))
)


def _streams(connection: Connection, names: Sequence[str]) -> dict[str, tuple[int, int]]:
    """Give number and version of those streams that exist."""
    wanted = sorted(set(names))
    found: dict[str, tuple[int, int]] = {}
    for start in range(0, len(wanted), _PARAMETER_LIMIT):
        chunk = connection.execute(_STREAMS, {"names": wanted[start : start + _PARAMETER_LIMIT]})
        found.update({row.name: (row.stream_id, row.version) for row in chunk})
    return found


def _ensure_streams(
    connection: Connection, events: Sequence[PreparedEvent], known: Mapping[str, tuple[int, int]]
) -> dict[str, int]:
    ids = {name: stream_id for name, (stream_id, _) in known.items()}
    missing = [name for name in dict.fromkeys(event.stream for event in events) if name not in ids]
    if missing:
        first = (connection.execute(select(func.max(streams.c.stream_id))).scalar() or 0) + 1
        rows: list[dict[str, Any]] = [
            {"stream_id": first + offset, "name": name, "category": category_of(name), "version": 0}
            for offset, name in enumerate(missing)
        ]
        connection.execute(insert(streams), rows)
        ids.update({row["name"]: row["stream_id"] for row in rows})
    return ids


def _ensure_types(connection: Connection, events: Sequence[PreparedEvent]) -> dict[tuple[str, int], int]:
    """Give the number of every event type; there are few, so all are read."""
    known = connection.execute(select(event_types.c.name, event_types.c.schema_version, event_types.c.type_id))
    ids = {(row.name, row.schema_version): row.type_id for row in known}
    needed = dict.fromkeys((event.event_type, event.schema_version) for event in events)
    missing = [each for each in needed if each not in ids]
    if missing:
        first = max(ids.values(), default=0) + 1
        rows = [
            {"type_id": first + offset, "name": name, "schema_version": version}
            for offset, (name, version) in enumerate(missing)
        ]
        connection.execute(insert(event_types), rows)
        ids.update({(row["name"], row["schema_version"]): row["type_id"] for row in rows})
    return ids
