"""The history of checkpoints as one JSON file: each of them, and what was recorded between it and the one before."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from memory.errors import InvalidArgument
from memory.events.envelope import StoredEvent
from memory.events.weights import CheckpointSaved
from memory.query.checkpoints import CheckpointInfo
from memory.store.disk import appearing, writing_to

if TYPE_CHECKING:
    from memory.store.log import EventStore

_NOT_TOLD = frozenset({"deltas", "keyframes", "storages", "sharing", "tensors", "files", "blobs"})
"""Fields about bytes, which nobody reads."""


def write_history(store: EventStore, found: Sequence[CheckpointInfo], path: Path) -> Path:
    """Write the history of checkpoints, in constant memory; the file is there whole or not at all.

    Args:
        store: The log.
        found: The checkpoints, the first one first.
        path: A file that is not there yet.

    Raises:
        InvalidArgument: Something is at the path.
        DatabaseUnavailable: It cannot be written.
    """
    if os.path.lexists(path):
        raise InvalidArgument("path", str(path), "give a path at which there is nothing yet")
    head = store.head().position
    with writing_to(path), appearing(path) as partial, partial.open("x", encoding="utf-8") as file:
        file.write('{"format": "palimpsest checkpoint history", "version": 1, "models": [')
        for number, model in enumerate(dict.fromkeys(each.model for each in found)):
            own = [each for each in found if each.model == model]
            file.write(f'{"," if number else ""}\n{{"model": {json.dumps(model)}, "checkpoints": [')
            for place, checkpoint in enumerate(own):
                before = own[place - 1].position if place else 0
                file.write(f"{',' if place else ''}\n{json.dumps(_storable(checkpoint.to_dict()))[:-1]}, ")
                _write_events(file, "since_previous", _between(store, model, before, checkpoint.position))
                file.write("}")
            file.write("], ")
            _write_events(file, "since_last", _between(store, model, own[-1].position, head))
            file.write("}")
        file.write("]}\n")
        file.flush()
        os.fsync(file.fileno())
    return path


def _between(store: EventStore, model: str, after: int, until: int) -> Iterator[StoredEvent]:
    for event in store.read(model=model, after=after, until=until):
        if event.event_type != CheckpointSaved.event_type:
            yield event


def _write_events(file: IO[str], name: str, events: Iterator[StoredEvent]) -> None:
    file.write(f'"{name}": [')
    for number, event in enumerate(events):
        told = {
            "position": event.position,
            "event_type": event.event_type,
            "occurred_at": event.occurred_at.isoformat(),
            "act": event.act_id,
            **{field: value for field, value in event.fields.items() if field not in _NOT_TOLD},
        }
        file.write(f"{',' if number else ''}\n  {json.dumps(told)}")
    file.write("]")


def _storable(value: Any) -> Any:
    """Give a value with what JSON has no word for (NaN, infinities) as text."""
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return str(value)
    if isinstance(value, dict):
        return {key: _storable(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_storable(each) for each in value]
    return value
