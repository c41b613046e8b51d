"""What architecture explains: never a pattern, always on record, with how strong it looked in the data.

A log that keeps one series per name finds these: two names of one tensor are always written together, and their
statistics move as one. Here they are facts of the sharing map, dropped before any hypothesis exists. How strong each
looked is computed from the record, so that a reader sees what would have been "learned".
"""

from __future__ import annotations

import hashlib
import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from introspection.sharing import SharingMap
from memory.inference.comodification import ComodificationProcess
from memory.inference.summary import Correlation
from memory.projections.registry import RegistryChange, Storage, StorageRegistry
from memory.projections.tables import architectural_facts, beliefs

_PAIRS_OF_A_GROUP = 16
"""Groups of more names than this are told as pairs with their first name only."""

Rows = dict[tuple[str, str], dict[str, Any]]
"""(table, identity) to row."""


@dataclass(slots=True)
class _Strength:
    """How strong a dropped correlation looks so far."""

    kind: str
    subject: str
    object: str
    reason: str
    relation: str
    first_position: int
    measure: ComodificationProcess | Correlation
    support: int = 0

    @property
    def value(self) -> float:
        return self.measure.log_e if isinstance(self.measure, ComodificationProcess) else self.measure.correlation


@dataclass(slots=True)
class _Act:
    """The act of a model whose writes are being gathered."""

    act: str | None = None
    storages: list[int] = field(default_factory=list)


