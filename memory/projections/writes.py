"""Read model: announced writes, the names each one reached, and what every storage held since."""

from __future__ import annotations

import math
from typing import Any

import orjson
from sqlalchemy import Connection

from memory.events.amendments import Amendment, Correction
from memory.events.envelope import StoredEvent
from memory.events.models import ModelAttached, SharingChanged
from memory.events.modifications import (
    Change,
    CoupledModification,
    Modification,
    Restored,
    UnattributedWrite,
    WriteBase,
)
from memory.events.observations import LayerStatisticsRecorded
from memory.events.registry import Payload
from memory.events.weights import StatesRead
from memory.projections.amendments import amends
from memory.projections.base import Projection, Rows, Updates, number_columns, utc_text
from memory.projections.registry import StorageRegistry
from memory.projections.tables import affected_layers, layer_statistics, modifications, weight_states


class _KnowsStorages(Projection):
    """A projection that must know which storage a name viewed at each event's position."""

    def __init__(self) -> None:
        self.registry = StorageRegistry()
        self._rows = Rows()
        self._updates = Updates()

    def flush(self, connection: Connection) -> None:
        """Write the collected rows, then what changed in rows."""
        self._rows.flush(connection)
        self._updates.flush(connection)

    def state(self) -> str:
        """Give the registry as text."""
        return orjson.dumps(self.registry.to_state(), option=orjson.OPT_SORT_KEYS).decode()

    def load(self, state: str | None) -> None:
        """Go on from a stored registry."""
        self.registry = StorageRegistry.from_state(orjson.loads(state)) if state else StorageRegistry()


class CountedWrites:
    """Tells which records of a per-name log count as a write: the first of each act and storage.

    A log with one record per name says twice what happened once. Derived names and names no map knows never count.

    Args:
        most: How many acts' writes are kept in mind; None: all of them.
    """

    def __init__(self, most: int | None = None) -> None:
        self._most = most
        self._seen: dict[tuple[str, str, int], list[int]] = {}
        """(model, act, storage id) to the records of it, the one that counts first."""

    def counts(self, event: StoredEvent, payload: WriteBase, storage_id: int | None) -> bool:
        """Tell whether this record counts as one write, and remember it."""
        if storage_id is None:
            return False
        if not payload.per_name or event.act_id is None:
            return True
        write = (payload.model, event.act_id, storage_id)
        records = self._seen.setdefault(write, [])
        records.append(event.position)
        if self._most is not None and len(self._seen) > self._most:
            del self._seen[next(iter(self._seen))]
        return len(records) == 1

    def retract(self, position: int) -> int | None:
        """Forget a record; give the one that counts in its place from now on, if there is one."""
        for write, records in self._seen.items():
            if position in records:
                counted = records[0] == position
                records.remove(position)
                if not records:
                    del self._seen[write]
                return records[0] if counted and records else None
        return None

    def to_state(self) -> list[list[Any]]:
        """Give what was seen as plain data, in the order it was seen."""
        return [[*write, records] for write, records in self._seen.items()]

    @classmethod
    def from_state(cls, state: list[list[Any]], most: int | None = None) -> CountedWrites:
        """Rebuild from `to_state`."""
        counted = cls(most)
        counted._seen = {(model, act, storage_id): list(records) for model, act, storage_id, records in state}
        return counted


class ModificationsProjection(_KnowsStorages):
    """One row per announced write, and one per name it reached."""

    name = "modifications"
    version = 3
    """2: JSON columns hold the text that the log would. 3: retractions."""
    folds = (ModelAttached, SharingChanged, WriteBase, UnattributedWrite, Amendment)
    tables = (modifications, affected_layers)

    def __init__(self) -> None:
        super().__init__()
        self._counted = CountedWrites()

    def apply(self, event: StoredEvent, payload: Payload) -> None:
        """Give a write its rows, or say of one that it was retracted."""
        self.registry.apply(event.position, payload)
        if isinstance(payload, Amendment):
            self._amend(event, payload)
        if isinstance(payload, WriteBase):
            storage = self.registry.find(payload.model, payload.primary_layer) if payload.known else None
            storage_id = storage.storage_id if storage is not None else None
            counted = self._counted.counts(event, payload, storage_id)
            self._rows.add(modifications, _modification_row(event, payload, storage_id, counted))
        if isinstance(payload, WriteBase | UnattributedWrite):
            for layer in payload.affected:
                viewed = self.registry.find(payload.model, layer.name)
                self._rows.add(
                    affected_layers,
                    {
                        "position": event.position,
                        "model": payload.model,
                        "layer_name": layer.name,
                        "storage_key": viewed.key if viewed is not None else None,
                        "relation": layer.relation,
                    },
                )

    def _amend(self, event: StoredEvent, payload: Amendment) -> None:
        if not amends(event, dict(payload), Modification.event_type, CoupledModification.event_type):
            return
        where = modifications.c.position == payload.position, modifications.c.retracted_position.is_(None)
        self._updates.add(modifications, where, {"retracted_position": event.position, "counted": False})
        instead = self._counted.retract(payload.position)
        if instead is not None:
            self._updates.add(modifications, (modifications.c.position == instead,), {"counted": True})

    def state(self) -> str:
        """Give the registry and what was counted as text."""
        state = {"registry": self.registry.to_state(), "counted": self._counted.to_state()}
        return orjson.dumps(state, option=orjson.OPT_SORT_KEYS).decode()

    def load(self, state: str | None) -> None:
        """Go on from a stored state."""
        stored = orjson.loads(state) if state else None
        self.registry = StorageRegistry() if stored is None else StorageRegistry.from_state(stored["registry"])
        self._counted = CountedWrites() if stored is None else CountedWrites.from_state(stored["counted"])


