"""Narrowing a question with a limit so that an index gives its rows in order, however many rows there are.

Such a question is answered by walking one index, newest first, until the limit is reached. Which one is chosen here
and not left to the engine's guess: SQLite, which knows no statistics, would rather sort all rows of a type than look at
a few that do not fit.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, UnaryExpression, select, tuple_
from sqlalchemy.sql.operators import custom_op

from memory.errors import InvalidArgument, UnknownModel
from memory.events.envelope import MODEL_PREFIX
from memory.store.reading import LAST
from memory.store.tables import streams

MOST = 10_000
"""The most rows that one question gives; pages (`before=`) give the next ones."""

_PLUS = custom_op[Any]("+", natural_self_precedent=True)


def aside(connection: Connection, column: ColumnElement[Any]) -> ColumnElement[Any]:
    """Give a column that narrows rows, and whose index is not the one to be walked."""
    if connection.dialect.name != "sqlite":
        return column
    return UnaryExpression(column, operator=_PLUS, type_=column.type)


def walked(
    connection: Connection,
    column: ColumnElement[Any],
    value: str,
    position: ColumnElement[int],
    before: int | None = None,
) -> tuple[tuple[ColumnElement[bool], ...], tuple[ColumnElement[Any], ...]]:
    """Give what must hold, and in which order, so that the index of a column and the position is walked, newest first.

    PostgreSQL believes that rows of a value are spread evenly, and would rather walk all newer rows than this index,
    also where the last one of the value came long ago. A range of pairs is in the order of no other index.

    Args:
        connection: Where it is asked.
        column: What is asked of; an index begins with it, and goes on with the position.
        value: What it is to be.
        position: The position.
        before: Only positions below this one.
    """
    if connection.dialect.name == "sqlite":
        conditions = [column == value] if before is None else [column == value, position < before]
        return tuple(conditions), (position.desc(),)
    pair = tuple_(column, position)
    upper = pair < tuple_(value, _LAST + 1 if before is None else before)
    return (pair >= tuple_(value, 0), upper), (column.desc(), position.desc())


_LAST = 2**62
"""More than any position."""


def step_by_step(connection: Connection, *, along_an_index: bool = True) -> None:
    """Let this transaction look rows up one by one, and neither join tables as a whole nor sort what an index gives.

    PostgreSQL's guess of how many rows a range of pairs has may be far too low, and it would then rather sort them.

    Args:
        connection: One that reads.
        along_an_index: Whether an index gives the order that is asked for: what has words comes in none.
    """
    if connection.dialect.name == "postgresql":
        ways = ("mergejoin", "hashjoin", *(("sort", "bitmapscan") if along_an_index else ()))
        settings = (f"set_config('enable_{way}', 'off', true)" for way in ways)
        connection.exec_driver_sql(f"SELECT {', '.join(settings)}")


def check_page(limit: int | None, offset: int, before: int | None) -> int:
    """Give the limit of a page; refuse what is none.

    Raises:
        InvalidArgument: A number is no whole number, or below what it may be.
    """
    for name, value, least in (("limit", limit, 1), ("offset", offset, 0), ("before", before, 0)):
        if value is not None:
            check_whole(name, value, least)
    return MOST if limit is None else min(limit, MOST)


def check_whole(name: str, value: object, least: int = 0) -> None:
    """Refuse what is no whole number that a position or a count can be.

    Raises:
        InvalidArgument: It is none.
    """
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise InvalidArgument(name, value, f"it is a whole number from {least} on")
    if value > LAST:
        raise InvalidArgument(name, value, "it is less than 2**63: no record is as long")


def check_model(connection: Connection, model: str) -> None:
    """Refuse a model of which nothing is on record: what is asked of it is asked of a name that was mistyped.

    Raises:
        UnknownModel: There is none of that name.
    """
    named = streams.c.name
    if connection.execute(select(named).where(named == MODEL_PREFIX + model)).first() is None:
        known = connection.execute(select(named).where(streams.c.category == "model")).scalars()
        raise UnknownModel(model, (name.removeprefix(MODEL_PREFIX) for name in known))


def check_one_of(name: str, value: object, allowed: Iterable[str]) -> None:
    """Refuse a value that is none of those there are; None is every one.

    Raises:
        InvalidArgument: It is none.
    """
    allowed = tuple(allowed)
    if value is not None and value not in allowed:
        raise InvalidArgument(name, value, f"it is one of {', '.join(allowed)}, or None for every one")


def check_share(name: str, value: object) -> None:
    """Refuse what is no number from 0 to 1.

    Raises:
        InvalidArgument: It is none.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0.0 <= value <= 1.0:
        raise InvalidArgument(name, value, "it is a number from 0 to 1")


def texts(name: str, value: object) -> tuple[str, ...]:
    """Give a sequence of texts, each once; one text is not a sequence of its letters.

    Raises:
        InvalidArgument: It is none.
    """
    found: Sequence[object] = (
        (value,) if isinstance(value, str) else tuple(value) if isinstance(value, Iterable) else ()
    )
    if (not found and value not in ((), [], None)) or not all(isinstance(each, str) for each in found):
        raise InvalidArgument(name, value, "it is a text, or a sequence of texts")
    return tuple(dict.fromkeys(str(each) for each in found))


def moment_text(name: str, value: datetime | str | None) -> str | None:
    """Give a time as tables hold it: UTC ISO text with microseconds.

    Args:
        name: What to call it where it is refused.
        value: An aware time, or ISO text; None for none. Text without a time zone is UTC, as in the tables.

    Raises:
        InvalidArgument: It is no time, or one without a time zone.
    """
    if value is None:
        return None
    moment = value
    if isinstance(moment, str):
        try:
            moment = datetime.fromisoformat(moment)
        except ValueError as error:
            raise InvalidArgument(name, value, "it is a time, or ISO text of one") from error
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
    if not isinstance(moment, datetime) or moment.tzinfo is None:
        raise InvalidArgument(name, value, "it is an aware time (with a time zone), or ISO text of one")
    try:
        found = moment.astimezone(UTC)
    except OverflowError as error:
        raise InvalidArgument(name, value, "in UTC it is no time from year 1 to 9999") from error
    # Not strftime: on Linux it writes year 300 as `300`, which sorts after 2026.
    return found.isoformat(timespec="microseconds").removesuffix("+00:00") + "Z"
