"""The bytes of one live storage: read, compared and written where they lie, whatever its dtype, strides and device."""

from __future__ import annotations

import ctypes
import math
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from introspection.contents import dense_contents
from introspection.raw_bytes import address_of, gather

Bytes = NDArray[np.uint8]
Ranges = Sequence[tuple[int, int]]
"""Byte ranges, each from its first byte to one past its last, in order."""

_INTEGER_OF_SIZE = {1: torch.uint8, 2: torch.int16, 4: torch.int32, 8: torch.int64}
_WIDEST = 8
_WORTH_THREADS = 1 << 23
"""Bytes whose copying takes longer than waking threads."""
_EXCHANGED = 1 << 18
"""Bytes exchanged at a time: they stay in the second level of the cache in between."""


class Form:
    """The dtype and shape of a storage's elements: what its bytes mean.

    Args:
        dtype: Its dtype.
        shape: The shape of its distinct elements.
        shown: The shape in which a tensor shows them, where dimensions are repeated.
    """

    def __init__(self, dtype: torch.dtype, shape: Sequence[int], shown: Sequence[int] | None = None) -> None:
        self.dtype = dtype
        self.shape = tuple(shape)
        self.shown = self.shape if shown is None else tuple(shown)
        self.element_bytes = dtype.itemsize
        self.nbytes = math.prod(self.shape) * self.element_bytes

    @property
    def repeated(self) -> bool:
        """Whether the tensor shows some of its elements several times."""
        return self.shown != self.shape

    @property
    def width(self) -> int:
        """Bytes of the integers its elements are compared and subtracted as."""
        return min(self.element_bytes, _WIDEST)

    @property
    def rows(self) -> int:
        """Rows: the size of the first dimension; one without dimensions."""
        return self.shape[0] if self.shape else 1

    @property
    def row_bytes(self) -> int:
        """Bytes of a row; 0 where there is none."""
        return self.nbytes // self.rows if self.rows else 0

    def numbers(self, content: Bytes) -> Tensor:
        """Give bytes of some of its elements as real numbers in one dimension; of a complex element two."""
        if self.dtype.is_complex:
            part = {2: torch.float16, 4: torch.float32, 8: torch.float64}[self.element_bytes // 2]
            return _borrowed(content).view(part)
        return _borrowed(content).view(self.dtype)

    def values(self, content: Bytes) -> Tensor:
        """Give bytes of some of its elements, in order, as numbers: float64, or complex128 of a complex dtype."""
        if self.dtype == torch.complex128:
            return torch.view_as_complex(_borrowed(content).view(torch.float64).reshape(-1, 2))
        numbers = _borrowed(content).view(self.dtype)
        return numbers.to(torch.complex128) if self.dtype.is_complex else numbers.to(torch.float64)

    def tensor_of(self, content: Bytes) -> Tensor:
        """Give a tensor of its own dtype and shape that views bytes, repeated dimensions repeated."""
        if content.size == 0:
            return torch.empty(self.shown, dtype=self.dtype)
        if self.dtype == torch.complex128:
            numbers = torch.view_as_complex(torch.from_numpy(content).view(torch.float64).reshape(-1, 2))
        else:
            numbers = torch.from_numpy(content).view(self.dtype)
        return numbers.view(self.shape).expand(self.shown)


class LiveStorage(Form):
    """The distinct elements of one live tensor as contiguous bytes, in the order of its elements.

    Dimensions that an expanded tensor repeats count once. The tensor is read where it lies, and never moved.

    Args:
        tensor: The live tensor, of any dense dtype, device and strides.
        name: What to call it in an error.

    Raises:
        UnsupportedStorage: It has no plain bytes (sparse, quantised, meta, wrapped, freed).
    """

    def __init__(self, tensor: Tensor, name: str = "tensor") -> None:
        self.tensor = dense_contents(tensor, name).detach()
        distinct = distinct_elements(self.tensor)
        super().__init__(self.tensor.dtype, distinct.shape, self.tensor.shape)
        # Integers are copied as they are: a float's bits might be tidied up on the way (NaN payloads, odd bools).
        self._bits = _bits(distinct)
        self._memory = self.tensor.untyped_storage().nbytes()

    even = True
    """Whether every process that holds a copy of these bytes held the same ones when they were last read."""

    @property
    def reachable(self) -> bool:
        """Whether the memory is still there: torch does not look before it reads what was freed."""
        return self.tensor.untyped_storage().nbytes() == self._memory

    def shows(self, tensor: Tensor) -> bool:
        """Say whether a tensor is this view of this memory."""
        return same_view(self.tensor, tensor)

    def view(self) -> Bytes | None:
        """Give the live bytes themselves, not to be written; None where they do not lie in host memory in order."""
        view = self._view()
        if view is not None:
            view.flags.writeable = False
        return view

    def _view(self) -> Bytes | None:
        if self.nbytes == 0:
            return np.empty(0, np.uint8)
        address = address_of(self._bits)
        if address is None:
            return None
        # Not through `Tensor.numpy`: a storage that numpy was given can never be resized again.
        return np.frombuffer(memoryview((ctypes.c_char * self.nbytes).from_address(address)), np.uint8)

    def now(self, scratch: Bytes) -> Bytes:
        """Give the bytes as they are now: themselves where they lie in order, otherwise a copy in `scratch`."""
        view = self.view()
        if view is not None:
            return view
        self.read(scratch)
        return scratch

    def showing(self, now: Bytes) -> Tensor:
        """Give a tensor that shows what `now` gave: the live one, where it is whole in this process."""
        return self.tensor

    def read(self, into: Bytes, ranges: Ranges | None = None) -> None:
        """Copy the bytes as they are now.

        Args:
            into: Where to, of `nbytes`; what lies outside the ranges is left as it is, or written too.
            ranges: Which bytes; None for all.
        """
        if self.nbytes == 0:
            return
        view = self.view()
        if view is None:
            copied = gather(self._bits, 0, self._bits.numel(), "cpu")
            torch.from_numpy(into).copy_(copied.view(torch.uint8))
            return
        for begin, end in ranges if ranges is not None else ((0, self.nbytes),):
            _copy(into[begin:end], view[begin:end])

    def write(self, content: Bytes, ranges: Ranges | None = None) -> None:
        """Write bytes in place.

        Args:
            content: All `nbytes` of them.
            ranges: Which of them; None for all. Others may be written where the live ones are not in order.
        """
        if self.nbytes == 0:
            return
        view = self._view()
        if view is None:
            with torch.no_grad():
                self._bits.copy_(torch.from_numpy(content).view(self._bits.dtype).view(self._bits.shape))
            return
        for begin, end in ranges if ranges is not None else ((0, self.nbytes),):
            _copy(view[begin:end], content[begin:end])
        self._wrote()

    def exchange(self, content: Bytes, ranges: Ranges | None = None) -> None:
        """Put bytes in place and the live ones into `content`; called again, everything is as it was.

        Args:
            content: All `nbytes` of them.
            ranges: Where they differ from the live ones; None for anywhere.
        """
        if self.nbytes == 0:
            return
        view = self._view()
        if view is None:
            held = np.empty(self.nbytes, np.uint8)
            self.read(held)
            self.write(content)
            content[:] = held
            return
        aside = np.empty(min(_EXCHANGED, self.nbytes), np.uint8)
        for first, last in ranges if ranges is not None else ((0, self.nbytes),):
            for begin in range(first, last, _EXCHANGED):
                end = min(begin + _EXCHANGED, last)
                held = aside[: end - begin]
                held[:] = view[begin:end]
                view[begin:end] = content[begin:end]
                content[begin:end] = held
        self._wrote()

    def _wrote(self) -> None:
        """Count a write that torch did not see, so that a graph that needs the bytes before says so."""
        if not self.tensor.is_inference():
            torch.autograd.graph.increment_version(self.tensor)


def distinct_elements(tensor: Tensor) -> Tensor:
    """Give the view of a tensor in which every element of its memory stands once (expanded dimensions dropped)."""
    for dimension, (size, stride) in enumerate(zip(tensor.shape, tensor.stride(), strict=True)):
        if stride == 0 and size > 1:
            tensor = tensor.narrow(dimension, 0, 1)
    return tensor


def is_sharded(tensor: Tensor) -> bool:
    """Say whether a tensor is a DTensor; where nobody imported them, none is."""
    module = sys.modules.get("torch.distributed.tensor")
    return module is not None and isinstance(tensor, module.DTensor)


def local_part(tensor: Tensor) -> Tensor:
    """Give the plain tensor that holds what this process has of a tensor: its shard, or the tensor itself."""
    bare: Any = tensor.detach()
    local: Tensor = bare.to_local() if is_sharded(tensor) else bare
    return local


def same_view(one: Tensor, other: Tensor) -> bool:
    """Say whether two tensors are the same view of the same memory, without asking for an address.

    An address is not asked for because that parts a lazy clone from its origin.
    """
    if is_sharded(one) or is_sharded(other):
        shards: list[Any] = [one, other]
        return (
            is_sharded(one)
            and is_sharded(other)
            and one.shape == other.shape
            and shards[0].placements == shards[1].placements
            and same_view(local_part(one), local_part(other))
        )
    # Part of torch and of no stub: two tensors of one storage object.
    return (
        one.untyped_storage()._cdata == other.untyped_storage()._cdata
        and one.storage_offset() == other.storage_offset()
        and one.shape == other.shape
        and one.stride() == other.stride()
        and one.dtype == other.dtype
    )


def _copy(into: Bytes, content: Bytes) -> None:
    """Copy bytes: many by torch, on as many threads as it may use; few on this one, which starts at once."""
    if len(content) < _WORTH_THREADS:
        into[:] = content
    else:
        torch.from_numpy(into).copy_(_borrowed(content))


def _borrowed(content: Bytes) -> Tensor:
    """Give bytes that may be read-only as a tensor that nobody writes to."""
    if content.size == 0:
        return torch.empty(0, dtype=torch.uint8)
    if not content.flags.writeable:
        address: Any = content.ctypes.data
        memory = (ctypes.c_char * content.nbytes).from_address(address)
        return torch.frombuffer(memory, dtype=torch.uint8)
    return torch.from_numpy(content)


def _bits(tensor: Tensor) -> Tensor:
    """Give a tensor's memory as integers, by a view; a complex128 has a last dimension of two."""
    # What a lazy conjugate or negative shows is not what its memory holds: its memory is what is put back.
    plain = tensor.conj() if tensor.is_conj() else tensor
    plain = torch._neg_view(plain) if plain.is_neg() else plain
    if plain.dtype == torch.complex128:
        return torch.view_as_real(plain).view(torch.int64)
    return plain.view(_INTEGER_OF_SIZE[plain.element_size()])
