"""Where blobs are kept: small ones as rows, in the transaction of their event; the others as files before it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

from blake3 import blake3

from memory.errors import DatabaseBusy, DatabaseUnavailable, DigestMismatch, MissingBlob
from memory.store.blobs import PART, Content
from memory.store.log import EventStore
from memory.weights.blobs import GRACE_SECONDS, BlobStore, check_digest
from memory.weights.sweeping import PointedAt, Swept, sweep_folders

__all__ = ["CHECKPOINTS", "INLINE_LIMIT", "BlobKeeper", "PointedAt", "Swept"]

INLINE_LIMIT = 64 * 1024
"""Bytes up to which a blob is a row: from here on files are read at least twice as fast (WEIGHTS.md)."""

CHECKPOINTS = "checkpoints"
"""The folder in the blob folder that checkpoints are in, each in one of its name."""

_TRIES = 20
_TOGETHER = 4 * PART
"""Bytes of rows that are written in one transaction, where it is not an append's."""


class BlobKeeper:
    """Keeps the blobs that a log's events point at; safe to use from several threads and processes.

    A blob is there before the event that points at it, or comes in the same transaction. `get` gives what was put,
    or raises.

    Args:
        store: The log.
        folder: Where files go; None: every blob is rows of the database, cut into pieces.

    Example:
        >>> store = EventStore.open(":memory:")
        >>> keeper = BlobKeeper(store, None)
        >>> with keeper.pointing():
        ...     digest, pending = keeper.put(b"what changed")
        >>> pending == {digest: b"what changed"}  # for `store.append(events, blobs=pending)`
        True
        >>> keeper.has(digest)
        False
    """

    def __init__(self, store: EventStore, folder: Path | None) -> None:
        self._store = store
        self.folder = folder
        """Where files go; None: there are none."""
        self._files = None if folder is None else BlobStore(folder)

    @classmethod
    def beside(cls, store: EventStore, folder: str | os.PathLike[str] | None = None) -> BlobKeeper:
        """Keep blobs where those of a database are: in `<path>.blobs` beside a SQLite file.

        A database in memory and one on a server have no such place: there they are rows, unless a folder is given.

        Args:
            store: The log.
            folder: Another place.
        """
        path = store.database.location.path
        if folder is not None:
            return cls(store, Path(folder).absolute())
        return cls(store, None if path is None else path.with_name(f"{path.name}.blobs"))

    # Putting

    def pointing(self) -> AbstractContextManager[None]:
        """Hold off every sweep, from before a blob is put until its event is committed; re-entrant in a thread."""
        return nullcontext() if self._files is None else self._files.pointing()

    def hold(self) -> None:
        """Hold off every sweep from now on, inside `pointing`: for files that are kept beside the blobs.

        Raises:
            DatabaseUnavailable: The folder cannot be written.
        """
        if self._files is not None:
            self._files.hold()

    def put(self, content: Content) -> tuple[str, dict[str, Content]]:
        """Keep bytes, inside `pointing`: a large blob is a file on the disk when this returns.

        Args:
            content: The bytes; they must not change until they are kept.

        Returns:
            Their blake3, hex; and what is still to be kept, for `EventStore.append(blobs=...)`: the blob itself where
            it is to be rows, otherwise nothing.

        Raises:
            DatabaseFull: There is no room; nothing was left behind, and the reserve was given back.
            DatabaseUnavailable: The folder cannot be written.
        """
        digest = blake3(content).hexdigest()
        return digest, self._put(digest, content)

    def _put(self, digest: str, content: Content) -> dict[str, Content]:
        if self._files is None:
            return {digest: content}
        size = memoryview(content).nbytes
        if size <= INLINE_LIMIT:
            self._files.room.check(size)
            return {digest: content}
        self._files.put(content, digest)
        return {}

    def put_all(self, blobs: Iterable[tuple[str, Content]]) -> int:
        """Keep blobs that nothing points at yet, inside `pointing`, each verified first; those that are there stay.

        Args:
            blobs: Digest and bytes of each.

        Returns:
            How many were not there.

        Raises:
            DigestMismatch: One has another digest; those before it are kept.
            DatabaseFull: There is no room.
        """
        pending: dict[str, Content] = {}
        number = volume = 0
        for digest, content in blobs:
            check_digest(digest, blake3(content).hexdigest())
            if self.has(digest):
                continue
            number += 1
            rows = self._put(digest, content)
            pending |= rows
            volume += sum(memoryview(each).nbytes for each in rows.values())
            if volume >= _TOGETHER:
                self._store.keep_blobs(pending)
                pending, volume = {}, 0
        if pending:
            self._store.keep_blobs(pending)
        return number

    def check_room(self, size: int) -> None:
        """Refuse what there is no room for, before any of it is written: files that are kept beside the blobs.

        Raises:
            DatabaseFull: There is none; the reserve was given back, so that this can be recorded.
        """
        if self._files is not None:
            self._files.room.check(size)

    def release_reserve(self) -> None:
        """Give back the room kept beside the blobs, so that a full disk still takes the event that says so.

        `put` does it by itself when it raises `DatabaseFull`; it is for an append that raised it.
        """
        if self._files is not None:
            self._files.room.release()

    # Reading

    def get(self, digest: str, *, verified: bool = True) -> bytes | memoryview:
        """Read a blob: bytes, or where it is large a view of the file itself.

        Args:
            digest: Which.
            verified: Whether its bytes are held against the digest; without that, what comes of them must be.

        Raises:
            MissingBlob: It is not there.
            DigestMismatch: It is there, and holds other bytes.
            DatabaseUnavailable: It cannot be read.
        """
        if self._files is not None:
            try:
                return self._files.get(digest, verified=verified)
            except MissingBlob:
                pass  # then it is a row
        content = self._store.blob(digest)
        if content is None:
            raise MissingBlob(digest)
        if verified:
            check_digest(digest, blake3(content).hexdigest())
        return content

    def has(self, digest: str) -> bool:
        """Say whether a blob is there, unread; inside `pointing`, a file then stays until the end of the block."""
        return (self._files is not None and self._files.has(digest)) or self._store.holds_blob(digest)

    def digests(self) -> frozenset[str]:
        """Give the digest of every blob that is there."""
        files = () if self._files is None else self._files.digests()
        return self._store.blob_digests().union(files)

    def verify(self, expected: Iterable[str]) -> dict[str, str]:
        """Read every byte of every blob that should be there, in constant memory; change nothing.

        Returns:
            What is wrong, in words, by digest: nothing where all is well.
        """
        wanted = set(expected)
        problems = {}
        for digest, found in _row_digests(self._store.blob_parts()):
            if digest in wanted and found == digest:
                wanted.remove(digest)
            elif digest in wanted:
                mismatch = DigestMismatch(f"the blob {digest[:16]}…", expected=digest, actual=found)
                problems[digest] = mismatch.message
        for digest in sorted(wanted):
            try:
                if self._files is None:
                    raise MissingBlob(digest)
                self._files.check(digest)
            except MissingBlob as missing:
                problems.setdefault(digest, missing.message)
            except (DigestMismatch, DatabaseUnavailable) as error:
                problems[digest] = error.message
            else:
                problems.pop(digest, None)
        return problems

    # Removing

    def sweep(self, pointed_at: Callable[[], PointedAt], *, grace: float = GRACE_SECONDS) -> Swept:
        """Remove what no event points at: blobs, what a crash left half-written, and folders of checkpoints.

        Args:
            pointed_at: Gives what events point at; asked while nobody is between a blob and the event that points at
                it, and again where the log went on meanwhile. It must know of every event there is when it is asked.
            grace: Seconds since it was written under which a file is left alone. A row comes with its event.

        Raises:
            DatabaseBusy: Somebody is about to point at a blob, and did not come to an end in time.
            DatabaseUnavailable: Something cannot be removed.
        """
        with self._alone() as folder:
            kept, rows, freed = self._sweep_rows(pointed_at)
            if folder is None:
                return Swept(rows, (), freed)
            files, size = folder.remove_all_but(kept.blobs, grace=grace)
            names, more = sweep_folders(folder.folder / CHECKPOINTS, kept.checkpoints, grace=grace)
        return Swept(tuple(sorted({*rows, *files})), names, freed + size + more)

    def remove(self, digests: Iterable[str], still: Callable[[], PointedAt]) -> Swept:
        """Remove blobs that were let go, once the event that says so is committed; outside `pointing`.

        Args:
            digests: Which.
            still: Gives what events point at, as for `sweep`: a blob that one points at again stays.

        Raises:
            DatabaseBusy: Somebody is about to point at a blob, and did not come to an end in time.
            DatabaseUnavailable: Something cannot be removed.
        """
        wanted = frozenset(digests)
        with self._alone() as folder:
            kept, rows, freed = self._sweep_rows(still, wanted)
            gone = set(rows)
            for digest in sorted(wanted - kept.blobs):
                size = 0 if folder is None else folder.remove(digest)
                if size:
                    gone.add(digest)
                    freed += size
        return Swept(tuple(sorted(gone)), (), freed)

    def _sweep_rows(
        self, pointed_at: Callable[[], PointedAt], only: frozenset[str] | None = None
    ) -> tuple[PointedAt, tuple[str, ...], int]:
        for _ in range(_TRIES):
            at = self._store.head().position
            kept = pointed_at()
            there = self._store.blob_digests()
            unwanted = (there if only is None else there & only) - kept.blobs
            freed = self._store.remove_blobs(unwanted, at=at) if unwanted else 0
            if freed is not None:
                return kept, tuple(sorted(unwanted)), freed
        raise DatabaseBusy(
            "events are appended faster than it can be found out what they point at",
            remedy="pause the writers for a moment and try again; nothing was removed",
        )

    @contextmanager
    def _alone(self) -> Iterator[BlobStore | None]:
        """Have the files alone inside, if there is a folder of them by now."""
        if self._files is None or not self._files.folder.exists():
            yield None
            return
        with self._files.alone():
            yield self._files


def _row_digests(parts: Iterable[tuple[str, int, bytes]]) -> Iterator[tuple[str, str]]:
    """Yield each blob that is rows, with the digest that its bytes have."""
    now, hasher = None, blake3()
    for digest, _, content in parts:
        if digest != now:
            if now is not None:
                yield now, hasher.hexdigest()
            now, hasher = digest, blake3()
        hasher.update(content)
    if now is not None:
        yield now, hasher.hexdigest()
