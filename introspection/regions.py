"""Where the bytes of a tensor are: its regions in an address space, found without reading or moving a byte."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch._subclasses.fake_tensor import FakeTensor
from torch.nn.parameter import is_lazy

from introspection.overlap import Region, canonical
from introspection.relate import Regions

Binding = tuple[object, ...]
"""What a name is bound to: equal bindings have equal regions and equal meaning."""

# Part of torch since 2.3, and of no stub.
_is_cow_tensor: Callable[[torch.Tensor], bool] = torch._C._is_cow_tensor  # type: ignore[attr-defined]
_PLAIN = (torch.nn.Parameter, torch.Tensor)
_PACKED = frozenset({torch.quint4x2, torch.quint2x4, torch.bits1x8, torch.bits2x4, torch.bits4x2})
_COMPRESSED = {
    torch.sparse_csr: ("crow_indices", "col_indices", "values"),
    torch.sparse_bsr: ("crow_indices", "col_indices", "values"),
    torch.sparse_csc: ("ccol_indices", "row_indices", "values"),
    torch.sparse_bsc: ("ccol_indices", "row_indices", "values"),
}


def binding(tensor: torch.Tensor) -> Binding:
    """Everything that decides where a tensor's bytes are and how they are read, as a cheap comparable value."""
    if type(tensor) in _PLAIN and tensor.layout is torch.strided and not is_copy_on_write(tensor):
        base = tensor.untyped_storage().data_ptr()
        if base:
            return base, tensor.storage_offset(), tensor.shape, tensor.stride(), tensor.dtype, tensor.device
    return regions_of(tensor), *_type(tensor)


def regions_of(tensor: torch.Tensor) -> Regions:
    """The byte regions of a tensor, in canonical form: equal for equal bytes, empty if it has none.

    Real memory is addressed absolutely, because two storages can cover the same memory (numpy). Tensors without
    memory of their own to point at (meta, fake, freed, and copy-on-write, whose bytes part at the first write) are
    addressed by their storage and the offset in it.
    """
    if is_lazy(tensor):
        return ()
    if isinstance(tensor, FakeTensor):
        return _strided(tensor, *_in_storage(tensor))
    if hasattr(type(tensor), "__tensor_flatten__"):
        inner, _ = tensor.__tensor_flatten__()  # type: ignore[attr-defined]
        return _together([regions_of(getattr(tensor, attribute)) for attribute in inner])
    if tensor.layout is torch.sparse_coo:
        return _together([regions_of(tensor._indices()), regions_of(tensor._values())])
    if tensor.layout in _COMPRESSED:
        return _together([regions_of(getattr(tensor, part)()) for part in _COMPRESSED[tensor.layout]])
    if tensor.layout is not torch.strided:
        # Nothing can be known of bytes behind an opaque handle, except that one tensor object has one handle.
        return (Region(("opaque", tensor._cdata), 0, 1, hidden="handle"),)
    if tensor.is_nested or tensor.dtype in _PACKED:
        return _whole_storage(tensor)
    # The storage's address and not the tensor's: of no memory at all, the tensor's is its offset, not zero.
    base = 0 if is_copy_on_write(tensor) else tensor.untyped_storage().data_ptr()
    space, offset = _in_storage(tensor)
    if base == 0:
        return _strided(tensor, space, offset)
    return _strided(tensor, (tensor.device.type, tensor.device.index or 0), base + offset)


def is_copy_on_write(tensor: torch.Tensor) -> bool:
    """Whether a tensor's storage is a lazy clone that parts from its origin at the first write.

    Taking such a tensor's address would make the copy.
    """
    return bool(_is_cow_tensor(tensor))


def _strided(tensor: torch.Tensor, space: tuple[str, int], start: int) -> Regions:
    count = tensor.numel()
    if count == 0:
        return ()
    width = tensor.element_size()
    if tensor.is_contiguous():
        return (Region(space, start, count * width),)
    dims = [(stride * width, size) for stride, size in zip(tensor.stride(), tensor.shape, strict=True)]
    return (Region(space, start, *canonical(width, dims)),)


def _in_storage(tensor: torch.Tensor) -> tuple[tuple[str, int], int]:
    return ("storage", tensor.untyped_storage()._cdata), int(tensor.storage_offset()) * tensor.element_size()


def _whole_storage(tensor: torch.Tensor) -> Regions:
    """A storage whose bytes a tensor holds in a form strides do not tell: somewhere in there."""
    storage = tensor.untyped_storage()
    if storage.nbytes() == 0:
        return ()
    space, start = ("storage", storage._cdata), 0
    if not tensor.is_meta and not is_copy_on_write(tensor):
        space, start = (tensor.device.type, tensor.device.index or 0), storage.data_ptr()
    layout = (
        f"nested {tensor._cdata}" if tensor.is_nested else f"{tensor.storage_offset()} {tensor.shape} {tensor.stride()}"
    )
    return (Region(space, start, storage.nbytes(), hidden=f"{tensor.dtype} {layout}"),)


def _together(parts: list[Regions]) -> Regions:
    return tuple(sorted({region for part in parts for region in part}))


def _type(tensor: torch.Tensor) -> Binding:
    if is_lazy(tensor):
        return (type(tensor),)
    return type(tensor), tensor.dtype, tensor.device
