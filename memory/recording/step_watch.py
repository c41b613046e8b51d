"""Watches a training loop only while its steps are made: nothing is open, and nothing is held back, in between."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Literal, Self

from introspection.capture import WriteCapture
from memory.errors import InvalidArgument, PalimpsestError
from memory.recording.interrupts import deferred_interrupts
from memory.recording.watch_plan import Watching, WatchPlan
from memory.recording.watched_steps import WatchedSteps
from memory.recording.watching import watchable

if TYPE_CHECKING:
    from memory.recording.recorder import Recorder
    from memory.recording.states import States
    from memory.store.log import EventStore


class StepWatch:
    """A watch of steps that are shown to it one by one; a context manager, which ends it.

    Between two steps it holds the bytes that were before what it has not read yet, and nothing else: no hook, no mode.
    Whoever edits, restores, watches, verifies or saves the model then has it read them first.

    Args:
        recorder: Where events go.
        states: Keeps what leads from one state of a storage to the next.
        store: The log.
        plan: How to record.
        model: Which attached model; None for the only one.
        compiled: What becomes of compiled code inside a step.

    Raises:
        EditError: The model is spread over processes.
        NotAttached: Only a sharing map is attached.
    """

    def __init__(
        self,
        recorder: Recorder,
        states: States,
        store: EventStore,
        plan: WatchPlan,
        *,
        model: str | None,
        compiled: Literal["keep", "eager"],
    ) -> None:
        self._recorder = recorder
        self._store = store
        self._attached, self._module = watchable(recorder, model)
        self._steps = WatchedSteps(recorder, states, self._attached, plan)
        self._compiled = compiled
        self._number = plan.first - 1
        self._state: Literal["new", "going", "ended"] = "new"

    @property
    def watching(self) -> Watching:
        """What was recorded so far: positions, by the number of a step."""
        return self._steps.watching

    @property
    def model(self) -> str:
        """The model that is watched."""
        return self._attached.name

    @contextmanager
    def step(self, number: int | None = None) -> Iterator[Watching]:
        """Record what is written inside as one step; what ends the block leaves what was written until then on record.

        Args:
            number: The number of the step, where they are counted elsewhere; None for the next one, the first being 1.

        Raises:
            BatchError: A batch is open.
            EditError: An edit, or a watch, is at the model.
            SafetyViolation: The model is under an emergency stop.
            InvalidArgument: The watch has ended, or the number is not above the last one's.
        """
        recorder, attached, steps = self._recorder, self._attached, self._steps
        recorder.journal.refuse_in_batch("a watched step")
        number = self._number + 1 if number is None else number
        if self._state == "ended" or number <= self._number:
            raise InvalidArgument("number", number, f"the watch {self._said}")
        if recorder.gate is not None:
            recorder.gate.refuse_stopped(attached)
        self._hold()
        made = steps.watching.steps
        try:
            recorder.note_sharing(attached)
            capture = WriteCapture(
                self._module,
                steps.before_write,
                fingerprints=False,
                compiled=self._compiled,
                on_step=steps.step_ended,
            )
            steps.take_up(capture, number)
            if self._state == "new":
                steps.begin()
                steps.watching.began = self._store.head().position
                self._state = "going"
            self._number = number
            with ExitStack() as window:
                window.enter_context(capture)
                try:
                    yield steps.watching
                except BaseException as error:
                    with deferred_interrupts():
                        try:
                            window.close()
                        except PalimpsestError as failure:
                            error.add_note(f"not all that was written inside the step could be recorded: {failure}")
                    raise
        finally:
            self._pause()
        if steps.watching.steps > made:
            recorder.wrote(attached)

    def read(self) -> int | None:
        """Read now what was left unread; give the position of the state that the last step left.

        Returns:
            The position, which can be restored; None where no step was recorded.
        """
        if self._steps.unread:
            self._hold()
            self._settle()
        return self.watching.positions.get(max(self.watching.positions, default=0))

    def end(self) -> None:
        """Read what was left unread, and find what nobody saw being written. Ending twice changes nothing."""
        going, self._state = self._state == "going", "ended"
        if not going:
            return
        self._hold()
        try:
            with deferred_interrupts():
                self._steps.finish()
        finally:
            self._steps.let_go()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()

    @property
    def _said(self) -> str:
        return "has ended" if self._state == "ended" else f"is at step {self._number} already: give a greater number"

    def _hold(self) -> None:
        """Keep other edits away: they are still kept away where something is unread."""
        if self._attached.between_steps == self._settle:
            self._attached.between_steps = None
        else:
            self._steps.claim()

    def _pause(self) -> None:
        """Let others have the model, at once or as soon as they want it."""
        if self._steps.unread:
            self._attached.between_steps = self._settle
        else:
            self._steps.let_go()

    def _settle(self) -> None:
        try:
            self._steps.read()
        finally:
            self._steps.let_go()
