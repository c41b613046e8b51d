"""What a tensor's fingerprints are of: the bytes of its parts, and what decides its values and lies in none of them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum
from functools import lru_cache
from typing import Any, NamedTuple

import torch
from torch.utils._python_dispatch import _disable_current_modes

from introspection.chunks import readable
from introspection.errors import UnsupportedStorage
from introspection.parts import PLAIN_TYPES, is_opaque, is_plain, parts
from introspection.raw_bytes import address_of

# What a jagged tensor remembers once attention has asked for it; its offsets say the same.
_REMEMBERED = frozenset({"_min_seqlen_tensor", "_max_seqlen_tensor"})
# What decides which values of a DTensor a process holds, in the placements that have it.
_PLACING = ("dim", "split_factor", "reduce_op")


class Contents(NamedTuple):
    """All that makes one tensor's values."""

    kind: str
    """Dtype and shape; of a tensor of several parts also its class, layout, and what else its values follow from."""
    dense: torch.Tensor | None
    """The tensor, if it holds its bytes itself; without its graph, unless its bytes are read where they lie."""
    parts: tuple[tuple[str, torch.Tensor], ...]
    """Otherwise the strided tensors that hold them, with their paths and without their graphs."""


def contents(tensor: torch.Tensor, name: str) -> Contents:
    """What the values of a tensor of any kind follow from; reads and moves no byte of it.

    - A dense tensor: dtype, shape and bytes.
    - Quantised: its integers, scheme, scale and zero point (of every channel and the axis, where each has its own).
    - Sparse: its indices and values as they are stored: coalescing a tensor changes its contents.
    - Nested: its rows; jagged: its buffer and offsets.
    - DTensor: the shard of this process, the placements, the shape of the mesh and this process's place in it. It is
      the identity of a shard, and of no whole tensor.
    - Any other wrapper: the tensors it wraps, its class, and the plain values of its flattening context.
    - The mkldnn layout: the dense tensor it converts to, a copy.

    Args:
        tensor: Any tensor.
        name: What to call it in an error.

    Raises:
        UnsupportedStorage: Some of it has no values: meta, fake, not initialised, freed.
    """
    if is_plain(tensor):
        # Nearly every tensor can be read where it lies. Others are read by torch's operations: leave no graph.
        direct = address_of(tensor) is not None and _is_whole(tensor)
        return Contents(dense_kind(tensor.dtype, tensor.shape), tensor if direct else readable(tensor, name), ())
    if is_opaque(tensor):
        with torch.no_grad():
            return Contents(f"parts of {_kind(tensor)}", None, (("dense", tensor.to_dense().detach()),))
    nested = tensor.is_nested and tensor.layout is torch.strided
    held = _rows(tensor) if nested else parts(tensor)
    if len(held) == 1 and held[0][1] is tensor:
        return Contents(dense_kind(tensor.dtype, tensor.shape), readable(tensor, name), ())
    if not held and not nested:
        # Not initialised yet: the error says so.
        readable(tensor, name)
    live = [(path, part) for path, part in held if path.rpartition(".")[2] not in _REMEMBERED]
    return Contents(
        f"parts of {_kind(tensor)}", None, tuple((path, readable(part, f"{name}.{path}")) for path, part in live)
    )


def dense_contents(tensor: torch.Tensor, name: str) -> torch.Tensor:
    """The tensor as `contents` gives it, if it holds its bytes itself.

    Raises:
        UnsupportedStorage: It has no values, or holds them in several parts (sparse, quantised, wrapped).
    """
    held = contents(tensor, name)
    if held.dense is None:
        raise UnsupportedStorage(
            name, f"it is {held.kind}, not one dense tensor", remedy="take fingerprint() of it, or of its parts"
        )
    return held.dense


@contextmanager
def undisturbed() -> Iterator[None]:
    """Inside, torch's operations act on tensors as they are: no dispatch mode sees them and no transform wraps them.

    To look at a model while its operations are watched, faked or transformed must neither be told nor be fooled.

    Source: `torch.utils._python_dispatch`, which torch itself uses to step out of its modes.
    """
    modes = torch._C._len_torch_dispatch_stack() + torch._C._len_torch_function_stack()
    if modes == 0 and torch._C._functorch.maybe_current_level() is None:
        yield
        return
    with torch._C.DisableTorchFunction(), torch._C._DisableFuncTorch(), _disable_current_modes():
        yield


