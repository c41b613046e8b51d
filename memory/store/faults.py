"""The single place where an engine's errors become ours."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from memory.errors import (
    AppendOnlyViolation,
    CorruptionError,
    DatabaseBusy,
    DatabaseError,
    DatabaseFull,
    DatabaseUnavailable,
    LogSealed,
    NotADatabase,
    PalimpsestError,
    ReadOnlyDatabase,
    RolloverUnfinished,
)
from memory.store.location import Location
from memory.store.seal import MARK

_SQLITE_BUSY, _SQLITE_LOCKED, _SQLITE_READONLY = 5, 6, 8
_SQLITE_IOERR, _SQLITE_CORRUPT, _SQLITE_FULL, _SQLITE_CANTOPEN, _SQLITE_NOTADB = 10, 11, 13, 14, 26
_SQLITE_IOERR_SHMSIZE = 4874
"""The index of the write-ahead log cannot grow: sqlite.org/rescode.html says the volume is out of space."""
_RETRY = "nothing was written; the same call may be tried again"


@contextmanager
def translated(location: Location) -> Iterator[None]:
    """Turn whatever the engine raises inside into an error of our hierarchy."""
    try:
        yield
    except PalimpsestError:
        raise
    except DBAPIError as error:
        raise translate(location, error.orig or error) from error
    except (SQLAlchemyError, sqlite3.Error) as error:
        raise translate(location, error) from error
    except OverflowError as error:
        # What sqlite3 says of a number that no column holds; others are not the engine's.
        if "SQLite INTEGER" not in str(error):
            raise
        remedy = "every whole number in a database is less than 2**63"
        raise DatabaseError(f"{location}: {error}", remedy=remedy) from error
    except Exception as error:
        # What psycopg itself raises, where it is used without SQLAlchemy around it (COPY).
        if hasattr(error, "sqlstate"):
            raise translate(location, error) from error
        raise


def translate(location: Location, error: BaseException) -> PalimpsestError:
    """Give our error for one that an engine raised."""
    message = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    if MARK in message:
        return _sealed(location, message)
    if "append-only: " in message:
        return AppendOnlyViolation(
            message[message.index("append-only: ") :],
            remedy="what was recorded stays; record a correction or a retraction instead",
        )
    if isinstance(error, sqlite3.Error):
        return _sqlite(location, error, message)
    if hasattr(error, "sqlstate"):
        return _postgresql(location, error, error.sqlstate, message)
    return DatabaseError(f"{location}: {message}")


def is_sealed(error: BaseException) -> bool:
    """Say whether an engine's error is a seal's refusal of an append."""
    return MARK in str(error)


def _sealed(location: Location, message: str) -> PalimpsestError:
    # The driver's own words may follow the seal.
    content, _ = json.JSONDecoder().raw_decode(message[message.index(MARK) + len(MARK) :])
    if content["state"] == "sealed":
        return LogSealed(str(location), content["other"])
    return RolloverUnfinished(str(location), content["other"])


def is_busy(error: BaseException) -> bool:
    """Say whether an engine's error only means that another connection holds the lock."""
    original = error.orig if isinstance(error, DBAPIError) else error
    return _sqlite_code(original) in (_SQLITE_BUSY, _SQLITE_LOCKED)


def is_read_only(error: BaseException) -> bool:
    """Say whether an engine's error means that SQLite could open the file only for reading."""
    original = error.orig if isinstance(error, DBAPIError) else error
    return _sqlite_code(original) == _SQLITE_READONLY


def is_broken_connection(error: BaseException) -> bool:
    """Say whether a PostgreSQL driver's error means that there is no connection, whatever was asked over it."""
    state = getattr(error, "sqlstate", "")
    if state is None:
        # Without a state the server said nothing: the connection failed or broke, or the driver itself refused.
        names = {base.__name__ for base in type(error).__mro__}
        return bool(names & {"OperationalError", "InterfaceError"})
    return state[:2] == "08" or state[:3] == "57P"


def _sqlite_code(error: object) -> int | None:
    code = getattr(error, "sqlite_errorcode", None)
    return None if code is None else code & 0xFF


def _sqlite(location: Location, error: sqlite3.Error, message: str) -> PalimpsestError:
    match _sqlite_code(error):
        case 5 | 6:
            return busy(location)
        case 8:
            return read_only(location)
        case 13:
            return _full(location)
        case 11:
            return CorruptionError(f"{location} is damaged: {message}")
        case 26:
            return not_a_database(location)
        case 10 if error.sqlite_errorcode == _SQLITE_IOERR_SHMSIZE:
            return _full(location)
        case 10 | 14:
            remedy = f"check the disk and the folder's permissions; {_RETRY}"
            return DatabaseUnavailable(f"{location} cannot be read or written: {message}", remedy=remedy)
    return DatabaseError(f"{location}: {message}")


def _postgresql(location: Location, error: BaseException, state: str | None, message: str) -> PalimpsestError:
    if state is None:
        broken = is_broken_connection(error)
        return unreachable(location, message) if broken else DatabaseError(f"{location}: {message}")
    if state[:2] in ("08", "28", "3D", "57"):
        return unreachable(location, message)
    if state == "25006":
        return read_only(location)
    if state[:2] == "53":
        if state == "53100":
            return DatabaseFull(f"{location}: {message}", remedy=f"free some space on the server; {_RETRY}")
        return unreachable(location, message)
    if state in ("55P03", "40P01"):
        return busy(location)
    if state == "42501":
        remedy = "let the owner grant it to this role, or connect as one that has it: docs/guide/postgresql.md says how"
        return DatabaseError(f"{location}: {message}", remedy=remedy)
    return DatabaseError(f"{location}: {message}")


def _full(location: Location) -> DatabaseFull:
    return DatabaseFull(f"{location}: no room is left on the disk", remedy=f"free some space; {_RETRY}")


def busy(location: Location) -> DatabaseBusy:
    """Make the error for a write lock that could not be had in time."""
    return DatabaseBusy(
        f"{location} is locked by another writer",
        remedy=f"end the program that holds a transaction open on it; {_RETRY}",
    )


def read_only(location: Location) -> ReadOnlyDatabase:
    """Make the error for a database that may not be written to."""
    return ReadOnlyDatabase(
        f"{location} may not be written to",
        remedy="give this user write permission on the file and its folder, or work on a copy"
        if location.path is not None
        else "connect to the primary server, as a role that may write",
    )


def not_a_database(location: Location) -> NotADatabase:
    """Make the error for a file that SQLite did not write."""
    return NotADatabase(
        f"{location} is not a SQLite database; it was not touched",
        remedy="name another file; if this was a database, restore it from a backup",
    )


def unreachable(location: Location, message: str) -> DatabaseUnavailable:
    """Make the error for a server that does not answer, or not to us."""
    return DatabaseUnavailable(
        f"{location} cannot be reached: {message}",
        remedy="check that the server runs, that host, port, user, password and database are right, and try again",
    )
