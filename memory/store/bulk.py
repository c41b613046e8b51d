"""Writing many rows the fastest way each engine has: prepared statements on SQLite, binary COPY on PostgreSQL."""

from __future__ import annotations

import functools
import struct
from collections.abc import Callable, Mapping, Sequence
from itertools import chain
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
    LargeBinary,
    Table,
    Text,
    cast,
    literal,
    null,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB, TSVECTOR

from memory.store.driver import driver_of

Columns = tuple[tuple[str, str], ...]
"""(name, PostgreSQL type) of every column that is written, in the order in which rows hold them."""

_COPY_FROM = 20
"""Rows from which COPY costs less than one INSERT for each."""

_PARAMETERS = 900
"""Values given to one statement on SQLite, which took 999 at most for long: a row in a statement of many costs a tenth
less than in one of its own, and that is all there is to gain by it."""


class SearchWords(Text):
    """Words in order, apart by single spaces: text on SQLite, a tsvector of just these words on PostgreSQL.

    A word has no space, quote or backslash; what tells words apart is the business of whoever writes them, so that both
    engines hold the same.
    """


_SERVER_TYPES = (
    (SearchWords, "tsvector"),
    (BigInteger, "int8"),
    (Integer, "int8"),
    (Float, "float8"),
    (Boolean, "bool"),
    (JSON, "jsonb"),
    (LargeBinary, "bytea"),
    (Text, "text"),
)


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
    # By the driver itself: SQLAlchemy's own way around a statement costs as much as a dozen rows.
    driver = driver_of(connection)
    if connection.dialect.name == "sqlite":
        _execute(driver, table, columns, list(chain.from_iterable(rows)))
    elif len(rows) >= _COPY_FROM:
        _copy(driver, table, columns, rows)
    else:
        with driver.cursor() as cursor:
            cursor.executemany(_insert(table, columns, "%s"), rows)


