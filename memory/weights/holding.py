"""Who may touch a folder of blobs: writers share it from a blob to its commit, a sweeper has it alone."""

from __future__ import annotations

import fcntl
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from memory.errors import DatabaseBusy
from memory.store.disk import writing_to

PATIENCE = 30.0
"""Seconds that a sweeper waits for writers to come to their commits."""


class _Here(threading.local):
    """What this thread has of the lock."""

    depth = 0
    process = 0
    handle: int | None = None


class FolderLock:
    """A lock on a folder, across threads and processes: shared by writers, exclusive for who removes.

    Whoever writes takes it only once there is something to protect: an edit whose blobs are rows costs nothing.

    Args:
        folder: Where.
        make: Makes the folder; called before it is locked.
    """

    def __init__(self, folder: Path, make: Callable[[], None]) -> None:
        self._folder, self._make = folder, make
        self._here = _Here()

    @contextmanager
    def pointing(self) -> Iterator[None]:
        """Share the lock inside, from the first call of `hold` on; re-entrant in a thread."""
        here = self._here
        if here.process != os.getpid():
            # What a fork copied here is the parent's: its lock ends with its block, not with ours.
            here.process, here.depth, here.handle = os.getpid(), 0, None
        process = here.process
        here.depth += 1
        try:
            yield
        finally:
            if process == os.getpid():
                here.depth -= 1
                if here.depth == 0 and here.handle is not None:
                    handle, here.handle = here.handle, None
                    _give_back(handle)

    def hold(self) -> None:
        """Share the lock until the end of the block that this thread is in, if it is in one.

        Raises:
            DatabaseUnavailable: The folder cannot be written.
        """
        here = self._here
        if here.depth == 0 or here.handle is not None or here.process != os.getpid():
            return
        # A sweeper that waits for its turn comes before writers that come after it.
        turn = self._open(".turn")
        try:
            fcntl.flock(turn, fcntl.LOCK_SH)
            handle = self._open(".lock")
            fcntl.flock(handle, fcntl.LOCK_SH)
            here.handle = handle
        finally:
            _give_back(turn)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Have the folder alone inside: nobody is between a blob and its commit.

        Raises:
            DatabaseBusy: This thread is, or others did not come to an end in time.
            DatabaseUnavailable: The folder cannot be written.
        """
        here = self._here
        if here.depth and here.process == os.getpid():
            raise DatabaseBusy(
                f"this thread is about to point at blobs in {self._folder}",
                remedy="end the edit first: nothing is removed from under it",
            )
        deadline = time.monotonic() + PATIENCE
        turn = self._open(".turn")
        try:
            _wait_for(turn, deadline, self._folder)
            handle = self._open(".lock")
            try:
                _wait_for(handle, deadline, self._folder)
                yield
            finally:
                _give_back(handle)
        finally:
            _give_back(turn)

    def _open(self, name: str) -> int:
        with writing_to(self._folder):
            try:
                return os.open(self._folder / name, os.O_RDWR | os.O_CREAT, 0o666)
            except FileNotFoundError:
                self._make()
                return os.open(self._folder / name, os.O_RDWR | os.O_CREAT, 0o666)


def _wait_for(handle: int, deadline: float, folder: Path) -> None:
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError as error:
            if time.monotonic() >= deadline:
                raise DatabaseBusy(
                    f"others are writing to {folder}, and did not come to an end",
                    remedy="end the program that is in the middle of an edit; nothing was removed",
                ) from error
            time.sleep(0.005)


def _give_back(handle: int) -> None:
    # Said, not only closed: a child that was forked meanwhile has the handle too, and would keep the lock.
    fcntl.flock(handle, fcntl.LOCK_UN)
    os.close(handle)
