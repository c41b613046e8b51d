"""The columns an exported event has, and the way from an append to such rows and back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from memory.errors import InvalidExport
from memory.events.envelope import event_id, model_of
from memory.store.transfer.history import LoggedAppend, LoggedEvent

COLUMNS = (
    ("position", "int"),
    ("event_id", "text"),
    ("stream", "text"),
    ("version", "int"),
    ("event_type", "text"),
    ("schema_version", "int"),
    ("occurred_at", "time"),
    ("recorded_at", "time"),
    ("act_id", "text"),
    ("correlation_id", "text"),
    ("causation_id", "text"),
    ("actor", "text"),
    ("model", "text"),
    ("payload", "text"),
    ("key", "text"),
    ("append_id", "int"),
    ("append_digest", "text"),
)
"""The columns of the view `events`, then what an import needs besides: the key, and the append with its digest."""

NAMES = tuple(name for name, _ in COLUMNS)


def rows_of(append: LoggedAppend) -> Iterator[tuple[Any, ...]]:
    """Yield a row for each event of an append; times are microseconds since 1970 UTC."""
    digest = append.digest.hex()
    first = append.first_position
    for position, stream, version, kind, schema, occurred, act, cause, key, payload in append.events:
        yield (
            position,
            event_id(append.digest, position - first),
            stream,
            version,
            kind,
            schema,
            occurred,
            append.recorded_at,
            act,
            append.correlation_id,
            cause,
            append.actor,
            model_of(stream),
            payload,
            key,
            append.append_id,
            digest,
        )


def appends_of(rows: Iterable[tuple[Any, ...]], where: str) -> Iterator[LoggedAppend]:
    """Yield the appends that rows come to; what is in a row twice must agree.

    Raises:
        InvalidExport: A row contradicts itself, or the others of its append.
    """
    append: LoggedAppend | None = None
    shared: tuple[Any, ...] = ()
    for row in rows:
        position, identity, stream, version, kind, schema, occurred, recorded, act, correlation, cause, actor = row[:12]
        model, payload, key, append_id, digest = row[12:]
        if append is None or append.append_id != append_id:
            if append is not None:
                yield append
            append = LoggedAppend(append_id, recorded, actor, correlation, bytes.fromhex(digest), [])
            shared = (recorded, actor, correlation, digest)
        event = LoggedEvent(position, stream, version, kind, schema, occurred, act, cause, key, payload)
        append.events.append(event)
        if (
            shared != (recorded, actor, correlation, digest)
            or model != model_of(stream)
            or identity != event_id(append.digest, position - append.first_position)
        ):
            raise InvalidExport(
                f"{where}: event {position} of append {append_id} contradicts itself: something in it was changed",
                append_id=append_id,
                position=position,
            )
    if append is not None:
        yield append
