"""How a reader learns that something may have been appended: told by the server, or seen on the file.

A wake is a hint and no proof: whoever is woken reads the log. PostgreSQL tells by NOTIFY, sent after the commit by a
thread of its own (inside the transaction it would make commits wait for one another). SQLite has nobody to tell, and
asking it whether anybody committed costs microseconds.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from pathlib import Path
from typing import Any, Protocol

from memory.store import faults, forking
from memory.store.engine import Database

_log = logging.getLogger(__name__)

FILE_POLL = 0.02
"""Seconds between two looks at a SQLite database."""
SAFETY_POLL = 2.0
"""Seconds after which a reader looks at the log although nothing woke it: a hint can be lost."""


class Waker(Protocol):
    """Waits for a hint that something was appended."""

    def wait(self, seconds: float) -> None:
        """Return when something may have been appended, at the latest after so many seconds."""

    def close(self) -> None:
        """Give back what waiting needs."""


class FileWaker:
    """Sees that a SQLite database was written to, by any connection of any process.

    Source: `PRAGMA data_version` (sqlite.org/pragma.html) changes for a connection when another one has committed. The
    size and time of the files do not do: they change before the commit can be seen.
    """

    def __init__(self, database: Database, stopped: threading.Event) -> None:
        self._database = database
        self._stopped = stopped
        self._driver: Any = None
        self._seen: int | None = None
        forking.register(self)
        self._changed()

    def wait(self, seconds: float) -> None:
        """Return when something was committed since the last call."""
        deadline = time.monotonic() + seconds
        while not self._stopped.is_set():
            left = deadline - time.monotonic()
            if self._changed() or left <= 0:
                return
            self._stopped.wait(min(FILE_POLL, left))

    def close(self) -> None:
        """End the connection."""
        with forking.inside():
            self.before_fork()

    @property
    def file(self) -> Path | None:
        """The database's file."""
        return self._database.file

    def before_fork(self) -> None:
        """End the connection; looking for changes makes another."""
        if self._driver is not None:
            self._driver.close()
            self._driver = None

    def after_fork_in_child(self) -> None:
        """Nothing is held."""

    def _changed(self) -> bool:
        """Say whether something may have been committed since this was last asked."""
        with forking.inside(), faults.translated(self._database.location):
            if self._driver is None:
                # Another connection counts differently: what it says first is no more than a hint.
                self._driver, self._seen = _detached(self._database), None
            now = int(self._driver.execute("PRAGMA data_version").fetchone()[0])
        seen, self._seen = self._seen, now
        return now != seen


class ServerWaker:
    """Is told by a PostgreSQL server that something was appended, by any process.

    Raises:
        DatabaseUnavailable: The server cannot be reached.
    """

    def __init__(self, database: Database, stopped: threading.Event) -> None:
        self._database = database
        self._stopped = stopped
        self._driver = _own_connection(database)
        with faults.translated(database.location):
            self._driver.execute(f"LISTEN {_channel(self._driver)}")

    def wait(self, seconds: float) -> None:
        """Return when the server told of an append since the last call.

        Raises:
            DatabaseUnavailable: The connection broke.
        """
        deadline = time.monotonic() + seconds
        with faults.translated(self._database.location):
            while not self._stopped.is_set() and (left := deadline - time.monotonic()) > 0:
                # In steps: whoever stops a subscription from another thread has no way to interrupt the socket.
                for _ in self._driver.notifies(timeout=min(0.25, left), stop_after=1):
                    return

    def close(self) -> None:
        """End the connection."""
        self._driver.close()


class NoWaker:
    """Waits for a database in memory, which only this process can write to."""

    def __init__(self, stopped: threading.Event) -> None:
        self._stopped = stopped

    def wait(self, seconds: float) -> None:
        """Return a little later."""
        self._stopped.wait(min(FILE_POLL, seconds))

    def close(self) -> None:
        """Nothing is held."""


def waker(database: Database, stopped: threading.Event) -> Waker:
    """Give what tells of appends to this database.

    Args:
        database: The database.
        stopped: Ends a wait at once when it is set.
    """
    if database.dialect == "postgresql":
        return ServerWaker(database, stopped)
    if database.location.path is None:
        return NoWaker(stopped)
    return FileWaker(database, stopped)


class Notifier:
    """Tells listeners of a PostgreSQL database that something was appended, without making the append wait.

    Several appends can come to one NOTIFY. What goes wrong here is logged and no more: readers look by themselves now
    and then.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._pending = threading.Event()
        self._lock = threading.Lock()
        self._process = os.getpid()
        self._thread: threading.Thread | None = None
        self._closed = False

    def tell(self) -> None:
        """Ask that listeners be told."""
        if self._process != os.getpid():
            # A fork leaves the thread behind, and a lock that it may have held.
            self._pending, self._lock, self._thread = threading.Event(), threading.Lock(), None
            self._process = os.getpid()
        with self._lock:
            if self._closed:
                return
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="palimpsest-notify", daemon=True)
                self._thread.start()
        self._pending.set()

    def close(self) -> None:
        """Tell what is still to be told, and end."""
        with self._lock:
            self._closed = True
            thread = self._thread if self._process == os.getpid() else None
        if thread is not None:
            self._pending.set()
            thread.join(timeout=5)

    def _run(self) -> None:
        driver: Any = None
        while True:
            self._pending.wait()
            self._pending.clear()
            try:
                if driver is None:
                    driver = _own_connection(self._database)
                    # A hint need not survive power loss, so it need not wait for the disk.
                    driver.execute("SET synchronous_commit = off")
                    channel = _channel(driver)
                driver.execute(f"NOTIFY {channel}")
            except Exception as error:  # noqa: BLE001 — a hint that fails must not end the program it is given in
                _log.warning("listeners could not be told of an append: %s", error)
                if driver is not None:
                    driver.close()
                driver = None
            if self._closed and not self._pending.is_set():
                break
        if driver is not None:
            driver.close()


def _own_connection(database: Database) -> Any:
    """Give a psycopg connection outside the pool, in autocommit mode."""
    with faults.translated(database.location):
        driver = _detached(database)
        driver.rollback()
        driver.autocommit = True
        return driver


def _detached(database: Database) -> Any:
    """Give a driver's connection, set up like every other, that the pool will not see again."""
    connection = database.engine.raw_connection()
    driver: Any = connection.driver_connection
    connection.detach()
    return driver


def _channel(driver: Any) -> str:
    """Give the channel of this ledger: two schemas of one database have two."""
    return f"palimpsest_{driver.execute('SELECT to_regclass(%s)::oid', ('ledger',)).fetchone()[0]}"
