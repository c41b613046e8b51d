"""Runs edits: one event per storage for what happened; every byte put back for what did not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from memory.errors import InvalidArgument, NotAttached, PalimpsestError
from memory.events.modifications import EditAborted, UnattributedWrite, WriteBase
from memory.recording.acts import Act
from memory.recording.attached import AttachedModel
from memory.recording.editing import StorageEdit, Undo, put_all_back
from memory.recording.interrupts import deferred_interrupts
from memory.recording.journal import Recorded
from memory.recording.recorder import Envelope, Recorder
from memory.recording.writes import (
    Dose,
    WriteDetails,
    affected_names,
    dose_of,
    plain_data,
    take_over_digests,
    targets,
    write_event,
)

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
        names = targets(attached, layer_name)
        act = recorder.act_of(act, writes=len(names))
        dose = dose_of(details, act)
        details = replace(details, data=plain_data(details.data))
        with attached.claimed(names):
            edits = [StorageEdit(attached, name) for name in names]
            if details.rows is not None:
                if len(edits) > 1:
                    raise InvalidArgument("rows", details.rows, "rows are of one tensor: name one")
                details = replace(details, rows=edits[0].check_rows(details.rows))
            self._note_unannounced(attached, edits)
            versions = attached.versions()
            recorded = False
            try:
                yield edits[0].weight if len(edits) == 1 else {edit.name: edit.weight for edit in edits}
                with deferred_interrupts():
                    self._commit(attached, edits, details, dose, act)
                    recorded = True
            except BaseException as error:
                # An interrupt that came while the event was written is raised here, after it: the edit stands.
                if not recorded:
                    with deferred_interrupts():
                        restored = put_all_back(edits)
                        self._record_abort(attached, edits, details, act, error, restored, versions)
                raise
            self._look_around(attached, versions)

    def _commit(
        self,
        attached: AttachedModel,
        edits: Sequence[StorageEdit],
        details: WriteDetails,
        dose: Dose,
        act: Act | str | None,
    ) -> None:
        self._recorder.journal.refuse_in_batch("edit")
        events = [
            write_event(attached, edit.name, details, dose, act=act, change=edit.measure(details.rows))
            for edit in edits
        ]
        self._record_writes(attached, events, act)
        if not isinstance(act, Act):
            return
        for edit, event in zip(edits, events, strict=True):
            if event.change is not None:
                undo = Undo(attached.name, edit.name, edit.key, edit.preimage, event.change.fingerprint_after)
                act.keeps(undo, event.overlapping, self.undo)

    def undo(self, undos: Sequence[Undo], act_id: str) -> tuple[Recorded, ...]:
        """Put every storage of an act back, bit for bit, or none; one `revert` event a storage."""
        recorder = self._recorder
        recorder.journal.refuse_in_batch("undo")
        models = {undo.model: self._live(undo.model) for undo in undos}
        for attached in models.values():
            recorder.note_sharing(attached)
        names = {id(undo): undo.name_now(models[undo.model]) for undo in undos}
        with ExitStack() as claims:
            for attached in models.values():
                own = [names[id(undo)] for undo in undos if undo.model == attached.name]
                claims.enter_context(attached.claimed(own))
            guards = [StorageEdit(models[undo.model], names[id(undo)]) for undo in undos]
            with deferred_interrupts():
                return self._take_back(undos, guards, act_id)

    def _take_back(self, undos: Sequence[Undo], guards: Sequence[StorageEdit], act_id: str) -> tuple[Recorded, ...]:
        details = WriteDetails(method="revert", reverts=act_id, description=f"undo of act {act_id}")
        try:
            # Newest first: what a later write of the act found already had the earlier writes in it.
            for undo in reversed(undos):
                undo.preimage.put_back()
            writes = [
                (
                    guard.attached,
                    write_event(
                        guard.attached,
                        guard.name,
                        details,
                        Dose(None, False, None),
                        act=act_id,
                        change=guard.measure(),
                    ),
                )
                for guard in guards
            ]
            handles = [Recorded(event.event_type, affected_names(event)) for _, event in writes]
            self._recorder.record_across(
                [(attached.name, event) for attached, event in writes], handles, envelope=Envelope(act=act_id)
            )
        except BaseException:
            put_all_back(guards)
            raise
        for attached, event in writes:
            take_over_digests(attached, event)
        return tuple(handles)

    def _live(self, model: str) -> AttachedModel:
        attached = self._recorder.model(model)
        if not attached.live:
            raise NotAttached(model, remedy="attach the live model: only its sharing map is attached now")
        return attached

    def _record_writes(self, attached: AttachedModel, events: Sequence[WriteBase], act: Act | str | None) -> None:
        handles = [Recorded(event.event_type, affected_names(event)) for event in events]
        self._recorder.record(attached.name, events, handles, envelope=Envelope(act=act))
        for event in events:
            take_over_digests(attached, event)

    def _note_unannounced(self, attached: AttachedModel, edits: Sequence[StorageEdit]) -> None:
        """Record writes that nobody announced to the storages about to be edited, and to those that overlap them."""
        found: dict[str, str | None] = {}
        for edit in edits:
            found |= attached.overlapping_now(edit.name)
        self._note(attached, found | {edit.key: edit.preimage.fingerprint for edit in edits})

    def _look_around(self, attached: AttachedModel, versions: Mapping[str, int]) -> None:
        """Record how the block changed sharing, and what it wrote beside the storages it named."""
        self._recorder.note_sharing(attached)
        written = {key for key, version in attached.versions().items() if versions.get(key) != version}
        self._note(attached, {state.key: state.fingerprint for state in attached.states(written - attached.busy)})

    def _note(self, attached: AttachedModel, found: Mapping[str, str | None]) -> None:
        """Record, as nobody's, the writes to storages whose digest is not the one on record."""
        for key, fingerprint in found.items():
            expected = attached.fingerprints.get(key)
            if expected is not None and fingerprint is not None and expected != fingerprint:
                event = UnattributedWrite(
                    model=attached.name,
                    storage_key=key,
                    affected=attached.affected(key),
                    fingerprint_expected=expected,
                    fingerprint_found=fingerprint,
                    found_by="edit",
                )
                self._recorder.record(attached.name, [event], [Recorded(event.event_type)], envelope=Envelope())
            attached.fingerprints[key] = fingerprint

    def _record_abort(
        self,
        attached: AttachedModel,
        edits: Sequence[StorageEdit],
        details: WriteDetails,
        act: Act | str | None,
        error: BaseException,
        restored: bool,
        versions: Mapping[str, int],
    ) -> None:
        """Record that an edit did not happen, and what its block did beside it.

        What could not be put back, and a failure to record it, are told on the exception that is under way.
        """
        if not restored:
            names = ", ".join(edit.name for edit in edits)
            error.add_note(
                f"{names}: bound to another tensor inside the edit, so putting the old bytes back shows nowhere"
            )
        events = [
            EditAborted(
                model=attached.name,
                primary_layer=edit.name,
                storage_key=edit.key,
                error=type(error).__name__,
                message=_storable(str(error)),
                method=details.method if isinstance(details.method, str) else None,
                restored=restored,
            )
            for edit in edits
        ]
        try:
            handles = [Recorded(event.event_type) for event in events]
            with self._recorder.journal.outside_batch():
                self._recorder.record(attached.name, events, handles, envelope=Envelope(act=act))
                self._look_around(attached, versions)
        except PalimpsestError as failure:
            state = "the bytes were put back" if restored else "not every byte could be put back"
            error.add_note(f"{state}, but edit_aborted could not be recorded: {failure}")


def _storable(text: str) -> str:
    """Give an exception's text in a form every engine can store."""
    return text.encode("utf-8", "replace").decode("utf-8").replace("\x00", "�")[:10_000]
