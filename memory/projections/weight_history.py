"""Read model: which bytes of weights were kept, what leads from one state to another, and what was let go."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from sqlalchemy import Connection

from memory.events.envelope import StoredEvent
from memory.events.kept_bytes import Delta, Keyframe
from memory.events.models import ModelAttached, SharingChanged
from memory.events.modifications import Restored, UnattributedWrite, WriteBase
from memory.events.registry import Payload
from memory.events.weights import BlobsPruned, CheckpointSaved, CheckpointTagged, StatesRead
from memory.projections.base import Projection, Rows, Updates, utc_text
from memory.projections.registry import StorageRegistry
from memory.projections.weight_tables import checkpoints, keyframes, weight_deltas


class WeightHistoryProjection(Projection):
    """Deltas and keyframes of every storage, and the checkpoints: all that an earlier state can be put together of."""

    name = "weight_history"
    folds = (
        ModelAttached,
        SharingChanged,
        WriteBase,
        UnattributedWrite,
        Restored,
        StatesRead,
        CheckpointSaved,
        CheckpointTagged,
        BlobsPruned,
    )
    tables = (weight_deltas, keyframes, checkpoints)

    def __init__(self) -> None:
        self.registry = StorageRegistry()
        self._tags: dict[str, dict[str, list[str]]] = {}
        """Model to its checkpoints' tags: what a later tag is added to."""
        self._rows = Rows()
        self._updates = Updates()

    def apply(self, event: StoredEvent, payload: Payload) -> None:
        """Note what an event kept, or let go."""
        self.registry.apply(event.position, payload)
        if isinstance(payload, WriteBase | UnattributedWrite | Restored | StatesRead):
            for delta in payload.deltas:
                self._delta(event, payload.model, delta)
        if isinstance(payload, ModelAttached | WriteBase | UnattributedWrite | Restored | StatesRead | BlobsPruned):
            for keyframe in payload.keyframes:
                self._keyframe(event, payload.model, keyframe)
        if isinstance(payload, CheckpointSaved):
            self._checkpoint(event, payload)
        elif isinstance(payload, CheckpointTagged):
            self._tag(payload)
        elif isinstance(payload, BlobsPruned):
            self._let_go(event.position, payload)

    def _delta(self, event: StoredEvent, model: str, delta: Delta) -> None:
        storage = self.registry.current.get(model, {}).get(delta.storage_key)
        if storage is not None:
            self._rows.add(
                weight_deltas,
                {
                    "storage_id": storage.storage_id,
                    "position": event.position,
                    "model": model,
                    "before_fingerprint": delta.before,
                    "after_fingerprint": delta.after,
                    "blob": delta.blob,
                    "size": delta.size,
                    "changed_bytes": delta.changed_bytes,
                    "codec": delta.codec,
                    "pruned_position": None,
                },
            )

    def _keyframe(
        self, event: StoredEvent, model: str, keyframe: Keyframe, *, checkpoint_id: str | None = None
    ) -> None:
        storage = self.registry.current.get(model, {}).get(keyframe.storage_key)
        if storage is not None:
            self._rows.add(
                keyframes,
                {
                    "storage_id": storage.storage_id,
                    "position": event.position,
                    "fingerprint": keyframe.fingerprint,
                    "model": model,
                    "blob": None if checkpoint_id is not None else keyframe.blob,
                    "checkpoint_id": checkpoint_id,
                    "size": keyframe.size,
                    "pruned_position": None,
                },
            )

    def _checkpoint(self, event: StoredEvent, saved: CheckpointSaved) -> None:
        self._tags.setdefault(saved.model, {})[saved.checkpoint_id] = sorted(set(saved.tags))
        self._rows.add(
            checkpoints,
            {
                "model": saved.model,
                "checkpoint_id": saved.checkpoint_id,
                "position": event.position,
                "description": saved.description,
                "size": sum(file.size for file in saved.files),
                "storages": len(saved.storages),
                "benchmarks": event.fields["benchmarks"],
                "modification_details": event.fields["modification_details"],
                "tags": sorted(set(saved.tags)),
                "automatic": saved.automatic,
                "occurred_at": utc_text(event),
                "deleted_position": None,
            },
        )
        # A storage that loading would part is in the files twice: once is enough.
        for tensor in {tensor.key: tensor for tensor in reversed(saved.tensors)}.values():
            kept = Keyframe(storage_key=tensor.key, fingerprint=tensor.fingerprint, blob="", size=tensor.size)
            self._keyframe(event, saved.model, kept, checkpoint_id=saved.checkpoint_id)

    def _tag(self, tagged: CheckpointTagged) -> None:
        known = self._tags.get(tagged.model, {})
        if tagged.checkpoint_id not in known:
            return
        known[tagged.checkpoint_id] = sorted(set(known[tagged.checkpoint_id]) - set(tagged.removed) | set(tagged.added))
        where = checkpoints.c.model == tagged.model, checkpoints.c.checkpoint_id == tagged.checkpoint_id
        self._updates.add(checkpoints, where, {"tags": known[tagged.checkpoint_id]})

    def _let_go(self, position: int, pruned: BlobsPruned) -> None:
        gone = {"pruned_position": position}
        until = position - 1 if pruned.before is None else pruned.before
        for blob in pruned.blobs:
            for table in (weight_deltas, keyframes):
                # Another model, or an event that came after the boundary, may have the very same bytes of its own.
                own = table.c.model == pruned.model, table.c.position <= until
                self._updates.add(table, (table.c.blob == blob, *own, table.c.pruned_position.is_(None)), gone)
        for checkpoint_id in pruned.checkpoints:
            here = checkpoints.c.model == pruned.model, checkpoints.c.checkpoint_id == checkpoint_id
            self._updates.add(checkpoints, here, {"deleted_position": position})
            held = keyframes.c.model == pruned.model, keyframes.c.checkpoint_id == checkpoint_id
            self._updates.add(keyframes, held, gone)

    def flush(self, connection: Connection) -> None:
        """Write the collected rows, then what changed in rows."""
        self._rows.flush(connection)
        self._updates.flush(connection)

    def state(self) -> str:
        """Give the registry and the tags as text."""
        stored: Mapping[str, Any] = {"registry": self.registry.to_state(), "tags": self._tags}
        return orjson.dumps(stored, option=orjson.OPT_SORT_KEYS).decode()

    def load(self, state: str | None) -> None:
        """Go on from a stored state."""
        stored = orjson.loads(state) if state else None
        self.registry = StorageRegistry() if stored is None else StorageRegistry.from_state(stored["registry"])
        self._tags = {} if stored is None else stored["tags"]
