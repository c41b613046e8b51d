"""Every tensor of a module under every name it can be reached by: the one traversal all of introspection uses.

Only the dictionaries in which torch keeps what was registered are read. Attributes are never looked up by name:
a property of a model may raise, build a new tensor or change a weight.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal, NamedTuple

import torch
from torch import nn
from torch.nn.utils.parametrize import ParametrizationList
from torch.nn.utils.prune import BasePruningMethod
from torch.nn.utils.spectral_norm import SpectralNorm
from torch.nn.utils.weight_norm import WeightNorm

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


def named_tensors(model: nn.Module, *, unregistered: bool = False) -> list[NamedTensor]:
    """Every tensor of `model` under every path, aliases and shared modules included, in order of registration.

    A module is entered again wherever it is registered again, except inside itself.

    Args:
        model: The module to walk.
        unregistered: Also tensors in plain attributes, lists, tuples and dicts.

    Raises:
        NotAModel: `model` is no torch.nn.Module.
    """
    if not isinstance(model, nn.Module):
        raise NotAModel(model)
    found: list[NamedTensor] = []
    _walk(model, "", {id(model)}, found, unregistered)
    return found


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
        child = module._modules.get(key)
        # The walk cuts cycles: what lies beyond one has no name.
        if child is None or id(child) in entered:
            return None
        module = child
        entered.add(id(child))
    found = module._parameters.get(last)
    return found if found is not None else module._buffers.get(last)


def derived_names(model: nn.Module) -> dict[str, tuple[str, ...]]:
    """Names of tensors that torch computes from others, and the names of all they are computed from.

    Knows `torch.nn.utils.parametrize` (and so every torch parametrization), and the older weight_norm, spectral_norm
    and pruning, which recompute a plain attribute before each forward.
    """
    derived: dict[str, tuple[str, ...]] = {}
    for path, module in named_modules(model):
        prefix = f"{path}." if path else ""
        parametrizations = module._modules.get("parametrizations")
        if isinstance(parametrizations, nn.ModuleDict):
            for tensor_name, steps in parametrizations._modules.items():
                if isinstance(steps, ParametrizationList):
                    below = f"{prefix}parametrizations.{tensor_name}."
                    derived[prefix + tensor_name] = tuple(below + held.name for held in named_tensors(steps))
        for hook in module._forward_pre_hooks.values():
            name, suffixes = _recomputed(hook)
            sources = tuple(
                f"{prefix}{name}_{suffix}"
                for suffix in suffixes
                if f"{name}_{suffix}" in module._parameters or f"{name}_{suffix}" in module._buffers
            )
            if sources:
                derived[prefix + name] = sources
    return derived


def _walk(module: nn.Module, prefix: str, path: set[int], found: list[NamedTensor], unregistered: bool) -> None:
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
            _walk(child, f"{prefix}{key}.", path, found, unregistered)
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


def _recomputed(hook: object) -> tuple[str, tuple[str, ...]]:
    """The attribute a forward pre-hook recomputes, and the suffixes of what it is computed from."""
    if isinstance(hook, WeightNorm):
        return hook.name, ("g", "v")
    if isinstance(hook, SpectralNorm):
        return hook.name, ("orig", "u", "v")
    if isinstance(hook, BasePruningMethod):
        return hook._tensor_name, ("orig", "mask")
    return "", ()
