"""One module, several paths: finding what was met under one of them by any of the others, or by a tensor it holds."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from torch import nn

from introspection.names import named_modules, named_tensors

_CALL_AND_PLACE = re.compile(r"(#\d+)?(\[.*\])?$", re.DOTALL)
"""What follows the path in a captured name: which call, and where in the output."""


def met_name(model: nn.Module, name: str, met: Iterable[str], *, inside: bool = False) -> str:
    """The name under which something was met, by any name of the same: `b#1[0]` is `a#1[0]` where b is a.

    Args:
        model: The model, as it is now.
        name: A module path or tensor name, with or without a call and a place behind it.
        met: Paths of modules, as they were met.
        inside: Whether a module also stands for the one below it that was met, where there is just one.

    Returns:
        The name with a path that is among those met; `name` itself if there is none.
    """
    known = set(met)
    path, behind = _apart(name)
    if path in known:
        return name
    modules = dict(named_modules(model))
    if path not in modules:
        path = path.rpartition(".")[0] if path in {held.name for held in named_tensors(model)} else path
    module = modules.get(path)
    if module is None:
        return name
    others = [path, *(other for other, each in modules.items() if each is module)]
    found = [other for other in others if other in known]
    if inside and not found:
        below = {id(each) for each in _below(module)}
        found = [each for each in known if id(modules.get(each)) in below]
        found = found if len(found) == 1 else []
    return found[0] + behind if found else name


def first_paths_inside(model: nn.Module, modules: Iterable[nn.Module]) -> frozenset[str]:
    """The first path in the model of each of these modules and of everything below it."""
    first = _first_paths(model)
    return frozenset(first[id(below)] for module in modules for below in _below(module) if id(below) in first)


def _first_paths(model: nn.Module) -> dict[int, str]:
    first: dict[int, str] = {}
    for path, module in named_modules(model):
        first.setdefault(id(module), path)
    return first


def _below(module: nn.Module) -> Iterator[nn.Module]:
    return (below for _, below in named_modules(module))


def _apart(name: str) -> tuple[str, str]:
    found = _CALL_AND_PLACE.search(name)
    begin = found.start() if found is not None else len(name)
    return name[:begin], name[begin:]
