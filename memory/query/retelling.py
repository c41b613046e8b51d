"""What a log that goes on from another must be told again, so that what is recorded in it means the same."""

from __future__ import annotations

from memory.events.amendments import Retraction
from memory.events.envelope import NewEvent, StoredEvent, model_stream
from memory.events.knowledge import BeliefAsserted, TheoryProposed
from memory.events.models import ModelAttached, SharingChanged, StorageState, plain_map
from memory.events.observations import MetricDefined
from memory.events.safety import EmergencyCleared, SafetyAlert
from memory.projections.knowledge.stated import belief_identity, theory_identity
from memory.query.weights import known_model
from memory.store.log import EventStore

_Form = tuple[str, tuple[int, ...]]


def retold(store: EventStore, until: int) -> list[NewEvent]:
    """Give each model as the log last knew it, each metric's definition in force, and what is proposed and asserted.

    A model that is stopped stays so: emergencies that nobody cleared are told again first of all.

    A model's digests go on with it, so that weights changed between two attaches are noticed across a rollover too.
    Of theories and beliefs goes on what someone said, not how it fared: evidence begins anew.

    Args:
        store: The log; its projections have been caught up.
        until: The position they were caught up to.
    """
    attached: dict[str, ModelAttached] = {}
    forms: dict[str, dict[str, _Form]] = {}
    definitions: dict[tuple[str | None, str], StoredEvent] = {}
    types = (ModelAttached.event_type, SharingChanged.event_type, MetricDefined.event_type)
    for event in store.read(types=types, until=until):
        payload = event.payload
        if isinstance(payload, MetricDefined):
            definitions[payload.model, payload.name] = event
        elif isinstance(payload, ModelAttached | SharingChanged):
            if isinstance(payload, ModelAttached):
                attached[payload.model] = payload
            known = forms.setdefault(payload.model, {})
            known.update((name, (state.dtype, state.shape)) for state in payload.storages for name in state.names)
    events = _standing(store, until)
    events += [_model(store, payload, forms[name]) for name, payload in attached.items()]
    defined = definitions.values()
    events += [NewEvent(each.payload, stream=each.stream, occurred_at=each.occurred_at) for each in defined]
    return events + _statements(store, until)


def _standing(store: EventStore, until: int) -> list[NewEvent]:
    """Give the emergencies that nobody cleared."""
    standing: dict[int, StoredEvent] = {}
    for event in store.read(types=(SafetyAlert.event_type, EmergencyCleared.event_type), until=until):
        payload = event.payload
        if isinstance(payload, EmergencyCleared):
            for position in payload.alerts:
                standing.pop(position, None)
        elif isinstance(payload, SafetyAlert) and payload.level == "emergency":
            standing[event.position] = event
    return [NewEvent(each.payload, stream=each.stream, occurred_at=each.occurred_at) for each in standing.values()]


def _statements(store: EventStore, until: int) -> list[NewEvent]:
    """Give what was proposed and asserted and not taken back, as it was said last, with who said it."""
    said: dict[int, StoredEvent] = {}
    for event in store.read(types=_STATEMENTS, until=until):
        payload = event.payload
        if isinstance(payload, Retraction):
            said.pop(payload.position, None)
        else:
            said[event.position] = event
    last: dict[str, NewEvent] = {}
    for event in said.values():
        payload = event.payload
        if isinstance(payload, TheoryProposed):
            identity = theory_identity(payload)
            payload = payload.model_copy(update={"proposed_by": payload.proposed_by or event.actor})
        elif isinstance(payload, BeliefAsserted):
            identity = belief_identity(payload)
            update: dict[str, object] = {"asserted_by": payload.asserted_by or event.actor}
            before = last.pop(identity).payload if identity in last else None
            if isinstance(before, BeliefAsserted) and before.core:
                update |= {"core": True, "credence": 1.0}
            payload = payload.model_copy(update=update)
        else:
            continue
        last[identity] = NewEvent(payload, stream=event.stream, occurred_at=event.occurred_at)
    return list(last.values())


_STATEMENTS = (TheoryProposed.event_type, BeliefAsserted.event_type, Retraction.event_type)


def _model(store: EventStore, last: ModelAttached, forms: dict[str, _Form]) -> NewEvent:
    known = known_model(store.database, last.model)
    sharing = known.sharing if known is not None else None
    states = []
    if known is not None and sharing is not None:
        for key, names in sorted(sharing.storages.items()):
            if key in forms:
                dtype, shape = forms[key]
                fingerprint = known.head(key)
                states.append(
                    StorageState(key=key, names=tuple(names), dtype=dtype, shape=shape, fingerprint=fingerprint)
                )
    payload = last.model_copy(
        update={
            "storages": tuple(states),
            "state_of": None,
            # Blobs stay beside the sealed log.
            "baseline": "lazy",
            "keyframes": (),
            **({} if sharing is None else {"sharing": plain_map(sharing.to_json()), "digest": sharing.digest}),
        }
    )
    return NewEvent(payload, stream=model_stream(last.model))
