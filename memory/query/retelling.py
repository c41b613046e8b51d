"""What a log that goes on from another must be told again, so that what is recorded in it means the same."""

from __future__ import annotations

from memory.events.envelope import NewEvent, StoredEvent, model_stream
from memory.events.models import ModelAttached, SharingChanged, StorageState, plain_map
from memory.events.observations import MetricDefined
from memory.query.weights import known_model
from memory.store.log import EventStore

_Form = tuple[str, tuple[int, ...]]


def retold(store: EventStore, until: int) -> list[NewEvent]:
    """Give each model as the log last knew it, and each metric's definition in force.

    A model's digests go on with it, so that weights changed between two attaches are noticed across a rollover too.

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
    events = [_model(store, payload, forms[name]) for name, payload in attached.items()]
    defined = definitions.values()
    return events + [NewEvent(each.payload, stream=each.stream, occurred_at=each.occurred_at) for each in defined]


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
            **({} if sharing is None else {"sharing": plain_map(sharing.to_json()), "digest": sharing.digest}),
        }
    )
    return NewEvent(payload, stream=model_stream(last.model))
