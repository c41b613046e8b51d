"""Giving imported appends their rows: the numbers of streams and types are this database's own."""

from __future__ import annotations

from collections.abc import Sequence

import orjson
from sqlalchemy import Connection, insert, select

from memory.errors import InvalidExport
from memory.events.codec import content_digest
from memory.events.continuity import CARRIED, KeysCarried, LogContinued, StreamsCarried
from memory.events.envelope import category_of, check_stream, model_of
from memory.store.carried import Carried
from memory.store.head import Head, read_origin
from memory.store.insert import AppendRow, KeyRow, LedgerRow, write_rows
from memory.store.rollover import key_row
from memory.store.tables import event_types, ledger, streams
from memory.store.transfer.history import LoggedAppend, LoggedEvent
from memory.store.transfer.manifest import Manifest


def check_event(event: LoggedEvent) -> None:
    """Refuse an event that has a digest and yet was never written by Palimpsest: the views could not show it.

    Raises:
        ValueError: Its payload is no JSON object, or has a NUL character.
        InvalidPayload: Its stream has no possible name.
    """
    fields = orjson.loads(event.payload)
    if type(fields) is not dict:
        raise ValueError(f"the payload of event {event.position} is no JSON object")
    if "\\u0000" in event.payload and _has_nul(fields):
        raise ValueError(f"the payload of event {event.position} has a NUL character")
    if event.version == 1:
        check_stream(event.stream)


def _has_nul(value: object) -> bool:
    if isinstance(value, str):
        return "\0" in value
    if isinstance(value, dict):
        return any(_has_nul(key) or _has_nul(each) for key, each in value.items())
    return isinstance(value, list) and any(_has_nul(each) for each in value)


