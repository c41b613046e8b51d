"""Blobs: bytes kept in a folder under their digest, on the disk before anything points at them."""

from __future__ import annotations

import fcntl
import os
import re
import time
import uuid
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from blake3 import blake3

from memory.errors import DatabaseUnavailable, DigestMismatch, MissingBlob
from memory.store.disk import to_disk, writing_to

GRACE_SECONDS = 3600.0
"""Age under which a blob that nothing points at is left alone."""

_DIGEST = re.compile(r"[0-9a-f]{64}")
_PARTIAL = ".partial"


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

    def put(self, content: bytes | bytearray | memoryview) -> str:
        """Keep bytes; when this returns they are on the disk. The same bytes again cost a look.

        Returns:
            Their digest, hex.

        Raises:
            DatabaseFull: No room is left on the disk; nothing was left behind.
            DatabaseUnavailable: The folder cannot be written.
        """
        digest = blake3(content).hexdigest()
        path = self._path(digest)
        with writing_to(path):
            # A file under its name was renamed there, so it is whole: but who renamed it may not have come to syncing.
            if path.exists() and path.stat().st_size == memoryview(content).nbytes:
                to_disk(path.parent)
                return digest
            self._make_folders(path.parent)
            partial = path.with_name(f"{digest}-{uuid.uuid4().hex[:8]}{_PARTIAL}")
            try:
                with partial.open("xb") as file:
                    # A full disk says so here, before anything is half-written.
                    if size := memoryview(content).nbytes:
                        os.posix_fallocate(file.fileno(), 0, size)
                    file.write(content)
                    file.flush()
                    os.fsync(file.fileno())
                partial.rename(path)
            except BaseException:
                partial.unlink(missing_ok=True)
                raise
            to_disk(path.parent)
        return digest

    def get(self, digest: str) -> bytes:
        """Read a blob, verified.

        Raises:
            MissingBlob: It is not there.
            DigestMismatch: It is there, and holds other bytes.
            DatabaseUnavailable: It cannot be read.
        """
        try:
            content = self._path(digest).read_bytes()
        except FileNotFoundError:
            raise MissingBlob(digest) from None
        except OSError as error:
            raise DatabaseUnavailable(
                f"the blob {digest} cannot be read: {error.strerror}", remedy="check the disk and its permissions"
            ) from error
        found = blake3(content).hexdigest()
        if found != digest:
            raise DigestMismatch(f"the blob {digest[:16]}…", expected=digest, actual=found)
        return content

    def digests(self) -> Iterator[str]:
        """Yield the digest of every blob that is there, in no order."""
        for path in self.folder.glob("[0-9a-f][0-9a-f]/*"):
            if _DIGEST.fullmatch(path.name):
                yield path.name

    @contextmanager
    def pointing(self) -> Iterator[None]:
        """Hold off every sweep, from before a blob is put until what points at it is committed."""
        with self._locked(fcntl.LOCK_SH):
            yield

    def sweep(self, pointed_at: Collection[str], *, grace: float = GRACE_SECONDS) -> tuple[str, ...]:
        """Remove what nothing points at, and what a crash left half-written.

        Args:
            pointed_at: The digests that something points at.
            grace: Seconds since it was written under which a file is left alone.

        Returns:
            The digests of the blobs removed, sorted.

        Raises:
            DatabaseUnavailable: The folder cannot be written.
        """
        if not self.folder.exists():
            return ()
        removed: list[str] = []
        oldest_kept = time.time() - grace
        with self._locked(fcntl.LOCK_EX), writing_to(self.folder):
            for path in self.folder.glob("[0-9a-f][0-9a-f]/*"):
                blob = _DIGEST.fullmatch(path.name) is not None
                unwanted = path.name not in pointed_at if blob else path.name.endswith(_PARTIAL)
                if unwanted and path.stat().st_mtime <= oldest_kept:
                    path.unlink()
                    if blob:
                        removed.append(path.name)
        return tuple(sorted(removed))

    def _path(self, digest: str) -> Path:
        if _DIGEST.fullmatch(digest) is None:
            raise MissingBlob(digest)
        return self.folder / digest[:2] / digest

    def _make_folders(self, folder: Path) -> None:
        """Make the folder and what it is in, each name on the disk before anything is put there."""
        if folder.is_dir():
            return
        if folder != self.folder:
            self._make_folders(self.folder)
        folder.mkdir(exist_ok=True)
        to_disk(folder.parent)

    @contextmanager
    def _locked(self, kind: int) -> Iterator[None]:
        with writing_to(self.folder):
            self._make_folders(self.folder)
            handle = os.open(self.folder / ".lock", os.O_RDWR | os.O_CREAT, 0o666)
        try:
            fcntl.flock(handle, kind)
            yield
        finally:
            os.close(handle)
