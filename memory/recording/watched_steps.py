"""Records the steps of a watch: one append each, one event for every storage written, and what leads back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from types import TracebackType
from typing import TYPE_CHECKING, Self

from introspection.captured import CapturedWrite
from introspection.errors import UnsupportedStorage
from introspection.sharing import SharingMap
from memory.events.modifications import Change, WriteBase
from memory.events.weights import StatesRead
from memory.recording.acts import Act
from memory.recording.attached import AttachedModel
from memory.recording.editing import StorageImage, Undo
from memory.recording.editor import Editor
from memory.recording.interrupts import deferred_interrupts
from memory.recording.journal import Recorded
from memory.recording.states import Kept, States
from memory.recording.watch_plan import Watching, WatchPlan
from memory.recording.writes import Dose, affected_names, write_event

if TYPE_CHECKING:
    from introspection.capture import WriteCapture
    from memory.recording.recorder import Recorder

_NO_DOSE = Dose(None, False, None)


@dataclass(slots=True)
class _Found:
    """What is known of one storage at a step's end."""

    kept: Kept = field(default_factory=Kept)
    change: Change | None = None
    """None where it was not read, or the bytes before were not held."""
    fingerprint: str | None = None
    """Where it was read, and there is no change to say it."""


class WatchedSteps:
    """Turns what a capture sees of a model into events, and keeps other edits away from it meanwhile.

    Where the bytes are read in each step, its events say what changed and how to get back. Otherwise they say what was
    written, and that it was not read; now and then one `states_read` says what all of that came to. In between, the
    bytes before are held.

    Args:
        recorder: Where events go.
        states: Keeps what leads from one state of a storage to the next.
        attached: The model.
        plan: How to record.

    Raises:
        EditError: An edit is at some of the model's bytes.
    """

    def __init__(self, recorder: Recorder, states: States, attached: AttachedModel, plan: WatchPlan) -> None:
        self.watching = Watching(plan.label)
        self._recorder = recorder
        self._states = states
        self._attached = attached
        self._plan = plan
        self._images: dict[str, StorageImage] = {}
        """The bytes before the first write since they were read last, by storage key."""
        self._unkept: set[str] = set()
        """Of these, those of which no event was recorded yet."""
        self._unread: set[str] = set()
        """Storages that were written since they were read last."""
        self._moved: dict[str, str] = {}
        """Of those whose bytes before are held, the key when they were written to the key now, where names were bound
        anew since."""
        self._buffers = ExitStack()
        self._claims = ExitStack()
        self._capture: WriteCapture | None = None
        self._seen: SharingMap | None = None
        """The capture's map when the memory last looked at how names are bound."""
        self._number: int | None = None
        """What the step of this window is numbered; None where the capture counts steps."""
        self._last = -1
        """The number of the last step recorded."""

    def __enter__(self) -> Self:
        self.claim()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.let_go()

    def claim(self) -> None:
        """Keep other edits away.

        Raises:
            EditError: An edit is at some of the model's bytes.
        """
        self._claims.enter_context(self._attached.claimed(self._attached.sharing.storages))

    def let_go(self) -> None:
        """Let go of the bytes before, and let others edit."""
        self._release()
        self._claims.close()

    @property
    def unread(self) -> bool:
        """Whether something was written since it was read last."""
        return bool(self._unread)

    def take_up(self, capture: WriteCapture, number: int | None = None) -> None:
        """Go on with what another capture sees.

        Args:
            capture: The capture.
            number: What all that it sees is numbered; None where it counts steps itself.
        """
        self._capture, self._seen, self._number = capture, capture.sharing_after, number

    def begin(self) -> None:
        """Record what nobody announced before; refuse what could not be recorded of a step."""
        attached = self._attached
        for key in sorted(attached.sharing.storages)[:1]:
            write_event(attached, key, self._plan.details(0, {}), _NO_DOSE, act=None, overlapping={})
        self._recorder.unannounced.note(attached, attached.sharing.storages, found_by="watch")

    def before_write(self, keys: tuple[str, ...]) -> None:
        """Hold the bytes of storages that are about to be written, once they are what the log says."""
        with self._recorder.journal.outside_batch():
            self._follow()
            new = [key for key in keys if key not in self._images and key in self._attached.sharing.storages]
            self._recorder.unannounced.note(self._attached, new, found_by="watch")
        for key in new:
            try:
                self._images[key] = StorageImage(self._attached, key, self._states, self._buffers)
            except UnsupportedStorage:
                # It is in no plain form: a digest may be read of it, and nothing be measured.
                continue
            self._unkept.add(key)

    def step_ended(self, records: Sequence[CapturedWrite]) -> None:
        """Record a step: all of it, or nothing."""
        step = records[0].step if self._number is None else self._number
        # An interrupt that comes meanwhile is raised afterwards: the step stands.
        with deferred_interrupts(), self._recorder.journal.outside_batch():
            try:
                self._follow()
                written = self._written(records)
                if written:
                    self._record(step, written)
                if self._plan.reads(step):
                    self._read(step)
            finally:
                if self._plan.reads(step):
                    self._release()
                if self._capture is not None:
                    self._capture.take_writes()

    def read(self) -> None:
        """Read what was left unread."""
        with deferred_interrupts(), self._recorder.journal.outside_batch():
            self._recorder.note_sharing(self._attached)
            self._read(self._last)

    def finish(self) -> None:
        """Read what was left unread; find what nobody saw being written, and names bound anew."""
        recorder, attached = self._recorder, self._attached
        self.read()
        with recorder.journal.outside_batch():
            recorder.unannounced.note(attached, attached.sharing.storages, found_by="watch")

    def _record(self, step: int, written: Mapping[str, Mapping[str, int]]) -> None:
        """Append a step's events, in one act: the one this code runs in, or its own."""
        recorder, attached, plan = self._recorder, self._attached, self._plan
        around = recorder.act_of(None)
        with ExitStack() as held:
            held.enter_context(self._states.keeper.pointing())
            act = around
            if act is None:
                act = held.enter_context(recorder.act(f"{plan.label}, step {step}", self._act_of(step)))
            carried = self._carried(written)
            found = {key: self._found(key) for keys in carried.values() for key in keys}
            events = [
                write_event(
                    attached,
                    key,
                    plan.details(step, operators),
                    _NO_DOSE,
                    act=act,
                    change=found[key].change,
                    fingerprint=found[key].fingerprint,
                    kept=_together(found[each].kept for each in carried[key]),
                )
                for key, operators in written.items()
            ]
            handles = [Recorded(event.event_type, affected_names(event)) for event in events]
            kept = _together(each.kept for each in found.values())
            recorder.record_kept(attached.name, events, handles, kept, act=act)
        self._unkept.difference_update(found)
        for event in events:
            attached.fingerprints |= event.digests_after
        watching = self.watching
        watching.steps = step + 1 if self._number is None else watching.steps + (step != self._last)
        watching.act = act.id if isinstance(act, Act) else act
        watching.recorded, self._last = tuple(handles), step
        if plan.every == 1:
            self.watching.positions[step] = handles[-1].position
            self._measured(found, events, around)
        else:
            self._unread.update(found)

    def _act_of(self, step: int) -> str | None:
        """Give the act that a step belongs to with the step before it; None: an act of its own."""
        plan = self._plan
        together = self._last >= plan.first and plan.act_number(step) == plan.act_number(self._last)
        return self.watching.act if together else None

    def _measured(self, found: Mapping[str, _Found], events: Sequence[WriteBase], around: Act | str | None) -> None:
        """Take over what was measured; let an act that the user opened undo it."""
        for key, each in found.items():
            if each.change is not None:
                self._images[key].recorded()
        if not isinstance(around, Act):
            return
        undoer = Editor(self._recorder, self._states).undo
        for event in events:
            key, change = event.storage_key, event.change
            if change is not None:
                before, after = change.fingerprint_before, change.fingerprint_after
                undo = Undo(self._attached.name, key, key, self._images[key].live, before, after)
                around.keeps(undo, event.overlapping, undoer)

    def _read(self, step: int) -> None:
        """Read what was written and not read; record what it holds, and what leads back over all of its steps."""
        attached, kept = self._attached, Kept()
        held: dict[str, str] = {}
        measured: list[StorageImage] = []
        # Where names were bound anew, what was not read may be under another key by now.
        unread = {key for key in attached.sharing.storages if attached.fingerprints.get(key) is None}
        with self._states.keeper.pointing():
            for key in sorted(unread | self._unread.intersection(attached.sharing.storages)):
                image = self._image(key)
                if image is not None:
                    image.measure(kept)
                    measured.append(image)
                    held[key] = image.fingerprint_after
                elif (found := attached.fingerprint_now(key)) is not None:
                    held[key] = found
            if held:
                event = StatesRead(
                    model=attached.name,
                    label=self._plan.label,
                    step=step,
                    storages=tuple(state for state in attached.on_record(held) if state.key in held),
                    deltas=tuple(kept.deltas),
                    keyframes=tuple(kept.keyframes),
                )
                handle = Recorded(event.event_type)
                self._recorder.record_kept(attached.name, [event], [handle], kept)
                self.watching.positions[step] = handle.position
        attached.fingerprints |= held
        for image in measured:
            image.recorded()
        self._unread.clear()

    def _found(self, key: str) -> _Found:
        """Say what one storage came to in a step, as far as it is to be read."""
        found, image = _Found(), self._image(key)
        if self._plan.every == 1 and image is not None:
            found.change = image.measure(found.kept)
            return found
        if key in self._unkept:
            self._images[key].keep_before(found.kept)
        if self._plan.every == 1:
            found.fingerprint = self._attached.fingerprint_now(key)
        return found

    def _image(self, key: str) -> StorageImage | None:
        """Give the bytes that a storage held before; None where they are not held, or its name views others now."""
        image = self._images.get(key)
        shown = image is not None and image.live.reachable and image.live.shows(self._attached.tensor(key))
        return image if shown else None

    def _carried(self, written: Iterable[str]) -> dict[str, list[str]]:
        """Give each storage written with those whose deltas its event carries: its own, and such as have no event."""
        carried = {key: [key] for key in written}
        taken = set(carried)
        for key, keys in carried.items():
            keys += [beside for beside in self._attached.overlapping(key) if beside not in taken]
            taken.update(keys)
        return carried

    def _written(self, records: Iterable[CapturedWrite]) -> dict[str, dict[str, int]]:
        """Give each storage written, by its key now, with the operators that wrote it."""
        sharing = self._attached.sharing
        written: dict[str, dict[str, int]] = {}
        for record in records:
            key = record.storage_key
            if key in self._moved and key not in self._images:
                key = self._moved[key]
            names = [name for name in (key, *record.names) if name in sharing.names]
            if not names:
                # Nothing views it any more.
                continue
            operators = written.setdefault(sharing.storage_key(names[0]), {})
            for operator, count in record.operators:
                operators[operator] = operators.get(operator, 0) + count
        return dict(sorted(written.items()))

    def _follow(self) -> None:
        """Record how sharing changed where the capture saw names bound anew, and claim what is there now."""
        sharing = None if self._capture is None else self._capture.sharing_after
        if sharing is not self._seen:
            self._seen = sharing
            self._recorder.note_sharing(self._attached)
            self._claims.close()
            self.claim()
            self._go_on_under_new_keys()

    def _go_on_under_new_keys(self) -> None:
        """Follow bytes that other names view now: as when an adapter that was merged is taken out of its model."""
        attached = self._attached
        gone = {
            key: image
            for key, image in self._images.items()
            if image.live.reachable and not (key in attached.sharing.storages and self._image(key))
        }
        moved: dict[str, str] = {}
        for key, image in gone.items():
            found = (other for other in attached.sharing.storages if image.live.shows(attached.tensor(other)))
            if (now := next(found, None)) is not None:
                moved[key] = image.key = now
        self._images = {moved.get(key, key): image for key, image in self._images.items()}
        self._unkept = {moved.get(key, key) for key in self._unkept}
        self._unread = {moved.get(key, key) for key in self._unread}
        self._moved = {key: moved.get(now, now) for key, now in self._moved.items()} | moved

    def _release(self) -> None:
        """Let go of the bytes before."""
        self._images.clear()
        self._unkept.clear()
        self._moved.clear()
        self._buffers.close()


def _together(kept: Iterable[Kept]) -> Kept:
    """Give all that was kept as one."""
    whole = Kept()
    for each in kept:
        whole.take(each)
    return whole
