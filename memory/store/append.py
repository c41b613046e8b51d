"""What an append comes to: places, links and rows, decided under the ledger's lock and written in one go.

Several appends can share a transaction: each is planned on top of the one before it, as its own row, keys and link of
the chain, and a refused one leaves no trace. Then all of them are written together.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, func, insert, select

from memory.errors import ConcurrencyError, KeyConflict
from memory.events.envelope import LAST_MICROSECOND, category_of, event_id
from memory.store.carried import carried_under
from memory.store.chain import append_digest, event_bytes, utf8
from memory.store.head import read_head, read_origin
from memory.store.insert import AppendRow, KeyRow, LedgerRow, write_rows
from memory.store.prepare import PreparedBatch, PreparedEvent
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
        self._origin = read_origin(connection)
        head = read_head(connection)
        self._append_id, self._position, self._digest = head.append_id, head.position, bytes.fromhex(head.digest)
        self._streams = self._read_streams(batches)
        self._keys = self._read_keys(batches)
        self.type_ids = dict(type_ids)
        """Number of every event type, those made here included: known to be right once this is committed."""
        self._appends: list[AppendRow] = []
        self._ledger: list[LedgerRow] = []
        self._new_keys: list[KeyRow] = []

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
        replayed = self._replays(batch)
        new = [
            index
            for index in range(len(batch.events))
            if (not replayed or index not in replayed) and (not batch.same_as or index not in batch.same_as)
        ]
        if new:
            for stream, expected in batch.expected_version.items():
                actual = self._streams[stream].version if stream in self._streams else 0
                if actual != expected:
                    raise ConcurrencyError(stream, expected, actual)
        appended = self._place(batch, new) if new else {}
        results: list[Appended] = []
        for index in range(len(batch.events)):
            first = batch.same_as.get(index, index)
            found = replayed.get(first) or appended[first]
            results.append(found if index == first else _as_replay(found))
        return tuple(results)

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

    def _place(self, batch: PreparedBatch, new: Sequence[int]) -> dict[int, Appended]:
        """Give the new events of a batch their places as one append; give their results by index."""
        self._ensure_types({(event.event_type, event.schema_version) for event in batch.events})
        recorded_at = min(time.time_ns() // 1000, LAST_MICROSECOND)
        append_id, first = self._append_id + 1, self._position + 1
        position = self._position
        encoded: list[bytes] = []
        places: list[tuple[int, PreparedEvent, int, int]] = []
        for index in new:
            event = batch.events[index]
            stream = self._stream(event.stream)
            stream.version += 1
            position += 1
            occurred_at = recorded_at if event.occurred_at is None else event.occurred_at
            encoded.append(
                event_bytes(
                    event.stream.encode(),
                    stream.version,
                    event.event_type.encode(),
                    event.schema_version,
                    occurred_at,
                    utf8(event.act_id),
                    utf8(event.causation_id),
                    utf8(event.key),
                    event.text.encode(),
                )
            )
            self._ledger.append(
                (
                    position,
                    append_id,
                    stream.stream_id,
                    stream.version,
                    self.type_ids[event.event_type, event.schema_version],
                    event.act_id,
                    event.causation_id,
                    occurred_at,
                    event.text,
                )
            )
            places.append((index, event, position, stream.version))
        self._digest = append_digest(
            self._digest,
            append_id=append_id,
            first_position=first,
            last_position=position,
            recorded_at=recorded_at,
            actor=batch.actor,
            correlation_id=batch.correlation_id,
            events=encoded,
        )
        self._appends.append((append_id, first, position, recorded_at, batch.actor, batch.correlation_id, self._digest))
        self._append_id, self._position = append_id, position
        results: dict[int, Appended] = {}
        for index, event, place, version in places:
            identity = event_id(self._digest, place - first)
            result = Appended(place, identity, event.event_type, event.stream, version, replayed=False)
            results[index] = result
            if event.key is not None and event.content_digest is not None:
                self._new_keys.append((event.key, place, event.content_digest))
                self._keys[event.key] = _Keyed(event.content_digest, result)
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
            if known.content_digest != event.content_digest:
                raise KeyConflict(event.key, known.appended.position)
            replays[index] = _as_replay(known.appended)
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
            rows = self._connection.execute(_STREAMS, {"names": wanted[start : start + _PARAMETER_LIMIT]})
            found.update({row.name: _Stream(row.stream_id, row.version, row.version) for row in rows})
        return found

    def _read_keys(self, batches: Iterable[PreparedBatch]) -> dict[str, _Keyed]:
        wanted = sorted({event.key for each in batches for event in each.events if event.key is not None})
        found: dict[str, _Keyed] = {}
        for start in range(0, len(wanted), _PARAMETER_LIMIT):
            for row in self._connection.execute(_RECORDED, {"keys": wanted[start : start + _PARAMETER_LIMIT]}):
                identity = event_id(bytes(row.digest), row.position - row.first_position)
                # The stream is the first one's: a key may be repeated from another stream of the same model.
                first = Appended(row.position, identity, row.event_type, row.stream, row.version, replayed=True)
                found[row.key] = _Keyed(bytes(row.content_digest), first)
            self._add_carried(found, wanted[start : start + _PARAMETER_LIMIT])
        return found

    def _add_carried(self, found: dict[str, _Keyed], wanted: Sequence[str]) -> None:
        """Add the keys that a rollover carried over from the log before."""
        if self._origin.append_id == 0:
            return
        query = _CARRIED.where(record_keys.c.position <= self._origin.position)
        for row in self._connection.execute(query, {"keys": wanted}).all():
            known = carried_under(self._connection, self._origin, row.position)
            first = Appended(known.position, known.event_id, known.event_type, known.stream, known.version, True)
            found[row.key] = _Keyed(bytes(row.content_digest), first)

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


def _as_replay(result: Appended) -> Appended:
    return Appended(result.position, result.event_id, result.event_type, result.stream, result.version, replayed=True)


_STREAMS = select(streams.c.name, streams.c.stream_id, streams.c.version).where(
    streams.c.name.in_(bindparam("names", expanding=True))
)
_RECORDED = (
    select(
        record_keys.c.key,
        record_keys.c.content_digest,
        ledger.c.position,
        ledger.c.version,
        streams.c.name.label("stream"),
        event_types.c.name.label("event_type"),
        appends.c.digest,
        appends.c.first_position,
    )
    .join_from(record_keys, ledger, ledger.c.position == record_keys.c.position)
    .join(appends, appends.c.append_id == ledger.c.append_id)
    .join(streams, streams.c.stream_id == ledger.c.stream_id)
    .join(event_types, event_types.c.type_id == ledger.c.type_id)
    .where(record_keys.c.key.in_(bindparam("keys", expanding=True)))
)
_CARRIED = select(record_keys.c.key, record_keys.c.position, record_keys.c.content_digest).where(
    record_keys.c.key.in_(bindparam("keys", expanding=True))
)
