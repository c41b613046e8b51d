"""What a model's names looked like at a position: dtypes, shapes, and which of them were one."""

from __future__ import annotations

import functools
from collections.abc import Mapping

import orjson
from sqlalchemy import select

from introspection.sharing import SharingMap
from memory.events.models import ModelAttached, SharingChanged
from memory.events.modifications import Restored
from memory.events.weights import CheckpointSaved
from memory.projections.tables import sharing_maps
from memory.store.engine import Database
from memory.store.log import EventStore
from memory.weights.live import Form

_TELLING = tuple(each.event_type for each in (ModelAttached, SharingChanged, Restored, CheckpointSaved))


def forms_at(store: EventStore, model: str, position: int) -> Mapping[str, Form]:
    """Give the dtype and shape of every name as they were last told of up to a position.

    Args:
        store: The log.
        model: The model's name.
        position: Events after it say nothing.
    """
    told: dict[str, tuple[str, tuple[int, ...]]] = {}
    for event in store.read(types=_TELLING, model=model, until=position):
        payload = event.payload
        if isinstance(payload, SharingChanged) and payload.kept is not None:
            # What goes on under another name has the form it had, unless the event says another.
            told |= {key: told[before] for key, before in payload.kept.items() if before in told}
        if isinstance(payload, ModelAttached | SharingChanged | Restored | CheckpointSaved):
            told.update((name, (state.dtype, state.shape)) for state in payload.storages for name in state.names)
    return {name: _form(*form) for name, form in told.items()}


def map_at(database: Database, model: str, position: int) -> SharingMap | None:
    """Give the sharing map in force at a position; None before the model was attached."""
    latest = (
        select(sharing_maps.c.sharing)
        .where(sharing_maps.c.model == model, sharing_maps.c.position <= position)
        .order_by(sharing_maps.c.position.desc())
        .limit(1)
    )
    with database.reading() as connection:
        found = connection.execute(latest).scalar_one_or_none()
    return None if found is None else SharingMap.from_json(orjson.dumps(found).decode())


@functools.cache
def _form(dtype: str, shape: tuple[int, ...]) -> Form:
    import torch

    return Form(getattr(torch, dtype), shape)
