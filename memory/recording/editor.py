"""Runs edits: one event per storage for what happened; every byte put back for what did not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from memory.errors import EditError, InvalidArgument, NotAttached, PalimpsestError, SafetyViolation
from memory.events.modifications import EditAborted, WriteBase
from memory.events.registry import Payload
from memory.events.safety import SafetyAlert
from memory.recording.acts import Act
from memory.recording.attached import AttachedModel
from memory.recording.editing import StorageEdit, Undo, blocks_of_rows, declared_rows, put_all_back
from memory.recording.interrupts import deferred_interrupts
from memory.recording.journal import Recorded
from memory.recording.recorder import Envelope, Recorder
from memory.recording.states import Kept, LiveState, States, Wanted
from memory.recording.writes import (
    Dose,
    WriteDetails,
    affected_names,
    dose_of,
    plain_data,
    targets_of,
    write_event,
)
from memory.safety.gate import Written
from memory.weights.block_digests import blocks_in

if TYPE_CHECKING:
    from torch import Tensor

    from memory.weights.live import Bytes


class Editor:
    """Makes writes to live weights transactions.

    Args:
        recorder: Where their events go.
        states: Keeps what leads from one state of a storage to the next.
    """

    def __init__(self, recorder: Recorder, states: States) -> None:
        self._recorder = recorder
        self._states = states
        self._denial: SafetyViolation | None = None

    @contextmanager
    def edit(
        self, layer_name: str | Sequence[str], details: WriteDetails, *, model: str | None, act: Act | str | None
    ) -> Iterator[Tensor | dict[str, Tensor]]:
        """Yield the live bytes; on leaving, record what changed, or put everything back and record why."""
        recorder = self._recorder
        recorder.journal.refuse_in_batch("edit")
        attached = recorder.model(model)
        recorder.note_sharing(attached)
        names = targets_of(attached, layer_name)
        act = recorder.act_of(act, writes=len(names))
        dose = dose_of(details, act)
        details = replace(details, data=plain_data(details.data))
        if details.rows is not None:
            if len(names) > 1:
                raise InvalidArgument("rows", details.rows, "rows are of one tensor: name one")
            _refuse_without_bytes(attached, names)
            details = replace(details, rows=declared_rows(attached, names[0], details.rows))
        if recorder.gate is not None:
            recorder.gate.before_edit(attached, names, acknowledged=details.acknowledged)
        with attached.claimed(names), ExitStack() as held:
            _refuse_without_bytes(attached, names)
            self._look_before(attached, names, details.rows)
            edits = [StorageEdit(attached, name, self._states, held, details.rows) for name in names]
            recorded = False
            try:
                yield (
                    edits[0].weight
                    if isinstance(layer_name, str) and len(edits) == 1
                    else {edit.name: edit.weight for edit in edits}
                )
                with deferred_interrupts():
                    self._commit(attached, edits, details, dose, act)
                    recorded = True
            except BaseException as error:
                # An interrupt that came while the event was written is raised here, after it: the edit stands.
                if not recorded:
                    with deferred_interrupts():
                        restored = put_all_back(edits)
                        self._record_abort(attached, edits, details, act, error, restored)
                raise
            recorder.notice(attached, found_by="edit")
        recorder.wrote(attached, len(names))

    def _look_before(self, attached: AttachedModel, names: Sequence[str], rows: Sequence[int] | None) -> None:
        """Record writes that nobody announced to the storages about to be edited, and to those that overlap them."""
        own = {attached.sharing.storage_key(name) for name in names}
        beside = {key for name in names for key in attached.overlapping(name)}
        ranges = blocks_of_rows(attached.tensor(names[0]), rows)
        blocks = {} if ranges is None else {attached.sharing.storage_key(names[0]): blocks_in(ranges)}
        self._recorder.unannounced.note(attached, own | beside, found_by="edit", blocks=blocks)

    def _commit(
        self,
        attached: AttachedModel,
        edits: Sequence[StorageEdit],
        details: WriteDetails,
        dose: Dose,
        act: Act | str | None,
    ) -> None:
        self._recorder.journal.refuse_in_batch("edit")
        kept = Kept()
        with self._states.keeper.pointing():
            writes = [_event_of(edit, details, dose, act, kept) for edit in edits]
            alerts = self._judged(attached, edits, acknowledged=details.acknowledged)
            events: list[Payload] = [*writes, *alerts]
            handles = [Recorded(event.event_type, affected_names(event)) for event in writes]
            handles += [Recorded(alert.event_type) for alert in alerts]
            self._recorder.record_kept(attached.name, events, handles, kept, act=act)
        for edit in edits:
            edit.recorded()
        self._settle(alerts)
        if isinstance(act, Act):
            for edit in edits:
                image = edit.image
                undo = Undo(
                    attached.name, edit.name, edit.key, image.live, image.fingerprint_before, image.fingerprint_after
                )
                act.keeps(undo, edit.overlapping, self.undo)

    def _judged(
        self, attached: AttachedModel, edits: Sequence[StorageEdit], *, acknowledged: bool
    ) -> tuple[SafetyAlert, ...]:
        """Hold what an edit did against the rules of safety; give what is to be recorded with it.

        Raises:
            SafetyViolation: A rule denies it.
        """
        gate = self._recorder.gate
        if gate is None:
            return ()
        written = [
            Written(edit.name, edit.change, edit.image.measured.nonfinite_before)
            for edit in edits
            if edit.change is not None and edit.image.measured is not None and edit.change.elements_changed
        ]
        # A stop may have been ordered while the block ran.
        gate.refuse_stopped(attached)
        judgement = gate.judge(gate.measurements(attached, written, acknowledged=acknowledged))
        if judgement.denied_by:
            self._denial = judgement.violation()
            raise self._denial
        return judgement.alerts

    def _settle(self, alerts: Sequence[SafetyAlert]) -> None:
        if self._recorder.gate is not None and alerts:
            self._recorder.gate.settle(alerts)

    def undo(self, undos: Sequence[Undo], act_id: str) -> tuple[Recorded, ...]:
        """Put every storage of an act back, bit for bit, or none; one `revert` event a storage."""
        recorder = self._recorder
        recorder.journal.refuse_in_batch("undo")
        models = {undo.model: self._live(undo.model) for undo in undos}
        for name, attached in models.items():
            recorder.note_sharing(attached)
            keys = {undo.key for undo in undos if undo.model == name}.intersection(attached.sharing.storages)
            recorder.unannounced.note(attached, keys, found_by="restore")
        names = {id(undo): undo.name_now(models[undo.model]) for undo in undos}
        with ExitStack() as held:
            for attached in models.values():
                own = [names[id(undo)] for undo in undos if undo.model == attached.name]
                held.enter_context(attached.claimed(own))
            guards = [StorageEdit(models[undo.model], names[id(undo)], self._states, held) for undo in undos]
            earlier = [self._bytes_before(undo, guard, held) for undo, guard in zip(undos, guards, strict=True)]
            with deferred_interrupts():
                return self._take_back(guards, earlier, act_id)

    def _bytes_before(self, undo: Undo, guard: StorageEdit, held: ExitStack) -> Bytes:
        """Put together what a storage held before the act."""
        image = guard.image
        content = held.enter_context(self._states.scratch.buffer(image.live.nbytes))
        names = guard.attached.sharing.storages[guard.key]
        ways = self._states.ways(undo.model, {guard.key: names})[guard.key]
        live = LiveState(image.live, image.digests_before)
        self._states.bring(Wanted(undo.model, guard.key, names, undo.before, image.live, ways, live), content)
        return content

    def _take_back(self, guards: Sequence[StorageEdit], earlier: Sequence[Bytes], act_id: str) -> tuple[Recorded, ...]:
        details = WriteDetails(method="revert", reverts=act_id, description=f"undo of act {act_id}")
        kept = Kept()
        try:
            # Newest first: what a later write of the act found already had the earlier writes in it.
            for guard, content in zip(reversed(guards), reversed(earlier), strict=True):
                guard.image.live.write(content)
            with self._states.keeper.pointing():
                events = [_event_of(guard, details, Dose(None, False, None), act_id, kept) for guard in guards]
                handles = [Recorded(event.event_type, affected_names(event)) for event in events]
                self._recorder.record_across(
                    [(guard.attached.name, event) for guard, event in zip(guards, events, strict=True)],
                    handles,
                    envelope=Envelope(act=act_id),
                    blobs=kept.blobs,
                )
        except BaseException:
            put_all_back(guards)
            raise
        kept.committed()
        for guard in guards:
            guard.recorded()
        return tuple(handles)

    def _live(self, model: str) -> AttachedModel:
        attached = self._recorder.model(model)
        if not attached.live:
            raise NotAttached(model, remedy="attach the live model: only its sharing map is attached now")
        return attached

    def _record_abort(
        self,
        attached: AttachedModel,
        edits: Sequence[StorageEdit],
        details: WriteDetails,
        act: Act | str | None,
        error: BaseException,
        restored: bool,
    ) -> None:
        """Record that an edit did not happen, and what its block did beside it.

        What could not be put back, and a failure to record it, are told on the exception that is under way.
        """
        if not restored:
            names = ", ".join(edit.name for edit in edits)
            error.add_note(
                f"{names}: bound to another tensor inside the edit, so putting the old bytes back shows nowhere"
            )
        # The denial of an edit inside the block is on record already.
        denied = self._denial if error is self._denial else None
        alerts = [] if denied is None else [alert for alert in denied.alerts if isinstance(alert, SafetyAlert)]
        aborted = [
            EditAborted(
                model=attached.name,
                primary_layer=edit.name,
                storage_key=edit.key,
                error=type(error).__name__,
                message=_storable(str(error)),
                method=details.method if isinstance(details.method, str) else None,
                restored=restored,
                denied_by=() if denied is None else denied.rules,
            )
            for edit in edits
        ]
        events: list[Payload] = [*aborted, *alerts]
        try:
            handles = [Recorded(event.event_type) for event in events]
            with self._recorder.journal.outside_batch():
                self._recorder.record(attached.name, events, handles, envelope=Envelope(act=act))
                self._settle(alerts)
                self._recorder.notice(attached, found_by="edit")
        except PalimpsestError as failure:
            state = "the bytes were put back" if restored else "not every byte could be put back"
            error.add_note(f"{state}, but edit_aborted could not be recorded: {failure}")


def _event_of(edit: StorageEdit, details: WriteDetails, dose: Dose, act: Act | str | None, kept: Kept) -> WriteBase:
    """Measure one storage of an edit, keep what leads back, and say both."""
    own = Kept()
    change = edit.measure(own)
    kept.take(own)
    return write_event(
        edit.attached, edit.name, details, dose, act=act, change=change, overlapping=edit.overlapping, kept=own
    )


def _refuse_without_bytes(attached: AttachedModel, names: Sequence[str]) -> None:
    for name in names:
        if attached.tensor(name).is_meta:
            raise EditError(
                f"{name!r} is a meta tensor: it has no bytes to edit", remedy="load the weights before editing them"
            )


def _storable(text: str) -> str:
    """Give an exception's text in a form every engine can store."""
    return text.encode("utf-8", "replace").decode("utf-8").replace("\x00", "�")[:10_000]
