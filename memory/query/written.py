"""Which writes there were last, which reached a name, which an act made, what was measured: each found by an index."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import Select, or_, select

from memory.events.modifications import EditAborted, Restored, UnattributedWrite
from memory.projections.tables import affected_layers, landmarks, metrics, modifications
from memory.store.engine import Database

WRITTEN = frozenset({"modifications", "metrics", "landmarks"})
"""The projections whose tables these read."""
_RARE = (EditAborted.event_type, Restored.event_type, UnattributedWrite.event_type)


def last_writes(database: Database, *, model: str | None, limit: int) -> list[int]:
    """Give the positions of the last writes, announced or not, restores, and edits that did not happen, newest first.

    Args:
        database: Where; `WRITTEN` is caught up.
        model: Only of this model.
        limit: At most so many.
    """
    announced = select(modifications.c.position).where(modifications.c.retracted_position.is_(None))
    found = _last(database, _of(announced, modifications, model), modifications.c.position, limit)
    for event_type in _RARE:
        found += last_landmarks(database, event_type, model=model, limit=limit)
    return sorted(found, reverse=True)[:limit]


def last_landmarks(database: Database, event_type: str, *, model: str | None, limit: int) -> list[int]:
    """Give the positions of the last events of a type that is rare, newest first."""
    of_type = select(landmarks.c.position).where(landmarks.c.event_type == event_type)
    return _last(database, _of(of_type, landmarks, model), landmarks.c.position, limit)


def positions_reaching(database: Database, name: str, *, model: str | None, limit: int, offset: int = 0) -> list[int]:
    """Give the positions of the writes, announced or not, that reached a name, newest first.

    Args:
        database: Where; `WRITTEN` is caught up.
        name: A tensor's name.
        model: Only of this model.
        limit: At most so many.
        offset: How many of the newest are left out.
    """
    found = select(affected_layers.c.position).where(affected_layers.c.layer_name == name)
    return _last(database, _of(found, affected_layers, model), affected_layers.c.position, limit, offset)


def writes_of_act(database: Database, act: str, *, model: str | None) -> list[Any]:
    """Give the announced writes of an act, oldest first, as rows of `modifications`."""
    found = _of(select(modifications).where(modifications.c.act_id == act), modifications, model)
    with database.reading() as connection:
        return list(connection.execute(found.order_by(modifications.c.position)))


def writes_since(database: Database, storages: Collection[int], after: int, *, limit: int) -> list[Any]:
    """Give the first announced writes to some storages after a position, oldest first, as rows of `modifications`."""
    columns = modifications.c
    found = select(modifications).where(columns.storage_id.in_(sorted(storages)), columns.position > after)
    with database.reading() as connection:
        return list(connection.execute(found.order_by(columns.position).limit(limit)))


def measured_in(database: Database, act: str, *, model: str | None, limit: int = 500) -> list[Any]:
    """Give what was measured in an act, of a model or of none in particular, oldest first, as rows of `metrics`."""
    columns = metrics.c
    found = select(metrics).where(columns.act_id == act, columns.retracted_position.is_(None))
    if model is not None:
        found = found.where(or_(columns.model == model, columns.model.is_(None)))
    with database.reading() as connection:
        return list(connection.execute(found.order_by(columns.position, columns.metric).limit(limit)))


def last_evaluations(
    database: Database, *, metric: str | None, model: str | None, limit: int, offset: int
) -> list[list[Any]]:
    """Give the last evaluations that stand, newest first, each as its rows of `metrics`.

    Args:
        database: Where; `WRITTEN` is caught up.
        metric: Only those that measured this, and of them only this.
        model: Only of this model.
        limit: At most so many.
        offset: How many of the newest are left out.
    """
    columns = metrics.c
    found = select(columns.position).distinct().where(columns.retracted_position.is_(None))
    wanted = found if metric is None else found.where(columns.metric == metric)
    positions = _last(database, _of(wanted, metrics, model), columns.position, limit, offset)
    rows = select(metrics).where(columns.position.in_(positions))
    if metric is not None:
        rows = rows.where(columns.metric == metric)
    grouped: dict[int, list[Any]] = {position: [] for position in positions}
    with database.reading() as connection:
        for row in connection.execute(rows.order_by(columns.metric)):
            grouped[row.position].append(row)
    return list(grouped.values())


def _of(found: Select[Any], table: Any, model: str | None) -> Select[Any]:
    return found if model is None else found.where(table.c.model == model)


def _last(database: Database, found: Select[Any], position: Any, limit: int, offset: int = 0) -> list[int]:
    page = found.order_by(position.desc()).limit(limit).offset(offset)
    with database.reading() as connection:
        rows: Sequence[int] = connection.execute(page).scalars().all()
    return list(rows)
