"""What a log with one series per name would have found, and was dropped before any hypothesis existed.

Two names of one tensor are always written together, and their statistics move as one; a metric computed from another
moves with it. How strong each looked is computed from the record, so that a reader sees what would have been "learned".
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from memory.inference.comodification import ComodificationProcess
from memory.inference.summary import Correlation
from memory.projections.knowledge.fact_rows import Rows, fact_row, one_tensor, pairs
from memory.projections.knowledge.windows import Outcome
from memory.projections.registry import Storage, StorageRegistry
from memory.projections.knowledge_tables import architectural_facts


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

    def __init__(self, registry: StorageRegistry) -> None:
        self._registry = registry
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
                key = _Key(model, "comodification", storage.storage_id, subject, other, "")
                strength = self._strengths.get(key)
                if strength is None:
                    since = max(storage.names_since[subject], storage.names_since[other])
                    strength = _Strength("alias", one_tensor(subject, other), since, ComodificationProcess())
                    self._strengths[key] = strength
                if isinstance(strength.measure, ComodificationProcess):
                    strength.measure.update(written, written)
                strength.support += written
                if strength.support:
                    self._dirty[key] = None
        act.storages = []

    def statistics(self, model: str, statistic: str, values: Mapping[str, float]) -> None:
        """Take one reading of layer statistics: aliases read twice are one series told twice."""
        for storage in self._registry.tied(model):
            named = [name for name in storage.names if name in values]
            for subject, other in pairs(named) if len(named) > 1 else ():
                key = _Key(model, "cochange", storage.storage_id, subject, other, statistic)
                since = max(storage.names_since[subject], storage.names_since[other])
                relation = f"{one_tensor(subject, other)}: {statistic} read twice"
                self._correlate(key, "alias", relation, since, (values[subject], values[other]))

    def derived_metric(
        self, storage: Storage, metric: str, source: str, since: int, changes: tuple[float, float]
    ) -> None:
        """Take an outcome of a metric that is computed from another: it restates the other's outcome.

        Args:
            storage: The storage written.
            metric: The metric.
            source: What it is computed from.
            since: The position from which that holds.
            changes: Of the source, and of the metric.
        """
        key = _Key(storage.model, "effect", storage.storage_id, storage.key, metric, source)
        self._correlate(key, "derived_metric", f"{metric} is computed from {source}", since, changes)

    def definitional(self, outcome: Outcome) -> bool:
        """Take an outcome, if its metric is by its name read off a tensor whose bytes the write reached; say whether.

        The norm of what was written changes by definition: that is no effect of the write on anything.
        """
        storage = self._registry.by_id(outcome.write.storage_id)
        name = self._registry.tensor_told_of(outcome.model, outcome.metric)
        reason = self._registry.reach(storage, name) if storage is not None and name is not None else None
        if storage is None or name is None or reason is None:
            return False
        key = _Key(storage.model, "effect", storage.storage_id, storage.key, outcome.metric, name)
        relation = f"{outcome.metric} is read off {name}, which a write to {storage.key} changes"
        self._correlate(key, reason, relation, storage.key_since, (outcome.write.sign, outcome.change))
        return True

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
            "acts": {model: [act.act, act.storages] for model, act in self._acts.items()},
            "strengths": [
                [*key, s.reason, s.relation, s.since, s.support, s.measure.to_state()]
                for key, s in self._strengths.items()
            ],
        }

    def load(self, state: Mapping[str, Any]) -> None:
        """Go on from `to_state`."""
        self._acts = {model: _Act(act, list(storages)) for model, (act, storages) in state["acts"].items()}
        self._strengths = {}
        for *parts, reason, relation, since, support, stored in state["strengths"]:
            key = _Key(*parts)
            kind = ComodificationProcess if key.kind == "comodification" else Correlation
            measure: ComodificationProcess | Correlation = kind.from_state(stored)
            self._strengths[key] = _Strength(reason, relation, since, measure, support)
