"""Verification: walks the whole log in constant memory and recomputes every link of the chain. It changes nothing."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

from sqlalchemy import func, select

from memory.errors import CorruptionError
from memory.events.codec import content_digest
from memory.events.envelope import category_of, model_of
from memory.store.anchor import Anchor
from memory.store.carried import check_carried
from memory.store.chain import ORIGIN_DIGEST, all_utf8, append_digest, event_bytes, events_bytes, utf8
from memory.store.engine import Database
from memory.store.head import Head
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


def verify(database: Database, anchors: Iterable[Anchor] = ()) -> ChainReport:
    """Recompute the chain up to the head as it is now; events appended meanwhile are left for the next time.

    Args:
        database: Where the log is.
        anchors: Appends that must be there, with the digests they had.
    """
    return _Verification(database, anchors).run()


class _Verification:
    def __init__(self, database: Database, anchors: Iterable[Anchor]) -> None:
        self._database = database
        self._anchors: dict[int, list[Anchor]] = {}
        for anchor in anchors:
            self._anchors.setdefault(anchor.append_id, []).append(anchor)
        self._problems: list[Problem] = []
        self._versions: dict[int, int] = {}
        self._carried: dict[str, int] = {}
        self._predecessor = "another log"
        self._streams: dict[int, bytes | None] = {}
        self._types: dict[int, tuple[bytes, int] | None] = {}
        self._appends = self._events = 0

    def run(self) -> ChainReport:
        with self._database.reading() as connection:
            begun = connection.execute(_LINKS.order_by(appends.c.append_id).limit(2)).all()
            last_id, last_position = connection.execute(
                select(func.max(appends.c.append_id), func.max(appends.c.last_position))
            ).one()
        if not begun:
            self._report(0, 0, 0, "the origin of the hash chain is missing")
            return ChainReport(False, 0, 0, "", tuple(self._problems))
        first = begun[0]
        self._check_origin(first)
        if len(begun) == 2 and begun[1].first_position > begun[1].last_position:
            # A second link without events: a rollover made this log go on from another one there.
            first = begun[1]
            self._check_continuation(first)
        self._check_anchors(first)
        digest = self._walk(first, last_id, last_position)
        for append_id, missing in sorted(self._anchors.items()):
            if append_id < first.append_id:
                self._report(
                    append_id,
                    missing[0].position,
                    missing[0].position,
                    f"an anchor knows append {append_id}, and this log goes on from append {first.append_id} of "
                    f"{self._predecessor}: hold the anchor against that one",
                )
            if append_id > last_id:
                self._report(
                    append_id,
                    last_position + 1,
                    missing[0].position,
                    f"the log ends with append {last_id}, and an anchor knows append {append_id}: its end was cut off",
                )
        self._check_leftovers(first)
        return ChainReport(not self._problems, self._appends, self._events, digest.hex(), tuple(self._problems))

    def _check_origin(self, origin: Any) -> None:
        fresh = (origin.append_id, origin.first_position, origin.last_position) == (0, 1, 0)
        if origin.append_id == 0 and not (fresh and bytes(origin.digest) == ORIGIN_DIGEST):
            self._report(0, origin.first_position, origin.last_position, "the origin of the hash chain was changed")
        elif origin.append_id != 0:
            self._report(
                origin.append_id,
                origin.first_position,
                origin.last_position,
                f"the chain begins at append {origin.append_id}: what came before it was removed",
            )

    def _check_continuation(self, origin: Any) -> None:
        """See that a log begins with the head it says it goes on from, and has what was carried over from there."""
        if (origin.append_id, origin.first_position) <= (0, 1) or origin.first_position != origin.last_position + 1:
            self._report(
                origin.append_id, origin.first_position, origin.last_position, "the beginning of the log was changed"
            )
        head = Head(origin.append_id, origin.last_position, bytes(origin.digest).hex())
        with self._database.reading() as connection:
            try:
                carried = check_carried(connection, head)
            except CorruptionError as error:
                self._report(origin.append_id, origin.first_position, origin.first_position, error.message)
                return
            named = connection.execute(select(streams.c.stream_id, streams.c.name))
            self._versions = {row.stream_id: carried.versions.get(row.name, 0) for row in named}
        self._carried, self._predecessor = dict(carried.versions), carried.predecessor
        for position, message in carried.problems:
            self._report(origin.append_id, position, position, message)

    def _walk(self, origin: Any, last_id: int, last_position: int) -> bytes:
        """Follow the chain from the origin; a link that is wrong is reported, and the next is judged by itself."""
        events = _Events(self._event_chunks(origin.last_position, last_position))
        previous = origin
        for link in self._stream_links(origin.append_id, last_id):
            self._appends += 1
            faults: list[str] = []
            if link.append_id != previous.append_id + 1:
                missing = f"{previous.append_id + 1} to {link.append_id - 1}"
                faults.append(f"before it, appends {missing} are missing")
            if link.first_position != previous.last_position + 1 or link.last_position < link.first_position:
                faults.append(f"its positions do not follow {previous.last_position}")
            encoded = self._encoded_events(link, events.up_to(link.last_position), faults)
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
            self._check_anchors(link)
            previous = link
        return bytes(previous.digest)

    def _check_anchors(self, link: Any) -> None:
        """Hold an append against the anchors that name it."""
        for anchor in self._anchors.get(link.append_id, ()):
            if (anchor.digest, anchor.position) != (bytes(link.digest).hex(), link.last_position):
                self._report(
                    link.append_id,
                    link.first_position,
                    link.last_position,
                    f"an anchor knows it by digest {anchor.digest[:16]}… up to position {anchor.position}, and it is "
                    f"{bytes(link.digest).hex()[:16]}… up to {link.last_position}: this is another history",
                )

    def _encoded_events(self, link: Any, rows: Sequence[Any], faults: list[str]) -> Sequence[bytes]:
        """Encode the events that lie at an append's positions, noting what is wrong with them."""
        together = self._encoded_together(link, rows)
        return self._encoded_one_by_one(link, rows, faults) if together is None else [together]

    def _encoded_together(self, link: Any, rows: Sequence[Any]) -> bytes | None:
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
        self._events += len(rows)
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

    def _encoded_one_by_one(self, link: Any, rows: Sequence[Any], faults: list[str]) -> list[bytes]:
        encoded: list[bytes] = []
        expected = link.first_position
        versions = self._versions
        for row in rows:
            position, append_id, stream_id, version, type_id, act, cause, occurred_at, payload, key, digest = row
            self._events += 1
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

    def _check_leftovers(self, origin: Any) -> None:
        """Look for rows that no append accounts for, each question one statement and so one snapshot."""
        beyond = select(func.min(ledger.c.position), func.max(ledger.c.position)).where(
            ledger.c.position > select(func.max(appends.c.last_position)).scalar_subquery()
        )
        before = select(func.min(ledger.c.position), func.max(ledger.c.position)).where(
            ledger.c.position < origin.first_position
        )
        # Keys from before the origin were carried over, and were held against the events that say so.
        orphans = (
            select(func.min(record_keys.c.position), func.max(record_keys.c.position))
            .select_from(record_keys)
            .outerjoin(ledger, ledger.c.position == record_keys.c.position)
            .where(ledger.c.position.is_(None), record_keys.c.position >= origin.first_position)
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
            for name, version, found in connection.execute(stale):
                actual = self._carried.get(name, 0) if found is None else found
                if version != actual:
                    self._report(
                        0, 0, 0, f"stream {name!r} is noted at version {version}, and its last event is {actual}"
                    )
            for name, category in connection.execute(select(streams.c.name, streams.c.category)):
                if category != category_of(name):
                    self._report(0, 0, 0, f"stream {name!r} is filed under {category!r}, where it does not belong")

    def _stream_links(self, after: int, until: int) -> Iterator[Any]:
        query = _LINKS.where(appends.c.append_id <= until).order_by(appends.c.append_id)
        while True:
            with self._database.reading() as connection:
                rows = connection.execute(query.where(appends.c.append_id > after).limit(CHUNK)).all()
            yield from rows
            if len(rows) < CHUNK:
                return
            after = rows[-1].append_id

    def _event_chunks(self, after: int, until: int) -> Iterator[Sequence[Any]]:
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

    def _report(self, append_id: int, first: int, last: int, message: str) -> None:
        if len(self._problems) < PROBLEM_LIMIT:
            self._problems.append(Problem(append_id, first, last, message))


def _belongs(stream: bytes, event_type: bytes, payload: str, digest: Any) -> bool:
    """Say whether a key's digest is of this content."""
    return bytes(digest) == content_digest(event_type.decode(), model_of(stream.decode()), payload)


class _Events:
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
