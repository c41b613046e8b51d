"""What a sweep must know and what it says; and folders of checkpoints that no event names."""

from __future__ import annotations

import shutil
import time
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from stat import S_ISREG

from memory.store.disk import writing_to


@dataclass(frozen=True, slots=True)
class PointedAt:
    """What events point at, and nobody let go."""

    blobs: frozenset[str]
    """Digests."""
    checkpoints: frozenset[str] = frozenset()
    """Names of checkpoints, which are those of their folders."""


@dataclass(frozen=True, slots=True)
class Swept:
    """What a sweep removed."""

    blobs: tuple[str, ...]
    """Digests of the blobs, sorted."""
    checkpoints: tuple[str, ...]
    """Names of the checkpoint folders, half-written ones included, sorted."""
    bytes_freed: int


def sweep_folders(folder: Path, named: Collection[str], *, grace: float) -> tuple[tuple[str, ...], int]:
    """Remove what is in a folder and not named.

    Args:
        folder: The folder that checkpoints are in, each in one of its name; it need not be there.
        named: The names that stay.
        grace: Seconds since anything in one was written under which it is left alone.

    Returns:
        The names removed, sorted; and the bytes of the files in them.

    Raises:
        DatabaseUnavailable: One cannot be removed.
    """
    removed: list[str] = []
    freed = 0
    oldest_kept = time.time() - grace
    with writing_to(folder):
        for each in sorted(folder.iterdir()) if folder.is_dir() else ():
            if each.name in named:
                continue
            found = [path.lstat() for path in (each, *each.rglob("*"))]
            if max(file.st_mtime for file in found) > oldest_kept:
                continue
            if each.is_dir() and not each.is_symlink():
                shutil.rmtree(each)
            else:
                each.unlink()
            freed += sum(file.st_size for file in found if S_ISREG(file.st_mode))
            removed.append(each.name)
    return tuple(removed), freed
