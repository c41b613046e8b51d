"""The bytes of a tensor before a write: kept, compared bit for bit, and put back."""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch import Tensor

from introspection.chunks import logical_chunks
from introspection.fingerprint import dense_fingerprint
from memory.events.modifications import Change

_CHUNK_ELEMENTS = 1 << 22
"""Elements measured at a time: 32 MiB in float64, whatever the size of the tensor."""

_INTEGER_OF_SIZE = {1: torch.uint8, 2: torch.int16, 4: torch.int32, 8: torch.int64}


class PreImage:
    """A copy of one tensor's bytes, taken now, that can be compared with the live ones and put back.

    Args:
        tensor: The live tensor, of any dtype, device and strides; it is read, never moved.

    Raises:
        UnsupportedStorage: It has no plain bytes (sparse, quantised, meta).
    """

    def __init__(self, tensor: Tensor) -> None:
        self._tensor = tensor.detach()
        self.fingerprint = dense_fingerprint(self._tensor)
        self._nbytes = self._tensor.untyped_storage().nbytes()
        self._shape = distinct_elements(self._tensor).shape
        # Integers are copied as they are: a float's bits might be tidied up on the way (NaN payloads, odd bools).
        self._live = _bits(distinct_elements(self._tensor))
        self._kept = self._live.clone(memory_format=torch.contiguous_format)
        self._row_changed = torch.zeros(0, dtype=torch.bool)

    @property
    def reachable(self) -> bool:
        """Whether the memory is still there: torch does not look before it reads what was freed."""
        return self._tensor.untyped_storage().nbytes() == self._nbytes

    def is_of(self, tensor: Tensor) -> bool:
        """Say whether these are the bytes of just this view of just this memory."""
        return same_view(self._tensor, tensor)

    def same_memory(self, other: PreImage) -> bool:
        """Say whether another pre-image is of the same view of the same memory."""
        return same_view(self._tensor, other._tensor)

    def put_back(self) -> bool:
        """Write the kept bytes back in place; return whether the live bits are the kept ones again."""
        if not self.reachable:
            return False
        # Only where it is needed: the memory may be a read-only mapping that nobody wrote to.
        if not self._as_kept():
            with torch.no_grad():
                self._live.copy_(self._kept)
        return self._as_kept()

    def measure(self) -> Change:
        """Say what changed since, in float64 over chunks; the comparison is of bits (−0.0 is not 0.0, NaN is NaN)."""
        squares_of_change = squares_before = largest = 0.0
        changed = nonfinite = start = 0
        elements = math.prod(self._shape)
        rows = self._shape[0] if self._shape else 1
        row_changed = self._row_changed = torch.zeros(rows, dtype=torch.bool, device=self._live.device)
        for kept, now in self._chunks():
            before, after = self._as_float64(kept), self._as_float64(now)
            other = (kept != now).reshape(len(before), -1).any(dim=1)
            delta = torch.where(other, after - before, torch.zeros_like(after)).abs()
            squares_of_change += float((delta**2).sum())
            squares_before += float((before.abs() ** 2).sum())
            largest = _larger(largest, float(delta.max()))
            changed += int(other.sum())
            nonfinite += int((~torch.isfinite(after)).sum())
            row_changed[(other.nonzero().flatten() + start) // (elements // rows)] = True
            start += len(before)
        return Change(
            fingerprint_before=self.fingerprint,
            fingerprint_after=dense_fingerprint(self._tensor),
            delta_norm=math.sqrt(squares_of_change),
            weight_norm=math.sqrt(squares_before),
            max_change=largest,
            elements_changed=changed,
            elements=elements,
            rows_changed=int(row_changed.sum()),
            rows=rows,
            nonfinite_after=nonfinite,
        )

    def changed_rows(self) -> tuple[int, ...]:
        """Give the rows (first dimension) that the last `measure` found changed, sorted."""
        return tuple(self._row_changed.nonzero().flatten().tolist())

    def _as_kept(self) -> bool:
        return not any(bool((now != kept).any()) for kept, now in self._chunks())

    def _chunks(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield kept and live bits in the same order, one dimension each, whole elements at a time."""
        kept, start = self._kept.reshape(-1), 0
        parts = 2 if self._tensor.dtype == torch.complex128 else 1
        for now in logical_chunks(self._live, parts * _CHUNK_ELEMENTS):
            yield kept[start : start + now.numel()], now
            start += now.numel()

    def _as_float64(self, bits: Tensor) -> Tensor:
        dtype = self._tensor.dtype
        if dtype == torch.complex128:
            return torch.view_as_complex(bits.contiguous().view(torch.float64).reshape(-1, 2))
        values = bits.contiguous().view(dtype)
        return values.to(torch.complex128) if dtype.is_complex else values.to(torch.float64)


def distinct_elements(tensor: Tensor) -> Tensor:
    """Give the view of a tensor in which every element of its memory stands once (expanded dimensions dropped)."""
    for dimension, (size, stride) in enumerate(zip(tensor.shape, tensor.stride(), strict=True)):
        if stride == 0 and size > 1:
            tensor = tensor.narrow(dimension, 0, 1)
    return tensor


def same_view(one: Tensor, other: Tensor) -> bool:
    """Say whether two tensors are the same view of the same memory, without asking for an address.

    An address is not asked for because that parts a lazy clone from its origin.
    """
    # Part of torch and of no stub: two tensors of one storage object.
    return (
        one.untyped_storage()._cdata == other.untyped_storage()._cdata
        and one.storage_offset() == other.storage_offset()
        and one.shape == other.shape
        and one.stride() == other.stride()
        and one.dtype == other.dtype
    )


def _bits(tensor: Tensor) -> Tensor:
    """Give a tensor's memory as integers, by a view; a complex128 has a last dimension of two."""
    # What a lazy conjugate or negative shows is not what its memory holds: its memory is what is put back.
    plain = tensor.conj() if tensor.is_conj() else tensor
    plain = torch._neg_view(plain) if plain.is_neg() else plain
    if plain.dtype == torch.complex128:
        return torch.view_as_real(plain).view(torch.int64)
    return plain.view(_INTEGER_OF_SIZE[plain.element_size()])


def _larger(a: float, b: float) -> float:
    return math.nan if math.isnan(a) or math.isnan(b) else max(a, b)