@lru_cache(maxsize=1024)
def dense_kind(dtype: torch.dtype, shape: tuple[object, ...]) -> str:
    """Dtype and shape as fingerprints spell them: `float32[2,3]`."""
    return f"{str(dtype).removeprefix('torch.')}[{','.join(map(str, shape))}]"


def _is_whole(tensor: torch.Tensor) -> bool:
    """Whether the storage of a contiguous tensor holds all of it; quick to ask."""
    needed = (tensor.storage_offset() + tensor.numel()) * tensor.element_size()
    return needed <= tensor.untyped_storage().nbytes()


def _rows(tensor: torch.Tensor) -> tuple[tuple[str, torch.Tensor], ...]:
    """The rows of a nested tensor: how they lie in their buffer is not among their values."""
    with torch.no_grad():
        return tuple((str(row), part.detach()) for row, part in enumerate(tensor.unbind()))


def _kind(tensor: torch.Tensor) -> str:
    """Everything that a tensor's values follow from and that lies in none of its parts."""
    # A parameter made of a tensor has its values.
    name = "Tensor" if type(tensor) in PLAIN_TYPES else type(tensor).__qualname__
    facts = [name, str(tensor.layout).removeprefix("torch.")]
    if tensor.is_nested and tensor.layout is torch.strided:
        return " ".join([*facts, "nested"])
    # A ragged size is a symbol, another one in every tensor: the offsets among the parts tell it.
    facts.append(dense_kind(tensor.dtype, tuple(_plain(size) for size in tensor.shape)))
    if tensor.is_quantized:
        facts += _quantisation(tensor)
    elif hasattr(type(tensor), "__tensor_flatten__"):
        facts += _mesh(tensor) if _is_dtensor(tensor) else _wrapping(tensor)
    return " ".join(facts)


def _quantisation(tensor: torch.Tensor) -> list[str]:
    facts = [str(tensor.qscheme())]
    if tensor.qscheme() in (torch.per_tensor_affine, torch.per_tensor_symmetric):
        facts += [tensor.q_scale().hex(), str(tensor.q_zero_point())]
    else:
        facts.append(str(tensor.q_per_channel_axis()))
    if tensor.dtype in (torch.quint4x2, torch.quint2x4):
        # Its part is the whole storage: where in it the tensor begins is in no byte of it.
        facts.append(f"{tensor.storage_offset()} {tensor.stride()}")
    return facts


def _is_dtensor(tensor: torch.Tensor) -> bool:
    module = sys.modules.get("torch.distributed.tensor")
    return module is not None and isinstance(tensor, module.DTensor)


def _mesh(tensor: Any) -> list[str]:
    mesh = tensor.device_mesh
    facts = [f"mesh {tuple(mesh.shape)} at {mesh.get_coordinate()}"]
    for placement in tensor.placements:
        told = {key: getattr(placement, key) for key in _PLACING if hasattr(placement, key)}
        facts.append(f"{type(placement).__name__} {_plain(told)}")
    return facts


def _wrapping(tensor: torch.Tensor) -> list[str]:
    inner, context = tensor.__tensor_flatten__()  # type: ignore[attr-defined]
    held = [(key, getattr(tensor, key)) for key in inner]
    wrappers = [(key, value) for key, value in held if hasattr(type(value), "__tensor_flatten__")]
    return [_plain(context), *(f"{key} ({_kind(value)})" for key, value in wrappers if isinstance(value, torch.Tensor))]


def _plain(value: object) -> str:
    """A value spelled the same in every process; of what cannot be, only its type."""
    if isinstance(value, torch.SymInt):
        return "*"
    if isinstance(value, float):
        return value.hex()
    if value is None or isinstance(value, bool | int | str | torch.dtype | torch.layout):
        return repr(value)
    if isinstance(value, Enum):
        return value.name
    if isinstance(value, dict):
        # Whether gradients are wanted changes no value.
        kept = sorted((str(key), _plain(item)) for key, item in value.items() if key != "requires_grad")
        return "{" + ", ".join(f"{key}: {item}" for key, item in kept) + "}"
    if isinstance(value, list | tuple):
        return "(" + ", ".join(map(_plain, value)) + ")"
    return type(value).__qualname__
