"""What a log that goes on from another one is told first: whose end it is the beginning of, and what must not be lost.

A rollover writes these events; together they are the only thing in the new log that came before it.
"""

from __future__ import annotations

from typing import ClassVar

from memory.events.registry import Payload, register


@register
class LogContinued(Payload):
    """This log goes on from the head of another, which was sealed at that moment."""

    event_type: ClassVar[str] = "log_continued"

    predecessor: str
    """Where the other log was, without its password."""
    append_id: int
    """The other log's last append."""
    position: int
    """Position of its last event."""
    digest: str
    """Its digest, hex: the first link of this log."""
    stream_events: int
    """How many `streams_carried` events follow."""
    key_events: int
    """How many `keys_carried` events follow those."""


@register
class StreamsCarried(Payload):
    """Versions of streams of the log before: they go on from there."""

    event_type: ClassVar[str] = "streams_carried"

    versions: dict[str, int]
    """Stream to the version of its last event."""


CarriedKey = tuple[str, int, str, str, str, str, int]
"""Key, position, content digest (hex), event id, event type, stream, version."""


@register
class KeysCarried(Payload):
    """Idempotency keys of the log before: what was recorded under them there is not recorded again here."""

    event_type: ClassVar[str] = "keys_carried"

    keys: tuple[CarriedKey, ...]
    """Ordered by position."""


CARRIED = ("log_continued", "streams_carried", "keys_carried")
"""The event types a continued log begins with, in this order."""
