"""Verification: walks the whole log in constant memory and recomputes every link of the chain. It changes nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select

from memory.errors import CorruptionError
from memory.events.envelope import category_of
from memory.store.anchor import Anchor
from memory.store.carried import check_carried
from memory.store.chain import ORIGIN_DIGEST, append_digest
from memory.store.engine import Database
from memory.store.head import Head
from memory.store.stored_bytes import StoredBytes
from memory.store.tables import appends, ledger, record_keys, streams

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
        stored = StoredBytes(self._database, origin.last_position, last_position, self._versions)
        previous = origin
        for link in self._stream_links(origin.append_id, last_id):
            self._appends += 1
            faults: list[str] = []
            if link.append_id != previous.append_id + 1:
                missing = f"{previous.append_id + 1} to {link.append_id - 1}"
                faults.append(f"before it, appends {missing} are missing")
            if link.first_position != previous.last_position + 1 or link.last_position < link.first_position:
                faults.append(f"its positions do not follow {previous.last_position}")
            expected = append_digest(
                bytes(previous.digest),
                append_id=link.append_id,
                first_position=link.first_position,
                last_position=link.last_position,
                recorded_at=link.recorded_at,
                actor=link.actor,
                correlation_id=link.correlation_id,
                events=stored.of(link, faults),
            )
            if not faults and expected != bytes(link.digest):
                faults.append("its digest does not match what is stored: something in it was changed")
            if faults:
                self._report(link.append_id, link.first_position, link.last_position, "; ".join(faults))
            self._check_anchors(link)
            previous = link
        self._events = stored.events
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

    def _report(self, append_id: int, first: int, last: int, message: str) -> None:
        if len(self._problems) < PROBLEM_LIMIT:
            self._problems.append(Problem(append_id, first, last, message))
