"""Connections and transactions on SQLite and PostgreSQL, the same for everyone above.

A write transaction takes its lock first: `BEGIN IMMEDIATE` on SQLite (a transaction that reads before it writes would
fail at once under another writer), an advisory lock on PostgreSQL.
"""

from __future__ import annotations

import os
import random
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any, Literal, Self

from sqlalchemy import Connection, Engine, Pool

from memory.errors import CorruptionError, DatabaseError
from memory.store import faults, forking
from memory.store.connect import BUSY_TIMEOUT, IMMEDIATE, Durability, make_engine
from memory.store.driver import fetch
from memory.store.inspection import inspect_file, inspect_server
from memory.store.location import Location, locate
from memory.store.locks import OwnedLock, nested
from memory.store.readonly import Before, Rows, read_only_rows

Lock = Literal["ledger", "migration", "projections"]
"""What a PostgreSQL write transaction excludes others from; on SQLite every write transaction excludes all others."""

_LOCKS: Mapping[str, int] = {"ledger": 0x50414C31, "migration": 0x50414C32, "projections": 0x50414C33}
MIGRATION_LOCK_SQL = (
    f"SELECT pg_advisory_xact_lock({_LOCKS['migration']}, current_schema()::regnamespace::oid::int)",
    f"SELECT pg_advisory_xact_lock({_LOCKS['ledger']}, to_regclass('ledger')::oid::int) "
    "WHERE to_regclass('ledger') IS NOT NULL",
)
"""What a migration on PostgreSQL waits for: other migrations, then appends to a ledger that exists already."""

_ABANDONED: list[Pool] = []
"""Pools that a fork left in the child: their connections are the parent's, so they are kept instead of closed."""


