"""Small queries by the driver itself: SQLAlchemy's own way around a statement costs several times the statement."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection


def driver_of(connection: Connection) -> Any:
    """Give the driver's connection beneath one of SQLAlchemy's, in the same transaction."""
    return connection.connection.dbapi_connection


def marked(connection: Connection, statement: str) -> str:
    """Give a statement with the driver's own mark for parameters in place of each question mark."""
    return statement if connection.dialect.name == "sqlite" else statement.replace("?", "%s")


def fetch(connection: Connection, statement: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    """Run a query that is asked for at every append, and give all its rows.

    Args:
        connection: The transaction.
        statement: SQL that both engines take; `?` marks a parameter.
        parameters: Their values, in order.
    """
    cursor = driver_of(connection).execute(marked(connection, statement), tuple(parameters))
    found: list[tuple[Any, ...]] = cursor.fetchall()
    return found
