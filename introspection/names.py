"""Every tensor of a module under every name it can be reached by: the one traversal all of introspection uses.

Only the dictionaries in which torch keeps what was registered are read. Attributes are never looked up by name:
a property of a model may raise, build a new tensor or change a weight.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal, NamedTuple

import torch
from torch import nn

from introspection.errors import NotAModel

Kind = Literal["parameter", "buffer", "attribute"]

_TORCH_ATTRIBUTES = frozenset(vars(nn.Module()))


class NamedTensor(NamedTuple):
    """A tensor and one of its names; a named tuple because hundreds are made at every check of a model."""

    name: str
    """Full dotted path; for unregistered tensors the Python expression from the model."""
    tensor: torch.Tensor
    """The tensor itself, not a copy."""
    kind: Kind
    """How the module holds it."""


class Walk(NamedTuple):
    """All that one walk over a model meets."""

    tensors: list[NamedTensor]
    """Every tensor under every path, in order of registration."""
    modules: list[tuple[str, nn.Module]]
    """Every module under every path, parents first, each with what its tensors' names begin with: `""`, `"layer.0."`"""


def walk(model: nn.Module, *, unregistered: bool = False) -> Walk:
    """Every tensor and every module of `model` under every path: `named_tensors` and the modules it passed.

    Args:
        model: The module to walk.
        unregistered: Also tensors in plain attributes, lists, tuples and dicts.

    Raises:
        NotAModel: `model` is no torch.nn.Module.
    """
    if not isinstance(model, nn.Module):
        raise NotAModel(model)
    met = Walk([], [])
    _walk(model, "", {id(model)}, met, unregistered)
    return met


def named_tensors(model: nn.Module, *, unregistered: bool = False) -> list[NamedTensor]:
    """Every tensor of `model` under every path, aliases and shared modules included, in order of registration.

    A module is entered again wherever it is registered again, except inside itself.

    Args:
        model: The module to walk.
        unregistered: Also tensors in plain attributes, lists, tuples and dicts.

    Raises:
        NotAModel: `model` is no torch.nn.Module.
    """
    return walk(model, unregistered=unregistered).tensors


def named_modules(model: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """Every module under every path, the model itself first under the empty path; cycles are cut.

    Raises:
        NotAModel: `model` is no torch.nn.Module.
    """
    if not isinstance(model, nn.Module):
        raise NotAModel(model)
    yield from _modules(model, "", {id(model)})


def tensor_at(model: nn.Module, name: str) -> torch.Tensor | None:
    """The parameter or buffer of this very name, found without walking the rest of the model; None if there is none."""
    *path, last = name.split(".")
    module, entered = model, {id(model)}
    for key in path:
        child = _at(module._modules, key)
        # The walk cuts cycles: what lies beyond one has no name.
        if child is None or id(child) in entered:
            return None
        module = child
        entered.add(id(child))
    found: torch.Tensor | None = _at(module._parameters, last)
    if found is None:
        found = _at(module._buffers, last)
    return found


def _at(registered: Any, key: str) -> Any:
    # Not `get`, which the dictionaries of TorchScript do not have.
    return registered[key] if key in registered else None  # noqa: SIM401


def _walk(module: nn.Module, prefix: str, path: set[int], met: Walk, unregistered: bool) -> None:
    found = met.tensors
    met.modules.append((prefix, module))
    for key, parameter in module._parameters.items():
        if parameter is not None:
            found.append(NamedTensor(prefix + key, parameter, "parameter"))
    for key, buffer in module._buffers.items():
        if buffer is not None:
            found.append(NamedTensor(prefix + key, buffer, "buffer"))
    if unregistered:
        for key, value in vars(module).items():
            if key not in _TORCH_ATTRIBUTES:
                plain = _plain(prefix + key, value, set())
                found.extend(NamedTensor(name, tensor, "attribute") for name, tensor in plain)
    for key, child in module._modules.items():
        if child is not None and id(child) not in path:
            path.add(id(child))
            _walk(child, f"{prefix}{key}.", path, met, unregistered)
            path.discard(id(child))


def _modules(module: nn.Module, path: str, above: set[int]) -> Iterator[tuple[str, nn.Module]]:
    yield path, module
    for key, child in module._modules.items():
        if child is not None and id(child) not in above:
            above.add(id(child))
            yield from _modules(child, f"{path}.{key}" if path else key, above)
            above.discard(id(child))


def _plain(expression: str, value: object, above: set[int]) -> Iterator[tuple[str, torch.Tensor]]:
    """Tensors in a plain Python value, each with the expression that reaches it."""
    if isinstance(value, torch.Tensor):
        yield expression, value
        return
    if not isinstance(value, list | tuple | dict) or id(value) in above:
        return
    above.add(id(value))
    items: Any = value.items() if isinstance(value, dict) else enumerate(value)
    for key, item in items:
        yield from _plain(f"{expression}[{key!r}]", item, above)
    above.discard(id(value))
