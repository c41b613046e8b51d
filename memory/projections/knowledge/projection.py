"""The projection from events to knowledge: patterns, theories, beliefs, and what architecture explains."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

import orjson
from sqlalchemy import Connection, Table, delete

from memory.events.envelope import StoredEvent
from memory.events.models import ModelAttached, SharingChanged
from memory.events.modifications import (
    REVERTING_METHODS,
    SWEEPING_METHODS,
    EditAborted,
    Restored,
    UnattributedWrite,
    WriteBase,
)
from memory.events.observations import LayerStatisticsRecorded, MetricDefined, MetricsRecorded
from memory.events.registry import Payload
from memory.projections.base import Projection
from memory.projections.knowledge.claims import Claims
from memory.projections.knowledge.dropped import DroppedCorrelations
from memory.projections.knowledge.facts import ArchitecturalFacts
from memory.projections.knowledge.metrics import MetricBook
from memory.projections.knowledge.windows import ActWindows, Outcome, Write
from memory.projections.registry import Storage, StorageRegistry
from memory.projections.tables import architectural_facts, beliefs, evidence, patterns, predictions, theories
from memory.projections.writes import CountedWrites
from memory.store.bulk import insert_rows

_TABLES: tuple[tuple[Table, str], ...] = (
    (patterns, "pattern_id"),
    (theories, "theory_id"),
    (beliefs, "belief_id"),
    (architectural_facts, "fact_id"),
)
_HISTORIES = (evidence, predictions)
_ROWS_PER_STATEMENT = 500


class KnowledgeProjection(Projection):
    """Settles every evaluation's outcomes; keeps its own rows, replaced as they change."""

    name = "knowledge"
    folds = (
        ModelAttached,
        SharingChanged,
        WriteBase,
        UnattributedWrite,
        Restored,
        EditAborted,
        MetricsRecorded,
        MetricDefined,
        LayerStatisticsRecorded,
    )
    tables = (patterns, theories, beliefs, architectural_facts, evidence, predictions)

    def __init__(self) -> None:
        self._start(StorageRegistry())

    def _start(self, registry: StorageRegistry) -> None:
        self._registry = registry
        self._metrics = MetricBook()
        self._windows: dict[str, ActWindows] = {}
        self._counted = CountedWrites()
        self._claims = Claims(self._grid, registry.by_id, self._metrics.smallest_effect)
        self._facts = ArchitecturalFacts()
        self._dropped = DroppedCorrelations(registry)

    def apply(self, event: StoredEvent, payload: Payload) -> None:
        """Fold one event in."""
        if isinstance(payload, ModelAttached | SharingChanged):
            self._sharing(event, payload)
        elif isinstance(payload, WriteBase):
            self._write(event, payload)
        elif isinstance(payload, UnattributedWrite | Restored | EditAborted):
            if not (isinstance(payload, EditAborted) and payload.restored):
                self._window(payload.model).disturbance()
        elif isinstance(payload, MetricsRecorded):
            self._evaluation(event, payload)
        elif isinstance(payload, MetricDefined):
            self._definition(event, payload)
        elif isinstance(payload, LayerStatisticsRecorded):
            self._dropped.statistics(payload.model, payload.statistic, payload.values)

    def _sharing(self, event: StoredEvent, payload: ModelAttached | SharingChanged) -> None:
        # The act under way belongs to the names as they were.
        self._dropped.finish_act(payload.model)
        change = self._registry.apply(event.position, payload)
        if change is not None:
            self._facts.sharing(event.position, payload.model, self._registry.maps[payload.model], change)
            self._dropped.storages_changed(event.position, change.before)
        # Names that are bound anew may show other bytes; a model attached again may be in another state.
        self._window(payload.model).disturbance()

    def _write(self, event: StoredEvent, payload: WriteBase) -> None:
        window = self._window(payload.model)
        if not payload.known:
            # Nobody knows which bytes these are: they may explain whatever follows.
            window.write(event.act_id, None)
            return
        storage = self._registry.find(payload.model, payload.primary_layer)
        counted = self._counted.counts(event, payload, None if storage is None else storage.storage_id)
        if storage is None or not counted or payload.changed is False:
            return
        if payload.reverts is not None or payload.method in REVERTING_METHODS:
            window.disturbance()
        elif payload.method in SWEEPING_METHODS:
            window.write(event.act_id, None)
        else:
            self._dropped.write(payload.model, event.act_id, storage.storage_id)
            window.write(event.act_id, _as_write(event, payload, storage))

    def _evaluation(self, event: StoredEvent, payload: MetricsRecorded) -> None:
        model = payload.model
        if model is None or model not in self._registry.maps:
            return
        self._metrics.seen(model, payload.metrics)
        outcomes = list(self._window(model).evaluation(event.position, event.act_id, payload.sample, payload.metrics))
        own = []
        for outcome in outcomes:
            definitional = self._dropped.definitional(outcome)
            if not definitional and not self._metrics.sources(model, outcome.metric):
                own.append(outcome)
        if len(own) < len(outcomes):
            self._restatements(model, outcomes)
        if own:
            self._claims.settle(event.position, own)

    def _restatements(self, model: str, outcomes: Sequence[Outcome]) -> None:
        """Note how strongly derived metrics restate what they are computed from."""
        changes = {outcome.metric: outcome.change for outcome in outcomes}
        for outcome in outcomes:
            storage = self._registry.by_id(outcome.write.storage_id)
            for source in self._metrics.sources(model, outcome.metric):
                if source in changes and storage is not None:
                    since = max(storage.key_since, self._metrics.derived_since(model, outcome.metric))
                    pair = (changes[source], outcome.change)
                    self._dropped.derived_metric(storage, outcome.metric, source, since, pair)

    def _definition(self, event: StoredEvent, payload: MetricDefined) -> None:
        self._metrics.define(event.position, payload)
        for model in self._registry.maps:
            if payload.model not in (None, model):
                continue
            sources = self._metrics.sources(model, payload.name)
            self._dropped.metric_defined(event.position, model, payload.name, sources)
            if sources:
                self._claims.drop_metric(event.position, model, payload.name)
            else:
                self._claims.redefine(event.position, model, payload.name)

    def _grid(self, model: str) -> tuple[list[int], list[str]]:
        return [storage.storage_id for storage in self._registry.storages(model)], self._metrics.known(model)

    def _window(self, model: str) -> ActWindows:
        window = self._windows.get(model)
        if window is None:
            window = self._windows[model] = ActWindows(model)
        return window

    def flush(self, connection: Connection) -> None:
        """Replace the rows that changed, and add evidence and predictions."""
        replaced, added = self._claims.take_rows()
        replaced |= self._facts.take_rows() | self._dropped.take_rows()
        for table, identity in _TABLES:
            for rows in _portions([row for (name, _), row in replaced.items() if name == table.name]):
                connection.execute(delete(table).where(table.c[identity].in_([row[identity] for row in rows])))
                insert_rows(connection, table, rows)
        for table in _HISTORIES:
            rows = [row for name, row in added if name == table.name]
            if rows:
                insert_rows(connection, table, rows)

    def state(self) -> str:
        """Give everything the fold needs to go on."""
        state: dict[str, Any] = {
            "registry": self._registry.to_state(),
            "metrics": self._metrics.to_state(),
            "windows": {model: windows.to_state() for model, windows in self._windows.items()},
            "counted": self._counted.to_state(),
            "claims": self._claims.to_state(),
            "facts": self._facts.to_state(),
            "dropped": self._dropped.to_state(),
        }
        return orjson.dumps(state).decode()

    def load(self, state: str | None) -> None:
        """Go on from a stored state."""
        stored = orjson.loads(state) if state else None
        self._start(StorageRegistry() if stored is None else StorageRegistry.from_state(stored["registry"]))
        if stored is not None:
            self._metrics.load(stored["metrics"])
            self._windows = {model: ActWindows.from_state(model, each) for model, each in stored["windows"].items()}
            self._counted = CountedWrites.from_state(stored["counted"])
            self._claims.load(stored["claims"])
            self._facts.load(stored["facts"])
            self._dropped.load(stored["dropped"])


def _as_write(event: StoredEvent, payload: WriteBase, storage: Storage) -> Write | None:
    if payload.dose == 0:
        return None
    return Write(
        position=event.position,
        storage_id=storage.storage_id,
        method=payload.method,
        dose=payload.dose,
        randomised=payload.randomised and payload.dose is not None,
        propensity=payload.propensity if payload.propensity is not None else 0.5,
    )


def _portions(rows: Sequence[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    """Yield rows in portions that fit into one statement."""
    remaining = iter(rows)
    while portion := list(islice(remaining, _ROWS_PER_STATEMENT)):
        yield portion
