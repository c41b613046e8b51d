"""The events of a log, append by append, in the bytes that its chain is computed over; and what is wrong with them."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from operator import itemgetter
from typing import Any

from sqlalchemy import select

from memory.events.codec import content_digest
from memory.events.envelope import model_of
from memory.store.chain import all_utf8, event_bytes, events_bytes, utf8
from memory.store.engine import Database
from memory.store.tables import event_types, ledger, record_keys, streams

CHUNK = 2000
"""Rows read at a time, in a transaction of their own."""

_EVENTS = (
    select(
        ledger.c.position,
        ledger.c.append_id,
        ledger.c.stream_id,
        ledger.c.version,
        ledger.c.type_id,
        ledger.c.act_id,
        ledger.c.causation_id,
        ledger.c.occurred_at,
        ledger.c.payload,
        record_keys.c.key,
        record_keys.c.content_digest,
    )
    .select_from(ledger)
    .outerjoin(record_keys, record_keys.c.position == ledger.c.position)
)


class StoredBytes:
    """Reads the ledger once, in order, as far as each append goes, and encodes what lies there.

    Args:
        database: Where the log is.
        after: The position before the first event.
        until: The last position.
        versions: Versions that streams have before the first event, by number; 0 where none is given.
    """

    def __init__(self, database: Database, after: int, until: int, versions: Mapping[int, int]) -> None:
        self._database = database
        self._versions = dict(versions)
        self._streams: dict[int, bytes | None] = {}
        self._types: dict[int, tuple[bytes, int] | None] = {}
        self._rows = _Rows(self._chunks(after, until))
        self.events = 0
        """Events encoded so far."""

    def of(self, link: Any, faults: list[str]) -> Sequence[bytes]:
        """Encode the events that lie at the next append's positions, noting what is wrong with them.

        Args:
            link: The append's row.
            faults: What is wrong is added here, in words.
        """
        rows = self._rows.up_to(link.last_position)
        together = self._alone(link, rows[0]) if len(rows) == 1 else self._together(link, rows)
        return self._one_by_one(link, rows, faults) if together is None else [together]

    def _alone(self, link: Any, row: Any) -> bytes | None:
        """Encode the only event of an append; None where anything about it is wrong."""
        position, append_id, stream_id, version, type_id, act, cause, occurred_at, payload, key, digest = row
        stream, kind = self._stream(stream_id), self._type(type_id)
        if (
            not position == link.first_position == link.last_position
            or append_id != link.append_id
            or stream is None
            or kind is None
            or version != self._versions.get(stream_id, 0) + 1
            or (key is not None and not _belongs(stream, kind[0], payload, digest))
        ):
            return None
        self._versions[stream_id] = version
        self.events += 1
        return event_bytes(stream, version, *kind, occurred_at, utf8(act), utf8(cause), utf8(key), payload.encode())

    def _together(self, link: Any, rows: Sequence[Any]) -> bytes | None:
        """Encode the events of an append by column, which is quick; None where anything about them is wrong."""
        if len(rows) != link.last_position - link.first_position + 1:
            return None
        positions, append_ids, stream_ids, versions, type_ids, acts, causes, occurred, payloads, keys, digests = zip(
            *rows, strict=True
        )
        for stream_id in set(stream_ids) - self._streams.keys():
            self._stream(stream_id)
        for type_id in set(type_ids) - self._types.keys():
            self._type(type_id)
        names: list[Any] = list(map(self._streams.get, stream_ids))
        kinds: list[Any] = list(map(self._types.get, type_ids))
        # Positions are unique and sorted: with the first and the last, all are where they belong.
        if (
            (positions[0], positions[-1]) != (link.first_position, link.last_position)
            or append_ids.count(link.append_id) != len(rows)
            or None in names
            or None in kinds
        ):
            return None
        known = {stream_id: self._versions.get(stream_id, 0) for stream_id in set(stream_ids)}
        for stream_id, version in zip(stream_ids, versions, strict=True):
            known[stream_id] += 1
            if version != known[stream_id]:
                return None
        types, schema_versions = zip(*kinds, strict=True)
        if keys.count(None) != len(rows):
            for name, event_type, payload, key, digest in zip(names, types, payloads, keys, digests, strict=True):
                if key is not None and not _belongs(name, event_type, payload, digest):
                    return None
        self._versions.update(known)
        self.events += len(rows)
        return events_bytes(
            names,
            versions,
            types,
            schema_versions,
            occurred,
            all_utf8(acts),
            all_utf8(causes),
            all_utf8(keys),
            list(map(str.encode, payloads)),
        )

    def _one_by_one(self, link: Any, rows: Sequence[Any], faults: list[str]) -> list[bytes]:
        encoded: list[bytes] = []
        expected = link.first_position
        versions = self._versions
        for row in rows:
            position, append_id, stream_id, version, type_id, act, cause, occurred_at, payload, key, digest = row
            self.events += 1
            if position != expected:
                faults.append(
                    f"event {position} has no append"
                    if position < expected
                    else f"events {expected} to {position - 1} are missing"
                )
            expected = max(expected, position + 1)
            if append_id != link.append_id:
                faults.append(f"event {position} says it belongs to append {append_id}")
            stream, kind = self._stream(stream_id), self._type(type_id)
            if stream is None or kind is None:
                faults.append(f"the stream or type of event {position} is missing")
                continue
            following = versions.get(stream_id, 0) + 1
            if version != following:
                name = stream.decode()
                faults.append(f"event {position} is version {version} of {name!r}, and {following} is next")
            versions[stream_id] = version
            event_type, schema_version = kind
            if key is not None and not _belongs(stream, event_type, payload, digest):
                faults.append(f"the key of event {position} belongs to other content")
            encoded.append(
                event_bytes(
                    stream,
                    version,
                    event_type,
                    schema_version,
                    occurred_at,
                    utf8(act),
                    utf8(cause),
                    utf8(key),
                    payload.encode(),
                )
            )
        if expected <= link.last_position:
            faults.append(f"events {expected} to {link.last_position} are missing")
        return encoded

    def _stream(self, stream_id: int) -> bytes | None:
        """Give the name of a stream; None where its row is gone."""
        if stream_id not in self._streams:
            # It was made since the names were read, or it is not there.
            self._read_names()
        return self._streams.setdefault(stream_id, None)

    def _type(self, type_id: int) -> tuple[bytes, int] | None:
        """Give name and schema version of an event type; None where its row is gone."""
        if type_id not in self._types:
            self._read_names()
        return self._types.setdefault(type_id, None)

    def _read_names(self) -> None:
        with self._database.reading() as connection:
            named = connection.execute(select(streams.c.stream_id, streams.c.name))
            self._streams = {stream_id: name.encode() for stream_id, name in named}
            kinds = connection.execute(select(event_types.c.type_id, event_types.c.name, event_types.c.schema_version))
            self._types = {type_id: (name.encode(), version) for type_id, name, version in kinds}

    def _chunks(self, after: int, until: int) -> Iterator[Sequence[Any]]:
        query = _EVENTS.where(ledger.c.position <= until).order_by(ledger.c.position)
        while True:
            with self._database.reading() as connection:
                result = connection.execute(query.where(ledger.c.position > after).limit(CHUNK))
                # The driver's own tuples: row objects would take as long again as the digests.
                rows = result.cursor.fetchall()
            yield rows
            if len(rows) < CHUNK:
                return
            after = rows[-1][0]


def _belongs(stream: bytes, event_type: bytes, payload: str, digest: Any) -> bool:
    """Say whether a key's digest is of this content."""
    return bytes(digest) == content_digest(event_type.decode(), model_of(stream.decode()), payload)


class _Rows:
    """The rows of the ledger in order, taken as far as each append goes."""

    def __init__(self, chunks: Iterator[Sequence[Any]]) -> None:
        self._chunks = chunks
        self._rows: Sequence[Any] = ()
        self._next = 0

    def up_to(self, position: int) -> Sequence[Any]:
        """Give the rows not taken yet, up to a position."""
        taken: Sequence[Any] = ()
        while True:
            start = self._next
            self._next = end = bisect_right(self._rows, position, lo=start, key=itemgetter(0))
            found = self._rows[start:end]
            taken = found if not taken else [*taken, *found]
            if end < len(self._rows):
                return taken
            following = next(self._chunks, None)
            if following is None:
                return taken
            self._rows, self._next = following, 0
