"""What a log with one series per name would have found, and was dropped before any hypothesis existed.

Two names of one tensor are always written together, and their statistics move as one; a metric computed from another
moves with it. How strong each looked is computed from the record, so that a reader sees what would have been "learned".
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from introspection.sharing import SharingMap
from memory.inference.comodification import ComodificationProcess
from memory.inference.summary import Correlation
from memory.projections.knowledge.entities import Entities
from memory.projections.knowledge.fact_rows import Rows, fact_row, one_tensor, pairs
from memory.projections.knowledge.metrics import MetricBook
from memory.projections.knowledge.panel import Flags, Why
from memory.projections.knowledge.windows import Outcome, Write
from memory.projections.knowledge_tables import architectural_facts
from memory.projections.registry import Storage, StorageRegistry


class _Key(NamedTuple):
    model: str
    kind: str
    storage_id: int
    subject: str
    object: str
    what: str
    """Statistic, or source metric."""


@dataclass(slots=True)
class _Strength:
    """How strong a dropped correlation looks so far."""

    reason: str
    relation: str
    since: int
    measure: ComodificationProcess | Correlation
    support: int = 0

    def row(self, key: _Key) -> dict[str, Any]:
        comodified = isinstance(self.measure, ComodificationProcess)
        value = self.measure.log_e if isinstance(self.measure, ComodificationProcess) else self.measure.correlation
        row = fact_row(key.model, key.kind, key.subject, key.object, self.reason, self.relation, self.since)
        return row | {
            "strength_kind": "log_e_value" if comodified else "correlation",
            "strength": value if math.isfinite(value) else None,
            "support": self.support,
        }


@dataclass(slots=True)
class _Act:
    """The act of a model whose writes are being gathered."""

    act: str | None = None
    storages: list[int] = field(default_factory=list)


class DroppedCorrelations:
    """How strong everything looked that architecture explains."""

    def __init__(self, registry: StorageRegistry, entities: Entities) -> None:
        self._registry = registry
        self._entities = entities
        self._told_of: dict[str, tuple[SharingMap | None, dict[str, str | None]]] = {}
        self._noted: dict[str, dict[str, Any]] = {}
        """Facts that were found out by looking, by identity."""
        self._first: dict[tuple[str, ...], int] = {}
        """Since when each of them has been looked for."""
        self._strengths: dict[_Key, _Strength] = {}
        self._acts: dict[str, _Act] = {}
        self._dirty: dict[_Key, None] = {}
        self._rows: Rows = {}

    def write(self, model: str, act: str | None, storage_id: int) -> None:
        """Take one counted write: names of one storage were "modified together" once more."""
        current = self._acts.setdefault(model, _Act())
        if act is None or act != current.act:
            self.finish_act(model)
            current.act = act
        if storage_id not in current.storages:
            current.storages.append(storage_id)

    def finish_act(self, model: str) -> None:
        """Enter the act under way into the co-modification series that a log with one series per name would keep."""
        act = self._acts.get(model)
        if act is None or not act.storages:
            return
        for storage in self._registry.tied(model):
            written = storage.storage_id in act.storages
            for subject, other in pairs(storage.names):
                since = max(storage.names_since[subject], storage.names_since[other])
                key = _Key(model, "comodification", storage.storage_id, subject, other, "")
                self._together(key, "alias", one_tensor(subject, other), since, (written, written))
        for one, others in self._entities.related(model).items():
            for other_id in sorted(each for each in others if each > one):
                self._overlap(model, one, other_id, act.storages)
        act.storages = []

    def _overlap(self, model: str, one: int, other: int, written: Sequence[int]) -> None:
        first, second = self._registry.by_id(one), self._registry.by_id(other)
        if first is not None and second is not None:
            key = _Key(model, "comodification", one, first.key, second.key, "")
            since = max(first.key_since, second.key_since)
            relation = f"{first.key} and {second.key} share bytes"
            self._together(key, "overlap", relation, since, (one in written, other in written))

    def _together(self, key: _Key, reason: str, relation: str, since: int, written: tuple[bool, bool]) -> None:
        strength = self._strengths.get(key)
        if strength is None:
            strength = self._strengths[key] = _Strength(reason, relation, since, ComodificationProcess())
        if isinstance(strength.measure, ComodificationProcess):
            strength.measure.update(*written)
        strength.support += all(written)
        if strength.support:
            self._dirty[key] = None

    def statistics(self, model: str, statistic: str, values: Mapping[str, float]) -> None:
        """Take one reading of layer statistics: aliases read twice are one series told twice."""
        for storage in self._registry.tied(model):
            named = [name for name in storage.names if name in values]
            for subject, other in pairs(named) if len(named) > 1 else ():
                key = _Key(model, "cochange", storage.storage_id, subject, other, statistic)
                since = max(storage.names_since[subject], storage.names_since[other])
                relation = f"{one_tensor(subject, other)}: {statistic} read twice"
                self._correlate(key, "alias", relation, since, (values[subject], values[other]))
        sharing = self._registry.maps.get(model)
        for name, sources in () if sharing is None else sharing.derived.items():
            for source in sources:
                if name in values and source in values:
                    self._derived(model, statistic, name, source, (values[name], values[source]))
        for one, others in self._entities.related(model).items():
            for second in sorted(each for each in others if each > one):
                self._both_read(model, statistic, one, second, values)

    def _derived(self, model: str, statistic: str, name: str, source: str, pair: tuple[float, float]) -> None:
        storage = self._registry.find(model, source)
        if storage is not None:
            key = _Key(model, "cochange", storage.storage_id, name, source, statistic)
            relation = f"{name} is computed from {source}: {statistic} read of both"
            self._correlate(key, "derived", relation, storage.names_since[source], pair)

    def _both_read(self, model: str, statistic: str, one: int, other: int, values: Mapping[str, float]) -> None:
        first, second = self._registry.by_id(one), self._registry.by_id(other)
        if first is not None and second is not None and first.key in values and second.key in values:
            key = _Key(model, "cochange", one, first.key, second.key, statistic)
            relation = f"{first.key} and {second.key} share bytes: {statistic} read of both"
            since = max(first.key_since, second.key_since)
            self._correlate(key, "overlap", relation, since, (values[first.key], values[second.key]))

    def restatements(self, model: str, metrics: MetricBook, outcome: Outcome, changes: Mapping[str, float]) -> None:
        """Take what an outcome says of metrics that are computed from others: it restates the others' outcome."""
        for metric, change in changes.items():
            for source in metrics.sources(model, metric):
                if source not in changes or outcome.baseline_position is None:
                    continue
                for write in outcome.writes:
                    storage = self._registry.by_id(write.storage_id)
                    if storage is not None:
                        since = max(storage.key_since, metrics.derived_since(model, metric))
                        key = _Key(model, "effect", storage.storage_id, storage.key, metric, source)
                        relation = f"{metric} is computed from {source}"
                        self._correlate(key, "derived_metric", relation, since, (changes[source], change))

    def not_definitional(
        self, model: str, outcome: Outcome, metrics: Sequence[str], changes: Mapping[str, float]
    ) -> Flags:
        """Say which metrics are not by their name read off a tensor whose bytes one of the act's writes reached.

        The norm of what was written changes by definition: that is no effect of the write on anything.
        """
        free = np.ones(len(metrics), dtype=np.bool_)
        told_of = self._told_of.get(model)
        sharing = self._registry.maps.get(model)
        if told_of is None or told_of[0] is not sharing:
            told_of = self._told_of[model] = sharing, {}
        for at, metric in enumerate(metrics):
            if metric not in told_of[1]:
                told_of[1][metric] = self._registry.tensor_told_of(model, metric)
            name = told_of[1][metric]
            for write in outcome.writes if name is not None else ():
                if name is not None and self._reads_off(write, metric, name, changes[metric]):
                    free[at] = False
        return free

    def _reads_off(self, write: Write, metric: str, name: str, change: float) -> bool:
        storage = self._registry.by_id(write.storage_id)
        reason = self._registry.reach(storage, name) if storage is not None else None
        if storage is None or reason is None:
            return False
        key = _Key(storage.model, "effect", storage.storage_id, storage.key, metric, name)
        relation = f"{metric} is read off {name}, which a write to {storage.key} changes"
        self._correlate(key, reason, relation, storage.key_since, (write.sign, change))
        return True

    # What the map does not know

    def note(self, position: int, row: dict[str, Any]) -> None:
        """Take a fact that was found out by looking, or one more record of it."""
        known = self._noted.get(row["fact_id"])
        if known is not None:
            known["support"] += 1
            self._put(dict(known))
        else:
            self._noted[row["fact_id"]] = row
            self._put(dict(row))

    def repeated(self, position: int, model: str, what: str) -> None:
        """Take a record that says again what was recorded before."""
        relation = f"{what}: the same numbers recorded again are no second observation"
        key = ("repeat", model, what)
        since = self._first.setdefault(key, position)
        row = fact_row(model, "identity", what, what, "repeated_observation", relation, since)
        self.note(position, row | {"support": 1})

    def looked_like(self, position: int, model: str, kind: str, ends: tuple[str, str], why: Why | None) -> None:
        """Take note of a pair that moves as one and is therefore no hypothesis; or (None) no longer."""
        since = self._first.setdefault((kind, model, *ends), position)
        if why is None:
            self._first.pop((kind, model, *ends), None)
            for row in [row for row in self._noted.values() if _about(row) == (model, kind, *ends)]:
                del self._noted[row["fact_id"]]
                self._put(row | {"to_position": position})
            return
        reason, relation, strength_kind, strength = why
        for row in [row for row in self._noted.values() if _about(row) == (model, kind, *ends)]:
            row |= {"strength": strength, "support": row["support"] + 1}
            self._put(dict(row))
            return
        row = fact_row(model, kind, *ends, reason, relation, since)
        self.note(position, row | {"strength_kind": strength_kind, "strength": strength, "support": 1})

    def _correlate(self, key: _Key, reason: str, relation: str, since: int, pair: tuple[float, float]) -> None:
        strength = self._strengths.get(key)
        if strength is None:
            strength = self._strengths[key] = _Strength(reason, relation, since, Correlation())
        if isinstance(strength.measure, Correlation):
            strength.measure.update(*pair)
        strength.support += 1
        self._dirty[key] = None

    # Ends

    def storages_changed(self, position: int, before: Iterable[Storage]) -> None:
        """Close what no longer holds of the storages that changed."""
        changed = {storage.storage_id for storage in before}
        for key in [key for key in self._strengths if key.storage_id in changed and not self._holds(key)]:
            self._close(key, position)

    def _holds(self, key: _Key) -> bool:
        storage = self._registry.by_id(key.storage_id)
        if storage is None:
            return False
        if key.kind != "effect":
            return {key.subject, key.object} <= set(storage.names)
        restated = self._strengths[key].reason == "derived_metric"
        return storage.key == key.subject and (restated or self._registry.reach(storage, key.what) is not None)

    def metric_defined(self, position: int, model: str, metric: str, sources: Sequence[str]) -> None:
        """Close what was noted about sources that a metric no longer has."""
        for key, strength in list(self._strengths.items()):
            told_of = (key.model, key.object, strength.reason) == (model, metric, "derived_metric")
            if told_of and key.what not in sources:
                self._close(key, position)

    def _close(self, key: _Key, position: int) -> None:
        strength = self._strengths.pop(key)
        if strength.support:
            self._put(strength.row(key) | {"to_position": position})
        self._dirty.pop(key, None)

    # Rows and state

    def rows_again(self) -> None:
        """Let the row of everything that holds be written again."""
        self._dirty |= {key: None for key, strength in self._strengths.items() if strength.support}
        for row in self._noted.values():
            self._put(dict(row))

    def _put(self, row: dict[str, Any]) -> None:
        self._rows[architectural_facts.name, row["fact_id"]] = row

    def take_rows(self) -> Rows:
        """Give, and forget, the rows to replace."""
        for key in self._dirty:
            self._put(self._strengths[key].row(key))
        rows, self._rows, self._dirty = self._rows, {}, {}
        return rows

    def to_state(self) -> dict[str, Any]:
        """Give everything as plain data."""
        return {
            "noted": list(self._noted.values()),
            "first": [[*key, position] for key, position in self._first.items()],
            "acts": {model: [act.act, act.storages] for model, act in self._acts.items()},
            "strengths": [
                [*key, s.reason, s.relation, s.since, s.support, s.measure.to_state()]
                for key, s in self._strengths.items()
            ],
        }

    def load(self, state: Mapping[str, Any]) -> None:
        """Go on from `to_state`."""
        self._noted = {row["fact_id"]: row for row in state["noted"]}
        self._first = {tuple(key): position for *key, position in state["first"]}
        self._acts = {model: _Act(act, list(storages)) for model, (act, storages) in state["acts"].items()}
        self._strengths = {}
        for *parts, reason, relation, since, support, stored in state["strengths"]:
            key = _Key(*parts)
            kind = ComodificationProcess if key.kind == "comodification" else Correlation
            measure: ComodificationProcess | Correlation = kind.from_state(stored)
            self._strengths[key] = _Strength(reason, relation, since, measure, support)


def _about(row: Mapping[str, Any]) -> tuple[str, str, str, str]:
    return row["model"], row["kind"], row["subject"], row["object"]
