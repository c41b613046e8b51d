"""Watches code that changes weights by itself: every in-place write inside is on record, and can be undone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Literal

from introspection.capture import WriteCapture
from memory.errors import EditError, NotAttached, PalimpsestError
from memory.recording.interrupts import deferred_interrupts
from memory.recording.watch_plan import Watching, WatchPlan
from memory.recording.watched_steps import WatchedSteps

if TYPE_CHECKING:
    from torch.nn import Module

    from memory.recording.attached import AttachedModel
    from memory.recording.recorder import Recorder
    from memory.recording.states import States
    from memory.store.log import EventStore


class Watcher:
    """Records what code that knows nothing of a memory writes to live weights.

    Args:
        recorder: Where events go.
        states: Keeps what leads from one state of a storage to the next.
        store: The log.
    """

    def __init__(self, recorder: Recorder, states: States, store: EventStore) -> None:
        self._recorder = recorder
        self._states = states
        self._store = store

    @contextmanager
    def watch(self, plan: WatchPlan, *, model: str | None, compiled: Literal["keep", "eager"]) -> Iterator[Watching]:
        """Record what is written inside; whatever ends the block, what was written until then is on record."""
        recorder = self._recorder
        recorder.journal.refuse_in_batch("watch")
        attached, module = watchable(recorder, model)
        if recorder.gate is not None:
            recorder.gate.refuse_stopped(attached)
        recorder.note_sharing(attached)
        with WatchedSteps(recorder, self._states, attached, plan) as steps, ExitStack() as window:
            capture = WriteCapture(
                module, steps.before_write, fingerprints=False, compiled=compiled, on_step=steps.step_ended
            )
            steps.take_up(capture)
            steps.begin()
            steps.watching.began = self._store.head().position
            window.enter_context(capture)
            try:
                yield steps.watching
            except BaseException as error:
                with deferred_interrupts():
                    try:
                        _end(window, steps)
                    except PalimpsestError as failure:
                        error.add_note(f"not all that was written inside the watch could be recorded: {failure}")
                raise
            with deferred_interrupts():
                _end(window, steps)
        recorder.wrote(attached, steps.watching.steps)


def watchable(recorder: Recorder, model: str | None) -> tuple[AttachedModel, Module]:
    """Give a model that can be watched.

    Raises:
        EditError: It is spread over processes.
        NotAttached: Only a sharing map is attached.
    """
    if recorder.together is not None:
        raise EditError(
            "a model that is spread over processes cannot be watched: each sees its own shards only",
            remedy="edit it through memory.edit, or report its steps with record_modification",
        )
    attached = recorder.model(model)
    if attached.module is None:
        raise NotAttached(attached.name, remedy="attach the live model: only its sharing map is attached now")
    return attached, attached.module


def _end(window: ExitStack, steps: WatchedSteps) -> None:
    """End the capture, and with it the last step; then read and compare what is left to."""
    window.close()
    steps.finish()
