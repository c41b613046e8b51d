"""A check, quick enough to make at every write, of whether a model still holds the tensors it held, where it did."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import chain
from operator import is_
from typing import Any

import torch
from torch import nn
from torch.nn.modules import module as module_hooks
from torch.nn.parameter import is_lazy

from introspection.names import walk
from introspection.parts import is_opaque, is_plain, strided_parts
from introspection.regions import first_byte

_values_of: Callable[[dict[str, Any]], Iterable[Any]] = dict.values
_END = object()


class Tripwire:
    """Taken of a model at one moment; `tripped` tells whether a name was bound to other memory since.

    Far quicker than a scan: every dictionary of every module is asked whether it holds the same objects, and every
    tensor whether it has the same address and as many elements. What that does not show (a view of the same memory with
    as many elements and other strides, the tensor inside a wrapper exchanged) a scan shows at the end of the step.

    What is registered on a module that had nothing of the kind before, only `RegistrationHooks` show.

    Holds the tensors: an object that is kept cannot be mistaken for a new one at its address.
    """

    def __init__(self, model: nn.Module) -> None:
        met = walk(model)
        modules = list({id(module): module for _, module in met.modules}.values())
        self._dictionaries: list[dict[str, Any]] = [
            held
            for module in modules
            for held in (module._parameters, module._buffers, module._modules)
            # What TorchScript keeps is in no dictionary, and is not bound anew from Python.
            if isinstance(held, dict) and held
        ]
        self._held = [*self._values(), _END]
        tensors = {id(held.tensor): held.tensor for held in met.tensors}.values()
        self._waiting = [tensor for tensor in tensors if is_lazy(tensor)]
        plain = {id(part): part for tensor in tensors for part in _memory_of(tensor)}
        self._tensors = list(plain.values())
        self._addresses = list(map(first_byte, self._tensors))
        self._sizes = list(map(torch.Tensor.numel, self._tensors))

    def tripped(self) -> bool:
        """Whether the model is bound otherwise than when this was made."""
        return not (
            all(map(is_, chain(self._values(), (_END,)), self._held))
            and list(map(first_byte, self._tensors)) == self._addresses
            and list(map(torch.Tensor.numel, self._tensors)) == self._sizes
            and all(map(is_lazy, self._waiting))
        )

    def _values(self) -> Iterable[Any]:
        return chain.from_iterable(map(_values_of, self._dictionaries))


class RegistrationHooks:
    """Calls back when something is registered on one of a set of modules, by torch's own global hooks."""

    def __init__(self, concerns: Callable[[], frozenset[int]], registered: Callable[[], None]) -> None:
        def notice(module: nn.Module, name: str, value: object) -> None:
            if id(module) in concerns():
                registered()

        self._handles = [
            module_hooks.register_module_parameter_registration_hook(notice),
            module_hooks.register_module_buffer_registration_hook(notice),
            module_hooks.register_module_module_registration_hook(notice),
        ]

    def remove(self) -> None:
        """Takes the hooks out again."""
        for handle in self._handles:
            handle.remove()


def _memory_of(tensor: torch.Tensor) -> Iterable[torch.Tensor]:
    if is_plain(tensor):
        return (tensor,)
    # Parts of sparse and quantised tensors are made when asked for, and say nothing of the tensor's later ones.
    wrapper = hasattr(type(tensor), "__tensor_flatten__")
    return (part for _, part in strided_parts(tensor) if is_plain(part) and not is_opaque(part)) if wrapper else ()
