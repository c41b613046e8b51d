"""Verification: walks the whole log in constant memory and recomputes every link of the chain. It changes nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, func, select

from memory.events.codec import content_digest
from memory.events.envelope import model_of
from memory.store.chain import ORIGIN_DIGEST, append_digest, event_bytes
from memory.store.engine import Database
from memory.store.tables import appends, event_types, ledger, record_keys, streams

CHUNK = 2000


@dataclass(frozen=True, slots=True)
class Problem:
    """Something in the log that is not as it was recorded."""

    append_id: int
    """The append concerned."""
    first_position: int
    last_position: int
    """The positions concerned."""
    message: str
    """What is wrong, in words."""

    def __str__(self) -> str:
        span = (
            f"position {self.first_position}"
            if self.first_position == self.last_position
            else f"positions {self.first_position} to {self.last_position}"
        )
        return f"append {self.append_id} ({span}): {self.message}"


@dataclass(frozen=True, slots=True)
class ChainReport:
    """What verification found."""

    ok: bool
    appends: int
    """Appends looked at."""
    events: int
    """Events looked at."""
    digest: str
    """Digest of the last append, hex."""
    problems: tuple[Problem, ...]
    """What is wrong, the first append concerned first; at most `PROBLEM_LIMIT`."""


PROBLEM_LIMIT = 100

_LINKS = select(
    appends.c.append_id,
    appends.c.first_position,
    appends.c.last_position,
    appends.c.recorded_at,
    appends.c.actor,
    appends.c.correlation_id,
    appends.c.digest,
)
_EVENTS = (
    select(
        ledger.c.position,
        ledger.c.append_id,
        ledger.c.version,
        ledger.c.act_id,
        ledger.c.causation_id,
        ledger.c.occurred_at,
        ledger.c.payload,
        streams.c.name.label("stream"),
        event_types.c.name.label("event_type"),
        event_types.c.schema_version,
        record_keys.c.key,
        record_keys.c.content_digest,
    )
    .select_from(ledger)
    .outerjoin(streams, streams.c.stream_id == ledger.c.stream_id)
    .outerjoin(event_types, event_types.c.type_id == ledger.c.type_id)
    .outerjoin(record_keys, record_keys.c.position == ledger.c.position)
)


def verify(database: Database) -> ChainReport:
    """Recompute the chain up to the head as it is now; events appended meanwhile are left for the next time."""
    return _Verification(database).run()


class _Verification:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._problems: list[Problem] = []
        self._versions: dict[str, int] = {}
        self._appends = self._events = 0

    def run(self) -> ChainReport:
        with self._database.reading() as connection:
            first = connection.execute(_LINKS.order_by(appends.c.append_id).limit(1)).one_or_none()
            last_id, last_position = connection.execute(
                select(func.max(appends.c.append_id), func.max(appends.c.last_position))
            ).one()
        if first is None:
            self._report(0, 0, 0, "the origin of the hash chain is missing")
            return ChainReport(False, 0, 0, "", tuple(self._problems))
        self._check_origin(first)
        digest = self._walk(first, last_id, last_position)
        self._check_leftovers()
        return ChainReport(not self._problems, self._appends, self._events, digest.hex(), tuple(self._problems))

    def _check_origin(self, origin: Any) -> None:
        fresh = (origin.append_id, origin.first_position, origin.last_position) == (0, 1, 0)
        if origin.append_id == 0 and not (fresh and bytes(origin.digest) == ORIGIN_DIGEST):
            self._report(0, origin.first_position, origin.last_position, "the origin of the hash chain was changed")
        elif origin.append_id != 0 and origin.first_position <= origin.last_position:
            self._report(
                origin.append_id,
                origin.first_position,
                origin.last_position,
                f"the chain begins at append {origin.append_id}: what came before it was removed",
            )

    def _walk(self, origin: Any, last_id: int, last_position: int) -> bytes:
        """Follow the chain from the origin; a link that is wrong is reported, and the next is judged by itself."""
        events = _Peekable(self._stream_events(origin.last_position, last_position))
        previous = origin
        for link in self._stream_links(origin.append_id, last_id):
            self._appends += 1
            faults: list[str] = []
            if link.append_id != previous.append_id + 1:
                missing = f"{previous.append_id + 1} to {link.append_id - 1}"
                faults.append(f"before it, appends {missing} are missing")
            if link.first_position != previous.last_position + 1 or link.last_position < link.first_position:
                faults.append(f"its positions do not follow {previous.last_position}")
            encoded = self._encoded_events(link, events, faults)
            expected = append_digest(
                bytes(previous.digest),
                append_id=link.append_id,
                first_position=link.first_position,
                last_position=link.last_position,
                recorded_at=link.recorded_at,
                actor=link.actor,
                correlation_id=link.correlation_id,
                events=encoded,
            )
            if not faults and expected != bytes(link.digest):
                faults.append("its digest does not match what is stored: something in it was changed")
            if faults:
                self._report(link.append_id, link.first_position, link.last_position, "; ".join(faults))
            previous = link
        return bytes(previous.digest)

    def _encoded_events(self, link: Any, events: _Peekable, faults: list[str]) -> list[bytes]:
        """Encode the events that lie at an append's positions, noting what is wrong with them."""
        encoded: list[bytes] = []
        expected = link.first_position
        while (row := events.peek()) is not None and row.position <= link.last_position:
            events.pop()
            self._events += 1
            if row.position != expected:
                faults.append(
                    f"event {row.position} has no append"
                    if row.position < expected
                    else f"events {expected} to {row.position - 1} are missing"
                )
            expected = max(expected, row.position + 1)
            faults.extend(self._event_faults(link, row))
            if row.stream is not None and row.event_type is not None:
                encoded.append(_encode(row))
        if expected <= link.last_position:
            faults.append(f"events {expected} to {link.last_position} are missing")
        return encoded

    def _event_faults(self, link: Any, row: Any) -> Iterator[str]:
        if row.append_id != link.append_id:
            yield f"event {row.position} says it belongs to append {row.append_id}"
        if row.stream is None or row.event_type is None:
            yield f"the stream or type of event {row.position} is missing"
            return
        version = self._versions.get(row.stream, 0) + 1
        if row.version != version:
            yield f"event {row.position} is version {row.version} of {row.stream!r}, and {version} is next"
        self._versions[row.stream] = row.version
        if row.key is not None and bytes(row.content_digest) != content_digest(
            row.event_type, model_of(row.stream), row.payload
        ):
            yield f"the key of event {row.position} belongs to other content"

    def _check_leftovers(self) -> None:
        """Look for rows that no append accounts for, each question one statement and so one snapshot."""
        beyond = select(func.min(ledger.c.position), func.max(ledger.c.position)).where(
            ledger.c.position > select(func.max(appends.c.last_position)).scalar_subquery()
        )
        before = select(func.min(ledger.c.position), func.max(ledger.c.position)).where(
            ledger.c.position <= select(func.min(appends.c.last_position)).scalar_subquery()
        )
        orphans = (
            select(func.min(record_keys.c.position), func.max(record_keys.c.position))
            .select_from(record_keys)
            .outerjoin(ledger, ledger.c.position == record_keys.c.position)
            .where(ledger.c.position.is_(None))
        )
        newest = select(func.max(ledger.c.version)).where(ledger.c.stream_id == streams.c.stream_id).scalar_subquery()
        stale = (
            select(streams.c.name, streams.c.version, newest)
            .where(streams.c.version != func.coalesce(newest, 0))
            .order_by(streams.c.name)
        )
        with self._database.reading() as connection:
            for query, message in (
                (beyond, "events lie beyond the last append"),
                (before, "events lie before the first append"),
                (orphans, "keys are recorded for events that are missing"),
            ):
                low, high = connection.execute(query).one()
                if low is not None:
                    self._report(0, low, high, message)
            for name, version, actual in connection.execute(stale.limit(PROBLEM_LIMIT)):
                self._report(
                    0, 0, 0, f"stream {name!r} is noted at version {version}, and its last event is {actual or 0}"
                )

    def _stream_links(self, after: int, until: int) -> Iterator[Any]:
        query = _LINKS.where(appends.c.append_id <= until).order_by(appends.c.append_id)
        yield from self._keyset(query, appends.c.append_id, after)

    def _stream_events(self, after: int, until: int) -> Iterator[Any]:
        query = _EVENTS.where(ledger.c.position <= until).order_by(ledger.c.position)
        yield from self._keyset(query, ledger.c.position, after)

    def _keyset(self, query: Select[Any], column: Any, after: int) -> Iterator[Any]:
        while True:
            with self._database.reading() as connection:
                rows: Sequence[Any] = connection.execute(query.where(column > after).limit(CHUNK)).all()
            yield from rows
            if len(rows) < CHUNK:
                return
            after = getattr(rows[-1], column.name)

    def _report(self, append_id: int, first: int, last: int, message: str) -> None:
        if len(self._problems) < PROBLEM_LIMIT:
            self._problems.append(Problem(append_id, first, last, message))


class _Peekable:
    def __init__(self, rows: Iterator[Any]) -> None:
        self._rows = rows
        self._next = next(rows, None)

    def peek(self) -> Any:
        return self._next

    def pop(self) -> None:
        self._next = next(self._rows, None)


def _encode(row: Any) -> bytes:
    return event_bytes(
        stream=row.stream,
        version=row.version,
        event_type=row.event_type,
        schema_version=row.schema_version,
        occurred_at=row.occurred_at,
        act_id=row.act_id,
        causation_id=row.causation_id,
        key=row.key,
        payload=row.payload.encode(),
    )
