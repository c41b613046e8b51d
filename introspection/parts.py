"""Which plain tensors hold the bytes of a tensor: the one place that knows how torch's other kinds are made up."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch._subclasses.fake_tensor import FakeTensor
from torch.nn.parameter import is_lazy

from introspection.errors import UnsupportedStorage

PLAIN_TYPES = (torch.nn.Parameter, torch.Tensor)
"""Classes whose instances are never made up of other tensors by Python means."""

_COMPRESSED = {
    torch.sparse_csr: ("crow_indices", "col_indices", "values"),
    torch.sparse_bsr: ("crow_indices", "col_indices", "values"),
    torch.sparse_csc: ("ccol_indices", "row_indices", "values"),
    torch.sparse_bsc: ("ccol_indices", "row_indices", "values"),
}
# Quantised types, and the type their bytes are stored as; those of less than a byte an element are packed.
_STORED_AS = {torch.qint8: torch.int8, torch.quint8: torch.uint8, torch.qint32: torch.int32}
_PER_CHANNEL = (torch.per_channel_affine, torch.per_channel_affine_float_qparams, torch.per_channel_symmetric)

# Part of torch for years, and of no stub.
_has_storage: Callable[[torch.Tensor], bool] = torch._C._has_storage
_address: Callable[[torch.Tensor], int] = torch._C._data_address  # type: ignore[attr-defined]


def parts(tensor: torch.Tensor) -> tuple[tuple[str, torch.Tensor], ...]:
    """Every plain strided tensor that holds some of a tensor's bytes, with its path inside; no byte is read or moved.

    - a plain tensor, meta and fake ones included: itself, under the empty path;
    - a wrapper (DTensor, jagged nested tensors, torchao's, any class with `__tensor_flatten__`): what it wraps, by the
      names of its attributes, through as many wrappers as there are: `_local_tensor`, `_values`, `_data.scale`. A
      wrapper without that method: the tensors among its own attributes;
    - sparse: `indices`, `values`; compressed: `crow_indices`, `col_indices`, `values` and the like;
    - quantised: `int_repr`, its bytes as plain integers (`packed` where several elements share one), and where each
      channel has its own, `q_per_channel_scales` and `q_per_channel_zero_points`. One scale for the whole tensor is in
      no tensor and so no part: ask `q_scale()`;
    - nested and strided: `values`, the buffer its rows lie in end to end; if they do not, every row by its number;
    - inside `torch.func` and while functionalised: what the transform has wrapped, under `functorch` or `functional`;
    - not initialised yet (lazy): nothing.

    The parts are live: what is written to one is written to the tensor.

    Args:
        tensor: Any tensor of any shape, dtype, layout and device.

    Returns:
        (path, plain strided tensor) pairs, in the order the tensor's class gives them.

    Raises:
        UnsupportedStorage: The bytes lie behind an opaque handle (the mkldnn layout): no tensor holds them. `is_opaque`
            tells beforehand.

    Example:
        `[path for path, _ in parts(torch.eye(3).to_sparse_csr())]` is `['crow_indices', 'col_indices', 'values']`.

    Source: the wrapper protocol `__tensor_flatten__` (torch.utils._python_dispatch, "traceable wrapper subclasses");
    PyTorch's documentation of sparse, nested and quantised tensors.
    """
    found = tuple(strided_parts(tensor))
    for path, part in found:
        if is_opaque(part):
            raise UnsupportedStorage(
                path or type(part).__qualname__,
                f"they lie behind an opaque {part.layout} handle",
                remedy="look at to_dense() of it, which is a copy",
            )
    return found


def strided_parts(tensor: torch.Tensor, path: str = "") -> Iterator[tuple[str, torch.Tensor]]:
    """As `parts`, one by one; what is opaque is given as it is, instead of an error."""
    if is_plain(tensor):
        yield path, tensor
    elif not is_lazy(tensor):
        held = _held(tensor)
        if held is None:
            yield path, tensor
        else:
            for name, part in held:
                yield from strided_parts(part, f"{path}.{name}" if path else name)


def is_opaque(tensor: torch.Tensor) -> bool:
    """Whether a tensor's bytes lie behind a handle that no tensor can view: `parts` cannot tell where they are."""
    return tensor.layout is torch._mkldnn  # type: ignore[attr-defined]


def is_plain(tensor: torch.Tensor) -> bool:
    """Whether a tensor is its own only part, as all but every tensor of a model is; quick to ask."""
    return (
        type(tensor) in PLAIN_TYPES
        and tensor.layout is torch.strided
        and _has_storage(tensor)
        and not (tensor.is_quantized or tensor.is_nested or torch._is_functional_tensor(tensor))
    )


def _held(tensor: torch.Tensor) -> list[tuple[str, torch.Tensor]] | None:
    """The tensors one level inside; None if there are none, and the tensor holds its bytes itself."""
    if isinstance(tensor, FakeTensor):
        return None
    if hasattr(type(tensor), "__tensor_flatten__"):
        # Some classes name more than tensors here: a DTensor names its device mesh.
        inner, _ = tensor.__tensor_flatten__()  # type: ignore[attr-defined]
        held = [(attribute, getattr(tensor, attribute)) for attribute in inner]
        return [(attribute, value) for attribute, value in held if isinstance(value, torch.Tensor)]
    if is_opaque(tensor):
        return None
    with torch.no_grad():
        if tensor.layout is torch.sparse_coo:
            return [("indices", tensor._indices()), ("values", tensor._values())]
        if tensor.layout in _COMPRESSED:
            return [(name, getattr(tensor, name)().detach()) for name in _COMPRESSED[tensor.layout]]
        if not _has_storage(tensor):
            return [("functorch", torch._C._functorch.get_unwrapped(tensor))]
        if torch._is_functional_tensor(tensor):
            return [("functional", torch._from_functional_tensor(tensor))]
        if tensor.is_nested:
            if tensor.is_contiguous():
                return [("values", tensor.values().detach())]
            return [(str(row), part.detach()) for row, part in enumerate(tensor.unbind())]
        if tensor.is_quantized:
            return _quantised(tensor)
    return _wrapped(tensor)


def _quantised(tensor: torch.Tensor) -> list[tuple[str, torch.Tensor]]:
    storage = tensor.untyped_storage()
    if tensor.dtype in _STORED_AS:
        bare = torch.empty(0, dtype=_STORED_AS[tensor.dtype], device=tensor.device)
        held = [("int_repr", bare.set_(storage, tensor.storage_offset(), tensor.shape, tensor.stride()))]
    else:
        bare = torch.empty(0, dtype=torch.uint8, device=tensor.device)
        held = [("packed", bare.set_(storage, 0, (storage.nbytes(),), (1,)))]
    if tensor.qscheme() in _PER_CHANNEL:
        held.append(("q_per_channel_scales", tensor.q_per_channel_scales()))
        held.append(("q_per_channel_zero_points", tensor.q_per_channel_zero_points()))
    return held


def _wrapped(tensor: torch.Tensor) -> list[tuple[str, torch.Tensor]] | None:
    """What a wrapper that does not follow the protocol wraps: its storage has a size, and no memory."""
    if type(tensor) in PLAIN_TYPES or tensor.is_meta or _address(tensor) or tensor.untyped_storage().nbytes() == 0:
        return None
    held = [(name, value) for name, value in vars(tensor).items() if isinstance(value, torch.Tensor)]
    return held or None
