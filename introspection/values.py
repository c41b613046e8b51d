"""Where the values of any kind of tensor lie: dense pieces that can be read a bounded chunk at a time."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch.nn.parameter import is_lazy

from introspection.chunks import logical_chunks, readable
from introspection.errors import UnsupportedStorage

Scope = Literal["whole", "shard", "partial"]
"""Whether the values read are the tensor's, those of this process's shard, or this process's share of a pending sum."""

_COMPRESSED = frozenset({torch.sparse_csr, torch.sparse_csc, torch.sparse_bsr, torch.sparse_bsc})
# What kernels exist for everywhere, float64 included; values on any other device are read on the CPU.
_READ_WHERE_THEY_ARE = frozenset({"cpu", "cuda"})


@dataclass(frozen=True, slots=True)
class Values:
    """The values of one tensor, as they are now."""

    pieces: tuple[tuple[torch.Tensor, int], ...]
    """(dense tensor, how often each of its elements counts): more than once where elements are repeated, not stored."""
    dtype: torch.dtype
    """Of every piece; quantised values are read as float32."""
    scope: Scope = "whole"
    """How much of a distributed tensor is here."""
    local_shape: tuple[int, ...] | None = None
    """Shape of what is here, where that is not all."""
    placement: str = ""
    """How the parts are spread over processes, where what is here is not all."""

    @property
    def num_elements(self) -> int:
        """How many values there are, repetitions counted."""
        return sum(piece.numel() * times for piece, times in self.pieces)

    @property
    def stored_elements(self) -> int:
        """How many of them are stored: what has to be read."""
        return sum(piece.numel() for piece, _ in self.pieces)

    def chunks(self, max_elements: int) -> Iterator[tuple[torch.Tensor, int]]:
        """Yields the values as (one-dimensional tensor, how often each of its elements counts).

        Args:
            max_elements: The most elements of one chunk.
        """
        for piece, times in self.pieces:
            for block in _dequantised(piece, max_elements) if piece.is_quantized else (piece,):
                for chunk in logical_chunks(block, max_elements):
                    here = chunk if chunk.device.type in _READ_WHERE_THEY_ARE else chunk.cpu()
                    yield here.resolve_conj().resolve_neg(), times


def values_of(tensor: torch.Tensor, name: str = "tensor") -> Values:
    """Finds the values of a tensor without copying them (but for sparse duplicates, which are summed first).

    Read are: dense tensors of every dtype torch can convert; sparse tensors, with their zeros; quantised tensors, as
    the numbers they stand for; nested tensors, every component. Of a DTensor only what this process holds is read,
    because asking the others needs all of them to ask at once: `scope` says so. Other tensors made of tensors
    (`__tensor_flatten__`) are refused: only their class knows what number their bytes stand for, and asking it would
    make the second copy that reading in chunks avoids.

    Args:
        tensor: Any tensor.
        name: What to call it in an error.

    Raises:
        UnsupportedStorage: There are no values (meta, fake, uninitialised, freed), or none that can be read.
    """
    distributed = sys.modules.get("torch.distributed.tensor")
    if distributed is not None and isinstance(tensor, distributed.DTensor):
        return _local(tensor, name, values_of)
    tensor = _bare(tensor)
    if tensor.is_nested and not _without_memory(tensor):
        return _nested(tensor, name)
    if tensor.layout is torch.sparse_coo and not _without_memory(tensor):
        explicit = (tensor if tensor.is_coalesced() else tensor.coalesce())._values()
        return _with_zeros(explicit, tensor.numel())
    if tensor.layout in _COMPRESSED and not _without_memory(tensor):
        return _with_zeros(tensor.values(), tensor.numel())
    values = _dense(tensor, name)
    return Values(tuple(_distinct(piece) for piece, _ in values.pieces), values.dtype)


def ordered_values(tensor: torch.Tensor, name: str = "tensor") -> Values:
    """Finds the values of a tensor as `values_of` does, each where its place is: to compare with another's.

    Args:
        tensor: A tensor whose values have an order: dense, quantised, or a DTensor (what this process holds).
        name: What to call it in an error.

    Raises:
        UnsupportedStorage: There are no values (meta, fake, uninitialised), or none in an order (sparse, nested).
    """
    distributed = sys.modules.get("torch.distributed.tensor")
    if distributed is not None and isinstance(tensor, distributed.DTensor):
        return _local(tensor, name, ordered_values)
    return _dense(_bare(tensor), name)


