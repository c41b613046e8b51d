"""Where the bytes of a tensor are: its regions in an address space, found without reading or moving a byte."""

from __future__ import annotations

from collections.abc import Callable

import torch

from introspection.mappings import Space, in_file
from introspection.overlap import Region, canonical
from introspection.parts import is_opaque, is_plain, strided_parts
from introspection.relate import Regions

Binding = tuple[object, ...]
"""What a name is bound to: equal bindings have equal regions and equal meaning."""

_HOST: Space = ("cpu", 0)

# Part of torch for years, and of no stub. None of them reads a byte, nor makes the copy of a lazy clone.
_is_cow_tensor: Callable[[torch.Tensor], bool] = torch._C._is_cow_tensor  # type: ignore[attr-defined]
_data_address: Callable[[torch.Tensor], int] = torch._C._data_address  # type: ignore[attr-defined]
_storage_address: Callable[[torch.Tensor], int] = torch._C._storage_address  # type: ignore[attr-defined]


def _first_byte(tensor: torch.Tensor) -> int:
    return _data_address(tensor) + int(tensor.storage_offset()) * tensor.element_size()


first_byte: Callable[[torch.Tensor], int] = getattr(torch.Tensor, "const_data_ptr", _first_byte)
"""Where a plain tensor begins in memory, asked without parting a lazy clone; on meta only its offset. As quick as any
question there is; older torch, which has no `const_data_ptr`, takes some times as long."""


def binding(tensor: torch.Tensor) -> Binding:
    """Everything that decides where a tensor's bytes are and how they are read, as a comparable value."""
    return regions_of(tensor), type(tensor), *(() if not is_plain(tensor) else (tensor.dtype, tensor.device))


def regions_of(tensor: torch.Tensor) -> Regions:
    """The byte regions of a tensor, in canonical form: equal for equal bytes, empty if it has none.

    Real memory is addressed absolutely, because two storages can cover the same memory (numpy); shared mappings of
    files by the file and the place in it, because two mappings can cover the same bytes. Tensors without memory of
    their own to point at (meta, fake, freed, and copy-on-write, whose bytes part at the first write) are addressed by
    their storage and the offset in it.
    """
    if is_plain(tensor):
        return _strided(tensor)
    return _together([_opaque(part) if is_opaque(part) else _strided(part) for _, part in strided_parts(tensor)])


def is_copy_on_write(tensor: torch.Tensor) -> bool:
    """Whether a tensor's storage is a lazy clone that parts from its origin at the first write.

    Taking such a tensor's address would make the copy.
    """
    return bool(_is_cow_tensor(tensor))


def _strided(tensor: torch.Tensor) -> Regions:
    size = tensor.nbytes
    if size == 0:
        return ()
    address = _data_address(tensor)
    space: Space
    if address == 0 or _is_cow_tensor(tensor):
        space, start = ("storage", _storage_address(tensor)), 0
    elif tensor.is_cpu:
        space, start = in_file(tensor.untyped_storage(), address) or (_HOST, address)
    else:
        device = tensor.device
        space, start = (device.type, device.index or 0), address
    offset = tensor.storage_offset()
    if offset:
        start += int(offset) * tensor.element_size()
    if tensor.is_contiguous():
        return (Region(space, start, size),)
    width = tensor.element_size()
    dims = [(stride * width, count) for stride, count in zip(tensor.stride(), tensor.shape, strict=True)]
    return (Region(space, start, *canonical(width, dims)),)


def _opaque(tensor: torch.Tensor) -> Regions:
    """The memory of an mkldnn tensor: one block in a layout of its own, of which there are no views."""
    size = torch.ops.mkldnn._nbytes(tensor)
    return (Region(_HOST, torch.ops.mkldnn.data_ptr(tensor), size),) if size else ()


def _together(parts: list[Regions]) -> Regions:
    return tuple(sorted({region for part in parts for region in part}))