def insert_rows(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows that name every column of a table, in the open transaction; JSON columns take plain data.

    Raises:
        KeyError: A row lacks a column.
    """
    if not rows:
        return
    columns, take, documents, words = _layout(table)
    sqlite = connection.dialect.name == "sqlite"
    if sqlite and words:
        _execute_at_once(driver_of(connection), table.name, columns, list(map(take, rows)))
        return
    values = list(chain.from_iterable(map(take, rows)))
    width = len(columns)
    copied = not sqlite and len(rows) >= _COPY_FROM
    document = _binary if copied else _text
    for at in documents:
        values[at::width] = [value if value is None else document(value) for value in values[at::width]]
    for at in words:
        values[at::width] = map(_binary_vector if copied else _vector, values[at::width])
    if sqlite:
        _execute(driver_of(connection), table.name, columns, values)
    else:
        found = iter(values)
        write(connection, table.name, columns, list(zip(*[found] * width, strict=True)))


def _execute(driver: Any, table: str, columns: Columns, values: list[Any]) -> None:
    """Insert rows, given as all their values in order, by as few statements of many rows as SQLite takes."""
    many = _PARAMETERS // len(columns)
    whole = len(values) - len(values) % (many * len(columns))
    for start in range(0, whole, many * len(columns)):
        driver.execute(_insert(table, columns, "?", many), values[start : start + many * len(columns)])
    if rest := values[whole:]:
        driver.execute(_insert(table, columns, "?", len(rest) // len(columns)), rest)


def _execute_at_once(driver: Any, table: str, columns: Columns, rows: Sequence[tuple[Any, ...]]) -> None:
    """Insert rows of plain values by one statement, whatever their number.

    The full-text index writes what it was given at the end of each statement whose triggers gave it: the fewer there
    are, the less it has to merge.
    """
    driver.execute(_insert_at_once(table, columns), (orjson.dumps(rows).decode(),))


@functools.cache
def _insert_at_once(table: str, columns: Columns) -> str:
    values = ", ".join(f"value ->> {at}" for at in range(len(columns)))
    return f"INSERT INTO {table} ({', '.join(_quoted(name) for name, _ in columns)}) SELECT {values} FROM json_each(?)"


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
    told = {name: _told(connection, table.c[name].type, value) for name, value in values.items()}
    connection.execute(update(table).where(*where).values(told))


def _told(connection: Connection, kind: object, value: Any) -> Any:
    if isinstance(kind, JSON):
        return _document(connection, value)
    if isinstance(kind, SearchWords) and connection.dialect.name != "sqlite":
        return cast(literal(_vector(value), Text()), TSVECTOR)
    return value


def _document(connection: Connection, value: Any) -> ColumnElement[Any]:
    if value is None:
        return null()
    text = literal(_text(value), Text())
    return text if connection.dialect.name == "sqlite" else cast(text, JSONB)


@functools.cache
def _insert(table: str, columns: Columns, mark: str, rows: int = 1) -> str:
    values = f"({', '.join(mark for _ in columns)})"
    return (
        f"INSERT INTO {table} ({', '.join(_quoted(name) for name, _ in columns)}) VALUES {', '.join([values] * rows)}"
    )


def _copy(driver: Any, table: str, columns: Columns, rows: Sequence[tuple[Any, ...]]) -> None:
    statement = f"COPY {table} ({', '.join(_quoted(name) for name, _ in columns)}) FROM STDIN (FORMAT BINARY)"
    with driver.cursor() as cursor, cursor.copy(statement) as copy:
        # What `_binary` makes is sent as it is: psycopg's own way to jsonb costs more than all the rest of a row.
        copy.set_types(["bytea" if kind in ("jsonb", "tsvector") else kind for _, kind in columns])
        for row in rows:
            copy.write_row(row)


@functools.cache
def _layout(
    table: Table,
) -> tuple[Columns, Callable[[Mapping[str, Any]], tuple[Any, ...]], tuple[int, ...], tuple[int, ...]]:
    """Give a table's columns, what takes a row's values in their order, and which of them hold JSON, and words."""
    columns = tuple((column.name, _server_type(column.type)) for column in table.columns)
    documents = tuple(at for at, (_, kind) in enumerate(columns) if kind == "jsonb")
    words = tuple(at for at, (_, kind) in enumerate(columns) if kind == "tsvector")
    return columns, itemgetter(*(name for name, _ in columns)), documents, words


def _server_type(kind: object) -> str:
    return next(name for python, name in _SERVER_TYPES if isinstance(kind, python))


def _quoted(name: str) -> str:
    # `object` and `groups` are words of SQL.
    return f'"{name}"'


def _text(value: Any) -> str:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()


_LAST_PLACE, _MOST_PLACES = 16383, 255
"""What a tsvector has room for: the last place of a word, and places of one word."""
_PLACES = [struct.pack("!H", min(place, _LAST_PLACE)) for place in range(_LAST_PLACE + 1)]
_NUMBERS = [struct.pack("!xH", number) for number in range(_MOST_PLACES + 1)]


def _places(words: str) -> dict[bytes, bytes]:
    """Give where each word stands, from 1, two bytes for each place; as many places as a tsvector has room for."""
    places: dict[bytes, bytes] = {}
    for place, word in enumerate(words.encode().split(b" ")[:_LAST_PLACE], 1):
        known = places.get(word)
        if known is None:
            places[word] = _PLACES[place]
        elif len(known) < 2 * _MOST_PLACES:
            places[word] = known + _PLACES[place]
    return places


def _vector(words: str) -> str:
    """Give what PostgreSQL reads as a tsvector of just these words, whatever its own parser would make of them."""
    told = ((word.decode(), struct.unpack(f"!{len(at) // 2}H", at)) for word, at in _places(words).items() if word)
    return " ".join(f"'{word}':{','.join(map(str, places))}" for word, places in told)


def _binary_vector(words: str) -> bytes:
    """Give what PostgreSQL reads as a binary tsvector.

    Source: `tsvectorrecv` in PostgreSQL's src/backend/utils/adt/tsvector.c.
    """
    places = _places(words)
    places.pop(b"", None)
    parts = [struct.pack("!i", len(places))]
    for word, at in places.items():
        parts += (word, _NUMBERS[len(at) // 2], at)
    return b"".join(parts)


def _binary(value: Any) -> bytes:
    """Give what PostgreSQL reads as binary jsonb: the number of the format's version, then the text.

    Source: `jsonb_recv` in PostgreSQL's src/backend/utils/adt/jsonb.c.
    """
    return b"\x01" + orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
