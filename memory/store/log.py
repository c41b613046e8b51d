"""The log: append events, read them in order, prove that nothing was changed."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import Self

from sqlalchemy import select

from memory.errors import RolloverUnfinished
from memory.events.envelope import NewEvent, StoredEvent, from_microseconds
from memory.store import blobs as blob_rows
from memory.store import migrate
from memory.store.anchor import Anchor
from memory.store.append import Appended
from memory.store.blobs import Content
from memory.store.connect import Durability
from memory.store.engine import Database
from memory.store.group import GroupCommit
from memory.store.head import Head, read_head
from memory.store.prepare import prepare
from memory.store.reading import read
from memory.store.rollover import settle
from memory.store.subscription import Subscription
from memory.store.tables import appends
from memory.store.verify import ChainReport, Problem, verify
from memory.store.waking import Notifier, waker

__all__ = ["Anchor", "Appended", "ChainReport", "EventStore", "Head", "Problem"]


class EventStore:
    """An append-only log of events in one database; safe to use from several threads and processes.

    Positions are contiguous and become visible in commit order: a reader that has seen position p never later meets
    an event at or below p. What `append` returned is on disk.
    """

    def __init__(self, database: Database) -> None:
        self.database = database
        self._notifier = Notifier(database) if database.dialect == "postgresql" else None
        self._appending = GroupCommit(database, self._notifier.tell if self._notifier is not None else None)

    @classmethod
    def open(cls, url_or_path: str | os.PathLike[str], *, durability: Durability = "full", create: bool = True) -> Self:
        """Open a log, making it where there is none, and upgrading its schema where it is older.

        Args:
            url_or_path: A path, ":memory:", or a SQLite or PostgreSQL URL.
            durability: "full": what was acknowledged survives power loss; "normal": the end of the process.
            create: Whether a SQLite file that does not exist may be made.

        Raises:
            DatabaseError: One of its kinds says what is wrong with the place; nothing was changed there.
        """
        database = Database.open(url_or_path, durability=durability, create=create)
        try:
            migrate.ensure(database)
        except BaseException:
            database.close()
            raise
        return cls(database)

    def close(self) -> None:
        """Give every connection back."""
        if self._notifier is not None:
            self._notifier.close()
        self.database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def append(
        self,
        events: Sequence[NewEvent],
        *,
        actor: str | None = None,
        correlation_id: str | None = None,
        expected_version: Mapping[str, int] | None = None,
        blobs: Mapping[str, Content] | None = None,
    ) -> tuple[Appended, ...]:
        """Append events as one batch, whole or not at all; return one result for each, in order.

        An event whose key was already used for the same type, model and payload is not appended again: its result is
        the first one's identity, `replayed`. A batch of nothing but replays succeeds whatever `expected_version` says,
        so that a call whose acknowledgement was lost can simply be made again.

        Args:
            events: What to append.
            actor: Who records it.
            correlation_id: What it belongs to beyond this log.
            expected_version: Stream to the version it must be at; 0 for a stream without events.
            blobs: What the events point at, by its blake3 digest: kept as rows, in the same transaction. One that is
                there already is no conflict; where nothing is appended, none is kept.

        Raises:
            InvalidPayload: Something cannot be stored faithfully; nothing was written.
            KeyConflict: A key was used before for other content; nothing was written.
            ConcurrencyError: A stream is at another version; nothing was written.
            LogSealed: The log was rolled over, and goes on elsewhere.
            DatabaseError: The database refused; nothing was written.
        """
        batch = prepare(
            events, actor=actor, correlation_id=correlation_id, expected_version=expected_version, blobs=blobs
        )
        if not batch.events:
            return ()
        try:
            return self._appending.append(batch)
        except RolloverUnfinished as unfinished:
            # The rollover that made this log was killed before its last step, which can be made here.
            settle(self.database, unfinished)
            return self._appending.append(batch)

    def read(
        self,
        *,
        after: int = 0,
        until: int | None = None,
        stream: str | None = None,
        types: Iterable[str] | None = None,
        model: str | None = None,
        limit: int | None = None,
        newest_first: bool = False,
    ) -> Iterator[StoredEvent]:
        """Yield stored events in order of position, in constant memory, without holding a transaction in between.

        Args:
            after: Only events after this position.
            until: Only events up to this position.
            stream: Only this stream.
            types: Only these event types.
            model: Only this model's stream.
            limit: At most so many.
            newest_first: Whether to start at the end.

        Raises:
            CorruptionError: An unfiltered read met a gap in the positions.
        """
        return read(
            self.database,
            after=after,
            until=until,
            stream=stream,
            types=types,
            model=model,
            limit=limit,
            newest_first=newest_first,
        )

    def subscribe(
        self,
        *,
        after: int = 0,
        stream: str | None = None,
        types: Iterable[str] | None = None,
        model: str | None = None,
        idle: float | None = None,
    ) -> Subscription:
        """Follow the log: an iterator over what is there and what any process appends from now on, each event once.

        It blocks while there is nothing new, and waits and goes on when the database goes away. `close`, also from
        another thread, ends it.

        Args:
            after: Only events after this position: where an earlier subscription came to, to resume it.
            stream: Only this stream.
            types: Only these event types.
            model: Only this model's stream.
            idle: End after so many seconds without an event; None: never.

        Example:
            ```python
            with store.subscribe(after=store.head().position, types={"modification"}) as events:
                for event in events:
                    print(event.position, event.payload.primary_layer)
            ```
        """
        chosen = None if types is None else sorted({types} if isinstance(types, str) else set(types))
        stopped = threading.Event()
        return Subscription(
            lambda low, high: self.read(after=low, until=high, stream=stream, types=chosen, model=model),
            lambda: self.head().position,
            lambda: waker(self.database, stopped),
            after=after,
            idle=idle,
            stopped=stopped,
        )

    def head(self) -> Head:
        """Give the last append: its number, its last position, its digest."""
        with self.database.reading() as connection:
            return read_head(connection)

    def anchor(self) -> Anchor:
        """Give the last append by its digest: kept elsewhere, it proves what the log holds now."""
        with self.database.reading() as connection:
            head = read_head(connection)
            made = connection.execute(select(appends.c.recorded_at).where(appends.c.append_id == head.append_id))
            moment = from_microseconds(made.scalar_one())
        return Anchor(head.append_id, head.position, head.digest, moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ"))

    # Blobs that are rows

    def blob(self, digest: str) -> bytes | None:
        """Give the bytes of a blob, as they are stored; None where it is not there."""
        return blob_rows.read_blob(self.database, digest)

    def holds_blob(self, digest: str) -> bool:
        """Say whether a blob is there."""
        return blob_rows.holds_blob(self.database, digest)

    def blob_digests(self) -> frozenset[str]:
        """Give the digest of every blob."""
        return blob_rows.blob_digests(self.database)

    def blob_parts(self) -> Iterator[tuple[str, int, bytes]]:
        """Yield (digest, part, content) of every piece of every blob, in order, in constant memory."""
        return blob_rows.blob_parts(self.database)

    def keep_blobs(self, blobs: Mapping[str, Content]) -> None:
        """Keep blobs before anything points at them: what an import brings. `append` keeps its own."""
        blob_rows.keep_blobs(self.database, blobs)

    def remove_blobs(self, digests: Iterable[str], *, at: int | None = None) -> int | None:
        """Remove blobs: they are no part of the log, and an event says what each was.

        Args:
            digests: Which; one that is not there is none.
            at: The position at which the log ended when it was found that nothing points at them; None: whatever it is.

        Returns:
            The bytes that were removed; None, and nothing was, where the log has gone on since.
        """
        return blob_rows.remove_blobs(self.database, digests, at=at)

    def verify(self, anchors: Iterable[Anchor] = ()) -> ChainReport:
        """Recompute the whole hash chain, in constant memory, changing nothing; report what is wrong and where.

        Args:
            anchors: Appends that must be there as they were: without one, an end that was cut off, and a log that was
                made anew as a whole, cannot be told from the truth.
        """
        return verify(self.database, anchors)