def _modification_row(event: StoredEvent, payload: WriteBase, storage_id: int | None, counted: bool) -> dict[str, Any]:
    return {
        "position": event.position,
        "event_type": event.event_type,
        "model": payload.model,
        "storage_id": storage_id,
        "storage_key": payload.storage_key,
        "primary_layer": payload.primary_layer,
        "coupled_layers": list(payload.coupled_layers),
        "act_id": event.act_id,
        "method": payload.method,
        "dose": payload.dose,
        "randomised": payload.randomised,
        "propensity": payload.propensity,
        "reverts": payload.reverts,
        "changed": payload.changed,
        "counted": counted,
        **_change_columns(payload.change),
        "description": payload.description,
        "reason": payload.reason,
        "tags": list(payload.tags),
        "importance": payload.importance,
        "modification": event.fields["modification"],
        "occurred_at": utc_text(event),
        "retracted_position": None,
    }


def _change_columns(change: Change | None) -> dict[str, float | None]:
    if change is None:
        return {"delta_norm": None, "relative_change": None, "fraction_changed": None}
    delta, norm = change.delta_norm, change.weight_norm
    relative = delta / norm if norm > 0 else math.nan
    return {
        "delta_norm": delta if math.isfinite(delta) else None,
        "relative_change": relative if math.isfinite(relative) and math.isfinite(norm) else None,
        "fraction_changed": change.elements_changed / change.elements if change.elements else 0.0,
    }


class WeightStatesProjection(_KnowsStorages):
    """What every storage held, by digest, from which event on."""

    name = "weight_states"
    folds = (ModelAttached, SharingChanged, Restored, StatesRead, WriteBase, UnattributedWrite)
    tables = (weight_states,)

    def apply(self, event: StoredEvent, payload: Payload) -> None:
        """Note the digest of every storage the event says something about."""
        self.registry.apply(event.position, payload)
        if isinstance(payload, ModelAttached | SharingChanged | Restored | StatesRead):
            for state in payload.storages:
                self._note(event, payload.model, state.key, state.fingerprint)
        elif isinstance(payload, UnattributedWrite):
            self._note(event, payload.model, payload.storage_key, payload.fingerprint_found)
        elif isinstance(payload, WriteBase) and payload.known:
            for key, fingerprint in sorted(payload.digests_after.items()):
                self._note(event, payload.model, key, fingerprint)

    def _note(self, event: StoredEvent, model: str, key: str, fingerprint: str | None) -> None:
        storage = self.registry.current.get(model, {}).get(key)
        if storage is not None:
            row = {"storage_id": storage.storage_id, "model": model, "position": event.position}
            self._rows.add(weight_states, row | {"fingerprint": fingerprint})


class LayerStatisticsProjection(_KnowsStorages):
    """One row per layer and reading; names no map knows are kept and quarantined."""

    name = "layer_statistics"
    version = 2
    """2: corrections and retractions."""
    folds = (ModelAttached, SharingChanged, LayerStatisticsRecorded, Amendment)
    tables = (layer_statistics,)

    def apply(self, event: StoredEvent, payload: Payload) -> None:
        """Give every value its row, or change those of an amended reading."""
        self.registry.apply(event.position, payload)
        if isinstance(payload, Amendment):
            self._amend(event, payload)
        if not isinstance(payload, LayerStatisticsRecorded):
            return
        occurred_at = utc_text(event)
        for layer_name, value in sorted(payload.values.items()):
            storage = self.registry.find(payload.model, layer_name)
            row = {
                "position": event.position,
                "layer_name": layer_name,
                "model": payload.model,
                "statistic": payload.statistic,
                "storage_id": storage.storage_id if storage is not None else None,
                "quarantined": storage is None and not self.registry.derived(payload.model, layer_name),
                "occurred_at": occurred_at,
                "retracted_position": None,
            }
            self._rows.add(layer_statistics, row | number_columns(value))

    def _amend(self, event: StoredEvent, payload: Amendment) -> None:
        if not amends(event, dict(payload), LayerStatisticsRecorded.event_type):
            return
        where = layer_statistics.c.position == payload.position, layer_statistics.c.retracted_position.is_(None)
        if not isinstance(payload, Correction):
            self._updates.add(layer_statistics, where, {"retracted_position": event.position})
            return
        for name, value in sorted(payload.data.items()):
            self._updates.add(
                layer_statistics, (*where, layer_statistics.c.layer_name == name), number_columns(float(value))
            )
