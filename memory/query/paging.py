"""Walking along a table by position in constant memory: pages, each in a short transaction of its own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import ColumnElement, Select

from memory.store.engine import Database

PAGE = 500
"""Rows read at a time."""


def paged(
    database: Database, statement: Select[Any], position: ColumnElement[int], after: int, until: int
) -> Iterator[Any]:
    """Yield the rows of a statement in order of a position that no two of them share.

    Args:
        database: Where to read.
        statement: A query that selects the column as `position`, without order or limit.
        position: The column.
        after: Only rows after this position.
        until: Only rows up to this one.
    """
    while True:
        page = statement.where(position > after, position <= until).order_by(position).limit(PAGE)
        with database.reading() as connection:
            rows = connection.execute(page).all()
        yield from rows
        if len(rows) < PAGE:
            return
        after = rows[-1].position
