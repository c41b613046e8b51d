"""What a write changed, in numbers: measured over the blocks it met, with the sums of all others remembered."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray

from memory.weights.block_digests import BLOCK_BYTES, blocks_in
from memory.weights.live import Bytes, Form, Ranges

_CHUNK_BYTES = BLOCK_BYTES
_PIECE = 1 << 14
"""Elements added up at a time: their float64 stay near the processor, and torch starts no threads for them."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What a write did to one storage's bytes."""

    delta_norm: float
    """Euclidean norm of after minus before."""
    weight_norm: float
    """Euclidean norm before."""
    max_change: float
    """Largest absolute change of one element."""
    elements_changed: int
    """Elements with other bits than before."""
    elements: int
    rows_changed: tuple[int, ...]
    """Rows (first dimension) with other bits than before, sorted."""
    rows: int
    nonfinite_before: int
    """NaN and infinite elements before the write."""
    nonfinite_after: int
    """NaN and infinite elements after it."""
    ranges: tuple[tuple[int, int], ...]
    """Where bytes changed: ranges of whole blocks."""


@dataclass(slots=True)
class Sums:
    """Sum of squares, and number of elements that are not finite, of every block of one state of a storage."""

    squares: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    """NaN also stands for a block nobody looked at: `known` tells."""
    nonfinite: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    known: NDArray[np.bool_] = field(default_factory=lambda: np.empty(0, np.bool_))

    @classmethod
    def unknown(cls, form: Form) -> Sums:
        """Give the sums of a storage of which no block was looked at."""
        count = -(-form.nbytes // BLOCK_BYTES)
        return cls(np.full(count, math.nan), np.zeros(count, np.int64), np.zeros(count, np.bool_))

    def copy(self) -> Sums:
        """Give the same sums, to be changed apart."""
        return Sums(self.squares.copy(), self.nonfinite.copy(), self.known.copy())

    def learn(self, form: Form, content: Bytes, blocks: Iterable[int]) -> None:
        """Look at blocks of some content."""
        for block in blocks:
            held = content[block * BLOCK_BYTES : (block + 1) * BLOCK_BYTES]
            self.squares[block] = squares = sum_of_squares(form, held)
            # A sum of squares that is finite has no element that is not.
            self.nonfinite[block] = 0 if math.isfinite(squares) else _nonfinite(form, held)
            self.known[block] = True

    @property
    def norm(self) -> float:
        """Euclidean norm of all elements."""
        return math.sqrt(float(self.squares.sum())) if self.squares.size else 0.0

    @property
    def nonfinite_elements(self) -> int:
        """How many elements are NaN or infinite."""
        return int(self.nonfinite.sum())


def measure(form: Form, before: Bytes, now: Bytes, ranges: Ranges, sums: Sums) -> tuple[Measured, Sums]:
    """Say what changed between two contents of a storage, in float64; the comparison is of bits.

    −0.0 is not 0.0, and a NaN is another only with another payload.

    Args:
        form: Dtype and shape of the storage.
        before: Its bytes before; read inside the ranges only.
        now: Its bytes now, all of them.
        ranges: Ranges of whole blocks that hold every byte that differs.
        sums: Those of the content before, as far as they are known; what is missing is learned and put in.

    Returns:
        What changed, and the sums of the content now.
    """
    dirty = blocks_in(ranges)
    sums.learn(form, before, (block for block in dirty if not sums.known[block]))
    sums.learn(form, now, set(np.flatnonzero(~sums.known).tolist()).difference(dirty))
    after = sums.copy()
    after.learn(form, now, dirty)
    squares = largest = 0.0
    changed = 0
    rows: list[NDArray[np.int64]] = []
    for begin, end in _chunks(ranges):
        where = _differing(form, before[begin:end], now[begin:end])
        if not len(where):
            continue
        changed += len(where)
        rows.append(np.unique((where + begin // form.element_bytes) * form.element_bytes // form.row_bytes))
        now_there, before_there = (form.values(_chosen(form, each[begin:end], where)) for each in (now, before))
        change = (now_there - before_there).abs()
        squares += float(change.square().sum())
        largest = _larger(largest, float(change.max()))
    found = np.unique(np.concatenate(rows)) if rows else np.empty(0, np.int64)
    measured = Measured(
        delta_norm=math.sqrt(squares),
        weight_norm=sums.norm,
        max_change=largest,
        elements_changed=changed,
        elements=form.nbytes // form.element_bytes,
        rows_changed=tuple(found.tolist()),
        rows=form.rows,
        nonfinite_before=sums.nonfinite_elements,
        nonfinite_after=after.nonfinite_elements,
        ranges=tuple(ranges),
    )
    return measured, after


def sum_of_squares(form: Form, content: Bytes) -> float:
    """Give the sum of the squares of some elements, added in float64, a piece at a time that stays in the cache."""
    numbers = form.numbers(content)
    wide = np.empty(min(len(numbers), _PIECE))
    total = 0.0
    for piece in torch.split(numbers, _PIECE):
        held = wide[: len(piece)]
        torch.from_numpy(held).copy_(piece)
        # By numpy, on this thread: what a library of linear algebra does to start its own costs more than the sum.
        total += float(np.square(held, out=held).sum())
    return total


def _nonfinite(form: Form, content: Bytes) -> int:
    return int((~torch.isfinite(form.values(content))).sum())


def _differing(form: Form, before: Bytes, now: Bytes) -> NDArray[np.int64]:
    """Give the indices of the elements whose bits differ."""
    other = before.view(f"u{form.width}") != now.view(f"u{form.width}")
    if form.element_bytes > form.width:
        other = other.reshape(-1, form.element_bytes // form.width).any(axis=1)
    return np.flatnonzero(other)


def _chosen(form: Form, content: Bytes, where: NDArray[np.int64]) -> Bytes:
    """Give the bytes of some elements, one after the other."""
    return content.reshape(-1, form.element_bytes)[where].reshape(-1)


def _chunks(ranges: Ranges) -> Iterator[tuple[int, int]]:
    """Cut ranges into pieces of whole elements that are looked at one after the other."""
    for begin, end in ranges:
        for start in range(begin, end, _CHUNK_BYTES):
            yield start, min(start + _CHUNK_BYTES, end)


def _larger(a: float, b: float) -> float:
    return math.nan if math.isnan(a) or math.isnan(b) else max(a, b)
