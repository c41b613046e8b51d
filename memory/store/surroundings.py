"""What the rows of the ledger name by number (appends, streams, event types), put together with them into events.

By column and not by a join: a replay reads as many rows of the ledger as there are events, and of everything else few.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import repeat
from typing import Any

from sqlalchemy import Connection, Select, bindparam, select

from memory.errors import CorruptionError
from memory.events.envelope import AppendOfEvent, KindOfEvent, StoredEvent
from memory.store.tables import appends, event_types, ledger, streams

LEDGER_ROWS: Select[Any] = select(
    ledger.c.position,
    ledger.c.append_id,
    ledger.c.stream_id,
    ledger.c.version,
    ledger.c.type_id,
    ledger.c.occurred_at,
    ledger.c.act_id,
    ledger.c.causation_id,
    ledger.c.payload,
)
"""The rows that `Surroundings.events` takes; still without a condition and an order."""

_APPENDS = select(
    appends.c.append_id,
    appends.c.digest,
    appends.c.first_position,
    appends.c.recorded_at,
    appends.c.correlation_id,
    appends.c.actor,
)
_RANGE = _APPENDS.where(appends.c.append_id.between(bindparam("low"), bindparam("high")))
_SOME = _APPENDS.where(appends.c.append_id.in_(bindparam("ids", expanding=True)))
_STREAMS = select(streams.c.stream_id, streams.c.name).where(streams.c.stream_id.in_(bindparam("ids", expanding=True)))
_KINDS = select(event_types.c.type_id, event_types.c.name, event_types.c.schema_version)

_DENSE = 4
"""Appends read for each one that is needed, up to which a range is read instead of a list."""
_MOST_NAMES = 10_000
"""Names of streams that are remembered between chunks."""


class Surroundings:
    """Makes events of ledger rows, remembering from chunk to chunk what they have in common."""

    def __init__(self) -> None:
        self._streams: dict[int, str] = {}
        self._kinds: dict[int, KindOfEvent] = {}
        self._appends: dict[int, AppendOfEvent] = {}

    def events(self, connection: Connection, rows: Sequence[Any]) -> Iterable[StoredEvent]:
        """Give the events of rows, in their order.

        Args:
            connection: A transaction that sees what the rows were read in.
            rows: What `LEDGER_ROWS` gave.

        Raises:
            CorruptionError: On iteration: the append, stream or type of an event is gone.
        """
        if not rows:
            return ()
        positions, append_ids, stream_ids, versions, type_ids, occurred, acts, causes, texts = zip(*rows, strict=True)
        self._learn(connection, set(append_ids), set(stream_ids), set(type_ids))
        around = list(map(self._appends.get, append_ids))
        names = list(map(self._streams.get, stream_ids))
        kinds = list(map(self._kinds.get, type_ids))
        events = map(
            tuple.__new__,
            repeat(StoredEvent),
            zip(positions, around, names, versions, kinds, occurred, acts, causes, texts, strict=True),
        )
        orphaned = None in around or None in names or None in kinds
        return _until_orphan(events) if orphaned else events

    def _learn(self, connection: Connection, append_ids: set[int], stream_ids: set[int], type_ids: set[int]) -> None:
        low, high = min(append_ids), max(append_ids)
        if high - low < _DENSE * len(append_ids):
            found = connection.execute(_RANGE, {"low": low, "high": high})
        else:
            found = connection.execute(_SOME, {"ids": sorted(append_ids)})
        self._appends = {row[0]: AppendOfEvent._make(row[1:]) for row in found.cursor.fetchall()}
        if unknown := stream_ids - self._streams.keys():
            if len(self._streams) > _MOST_NAMES:
                self._streams, unknown = {}, stream_ids
            self._streams.update(connection.execute(_STREAMS, {"ids": sorted(unknown)}).cursor.fetchall())
        if type_ids - self._kinds.keys():
            kinds = connection.execute(_KINDS).cursor.fetchall()
            self._kinds = {type_id: KindOfEvent(name, version) for type_id, name, version in kinds}


def _until_orphan(events: Iterable[StoredEvent]) -> Iterator[StoredEvent]:
    for event in events:
        if None in (event.append, event.stream, event.kind):
            position = event.position
            raise CorruptionError(f"the append, stream or type of event {position} is missing", position=position)
        yield event
