"""Write capture: every in-place write into a model's memory as it happens, and the names whose bytes it meets."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from types import TracebackType
from typing import Any, Literal

import torch
from torch import nn
from torch._ops import OpOverload
from torch.optim.optimizer import register_optimizer_step_post_hook, register_optimizer_step_pre_hook

from introspection.capture_mode import CaptureMode, eager_inside
from introspection.captured import CapturedWrite, WriteLog
from introspection.errors import InvalidArgument
from introspection.parts import is_plain
from introspection.quick_fingerprint import quick_fingerprints
from introspection.selected_elements import selected_runs, selection_of
from introspection.sharing import SharingDiff, SharingMap
from introspection.watched_memory import Meeting, Rebound, WatchedMemory, WatchedStorage
from introspection.write_schema import WrittenArguments

OnWrite = Callable[[tuple[str, ...]], None]
OnStep = Callable[[tuple[CapturedWrite, ...]], None]


class WriteCapture:
    """While open, records every in-place write into a model's memory, under exactly the names whose bytes are met.

    A write is seen by whatever way it reaches the dispatcher: through any alias or older view, `.data`, `copy_`,
    indexing, `out=`, `torch._foreach_*`, any optimiser, `load_state_dict`, inside `no_grad` and inference mode, in
    backward. What does not reach it (numpy, other threads and processes, kernels that inductor generates) is found at
    the end by fingerprint: `unattributed`. A name bound to other memory is no write: `rebound`.

    Writes are gathered by step. A step ends before and after every outermost `Optimizer.step` of the thread that opened
    the capture, at `mark_step`, and with the window; one in which nothing was written does not count.

    One capture is one window. Windows can be nested, on one model or several; each sees what is written inside it.

    Args:
        model: Any torch module.
        on_write: Called with storage keys before their bytes change for the first time in a step: to take an image of
            what was. Called for every storage that the write meets. What it writes itself is not captured; an exception
            in it stops the write, and propagates.
        on_step: Called with the records of a step when it has ended. What it writes itself is not captured.
        fingerprints: Reads all weights once at the beginning, and at the end those without captured writes.
        verify_each_step: Reads a storage's bytes before the first captured write of each step, and at its end, so that
            other writes are told from captured ones, except those made between the two.
        compiled: `keep`: what torch.compile compiled runs compiled; what it writes itself is found by fingerprint.
            `eager`: it runs as the Python it was made from, so that every write is seen; afterwards compiled again.

    Raises:
        NotAModel: `model` is no torch.nn.Module.
        InvalidArgument: `compiled` is neither of the two, or `verify_each_step` without fingerprints.

    Example:
        with WriteCapture(model) as capture:
            optimizer.step()
        for write in capture.writes:
            print(write.step, write.storage_key, write.names, dict(write.operators))
    """

    def __init__(
        self,
        model: nn.Module,
        on_write: OnWrite | None = None,
        fingerprints: bool = True,
        compiled: Literal["keep", "eager"] = "keep",
        *,
        on_step: OnStep | None = None,
        verify_each_step: bool = False,
    ) -> None:
        if compiled not in ("keep", "eager"):
            raise InvalidArgument("compiled", compiled, 'give "keep" or "eager"')
        if verify_each_step and not fingerprints:
            raise InvalidArgument("verify_each_step", True, "leave fingerprints=True: a step is verified by them")
        self._model = model
        self._on_write = on_write
        self._on_step = on_step
        self._fingerprints = fingerprints
        self._verify_each_step = verify_each_step
        self._compiled = compiled
        self._memory = WatchedMemory(model)
        self._sharing_before = self._memory.sharing
        self._log = WriteLog()
        self._rebound: set[str] = set()
        self._unattributed: set[str] = set()
        self._unchecked: tuple[str, ...] = ()
        self._touched: dict[str, WatchedStorage] = {}
        self._steps = _OptimizerSteps(self._end_step)
        self._state: Literal["new", "open", "closed"] = "new"
        self._calling_back = False
        self._lock = threading.RLock()
        self._stack = ExitStack()

    @property
    def writes(self) -> tuple[CapturedWrite, ...]:
        """One record for each step and storage written, in that order; the open step included."""
        return self._log.records()

    @property
    def step(self) -> int:
        """Number of the step that is open."""
        return self._log.step

    @property
    def unattributed(self) -> tuple[str, ...]:
        """Keys of storages whose bytes were changed by something that was not seen; complete when the window ended."""
        return tuple(sorted(self._unattributed))

    @property
    def unchecked(self) -> tuple[str, ...]:
        """Keys of storages of which it is not known, at the window's end, whether anything unseen wrote them.

        Without `verify_each_step` these are the storages with captured writes: they changed, and a fingerprint does not
        tell by whom. Besides, those without readable bytes; and all, without fingerprints.
        """
        return self._unchecked

    @property
    def rebound(self) -> tuple[str, ...]:
        """Names that were bound to other memory inside the window, and so changed without a write."""
        return tuple(sorted(self._rebound))

    @property
    def sharing_change(self) -> SharingDiff:
        """What was tied, untied, added and removed from the window's beginning to now, or to its end."""
        return self._sharing_before.diff(self._memory.sharing)

    @property
    def sharing_before(self) -> SharingMap:
        """The map when the window began."""
        return self._sharing_before

    @property
    def sharing_after(self) -> SharingMap:
        """The map now, or when the window ended."""
        return self._memory.sharing

    def mark_step(self) -> None:
        """Ends the open step: what is written from now on is of another.

        Raises:
            InvalidArgument: The window is not open.
        """
        if self._state != "open":
            raise InvalidArgument("mark_step", f"a step of a {self._state} window", "call it inside the with block")
        self._steps.forget()
        self._end_step()

    def take_writes(self) -> tuple[CapturedWrite, ...]:
        """The records of all ended steps, which are then forgotten: a long window need hold no more than a step."""
        return self._log.take()

    def __enter__(self) -> WriteCapture:
        if self._state != "new":
            raise InvalidArgument("WriteCapture", f"a window that is {self._state}", "make a new capture")
        with ExitStack() as stack:
            stack.callback(self._memory.close)
            self._memory.open()
            self._sharing_before, self._rebound = self._memory.sharing, set()
            self._take_fingerprints(self._memory.storages.values())
            stack.callback(self._steps.close)
            self._steps.open()
            if self._compiled == "eager":
                stack.enter_context(eager_inside())
            stack.enter_context(CaptureMode(self._write))
            self._stack = stack.pop_all()
        self._state = "open"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._state = "closed"
        try:
            self._stack.__exit__(kind, error, traceback)
        finally:
            self._finish()

    def _write(
        self, operator: OpOverload, written: WrittenArguments, args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> Any:
        """Runs an operator that writes, and records what of the model it wrote."""
        if self._calling_back:
            return operator(*args, **kwargs)
        tensors = written.tensors(args, kwargs)
        with self._lock:
            if not self._steps.inside:
                self._note(self._memory.follow())
            meetings = [meeting for tensor in tensors if (meeting := self._memory.met_by(tensor)) is not None]
            if meetings:
                meetings = self._meetings(meetings, operator, tensors, args)
            if meetings:
                self._announce(meetings)
        # The operator's own callable does as the overload does, one Python call sooner.
        call = operator._op if type(operator) is OpOverload else operator
        result = call(*args, **kwargs)
        if meetings or written.rebinds:
            with self._lock:
                for meeting in meetings:
                    self._record(meeting, written.operator)
                if written.rebinds or not all(map(is_plain, tensors)) or self._memory.may_part(meetings):
                    self._memory.distrust()
        return result

    def _meetings(
        self, meetings: list[Meeting], operator: OpOverload, tensors: list[torch.Tensor], args: tuple[Any, ...]
    ) -> list[Meeting]:
        """What the call will write of what its tensors meet."""
        memory = self._memory
        if self._steps.inside and not all(memory.in_place(meeting.storages) for meeting in meetings):
            memory.distrust()
            self._note(memory.follow())
            meetings = [meeting for meeting in map(memory.met_by, tensors) if meeting is not None]
        selection = selection_of(operator)
        if selection is None or not meetings or not is_plain(tensors[0]) or tensors[0].is_meta:
            return meetings
        if selection.nothing(args):
            return []
        if meetings[0].whole:
            return meetings
        partial = memory.met_partly(tensors[0], meetings[0], selected_runs(selection, args))
        return [partial] if partial is not None else []

    def _announce(self, meetings: list[Meeting]) -> None:
        step = self._log.step
        found = {storage.key: storage for met in meetings for storage in met.storages if storage.announced != step}
        if not found:
            return
        first = dict(sorted(found.items()))
        if self._verify_each_step:
            self._compare(first.values())
        if self._on_write is not None:
            self._on_write(tuple(first))
        for storage in first.values():
            storage.announced = step

    def _record(self, meeting: Meeting, operator: str) -> None:
        for storage in meeting.storages:
            storage.written = True
            self._touched[storage.key] = storage
        for primary, names, keys in meeting.primaries:
            self._log.add(primary.key, names, keys, operator)

    def _end_step(self) -> None:
        with self._lock:
            self._note(self._memory.look())
            closed = self._log.close_step()
            if not closed:
                return
            if self._verify_each_step:
                known = self._memory.storages
                self._take_fingerprints([known[key] for key in self._touched if key in known])
            self._touched = {}
            if self._on_step is not None:
                self._calling_back = True
                try:
                    self._on_step(closed)
                finally:
                    self._calling_back = False

    def _note(self, rebound: Rebound | None) -> None:
        if rebound is not None:
            self._rebound.update(rebound.names)
            self._take_fingerprints(rebound.storages)

    def _take_fingerprints(self, storages: Iterable[WatchedStorage]) -> None:
        if self._fingerprints:
            wanted = {storage.key: storage for storage in storages}
            for key, found in quick_fingerprints({key: storage.tensor for key, storage in wanted.items()}).items():
                wanted[key].fingerprint = found

    def _compare(self, storages: Iterable[WatchedStorage]) -> None:
        """Finds what was changed since its fingerprint was taken."""
        wanted = {storage.key: storage for storage in storages if storage.fingerprint is not None}
        for key, found in quick_fingerprints({key: storage.tensor for key, storage in wanted.items()}).items():
            if found != wanted[key].fingerprint:
                self._unattributed.add(key)

    def _finish(self) -> None:
        self._end_step()
        storages = self._memory.storages.values()
        telling = [
            storage
            for storage in storages
            if storage.fingerprint is not None and (self._verify_each_step or not storage.written)
        ]
        self._compare(telling)
        self._unchecked = tuple(sorted({storage.key for storage in storages} - {storage.key for storage in telling}))
        self._memory.release()


class _OptimizerSteps:
    """Tells when an optimiser's step begins and ends, in one thread, by torch's own global hooks."""

    def __init__(self, boundary: Callable[[], None]) -> None:
        self._boundary = boundary
        self._running: list[int] = []
        self._thread = 0
        self._handles: list[Any] = []

    @property
    def inside(self) -> bool:
        """Whether a step is being made."""
        return bool(self._running)

    def open(self) -> None:
        """Begins to listen."""
        self._thread = threading.get_ident()
        self._handles = [
            register_optimizer_step_pre_hook(self._before),
            register_optimizer_step_post_hook(self._after),
        ]

    def close(self) -> None:
        """Stops listening."""
        for handle in self._handles:
            handle.remove()
        self.forget()

    def forget(self) -> None:
        """Takes every step for ended."""
        self._running.clear()

    def _before(self, optimizer: torch.optim.Optimizer, args: Any, kwargs: Any) -> None:
        if threading.get_ident() != self._thread:
            return
        if id(optimizer) in self._running:
            # Its last step raised: no hook is called then.
            del self._running[self._running.index(id(optimizer)) :]
        if not self._running:
            self._boundary()
        self._running.append(id(optimizer))

    def _after(self, optimizer: torch.optim.Optimizer, args: Any, kwargs: Any) -> None:
        if threading.get_ident() != self._thread or id(optimizer) not in self._running:
            return
        del self._running[self._running.index(id(optimizer)) :]
        if not self._running:
            self._boundary()
