"""The values of a tensor in order, a bounded piece at a time, so that no tensor is ever copied whole."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch._subclasses.fake_tensor import FakeTensor
from torch.nn.parameter import is_lazy

from introspection.errors import UnsupportedStorage
from introspection.parts import parts


def logical_chunks(tensor: torch.Tensor, max_elements: int) -> Iterator[torch.Tensor]:
    """Yields the elements of a strided tensor in contiguous order as one-dimensional tensors.

    Pieces of contiguous tensors are views; of others, copies of at most `max_elements` elements.

    Args:
        tensor: A dense tensor of any shape, strides and device.
        max_elements: The most elements of one piece.
    """
    if tensor.numel() == 0:
        return
    if tensor.is_contiguous():
        flat = tensor.view(-1)
        for begin in range(0, flat.numel(), max_elements):
            yield flat[begin : begin + max_elements]
    elif tensor.numel() <= max_elements:
        yield tensor.reshape(-1)
    else:
        rows = max(1, max_elements // (tensor.numel() // tensor.shape[0]))
        for begin in range(0, tensor.shape[0], rows):
            part = tensor[begin : begin + rows]
            yield from logical_chunks(part[0] if len(part) == 1 else part, max_elements)


def readable(tensor: torch.Tensor, name: str) -> torch.Tensor:
    """The tensor without its graph, if its values can be read element by element.

    Args:
        tensor: Any tensor.
        name: What to call it in the error.

    Raises:
        UnsupportedStorage: It has no values (meta, fake, uninitialised, freed) or holds them in no dense form.
    """
    if is_lazy(tensor):
        raise UnsupportedStorage(name, "it is not initialised yet", remedy="run the model once, then look again")
    if tensor.is_meta or isinstance(tensor, FakeTensor):
        raise UnsupportedStorage(name, "it is on the meta device and has no values", remedy="load the weights first")
    if tensor.layout is not torch.strided or tensor.is_nested:
        raise UnsupportedStorage(
            name,
            f"its layout is {'nested' if tensor.is_nested else tensor.layout}, not dense",
            remedy="look at the dense tensors that hold its values instead",
        )
    if not tensor.is_quantized:
        held = [path for path, _ in parts(tensor) if path]
        if held:
            raise UnsupportedStorage(
                name,
                f"it is a {type(tensor).__qualname__} around other tensors",
                remedy=f"look at those tensors instead: {', '.join(f'.{path}' for path in held)}",
            )
    if tensor.numel() > 0 and tensor.untyped_storage().nbytes() < _needed_bytes(tensor):
        # Reading on would end the process: a storage can be made smaller under the tensors that view it.
        raise UnsupportedStorage(name, "its memory was freed", remedy="look while its values are gathered")
    # A subclass may do anything in its operations; its bytes are a plain tensor's.
    with torch._C.DisableTorchFunctionSubclass():
        return tensor.detach()


def _needed_bytes(tensor: torch.Tensor) -> int:
    """How long its storage has to be for a tensor that is not empty."""
    if tensor.is_quantized:
        # Several elements of a quantised tensor can share a byte.
        return 1
    last: int = sum((size - 1) * stride for size, stride in zip(tensor.shape, tensor.stride(), strict=True))
    return int(tensor.storage_offset() + last + 1) * tensor.element_size()
