"""Checkpoints: all weights of a model in files that plain transformers loads, saved, compared, put back, let go."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from memory.errors import EditError, InvalidArgument, RestoreError, UnknownModel
from memory.events.codec import build
from memory.events.weights import CheckpointTagged
from memory.query.checkpoints import CheckpointInfo, compare_benchmarks, known_checkpoints
from memory.query.results import QueryResult
from memory.query.retention import reason_of
from memory.query.weight_blobs import WEIGHT_HISTORY
from memory.query.weight_history import no_checkpoint, saved_checkpoint
from memory.recording.checkpoint_comparison import CheckpointComparison
from memory.recording.checkpoint_history import write_history
from memory.recording.checkpoint_schedule import Schedule
from memory.recording.earlier import EarlierStates
from memory.recording.journal import Recorded
from memory.recording.pruning import Pruner
from memory.recording.recorder import Envelope, Recorder
from memory.recording.restoring import Restorer
from memory.recording.saving import CheckpointDetails, CheckpointSaver, SavedCheckpoint
from memory.recording.states import States
from memory.weights.checkpoint_folders import folder_of, reader_of
from memory.weights.keeping import CHECKPOINTS

if TYPE_CHECKING:
    from torch.nn import Module

    from memory.projections.runner import ProjectionRunner
    from memory.recording.attached import AttachedModel
    from memory.store.log import EventStore


class Checkpoints:
    """The checkpoints of a record: `memory.checkpoints`.

    Each is a folder `checkpoints/<id>` in the blob folder, written whole and proved before the event that says so, and
    a row of table `checkpoints`. A state that a checkpoint holds can be put back from it alone.

    Args:
        recorder: Where events go, and which models are live.
        states: Puts states together, and knows the folder.
        store: The log.
        runner: Catches projections up.
    """

    def __init__(self, recorder: Recorder, states: States, store: EventStore, runner: ProjectionRunner) -> None:
        self._recorder = recorder
        self._states = states
        self._store = store
        self._runner = runner
        self._saver = CheckpointSaver(recorder, states, store.database, runner)
        self._schedule = Schedule(self._saver, store.database, runner)

    # Saving

    def save_checkpoint(
        self,
        model: str | Module | None = None,
        description: str = "",
        benchmarks: Mapping[str, float] | None = None,
        modification_details: Any = None,
        tags: Sequence[str] = (),
    ) -> str:
        """Save all weights of a model as they are now; give the checkpoint's name, which is that of its folder.

        Writes that nobody announced are recorded first: a checkpoint holds what the log says. When this returns, all
        of it is on the disk and on record; when it raises, nothing of it is left.

        Args:
            model: The name of an attached model, or the live model itself; None for the only one attached.
            description: What it is, in words: its name begins with them.
            benchmarks: What the model scores now, by metric.
            modification_details: What led to it, as data.
            tags: Your tags: `cleanup_old_checkpoints` keeps what has any.

        Raises:
            NotAttached: There are no live weights.
            InvalidArgument: The memory was opened without a folder for files (`blobs=`).
            EditError: An edit is at some of the weights.
            UnsupportedStorage: Some of the weights cannot be written; meta tensors have no bytes.
            DatabaseFull: No room is left on the disk.
            BatchError: A batch is open.
        """
        details = CheckpointDetails(description, tuple(tags), dict(benchmarks or {}), modification_details)
        return self.save(model, details).checkpoint_id

    def save(self, model: str | Module | None, details: CheckpointDetails) -> SavedCheckpoint:
        """Do what `save_checkpoint` does; give what was recorded."""
        if self._recorder.together is not None:
            raise EditError(
                "a model that is spread over processes cannot be saved as a checkpoint: no process has all of it",
                remedy="memory.export(position, path), called by all of them, writes the same files",
            )
        attached = self._attached(model)
        saved = self._saver.save(attached, details)
        self._schedule.saved(attached.name)
        return saved

    def automatically(
        self,
        every_modifications: int | None = None,
        every_minutes: float | None = None,
        *,
        model: str | None = None,
    ) -> None:
        """Save a checkpoint by itself after so many recorded writes, or so much time; with neither, no more.

        It is looked at after each write that is recorded. What makes one fail is raised there: the write stands.

        Args:
            every_modifications: Recorded writes since the last checkpoint, those before this call included.
            every_minutes: Minutes since the last checkpoint that was saved here, or since this call.
            model: Which attached model; None for the only one.

        Raises:
            InvalidArgument: A number is not positive.
        """
        for name, value in (("every_modifications", every_modifications), ("every_minutes", every_minutes)):
            if value is not None and not value > 0:
                raise InvalidArgument(name, value, "give a positive number; None for never")
        attached = self._recorder.model(model)
        self._schedule.set(attached.name, every_modifications, every_minutes)
        self._recorder.on_writes = self._schedule.wrote

    # Looking

    def list_checkpoints(
        self, tags: Sequence[str] = (), include_deleted: bool = False, *, model: str | None = None
    ) -> QueryResult:
        """Give the checkpoints on record, the first one first, as `CheckpointInfo`.

        Args:
            tags: Only those that have all of these.
            include_deleted: Whether also those that were let go.
            model: Only this model's.
        """
        self._runner.catch_up(WEIGHT_HISTORY)
        found = known_checkpoints(self._store.database, model=model, include_deleted=include_deleted)
        return QueryResult(
            (each for each in found if set(tags) <= set(each.tags)),
            columns=[field.name for field in fields(CheckpointInfo)],
            metadata={"question": "checkpoints", "model": model, "tags": list(tags) or None},
        )

    def get_checkpoint_info(self, checkpoint_id: str) -> CheckpointInfo:
        """Give what is known of a checkpoint, one that was let go included.

        Raises:
            RestoreError: There never was one of that name.
        """
        self._runner.catch_up(WEIGHT_HISTORY)
        found = known_checkpoints(self._store.database, checkpoint_id=checkpoint_id)
        if not found:
            raise no_checkpoint(None, checkpoint_id)
        return found[-1]

    def get_latest_checkpoint(self, *, model: str | None = None) -> CheckpointInfo | None:
        """Give the checkpoint that was saved last and is there; None where there is none.

        Args:
            model: Only this model's.
        """
        return next(reversed(self.list_checkpoints(model=model)), None)

    @property
    def folder(self) -> Path | None:
        """The folder that checkpoints are in, each in one of its name; None: the memory has none for files."""
        folder = self._states.keeper.folder
        return None if folder is None else folder / CHECKPOINTS

    def path_of(self, checkpoint_id: str) -> Path:
        """Give the folder of a checkpoint: `from_pretrained` loads it.

        Raises:
            RestoreError: There never was one of that name.
            CorruptionError: The memory was opened without a folder for files.
        """
        return folder_of(self._states.keeper, self.get_checkpoint_info(checkpoint_id).checkpoint_id)

    def compare_checkpoints(self, first: str, second: str) -> CheckpointComparison:
        """Say what differs between two checkpoints of a model: in the weights, and in what they scored.

        Args:
            first: The one that is taken as before.
            second: The one that is taken as after.

        Raises:
            RestoreError: There never was one of that name.
            InvalidArgument: They are of two models.
        """
        one, other = self.get_checkpoint_info(first), self.get_checkpoint_info(second)
        if one.model != other.model:
            raise InvalidArgument("second", second, f"name two checkpoints of one model: {first!r} is of {one.model!r}")
        attached = {each.name: each for each in self._recorder.models()}
        source = EarlierStates(self._states, self._store, self._runner, one.model, attached.get(one.model))
        weights = source.diff(one.position, other.position)
        return CheckpointComparison(one, other, weights, compare_benchmarks(self._store.database, one, other))

    def export_history(self, path: str | os.PathLike[str], *, model: str | None = None) -> Path:
        """Write all checkpoints, and what was recorded between them, to a JSON file that is not there yet.

        Args:
            path: The file.
            model: Only this model's.

        Raises:
            InvalidArgument: Something is at the path.
            DatabaseUnavailable: It cannot be written.
        """
        found = self.list_checkpoints(include_deleted=True, model=model)
        return write_history(self._store, found, Path(path))

    # Putting back

    def restore_checkpoint(self, checkpoint_id: str, *, strict: bool = True, reason: str | None = None) -> Recorded:
        """Put the weights back as they were when a checkpoint was saved: bit for bit, in place, ties as they are.

        Args:
            checkpoint_id: Which.
            strict: Read every byte of its files first, and refuse where one is not what was written, where the live
                weights are not what the log says, or where the model has other names than then. Otherwise what nobody
                announced is recorded first and written over, names that came since keep what they hold, and only what
                is needed of the files is read (and proved).
            reason: Why.

        Raises:
            RestoreError: There is no such checkpoint, it was let go, or it does not fit; nothing was changed.
            CorruptionError: A file is missing or damaged: the tensor is named; nothing was changed.
            UnknownModel: Its model is not attached.
        """
        found = self._there(checkpoint_id)
        attached = self._attached(found.model)
        if strict:
            saved = saved_checkpoint(self._store.database, found.model, checkpoint_id)
            self._recorder.note_sharing(attached)
            _refuse_other_names(checkpoint_id, {name for each in saved.storages for name in each.names}, attached)
            reader_of(self._states.keeper, saved).check()
        restorer = Restorer(self._recorder, self._states, self._store, self._runner)
        return restorer.restore(
            checkpoint_id, before=None, model=found.model, record_unannounced=not strict, reason=reason
        )

    # Tagging and letting go

    def tag_checkpoint(self, checkpoint_id: str, *tags: str, remove: Sequence[str] = ()) -> Recorded:
        """Put tags on a checkpoint, or take some off.

        Args:
            checkpoint_id: Which.
            tags: To put on.
            remove: To take off.

        Raises:
            RestoreError: There is no such checkpoint, or it was let go.
        """
        found = self._there(checkpoint_id)
        event = build(
            CheckpointTagged,
            model=found.model,
            checkpoint_id=checkpoint_id,
            added=tuple(dict.fromkeys(tags)),
            removed=tuple(dict.fromkeys(remove)),
        )
        handle = Recorded(CheckpointTagged.event_type)
        self._recorder.record(found.model, [event], [handle], envelope=Envelope())
        return handle

    def delete_checkpoint(self, checkpoint_id: str, reason: str) -> Recorded:
        """Let go of a checkpoint: recorded first, then its folder is removed.

        No state that `prune` did not let go is lost with it: where nothing else would lead to one, what it needs of the
        checkpoint is kept as blobs; only what the live weights hold, and nobody ever wrote to, is left to them.

        Args:
            checkpoint_id: Which.
            reason: Why.

        Raises:
            RestoreError: There is no such checkpoint, or it was let go before.
            InvalidArgument: No reason is given.
        """
        return self._pruner.delete([self._there(checkpoint_id)], reason=reason)

    def cleanup_old_checkpoints(
        self, keep: int, keep_tagged: bool = True, *, reason: str = "old", model: str | None = None
    ) -> tuple[str, ...]:
        """Let go of all checkpoints of a model but the latest.

        Args:
            keep: How many of the latest stay.
            keep_tagged: Whether older ones that have tags stay too.
            reason: Why.
            model: Which; None for the only one attached.

        Returns:
            The names of those let go, the first one first.
        """
        if isinstance(keep, bool) or keep < 0:
            raise InvalidArgument("keep", keep, "say how many are kept: 0 or more")
        name = self._recorder.model(None).name if model is None else model
        found = self.list_checkpoints(model=name)
        old = [each for each in found[: len(found) - keep] if not (keep_tagged and each.tags)]
        if old:
            self._pruner.delete(old, reason=reason)
        return tuple(each.checkpoint_id for each in old)

    @property
    def _pruner(self) -> Pruner:
        return Pruner(self._recorder, self._states, self._store, self._runner)

    def _attached(self, model: str | Module | None) -> AttachedModel:
        """Give the attached model of that name, or that is that live model."""
        if model is None or isinstance(model, str):
            return self._recorder.model(model)
        for attached in self._recorder.models():
            if attached.module is model:
                return attached
        raise UnknownModel(type(model).__name__, sorted(each.name for each in self._recorder.models()))

    def _there(self, checkpoint_id: str) -> CheckpointInfo:
        """Give a checkpoint that was not let go."""
        found = self.get_checkpoint_info(checkpoint_id)
        if found.deleted_position is not None:
            reason = reason_of(self._store.database, found.deleted_position)
            raise RestoreError(
                f"checkpoint {checkpoint_id!r} was let go at position {found.deleted_position} ({reason})",
                remedy=f"memory.restore({found.position}) puts its state back, if anything else kept leads there",
            )
        return found


def _refuse_other_names(checkpoint_id: str, then: set[str], attached: AttachedModel) -> None:
    now = set(attached.sharing.names)
    for names, words in ((then - now, "is no name of the model any more"), (now - then, "came to the model since")):
        if names:
            raise RestoreError(
                f"checkpoint {checkpoint_id!r} does not fit: {min(names)!r} {words}",
                remedy="restore_checkpoint(..., strict=False) leaves names that came since as they are; "
                "memory.at(checkpoint) gives its weights without touching the model",
            )
