"""Looks at a database as a doctor does: says how each thing stands and what to do, and changes nothing.

It works on a database that cannot be opened, too: then that is what it says.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import Connection, RowMapping, func, inspect, select, text
from sqlalchemy.exc import SQLAlchemyError

from memory.errors import PalimpsestError, ReadOnlyDatabase
from memory.store import faults
from memory.store.diagnosis_file import diagnose_library, diagnose_place, diagnose_settings, looking_at
from memory.store.diagnosis_server import (
    connected_to,
    diagnose_driver,
    diagnose_rights,
    diagnose_server,
    refuse_writes,
)
from memory.store.finding import Finding, ok, problem, warning
from memory.store.inspection import inspect_file
from memory.store.location import Location, locate
from memory.store.migrate import differences, head, missing_triggers, missing_views, revision_of
from memory.store.seal import read_seal
from memory.store.tables import appends, ledger

__all__ = ["Finding", "diagnose", "diagnose_libraries"]

FAR_BEHIND = 100_000
"""Events that a projection may be behind without a word: catching up takes about a second."""
_NEWEST = select(appends).order_by(appends.c.append_id.desc())
_LAST, _ONE_BEFORE = _NEWEST.limit(1).subquery("last"), _NEWEST.limit(1).offset(1).subquery("before")
_HEAD = select(
    # One statement, so that it sees one moment: others may be appending.
    select(_LAST.c.append_id).scalar_subquery().label("append_id"),
    select(_LAST.c.first_position).scalar_subquery().label("first"),
    select(_LAST.c.last_position).scalar_subquery().label("last"),
    select(_ONE_BEFORE.c.last_position).scalar_subquery().label("before"),
    select(func.max(ledger.c.position)).scalar_subquery().label("highest"),
    select(func.count())
    .where(ledger.c.position >= select(_LAST.c.first_position).scalar_subquery())
    .scalar_subquery()
    .label("events"),
)
_RESTORE = "`palimpsest verify` says more; restore a backup, and keep this database for the inquiry"


def diagnose_libraries() -> Iterator[Finding]:
    """Look at what both engines are reached by."""
    yield diagnose_library()
    yield diagnose_driver() or ok("psycopg", "not installed: needed for PostgreSQL only")


def diagnose(url_or_path: str | os.PathLike[str]) -> Iterator[Finding]:
    """Look at a database, as far as it can be reached, and yield what is found, the place first.

    Nothing is written: a SQLite file is read as it lies there, a server is asked in a transaction that only reads.
    """
    try:
        location = locate(url_or_path)
    except PalimpsestError as error:
        yield Finding.of("opens", error)
        return
    if location.in_memory:
        yield warning("opens", "a database in memory ends with its process", "name a file to keep a record in")
        return
    try:
        if location.path is not None:
            yield from _file(location, location.path)
        else:
            yield from _server(location)
    except PalimpsestError as error:
        yield Finding.of("opens", error)
    except OSError as error:
        yield problem("opens", f"{location}: {error.strerror or error}", "check the folder's permissions, and the disk")


def _file(location: Location, path: Path) -> Iterator[Finding]:
    yield from diagnose_place(path)
    try:
        inspect_file(location, path, create=False)
        yield ok("opens", str(location))
    except ReadOnlyDatabase as error:
        # It can still be read, and what is in it looked at.
        yield Finding.of("opens", error)
    with looking_at(location, path) as connection:
        yield from diagnose_settings(path)
        yield from _contents(location, connection)


def _server(location: Location) -> Iterator[Finding]:
    with connected_to(location) as connection:
        yield from diagnose_server(connection)
        refuse_writes(location, connection)
        yield ok("opens", str(location))
        yield from diagnose_rights(connection)
        yield from _contents(location, connection)


def _contents(location: Location, connection: Connection) -> Iterator[Finding]:
    try:
        revision = revision_of(location, connection)
        if revision is None:
            remedy = "nothing to do: it is made when the database is first opened, or by `palimpsest db upgrade`"
            yield warning("schema", "none yet", remedy)
            return
        yield from _schema(connection, revision)
        yield _takes_appends(connection)
        last, finding = _head(connection)
        yield finding
        yield from _projections(connection, last)
    except PalimpsestError as error:
        yield Finding.of("contents", error)
    except SQLAlchemyError as error:
        yield Finding.of("contents", faults.translate(location, getattr(error, "orig", None) or error))


def _schema(connection: Connection, revision: str) -> Iterator[Finding]:
    if revision != head():
        told = f"revision {revision}, and this version has {head()}"
        yield warning("schema", told, "nothing to do: it is upgraded when next opened, or by `palimpsest db upgrade`")
    elif different := [*differences(connection), *missing_views(connection)]:
        remedy = "put it back as it was, or export the log and import it into a new database"
        for each in different:
            yield problem("schema", each.removeprefix("the schema differs: "), remedy)
    else:
        yield ok("schema", f"revision {revision}, as this version expects")
    missing = missing_triggers(connection)
    remedy = "find out who removed it, run `palimpsest verify`, and make it again as migrations/versions has it"
    yield from (problem("triggers", each, remedy) for each in missing)
    if not missing:
        yield ok("triggers", "in place: UPDATE, DELETE and REPLACE or TRUNCATE of the log are refused")


def _takes_appends(connection: Connection) -> Finding:
    seal = read_seal(connection)
    if seal is None:
        return ok("log", "takes appends")
    if seal.sealed:
        told = f"sealed at position {seal.position}: it goes on in {seal.other}"
        return warning("log", told, f"nothing to do here: record in {seal.other}")
    told = f"a rollover of {seal.other} prepared it and did not finish"
    return problem("log", told, "run the same `palimpsest rollover` again; to give it up, delete this database")


def _head(connection: Connection) -> tuple[int, Finding]:
    """Compare the last append with the events that are there, and with the append before it."""
    row = connection.execute(_HEAD).one()
    if row.append_id is None:
        return 0, problem("head", "not even the origin of the hash chain is there", _RESTORE)
    expected = row.last - row.first + 1
    if row.events != expected or row.highest != (row.last if expected else row.highest):
        told = (
            f"append {row.append_id} should end the log with positions {row.first} to {row.last}, and from "
            f"{row.first} on there are {row.events} events, the last at {row.highest}"
        )
        return row.last, problem("head", told, _RESTORE)
    if row.before is not None and row.before + 1 != row.first:
        told = f"append {row.append_id} begins at position {row.first}, and the one before it ends at {row.before}"
        return row.last, problem("head", told, _RESTORE)
    return row.last, ok("head", f"append {row.append_id}, position {row.last}: consistent")


def _projections(connection: Connection, last: int) -> Iterator[Finding]:
    if not inspect(connection).has_table("projections"):
        return
    # Every column, because an older schema than this version's has fewer.
    rows = connection.execute(text("SELECT * FROM projections ORDER BY name")).mappings().all()
    if not rows:
        yield ok("projections", "none has read the log yet")
    for row in rows:
        yield _projection(row, last)


def _projection(row: RowMapping, last: int) -> Finding:
    subject, position = f"projection {row['name']}", row["position"]
    again = f"palimpsest rebuild {row['name']}"
    if row.get("stopped_at") is not None:
        remedy = f"the log is unharmed; report this with the event, and once it is mended: {again}"
        return problem(subject, f"it stopped before position {row['stopped_at']}: {row['failure']}", remedy)
    if position > last:
        told = f"it has read up to position {position} of a log that ends at {last}"
        return problem(subject, told, f"if the log was put back from a backup: {again}")
    if last - position > FAR_BEHIND:
        told = f"{last - position} events behind"
        return warning(subject, told, "nothing to do: the next question catches it up, which may take a while")
    behind = f"{last - position} events behind; the next question catches it up" if position < last else "up to date"
    return ok(subject, f"at position {position}, {behind}")
