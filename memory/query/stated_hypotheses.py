"""Hypotheses about sharing as they were stated, and the sharing maps that say how it was."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import select

from introspection.sharing import SharingMap
from memory.events.observations import Observation
from memory.projections.tables import observations, sharing_maps
from memory.store.engine import Database
from memory.store.reading import event_at

STATED_IN = frozenset({"observations", "sharing"})
"""The projections whose tables these read."""


@dataclass(frozen=True, slots=True)
class Stated:
    """One observation that states a hypothesis."""

    position: int
    model: str | None
    data: Any
    """As it was first said: a forecast that could be corrected afterwards would be none."""
    retracted: bool


class Maps:
    """Every sharing map the record has seen, by model, read when it is asked for.

    Args:
        database: Where; `STATED_IN` is caught up.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        columns = sharing_maps.c
        with database.reading() as connection:
            rows = connection.execute(select(columns.position, columns.model).order_by(columns.position)).all()
        self._positions: dict[str, list[int]] = {}
        for row in rows:
            self._positions.setdefault(row.model, []).append(row.position)
        self._read: dict[int, SharingMap] = {}

    def models(self) -> tuple[str, ...]:
        """Give the models there are maps of."""
        return tuple(sorted(self._positions))

    def judging(self, model: str, position: int, *names: str) -> SharingMap | None:
        """Give the map in force at a position; where it does not know the names, the first later one that does.

        Args:
            model: Whose map.
            position: When.
            names: What it must know.

        Returns:
            None where no map does.
        """
        known = self._positions.get(model, [])
        for each in known[max(0, bisect_right(known, position) - 1) :]:
            found = self._map(each)
            if set(names) <= set(found.names):
                return found
        return None

    def latest(self, model: str) -> SharingMap:
        """Give a model's map as it was last seen."""
        return self._map(self._positions[model][-1])

    def _map(self, position: int) -> SharingMap:
        if position not in self._read:
            with self._database.reading() as connection:
                found = connection.execute(
                    select(sharing_maps.c.sharing).where(sharing_maps.c.position == position)
                ).scalar_one()
            self._read[position] = SharingMap.from_json(orjson.dumps(found).decode())
        return self._read[position]


def stated_hypotheses(database: Database, *, category: str, model: str | None) -> list[Stated]:
    """Give every hypothesis of a category, oldest first, those that were retracted included.

    Args:
        database: Where; `STATED_IN` is caught up.
        category: The category of their observations.
        model: Only of this model.
    """
    columns = observations.c
    found = select(columns.position, columns.model, columns.status).where(
        columns.obs_type == "hypothesis", columns.category == category
    )
    if model is not None:
        found = found.where(columns.model == model)
    with database.reading() as connection:
        rows = connection.execute(found.order_by(columns.position)).all()
    stated = []
    for row in rows:
        event = event_at(database, row.position)
        if event is not None and isinstance(event.payload, Observation):
            stated.append(Stated(row.position, row.model, event.payload.data, row.status == "obsolete"))
    return stated