class Database:
    """One database that holds, or will hold, a log; connects lazily, from any thread, and survives `fork`.

    Made by `Database.open`, which refuses what is not ours before anything is written.
    """

    def __init__(self, location: Location, engine: Engine, durability: Durability) -> None:
        self.location = location
        self.engine = engine
        self.durability: Durability = durability
        self._closed = False
        self.busy_timeout = BUSY_TIMEOUT
        self._locks: dict[str, OwnedLock] = {}
        self._memory_lock = threading.RLock()
        self._memory_connection: Connection | None = None
        self._reset_locks()
        forking.register(self)

    @classmethod
    def open(cls, url_or_path: str | os.PathLike[str], *, durability: Durability = "full", create: bool = True) -> Self:
        """Open a database without changing its schema; `migrate.upgrade` does that.

        Args:
            url_or_path: A path, ":memory:", or a SQLite or PostgreSQL URL.
            durability: Whether an acknowledged write survives power loss, or only the end of the process.
            create: Whether a SQLite file that does not exist may be made.

        Raises:
            InvalidDatabaseUrl: The text names no database we can use.
            MissingDependency: PostgreSQL is meant, and psycopg is not installed.
            DatabaseUnavailable: Nothing can be reached or made there.
            ReadOnlyDatabase: It may not be written to.
            NotADatabase: The file is something else.
            ForeignDatabase: It belongs to something else.
            SchemaTooNew: A newer version of Palimpsest wrote it.
        """
        if durability not in ("full", "normal"):
            raise DatabaseError(f"there is no durability {durability!r}", remedy="choose 'full' or 'normal'")
        location = locate(url_or_path)
        if location.path is not None:
            inspect_file(location, location.path, create=create)
        database = cls(location, make_engine(location, durability), durability)
        if location.dialect == "postgresql":
            try:
                with database.reading() as connection:
                    inspect_server(location, connection)
            except BaseException:
                database.close()
                raise
        return database

    @property
    def dialect(self) -> Literal["sqlite", "postgresql"]:
        """The engine behind it."""
        return self.location.dialect

    def close(self) -> None:
        """Give every connection back; whatever is asked of it later raises `DatabaseError`."""
        self._closed = True
        with self._inside(), faults.translated(self.location):
            self.engine.dispose()

    def _check_open(self) -> None:
        if self._closed:
            raise DatabaseError(
                f"the database {self.location} was closed", remedy="open it again: what was recorded is there"
            )
        if forking.is_carried(self.location.path):
            raise DatabaseError(
                f"this process was forked while {self.location} was being read or written",
                remedy="fork where no query or transaction is open, or start a new process instead",
            )

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Give a connection in a transaction that only reads; its snapshot is per statement on PostgreSQL."""
        self._check_open()
        with self._inside(), self._alone_in_memory() as outer:
            if outer is not None:
                yield outer
                return
            with self._transaction(self.engine.connect) as connection:
                yield connection

    @contextmanager
    def writing(self, lock: Lock | None = None, *, on: Connection | None = None) -> Iterator[Connection]:
        """Give a connection in a transaction that commits at the end, and is rolled back if anything raises.

        Args:
            lock: What to hold alone in the whole database until the commit; None only on PostgreSQL means no lock.
            on: A connection that `aside` gave; None: any.

        Raises:
            DatabaseBusy: Another writer held the lock for longer than the busy timeout.
            AppendOnlyViolation: Something tried to change what was recorded.
            DatabaseError: The engine refused something else.
        """
        self._check_open()
        # First of all: whoever waits for a fork to end must not keep those waiting whom the fork waits for.
        with self._inside(), self._alone_in_memory() as outer:
            if outer is not None:
                raise nested(self.location)
            with (
                self._held_here(lock),
                self._transaction(self._connect_to_write if on is None else lambda: _to_write(on)) as connection,
            ):
                if self.dialect == "postgresql":
                    self._take_locks(connection, lock)
                yield connection

    @contextmanager
    def aside(self) -> Iterator[Connection]:
        """Give a connection that nobody else ever gets, for as long as what is temporary on it is needed.

        Of a database in memory there is only one connection: nobody else gets at the database meanwhile.
        """
        self._check_open()
        with self._inside(), self._alone_in_memory() as outer, faults.translated(self.location):
            if outer is not None:
                raise nested(self.location)
            connection = self.engine.connect()
            if not self.location.in_memory:
                connection.detach()
            with connection:
                yield connection

    def refuse_nested(self, lock: Lock = "ledger") -> None:
        """Refuse a thread that has a write transaction of this kind open: it would wait for itself.

        Raises:
            DatabaseBusy: It has.
        """
        if self._locks["write" if self.dialect == "sqlite" else lock].owned_here:
            raise nested(self.location)

    def read_only_rows(self, sql: str, parameters: Mapping[str, Any], *, before: Before | None = None) -> Rows:
        """Run one query that the engine itself keeps from writing.

        Args:
            sql: One statement; parameters are written `:name`.
            parameters: Their values.
            before: A question of ours with one value that is asked first on the same connection, and who is told.

        Raises:
            QueryError: The engine refused the statement; the message is the engine's.
        """
        self._check_open()
        if self.location.in_memory:
            with self._inside(), self._alone_in_memory() as outer:
                connection = outer or self.engine.connect()
                try:
                    return read_only_rows(
                        self.location,
                        sql,
                        parameters,
                        shared=connection.connection.driver_connection,
                        before=before,
                    )
                finally:
                    if outer is None:
                        connection.close()
        return read_only_rows(self.location, sql, parameters, before=before)

    def _inside(self) -> AbstractContextManager[None]:
        return forking.inside() if self.dialect == "sqlite" else nullcontext()

    def _held_here(self, lock: Lock | None) -> AbstractContextManager[None]:
        """Queue inside the process first: threads waiting on one another here cost the database nothing."""
        name = "write" if self.dialect == "sqlite" else lock
        return nullcontext() if name is None else self._locks[name].held(self.location, self.busy_timeout)

    def _connect_to_write(self) -> Connection:
        return self.engine.connect().execution_options(**{IMMEDIATE: True})

    @contextmanager
    def _transaction(self, connect: Any) -> Iterator[Connection]:
        with faults.translated(self.location), connect() as connection:
            self._begin(connection)
            if self.location.in_memory:
                self._memory_connection = connection
            try:
                yield connection
            except BaseException as error:
                connection.rollback()
                if faults.is_read_only(error) and not self.location.in_memory:
                    # SQLite opened the file to read only: this connection will never write, whatever is mended.
                    connection.invalidate()
                raise
            finally:
                self._memory_connection = None
            self._end(connection)

    def _end(self, connection: Connection) -> None:
        """Commit; after a commit that failed leave no transaction open on a connection that somebody uses again."""
        try:
            connection.commit()
        except BaseException:
            if self.location.in_memory:
                connection.connection.driver_connection.rollback()  # type: ignore[union-attr]
            else:
                connection.invalidate()
            raise

    def _begin(self, connection: Connection) -> None:
        """Begin; for a write on SQLite retry with jitter, so that no waiting writer starves behind the others."""
        deadline = time.monotonic() + self.busy_timeout
        longest = 0.002
        while True:
            try:
                connection.begin()
                return
            except Exception as error:
                if not faults.is_busy(error):
                    raise
                if time.monotonic() >= deadline:
                    raise faults.busy(self.location) from error
                connection.rollback()
                time.sleep(random.uniform(0.0002, longest))
                longest = min(longest * 1.5, 0.025)

    def _take_locks(self, connection: Connection, lock: Lock | None) -> None:
        # Whoever holds the lock may be idle for ever: waiting has an end here as it has on SQLite.
        patience = str(max(1, int(self.busy_timeout * 1000)))
        # Advisory locks are per database: the ledger's own object number keeps two schemas of one database apart.
        if lock == "migration":
            for statement in (f"SELECT set_config('lock_timeout', '{patience}', true)", *MIGRATION_LOCK_SQL):
                connection.exec_driver_sql(statement)
        elif lock is not None:
            ((isolation, *_),) = fetch(
                connection,
                "SELECT current_setting('transaction_isolation'), set_config('lock_timeout', ?, true), "
                "pg_advisory_xact_lock(?, 'ledger'::regclass::oid::int)",
                (patience, _LOCKS[lock]),
            )
            # Under REPEATABLE READ the snapshot would be older than the lock, and the head read after it stale.
            if isolation != "read committed":
                raise CorruptionError(
                    f"the isolation level is {isolation}, where the lock needs read committed",
                    remedy="set default_transaction_isolation to 'read committed' for this role",
                )

    @contextmanager
    def _alone_in_memory(self) -> Iterator[Connection | None]:
        """Hold the single connection of a database in memory; give the transaction this thread already has on it."""
        if not self.location.in_memory:
            yield None
            return
        with self._memory_lock:
            yield self._memory_connection

    def _reset_locks(self) -> None:
        self._locks = {name: OwnedLock() for name in (*_LOCKS, "write")}
        self._memory_lock = threading.RLock()

    @property
    def file(self) -> Path | None:
        """The SQLite file behind it; None for one in memory, and for PostgreSQL."""
        return self.location.path

    def before_fork(self) -> None:
        """Close what is connected to a file; it is connected to again when it is needed."""
        if self.file is not None:
            self.engine.dispose()

    def after_fork_in_child(self) -> None:
        """Leave connections and locks to the parent."""
        self._reset_locks()
        if not self.location.in_memory:
            _ABANDONED.append(self.engine.pool)
            self.engine.dispose(close=False)


@contextmanager
def _to_write(connection: Connection) -> Iterator[Connection]:
    """Give a connection whose next transaction writes."""
    connection.execution_options(**{IMMEDIATE: True})
    try:
        yield connection
    finally:
        connection.execution_options(**{IMMEDIATE: False})
