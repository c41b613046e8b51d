"""Payloads and stored events, made as cheaply as a faithful copy of what the recorder makes can be.

`model_construct` skips validation: `tests/unit/benchmarks` checks that validating changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

from benchmarks.simulation.cast import Phase
from introspection.sharing import SharingMap
from memory.events.envelope import AppendOfEvent, KindOfEvent, StoredEvent, model_stream
from memory.events.models import ModelAttached, SharingChanged, plain_map
from memory.events.modifications import AffectedLayer, CoupledModification, Modification, WriteBase
from memory.events.registry import Payload

MODEL = "sim"
_COUPLED_IMPORTANCE, _PLAIN_IMPORTANCE = 0.9, 0.5
_SECOND = 1_000_000
_START = 1_700_000_000 * _SECOND


class Told(NamedTuple):
    """One event as a fold is given it."""

    event: StoredEvent
    payload: Payload


@dataclass(frozen=True, slots=True)
class Flip:
    """What decided a write: its dose, and the coin behind it."""

    dose: float | None
    propensity: float | None = None
    coin: int | None = None


class Envelopes:
    """Numbers events and gives them their envelope."""

    def __init__(self) -> None:
        self.position = 0
        self._stream = model_stream(MODEL)
        self._kinds: dict[type[Payload], KindOfEvent] = {}

    def put(self, act_id: str | None, payload: Payload) -> Told:
        """Give the next event."""
        self.position += 1
        cls = type(payload)
        kind = self._kinds.get(cls)
        if kind is None:
            kind = self._kinds[cls] = KindOfEvent(cls.event_type, cls.schema_version)
        at = _START + self.position * _SECOND
        append = AppendOfEvent(b"\0" * 32, self.position, at, None, None)
        event = StoredEvent(self.position, append, self._stream, self.position, kind, at, act_id, None, "{}")
        return Told(event, payload)


class WriteForms:
    """The writes of one phase, by name: all that does not differ from one write to the next is made once."""

    def __init__(self, phase: Phase, *, per_name: bool) -> None:
        self._sharing = phase.sharing
        self._per_name = per_name
        self._forms: dict[tuple[str, bool], tuple[type[WriteBase], dict[str, Any]]] = {}

    def write(self, name: str, known: bool, method: str, flip: Flip, reverts: str | None = None) -> WriteBase:
        """Give the payload of one record of a write."""
        form = self._forms.get((name, known))
        if form is None:
            form = self._forms[name, known] = _form(self._sharing, name, known, self._per_name or not known)
        cls, fixed = form
        return cls.model_construct(
            **fixed,
            method=method,
            dose=flip.dose,
            randomised=flip.coin is not None,
            propensity=flip.propensity,
            coin=flip.coin,
            reverts=reverts,
        )


def _form(sharing: SharingMap, name: str, known: bool, per_name: bool) -> tuple[type[WriteBase], dict[str, Any]]:
    affected: tuple[AffectedLayer, ...] = (AffectedLayer(name=name, relation="primary"),)
    if known:
        affected = tuple(
            AffectedLayer(name=each.name, relation=each.relation, shared_bytes=each.shared_bytes)
            for each in sharing.affected(name)
        )
    coupled = tuple(sorted(each.name for each in affected if each.relation in ("alias", "overlap")))
    names = tuple(each.name for each in affected)
    described = f"{name}, one tensor with {', '.join(coupled)}" if coupled else name
    tags = ("modification", *(("coupled",) if coupled else ()), *names)
    return CoupledModification if coupled else Modification, {
        "model": MODEL,
        "primary_layer": name,
        "storage_key": sharing.storage_key(name) if known else name,
        "coupled_layers": coupled,
        "affected": affected,
        "modification": {},
        "description": described,
        "tags": tuple(dict.fromkeys(tags)),
        "importance": _COUPLED_IMPORTANCE if coupled else _PLAIN_IMPORTANCE,
        "reason": None,
        "rows": None,
        "per_name": per_name,
        "known": known,
        "changed": None,
        "change": None,
        "overlapping": {},
        "fingerprint": None,
    }


def attached(sharing: SharingMap) -> ModelAttached:
    """Give the payload of attaching a map."""
    return ModelAttached(model=MODEL, sharing=plain_map(sharing.to_json()), digest=sharing.digest)


def sharing_changed(before: SharingMap, after: SharingMap) -> SharingChanged:
    """Give the payload of a map that took another's place."""
    difference = before.diff(after)
    return SharingChanged(
        model=MODEL,
        sharing=plain_map(after.to_json()),
        digest=after.digest,
        previous_digest=before.digest,
        tied=_sorted(difference.tied),
        untied=_sorted(difference.untied),
        added=difference.added,
        removed=difference.removed,
    )


def _sorted(groups: tuple[frozenset[str], ...]) -> tuple[tuple[str, ...], ...]:
    return tuple(sorted(tuple(sorted(group)) for group in groups))
