"""From events to knowledge: patterns, theories, beliefs, and what architecture explains."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from memory.events.envelope import StoredEvent
from memory.events.knowledge import BeliefAsserted, PredictionRegistered, TheoryProposed, ValidationRecorded
from memory.events.models import ModelAttached, SharingChanged
from memory.events.modifications import (
    REVERTING_METHODS,
    SWEEPING_METHODS,
    EditAborted,
    Restored,
    UnattributedWrite,
    WriteBase,
)
from memory.events.observations import LayerStatisticsRecorded, MetricDefined, MetricsRecorded, Observation
from memory.events.registry import Payload
from memory.projections.knowledge.claim import Claim
from memory.projections.knowledge.claims import Added, Claims
from memory.projections.knowledge.composed import Composed
from memory.projections.knowledge.dropped import DroppedCorrelations
from memory.projections.knowledge.entities import Entities
from memory.projections.knowledge.fact_rows import fact_row
from memory.projections.knowledge.facts import ArchitecturalFacts
from memory.projections.knowledge.families import Families
from memory.projections.knowledge.metrics import MetricBook
from memory.projections.knowledge.model_learning import ModelLearning
from memory.projections.knowledge.panel import Panel, Why
from memory.projections.knowledge.readings import Twin
from memory.projections.knowledge.repeats import Repeats
from memory.projections.knowledge.shared import Shared
from memory.projections.knowledge.stated import Stated
from memory.projections.knowledge.told import Replaced, Told
from memory.projections.knowledge.windows import Write
from memory.projections.knowledge_tables import belief_revisions
from memory.projections.registry import StorageRegistry
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
    Observation,
    TheoryProposed,
    PredictionRegistered,
    BeliefAsserted,
    ValidationRecorded,
)
"""The payloads that teach something."""
STATED = (TheoryProposed, PredictionRegistered, BeliefAsserted, ValidationRecorded)

_ACTS = 4096
"""Acts whose writes of a per-name log are kept in mind."""

Parts = Mapping[str, bytes]
"""Everything the fold needs to go on, each part by its name."""


class Learning:
    """The fold from events, each as it is to be understood, to everything that is known."""

    def __init__(self) -> None:
        self._registry = StorageRegistry()
        self._entities = Entities(self._registry)
        self._metrics = MetricBook()
        self._families = Families()
        self._repeats = Repeats()
        self._counted = CountedWrites(_ACTS)
        self.stated = Stated()
        self.claims = Claims(self._looked_like, self.stated.resolve, Composed(self._metrics))
        self._facts = ArchitecturalFacts()
        self._dropped = DroppedCorrelations(self._registry, self._entities)
        self._models: dict[str, ModelLearning] = {}
        self._shared = Shared(
            self._registry,
            self._entities,
            self._metrics,
            self._families,
            self.claims,
            self._dropped,
            self._repeats,
            self._found_out,
        )

    def apply(self, event: StoredEvent, payload: Payload) -> None:
        """Fold one event in."""
        if isinstance(payload, MetricsRecorded):
            if payload.model is not None and payload.model in self._registry.maps:
                self._model(payload.model).evaluation(event, payload)
        elif isinstance(payload, WriteBase):
            self._write(event, payload)
        elif isinstance(payload, LayerStatisticsRecorded):
            self._model(payload.model).layer_statistics(event, payload)
        elif isinstance(payload, Observation):
            self.observation(event, payload.model, payload.category)
        elif isinstance(payload, ModelAttached | SharingChanged):
            self._sharing(event, payload)
        elif isinstance(payload, UnattributedWrite | Restored | EditAborted):
            if not (isinstance(payload, EditAborted) and payload.restored):
                self._model(payload.model).disturbance()
        elif isinstance(payload, MetricDefined):
            self._definition(event, payload)
        elif isinstance(payload, STATED):
            self.stated.apply(event, payload)

    def observation(self, event: StoredEvent, model: str | None, category: str) -> None:
        """Fold an observation in, of which this is all that counts."""
        if model is not None and model in self._registry.maps:
            self._model(model).observation(event, category)

    def _model(self, model: str) -> ModelLearning:
        found = self._models.get(model)
        if found is None:
            found = self._models[model] = ModelLearning(model, self._shared)
        return found

    def _sharing(self, event: StoredEvent, payload: ModelAttached | SharingChanged) -> None:
        # The act under way belongs to the names as they were.
        self._dropped.finish_act(payload.model)
        self.stated.apply(event, payload)
        change = self._registry.apply(event.position, payload)
        learning = self._model(payload.model)
        if change is not None:
            self._facts.sharing(event.position, payload.model, self._registry.maps[payload.model], change)
            self._dropped.storages_changed(event.position, change.before)
            ended = [each for each in change.before if self._registry.by_id(each.storage_id) is None]
            if ended:
                gone = [storage.storage_id for storage in ended]
                learning.end(event.position, gone, "the storage it is about is no more")
            learning.sharing_changed(event.position)
        # Names that are bound anew may show other bytes; a model attached again may be in another state.
        learning.disturbance()

    def _write(self, event: StoredEvent, payload: WriteBase) -> None:
        learning = self._model(payload.model)
        entity = self._entities.find(payload.model, payload.primary_layer)
        if entity is None:
            if not payload.known:
                # Nobody knows which bytes these are: they may explain whatever follows.
                learning.no_evidence(event)
            return
        counted = self._counted.counts(event, payload, entity)
        if not counted or payload.changed is False or self._is_an_alias(event, payload, entity):
            return
        if payload.reverts is not None or payload.method in REVERTING_METHODS:
            learning.revert(event, payload.reverts, entity)
        elif payload.method in SWEEPING_METHODS:
            learning.no_evidence(event)
        else:
            self._dropped.write(payload.model, event.act_id, entity)
            if payload.dose == 0:
                learning.no_evidence(event, entity)
            else:
                learning.write(event, _as_write(event, payload, entity))

    def _is_an_alias(self, event: StoredEvent, payload: WriteBase, entity: int) -> bool:
        """Say whether a name that no map ties tells again of a write that its act was already told to have made."""
        storage = self._registry.find(payload.model, payload.primary_layer)
        direct = storage is not None and storage.storage_id == entity
        return not direct and self._model(payload.model).windows.wrote(event.act_id, entity)

    def _definition(self, event: StoredEvent, payload: MetricDefined) -> None:
        models = [model for model in self._registry.maps if payload.model in (None, model)]
        mattered = {model: self._metrics.smallest_effect(model, payload.name) for model in models}
        self._metrics.define(event.position, payload)
        for model in models:
            self.claims.composed.defined(event.position, model, payload.name)
            sources = self._metrics.sources(model, payload.name)
            self._dropped.metric_defined(event.position, model, payload.name, sources)
            if payload.name not in self._metrics.names(model):
                continue
            if sources:
                self._model(model).metric_derived(event.position, payload.name)
            else:
                self._model(model).metric_redefined(event.position, payload.name, mattered[model])

    # What the map does not know

    def _looked_like(self, position: int, panel: Panel, slot: int, why: Why | None) -> None:
        about = panel.about(slot)
        kind = panel.family(slot).key.kind
        self._dropped.looked_like(position, panel.model, kind, (about.subject, about.object), why)

    def _found_out(self, position: int, model: str, twin: Twin, statistic: str) -> None:
        """Take note of what readings showed two names to be, or a name that no map knows."""
        entities = self._entities
        one = entities.find(model, twin.name)
        if twin.other is None:
            entities.identify(model, twin.name, None)
            relation = f"{twin.name}, which no map knows, is a tensor of its own by {twin.readings} readings"
            row = fact_row(model, "identity", twin.name, twin.name, "unknown_name", relation, position)
            self._dropped.note(position, row | {"support": twin.readings})
            return
        other = entities.find(model, twin.other)
        if one is None and other is None:
            one = entities.identify(model, twin.name, None)
        if one is None or other is None:
            known = one if other is None else other
            entities.identify(model, twin.other if other is None else twin.name, known)
        elif one != other:
            into, gone = min(one, other), max(one, other)
            entities.merge(gone, into)
            self._model(model).end(position, [gone], f"{twin.name} and {twin.other} turned out to be one tensor")
        relation = (
            f"{twin.name} and {twin.other} are one tensor, which no map says: their {statistic} was the same, "
            f"bit for bit, {twin.readings} times that it changed"
        )
        row = fact_row(model, "cochange", twin.name, twin.other, "undeclared_alias", relation, position)
        told = {"strength_kind": "correlation", "strength": 1.0, "support": twin.readings}
        self._dropped.note(position, row | told)

    # Rows and state

    def take_rows(self) -> tuple[Replaced, Added]:
        """Give, and forget, what changed: rows to replace, and rows to add."""
        replaced, added, _ = self.take()
        return replaced, added

    def take(self) -> tuple[Replaced, Added, dict[str, list[dict[str, Any]]]]:
        """Give, and forget, what changed: rows to replace, rows to add, and the evidence of claims by pattern."""
        replaced, added, evidence = self.claims.take_rows()
        replaced = replaced | self._facts.take_rows() | self._dropped.take_rows() | self._families.take_rows()
        for key, row in self.stated.take_rows().items():
            if key[0] == belief_revisions.name:
                added.append((key[0], row))
            else:
                replaced[key] = row
        return replaced, added, evidence

    def take_all(self) -> tuple[Replaced, Added, dict[str, list[dict[str, Any]]]]:
        """Give every row of what is claimed, stated or holds, the outcomes that wait, and all evidence."""
        self.claims.touch_all()
        self._dropped.rows_again()
        replaced, added, evidence = self.take()
        return replaced | self.claims.rows() | self.stated.rows(), added, evidence

    def succeed(self, before: Learning, position: int) -> None:
        """Take the place of another, from an amendment on: this one is of the amended history."""
        earlier = {panel.name: panel for panel in before.panels()}
        for panel in self.panels():
            panel.amend(earlier.get(panel.name))
        self.claims.succeed(before.claims, position)
        self.stated.succeed(before.stated, position)

    def forget_outcomes(self) -> None:
        """Forget the rows of outcomes that wait to be taken: they are written already."""
        self.claims.forget_outcomes()
        self.stated.forget_revisions()

    def parts(self) -> dict[str, bytes]:
        """Give everything the fold needs to go on; a part that did not change is the very same bytes."""
        parts = {
            "registry": orjson.dumps(self._registry.to_state()),
            "entities": orjson.dumps(self._entities.to_state()),
            "metrics": orjson.dumps(self._metrics.to_state()),
            "families": orjson.dumps(self._families.to_state()),
            "repeats": orjson.dumps(self._repeats.to_state()),
            "counted": orjson.dumps(self._counted.to_state()),
            "facts": orjson.dumps(self._facts.to_state()),
            "dropped": orjson.dumps(self._dropped.to_state()),
            "stated": orjson.dumps(self.stated.to_state()),
            "told": orjson.dumps(self.claims.told.to_state()),
            "composed": orjson.dumps(self.claims.composed.to_state()),
        }
        claims = [[claim.panel.name, claim.to_state()] for claim in self.claims.all()]
        parts["claims"] = orjson.dumps(claims)
        parts["models"] = orjson.dumps(list(self._models))
        for model, learning in self._models.items():
            parts |= {orjson.dumps([model, *name]).decode(): stored for name, stored in learning.parts()}
        return parts

    @classmethod
    def from_parts(cls, parts: Parts) -> Learning:
        """Go on from the parts that another gave."""
        learning = cls()
        registry = StorageRegistry.from_state(orjson.loads(parts["registry"]))
        learning._registry.take_over(registry)
        learning._entities.load(orjson.loads(parts["entities"]))
        learning._metrics.load(orjson.loads(parts["metrics"]))
        learning._families.load(orjson.loads(parts["families"]))
        learning._repeats.load(orjson.loads(parts["repeats"]))
        learning._counted = CountedWrites.from_state(orjson.loads(parts["counted"]), _ACTS)
        learning._facts.load(orjson.loads(parts["facts"]))
        learning._dropped.load(orjson.loads(parts["dropped"]))
        learning.stated.load(orjson.loads(parts["stated"]))
        learning.claims.told = Told.from_state(orjson.loads(parts["told"]))
        learning.claims.composed.load(orjson.loads(parts["composed"]))
        own: dict[str, dict[tuple[str, ...], bytes]] = {}
        for name, stored in parts.items():
            if name.startswith("["):
                model, *rest = orjson.loads(name)
                own.setdefault(model, {})[tuple(rest)] = stored
        panels: dict[str, Panel] = {}
        for model in orjson.loads(parts["models"]):
            each = learning._model(model)
            each.load(own[model])
            for panel in each.panels():
                panels[panel.name] = panel
                learning.claims.load_panel(panel)
        for name, state in orjson.loads(parts["claims"]):
            learning.claims.load_claim(Claim.from_state(panels[name], state))
        return learning

    def panels(self) -> Iterator[Panel]:
        """Yield every panel of hypotheses."""
        for learning in self._models.values():
            yield from learning.panels()


def _as_write(event: StoredEvent, payload: WriteBase, entity: int) -> Write:
    return Write(
        position=event.position,
        storage_id=entity,
        method=payload.method,
        dose=payload.dose,
        randomised=payload.randomised and payload.dose is not None,
        propensity=payload.propensity if payload.propensity is not None else 0.5,
        coin=payload.coin,
    )
