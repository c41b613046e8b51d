"""What is held true and proposed: rows by what is asked of them, and how each belief came to be what it is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Select, Table, or_, select

from memory.errors import InvalidArgument, UnknownBelief, UnknownTheory
from memory.events.knowledge import BELIEF_TYPES, THEORY_TYPES
from memory.projections.knowledge_tables import belief_revisions, beliefs, patterns, theories
from memory.query.conflicts import Conflict, Held, conflicts
from memory.query.knowledge import STATUSES
from memory.store.engine import Database

STRENGTHS = ("tentative", "confident", "certain", "absolute")
SOURCES = ("data", "proposed")
_EVERY_BELIEF_TYPE = (*BELIEF_TYPES, "architectural_fact")


def theory_row(database: Database, theory_id: object) -> Any:
    """Give a theory's row; None where there is none."""
    return _row(database, theories, theory_id)


def belief_row(database: Database, belief_id: object) -> Any:
    """Give a belief's row; None where there is none."""
    return _row(database, beliefs, belief_id)


def get_theory(database: Database, theory_id: str) -> Any:
    """Give a theory's row.

    Raises:
        UnknownTheory: There is no such theory.
    """
    found = theory_row(database, theory_id)
    if found is None:
        raise UnknownTheory(theory_id)
    return found


def get_belief(database: Database, belief_id: str) -> Any:
    """Give a belief's row.

    Raises:
        UnknownBelief: There is no such belief.
    """
    found = belief_row(database, belief_id)
    if found is None:
        raise UnknownBelief(belief_id)
    return found


def _row(database: Database, table: Table, identity: object) -> Any:
    if not isinstance(identity, str):
        return None
    key = next(iter(table.primary_key.columns))
    with database.reading() as connection:
        return connection.execute(select(table).where(key == identity)).one_or_none()


def belief_history(database: Database, belief_id: str) -> list[Any]:
    """Give every state a belief has been in, oldest first, as rows of `belief_revisions`.

    Raises:
        UnknownBelief: There is no such belief.
    """
    get_belief(database, belief_id)
    revisions = select(belief_revisions).where(belief_revisions.c.belief_id == belief_id)
    return _all(database, revisions.order_by(belief_revisions.c.position))


def core_principles(database: Database) -> list[Any]:
    """Give the beliefs held absolutely: those that ship first, then others in the order they were asserted."""
    absolute = select(beliefs).where(beliefs.c.strength == "absolute", beliefs.c.status == "active")
    return _all(database, absolute.order_by(beliefs.c.first_position, beliefs.c.statement, beliefs.c.belief_id))


def select_beliefs(
    database: Database,
    *,
    belief_type: str | None,
    strength: str | None,
    tags: Sequence[str],
    min_confidence: float,
    min_importance: float,
    status: str | None,
    model: str | None,
) -> list[Any]:
    """Give the beliefs that are all of what is asked, firmest first."""
    _check("belief_type", belief_type, _EVERY_BELIEF_TYPE)
    _check("strength", strength, STRENGTHS)
    _check("status", status, STATUSES)
    wanted = _tags(tags)
    _check_share("min_confidence", min_confidence)
    _check_share("min_importance", min_importance)
    statement = select(beliefs).where(beliefs.c.credence >= min_confidence, beliefs.c.importance >= min_importance)
    for column, value in ((beliefs.c.belief_type, belief_type), (beliefs.c.strength, strength)):
        if value is not None:
            statement = statement.where(column == value)
    statement = _of(statement, beliefs, status, model)
    rows = _all(database, statement.order_by(beliefs.c.credence.desc(), beliefs.c.importance.desc(), *_KEY[beliefs]))
    # The engines ask JSON in words of their own; there are few beliefs.
    return [row for row in rows if wanted <= set(row.tags)] if wanted else rows


def select_theories(
    database: Database,
    *,
    theory_type: str | None,
    source: str | None,
    min_predictions: int,
    status: str | None,
    model: str | None,
) -> list[Any]:
    """Give the theories that are all of what is asked, best proven by their predictions first."""
    _check("theory_type", theory_type, THEORY_TYPES)
    _check("source", source, SOURCES)
    _check("status", status, STATUSES)
    if isinstance(min_predictions, bool) or not isinstance(min_predictions, int):
        raise InvalidArgument("min_predictions", min_predictions, "it is a whole number")
    statement = select(theories).where(theories.c.predictions >= min_predictions)
    for column, value in ((theories.c.theory_type, theory_type), (theories.c.source, source)):
        if value is not None:
            statement = statement.where(column == value)
    statement = _of(statement, theories, status, model)
    return _all(database, statement.order_by(theories.c.log_e_value.desc(), *_KEY[theories]))


def detect_conflicts(database: Database, *, model: str | None) -> list[Conflict]:
    """Give the active beliefs that contradict each other, the firmest pairs first."""
    how = patterns.c.method, patterns.c.dose
    joined = beliefs.outerjoin(theories, theories.c.theory_id == beliefs.c.theory_id).outerjoin(
        patterns, patterns.c.pattern_id == theories.c.pattern_id
    )
    statement = select(beliefs, *how).select_from(joined).where(beliefs.c.direction.in_((-1, 1)))
    statement = _of(statement, beliefs, "active", model)
    return conflicts([Held.of(row) for row in _all(database, statement.order_by(*_KEY[beliefs]))])


_KEY = {table: tuple(table.primary_key.columns) for table in (beliefs, theories)}


def _of(statement: Select[Any], table: Table, status: str | None, model: str | None) -> Select[Any]:
    """Narrow a statement to a status, and to what is about a model: by name, or about every one."""
    if status is not None:
        statement = statement.where(table.c.status == status)
    if model is not None:
        statement = statement.where(or_(table.c.model == model, table.c.model == ""))
    return statement


def _all(database: Database, statement: Select[Any]) -> list[Any]:
    with database.reading() as connection:
        return list(connection.execute(statement))


def _check(name: str, value: str | None, allowed: Sequence[str]) -> None:
    if value is not None and value not in allowed:
        raise InvalidArgument(name, value, f"it is one of {', '.join(allowed)}, or None for every one")


def _check_share(name: str, value: float) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0.0 <= value <= 1.0:
        raise InvalidArgument(name, value, "it is a number from 0 to 1")


def _tags(tags: Sequence[str]) -> set[str]:
    if not isinstance(tags, Iterable) or isinstance(tags, str) or not all(isinstance(tag, str) for tag in tags):
        raise InvalidArgument("tags", tags, "it is a sequence of tags, all of which a belief must have")
    return set(tags)