def _bare(tensor: torch.Tensor) -> torch.Tensor:
    """A tensor without its graph, and without what a subclass makes of operations, which may be anything."""
    if is_lazy(tensor):
        return tensor
    if hasattr(type(tensor), "__tensor_flatten__"):
        return tensor.detach() if tensor.is_nested else tensor
    with torch._C.DisableTorchFunctionSubclass():
        return tensor.detach()


def _dense(tensor: torch.Tensor, name: str) -> Values:
    dense = readable(tensor, name)
    if not _has_numbers(dense):
        raise UnsupportedStorage(
            name, f"torch converts no {dense.dtype} to a number", remedy="unpack it, then look at the result"
        )
    return Values(((dense, 1),), torch.float32 if dense.is_quantized else dense.dtype)


def widened(chunk: torch.Tensor) -> torch.Tensor:
    """A chunk's numbers as a float64 tensor of their own; complex ones by their magnitude."""
    if chunk.is_complex():
        return chunk.to(torch.complex128).abs()
    return chunk.to(torch.float64, copy=True)


def _local(tensor: Any, name: str, read: Callable[[torch.Tensor, str], Values]) -> Values:
    local = read(tensor._local_tensor, name)
    pending = any(placement.is_partial() for placement in tensor.placements)
    if not pending and tuple(tensor._local_tensor.shape) == tuple(tensor.shape):
        return local
    scope: Scope = "partial" if pending else "shard"
    placement = f"{tensor.placements} on {tensor.device_mesh}"
    return Values(local.pieces, local.dtype, scope, tuple(tensor._local_tensor.shape), placement)


def _nested(tensor: Any, name: str) -> Values:
    whole = tensor.layout is torch.jagged and tensor.is_contiguous()
    # Where components do not fill what holds them, each is looked at by itself.
    components = [tensor.values()] if whole else list(tensor.unbind())
    return Values(tuple(_distinct(readable(part, name)) for part in components), tensor.dtype)


def _with_zeros(explicit: torch.Tensor, num_elements: int) -> Values:
    missing = num_elements - explicit.numel()
    pieces = [_distinct(explicit)]
    if missing:
        pieces.append((torch.zeros((), dtype=explicit.dtype, device=explicit.device), missing))
    return Values(tuple(pieces), explicit.dtype)


def _distinct(dense: torch.Tensor) -> tuple[torch.Tensor, int]:
    """A dense tensor in the order of memory, without its expanded dimensions, and how often these repeat each element.

    In that order it is read fastest, and what is summed is the same whichever way round an alias sees it.
    """
    times = 1
    if dense.numel() and not dense.is_quantized:
        for dim in reversed(range(dense.dim())):
            if dense.stride(dim) == 0 and dense.shape[dim] > 1:
                times *= dense.shape[dim]
                dense = dense.select(dim, 0)
        strides, shape = dense.stride(), dense.shape
        dense = dense.permute(sorted(range(len(shape)), key=lambda dim: (-strides[dim], shape[dim])))
    return dense, times


def _dequantised(piece: torch.Tensor, max_elements: int) -> Iterator[torch.Tensor]:
    # By rows: a tensor quantised per channel cannot be flattened, for its scales belong to a dimension.
    if piece.dim() == 0 or piece.numel() <= max_elements:
        yield piece.dequantize()
        return
    rows = max(1, max_elements // max(1, piece.numel() // piece.shape[0]))
    for begin in range(0, piece.shape[0], rows):
        yield piece[begin : begin + rows].dequantize()


def _has_numbers(dense: torch.Tensor) -> bool:
    if dense.is_quantized:
        return dense.dtype not in (torch.quint4x2, torch.quint2x4)
    try:
        torch.zeros(16, dtype=torch.uint8, device="cpu").view(dense.dtype).to(torch.complex128)
    except (NotImplementedError, RuntimeError):
        return False
    return True


def _without_memory(tensor: torch.Tensor) -> bool:
    # `readable` says of these why they cannot be read.
    return tensor.is_meta or isinstance(tensor, torch._subclasses.FakeTensor)