class Placing:
    """Writes appends on top of a head, transaction by transaction.

    Args:
        head: Where the log ends.
    """

    def __init__(self, head: Head) -> None:
        self.head = head
        """Where the log ends by what was written and committed."""
        self._streams: dict[str, tuple[int, int]] = {}
        self._next_stream = 0
        self._types: dict[tuple[str, int], int] = {}
        self._beginning = False

    def write(self, connection: Connection, pending: Sequence[LoggedAppend], manifest: Manifest) -> None:
        """Write appends that were proved to follow the head, in the open transaction, which holds the ledger's lock.

        Raises:
            InvalidExport: An event's version does not follow its stream's.
        """
        if not self._next_stream:
            self._take_up(connection, manifest)
        known = dict(self._streams)
        keys: list[KeyRow] = []
        links: list[AppendRow] = []
        events: list[LedgerRow] = []
        if self.head.append_id == 0 and manifest.origin.append_id:
            self._begin(connection, pending[0], manifest)
        self._number_types(connection, pending)
        for append in pending:
            head = append.head
            links.append(
                (
                    append.append_id,
                    append.first_position,
                    head.position,
                    append.recorded_at,
                    append.actor,
                    append.correlation_id,
                    append.digest,
                )
            )
            for event in append.events:
                events.append(self._row(append, event, known))
                if event.key is not None:
                    digest = content_digest(event.event_type, model_of(event.stream), event.payload)
                    keys.append((event.key, event.position, digest))
                if self._beginning:
                    self._carry(event, known, keys)
        self._write_streams(connection, known)
        write_rows(connection, links, events, keys, [])
        self._streams = known

    def _take_up(self, connection: Connection, manifest: Manifest) -> None:
        """Learn what the log holds already; an import may have ended amid what a rollover carried over."""
        rows = connection.execute(select(streams.c.name, streams.c.stream_id, streams.c.version))
        self._streams = {row.name: (row.stream_id, row.version) for row in rows}
        self._next_stream = max((stream_id for stream_id, _ in self._streams.values()), default=0) + 1
        if manifest.origin.append_id and read_origin(connection) == manifest.origin:
            last = select(event_types.c.name).join_from(ledger, event_types, event_types.c.type_id == ledger.c.type_id)
            found = connection.execute(last.where(ledger.c.position == self.head.position)).scalar()
            self._beginning = found in CARRIED

    def _begin(self, connection: Connection, first: LoggedAppend, manifest: Manifest) -> None:
        """Write where a continued log begins."""
        origin, event = manifest.origin, first.events[0]
        if event.event_type == LogContinued.event_type:
            said = LogContinued.model_validate_json(event.payload)
            if Head(said.append_id, said.position, said.digest) == origin:
                row = (origin.append_id, origin.position + 1, origin.position, manifest.origin_at, None, None)
                write_rows(connection, [(*row, bytes.fromhex(origin.digest))], [], [], [])
                self._beginning = True
                return
        raise InvalidExport(
            f"the export begins after append {origin.append_id}, and its first event does not say that a rollover made "
            "it begin there",
            append_id=first.append_id,
            position=first.first_position,
        )

    def _row(self, append: LoggedAppend, event: LoggedEvent, known: dict[str, tuple[int, int]]) -> LedgerRow:
        if event.stream not in known:
            # What a carried stream had before is only said by the events that follow the first.
            self._add_stream(known, event.stream, event.version - 1 if self._beginning else 0)
        stream_id, version = known[event.stream]
        if event.version != version + 1:
            raise InvalidExport(
                f"event {event.position} is version {event.version} of {event.stream!r}, and {version + 1} is next",
                append_id=append.append_id,
                position=event.position,
            )
        known[event.stream] = (stream_id, event.version)
        return (
            event.position,
            append.append_id,
            stream_id,
            event.version,
            self._types[event.event_type, event.schema_version],
            event.act_id,
            event.causation_id,
            event.occurred_at,
            event.payload,
        )

    def _carry(self, event: LoggedEvent, known: dict[str, tuple[int, int]], keys: list[KeyRow]) -> None:
        """Take over what a rollover carried into the log; it ends with the first event of another type."""
        if event.event_type == StreamsCarried.event_type:
            for name, version in StreamsCarried.model_validate_json(event.payload).versions.items():
                if name not in known:
                    self._add_stream(known, name, version)
        elif event.event_type == KeysCarried.event_type:
            carried = KeysCarried.model_validate_json(event.payload).keys
            keys.extend(key_row(Carried(*each)) for each in carried)
        self._beginning = event.event_type in CARRIED

    def _add_stream(self, known: dict[str, tuple[int, int]], name: str, version: int) -> None:
        known[name] = (self._next_stream, version)
        self._next_stream += 1

    def _number_types(self, connection: Connection, pending: Sequence[LoggedAppend]) -> None:
        needed = {(event.event_type, event.schema_version) for append in pending for event in append.events}
        if needed <= self._types.keys():
            return
        rows = connection.execute(select(event_types.c.name, event_types.c.schema_version, event_types.c.type_id))
        types = {(row.name, row.schema_version): row.type_id for row in rows}
        missing = sorted(needed - types.keys())
        first = max(types.values(), default=0) + 1
        new = {each: first + offset for offset, each in enumerate(missing)}
        if new:
            rows_of_types = [
                {"type_id": number, "name": name, "schema_version": version} for (name, version), number in new.items()
            ]
            connection.execute(insert(event_types), rows_of_types)
        self._types = types | new

    def _write_streams(self, connection: Connection, known: dict[str, tuple[int, int]]) -> None:
        before = self._streams
        new = [
            {"stream_id": stream_id, "name": name, "category": category_of(name), "version": version}
            for name, (stream_id, version) in known.items()
            if name not in before
        ]
        if new:
            connection.execute(insert(streams), new)
        moved = [
            (version, stream_id)
            for name, (stream_id, version) in known.items()
            if name in before and before[name] != (stream_id, version)
        ]
        write_rows(connection, [], [], [], moved)
