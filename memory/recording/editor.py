"""Runs edits: one event per storage for what happened; every byte put back for what did not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from memory.errors import PalimpsestError
from memory.events.modifications import EditAborted, UnattributedWrite, WriteBase
from memory.recording.acts import Act
from memory.recording.attached import AttachedModel
from memory.recording.editing import StorageEdit, Undo, put_all_back
from memory.recording.journal import Recorded
from memory.recording.recorder import Envelope, Recorder
from memory.recording.writes import Dose, WriteDetails, affected_names, dose_of, take_over_digests, targets, write_event

if TYPE_CHECKING:
    from torch import Tensor


class Editor:
    """Makes writes to live weights transactions.

    Args:
        recorder: Where their events go.
    """

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder

    @contextmanager
    def edit(
        self, layer_name: str, details: WriteDetails, *, model: str | None, act: Act | str | None
    ) -> Iterator[Tensor | dict[str, Tensor]]:
        """Yield the live bytes; on leaving, record what changed, or put everything back and record why."""
        recorder = self._recorder
        recorder.journal.refuse_in_batch("edit")
        attached = recorder.model(model)
        recorder.note_sharing(attached)
        act = recorder.current_act(act)
        dose = dose_of(details, act)
        edits = [StorageEdit(attached, name) for name in targets(attached, layer_name)]
        self._note_unannounced(attached, edits)
        try:
            yield edits[0].weight if len(edits) == 1 else {edit.name: edit.weight for edit in edits}
            self._commit(attached, edits, details, dose, act)
        except BaseException as error:
            restored = put_all_back(edits)
            self._record_abort(attached, edits, details, act, error, restored)
            raise
        recorder.note_sharing(attached)

    def _commit(
        self,
        attached: AttachedModel,
        edits: Sequence[StorageEdit],
        details: WriteDetails,
        dose: Dose,
        act: Act | str | None,
    ) -> None:
        events = [write_event(attached, edit.name, details, dose, act=act, change=edit.measure()) for edit in edits]
        self._record_writes(attached, events, act)
        if isinstance(act, Act):
            for edit, event in zip(edits, events, strict=True):
                if event.change is not None:
                    act.keeps(Undo(attached, edit.name, edit.preimage, event.change.fingerprint_after), self.undo)

    def undo(self, undos: Sequence[Undo], act_id: str) -> tuple[Recorded, ...]:
        """Put every storage of an act back, bit for bit; one `revert` event a storage."""
        recorder = self._recorder
        recorder.journal.refuse_in_batch("undo")
        attached = undos[0].attached
        recorder.note_sharing(attached)
        for undo in undos:
            undo.check()
        guards = [StorageEdit(attached, undo.name) for undo in undos]
        details = WriteDetails(method="revert", reverts=act_id, description=f"undo of act {act_id}")
        try:
            for undo in undos:
                undo.preimage.put_back()
            events = [
                write_event(attached, guard.name, details, Dose(None, False, None), act=act_id, change=guard.measure())
                for guard in guards
            ]
            return self._record_writes(attached, events, act_id)
        except BaseException:
            put_all_back(guards)
            raise

    def _record_writes(
        self, attached: AttachedModel, events: Sequence[WriteBase], act: Act | str | None
    ) -> tuple[Recorded, ...]:
        handles = [Recorded(event.event_type, affected_names(event)) for event in events]
        self._recorder.record(attached.name, events, handles, envelope=Envelope(act=act))
        for event in events:
            take_over_digests(attached, event)
        return tuple(handles)

    def _note_unannounced(self, attached: AttachedModel, edits: Sequence[StorageEdit]) -> None:
        """Record writes that nobody announced to the storages about to be edited."""
        for edit in edits:
            key = attached.sharing.storage_key(edit.name)
            expected, found = attached.fingerprints.get(key), edit.preimage.fingerprint
            if expected is not None and expected != found:
                event = UnattributedWrite(
                    model=attached.name,
                    storage_key=key,
                    affected=attached.affected(key),
                    fingerprint_expected=expected,
                    fingerprint_found=found,
                    found_by="edit",
                )
                self._recorder.record(attached.name, [event], [Recorded(event.event_type)], envelope=Envelope(act=None))
            attached.fingerprints[key] = found

    def _record_abort(
        self,
        attached: AttachedModel,
        edits: Sequence[StorageEdit],
        details: WriteDetails,
        act: Act | str | None,
        error: BaseException,
        restored: bool,
    ) -> None:
        """Record that an edit did not happen; a failure to do so is told on the exception that is under way."""
        events = [
            EditAborted(
                model=attached.name,
                primary_layer=edit.name,
                storage_key=attached.sharing.storage_key(edit.name),
                error=type(error).__name__,
                message=_storable(str(error)),
                method=details.method,
                restored=restored,
            )
            for edit in edits
        ]
        try:
            handles = [Recorded(event.event_type) for event in events]
            self._recorder.record(attached.name, events, handles, envelope=Envelope(act=act))
        except PalimpsestError as failure:
            error.add_note(f"the bytes were put back, but edit_aborted could not be recorded: {failure}")


def _storable(text: str) -> str:
    """Give an exception's text in a form every engine can store."""
    return text.encode("utf-8", "replace").decode("utf-8").replace("\x00", "�")[:10_000]
