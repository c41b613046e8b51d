"""What an append comes to: places, links and rows, decided under the ledger's lock and written in one go.

Several appends can share a transaction: each is planned on top of the one before it, as its own row, keys and link of
the chain, and a refused one leaves no trace. Then all of them are written together.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import Any, NamedTuple

from sqlalchemy import Connection, bindparam, func, insert, select

from memory.errors import ConcurrencyError, CorruptionError, KeyConflict
from memory.events.envelope import LAST_MICROSECOND, category_of, event_id, event_ids
from memory.store.blobs import Content, write_blobs
from memory.store.carried import carried_under
from memory.store.chain import all_utf8, append_digest, event_bytes, events_bytes, utf8
from memory.store.driver import fetch
from memory.store.head import read_head, read_origin
from memory.store.insert import AppendRow, KeyRow, LedgerRow, write_rows
from memory.store.prepare import PreparedBatch, PreparedEvent
from memory.store.repeats import repeats_older_version
from memory.store.tables import appends, event_types, ledger, record_keys, streams

_PARAMETER_LIMIT = 500


class Appended(NamedTuple):
    """What became of one event given to `append`."""

    position: int
    event_id: str
    event_type: str
    stream: str
    version: int
    replayed: bool
    """Whether it had been recorded before under the same key, and was not appended again."""


@dataclass(slots=True)
class _Stream:
    stream_id: int
    version: int
    """Version of its last event, those planned here included."""
    stored: int | None
    """The version its row has; None for a stream that is new."""


@dataclass(frozen=True, slots=True)
class _Keyed:
    """What is recorded under a key."""

    content_digest: bytes
    appended: Appended


class AppendPlan:
    """Appends one batch after the other on top of the head, in the open transaction, which holds the ledger's lock.

    Args:
        connection: The transaction.
        batches: Every batch that will be added: what they need of the database is read at once.
        type_ids: Number of every event type known to be committed, by name and schema version; they never change.

    Raises:
        CorruptionError: Not even the origin of the chain is there.
    """

    def __init__(
        self, connection: Connection, batches: Iterable[PreparedBatch], type_ids: dict[tuple[str, int], int]
    ) -> None:
        batches = tuple(batches)
        self._connection = connection
        head = read_head(connection)
        self._append_id, self._position, self._digest = head.append_id, head.position, bytes.fromhex(head.digest)
        self._streams = self._read_streams(batches)
        self._keys = self._read_keys(batches)
        self.type_ids = dict(type_ids)
        """Number of every event type, those made here included: known to be right once this is committed."""
        self._appends: list[AppendRow] = []
        self._ledger: list[LedgerRow] = []
        self._new_keys: list[KeyRow] = []
        self._blobs: dict[str, Content] = {}

    @property
    def last(self) -> AppendRow | None:
        """The last append planned, by which a later look tells whether all of them were committed."""
        return self._appends[-1] if self._appends else None

    def add(self, batch: PreparedBatch) -> tuple[Appended, ...]:
        """Plan a batch as the next append, whole or not at all; give what became of each event.

        Raises:
            KeyConflict: A key was used before for other content.
            ConcurrencyError: A stream is not at the expected version.
        """
        replayed = self._replays(batch) if batch.keys else {}
        if not replayed and not batch.same_as:
            self._check_versions(batch)
            self._blobs.update(batch.blobs)
            return tuple(self._place(batch, batch.events))
        new = [index for index in range(len(batch.events)) if index not in replayed and index not in batch.same_as]
        results = dict(replayed)
        if new:
            self._check_versions(batch)
            self._blobs.update(batch.blobs)
            results.update(zip(new, self._place(batch, [batch.events[index] for index in new]), strict=True))
        for index, first in batch.same_as.items():
            results[index] = results[first]._replace(replayed=True)
        return tuple(results[index] for index in range(len(batch.events)))

    def _check_versions(self, batch: PreparedBatch) -> None:
        for stream, expected in batch.expected_version.items():
            actual = self._streams[stream].version if stream in self._streams else 0
            if actual != expected:
                raise ConcurrencyError(stream, expected, actual)

    def write(self) -> None:
        """Write every planned append.

        Raises:
            CorruptionError: The ledger contradicts its own caches.
        """
        if not self._appends:
            return
        new = [
            {"stream_id": each.stream_id, "name": name, "category": category_of(name), "version": each.version}
            for name, each in self._streams.items()
            if each.stored is None
        ]
        if new:
            self._connection.execute(insert(streams), new)
        moved = [
            (each.version, each.stream_id)
            for each in self._streams.values()
            if each.stored is not None and each.stored != each.version
        ]
        write_rows(self._connection, self._appends, self._ledger, self._new_keys, moved)
        write_blobs(self._connection, self._blobs)

    def _place(self, batch: PreparedBatch, events: Sequence[PreparedEvent]) -> list[Appended]:
        """Give the events of a batch that are new their places, as one append; give their results."""
        return [self._place_alone(batch, events[0])] if len(events) == 1 else self._place_together(batch, events)

    def _place_alone(self, batch: PreparedBatch, event: PreparedEvent) -> Appended:
        """Do for one event what `_place_together` does for many, which costs several times as much for one."""
        name, kind, schema_version, moment, act, cause, key, content, text = event
        if (kind, schema_version) not in self.type_ids:
            self._ensure_types({(kind, schema_version)})
        recorded_at = min(time.time_ns() // 1000, LAST_MICROSECOND)
        occurred_at = recorded_at if moment is None else moment
        append_id, position = self._append_id + 1, self._position + 1
        stream = self._streams.get(name) or self._stream(name)
        stream.version += 1
        encoded = event_bytes(
            name.encode(),
            stream.version,
            kind.encode(),
            schema_version,
            occurred_at,
            utf8(act),
            utf8(cause),
            utf8(key),
            text.encode(),
        )
        self._link(batch, append_id, position, position, recorded_at, encoded)
        type_id = self.type_ids[kind, schema_version]
        self._ledger.append(
            (position, append_id, stream.stream_id, stream.version, type_id, act, cause, occurred_at, text)
        )
        result = Appended(position, event_ids(self._digest, 1)[0], kind, name, stream.version, replayed=False)
        if key is not None and content is not None:
            self._new_keys.append((key, position, content))
            self._keys[key] = _Keyed(content, result)
        return result

    def _link(
        self, batch: PreparedBatch, append_id: int, first: int, last: int, recorded_at: int, encoded: bytes
    ) -> None:
        """Make the next link of the chain."""
        self._digest = append_digest(
            self._digest,
            append_id=append_id,
            first_position=first,
            last_position=last,
            recorded_at=recorded_at,
            actor=batch.actor,
            correlation_id=batch.correlation_id,
            events=[encoded],
        )
        self._appends.append((append_id, first, last, recorded_at, batch.actor, batch.correlation_id, self._digest))
        self._append_id, self._position = append_id, last

    def _place_together(self, batch: PreparedBatch, events: Sequence[PreparedEvent]) -> list[Appended]:
        """Give events their places column by column."""
        names, kinds, schemas, moments, acts, causes, keys, digests, texts = zip(*events, strict=True)
        self._ensure_types(set(zip(kinds, schemas, strict=True)))
        recorded_at = min(time.time_ns() // 1000, LAST_MICROSECOND)
        append_id, first = self._append_id + 1, self._position + 1
        last = self._position + len(events)
        occurred = [recorded_at if moment is None else moment for moment in moments]
        stream_ids: list[int] = []
        versions: list[int] = []
        for name in names:
            stream = self._streams.get(name) or self._stream(name)
            stream.version += 1
            versions.append(stream.version)
            stream_ids.append(stream.stream_id)
        encoded = events_bytes(
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
        self._link(batch, append_id, first, last, recorded_at, encoded)
        positions = range(first, last + 1)
        type_ids = map(self.type_ids.__getitem__, zip(kinds, schemas, strict=True))
        self._ledger.extend(
            zip(
                positions,
                repeat(append_id),
                stream_ids,
                versions,
                type_ids,
                acts,
                causes,
                occurred,
                texts,
            )
        )
        identities = event_ids(self._digest, len(events))
        rows = zip(positions, identities, kinds, names, versions, repeat(False))
        results = list(map(tuple.__new__, repeat(Appended), rows))
        if batch.keys:
            for key, digest, result in zip(keys, digests, results, strict=True):
                if key is not None:
                    self._new_keys.append((key, result.position, digest))
                    self._keys[key] = _Keyed(digest, result)
        return results

    def _replays(self, batch: PreparedBatch) -> dict[int, Appended]:
        """Give, by index, the events of a batch that were recorded before under their key."""
        replays: dict[int, Appended] = {}
        for index, event in enumerate(batch.events):
            if event.key is None:
                continue
            known = self._keys.get(event.key)
            if known is None:
                continue
            position = known.appended.position
            if known.content_digest != event.content_digest and not repeats_older_version(
                self._connection, event, position
            ):
                raise KeyConflict(event.key, position)
            replays[index] = known.appended._replace(replayed=True)
        return replays

    def _stream(self, name: str) -> _Stream:
        found = self._streams.get(name)
        if found is None:
            last = self._connection.execute(select(func.max(streams.c.stream_id))).scalar() or 0
            planned = max((each.stream_id for each in self._streams.values()), default=0)
            found = self._streams[name] = _Stream(max(last, planned) + 1, 0, None)
        return found

    def _read_streams(self, batches: Iterable[PreparedBatch]) -> dict[str, _Stream]:
        wanted = sorted({name for each in batches for name in each.streams})
        found: dict[str, _Stream] = {}
        for start in range(0, len(wanted), _PARAMETER_LIMIT):
            names = wanted[start : start + _PARAMETER_LIMIT]
            query = f"{_STREAMS} ({', '.join('?' * len(names))})"
            for name, stream_id, version in fetch(self._connection, query, names):
                found[name] = _Stream(stream_id, version, version)
        return found

    def _read_keys(self, batches: Iterable[PreparedBatch]) -> dict[str, _Keyed]:
        wanted = sorted({key for each in batches for key in each.keys})
        found: dict[str, _Keyed] = {}
        for start in range(0, len(wanted), _PARAMETER_LIMIT):
            for row in self._connection.execute(_RECORDED, {"keys": wanted[start : start + _PARAMETER_LIMIT]}).all():
                # The stream is the first one's: a key may be repeated from another stream of the same model.
                first = self._carried(row.position) if row.version is None else _recorded(row)
                found[row.key] = _Keyed(bytes(row.content_digest), first)
        return found

    def _carried(self, position: int) -> Appended:
        """Give what a rollover carried over from the log before: a key without an event of this one."""
        known = carried_under(self._connection, read_origin(self._connection), position)
        return Appended(known.position, known.event_id, known.event_type, known.stream, known.version, replayed=True)

    def _ensure_types(self, needed: set[tuple[str, int]]) -> None:
        """Learn the number of every event type; there are few, so all are read where one is not known yet."""
        if needed <= self.type_ids.keys():
            return
        known = self._connection.execute(
            select(event_types.c.name, event_types.c.schema_version, event_types.c.type_id)
        )
        self.type_ids = {(row.name, row.schema_version): row.type_id for row in known}
        missing = sorted(needed - self.type_ids.keys())
        if missing:
            first = max(self.type_ids.values(), default=0) + 1
            rows = [
                {"type_id": first + offset, "name": name, "schema_version": version}
                for offset, (name, version) in enumerate(missing)
            ]
            self._connection.execute(insert(event_types), rows)
            self.type_ids.update({each: first + offset for offset, each in enumerate(missing)})


def _recorded(row: Any) -> Appended:
    if row.digest is None or row.stream is None or row.event_type is None:
        raise CorruptionError(f"the append, stream or type of event {row.position} is missing", position=row.position)
    identity = event_id(bytes(row.digest), row.position - row.first_position)
    return Appended(row.position, identity, row.event_type, row.stream, row.version, replayed=True)


_STREAMS = "SELECT name, stream_id, version FROM streams WHERE name IN"
_RECORDED = (
    select(
        record_keys.c.key,
        record_keys.c.content_digest,
        record_keys.c.position,
        ledger.c.version,
        streams.c.name.label("stream"),
        event_types.c.name.label("event_type"),
        appends.c.digest,
        appends.c.first_position,
    )
    .outerjoin_from(record_keys, ledger, ledger.c.position == record_keys.c.position)
    .outerjoin(appends, appends.c.append_id == ledger.c.append_id)
    .outerjoin(streams, streams.c.stream_id == ledger.c.stream_id)
    .outerjoin(event_types, event_types.c.type_id == ledger.c.type_id)
    .where(record_keys.c.key.in_(bindparam("keys", expanding=True)))
)
