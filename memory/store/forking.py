"""What a fork must find: nobody inside a SQLite file, and no connection to one.

SQLite notes in memory which locks its process holds on a file, because the system's own are per process. A child has
the notes and not the locks: it would believe its connections protected while its parent takes the file apart, and lose
what it commits. So a fork waits until no transaction is open, and closes what is at rest; both sides connect anew.
Source: sqlite.org/howtocorrupt.html, section 2.6, "Carrying an open database across a fork()".
"""

from __future__ import annotations

import logging
import os
import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Protocol

_log = logging.getLogger(__name__)

PATIENCE = 10.0
"""Seconds that a fork waits for the transactions of other threads to end."""


class Forkable(Protocol):
    """Something that holds connections."""

    def before_fork(self) -> None:
        """Close every connection to a SQLite file: nobody is inside one."""

    def after_fork_in_child(self) -> None:
        """Forget connections and locks that belong to the parent."""

    @property
    def file(self) -> Path | None:
        """The SQLite file it is connected to."""


class _Gate:
    """Counts the threads inside, and keeps others out while a fork waits for those."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._inside: dict[int, int] = {}
        self._forks = 0

    def enter(self) -> int:
        """Go in, once no fork is waiting; a thread that is inside already goes in at once."""
        thread = threading.get_ident()
        with self._changed:
            while self._forks and thread not in self._inside:
                self._changed.wait()
            self._inside[thread] = self._inside.get(thread, 0) + 1
        return thread

    def leave(self, thread: int) -> None:
        """Go out, for the thread that went in: rows can be dropped by another."""
        with self._changed:
            self._inside[thread] -= 1
            if not self._inside[thread]:
                del self._inside[thread]
            if self._forks:
                self._changed.notify_all()

    def shut(self) -> bool:
        """Let nobody in any more, and say whether everybody went out in time."""
        with self._changed:
            self._forks += 1
            if threading.get_ident() in self._inside:
                return False
            return self._changed.wait_for(lambda: not self._inside, timeout=PATIENCE)

    def open(self) -> None:
        """Let everybody in again."""
        with self._changed:
            self._forks -= 1
            self._changed.notify_all()


class ForkSafeLock:
    """A re-entrant lock that a child process finds free, whoever held it in the parent."""

    def __init__(self) -> None:
        self._renew()

    def _renew(self) -> None:
        self._process, self._lock = os.getpid(), threading.RLock()

    def __enter__(self) -> None:
        if self._process != os.getpid():
            self._renew()
        self._lock.acquire()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._lock.release()


_gate = _Gate()
_open: weakref.WeakSet[Forkable] = weakref.WeakSet()
_carried: set[Path] = set()
"""Files that a fork found somebody inside of: this process must not use them."""
_this_fork = threading.local()


@contextmanager
def inside() -> Iterator[None]:
    """Be inside a SQLite database: a fork in another thread waits for the end of this block."""
    gate = _gate
    thread = gate.enter()
    try:
        yield
    finally:
        gate.leave(thread)


def register(holder: Forkable) -> None:
    """Have something told of forks for as long as it lives."""
    _open.add(holder)


def is_carried(file: Path | None) -> bool:
    """Say whether a fork left this process with another one's notes on a file."""
    return file in _carried


def _before() -> None:
    _this_fork.quiet = _gate.shut()
    if not _this_fork.quiet:
        return
    for holder in list(_open):
        try:
            holder.before_fork()
        except Exception as error:  # noqa: BLE001 — Python would print it, and fork all the same
            _log.warning("a connection could not be closed before a fork: %s", error)
            _this_fork.quiet = False


def _after_in_parent() -> None:
    _gate.open()


def _after_in_child() -> None:
    global _gate
    _gate = _Gate()
    for holder in list(_open):
        if not _this_fork.quiet and holder.file is not None:
            _carried.add(holder.file)
        holder.after_fork_in_child()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before, after_in_parent=_after_in_parent, after_in_child=_after_in_child)
