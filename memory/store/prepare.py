"""What can be refused of a batch is refused here, before any lock is taken or database touched."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from memory.errors import InvalidPayload, KeyConflict
from memory.events.codec import content_digest, encode
from memory.events.envelope import NewEvent, check_envelope_text, check_stream, model_of, to_microseconds
from memory.store.blobs import Content, checked


class PreparedEvent(NamedTuple):
    """An event as it will be stored, but for what only its place decides.

    A tuple, because a batch is planned column by column.
    """

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
    streams: frozenset[str]
    """Every stream it speaks of."""
    keys: frozenset[str]
    """Every key."""
    blobs: Mapping[str, Content] = field(default_factory=dict)
    """What its events point at, by digest: written with them."""


def prepare(
    events: Sequence[NewEvent],
    *,
    actor: str | None,
    correlation_id: str | None,
    expected_version: Mapping[str, int] | None,
    blobs: Mapping[str, Content] | None = None,
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
    prepared = tuple(map(_prepare_event, events))
    streams = frozenset(event.stream for event in prepared) | expected.keys()
    keys = frozenset(event.key for event in prepared if event.key is not None)
    same_as = _repetitions(prepared) if keys else {}
    return PreparedBatch(prepared, same_as, actor, correlation_id, expected, streams, keys, checked(blobs))


def _repetitions(prepared: Sequence[PreparedEvent]) -> dict[int, int]:
    """Give, for each event that repeats an earlier one's key, that one."""
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
    return same_as


def _prepare_event(event: NewEvent) -> PreparedEvent:
    text = encode(event.payload)
    event_type = event.payload.event_type
    return PreparedEvent(
        event.stream,
        event_type,
        event.payload.schema_version,
        None if event.occurred_at is None else to_microseconds(event.occurred_at),
        event.act_id,
        event.causation_id,
        event.key,
        None if event.key is None else content_digest(event_type, model_of(event.stream), text),
        text,
    )
