"""Saves checkpoints: the files first, whole and proved, then the event that says so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from memory.errors import DatabaseFull, InvalidArgument, KeyConflict, NotAttached, OutcomeUnknown
from memory.events.codec import build, encode
from memory.events.weights import CheckpointFile, CheckpointSaved, CheckpointTensor
from memory.query.checkpoints import number_of_checkpoints
from memory.query.keys import recorded_under
from memory.query.weight_blobs import WEIGHT_HISTORY
from memory.recording.attached import AttachedModel
from memory.recording.interrupts import deferred_interrupts
from memory.recording.journal import Recorded
from memory.recording.recorder import Envelope, Recorder
from memory.recording.states import States
from memory.weights.checkpoint_file import write_checkpoint
from memory.weights.checkpoint_folders import claimed_folder, remove_folder, slug

if TYPE_CHECKING:
    from pathlib import Path

    from memory.projections.runner import ProjectionRunner
    from memory.store.engine import Database
    from memory.weights.checkpoint_files import CheckpointFiles


class SavedCheckpoint(Recorded):
    """A checkpoint that was recorded: what `Recorded` says, and its name."""

    __slots__ = ("checkpoint_id",)

    def __init__(self, checkpoint_id: str) -> None:
        super().__init__(CheckpointSaved.event_type)
        self.checkpoint_id = checkpoint_id
        """Its name in the record, for `restore_checkpoint` and its siblings; and that of its folder."""


@dataclass(frozen=True, slots=True)
class CheckpointDetails:
    """What is said of a checkpoint beside its bytes."""

    description: str = ""
    tags: Sequence[str] = ()
    benchmarks: Mapping[str, float] = field(default_factory=dict)
    modification_details: Any = None
    automatic: Literal["modifications", "minutes"] | None = None


class CheckpointSaver:
    """Saves the weights of live models.

    Args:
        recorder: Where events go.
        states: Where the folder of checkpoints is; told that states are kept.
        database: What to ask.
        runner: Catches projections up.
    """

    def __init__(self, recorder: Recorder, states: States, database: Database, runner: ProjectionRunner) -> None:
        self._recorder = recorder
        self._states = states
        self._keeper = states.keeper
        self._database = database
        self._runner = runner

    def save(self, attached: AttachedModel, details: CheckpointDetails) -> SavedCheckpoint:
        """Write all weights of a model to a folder of its own, and record it.

        Raises:
            NotAttached: There are no live weights.
            InvalidArgument: The record has no folder for files.
            EditError: An edit is at some of the weights.
            UnsupportedStorage: Some cannot be written.
            DatabaseFull: No room is left.
        """
        self._recorder.journal.refuse_in_batch("checkpoint")
        if not attached.live:
            raise NotAttached(attached.name, remedy="attach the live model: only its sharing map is attached now")
        if self._keeper.folder is None:
            raise InvalidArgument(
                "blobs",
                None,
                'checkpoints are files: open the memory with a folder for them, MemorySystem(url, blobs="folder")',
            )
        event = _event(attached, details)
        self._recorder.note_sharing(attached)
        with attached.claimed(attached.sharing.storages):
            # A checkpoint holds what the log says: so the log must say what the weights hold.
            self._recorder.unannounced.note(attached, attached.sharing.storages, found_by="checkpoint")
            with self._keeper.pointing():
                self._keeper.hold()
                self._keeper.check_room(sum(map(attached.nbytes, attached.sharing.storages)))
                return self._save_somewhere(attached, event)

    def _save_somewhere(self, attached: AttachedModel, event: CheckpointSaved) -> SavedCheckpoint:
        self._runner.catch_up(WEIGHT_HISTORY)
        number = number_of_checkpoints(self._database)
        while True:
            number += 1
            name = f"{slug(event.description)}-{number:04d}"
            with claimed_folder(self._keeper, name) as folder:
                if folder is None or recorded_under(self._database, _key(name)) is not None:
                    continue
                try:
                    return self._save_as(name, folder, attached, event)
                except KeyConflict:
                    # Somebody with another folder took the name meanwhile.
                    continue

    def _save_as(self, name: str, folder: Path, attached: AttachedModel, event: CheckpointSaved) -> SavedCheckpoint:
        handle = SavedCheckpoint(name)
        recorded = False
        try:
            files = self._write(folder, attached)
            event = _with_files(event, name, attached, files)
            with deferred_interrupts():
                self._recorder.record(attached.name, [event], [handle], envelope=Envelope(key=_key(name)))
                recorded = True
        except OutcomeUnknown:
            # It may be on record: `gc` removes it if it is not.
            raise
        except BaseException:
            if not recorded:
                remove_folder(self._keeper, name)
            raise
        self._states.look_again(attached.name)
        return handle

    def _write(self, folder: Path, attached: AttachedModel) -> CheckpointFiles:
        try:
            return write_checkpoint(
                folder,
                {key: attached.tensor(key) for key in attached.sharing.storages},
                attached.sharing,
                model=attached.module,
                fingerprints=attached.fingerprints,
            )
        except DatabaseFull:
            self._keeper.release_reserve()
            raise


def _event(attached: AttachedModel, details: CheckpointDetails) -> CheckpointSaved:
    """Give the event as far as it is known before any file is written, so that what cannot be stored is refused then.

    Raises:
        InvalidPayload: Something cannot be stored.
    """
    given = details.modification_details
    event = build(
        CheckpointSaved,
        model=attached.name,
        checkpoint_id="none yet",
        description=details.description,
        storages=(),
        tensors=(),
        files=(),
        benchmarks=details.benchmarks,
        modification_details={} if given is None else given,
        tags=tuple(dict.fromkeys(details.tags)),
        automatic=details.automatic,
    )
    encode(event)
    return event


def _with_files(event: CheckpointSaved, name: str, attached: AttachedModel, files: CheckpointFiles) -> CheckpointSaved:
    fingerprints = {key: tensor.fingerprint for key, tensor in files.by_key.items()}
    plain = files.to_plain()
    return event.model_copy(
        update={
            "checkpoint_id": name,
            "storages": attached.on_record(fingerprints),
            "tensors": tuple(build(CheckpointTensor, **tensor) for tensor in plain["tensors"]),
            "files": tuple(build(CheckpointFile, **file) for file in plain["files"]),
        }
    )


def _key(checkpoint_id: str) -> str:
    """The idempotency key of a checkpoint's event: a name is given once in a record, whoever writes to it."""
    return f"palimpsest checkpoint {checkpoint_id}"
