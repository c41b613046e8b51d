"""Stops a live model: as long as the brake is on, every forward of it and of its parts raises."""

from __future__ import annotations

import logging
import weakref
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch

from introspection.names import named_modules
from memory.safety.emergency import violation
from memory.safety.inert import Hook, forget_compiled
from memory.safety.surroundings import Stop
from memory.store.forking import ForkSafeLock

if TYPE_CHECKING:
    from torch.nn import Module
    from torch.utils.hooks import RemovableHandle


_log = logging.getLogger(__name__)


class Brake:
    """The brake of one live model; it holds no module of it.

    It is a forward pre-hook on the model and on each module in it, before every other, so that a part that is called by
    itself stops too. What it cannot stop is code that calls no module (`module.forward(...)` of a module without
    children, the arithmetic itself), and TorchScript, whose modules take no such hooks.
    """

    def __init__(self, log: str, name: str, module: Module, stop: Stop) -> None:
        self.log = log
        self.name = name
        self._module = weakref.ref(module)
        self._hook = _Stopped(name, stop)
        self._handles: list[RemovableHandle] = []
        seen: set[int] = set()
        try:
            for _, each in named_modules(module):
                if id(each) not in seen and not isinstance(each, torch.jit.ScriptModule):
                    seen.add(id(each))
                    self._handles.append(each.register_forward_pre_hook(self._hook, prepend=True))
        except BaseException:
            self.release()
            raise
        if not self._handles:
            _log.warning("model %r is TorchScript: its forwards cannot be stopped, only edits of it", name)
        forget_compiled()

    @property
    def gone(self) -> bool:
        """Whether the model is there no more."""
        return self._module() is None

    def is_on(self, module: Module) -> bool:
        """Whether this is the brake of that very model."""
        return self._module() is module

    def says(self, stop: Stop) -> None:
        """Have forwards raise with this stop."""
        self._hook.stop = stop

    def release(self) -> None:
        """Let the model run again, and every copy of it that was made meanwhile."""
        self._hook.in_force = False
        for handle in self._handles:
            handle.remove()
        self._handles = []
        forget_compiled()


# Of the process, not of the memory that stopped the model: closing that one lets nothing run, and whoever opens the log
# again can let it.
_brakes: list[Brake] = []
_lock = ForkSafeLock()


def keep_brakes(log: str, live: Mapping[str, Module], stops: Sequence[Stop]) -> None:
    """Put the brake on every model that a log says is stopped, and take it off every other that has one of this log.

    Args:
        log: Which log.
        live: The models attached to it now, by name. Others that are under a brake of it stay so until that is cleared.
        stops: The stops in force.
    """

    def stop_of(name: str) -> Stop | None:
        return next((stop for stop in stops if stop.concerns(name)), None)

    with _lock:
        for brake in [each for each in _brakes if each.gone or (each.log == log and stop_of(each.name) is None)]:
            _brakes.remove(brake)
            brake.release()
        for name, module in live.items():
            stop = stop_of(name)
            if stop is None:
                continue
            on = [each for each in _brakes if each.log == log and each.is_on(module)]
            if not on:
                _brakes.append(Brake(log, name, module, stop))
            for brake in on:
                brake.says(stop)


class _Stopped(Hook):
    def __init__(self, name: str, stop: Stop) -> None:
        super().__init__()
        self._name = name
        self.stop = stop

    def __call__(self, module: Module, args: Any) -> None:
        if self.in_force:
            raise violation(self._name, self.stop)
