"""Patterns, theories and beliefs by what is asked of them, the firmest first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Select, Table, Text, and_, cast, exists, func, literal, or_, select, true
from sqlalchemy.dialects.postgresql import JSONB

from memory.errors import InvalidArgument
from memory.projections.knowledge_tables import beliefs, patterns, theories
from memory.query.beliefs import SOURCES, STRENGTHS
from memory.query.knowledge import STATUSES
from memory.query.narrowing import check_one_of, check_share, texts
from memory.store.engine import Database

_EQUAL: Mapping[str, tuple[str, ...]] = {
    patterns.name: ("kind", "subject", "object", "method", "grade", "direction", "dose", "storage_id"),
    theories.name: ("theory_type", "source", "pattern_id", "proposed_by"),
    beliefs.name: (
        "belief_type",
        "strength",
        "source",
        "asserted_by",
        "theory_id",
        "kind",
        "subject",
        "object",
        "direction",
        "grade",
    ),
}
_AT_LEAST: Mapping[str, Mapping[str, str]] = {
    patterns.name: {"min_support": "support", "min_e_value": "e_value"},
    theories.name: {"min_predictions": "predictions", "min_log_score_gain": "log_score_gain"},
    beliefs.name: {"min_credence": "credence", "min_confidence": "credence", "min_importance": "importance"},
}
_FIRMEST = {patterns.name: "log_e_value", theories.name: "log_e_value", beliefs.name: "credence"}
_WORDS = {patterns.name: "subject", theories.name: "hypothesis", beliefs.name: "statement"}
_ALLOWED = {"strength": STRENGTHS}


def query_claims(
    database: Database,
    table: Table,
    *,
    status: str | None,
    model: str | None,
    since: int | None,
    limit: int,
    filters: Mapping[str, Any],
) -> list[Any]:
    """Give the claims of a table that are all of what is asked, firmest first.

    Args:
        database: Where they are.
        table: `patterns`, `theories` or `beliefs`.
        status: `active`, `weakened`, `retracted`; None for every one there ever was.
        model: Only about this model, or about every model.
        since: Only those that last changed after this position.
        limit: At most so many.
        filters: What columns must be, by column; what they must be at least, as `min_<column>`; `tags` of a belief.

    Raises:
        InvalidArgument: There is nothing of that name to ask for, or it cannot be that.
    """
    check_one_of("status", status, STATUSES)
    columns = table.c
    statement = select(table)
    for name, value in filters.items():
        if value is not None:
            statement = statement.where(_condition(database.dialect, table, name, value))
    if status is not None:
        statement = statement.where(columns.status == status)
    if model is not None:
        statement = statement.where(or_(columns.model == model, columns.model == ""))
    if since is not None:
        statement = statement.where(func.coalesce(columns.last_position, columns.first_position) > since)
    words = filters.get("contains")
    if not isinstance(words, str) or words.isascii():
        return _firmest_first(database, statement, table, limit)
    # What is a small letter beyond ASCII, SQLite does not know, nor PostgreSQL in every locale; there are few claims.
    found = _firmest_first(database, statement, table, None)
    return [row for row in found if words.lower() in getattr(row, _WORDS[table.name]).lower()][:limit]


def _condition(dialect: str, table: Table, name: str, value: Any) -> ColumnElement[bool]:
    if name in _EQUAL[table.name]:
        allowed = SOURCES if (table.name, name) == (theories.name, "source") else _ALLOWED.get(name)
        if allowed is not None:
            check_one_of(name, value, allowed)
        return and_(table.c[name] == value)
    if name in _AT_LEAST[table.name]:
        column = _AT_LEAST[table.name][name]
        if column in ("credence", "importance"):
            check_share(name, value)
        elif isinstance(value, bool) or not isinstance(value, int | float):
            raise InvalidArgument(name, value, "it is a number")
        return and_(table.c[column] >= value)
    if name == "tags" and table is beliefs:
        return _tagged(dialect, texts(name, value)) if value else true()
    if name == "contains" and isinstance(value, str):
        if not value.isascii():
            return true()
        said: ColumnElement[str] = func.lower(table.c[_WORDS[table.name]])
        return said.contains(value.lower(), autoescape=True)
    asked = (*_EQUAL[table.name], *_AT_LEAST[table.name], "contains", *(("tags",) if table is beliefs else ()))
    raise InvalidArgument("filters", name, f"{table.name} are asked for by {', '.join(asked)}, status, model, since")


def _tagged(dialect: str, tags: Sequence[str]) -> ColumnElement[bool]:
    """Give that a belief has all of some tags, in the words of each engine."""
    if dialect == "postgresql":
        wanted = cast(literal(orjson.dumps(tags).decode(), Text()), JSONB)
        has_all: ColumnElement[bool] = beliefs.c.tags.op("@>", is_comparison=True)(wanted)
        return has_all
    conditions = []
    for number, tag in enumerate(tags):
        each = func.json_each(beliefs.c.tags).table_valued("value", name=f"tag_{number}")
        conditions.append(exists(select(literal(1)).select_from(each).where(each.c.value == tag)))
    return and_(*conditions)


_TOLD_APART = {patterns.name: "kind", theories.name: "theory_type", beliefs.name: "belief_type"}


def claim_statistics(database: Database, of: str, model: str | None) -> dict[str, Any]:
    """Give how many patterns, theories or beliefs there are, by type and status.

    Raises:
        InvalidArgument: Nothing of that name is counted.
    """
    table = next((each for each in (patterns, theories, beliefs) if each.name == of), None)
    if table is None:
        raise InvalidArgument("of", of, "it is observations, patterns, theories or beliefs")
    kind = table.c[_TOLD_APART[table.name]]
    statement = select(kind.label("kind"), table.c.status, func.count().label("number"))
    if model is not None:
        statement = statement.where(or_(table.c.model == model, table.c.model == ""))
    by: dict[str, dict[str, int]] = {"by_type": {}, "by_status": {}}
    with database.reading() as connection:
        for row in connection.execute(statement.group_by(kind, table.c.status).order_by(kind, table.c.status)):
            for name, key in (("by_type", row.kind), ("by_status", row.status)):
                by[name][key] = by[name].get(key, 0) + row.number
    return {"total": sum(by["by_status"].values()), **by}


def _firmest_first(database: Database, statement: Select[Any], table: Table, limit: int | None) -> list[Any]:
    key = next(iter(table.primary_key))
    ordered = statement.order_by(table.c[_FIRMEST[table.name]].desc(), key).limit(limit)
    with database.reading() as connection:
        return list(connection.execute(ordered))
