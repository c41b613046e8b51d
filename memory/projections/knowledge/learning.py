"""From events to knowledge: patterns, theories, beliefs, and what architecture explains."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

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
from memory.projections.knowledge.claims import Added, Claims
from memory.projections.knowledge.dropped import DroppedCorrelations
from memory.projections.knowledge.facts import ArchitecturalFacts
from memory.projections.knowledge.metrics import MetricBook
from memory.projections.knowledge.told import Replaced
from memory.projections.knowledge.windows import ActWindows, Outcome, Write
from memory.projections.registry import Storage, StorageRegistry
from memory.projections.writes import CountedWrites

LEARNS_FROM = (
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
"""The payloads that teach something."""


class Learning:
    """The fold from events, each as it is to be understood, to everything that is known."""

    def __init__(self, registry: StorageRegistry | None = None) -> None:
        self._registry = StorageRegistry() if registry is None else registry
        self._metrics = MetricBook()
        self._windows: dict[str, ActWindows] = {}
        self._counted = CountedWrites()
        self.claims = Claims(self._grid, self._registry.by_id, self._metrics.smallest_effect)
        self._facts = ArchitecturalFacts()
        self._dropped = DroppedCorrelations(self._registry)

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
            self.claims.settle(event.position, own)

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
                self.claims.drop_metric(event.position, model, payload.name)
            else:
                self.claims.redefine(event.position, model, payload.name)

    def _grid(self, model: str) -> tuple[list[int], list[str]]:
        return [storage.storage_id for storage in self._registry.storages(model)], self._metrics.known(model)

    def _window(self, model: str) -> ActWindows:
        window = self._windows.get(model)
        if window is None:
            window = self._windows[model] = ActWindows(model)
        return window

    def take_rows(self) -> tuple[Replaced, Added]:
        """Give, and forget, what changed: rows to replace, and rows to add."""
        replaced, added = self.claims.take_rows()
        return replaced | self._facts.take_rows() | self._dropped.take_rows(), added

    def to_state(self) -> dict[str, Any]:
        """Give everything as data that orjson writes."""
        return {
            "registry": self._registry.to_state(),
            "metrics": self._metrics.to_state(),
            "windows": {model: windows.to_state() for model, windows in self._windows.items()},
            "counted": self._counted.to_state(),
            "claims": self.claims.to_state(),
            "facts": self._facts.to_state(),
            "dropped": self._dropped.to_state(),
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Learning:
        """Rebuild from `to_state`, parsed."""
        learning = cls(StorageRegistry.from_state(state["registry"]))
        learning._metrics.load(state["metrics"])
        learning._windows = {model: ActWindows.from_state(model, each) for model, each in state["windows"].items()}
        learning._counted = CountedWrites.from_state(state["counted"])
        learning.claims.load(state["claims"])
        learning._facts.load(state["facts"])
        learning._dropped.load(state["dropped"])
        return learning


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