class ArchitecturalFacts:
    """The relations of every map, and what was dropped because of them."""

    def __init__(self, registry: StorageRegistry) -> None:
        self._registry = registry
        self._open: dict[str, dict[str, dict[str, Any]]] = {}
        """Model to identity to the row of a fact that holds."""
        self._strengths: dict[str, _Strength] = {}
        self._acts: dict[str, _Act] = {}
        self._dirty: dict[str, None] = {}
        self._rows: Rows = {}

    # The map itself

    def sharing(self, position: int, model: str, change: RegistryChange) -> None:
        """Open the facts a new map brings and close those it ends."""
        now = self._facts_of(position, model)
        open_facts = self._open.setdefault(model, {})
        for identity in [each for each in open_facts if each not in now]:
            self._close(open_facts.pop(identity), position)
        for identity, row in now.items():
            if identity not in open_facts:
                open_facts[identity] = row
                self._put(row)
        self._believe(position, change)
        ended = {storage.storage_id: storage.names for storage in change.before}
        for identity, strength in list(self._strengths.items()):
            if not identity.startswith(f"{model}\x00"):
                continue
            storage_id = int(identity.split("\x00")[2])
            if storage_id in ended and not self._holds(storage_id, model, strength):
                row = self._strength_row(identity, strength)
                self._close(row, position)
                del self._strengths[identity]
                self._dirty.pop(identity, None)

    def _holds(self, storage_id: int, model: str, strength: _Strength) -> bool:
        for storage in self._registry.storages(model):
            if storage.storage_id == storage_id:
                return strength.subject in storage.names and strength.object in storage.names
        return False

    def _facts_of(self, position: int, model: str) -> dict[str, dict[str, Any]]:
        sharing = self._registry.maps[model]
        facts: dict[str, dict[str, Any]] = {}
        for subject, other, reason, relation in _relations(sharing):
            identity = _identity("fact", model, "identity", subject, other, reason)
            facts[identity] = _fact_row(identity, model, "identity", subject, other, reason, relation, position)
        return facts

    def _believe(self, position: int, change: RegistryChange) -> None:
        """Hold, as certain, that the names of one storage are one tensor; no longer once they are not."""
        before = {_belief_identity(s, position=s_since(s)): s for s in change.before if len(s.names) > 1}
        after = {_belief_identity(s, position=s_since(s)): s for s in change.after if len(s.names) > 1}
        for identity, storage in before.items():
            if identity not in after:
                self._rows[beliefs.name, identity] = _belief_row(identity, storage, position, "retracted")
        for identity, storage in after.items():
            if identity not in before:
                self._rows[beliefs.name, identity] = _belief_row(identity, storage, position, "active")

    # What was dropped

    def write(self, model: str, act: str | None, storage_id: int) -> None:
        """Take one counted write: names of one storage were "modified together" once more."""
        current = self._acts.setdefault(model, _Act())
        if act is None or act != current.act:
            self._finish_act(model, current)
            current.act, current.storages = act, []
        if storage_id not in current.storages:
            current.storages.append(storage_id)

    def _finish_act(self, model: str, act: _Act) -> None:
        """Enter an act into the co-modification series that a log with one series per name would keep."""
        if not act.storages:
            return
        for storage in self._registry.storages(model):
            if len(storage.names) < 2:
                continue
            written = storage.storage_id in act.storages
            for subject, other in _pairs(storage.names):
                identity = _key(model, "comodification", storage.storage_id, subject, other)
                strength = self._strengths.get(identity)
                if strength is None:
                    strength = self._strengths[identity] = _Strength(
                        "comodification", subject, other, "alias", _one_tensor(subject, other),
                        max(storage.names_since[subject], storage.names_since[other]), ComodificationProcess(),
                    )  # fmt: skip
                if isinstance(strength.measure, ComodificationProcess):
                    strength.measure.update(written, written)
                strength.support += written
                if strength.support:
                    self._dirty[identity] = None

    def statistics(self, model: str, statistic: str, values: Mapping[str, float]) -> None:
        """Take one reading of layer statistics: aliases read twice are one series told twice."""
        for storage in self._registry.storages(model):
            named = [name for name in storage.names if name in values]
            if len(named) < 2:
                continue
            for subject, other in _pairs(named):
                since = max(storage.names_since[subject], storage.names_since[other])
                self._correlate(
                    _key(model, "cochange", storage.storage_id, subject, other, statistic),
                    ("cochange", subject, other, "alias", f"{_one_tensor(subject, other)}: {statistic} read twice"),
                    since,
                    (values[subject], values[other]),
                )

    def derived_metric(
        self, position: int, model: str, storage: Storage, metric: str, source: str, changes: tuple[float, float]
    ) -> None:
        """Take an outcome of a metric that is computed from another: it restates the other's outcome."""
        self._correlate(
            _key(model, "effect", storage.storage_id, storage.key, metric, source),
            ("effect", storage.key, metric, "derived_metric", f"{metric} is computed from {source}"),
            position,
            changes,
        )

    def _correlate(
        self, identity: str, what: tuple[str, str, str, str, str], position: int, pair: tuple[float, float]
    ) -> None:
        strength = self._strengths.get(identity)
        if strength is None:
            strength = self._strengths[identity] = _Strength(*what, position, Correlation())
        if isinstance(strength.measure, Correlation):
            strength.measure.update(*pair)
        strength.support += 1
        self._dirty[identity] = None

    # Rows and state

    def _put(self, row: dict[str, Any]) -> None:
        self._rows[architectural_facts.name, row["fact_id"]] = row

    def _close(self, row: dict[str, Any], position: int) -> None:
        self._put(row | {"to_position": position})

    def _strength_row(self, identity: str, strength: _Strength) -> dict[str, Any]:
        model = identity.split("\x00", 1)[0]
        value = strength.value
        comodified = isinstance(strength.measure, ComodificationProcess)
        row = _fact_row(
            _identity("fact", identity, strength.first_position),
            model,
            strength.kind,
            strength.subject,
            strength.object,
            strength.reason,
            strength.relation,
            strength.first_position,
        )
        return row | {
            "strength_kind": "log_e_value" if comodified else "correlation",
            "strength": value if math.isfinite(value) else None,
            "support": strength.support,
        }

    def take_rows(self) -> Rows:
        """Give, and forget, the rows to replace."""
        for identity in self._dirty:
            self._put(self._strength_row(identity, self._strengths[identity]))
        rows, self._rows, self._dirty = self._rows, {}, {}
        return rows

    def to_state(self) -> dict[str, Any]:
        """Give everything as plain data."""
        return {
            "open": self._open,
            "acts": {model: [act.act, act.storages] for model, act in self._acts.items()},
            "strengths": {
                identity: [
                    s.kind, s.subject, s.object, s.reason, s.relation, s.first_position, s.support,
                    isinstance(s.measure, ComodificationProcess), s.measure.to_state(),
                ]
                for identity, s in self._strengths.items()
            },
        }  # fmt: skip

    def load(self, state: Mapping[str, Any]) -> None:
        """Go on from `to_state`."""
        self._open = {model: dict(facts) for model, facts in state["open"].items()}
        self._acts = {model: _Act(act, list(storages)) for model, (act, storages) in state["acts"].items()}
        self._strengths = {}
        for identity, stored in state["strengths"].items():
            kind, subject, other, reason, relation, first_position, support, comodified, measure = stored
            taken = ComodificationProcess.from_state(measure) if comodified else Correlation.from_state(measure)
            self._strengths[identity] = _Strength(
                kind, subject, other, reason, relation, first_position, taken, support
            )


