"""The bytes of a tensor before a write: kept, compared bit for bit, and put back."""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch import Tensor

from introspection.fingerprint import fingerprint
from memory.events.modifications import Change

_CHUNK_ELEMENTS = 1 << 22
"""Elements measured at a time: 32 MiB in float64, whatever the size of the tensor."""

_INTEGER_OF_SIZE = {1: torch.uint8, 2: torch.int16, 4: torch.int32, 8: torch.int64}


class PreImage:
    """A copy of one tensor's bytes, taken now, that can be compared with the live ones and put back.

    Args:
        tensor: The live tensor, of any dtype, device and strides; it is read, never moved.
    """

    def __init__(self, tensor: Tensor) -> None:
        self._expanded = tensor.detach()
        # First: it refuses what has no plain bytes (sparse, quantised, meta).
        self.fingerprint = fingerprint(self._expanded)
        self._live = distinct_elements(self._expanded)
        self._copy = self._live.clone()

    def put_back(self) -> bool:
        """Write the kept bytes back in place; return whether the live bits are the kept ones again."""
        with torch.no_grad():
            self._live.copy_(self._copy)
        return not any(bool((now != kept).any()) for kept, now in self._chunks(bits=True))

    def measure(self) -> Change:
        """Say what changed since, in float64 over chunks; the comparison is of bits (−0.0 is not 0.0, NaN is NaN)."""
        squares_of_change = squares_before = largest = 0.0
        changed = nonfinite = 0
        changed_rows: set[int] = set()
        width = max(1, self._copy[0].numel()) if self._copy.ndim else 1
        start = 0
        for (kept, now), (kept_bits, now_bits) in zip(self._chunks(bits=False), self._chunks(bits=True), strict=True):
            before, after = _as_float64(kept), _as_float64(now)
            other = (kept_bits != now_bits).reshape(before.shape[0], -1).any(dim=1)
            delta = torch.where(other, after - before, torch.zeros_like(after))
            squares_of_change += float((delta.abs() ** 2).sum())
            squares_before += float((before.abs() ** 2).sum())
            largest = _larger(largest, float(delta.abs().max()))
            changed += int(other.sum())
            nonfinite += int((~torch.isfinite(after)).sum())
            changed_rows.update(((other.nonzero().flatten() + start) // width).tolist())
            start += int(before.shape[0])
        return Change(
            fingerprint_before=self.fingerprint,
            fingerprint_after=fingerprint(self._expanded),
            delta_norm=math.sqrt(squares_of_change) if not math.isnan(squares_of_change) else math.nan,
            weight_norm=math.sqrt(squares_before) if not math.isnan(squares_before) else math.nan,
            max_change=largest,
            elements_changed=changed,
            elements=self._copy.numel(),
            rows_changed=len(changed_rows),
            rows=self._copy.shape[0] if self._copy.ndim else 1,
            nonfinite_after=nonfinite,
        )

    def _chunks(self, *, bits: bool) -> Iterator[tuple[Tensor, Tensor]]:
        kept, now = self._copy, self._live
        if kept.numel() == 0:
            return
        rows = kept.shape[0] if kept.ndim else 1
        step = max(1, _CHUNK_ELEMENTS // max(1, kept.numel() // rows))
        for first in range(0, rows, step):
            pair = (kept[first : first + step], now[first : first + step]) if kept.ndim else (kept, now)
            flat = tuple(part.contiguous().reshape(-1) for part in pair)
            yield (_bits(flat[0]), _bits(flat[1])) if bits else (flat[0], flat[1])


def distinct_elements(tensor: Tensor) -> Tensor:
    """Give the view of a tensor in which every element of its memory stands once (expanded dimensions dropped)."""
    for dimension, (size, stride) in enumerate(zip(tensor.shape, tensor.stride(), strict=True)):
        if stride == 0 and size > 1:
            tensor = tensor.narrow(dimension, 0, 1)
    return tensor


def _bits(flat: Tensor) -> Tensor:
    if flat.dtype == torch.complex128:
        return torch.view_as_real(flat).view(torch.int64)
    return flat.view(_INTEGER_OF_SIZE[flat.element_size()])


def _as_float64(flat: Tensor) -> Tensor:
    return flat.to(torch.complex128) if flat.is_complex() else flat.to(torch.float64)


def _larger(a: float, b: float) -> float:
    return math.nan if math.isnan(a) or math.isnan(b) else max(a, b)
