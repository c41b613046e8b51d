"""Runs code on a live model and leaves the model as it was: values, modes, attributes, random state."""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from introspection.names import named_modules, named_tensors

_REGISTRIES = ("_parameters", "_buffers", "_modules")


@contextmanager
def untouched(model: nn.Module) -> Iterator[None]:
    """Evaluation mode inside; on any exit the model is as it was, bit for bit.

    A storage of the model that is written (`F.embedding(max_norm=...)`, a running statistic) is kept before the first
    write and put back; attributes and registrations are put back as they were bound. What is written by code torch
    cannot see (numpy, C) and inside lists and objects that attributes hold is not put back.

    Source: dispatch modes see every operator with its schema; `torch.library` requires a schema to say what is written.
    """
    modules = list({id(module): module for _, module in named_modules(model)}.values())
    attributes = [
        (module, dict(vars(module)), {key: dict(vars(module)[key]) for key in _REGISTRIES}) for module in modules
    ]
    undo = _Undo({_storage(held.tensor) for held in named_tensors(model)} - {None})
    with random_state_kept(), torch.no_grad():
        try:
            for module in modules:
                vars(module)["training"] = False
            with undo:
                yield
        finally:
            undo.put_back()
            for module, bound, registered in attributes:
                for key, entries in registered.items():
                    bound[key].clear()
                    bound[key].update(entries)
                vars(module).clear()
                vars(module).update(bound)


@contextmanager
def random_state_kept() -> Iterator[None]:
    """What is drawn after it is what would have been without it: torch on every device, Python and numpy."""
    used = torch.cuda.is_initialized()  # type: ignore[no-untyped-call]
    devices = list(range(torch.cuda.device_count())) if used else []
    python, numpy = random.getstate(), sys.modules.get("numpy")
    drawn = numpy.random.get_state() if numpy is not None else None
    try:
        with torch.random.fork_rng(devices):
            yield
    finally:
        random.setstate(python)
        if numpy is not None:
            numpy.random.set_state(drawn)


class _Undo(TorchDispatchMode):  # type: ignore[no-untyped-call]  # torch's __init_subclass__ has no annotations
    """Keeps the bytes of watched storages before an operator that says it writes them."""

    def __init__(self, watched: set[int | None]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._watched = watched
        self._kept: dict[int, tuple[torch.UntypedStorage, torch.UntypedStorage]] = {}

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        kwargs = dict(kwargs or {})
        for position, argument in enumerate(func._schema.arguments):
            if argument.alias_info is not None and argument.alias_info.is_write:
                given = args[position] if position < len(args) else kwargs.get(argument.name)
                for tensor in given if isinstance(given, list | tuple) else [given]:
                    self._keep(tensor)
        return func(*args, **kwargs)

    def put_back(self) -> None:
        for storage, before in self._kept.values():
            if storage.nbytes() != before.nbytes():
                storage.resize_(before.nbytes())
            storage.copy_(before)

    def _keep(self, tensor: object) -> None:
        key = _storage(tensor) if isinstance(tensor, torch.Tensor) else None
        if key is not None and key in self._watched and key not in self._kept and isinstance(tensor, torch.Tensor):
            storage = tensor.untyped_storage()
            self._kept[key] = (storage, storage.clone())  # type: ignore[no-untyped-call]


def _storage(tensor: torch.Tensor) -> int | None:
    try:
        return int(tensor.untyped_storage()._cdata)
    except (NotImplementedError, RuntimeError):
        return None
