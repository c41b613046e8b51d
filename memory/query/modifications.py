"""Announced writes by what is asked of them, newest first, in the same time at any length of the record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, literal_column, or_, select, union_all

from memory.errors import UnknownName
from memory.projections.tables import affected_layers, modifications, storage_names
from memory.query.narrowing import aside, step_by_step, walked
from memory.store.engine import Database

_COLUMNS = modifications.c
_MOST_NAMES = 500
"""Names under a module path that are asked for at most."""


@dataclass(frozen=True, slots=True)
class WantedWrites:
    """What is asked of writes; what is None is not asked."""

    layer: str | None = None
    act: str | None = None
    method: str | None = None
    since: int | None = None
    """Only writes after this position."""
    start_time: str | None = None
    end_time: str | None = None
    coupled: bool | None = None
    include_retracted: bool = False
    model: str | None = None
    before: int | None = None
    limit: int = 100
    offset: int = 0


def query_modifications(database: Database, wanted: WantedWrites) -> list[Any]:
    """Give the writes that are all of what is asked, newest first.

    Raises:
        UnknownName: No write ever reached such a layer, and no map knows it.
    """
    with database.reading() as connection:
        step_by_step(connection)
        return list(connection.execute(statement(connection, wanted)))


def statement(connection: Connection, wanted: WantedWrites) -> Select[Any]:
    """Give the query that answers.

    Raises:
        UnknownName: No write ever reached such a layer, and no map knows it.
    """
    names = () if wanted.layer is None else names_of(connection, wanted.layer, wanted.model)
    if len(names) > 1:
        branches = [
            select(
                _narrowed(connection, wanted, select(_COLUMNS.position), name)
                .limit(wanted.limit + wanted.offset)
                .subquery()
                .c.position
            )
            for name in names
        ]
        # Cut to the page here: no engine takes as many parameters as all names together may have writes.
        positions = sorted(set(connection.execute(union_all(*branches)).scalars()), reverse=True)
        page = positions[wanted.offset : wanted.offset + wanted.limit]
        return select(modifications).where(_COLUMNS.position.in_(page)).order_by(_COLUMNS.position.desc())
    found = _narrowed(connection, wanted, select(modifications), names[0] if names else None)
    return found.limit(wanted.limit).offset(wanted.offset)


def _narrowed(connection: Connection, wanted: WantedWrites, query: Select[Any], name: str | None) -> Select[Any]:
    order: tuple[ColumnElement[Any], ...] = (_COLUMNS.position.desc(),)
    led = name is not None
    if name is not None:
        reached = affected_layers.c
        conditions, order = walked(connection, reached.layer_name, name, reached.position, wanted.before)
        query = query.where(*conditions, reached.position == _COLUMNS.position)
    for column, value in (
        (_COLUMNS.act_id, wanted.act),
        (_COLUMNS.method, wanted.method),
        (_COLUMNS.model, wanted.model),
    ):
        if value is None:
            continue
        if led:
            query = query.where(aside(connection, column) == value)
        else:
            conditions, order = walked(connection, column, value, _COLUMNS.position, wanted.before)
            query, led = query.where(*conditions), True
    if wanted.coupled is not None:
        kind = "coupled_modification" if wanted.coupled else "modification"
        # Written out, because only then can the engines tell that the index of the coupled ones will do.
        query = query.where(
            (aside(connection, _COLUMNS.event_type) if led else _COLUMNS.event_type) == literal_column(f"'{kind}'")
        )
    if not wanted.include_retracted:
        query = query.where(_COLUMNS.retracted_position.is_(None))
    if wanted.start_time is not None:
        query = query.where(_COLUMNS.occurred_at >= wanted.start_time)
    if wanted.end_time is not None:
        query = query.where(_COLUMNS.occurred_at <= wanted.end_time)
    if wanted.since is not None:
        query = query.where(_COLUMNS.position > wanted.since)
    if wanted.before is not None:
        query = query.where(_COLUMNS.position < wanted.before)
    return query.order_by(*order)


def names_of(connection: Connection, layer: str, model: str | None) -> Sequence[str]:
    """Give the tensor names that a name or module path stands for.

    Raises:
        UnknownName: No write ever reached it, and no map knows it.
    """
    reached = select(affected_layers.c.position).where(affected_layers.c.layer_name == layer).limit(1)
    if connection.execute(reached).first() is not None:
        return (layer,)
    known = storage_names.c
    names = select(known.name).distinct()
    if model is not None:
        names = names.where(known.model == model)
    under = names.where(or_(known.name == layer, *(_begins(known.name, f"{layer}{sign}") for sign in ".[")))
    begun = connection.execute(under.order_by(known.name)).scalars()
    # To LIKE of SQLite large and small letters are the same.
    found = [name for name in begun if name == layer or name.startswith((f"{layer}.", f"{layer}["))][:_MOST_NAMES]
    if not found:
        raise UnknownName(layer, connection.execute(names).scalars().all(), where="the record")
    return found


def _begins(column: ColumnElement[str], start: str) -> ColumnElement[bool]:
    return column.startswith(start, autoescape=True)
