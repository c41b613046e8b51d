"""What surrounds a payload: the stream it goes to and its identity, before and after it is stored."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import Any, NamedTuple

from memory.errors import CorruptionError, InvalidPayload, PalimpsestError, UpcastError
from memory.events.registry import Payload, decode, decode_fields

MODEL_PREFIX = "model-"
MEMORY_STREAM = "memory"
"""The stream of what belongs to no one model."""
NAME_LIMIT = 200
"""The most characters of a stream or model name."""
TEXT_LIMIT = 1000
"""The most characters of an actor, a key, or the name of an act, cause or correlation."""
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
_MICROSECOND = datetime.timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class NewEvent:
    """An event to append; refused at construction if its envelope cannot be stored.

    Raises:
        InvalidPayload: A name is empty, too long or has control characters, or the time has no zone or is before 1970.
    """

    payload: Payload
    """What the event says."""
    stream: str = MEMORY_STREAM
    """The ordered history it goes to; `model_stream(name)` for what belongs to a model."""
    act_id: str | None = None
    """The act it is part of."""
    causation_id: str | None = None
    """The event that caused it."""
    occurred_at: datetime.datetime | None = None
    """When it happened, with a time zone; None: when it is recorded."""
    key: str | None = None
    """Idempotency key: recording the same content under it again appends nothing."""

    def __post_init__(self) -> None:
        check_stream(self.stream)
        check_envelope_text("act_id", self.act_id)
        check_envelope_text("causation_id", self.causation_id)
        check_envelope_text("key", self.key)
        if self.occurred_at is not None:
            to_microseconds(self.occurred_at)


class AppendOfEvent(NamedTuple):
    """The append that an event came with: what it has in common with the others of its batch."""

    digest: bytes
    """Its link of the hash chain."""
    first_position: int
    """Position of its first event."""
    recorded_microseconds: int
    """When it was made, in microseconds since 1970 UTC."""
    correlation_id: str | None
    """What it belongs to beyond this log."""
    actor: str | None
    """Who made it."""


class KindOfEvent(NamedTuple):
    """What an event is, and how its payload is stored."""

    event_type: str
    """Stable snake_case name of what it is."""
    schema_version: int
    """The payload's version when it was stored."""


class _StoredRow(NamedTuple):
    """One event's columns, as the ledger and the rows around it hold them."""

    position: int
    """Store-wide number: contiguous, in commit order, never reused."""
    append: AppendOfEvent
    """The append it came with."""
    stream: str
    """The ordered history it belongs to."""
    version: int
    """Number in its stream, from 1."""
    kind: KindOfEvent
    """Its event type and schema version."""
    occurred_microseconds: int
    """When it happened, in microseconds since 1970 UTC."""
    act_id: str | None
    """The act it is part of."""
    causation_id: str | None
    """The event that caused it."""
    text: str
    """The stored JSON, exactly."""


class StoredEvent(_StoredRow):
    """An event as the ledger holds it.

    A tuple underneath, because a replay makes one for every event there is; times, identity and payload are worked out
    when asked for.
    """

    __slots__ = ()

    @property
    def event_id(self) -> str:
        """Identity derived from content and place; the same in every copy of the log."""
        return event_id(self.append.digest, self.position - self.append.first_position)

    @property
    def event_type(self) -> str:
        """Stable snake_case name of what it is."""
        return self.kind.event_type

    @property
    def schema_version(self) -> int:
        """The payload's version when it was stored."""
        return self.kind.schema_version

    @property
    def correlation_id(self) -> str | None:
        """What its append belongs to beyond this log."""
        return self.append.correlation_id

    @property
    def actor(self) -> str | None:
        """Who recorded it."""
        return self.append.actor

    @property
    def occurred_at(self) -> datetime.datetime:
        """When it happened, UTC."""
        return from_microseconds(self.occurred_microseconds)

    @property
    def recorded_at(self) -> datetime.datetime:
        """When its append was made, UTC."""
        return from_microseconds(self.append.recorded_microseconds)

    @property
    def model(self) -> str | None:
        """The model its stream belongs to."""
        return model_of(self.stream)

    @property
    def payload(self) -> Payload:
        """The payload, decoded and lifted to the latest schema version.

        Raises:
            UnknownEventType: This version of Palimpsest does not know the type; `text` has everything.
            UpcastError: An old payload could not be lifted.
            CorruptionError: The text is not what this type stores.
        """
        try:
            return decode(self.event_type, self.schema_version, self.text)
        except (UpcastError, CorruptionError) as error:
            raise _at(self.position, error) from error

    @property
    def fields(self) -> dict[str, Any]:
        """The payload's fields as they are stored, lifted to the latest schema version; see `decode_fields`."""
        try:
            return decode_fields(self.event_type, self.schema_version, self.text)
        except (UpcastError, CorruptionError) as error:
            raise _at(self.position, error) from error

    def __repr__(self) -> str:
        return (
            f"StoredEvent(position={self.position}, {self.stream}@{self.version}, {self.event_type}: {self.text:.70})"
        )


