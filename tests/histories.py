"""Writes histories of a model down as events, without a model: what the tests of the projections fold."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import Table, select

from introspection.sharing import SharingMap
from memory.events.codec import encode
from memory.events.envelope import MEMORY_STREAM, NewEvent, StoredEvent, model_stream
from memory.events.models import ModelAttached, plain_map
from memory.events.modifications import EditAborted, Restored, UnattributedWrite
from memory.events.observations import LayerStatisticsRecorded, MetricDefined, MetricsRecorded, Observation
from memory.events.registry import Payload
from memory.projections.base import Projection
from memory.projections.catalogue import PROJECTIONS
from memory.recording.acts import Coin
from memory.recording.attached import AttachedModel
from memory.recording.writes import Dose, WriteDetails, write_event
from memory.store import EventStore

NOON = datetime.datetime(2026, 1, 1, 12, tzinfo=datetime.UTC)
Rows = list[dict[str, Any]]


def sharing(names: Iterable[str], *groups: Sequence[str], **relations: Any) -> SharingMap:
    """Make a map of names, of which the groups are tied."""
    return SharingMap.from_relations(names=list(names), same=groups, **relations)


@dataclass
class History:
    """Events in order, told in the words of the recording API; one or several models known by their maps alone."""

    events: list[NewEvent] = field(default_factory=list)
    models: dict[str, AttachedModel] = field(default_factory=dict)

    def attach(self, names: SharingMap, model: str = "m") -> None:
        self.models[model] = AttachedModel(model, names, None)
        self.add(ModelAttached(model=model, sharing=plain_map(names.to_json()), digest=names.digest), model)

    def change(self, names: SharingMap, kept: Mapping[str, str] | None = None, model: str = "m") -> None:
        event = self.models[model].adopt(names)
        self.add(event.model_copy(update={"kept": None if kept is None else dict(kept)}), model)

    def define(self, metric: str, smallest: float = 0.0, of: Sequence[str] = (), model: str | None = None) -> None:
        defined = MetricDefined(model=model, name=metric, derived_from=tuple(of), smallest_effect=smallest)
        self.add(defined, model)

    def metrics(
        self, act: str | None, values: Mapping[str, float], sample: str | None = None, model: str | None = "m"
    ) -> None:
        self.add(MetricsRecorded(model=model, metrics=dict(values), sample=sample), model, act)

    def statistics(self, statistic: str, values: Mapping[str, float], model: str = "m") -> None:
        self.add(LayerStatisticsRecorded(model=model, statistic=statistic, values=dict(values)), model)

    def note(self, text: str) -> None:
        self.add(Observation(obs_type="behavior", category="note", description=text), None)

    def write(
        self,
        act: str | None,
        name: str,
        dose: float | None = 1.0,
        *,
        coin: bool = True,
        propensity: float = 0.5,
        model: str = "m",
        changed: bool | None = None,
        known: bool = True,
        method: str | None = "scale",
        **details: Any,
    ) -> None:
        value = int(dose) if isinstance(dose, Coin) else dose
        told = Dose(value, coin and dose is not None, propensity if coin and dose is not None else None)
        rest = WriteDetails(method=method, **details)
        event = write_event(self.models[model], name, rest, told, act=act, known=known)
        self.add(event.model_copy(update={"changed": changed}), model, act)

    def revert(self, act: str, name: str, *, by: str | None = None, model: str = "m") -> None:
        self.write(by, name, None, coin=False, method="revert", reverts=act, model=model)

    def restored(self, model: str = "m") -> None:
        self.add(Restored(model=model), model)

    def unannounced(self, name: str, model: str = "m") -> None:
        self.add(
            UnattributedWrite(
                model=model,
                storage_key=name,
                affected=self.models[model].affected(name),
                fingerprint_expected="aa",
                fingerprint_found="bb",
                found_by="verify",
            ),
            model,
        )

    def aborted(self, act: str | None, name: str, *, restored: bool, model: str = "m") -> None:
        event = EditAborted(model=model, primary_layer=name, storage_key=name, error="ValueError", restored=restored)
        self.add(event, model, act)

    def experiment(
        self, act: str, name: str, sign: float, before: Mapping[str, float], after: Mapping[str, float], **write: Any
    ) -> None:
        """One whole act: baseline, one write, outcome."""
        model = write.get("model", "m")
        self.metrics(act, before, f"sample of {act}", model)
        self.write(act, name, sign, **write)
        self.metrics(act, after, f"sample of {act}", model)

    def add(self, payload: Payload, model: str | None, act: str | None = None) -> None:
        stream = MEMORY_STREAM if model is None else model_stream(model)
        self.events.append(NewEvent(payload=payload, stream=stream, act_id=act, occurred_at=NOON))

    def stored(self, first: int = 1) -> list[tuple[StoredEvent, Payload]]:
        """Give the events as a ledger would hold them, from a position on."""
        return [(_stored(event, position), event.payload) for position, event in enumerate(self.events, start=first)]

    def renamed(self, names: Mapping[str, str]) -> History:
        """Give the same history with every tensor name replaced, as if the model had always had the other names."""
        other = History()
        for event in self.events:
            text = encode(event.payload)
            for old, new in sorted(names.items(), key=lambda item: -len(item[0])):
                text = text.replace(old, new)
            other.events.append(replace(event, payload=type(event.payload).model_validate_json(text)))
        return other


def _stored(event: NewEvent, position: int) -> StoredEvent:
    return StoredEvent(
        position=position,
        event_id=str(position),
        stream=event.stream,
        version=position,
        event_type=event.payload.event_type,
        schema_version=1,
        occurred_at=NOON,
        recorded_at=NOON,
        act_id=event.act_id,
        correlation_id=None,
        causation_id=None,
        actor=None,
        model=None,
        text=encode(event.payload),
    )


def fold(projection: Projection, events: Iterable[tuple[StoredEvent, Payload]]) -> Projection:
    """Fold events into a projection, without a database."""
    for event, payload in events:
        projection.apply(event, payload)
    return projection


def flushed(projection: Projection) -> dict[str, Rows]:
    """Give the rows a fold writes, by table, from a database in memory."""
    with EventStore.open(":memory:") as store:
        with store.database.writing("projections") as connection:
            projection.flush(connection)
        return {table.name: rows(store, table) for table in projection.tables}


def rows(store: EventStore, table: Table) -> Rows:
    """Give a table's rows in order of its key."""
    with store.database.reading() as connection:
        return [dict(row) for row in connection.execute(select(table).order_by(*table.primary_key)).mappings()]


def everything(store: EventStore) -> dict[str, Rows]:
    """Give the rows of every table that projections keep."""
    tables = [table for projection in PROJECTIONS for table in projection().tables]
    return {table.name: rows(store, table) for table in tables}
