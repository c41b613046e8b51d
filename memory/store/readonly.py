"""Runs one query that the database engine itself keeps from writing; nothing here parses SQL to judge it.

SQLite: a connection opened `mode=ro`, with `query_only`, and an authorizer that allows nothing but reading. PostgreSQL:
a cursor declared in a READ ONLY transaction of a connection of its own, over the extended protocol, which takes one
statement only.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from typing import Any, NamedTuple

from memory.errors import QueryError
from memory.store import faults, forking
from memory.store.location import CONNECT_TIMEOUT, Location, file_uri

_READING = frozenset({sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE})
_READING_PRAGMAS = frozenset(
    {"table_info", "table_xinfo", "table_list", "index_list", "index_info", "index_xinfo", "foreign_key_list"}
)
_REMEDY = "the query runs read-only: one SELECT (or WITH ... SELECT), parameters written as :name"
_CHUNK = 1000
_STEPS = 200_000
"""Steps of SQLite's machine between two looks at whether Ctrl-C was pressed: some milliseconds."""
# In order: quoted text and names, dollar-quoted text, comments, casts, then parameters and percent signs.
_POSTGRESQL_TOKEN = re.compile(
    r"""(?P<skip>[eE]'(?:[^'\\]|\\.|'')*'|'(?:[^']|'')*'|"(?:[^"]|"")*"|(?P<tag>\$(?:[A-Za-z_]\w*)?\$).*?(?P=tag)"""
    r"""|--[^\n]*|/\*.*?\*/|::|:=)|:(?P<name>[A-Za-z_]\w*)""",
    re.DOTALL,
)


Before = tuple[str, Callable[[Any], object]]
"""A question of ours with one value, which is asked first on the same connection; and who is told the value."""


class Rows(NamedTuple):
    """The answer to a query: the column names, and the rows as they come."""

    columns: tuple[str, ...]
    rows: Iterator[tuple[Any, ...]]

    def mappings(self) -> list[dict[str, Any]]:
        """Give the rows by column name.

        Raises:
            QueryError: Two columns have one name: a mapping would lose one of them.
        """
        twice = sorted({name for name in self.columns if self.columns.count(name) > 1})
        if twice:
            raise QueryError(
                f"two columns of the answer are named {twice[0]!r}",
                remedy=f"name them apart: {twice[0]} AS another_name",
            )
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]


def read_only_rows(
    location: Location,
    sql: str,
    parameters: Mapping[str, Any],
    *,
    shared: sqlite3.Connection | None = None,
    before: Before | None = None,
) -> Rows:
    """Run one statement and give its rows; the connection is closed when they are exhausted or dropped.

    Args:
        location: Where the database is.
        sql: One statement; parameters are written `:name`.
        parameters: Their values.
        shared: The single connection of a database in memory.
        before: What is asked first.

    Raises:
        QueryError: The engine refused the statement; the message is the engine's.
    """
    if not isinstance(sql, str):
        raise QueryError(f"the query was refused: it is text, and not {sql!r}", remedy=_REMEDY)
    if "\0" in sql:
        # PostgreSQL's client library would stop there and run what comes before it.
        raise QueryError("the query was refused: it has a NUL character", remedy=_REMEDY)
    if shared is not None:
        return _sqlite_in_memory(shared, sql, parameters, before)
    # Held open by the rows: whoever drops them closes everything.
    stack = ExitStack()
    with ExitStack() as until_ready:
        until_ready.push(stack)
        if location.path is not None:
            connection = stack.enter_context(_sqlite_connection(location))
            _sqlite_before(connection, before)
            cursor: Any = stack.enter_context(closing(_sqlite_execute(connection, sql, parameters)))
        else:
            cursor = stack.enter_context(_postgresql_cursor(location, sql, parameters, before))
        columns = _columns(cursor)
        until_ready.pop_all()
    return Rows(columns, _stream(stack, cursor))


def _columns(cursor: Any) -> tuple[str, ...]:
    if cursor.description is None:
        raise QueryError("the query was refused: it asks for nothing", remedy=_REMEDY)
    return tuple(column[0] for column in cursor.description)


def _stream(stack: ExitStack, cursor: Any) -> Iterator[tuple[Any, ...]]:
    with stack:
        while True:
            with _refusals():
                chunk = cursor.fetchmany(_CHUNK)
            if not chunk:
                return
            yield from chunk


