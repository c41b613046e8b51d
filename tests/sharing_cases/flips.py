"""The truth by brute force: flip every byte that one name views, and see which bytes of the others changed.

Nothing here is ours but the flipping: what holds a name's bytes is asked of torch, and byte addresses are compared by
what writing does to them, so that two mappings of one file, or numpy's slices of one array, need no special word.
"""

from __future__ import annotations

from itertools import combinations
from typing import Any

import torch
from torch import nn

from .case import Cells, Pair

_PARTS: dict[torch.layout, tuple[str, ...]] = {
    torch.sparse_coo: ("_indices", "_values"),
    torch.sparse_csr: ("crow_indices", "col_indices", "values"),
    torch.sparse_bsr: ("crow_indices", "col_indices", "values"),
    torch.sparse_csc: ("ccol_indices", "row_indices", "values"),
    torch.sparse_bsc: ("ccol_indices", "row_indices", "values"),
}


def registered_cells(model: nn.Module) -> Cells:
    """The plain tensors behind every parameter and buffer, under every name torch gives them."""
    return {name: plain(tensor) for name, tensor in registered(model).items()}


def registered(model: nn.Module) -> dict[str, torch.Tensor]:
    """Every parameter and buffer, under every path that does not pass through one module twice."""
    found: dict[str, torch.Tensor] = {}

    def walk(module: nn.Module, prefix: str, above: tuple[nn.Module, ...]) -> None:
        for held in (module._parameters, module._buffers):
            found.update({prefix + key: tensor for key, tensor in held.items() if tensor is not None})
        for key, child in module._modules.items():
            if child is not None and not any(child is passed for passed in above):
                walk(child, f"{prefix}{key}.", (*above, child))

    walk(model, "", (model,))
    return found


def plain(tensor: torch.Tensor) -> list[torch.Tensor]:
    """The strided tensors that hold a tensor's bytes; none if it has none yet."""
    tensor = tensor.detach() if not nn.parameter.is_lazy(tensor) else tensor
    if nn.parameter.is_lazy(tensor):
        return []
    if hasattr(type(tensor), "__tensor_flatten__"):
        inner = [getattr(tensor, attribute) for attribute in tensor.__tensor_flatten__()[0]]  # type: ignore[attr-defined]
        return [part for each in inner if isinstance(each, torch.Tensor) for part in plain(each)]
    if tensor.layout in _PARTS:
        return [part for name in _PARTS[tensor.layout] for part in plain(getattr(tensor, name)())]
    if tensor.is_nested:
        return plain(tensor.values())
    return [tensor]


class Flipper:
    """The bytes of one model under every name, ready to be flipped."""

    def __init__(self, cells: Cells) -> None:
        self._bytes = {name: [_raw(tensor) for tensor in held if tensor.numel()] for name, held in cells.items()}
        self._first = {name: [_first_views(raw) for raw in held] for name, held in self._bytes.items()}

    def pairs(self) -> dict[Pair, tuple[str, int]]:
        """Every pair that shares bytes, as ('same' | 'partial', bytes), by writing through one and reading both."""
        sizes = {name: sum(int(first.sum()) for first in held) for name, held in self._first.items()}
        found: dict[Pair, tuple[str, int]] = {}
        before = {name: [raw.clone() for raw in held] for name, held in self._bytes.items()}
        changed = {name: self._changed_by(name, before) for name in self._bytes}
        for one, other in combinations(sorted(self._bytes), 2):
            there, back = changed[one].get(other, 0), changed[other].get(one, 0)
            if there != back:
                raise AssertionError(f"writing {one} changes {there} bytes of {other}, and the reverse {back}")
            if there:
                kind = "same" if there == sizes[one] == sizes[other] else "partial"
                found[frozenset((one, other))] = kind, there
        return found

    def _changed_by(self, name: str, before: dict[str, list[torch.Tensor]]) -> dict[str, int]:
        """How many bytes of every other name change when all bytes of this one are flipped; puts them back."""
        self._flip(name)
        changed = {
            other: sum(
                int(((raw != was) & first).sum())
                for raw, was, first in zip(self._bytes[other], held, self._first[other], strict=True)
                if not torch.equal(raw, was)
            )
            for other, held in before.items()
            if other != name
        }
        self._flip(name)
        return {other: count for other, count in changed.items() if count}

    def _flip(self, name: str) -> None:
        for raw, first in zip(self._bytes[name], self._first[name], strict=True):
            if bool(first.all()):
                raw.bitwise_not_()
            else:
                # Elements that overlap each other are flipped once, one at a time: torch refuses to write them whole.
                for place in first.nonzero().tolist():
                    raw[tuple(place)].bitwise_not_()


def _raw(tensor: torch.Tensor) -> torch.Tensor:
    """The bytes of a strided tensor of any dtype as a view of unsigned bytes, one dimension more."""
    width = tensor.element_size()
    size = (*tensor.shape, width)
    stride = (*(step * width for step in tensor.stride()), 1)
    # What is marked for inference refuses a later write outside of it.
    with torch.no_grad():
        raw = torch.empty(0, dtype=torch.uint8)
        return raw.set_(tensor.untyped_storage(), tensor.storage_offset() * width, size, stride)


def _first_views(raw: torch.Tensor) -> torch.Tensor:
    """For every byte that is viewed, whether it is the first view of it: false where a view repeats itself."""
    offsets = torch.zeros((), dtype=torch.long)
    for count, step in zip(raw.shape, raw.stride(), strict=True):
        offsets = offsets.unsqueeze(-1) + torch.arange(count) * step
    flat = offsets.flatten()
    first = torch.zeros(flat.numel(), dtype=torch.bool)
    _, inverse = torch.unique(flat, return_inverse=True)
    earliest = torch.full((int(inverse.max()) + 1,), flat.numel(), dtype=torch.long)
    earliest.scatter_reduce_(0, inverse, torch.arange(flat.numel()), reduce="amin")
    first[earliest] = True
    return first.reshape(offsets.shape)


def recomputed(model: nn.Module, name: str) -> torch.Tensor:
    """The value that torch computes for a derived name, now."""
    path, _, last = name.rpartition(".")
    module: Any = model.get_submodule(path)
    for hook in module._forward_pre_hooks.values():
        hook(module, ())
    value: torch.Tensor = getattr(module, last)
    return value.detach().clone()