def s_since(storage: Storage) -> int:
    """Give the position from which all of a storage's names view it."""
    return max(storage.names_since.values())


def _relations(sharing: SharingMap) -> Iterator[tuple[str, str, str, str]]:
    """Yield (name, other name, reason, the relation in words) for everything the map relates."""
    for group in sharing.groups:
        for subject, other in _pairs(sorted(group)):
            yield subject, other, "alias", _one_tensor(subject, other)
    for pair, relation in sorted(sharing.relations.items(), key=lambda item: sorted(item[0])):
        if relation.kind != "same":
            subject, other = sorted(pair)
            shared = "some" if relation.shared_bytes is None else str(relation.shared_bytes)
            yield subject, other, "overlap", f"{subject} and {other} share {shared} bytes"
    for name, sources in sorted(sharing.derived.items()):
        for source in sources:
            yield name, source, "derived", f"{name} is computed from {source}"


def _one_tensor(subject: str, other: str) -> str:
    return f"{subject} and {other} are one tensor"


def _pairs(names: Sequence[str]) -> Iterator[tuple[str, str]]:
    if len(names) <= _PAIRS_OF_A_GROUP:
        yield from itertools.combinations(names, 2)
    else:
        yield from ((names[0], other) for other in names[1:])


def _key(model: str, kind: str, storage_id: int, *rest: str) -> str:
    return "\x00".join((model, kind, str(storage_id), *rest))


def _identity(prefix: str, *parts: Any) -> str:
    return f"{prefix}-{hashlib.sha256(orjson.dumps(parts)).hexdigest()[:16]}"


def _belief_identity(storage: Storage, *, position: int) -> str:
    return _identity("belief", storage.model, "one tensor", storage.names, position)


def _belief_row(identity: str, storage: Storage, position: int, status: str) -> dict[str, Any]:
    return {
        "belief_id": identity,
        "model": storage.model,
        "belief_type": "architectural_fact",
        "statement": f"{' and '.join(storage.names)} are one tensor: a write to one is a write to all",
        "theory_id": None,
        "credence": 1.0,
        "strength": "certain",
        "effect": None,
        "ci_low": None,
        "ci_high": None,
        "grade": "architecture",
        "first_position": s_since(storage),
        "last_position": position,
        "status": status,
    }


def _fact_row(
    identity: str, model: str, kind: str, subject: str, other: str, reason: str, relation: str, position: int
) -> dict[str, Any]:
    return {
        "fact_id": identity,
        "model": model,
        "kind": kind,
        "subject": subject,
        "object": other,
        "reason": reason,
        "relation": relation,
        "strength_kind": None,
        "strength": None,
        "support": 0,
        "first_position": position,
        "to_position": None,
    }
