"""What happened, told from the log to a model: acts with what they wrote and what came of it, and single writes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from memory.events.modifications import CoupledModification, EditAborted, Modification, Restored, UnattributedWrite
from memory.query.written import last_writes, measured_in

if TYPE_CHECKING:
    from memory.events.envelope import StoredEvent
    from memory.store.log import EventStore

_READ = 500
"""Writes read back at the most: an act may be as long as a step of an optimiser."""


@dataclass(slots=True)
class ToldAct:
    """One act, as it is told: the writes made together, and what was measured before and after them."""

    act: str | None
    """Its name; None for a write that belongs to none."""
    position: int
    """Its last event."""
    at: str
    writes: list[dict[str, Any]] = field(default_factory=list)
    """Oldest first."""
    before: dict[str, float] = field(default_factory=dict)
    after: dict[str, float] = field(default_factory=dict)
    undone: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Give it as plain data; metrics as what they were before and after."""
        metrics = {name: [self.before.get(name), self.after.get(name)] for name in sorted({*self.before, *self.after})}
        told: dict[str, Any] = {"act": self.act, "position": self.position, "at": self.at, "writes": self.writes}
        return told | ({"metrics_before_after": metrics} if metrics else {}) | ({"undone": True} if self.undone else {})


def recent_acts(store: EventStore, *, model: str | None, limit: int, offset: int = 0) -> tuple[list[ToldAct], bool]:
    """Give the last acts that wrote or tried to, newest first, and whether there are older ones.

    Args:
        store: The log; the tables of `WRITTEN` are caught up.
        model: Only of this model.
        limit: At most so many.
        offset: How many of the newest are left out.
    """
    acts: dict[str, ToldAct] = {}
    first: dict[str, int] = {}
    undone: set[str] = set()
    wanted = limit + offset
    for event in _events(store, last_writes(store.database, model=model, limit=_READ)):
        name = event.act_id if event.act_id is not None else f"at {event.position}"
        if name not in acts:
            if len(acts) > wanted:
                break
            acts[name] = ToldAct(event.act_id, event.position, event.occurred_at.isoformat(timespec="seconds"))
        first[name] = event.position
        written = told_write(event)
        if written is not None:
            acts[name].writes.append(written)
        undone |= _taken_back(event)
    for name, act in list(acts.items())[offset:wanted]:
        act.writes.reverse()
        act.undone = act.act in undone
        if act.act is not None:
            _measured(act, store, first[name], model)
    return list(acts.values())[offset:wanted], len(acts) > wanted


def _taken_back(event: StoredEvent) -> set[str]:
    payload = event.payload
    act = None
    if isinstance(payload, Modification | CoupledModification):
        act = payload.reverts
    elif isinstance(payload, Restored):
        act = payload.to_act
    return set() if act is None else {act}


def _measured(act: ToldAct, store: EventStore, first_write: int, model: str | None) -> None:
    """Put what was measured in an act into it: the last before its first write, and the last after it, on one sample.

    What was measured on one sample before and on another after tells no difference: then only what came after is told.
    """
    before: dict[tuple[str, str | None, str | None], float] = {}
    after: dict[tuple[str, str | None, str | None], float] = {}
    for row in measured_in(store.database, str(act.act), model=model):
        value = float(row.value if row.special is None else row.special)
        key = row.metric, row.sample, row.model
        found = before if row.position < first_write else after
        found.pop(key, None)
        found[key] = value
    # The last that was measured both before and after; where there is none, the last.
    for (metric, *_), value in before.items():
        act.before[metric] = value
    for key in sorted(after, key=before.__contains__):
        metric = key[0]
        act.after[metric] = after[key]
        if key in before:
            act.before[metric] = before[key]
        else:
            act.before.pop(metric, None)


def _events(store: EventStore, positions: list[int]) -> Iterator[StoredEvent]:
    for position in positions:
        yield from store.read(after=position - 1, until=position)


def told_write(event: StoredEvent) -> dict[str, Any] | None:
    """Tell one event that changed weights, or tried to; None for any other."""
    payload = event.payload
    if isinstance(payload, Modification | CoupledModification):
        told: dict[str, Any] = {"name": payload.primary_layer}
        if payload.coupled_layers:
            told["also_changed"] = list(payload.coupled_layers)
        told |= _said(method=payload.method, dose=payload.dose, reason=payload.reason or payload.description or None)
        if payload.change is not None:
            before = float(payload.change.weight_norm)
            size = float(payload.change.delta_norm)
            told |= {"delta_norm": size, "relative_change": size / before if before > 0 else None}
        if payload.changed is False:
            told["changed"] = False
        return told | _said(randomised=payload.randomised or None, reverts=payload.reverts)
    if isinstance(payload, EditAborted):
        denied = {"denied_by": list(payload.denied_by)} if payload.denied_by else {}
        return {"name": payload.primary_layer, "aborted": payload.message.partition("\n")[0] or payload.error, **denied}
    if isinstance(payload, UnattributedWrite):
        found = {"name": payload.storage_key, "unannounced": True, "found_by": payload.found_by}
        return found | ({"delta_norm": payload.change.delta_norm} if payload.change is not None else {})
    if isinstance(payload, Restored):
        return {"restored": True} | _said(
            to_position=payload.to_position,
            before_act=payload.to_act,
            checkpoint=payload.checkpoint,
            reason=payload.reason,
        )
    return None


def told_writes(store: EventStore, positions: list[int]) -> Iterator[dict[str, Any]]:
    """Tell the writes at some positions, in their order."""
    for event in _events(store, positions):
        written = told_write(event)
        if written is not None:
            told = {"position": event.position, "at": event.occurred_at.isoformat(timespec="seconds")}
            yield told | _said(act=event.act_id) | written


def _said(**fields: Any) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}