@contextmanager
def _sqlite_connection(location: Location) -> Iterator[sqlite3.Connection]:
    if location.path is None:
        raise QueryError("a database in memory has no file to read", remedy=_REMEDY)
    with forking.inside():
        try:
            connection = sqlite3.connect(
                file_uri(location.path, "mode=ro"), uri=True, isolation_level=None, check_same_thread=False, timeout=30
            )
        except sqlite3.Error as error:
            raise faults.translate(location, error) from error
        with closing(connection):
            connection.execute("PRAGMA query_only = ON")
            connection.set_authorizer(_authorize)
            # Signals wait while SQLite computes: a question that takes for ever could not be ended otherwise.
            connection.set_progress_handler(_go_on, _STEPS)
            yield connection


def _sqlite_in_memory(
    connection: sqlite3.Connection, sql: str, parameters: Mapping[str, Any], before: Before | None
) -> Rows:
    connection.execute("PRAGMA query_only = ON")
    connection.set_authorizer(_authorize)
    try:
        _sqlite_before(connection, before)
        with closing(_sqlite_execute(connection, sql, parameters)) as cursor, _refusals():
            return Rows(_columns(cursor), iter(cursor.fetchall()))
    finally:
        connection.set_authorizer(None)
        connection.execute("PRAGMA query_only = OFF")


def _sqlite_execute(connection: sqlite3.Connection, sql: str, parameters: Mapping[str, Any]) -> sqlite3.Cursor:
    with _refusals():
        return connection.execute(sql, dict(parameters))


def _sqlite_before(connection: sqlite3.Connection, before: Before | None) -> None:
    if before is not None:
        sql, tell = before
        with closing(_sqlite_execute(connection, sql, {})) as cursor:
            tell(cursor.fetchone()[0])


def _go_on() -> None:
    """Let signals come; where one raises in here, SQLite ends the query."""


def _authorize(action: int, first: str | None, second: str | None, database: str | None, trigger: str | None) -> int:
    if action in _READING or (action == sqlite3.SQLITE_PRAGMA and (first or "").lower() in _READING_PRAGMAS):
        return sqlite3.SQLITE_OK
    return sqlite3.SQLITE_DENY


@contextmanager
def _postgresql_cursor(
    location: Location, sql: str, parameters: Mapping[str, Any], before: Before | None
) -> Iterator[Any]:
    import psycopg

    place = location.url.translate_connect_args(username="user", database="dbname")
    arguments = {"connect_timeout": CONNECT_TIMEOUT} | place | dict(location.url.query)
    try:
        connection = psycopg.connect(**arguments)
    except psycopg.Error as error:
        raise faults.translate(location, error) from error
    with faults.translated(location), closing(connection):
        connection.read_only = True
        # After its first snapshot the transaction cannot be made writable from inside.
        sql_before, tell = ("SELECT 1", _nobody) if before is None else before
        for row in connection.execute(sql_before):
            tell(row[0])
        with closing(connection.cursor(name="palimpsest_query")) as cursor:
            with _refusals():
                cursor.execute(_postgresql_parameters(sql), dict(parameters))
            yield cursor


def _nobody(value: Any) -> None:
    """Nobody wants to know."""


def _postgresql_parameters(sql: str) -> str:
    """Write `:name` as the driver does, outside of quoted text, comments and casts."""

    def replace(match: re.Match[str]) -> str:
        name = match["name"]
        return match[0].replace("%", "%%") if name is None else f"%({name})s"

    pieces: list[str] = []
    end = 0
    for match in _POSTGRESQL_TOKEN.finditer(sql):
        pieces += [sql[end : match.start()].replace("%", "%%"), replace(match)]
        end = match.end()
    return "".join(pieces) + sql[end:].replace("%", "%%")


@contextmanager
def _refusals() -> Iterator[None]:
    """Turn what the engine or driver says about a query into `QueryError`."""
    try:
        yield
    except Exception as error:
        if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_INTERRUPT:
            raise KeyboardInterrupt from error
        if not _is_query_fault(error):
            raise
        lines = str(error).strip().splitlines()
        message = lines[0] if lines else type(error).__name__
        raise QueryError(f"the query was refused: {message}", remedy=_REMEDY) from error


def _is_query_fault(error: Exception) -> bool:
    if faults.is_broken_connection(error):
        return False
    # KeyError and TypeError are what the drivers raise for a parameter that is missing or of no type they know.
    return isinstance(error, sqlite3.Error | sqlite3.Warning | KeyError | TypeError | ValueError | OverflowError) or (
        type(error).__module__.startswith("psycopg")
    )
