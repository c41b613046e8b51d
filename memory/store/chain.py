"""The hash chain: what the digest of an append is taken over, so that no event can be changed unseen.

    digest = sha256(tag ‖ previous digest ‖ append ‖ event ‖ event ‖ ...)

Every number is eight bytes, every text is preceded by its length, so that no two histories have the same encoding.
Names of streams and event types go in themselves, never their row numbers: renaming a row would rewrite history.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterable

_TAG = b"palimpsest append 1\0"
_APPEND = struct.Struct(">qqqqqqq")
_EVENT = struct.Struct(">qqqqqqqqq")
_NONE = -1

ORIGIN_DIGEST = hashlib.sha256(b"palimpsest origin 1\0").digest()
"""The digest before the first append of a new log."""


def event_bytes(
    stream: bytes,
    version: int,
    event_type: bytes,
    schema_version: int,
    occurred_at: int,
    act_id: bytes | None,
    causation_id: bytes | None,
    key: bytes | None,
    payload: bytes,
) -> bytes:
    """Encode one event unambiguously: fixed numbers and lengths first, then the UTF-8 texts they measure."""
    header = _EVENT.pack(
        version,
        schema_version,
        occurred_at,
        len(stream),
        len(event_type),
        _NONE if act_id is None else len(act_id),
        _NONE if causation_id is None else len(causation_id),
        _NONE if key is None else len(key),
        len(payload),
    )
    return b"".join((header, stream, event_type, act_id or b"", causation_id or b"", key or b"", payload))


def append_digest(
    previous: bytes,
    *,
    append_id: int,
    first_position: int,
    last_position: int,
    recorded_at: int,
    actor: str | None,
    correlation_id: str | None,
    events: Iterable[bytes],
) -> bytes:
    """Give the digest that links one append to the one before it.

    Args:
        previous: Digest of the append before, 32 bytes.
        append_id: Number of the append.
        first_position: Position of its first event.
        last_position: Position of its last event.
        recorded_at: When it was made, microseconds since 1970 UTC.
        actor: Who made it.
        correlation_id: What it belongs to.
        events: Its events in order, each as `event_bytes` gives it.
    """
    who, why = utf8(actor), utf8(correlation_id)
    digest = hashlib.sha256(_TAG)
    digest.update(previous)
    digest.update(
        _APPEND.pack(append_id, first_position, last_position, recorded_at, _length(who), _length(why), len(previous))
    )
    digest.update((who or b"") + (why or b""))
    for event in events:
        digest.update(event)
    return digest.digest()


def utf8(text: str | None) -> bytes | None:
    """Encode a text that may be missing."""
    return None if text is None else text.encode()


def _length(encoded: bytes | None) -> int:
    return _NONE if encoded is None else len(encoded)
