"""The hash chain: what the digest of an append is taken over, so that no event can be changed unseen.

    digest = sha256(tag ‖ previous digest ‖ append ‖ event ‖ event ‖ ...)

Every number is eight bytes, every text is preceded by its length, so that no two histories have the same encoding.
Names of streams and event types go in themselves, never their row numbers: renaming a row would rewrite history.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterable, Sequence
from itertools import chain, repeat

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
        _length(act_id),
        _length(causation_id),
        _length(key),
        len(payload),
    )
    return b"".join((header, stream, event_type, act_id or b"", causation_id or b"", key or b"", payload))


def events_bytes(
    streams: Sequence[bytes],
    versions: Sequence[int],
    event_types: Sequence[bytes],
    schema_versions: Sequence[int],
    occurred_at: Sequence[int],
    act_ids: Sequence[bytes | None],
    causation_ids: Sequence[bytes | None],
    keys: Sequence[bytes | None],
    payloads: Sequence[bytes],
) -> bytes:
    """Encode events one after the other, each as `event_bytes` does; they are given by column.

    By column, so that the loops run inside the interpreter: of many events each costs a third of what it costs alone,
    and the chain is most of what an append adds to writing its rows.
    """
    act_lengths, acts = _optional(act_ids)
    cause_lengths, causes = _optional(causation_ids)
    key_lengths, named = _optional(keys)
    headers = map(
        _EVENT.pack,
        versions,
        schema_versions,
        occurred_at,
        map(len, streams),
        map(len, event_types),
        act_lengths,
        cause_lengths,
        key_lengths,
        map(len, payloads),
    )
    # Not strict: what is missing everywhere is repeated without end.
    parts = zip(headers, streams, event_types, acts, causes, named, payloads, strict=False)
    return b"".join(chain.from_iterable(parts))


def _optional(texts: Sequence[bytes | None]) -> tuple[Iterable[int], Iterable[bytes]]:
    """Give the lengths and the bytes of texts that may be missing."""
    if texts.count(None) == len(texts):
        return repeat(_NONE), repeat(b"")
    return map(_length, texts), [text or b"" for text in texts]


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
        events: Its events in order, as `event_bytes` and `events_bytes` give them.
    """
    who, why = utf8(actor), utf8(correlation_id)
    numbers = append_id, first_position, last_position, recorded_at, _length(who), _length(why), len(previous)
    digest = hashlib.sha256(b"".join((_TAG, previous, _APPEND.pack(*numbers), who or b"", why or b"")))
    for event in events:
        digest.update(event)
    return digest.digest()


def all_utf8(texts: Sequence[str | None]) -> Sequence[bytes | None]:
    """Encode texts that may be missing, and mostly are."""
    return [None] * len(texts) if texts.count(None) == len(texts) else list(map(utf8, texts))


def utf8(text: str | None) -> bytes | None:
    """Encode a text that may be missing."""
    return None if text is None else text.encode()


def _length(encoded: bytes | None) -> int:
    return _NONE if encoded is None else len(encoded)
