"""Which layers a model has, by every path, and what each one is; told from its module tree."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import Any

from torch import nn
from torch.nn.parameter import is_lazy

from introspection.errors import UnknownName
from introspection.names import named_modules, named_tensors
from introspection.shapes import shape_of


def is_called(module: nn.Module) -> bool:
    """Whether a module has a forward of its own; containers such as ModuleList have none and are never called."""
    return "forward" in vars(module) or type(module).forward is not nn.Module.forward


def layer_paths(model: nn.Module, pattern: str = "") -> list[str]:
    """Every path of every module below the model that can be called, in order of registration.

    Args:
        model: The model.
        pattern: Keeps paths that contain this text, or match it if it holds `*`, `?` or `[`.
    """
    return [path for path, module in named_modules(model) if path and is_called(module) and matches(path, pattern)]


def matches(name: str, pattern: str) -> bool:
    """Whether a name contains a text, or matches it if it holds `*`, `?` or `[`."""
    return fnmatchcase(name, pattern) if any(mark in pattern for mark in "*?[") else pattern in name


def resolve_layers(model: nn.Module, layers: str | Iterable[str] | None) -> dict[str, nn.Module]:
    """The modules that layer names mean, by the path each is asked for.

    Args:
        model: The model.
        layers: Module paths; patterns with `*`, `?` or `[`; names of tensors, for the module that holds them; paths of
            containers that are never called, for the modules in them; "" for the model itself. None: every module
            once, by its first path, and not the model itself.

    Raises:
        UnknownName: Nothing has this name, or nothing matches.
    """
    modules = dict(named_modules(model))
    found: dict[str, nn.Module] = {}
    if layers is None:
        seen = {id(model)}
        for path, module in modules.items():
            if is_called(module) and id(module) not in seen:
                seen.add(id(module))
                found[path] = module
        return found
    holders: dict[str, str] | None = None
    for name in [layers] if isinstance(layers, str) else layers:
        if name in modules:
            found.update(_called_in(name, modules))
            continue
        if holders is None:
            holders = {held.name: held.name.rpartition(".")[0] for held in named_tensors(model)}
        if name in holders:
            found[holders[name]] = modules[holders[name]]
            continue
        matched = layer_paths(model, name) if any(mark in name for mark in "*?[") else []
        if not matched:
            raise UnknownName(name, [*filter(None, modules), *holders])
        found.update({path: modules[path] for path in matched})
    return found


def named_layers(model: nn.Module, layers: str | Iterable[str] | None) -> set[str]:
    """The paths of the layers that are asked for by name: a pattern asks for whichever of those it fits there are."""
    names = [layers] if isinstance(layers, str) else layers or ()
    return set(resolve_layers(model, [name for name in names if not any(mark in name for mark in "*?[")]))


def block_paths(model: nn.Module) -> list[str]:
    """The paths of a model's blocks: modules of one class in a row, two or more; without any, all that are called."""
    modules = dict(named_modules(model))
    blocks: list[str] = []
    for path, module in modules.items():
        inside = {key: child for key, child in module._modules.items() if child is not None and is_called(child)}
        in_a_row = isinstance(module, nn.ModuleList | nn.Sequential) and len(inside) > 1
        if in_a_row and len({type(child) for child in inside.values()}) == 1:
            blocks.extend(f"{path}.{key}" if path else key for key in inside)
    # Blocks inside blocks are parts of them.
    outermost = [path for path in blocks if not any(path.startswith(f"{other}.") for other in blocks)]
    return outermost or list(resolve_layers(model, None))


def describe_layers(model: nn.Module, paths: Iterable[str]) -> list[dict[str, Any]]:
    """What each layer is, from the module tree alone; JSON-serialisable.

    Returns:
        For each path: `name`; `aliases` (its other paths); `module_type`; `can_be_called`; `children` (paths one
        below); `tensors` (the parameters and buffers it holds itself: name, kind, shape, dtype, device); `parameters`
        (elements of it and all below, each Parameter once) and `trainable_parameters`; `training`.
    """
    modules = dict(named_modules(model))
    aliases: dict[int, list[str]] = {}
    for path, module in modules.items():
        aliases.setdefault(id(module), []).append(path)
    return [_described(path, modules[path], [other for other in aliases[id(modules[path])] if other != path])
            for path in paths]  # fmt: skip


def _described(path: str, module: nn.Module, aliases: list[str]) -> dict[str, Any]:
    below = {id(held.tensor): held.tensor for held in named_tensors(module) if held.kind == "parameter"}.values()
    known = [parameter for parameter in below if not is_lazy(parameter)]
    return {
        "name": path,
        "aliases": aliases,
        "module_type": type(module).__name__,
        "can_be_called": is_called(module),
        "children": [f"{path}.{key}" if path else key for key, child in module._modules.items() if child is not None],
        "tensors": [
            {
                "name": f"{path}.{held.name}" if path else held.name,
                "kind": held.kind,
                "shape": None if (shape := shape_of(held.tensor)) is None else list(shape),
                "dtype": str(held.tensor.dtype).removeprefix("torch."),
                "device": str(held.tensor.device),
            }
            for held in named_tensors(module)
            if "." not in held.name
        ],
        "parameters": sum(parameter.numel() for parameter in known),
        "trainable_parameters": sum(parameter.numel() for parameter in known if parameter.requires_grad),
        "training": module.training,
    }


def _called_in(path: str, modules: dict[str, nn.Module]) -> dict[str, nn.Module]:
    if is_called(modules[path]):
        return {path: modules[path]}
    found: dict[str, nn.Module] = {}
    for key, child in modules[path]._modules.items():
        below = f"{path}.{key}" if path else key
        if child is not None and below in modules:
            found.update(_called_in(below, modules))
    return found
