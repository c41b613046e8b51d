"""Looks at a database before it is opened for real: what is not ours stays byte for byte as it was."""

from __future__ import annotations

import os
import sqlite3
import stat
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

from sqlalchemy import Connection, text

from memory.errors import DatabaseUnavailable, ForeignDatabase
from memory.store import faults
from memory.store.location import Location, file_uri
from memory.store.revisions import OWN_NAMES, VERSION_TABLE, check_known

_MAGIC = b"SQLite format 3\0"
_HEADER_SIZE = 100
_WAL_VERSION = 2
_READ_VERSION_OFFSET = 19


def inspect_file(location: Location, path: Path, *, create: bool) -> None:
    """Refuse a SQLite file that cannot become or is not ours.

    Raises:
        DatabaseUnavailable: Nothing can be opened or made there.
        ReadOnlyDatabase: This process may not write there.
        NotADatabase: The file is something else than a SQLite database.
        ForeignDatabase: It is a SQLite database with tables that are not ours.
        SchemaTooNew: A newer version of Palimpsest wrote it.
    """
    try:
        status = path.stat()
    except FileNotFoundError:
        _check_can_create(location, path, create=create)
        return
    except OSError as error:
        raise _unavailable(location, error.strerror or str(error)) from error
    if stat.S_ISDIR(status.st_mode):
        raise _unavailable(location, "it is a directory", remedy=f"name a file in it: {path / 'research.db'}")
    if not stat.S_ISREG(status.st_mode):
        raise _unavailable(location, "it is not a regular file", remedy="name an ordinary file")
    if status.st_size:
        _check_header(location, path)
        _inspect_contents(location, path)
    elif not create:
        raise _unavailable(location, "it is an empty file", remedy="record something first, or name another file")
    if not (_may_write(path) and _may_write(path.parent)):
        raise faults.read_only(location)


def in_wal_mode(path: Path) -> bool:
    """Say whether a SQLite file is written to through a write-ahead log."""
    with path.open("rb") as file:
        header = file.read(_HEADER_SIZE)
    return len(header) == _HEADER_SIZE and header[_READ_VERSION_OFFSET] == _WAL_VERSION


def is_at_rest(path: Path) -> bool:
    """Say whether a SQLite file is a database in WAL mode that nobody has open."""
    return in_wal_mode(path) and not Path(f"{path}-wal").exists()


def has_hot_journal(path: Path) -> bool:
    """Say whether a crash left a journal that is rolled back when the database is opened for real."""
    try:
        return Path(f"{path}-journal").stat().st_size > 0
    except FileNotFoundError:
        return False


def _check_can_create(location: Location, path: Path, *, create: bool) -> None:
    parent = path.parent
    if not parent.exists():
        raise _unavailable(location, f"there is no directory {parent}", remedy=f"make it first: mkdir -p {parent}")
    if not parent.is_dir():
        raise _unavailable(location, f"{parent} is not a directory", remedy="name a file in a directory")
    if not create:
        remedy = "check the path, or record something first"
        raise _unavailable(location, "there is no such file", remedy=remedy)
    if not _may_write(parent):
        raise faults.read_only(location)


def _check_header(location: Location, path: Path) -> None:
    try:
        with path.open("rb") as file:
            header = file.read(_HEADER_SIZE)
    except OSError as error:
        raise _unavailable(location, error.strerror or str(error), remedy="check the file's permissions") from error
    if len(header) < _HEADER_SIZE or not header.startswith(_MAGIC):
        raise faults.not_a_database(location)


def _inspect_contents(location: Location, path: Path) -> None:
    # Opening a WAL database, even read-only, makes -wal and -shm files beside it. Without a -wal file nobody has it
    # open, so that it can be read as an immutable file, which leaves no trace.
    try:
        try:
            names, revision = _read_catalogue(path, "immutable=1" if is_at_rest(path) else "mode=ro")
        except sqlite3.OperationalError:
            if not has_hot_journal(path):
                raise
            # A journal left by a crash: it is rolled back when the database is opened for real. Look past it.
            names, revision = _read_catalogue(path, "immutable=1")
    except sqlite3.Error as error:
        raise faults.translate(location, error) from error
    _check_ours(location, names, revision)


def _read_catalogue(path: Path, mode: str) -> tuple[list[str], list[str]]:
    with closing(sqlite3.connect(file_uri(path, mode), uri=True, timeout=10, isolation_level=None)) as connection:
        connection.execute("BEGIN")
        names = [
            row[0]
            for row in connection.execute("SELECT name FROM sqlite_master WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\'")
        ]
        revisions = []
        if VERSION_TABLE in names:
            revisions = [row[0] for row in connection.execute(f"SELECT version_num FROM {VERSION_TABLE}")]
        connection.execute("ROLLBACK")
        return names, revisions


def _check_ours(location: Location, names: Iterable[str], revisions: list[str]) -> None:
    names = list(names)
    if names and VERSION_TABLE not in names:
        raise foreign(location, names)
    for revision in revisions:
        check_known(str(location), revision)


def inspect_server(location: Location, connection: Connection) -> None:
    """Refuse a PostgreSQL database that cannot hold the log.

    Raises:
        DatabaseUnavailable: It does not store text as UTF-8.
        ReadOnlyDatabase: It is a standby, or this role may only read.
        ForeignDatabase: Its schema already has tables of our names that are not ours.
        SchemaTooNew: A newer version of Palimpsest wrote it.
    """
    encoding, standby = connection.execute(
        text("SELECT current_setting('server_encoding'), current_setting('transaction_read_only')")
    ).one()
    if encoding != "UTF8":
        remedy = "create it with: CREATE DATABASE ... ENCODING 'UTF8' TEMPLATE template0"
        raise _unavailable(location, f"its encoding is {encoding}, not UTF8", remedy=remedy)
    if standby == "on":
        raise faults.read_only(location)
    # One statement sees one snapshot: a schema that another process is making right now is there whole or not at all.
    names = connection.execute(
        text(
            "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
            "WHERE n.nspname = current_schema() AND c.relname = ANY(:names)"
        ),
        {"names": [VERSION_TABLE, *OWN_NAMES]},
    ).scalars()
    present = list(names)
    revisions: list[str] = []
    if VERSION_TABLE in present:
        revisions = list(connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalars())
    _check_ours(location, present, revisions)


def foreign(location: Location, names: Iterable[str]) -> ForeignDatabase:
    """Make the error for a database that has tables, and not ours."""
    shown = ", ".join(sorted(names)[:5])
    return ForeignDatabase(
        f"{location} is a database of something else (it has {shown}); it was not touched",
        remedy="name a new file" if location.path is not None else "use another database, or a schema of its own",
    )


def _may_write(path: Path) -> bool:
    return os.access(path, os.W_OK, effective_ids=os.access in os.supports_effective_ids)


def _unavailable(location: Location, reason: str, *, remedy: str = "") -> DatabaseUnavailable:
    return DatabaseUnavailable(
        f"the database {location} cannot be opened: {reason}", remedy=remedy or "name another path, or mend this one"
    )
