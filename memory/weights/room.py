"""Room on the disk: looked for before anything is written, a little kept for saying that there is none."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from memory.errors import DatabaseFull
from memory.store.disk import writing_to

RESERVE = 2**20
"""Bytes that are kept free for recording what went wrong when there is no room for anything else."""


class Room:
    """The room that a folder's disk has.

    Args:
        folder: Where.
        make: Makes the folder.
    """

    def __init__(self, folder: Path, make: Callable[[], None]) -> None:
        self._folder, self._make = folder, make
        self._reserve = folder / ".reserve"

    def check(self, size: int) -> None:
        """Refuse what the disk has no room for beside the reserve, before anything is written.

        Raises:
            DatabaseFull: It has not; the reserve was given back, so that this can be recorded.
            DatabaseUnavailable: The folder cannot be made.
        """
        self.reserve()
        with writing_to(self._folder):
            free = _free(self._folder)
        if free < size + RESERVE:
            self.release()
            raise DatabaseFull(
                f"{self._folder}: no room is left on the disk: {size} bytes are to be kept, and {free} are free",
                remedy="free some space and try again, or let go of what is no longer needed (`palimpsest gc` sweeps "
                "orphans); nothing was left behind, and history is never deleted by itself",
            )

    def reserve(self) -> None:
        """Keep a little room, if it is not kept already and there is enough to keep it from.

        Raises:
            DatabaseUnavailable: The folder cannot be made.
        """
        if self._reserve.exists():
            return
        with writing_to(self._folder):
            self._make()
            if _free(self._folder) < 2 * RESERVE:
                return
            try:
                handle = os.open(self._reserve, os.O_WRONLY | os.O_CREAT, 0o666)
                try:
                    os.posix_fallocate(handle, 0, RESERVE)
                finally:
                    os.close(handle)
            except OSError:
                # Kept for a later moment: not to be had now, it must not keep anything from being written.
                self.release()

    def release(self) -> None:
        """Give the reserve back: there is room now to record what went wrong. What is put later keeps it anew."""
        with writing_to(self._folder):
            self._reserve.unlink(missing_ok=True)


def _free(folder: Path) -> int:
    state = os.statvfs(folder)
    return state.f_bavail * state.f_frsize
