"""Writing many rows the fastest way each engine has: prepared statements on SQLite, binary COPY on PostgreSQL."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from typing import Any

import orjson
from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    ColumnElement,
    Connection,
    Float,
    Integer,
    Table,
    Text,
    cast,
    literal,
    null,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB

Columns = tuple[tuple[str, str], ...]
"""(name, PostgreSQL type) of every column that is written, in the order in which rows hold them."""

_COPY_FROM = 20
"""Rows from which COPY costs less than one INSERT for each."""

_SERVER_TYPES = ((BigInteger, "int8"), (Integer, "int8"), (Float, "float8"), (Boolean, "bool"), (JSON, "jsonb"))


def write(connection: Connection, table: str, columns: Columns, rows: Sequence[tuple[Any, ...]]) -> None:
    """Insert rows in the open transaction.

    Args:
        connection: The transaction.
        table: Where to.
        columns: What each row holds.
        rows: The rows, as the driver takes them.
    """
    if not rows:
        return
    sqlite = connection.dialect.name == "sqlite"
    if not sqlite and len(rows) >= _COPY_FROM:
        _copy(connection, table, columns, rows)
        return
    statement = _insert(table, columns, "?" if sqlite else "%s")
    connection.exec_driver_sql(statement, rows[0] if len(rows) == 1 else list(rows))


def insert_rows(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows that name every column of a table, in the open transaction; JSON columns take plain data.

    Raises:
        KeyError: A row lacks a column.
    """
    if not rows:
        return
    columns, take, documents = _layout(table)
    wanted = list(map(take, rows))
    if documents:
        document = _text if connection.dialect.name == "sqlite" else _jsonb()
        for index, row in enumerate(wanted):
            values = list(row)
            for at in documents:
                if values[at] is not None:
                    values[at] = document(values[at])
            wanted[index] = tuple(values)
    write(connection, table.name, columns, wanted)


def update_rows(
    connection: Connection, table: Table, where: Sequence[ColumnElement[bool]], values: Mapping[str, Any]
) -> None:
    """Change rows in the open transaction; JSON columns take plain data, and hold the text that `insert_rows` writes.

    Args:
        connection: The transaction.
        table: Where.
        where: What must hold of a row.
        values: What its columns are from now on.
    """
    told = {
        name: _document(connection, value) if isinstance(table.c[name].type, JSON) else value
        for name, value in values.items()
    }
    connection.execute(update(table).where(*where).values(told))


def _document(connection: Connection, value: Any) -> ColumnElement[Any]:
    if value is None:
        return null()
    text = literal(_text(value), Text())
    return text if connection.dialect.name == "sqlite" else cast(text, JSONB)


@functools.cache
def _insert(table: str, columns: Columns, mark: str) -> str:
    return (
        f"INSERT INTO {table} ({', '.join(_quoted(name) for name, _ in columns)}) "
        f"VALUES ({', '.join(mark for _ in columns)})"
    )


def _copy(connection: Connection, table: str, columns: Columns, rows: Sequence[tuple[Any, ...]]) -> None:
    statement = f"COPY {table} ({', '.join(_quoted(name) for name, _ in columns)}) FROM STDIN (FORMAT BINARY)"
    driver: Any = connection.connection.dbapi_connection
    with driver.cursor() as cursor, cursor.copy(statement) as copy:
        copy.set_types([kind for _, kind in columns])
        for row in rows:
            copy.write_row(row)


@functools.cache
def _layout(table: Table) -> tuple[Columns, Callable[[Mapping[str, Any]], tuple[Any, ...]], tuple[int, ...]]:
    """Give a table's columns, what takes a row's values in their order, and which of them hold JSON."""
    columns = tuple((column.name, _server_type(column.type)) for column in table.columns)
    documents = tuple(at for at, (_, kind) in enumerate(columns) if kind == "jsonb")
    return columns, itemgetter(*(name for name, _ in columns)), documents


def _server_type(kind: object) -> str:
    if isinstance(kind, Text):
        return "text"
    return next(name for python, name in _SERVER_TYPES if isinstance(kind, python))


def _quoted(name: str) -> str:
    # `object` and `groups` are words of SQL.
    return f'"{name}"'


def _text(value: Any) -> str:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()


@functools.cache
def _jsonb() -> Callable[[Any], Any]:
    from psycopg.types.json import Jsonb

    return functools.partial(Jsonb, dumps=_text)
