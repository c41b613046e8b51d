"""What reached the disk, and the errors of a disk in our words."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from memory.errors import DatabaseFull, DatabaseUnavailable


def to_disk(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


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
