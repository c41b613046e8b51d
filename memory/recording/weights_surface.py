"""What a memory does with weights besides editing them: restore, compare, read, export, verify earlier states."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from memory.recording.acts import Act
from memory.recording.recorder import Recorder
from memory.recording.states import States

if TYPE_CHECKING:
    from torch.nn import Module

    from memory.projections.runner import ProjectionRunner
    from memory.recording.earlier import EarlierStates, EarlierWeights
    from memory.recording.journal import Recorded
    from memory.recording.restoring import Target
    from memory.recording.shared_earlier import EarlierWeightsOfAll
    from memory.recording.step_watch import StepWatch
    from memory.recording.watch_plan import Watching
    from memory.recording.weight_diff import WeightDiff
    from memory.store.log import EventStore


def _named(target: object) -> object:
    """Say which state or act is meant, as far as it is the same on every rank."""
    return target if target is None or isinstance(target, int | str) else type(target).__name__


class WeightsSurface:
    """The part of `memory.MemorySystem` that is about earlier states of weights."""

    _recorder: Recorder
    _states: States
    _store: EventStore
    _runner: ProjectionRunner

    def watch(
        self,
        label: str = "watch",
        *,
        model: str | None = None,
        deltas: Literal["each", "end"] | int = "each",
        method: str | None = "optimizer_step",
        reason: str | None = None,
        tags: Sequence[str] = (),
        compiled: Literal["keep", "eager"] = "keep",
    ) -> AbstractContextManager[Watching]:
        """Record what code that changes weights by itself writes inside: one event per storage per step.

        A step is what an outermost `Optimizer.step` writes, and what is written between two of them. Its events are
        one append, and one act: the one this code runs in, or its own. However the block ends, what was written stays,
        and is on record. Names bound anew inside are recorded, and writes that nothing saw (numpy, other threads,
        compiled code) are found at the end, as nobody's.

        The log says all that was written; `deltas` says how often the bytes are read too. Positions between two
        readings cannot be restored, and `restore` says so; the weights as they were before can be, always.

        Args:
            label: What is watched, in words.
            model: Which attached model; None for the only one. Nothing else can edit it inside.
            deltas: `each` measures and keeps what changed in every step; a number keeps one delta for so many steps,
                and `end` one for all of them, in an event `states_read`: the bytes before are held so long.
            method: How. `optimizer_step` is no evidence about any storage, since a step writes them all.
            reason: Why.
            tags: Your own tags.
            compiled: `keep` leaves what torch.compile compiled as it is, though what it writes may not be seen; `eager`
                runs it as the Python it was made from.

        Raises:
            BatchError: A batch is open: weights cannot be rolled back with it.
            EditError: An edit, or another watch, is at the model.
            SafetyViolation: The model is under an emergency stop.
            NotAttached: Only a sharing map is attached.
            InvalidArgument: There is no such granularity.

        Example:
            with memory.watch(label="finetune") as watching:
                trainer.train()
            memory.restore(watching.positions[10])   # as step 10 left it
            memory.restore(watching.began)           # as if it had never been
        """
        from memory.recording.watch_plan import plan_of
        from memory.recording.watching import Watcher

        plan = plan_of(label, deltas, method, reason, tags)
        return Watcher(self._recorder, self._states, self._store).watch(plan, model=model, compiled=compiled)

    def watch_steps(
        self,
        label: str = "training",
        *,
        model: str | None = None,
        deltas: Literal["each", "end"] | int = "end",
        steps_per_act: int = 1,
        method: str | None = "optimizer_step",
        reason: str | None = None,
        tags: Sequence[str] = (),
        compiled: Literal["keep", "eager"] = "keep",
    ) -> StepWatch:
        """Record the steps of a training loop of your own, looking only while each is made.

        What `watch` does, for a loop that is not to be enclosed: forwards and backwards run as if nobody looked, an
        exception in them leaves nothing open, and between two steps others may edit the model. What is written there
        unannounced is found by fingerprint, as anywhere.

        Args:
            label: What is watched, in words.
            model: Which attached model; None for the only one.
            deltas: How often the bytes are read: as in `watch`. `StepWatch.read` reads them besides.
            steps_per_act: How many steps make one act, where no act is open around them.
            method: How.
            reason: Why.
            tags: Your own tags.
            compiled: As in `watch`.

        Raises:
            EditError: The model is spread over processes.
            NotAttached: Only a sharing map is attached.
            InvalidArgument: There is no such granularity.

        Example:
            with memory.watch_steps("finetune", deltas=100) as steps:
                for batch in batches:
                    model(**batch).loss.backward()
                    with steps.step():
                        optimizer.step()
                    optimizer.zero_grad()
            memory.restore(steps.watching.positions[100])   # as the hundredth step left it
        """
        from memory.recording.step_watch import StepWatch
        from memory.recording.watch_plan import plan_of

        plan = plan_of(label, deltas, method, reason, tags, first=1, steps_per_act=steps_per_act)
        return StepWatch(self._recorder, self._states, self._store, plan, model=model, compiled=compiled)

    def restore(
        self,
        target: Target | None = None,
        *,
        before: Act | str | None = None,
        model: str | None = None,
        record_unannounced: bool = False,
        reason: str | None = None,
    ) -> Recorded:
        """Put an earlier state of the weights back, bit for bit and in place: the same tensors, ties as they are.

        Everything is put together and proved before a byte of the model changes; then it is swapped in and recorded
        as one `restored` event, or swapped back. A restore is no evidence about any storage, and can be restored from.
        Names that the model got since are left as they are.

        Args:
            target: A position, the name of a checkpoint, or what an earlier call returned: the state right after it.
            before: Instead of a target, an act: the state right before its first write.
            model: Which attached model; None for the only one.
            record_unannounced: Whether writes that nobody announced are recorded first, and then written over.
            reason: Why.

        Raises:
            RestoreError: The state was never kept, was let go, or does not fit the model; or the live weights are not
                what the log says, and nobody said to go on. Nothing was changed.
            CorruptionError: What was kept is damaged; nothing was changed.
            InvalidArgument: There is no such position.
            BatchError: A batch is open.
        """
        from memory.recording.restoring import Restorer

        restorer = Restorer(self._recorder, self._states, self._store, self._runner)
        return self._recorder.on_every_rank(
            ("restore", _named(target), _named(before), model, record_unannounced),
            lambda: restorer.restore(
                target, before=before, model=model, record_unannounced=record_unannounced, reason=reason
            ),
        )

    def at(self, target: Target, *, model: str | None = None) -> EarlierWeights | EarlierWeightsOfAll:
        """Give the weights as they were, without touching the live ones: a read-only mapping of names to tensors.

        Args:
            target: A position, the name of a checkpoint, or what an earlier call returned.
            model: Which model: attached or only on record; None for the only one attached.

        Raises:
            RestoreError: The model was not attached yet. What was never kept, or was let go, is only missed when it is
                asked for.
        """
        from memory.recording.earlier import EarlierWeights

        together = self._recorder.together
        if together is None:
            return EarlierWeights(*self._earlier(target, model))
        from memory.recording.shared_earlier import EarlierWeightsOfAll

        return EarlierWeightsOfAll(
            together, ("at", _named(target), model), lambda: EarlierWeights(*self._earlier(target, model))
        )

    def diff(self, first: Target, second: Target | None = None, *, model: str | None = None) -> WeightDiff:
        """Say what differs between two states: printed, one line for each storage, with all its names.

        Args:
            first: A position, the name of a checkpoint, or what an earlier call returned.
            second: The later state; None for the log's head.
            model: Which model; None for the only one attached.
        """

        def difference() -> WeightDiff:
            source, begin = self._earlier(first, model)
            end = self._store.head().position if second is None else self._earlier(second, model)[1]
            return source.diff(begin, end)

        return self._recorder.on_every_rank(("diff", _named(first), _named(second), model), difference)

    def export(
        self,
        target: Target,
        path: str | os.PathLike[str],
        *,
        model: str | None = None,
        like: Module | None = None,
    ) -> Path:
        """Write a state as a safetensors checkpoint that plain `from_pretrained` loads, tied and bit-equal.

        Args:
            target: A position, the name of a checkpoint, or what an earlier call returned.
            path: A folder that is not there yet, with the configuration of the model that is attached; or a file that
                is not, ending in `.safetensors`.
            model: Which model, attached or only on record; None for the only one attached.
            like: A model of the same class and names, on the meta device if you like: its configuration is written, and
                names are kept as transformers keeps them. None for the one attached; where none is, each tensor is
                under its storage's key, and no configuration is written.

        Returns:
            The path.

        Raises:
            RestoreError: Some of it was never kept, or was let go.
            InvalidArgument: Something is at the path, or `like` has other names.
        """

        def write() -> Path:
            source, position = self._earlier(target, model)
            return source.export(position, path, like)

        return self._recorder.on_every_rank(("export", _named(target), str(path), model), write)

    def verify_weights(self, *, model: str | None = None) -> tuple[Recorded, ...]:
        """Compare every live byte with the log; record every write that nobody announced, with what it changed.

        Args:
            model: Which attached model; None for every one.

        Returns:
            One handle for each write found: none, if the weights are what the log says.
        """
        return self._recorder.on_every_rank(("verify_weights", model), lambda: self._verify_weights(model))

    def _verify_weights(self, model: str | None) -> tuple[Recorded, ...]:
        recorder = self._recorder
        found: list[Recorded] = []
        for attached in recorder.models() if model is None else (recorder.model(model),):
            if attached.live:
                attached.settle()
                recorder.note_sharing(attached)
                keys = set(attached.sharing.storages) - attached.busy
                found += recorder.unannounced.note(attached, keys, found_by="verify")
        return tuple(found)

    def _earlier(self, target: Target, model: str | None) -> tuple[EarlierStates, int]:
        from memory.recording.earlier import EarlierStates
        from memory.recording.restoring import Restorer

        recorder = self._recorder
        attached = {each.name: each for each in recorder.models()}
        name = recorder.model(None).name if model is None else model
        restorer = Restorer(recorder, self._states, self._store, self._runner)
        moment = restorer.moment(target, before=None, model=name)
        return EarlierStates(self._states, self._store, self._runner, name, attached.get(name)), moment.position
