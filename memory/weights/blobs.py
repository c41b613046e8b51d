"""Blobs: bytes kept in a folder under their digest, on the disk before anything points at them."""

from __future__ import annotations

import mmap
import os
import re
import time
import uuid
from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

from blake3 import blake3

from memory.errors import DatabaseUnavailable, DigestMismatch, MissingBlob
from memory.store.blobs import Content
from memory.store.disk import to_disk, writing_to
from memory.weights.holding import FolderLock
from memory.weights.room import Room

GRACE_SECONDS = 3600.0
"""Age under which a blob that nothing points at is left alone."""

MAPPED_FROM = 2**20
"""Size from which a file is mapped, not copied: verified and at hand in less than half the time where it is large."""

_CHUNK = 2**20
_DIGEST = re.compile(r"[0-9a-f]{64}")
PARTIAL = ".partial"
"""How the name ends of what is not whole yet."""


class BlobStore:
    """A folder of blobs, each in a file named by its blake3 digest; safe for several threads and processes.

    What `put` returned is on the disk, whole, and stays so: a blob is never changed. A file appears under its name
    only when all of it is there, so a crash at any moment leaves at most a file that nothing names; `sweep` removes it.

    Args:
        folder: Where; made when the first blob is put.

    Example:
        >>> import tempfile
        >>> blobs = BlobStore(Path(tempfile.mkdtemp()) / "research.db.blobs")
        >>> digest = blobs.put(b"the bytes before")
        >>> blobs.get(digest)
        b'the bytes before'

    Source: blake3 (O'Connor, Aumasson, Neves, Wilcox-O'Hearn, 2020); rename and fsync of the folder, as fsync(2) asks.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.room = Room(folder, self._make)
        """What the disk has left, and what of it is kept for saying that there is nothing left."""
        self._lock = FolderLock(folder, self._make)

    def put(self, content: Content, digest: str | None = None) -> str:
        """Keep bytes; when this returns they are on the disk. The same bytes again cost a look.

        Args:
            content: The bytes.
            digest: Their blake3, hex, where it is known.

        Returns:
            Their digest, hex.

        Raises:
            DatabaseFull: No room is left on the disk; nothing was left behind, and the reserve was given back.
            DatabaseUnavailable: The folder cannot be written.
        """
        digest = digest or blake3(content).hexdigest()
        path = self._path(digest)
        size = memoryview(content).nbytes
        self._lock.hold()
        with writing_to(path):
            if self._is_there(path, size, digest):
                return digest
            self.room.check(size)
            partial = path.with_name(f"{digest}-{uuid.uuid4().hex[:8]}{PARTIAL}")
            try:
                self._write(partial, content, size)
                partial.rename(path)
            except BaseException as error:
                partial.unlink(missing_ok=True)
                if isinstance(error, OSError):
                    self.room.release()
                raise
            to_disk(path.parent)
        return digest

    def _is_there(self, path: Path, size: int, digest: str) -> bool:
        try:
            if path.stat().st_size != size or _digest_of(path) != digest:
                return False
            # Who put it there may not have come to pointing at it: from now on it is as young as one put now.
            os.utime(path)
        except FileNotFoundError:
            return False
        # A file under its name was renamed there, so it is whole: but who renamed it may not have come to syncing.
        to_disk(path.parent)
        return True

    def _write(self, partial: Path, content: Content, size: int) -> None:
        try:
            file = partial.open("xb")
        except FileNotFoundError:
            self._make_folders(partial.parent)
            file = partial.open("xb")
        with file:
            # A full disk says so here, before anything is half-written.
            if size:
                os.posix_fallocate(file.fileno(), 0, size)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())

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
        try:
            content = _content(self._path(digest))
        except FileNotFoundError:
            raise MissingBlob(digest) from None
        except OSError as error:
            raise _unreadable(digest, error) from error
        if verified:
            check_digest(digest, blake3(content).hexdigest())
        return content

    def check(self, digest: str) -> int:
        """Read all of a blob, in constant memory; give its size.

        Raises:
            MissingBlob: It is not there.
            DigestMismatch: It is there, and holds other bytes.
            DatabaseUnavailable: It cannot be read.
        """
        path = self._path(digest)
        try:
            found = _digest_of(path)
            size = path.stat().st_size
        except FileNotFoundError:
            raise MissingBlob(digest) from None
        except OSError as error:
            raise _unreadable(digest, error) from error
        check_digest(digest, found)
        return size

    def has(self, digest: str) -> bool:
        """Say whether a blob is there; inside `pointing` it then stays so until the end of the block."""
        if not self._path(digest).exists():
            return False
        self._lock.hold()
        return self._path(digest).exists()

    def digests(self) -> Iterator[str]:
        """Yield the digest of every blob that is there, in no order."""
        for path in self._files():
            if _DIGEST.fullmatch(path.name):
                yield path.name

    def pointing(self) -> AbstractContextManager[None]:
        """Hold off every sweep, from before a blob is put until its event is committed; re-entrant in a thread."""
        return self._lock.pointing()

    def hold(self) -> None:
        """Hold off every sweep from now on, inside `pointing`, as `put` does by itself.

        Raises:
            DatabaseUnavailable: The folder cannot be written.
        """
        self._lock.hold()

    def alone(self) -> AbstractContextManager[None]:
        """Keep everybody from putting blobs inside, once those have committed who are about to point at one.

        Raises:
            DatabaseBusy: This thread is about to, or others did not come to an end in time.
        """
        return self._lock.alone()

    def sweep(
        self, pointed_at: Callable[[], Collection[str]], *, grace: float = GRACE_SECONDS
    ) -> tuple[tuple[str, ...], int]:
        """Remove what nothing points at, and what a crash left half-written.

        Args:
            pointed_at: Gives the digests that something points at; asked while nobody can point at another.
            grace: Seconds since it was written under which a file is left alone.

        Returns:
            The digests of the blobs removed, sorted; and the bytes of all files removed.

        Raises:
            DatabaseBusy: Somebody is about to point at a blob, and did not come to an end in time.
            DatabaseUnavailable: The folder cannot be written.
        """
        if not self.folder.exists():
            return (), 0
        with self.alone():
            return self.remove_all_but(pointed_at(), grace=grace)

    def remove_all_but(self, kept: Collection[str], *, grace: float) -> tuple[tuple[str, ...], int]:
        """Do what `sweep` does, inside `alone`."""
        removed: list[str] = []
        freed = 0
        oldest_kept = time.time() - grace
        with writing_to(self.folder):
            for path in self._files():
                blob = _DIGEST.fullmatch(path.name) is not None
                unwanted = path.name not in kept if blob else path.name.endswith(PARTIAL)
                if unwanted and path.stat().st_mtime <= oldest_kept:
                    freed += path.stat().st_size
                    path.unlink()
                    if blob:
                        removed.append(path.name)
        return tuple(sorted(removed)), freed

    def remove(self, digest: str) -> int:
        """Remove a blob, inside `alone`; give its bytes, none where it is not there.

        Raises:
            DatabaseUnavailable: The folder cannot be written.
        """
        path = self._path(digest)
        with writing_to(path):
            try:
                size = path.stat().st_size
                path.unlink()
            except FileNotFoundError:
                return 0
        return size

    # Places

    def _files(self) -> Iterator[Path]:
        return self.folder.glob("[0-9a-f][0-9a-f]/*")

    def _path(self, digest: str) -> Path:
        if _DIGEST.fullmatch(digest) is None:
            raise MissingBlob(digest)
        return self.folder / digest[:2] / digest

    def _make(self) -> None:
        self._make_folders(self.folder)

    def _make_folders(self, folder: Path) -> None:
        """Make the folder and what it is in, each name on the disk before anything is put there."""
        if folder.is_dir():
            return
        if folder != self.folder:
            self._make_folders(self.folder)
        folder.mkdir(exist_ok=True)
        to_disk(folder.parent)


def check_digest(expected: str, found: str) -> None:
    """Refuse bytes that are not the blob.

    Raises:
        DigestMismatch: They have another digest.
    """
    if found != expected:
        raise DigestMismatch(f"the blob {expected[:16]}…", expected=expected, actual=found)


def _content(path: Path) -> bytes | memoryview:
    with path.open("rb", buffering=0) as file:
        if os.fstat(file.fileno()).st_size < MAPPED_FROM:
            return file.readall()
        return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))


def _digest_of(path: Path) -> str:
    hasher = blake3()
    buffer = memoryview(bytearray(min(_CHUNK, max(path.stat().st_size, 1))))
    with path.open("rb", buffering=0) as file:
        while count := file.readinto(buffer):
            hasher.update(buffer[:count])
    return hasher.hexdigest()


def _unreadable(digest: str, error: OSError) -> DatabaseUnavailable:
    return DatabaseUnavailable(
        f"the blob {digest} cannot be read: {error.strerror}", remedy="check the disk and its permissions"
    )
