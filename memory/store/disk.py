"""What reached the disk, and the errors of a disk in our words."""

from __future__ import annotations

import errno
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from memory.errors import DatabaseFull, DatabaseUnavailable

PARTIAL = ".partial"
"""How the name ends of what is not whole yet."""


def to_disk(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def make_folders(folder: Path) -> None:
    """Make a folder and those it is in, each name on the disk before anything is put there."""
    if not folder.is_dir():
        make_folders(folder.parent)
        folder.mkdir(exist_ok=True)
        to_disk(folder.parent)


@contextmanager
def appearing(path: Path) -> Iterator[Path]:
    """Give a name beside a path to write a file or folder under; it comes to the path when it is whole, or not at all.

    What is written must be on the disk when the block ends. However the block ends, only the path itself is left, if
    anything; a crash leaves at most a file or folder whose name begins with a dot and ends in `.partial`.
    """
    written = path.with_name(f".{path.name}-{uuid.uuid4().hex[:8]}{PARTIAL}")
    try:
        yield written
        written.rename(path)
        written = path
        to_disk(path.parent)
    except BaseException:
        if written.is_dir():
            shutil.rmtree(written, ignore_errors=True)
        else:
            written.unlink(missing_ok=True)
        raise


@contextmanager
def writing_to(path: Path) -> Iterator[None]:
    """Turn what the system refuses inside into an error of our hierarchy that names the path.

    Raises:
        DatabaseFull: No room is left on the disk.
        DatabaseUnavailable: It cannot be written.
    """
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DatabaseFull(
                f"no room is left on the disk for {path}", remedy="free some space; nothing was left behind"
            ) from error
        raise DatabaseUnavailable(
            f"{path} cannot be written: {error.strerror or error}", remedy="check the folder's permissions"
        ) from error
