"""What the way a forward runs depends on, as a key: modules, their code and settings, shapes; no weight is read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import nn
from torch.nn.parameter import is_lazy

from introspection.forward_key import HOOKS, REGISTERED, Description, Unkeyable, class_texts
from introspection.names import named_modules
from introspection.shapes import shape_of


def structure_key(model: nn.Module, sample_inputs: Any) -> tuple[str, ...]:
    """Equal before and after means: the same modules, of the same shapes, code and settings, would run the same way.

    Read is what modules hold in plain attributes, to any depth in lists, mappings, functions and configurations, and
    one level deep in objects of other kinds. Not seen is what a forward reads from outside the model.

    Args:
        model: The model.
        sample_inputs: What it is called with.
    """
    paths: dict[int, str] = {}
    modules = list(named_modules(model))
    for path, module in modules:
        paths.setdefault(id(module), f"module {path}")
    structure, classes, parts = _Structure(paths), dict[type, str](), list[str]()
    for path, module in modules:
        parts.append(f"{path}:{paths[id(module)]}")
        if paths[id(module)] == f"module {path}":
            kind = type(module)
            if kind not in classes:
                classes[kind] = "\0".join(class_texts(kind))
            parts.append(f"{classes[kind]}@{id(kind):x}")
            parts.extend(_held(module, structure))
    parts.extend(_Inputs(paths).of(sample_inputs))
    return tuple(parts)


def _held(module: nn.Module, structure: _Structure) -> Iterator[str]:
    for name, tensor in (*module._parameters.items(), *module._buffers.items()):
        yield f"{name} {None if tensor is None else _shape(tensor)}"
    for name, value in vars(module).items():
        if name not in REGISTERED and name not in HOOKS and name != "training":
            yield f".{name}"
            yield from structure.of(value)


class _Structure(Description):
    """Texts for values, equal for what would run the same way; what cannot be told is told by its identity."""

    def __init__(self, known: Mapping[int, str]) -> None:
        super().__init__(known)
        self._in_opaque = False

    def _tensor(self, value: torch.Tensor) -> str:
        return _shape(value)

    def _entered(self, value: Any) -> Iterator[str]:
        try:
            texts = list(super()._entered(value))
        except Unkeyable:
            texts = list(self._opaque(value))
            self._above.discard(id(value))
        yield from texts

    def _opaque(self, value: Any) -> Iterator[str]:
        yield f"{type(value).__module__}.{type(value).__qualname__}@{id(value):x}"
        # Not deeper: an object can lead to everything there is.
        if not self._in_opaque:
            self._in_opaque = True
            for pair in sorted(getattr(value, "__dict__", {}).items(), key=lambda pair: str(pair[0])):
                for each in pair:
                    yield from self.of(each)
            self._in_opaque = False


class _Inputs(_Structure):
    """Inputs are told apart by who they are, too, and by how often they were written: a path can depend on values."""

    def _tensor(self, value: torch.Tensor) -> str:
        version = None if value.is_inference() else value._version
        return f"{_shape(value)} {id(value):x} {version}"


def _shape(tensor: torch.Tensor) -> str:
    return "lazy" if is_lazy(tensor) else f"{shape_of(tensor)} {tensor.dtype} {tensor.is_meta}"
