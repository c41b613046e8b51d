"""Read model: storages and names in time, every sharing map, and what every storage held by digest."""

from __future__ import annotations

from typing import Any

import orjson
from sqlalchemy import Connection, update

from memory.events.envelope import StoredEvent
from memory.events.models import ModelAttached, SharingChanged
from memory.events.registry import Payload
from memory.projections.base import Projection, Rows
from memory.projections.registry import RegistryChange, Storage, StorageRegistry
from memory.projections.tables import sharing_maps, storage_names, storages


class SharingProjection(Projection):
    """Which storages there were, under which key and names, from when to when."""

    name = "sharing"
    version = 2
    """2: JSON columns hold the text that the log would."""
    folds = (ModelAttached, SharingChanged)
    tables = (storages, storage_names, sharing_maps)

    def __init__(self) -> None:
        self.registry = StorageRegistry()
        self._rows = Rows()
        self._closed: list[tuple[Any, dict[str, Any], int]] = []

    def apply(self, event: StoredEvent, payload: Payload) -> None:
        """Open and close the rows that an attach or a change of sharing opens and closes."""
        change = self.registry.apply(event.position, payload)
        if change is None or not isinstance(payload, ModelAttached | SharingChanged):
            return
        sharing = self.registry.maps[payload.model]
        self._rows.add(
            sharing_maps,
            {
                "position": event.position,
                "model": payload.model,
                "digest": payload.digest,
                "names": len(sharing.names),
                "storages": len(sharing.storages),
                "groups": [sorted(group) for group in sharing.groups],
                "sharing": payload.sharing,
            },
        )
        self._turn_over(event.position, change)

    def _turn_over(self, position: int, change: RegistryChange) -> None:
        before, after = _keys(change.before), _keys(change.after)
        for storage_id, _, _, since in before - after:
            self._closed.append((storages, {"storage_id": storage_id, "from_position": since}, position))
        for storage_id, model, key, since in sorted(after - before):
            row = {"storage_id": storage_id, "model": model, "key": key, "from_position": since, "to_position": None}
            self._rows.add(storages, row)
        names_before, names_after = _names(change.before), _names(change.after)
        for storage_id, _, name, since in names_before - names_after:
            where = {"storage_id": storage_id, "name": name, "from_position": since}
            self._closed.append((storage_names, where, position))
        for storage_id, model, name, since in sorted(names_after - names_before):
            self._rows.add(
                storage_names,
                {
                    "storage_id": storage_id,
                    "model": model,
                    "name": name,
                    "from_position": since,
                    "to_position": None,
                },
            )

    def flush(self, connection: Connection) -> None:
        """Write opened rows, then close those that ended."""
        self._rows.flush(connection)
        for table, where, position in self._closed:
            statement = update(table).values(to_position=position)
            for column, value in where.items():
                statement = statement.where(table.c[column] == value)
            connection.execute(statement)
        self._closed = []

    def state(self) -> str:
        """Give the registry as text."""
        return orjson.dumps(self.registry.to_state(), option=orjson.OPT_SORT_KEYS).decode()

    def load(self, state: str | None) -> None:
        """Go on from a stored registry."""
        self.registry = StorageRegistry.from_state(orjson.loads(state)) if state else StorageRegistry()


def _keys(all_storages: tuple[Storage, ...]) -> set[tuple[int, str, str, int]]:
    return {(s.storage_id, s.model, s.key, s.key_since) for s in all_storages}


def _names(all_storages: tuple[Storage, ...]) -> set[tuple[int, str, str, int]]:
    return {(s.storage_id, s.model, name, since) for s in all_storages for name, since in s.names_since.items()}
