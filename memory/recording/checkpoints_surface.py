"""What a memory does with checkpoints, and how it lets go of earlier states."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from memory.recording.recorder import Recorder
from memory.recording.states import States

if TYPE_CHECKING:
    from memory.projections.runner import ProjectionRunner
    from memory.recording.checkpointing import Checkpoints
    from memory.recording.journal import Recorded
    from memory.recording.restoring import Target
    from memory.recording.saving import SavedCheckpoint
    from memory.store.log import EventStore


class CheckpointsSurface:
    """The part of `memory.MemorySystem` that is about checkpoints and retention."""

    _recorder: Recorder
    _states: States
    _store: EventStore
    _runner: ProjectionRunner

    @functools.cached_property
    def checkpoints(self) -> Checkpoints:
        """The checkpoints of this record."""
        from memory.recording.checkpointing import Checkpoints

        return Checkpoints(self._recorder, self._states, self._store, self._runner)

    def checkpoint(
        self,
        description: str = "",
        *,
        model: str | None = None,
        tags: Sequence[str] = (),
        benchmarks: Mapping[str, float] | None = None,
        modification_details: Any = None,
    ) -> SavedCheckpoint:
        """Save all weights of a model as they are now, in files that plain `from_pretrained` loads.

        What `memory.checkpoints.save_checkpoint` does, in one word; what it returns can be restored, compared and
        exported as any other state, by position or by name.

        Args:
            description: What it is, in words: its name begins with them.
            model: Which attached model; None for the only one.
            tags: Your tags: `cleanup_old_checkpoints` keeps what has any.
            benchmarks: What the model scores now, by metric.
            modification_details: What led to it, as data.

        Returns:
            What was recorded, with the checkpoint's name as `checkpoint_id`.

        Raises:
            NotAttached: There are no live weights.
            InvalidArgument: The memory was opened without a folder for files (`blobs=`).
            EditError: An edit is at some of the weights.
            UnsupportedStorage: Some of the weights cannot be written.
            DatabaseFull: No room is left on the disk.
            BatchError: A batch is open.
        """
        from memory.recording.saving import CheckpointDetails

        details = CheckpointDetails(description, tuple(tags), dict(benchmarks or {}), modification_details)
        return self.checkpoints.save(model, details)

    def prune(
        self, before: Target, *, reason: str, model: str | None = None, keep_checkpoints: bool = True
    ) -> Recorded:
        """Let go of the bytes that only states before a position need; every state from it on stays restorable.

        Recorded as `blobs_pruned`, and removed only then. Where what stays could not lead to a state any more, that
        state is kept whole first. Events are never touched: the digests in them stay, and can be verified; `restore`
        says of the states that they were let go, when, and why.

        Args:
            before: A position, the name of a checkpoint, or what an earlier call returned: the first state that stays.
            reason: Why: it is all that will be known of what is let go.
            model: Which model, attached or only on record; None for the only one attached.
            keep_checkpoints: Whether checkpoints saved before it stay, and with them the states they hold.

        Raises:
            InvalidArgument: There is no such position, or no reason is given.
            RestoreError: There is no such checkpoint.
            DatabaseBusy: Somebody is about to point at a blob, and did not come to an end in time: what was let go on
                record is removed by `palimpsest gc`.
            BatchError: A batch is open.
        """
        from memory.recording.pruning import Pruner
        from memory.recording.restoring import Restorer

        name = self._recorder.model(None).name if model is None else model
        pruner = Pruner(self._recorder, self._states, self._store, self._runner)

        def prune() -> Recorded:
            restorer = Restorer(self._recorder, self._states, self._store, self._runner)
            moment = restorer.moment(before, before=None, model=name)
            return pruner.prune(name, moment.position, reason=reason, keep_checkpoints=keep_checkpoints)

        return self._recorder.on_every_rank(("prune", name, reason, keep_checkpoints), prune)
