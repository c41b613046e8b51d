"""What was known at an earlier position: the log up to there, folded by the very projections into a scratch database.

So every question can be asked of it, and is answered as it was then: what was retracted later still stands, and what
was learned later is not there. The log's own engine does not matter: the scratch is a SQLite file, and is thrown away.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from memory.errors import InvalidArgument
from memory.events.envelope import EPOCH, to_microseconds
from memory.projections.catalogue import PROJECTIONS
from memory.projections.runner import ProjectionRunner
from memory.store.forking import ForkSafeLock
from memory.store.head import read_origin
from memory.store.log import EventStore
from memory.store.prefix import copy_file, copy_until, position_at

KEPT = 3
"""Scratch databases that are kept while nobody uses them, the newest."""

Moment = int | datetime | str
"""A position; or a time, aware or as ISO text with its time zone."""


@dataclass(slots=True, eq=False)
class Then:
    """A scratch database that holds the log up to a position, folded."""

    position: int
    store: EventStore
    runner: ProjectionRunner
    whole: bool
    """Whether it ends with a whole append: then a later position can go on from it."""
    shown: bool = False
    """Whether somebody outside has asked it: answers that are read bit by bit must find it as it was."""
    users: int = 0

    @property
    def file(self) -> Path:
        """The database."""
        path = self.store.database.file
        if path is None:
            raise TypeError("a scratch database is a file")
        return path


class Pasts:
    """Makes scratch databases for earlier positions, and keeps the newest few: a later position goes on from one.

    Args:
        store: The log.
    """

    def __init__(self, store: EventStore) -> None:
        self._store = store
        self._lock = ForkSafeLock()
        self._kept: list[Then] = []
        """The one used last is the last."""
        self._folder: _Folder | None = None
        self._process = os.getpid()

    def position_of(self, moment: Moment, *, name: str = "moment") -> int:
        """Give the position that a moment means: of a time, the last append recorded at or before it.

        Args:
            moment: A position or a time.
            name: What to call it where it is refused.

        Raises:
            InvalidArgument: It is no position of this log, and no time.
        """
        if isinstance(moment, bool) or not isinstance(moment, int | datetime | str):
            raise InvalidArgument(name, moment, "it is a position, or a time: aware, or ISO text with its time zone")
        if not isinstance(moment, int):
            return position_at(self._store.database, to_microseconds(_aware(moment, name)))
        head = self._store.head().position
        with self._store.database.reading() as connection:
            first = read_origin(connection).position
        if not first <= moment <= head:
            before = f"; what came before is in the log that it goes on from (position {first})" if first else ""
            raise InvalidArgument(name, moment, f"the log ends at position {head}{before}")
        return moment

    def borrow(self, position: int) -> Then:
        """Give a scratch at a position to somebody who gives it back."""
        with self._lock:
            return self._lend(position, shown=True)

    def give_back(self, then: Then) -> None:
        """Take a scratch back; it stays for the next who asks of that position."""
        with self._lock:
            then.users -= 1
            self._tidy()

    @contextmanager
    def at(self, position: int) -> Iterator[Then]:
        """Give a scratch for as long as the block lasts: nothing that reads it may be kept."""
        with self._lock:
            then = self._lend(position, shown=False)
        try:
            yield then
        finally:
            self.give_back(then)

    def close(self) -> None:
        """Throw every scratch away, also those that are in use."""
        with self._lock:
            self._forget_the_parents()
            for then in self._kept:
                then.store.close()
            self._kept = []
            if self._folder is not None:
                self._folder.remove()
                self._folder = None

    def _lend(self, position: int, *, shown: bool) -> Then:
        self._forget_the_parents()
        found = next((each for each in self._kept if each.position == position), None)
        if found is None:
            found = self._make(position)
        else:
            self._kept.remove(found)
        self._kept.append(found)
        found.users += 1
        found.shown |= shown
        self._tidy()
        return found

    def _make(self, position: int) -> Then:
        """Make a scratch that goes on from the last one before a position, or from nothing."""
        earlier = [each for each in self._kept if each.whole and each.position < position]
        base = max(earlier, key=lambda each: each.position, default=None)
        path = self._path()
        if base is None:
            store = EventStore.open(path, durability="normal")
        elif base.users or base.shown:
            copy_file(base.file, path)
            store = EventStore.open(path, durability="normal")
        else:
            self._kept.remove(base)
            store = base.store
        try:
            whole = copy_until(self._store.database, store.database, position)
            runner = ProjectionRunner(store, PROJECTIONS)
            # One that cannot fold an event says so when it is asked, as it does of the log itself.
            runner.catch_up(())
        except BaseException:
            _discard(store)
            raise
        return Then(position, store, runner, whole)

    def _path(self) -> Path:
        if self._folder is None:
            self._folder = _Folder()
        return self._folder.next()

    def _tidy(self) -> None:
        """Throw away what nobody uses and is too old to be kept."""
        idle = [each for each in self._kept if not each.users]
        for each in idle[: max(0, len(idle) - KEPT)]:
            self._kept.remove(each)
            _discard(each.store)

    def _forget_the_parents(self) -> None:
        """Leave to a parent process what is its own: a child would take it apart under it."""
        if self._process != os.getpid():
            self._process, self._kept, self._folder = os.getpid(), [], None


@dataclass(slots=True, weakref_slot=True)
class _Folder:
    """A folder for scratch databases, which is gone with the process that made it, however tidily that ends."""

    path: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="palimpsest-as-of-")))
    made: int = 0

    def __post_init__(self) -> None:
        weakref.finalize(self, _remove, self.path, os.getpid())

    def next(self) -> Path:
        """Give a path at which there is nothing."""
        self.made += 1
        return self.path / f"{self.made}.db"

    def remove(self) -> None:
        """Remove it with everything in it."""
        _remove(self.path, os.getpid())


def _remove(path: Path, process: int) -> None:
    # A child of a fork inherits the duty, and not the folder.
    if process == os.getpid():
        shutil.rmtree(path, ignore_errors=True)


def _discard(store: EventStore) -> None:
    store.close()
    file = store.database.file
    for suffix in ("", "-wal", "-shm"):
        Path(f"{file}{suffix}").unlink(missing_ok=True)


def _aware(moment: datetime | str, name: str) -> datetime:
    given = moment
    if isinstance(moment, str):
        try:
            moment = datetime.fromisoformat(moment)
        except ValueError as error:
            raise InvalidArgument(name, moment, "as text it is an ISO time, such as 2026-07-01T12:00:00Z") from error
    if moment.tzinfo is None:
        raise InvalidArgument(name, given, "a time needs its time zone: add +00:00 or Z for UTC")
    return max(moment, EPOCH)
