"""The shape of any tensor as plain numbers, where torch itself answers with an error or with a symbol."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import nn
from torch.nn.parameter import is_lazy


def shape_of(tensor: torch.Tensor) -> tuple[int | None, ...] | None:
    """The size of every dimension: None for one that differs from row to row (nested), and in place of all while lazy.

    Example:
        `shape_of(torch.nested.nested_tensor([torch.zeros(2, 3), torch.zeros(4, 3)]))` is `(2, None, 3)`.
    """
    if is_lazy(tensor):
        return None
    if tensor.is_nested and tensor.layout is torch.strided:
        # Of these torch tells no shape as a whole.
        return tuple(_size(tensor, dim) for dim in range(tensor.dim()))
    # A jagged dimension has a symbol for a size.
    return tuple(int(size) if isinstance(size, int) else None for size in tensor.shape)


def shape_words(shape: Iterable[int | None]) -> str:
    """A shape to read: `2×?×3`, and `()` for that of a single number."""
    return "×".join("?" if size is None else str(size) for size in shape) or "()"


def own_parameter(module: nn.Module, name: str) -> torch.Tensor | None:
    """The parameter a module holds itself under a name; None if there is none."""
    # Not `get`, which the dictionaries of TorchScript do not have.
    return module._parameters[name] if name in module._parameters else None  # noqa: SIM401


def _size(tensor: torch.Tensor, dim: int) -> int | None:
    try:
        return int(tensor.size(dim))
    except RuntimeError:
        return None
