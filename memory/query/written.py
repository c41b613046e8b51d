"""Which writes reached a name, which an act made, and what came after them: each found by an index."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import select

from memory.projections.tables import affected_layers, modifications
from memory.store.engine import Database

WRITTEN = frozenset({"modifications"})
"""The projections whose tables these read."""


def positions_reaching(database: Database, name: str, *, model: str | None, limit: int, offset: int = 0) -> list[int]:
    """Give the positions of the writes, announced or not, that reached a name, newest first.

    Args:
        database: Where; `WRITTEN` is caught up.
        name: A tensor's name.
        model: Only of this model.
        limit: At most so many.
        offset: How many of the newest are left out.
    """
    columns = affected_layers.c
    found = select(columns.position).where(columns.layer_name == name)
    if model is not None:
        found = found.where(columns.model == model)
    with database.reading() as connection:
        return list(connection.execute(found.order_by(columns.position.desc()).limit(limit).offset(offset)).scalars())


def writes_of_act(database: Database, act: str, *, model: str | None) -> list[Any]:
    """Give the announced writes of an act, oldest first, as rows of `modifications`."""
    found = select(modifications).where(modifications.c.act_id == act)
    if model is not None:
        found = found.where(modifications.c.model == model)
    with database.reading() as connection:
        return list(connection.execute(found.order_by(modifications.c.position)))


def writes_since(database: Database, storages: Collection[int], after: int, *, limit: int) -> list[Any]:
    """Give the first announced writes to some storages after a position, oldest first, as rows of `modifications`."""
    columns = modifications.c
    found = select(modifications).where(columns.storage_id.in_(sorted(storages)), columns.position > after)
    with database.reading() as connection:
        return list(connection.execute(found.order_by(columns.position).limit(limit)))