def _at(position: int, error: UpcastError | CorruptionError) -> PalimpsestError:
    """Give the error of decoding with the place of the event in it."""
    if isinstance(error, UpcastError):
        return UpcastError(error.event_type, error.schema_version, error.reason, position=position)
    return CorruptionError(f"position {position}: {error.message}", position=position)


def event_id(digest: bytes, index: int) -> str:
    """Give the identity of an append's event: the start of the append's digest, and its place, from 0."""
    return f"{digest[:16].hex()}-{index}"


def event_ids(digest: bytes, count: int) -> list[str]:
    """Give the identities of an append's events, in order."""
    prefix = digest[:16].hex()
    return [f"{prefix}-{index}" for index in range(count)]


def model_stream(name: str) -> str:
    """Give the stream that belongs to a model.

    Raises:
        InvalidPayload: The name is empty, longer than 200 characters, or has control characters.
    """
    check_name("model", name, limit=NAME_LIMIT)
    return MODEL_PREFIX + name


def model_of(stream: str) -> str | None:
    """Give the model a stream belongs to, or None."""
    return stream[len(MODEL_PREFIX) :] if stream.startswith(MODEL_PREFIX) else None


def category_of(stream: str) -> str:
    """Give the kind of a stream: what its name says before the first hyphen."""
    return stream.partition("-")[0]


def check_stream(name: object) -> None:
    """Refuse a stream name that cannot be stored.

    Raises:
        InvalidPayload: It (after `model-`) is empty, longer than 200 characters, or has control characters.
    """
    if isinstance(name, str) and name.startswith(MODEL_PREFIX):
        check_name("model", name[len(MODEL_PREFIX) :], limit=NAME_LIMIT)
    else:
        check_name("stream", name, limit=NAME_LIMIT)


def check_name(what: str, name: object, *, limit: int) -> None:
    """Refuse a text that is no usable name.

    Raises:
        InvalidPayload: It is no text, empty, too long, or has control characters or lone surrogates.
    """
    if not isinstance(name, str):
        raise InvalidPayload(what, f"must be text, not {type(name).__name__}", remedy=_NAME_REMEDY)
    if not name or name.isspace():
        raise InvalidPayload(what, "must not be empty", value=repr(name), remedy=_NAME_REMEDY)
    if len(name) > limit:
        reason = f"must have at most {limit} characters, not {len(name)}"
        raise InvalidPayload(what, reason, value=repr(name[:40]) + "...", remedy=_NAME_REMEDY)
    if any(ord(character) < 32 or 127 <= ord(character) < 160 for character in name):
        raise InvalidPayload(what, "must not have control characters", value=ascii(name[:80]), remedy=_NAME_REMEDY)
    if any(0xD800 <= ord(character) < 0xE000 for character in name):
        raise InvalidPayload(what, "must not have lone surrogates", value=ascii(name[:80]), remedy=_NAME_REMEDY)


def check_envelope_text(what: str, value: object) -> None:
    """Refuse an optional envelope text that cannot be stored; None passes.

    Raises:
        InvalidPayload: It is no text, empty, longer than 1000 characters, or has control characters.
    """
    if value is not None:
        check_name(what, value, limit=TEXT_LIMIT)


def to_microseconds(moment: object) -> int:
    """Give a time as whole microseconds since 1970 UTC, exactly.

    Raises:
        InvalidPayload: It has no time zone, or is outside the years 1970 to 9999.
    """
    if not isinstance(moment, datetime.datetime):
        remedy = "pass a datetime: datetime.datetime.now(datetime.UTC)"
        raise InvalidPayload("occurred_at", f"must be a datetime, not {type(moment).__name__}", remedy=remedy)
    if moment.utcoffset() is None:
        remedy = "say which zone it is in: moment.replace(tzinfo=datetime.UTC) or moment.astimezone()"
        raise InvalidPayload("occurred_at", "has no time zone", value=moment.isoformat(), remedy=remedy)
    microseconds = (moment - EPOCH) // _MICROSECOND
    if not 0 <= microseconds <= LAST_MICROSECOND:
        remedy = "pass a time between 1970 and 9999, UTC"
        raise InvalidPayload("occurred_at", "is out of range", value=moment.isoformat(), remedy=remedy)
    return microseconds


def from_microseconds(microseconds: int) -> datetime.datetime:
    """Give the UTC time of whole microseconds since 1970."""
    return EPOCH + datetime.timedelta(microseconds=microseconds)


LAST_MICROSECOND = (datetime.datetime.max.replace(tzinfo=datetime.UTC) - EPOCH) // _MICROSECOND
"""The last moment of the year 9999."""
_NAME_REMEDY = "pass a short readable name"
