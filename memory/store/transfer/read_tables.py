"""The read tables, row by row, as they are in one moment."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import orjson
from sqlalchemy import JSON, Boolean, Connection, Float, Integer, LargeBinary, Table, select

from memory.store import migrate
from memory.store.engine import Database
from memory.store.tables import INTERNAL, appends, event_types, ledger, record_keys, streams

_LOG = frozenset(table.name for table in (streams, event_types, record_keys, appends, ledger))
_CHUNK = 1000


def read_tables() -> list[Table]:
    """Give every table that projections keep to be read, by name; not what they keep for themselves."""
    return sorted(
        (
            table
            for table in migrate.load_metadata().tables.values()
            if table.name not in _LOG and table.info != INTERNAL
        ),
        key=lambda table: table.name,
    )


def columns_of(table: Table) -> list[tuple[str, str]]:
    """Give the names and kinds of a table's columns; JSON becomes text, which every reader takes."""
    return [(str(column.name), _kind(column.type)) for column in table.columns]


@contextmanager
def one_moment(database: Database) -> Iterator[Connection]:
    """Give a connection that sees the database as it is now, whatever is written meanwhile."""
    with database.reading() as connection:
        if database.dialect == "postgresql":
            connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield connection


def rows_of_table(connection: Connection, table: Table) -> Iterator[tuple[Any, ...]]:
    """Yield a table's rows in order of its key, with a cursor of the server's own."""
    as_text = [number for number, column in enumerate(table.columns) if isinstance(column.type, JSON)]
    query = select(*table.columns).order_by(*table.primary_key)
    for row in connection.execute(query, execution_options={"yield_per": _CHUNK}):
        values = list(row)
        for number in as_text:
            if values[number] is not None:
                values[number] = _canonical(values[number])
        yield tuple(values)


def _kind(column_type: Any) -> str:
    for kinds, name in ((Boolean, "bool"), (Integer, "int"), (Float, "float"), (LargeBinary, "bytes")):
        if isinstance(column_type, kinds):
            return name
    return "text"


def _canonical(value: Any) -> str:
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()
    except TypeError:
        # jsonb gives a large float back as an integer, which has more than the 64 bits that orjson writes.
        return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
