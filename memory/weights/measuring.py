"""What a write changed, in numbers: measured over the blocks it met, with the sums of all others remembered."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray

from memory.weights.block_digests import BLOCK_BYTES, blocks_in
from memory.weights.live import Bytes, Form, Ranges
from memory.weights.workspace import BYTES_OF_A_THREAD, THREADS, Workspace, over

_CHUNK_BYTES = BLOCK_BYTES
_DENSE = 8
"""A piece is looked at as a whole where more than one in so many of its elements changed."""
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
        chosen = list(blocks)

        def look(block: int, _: Workspace) -> tuple[float, int]:
            held = content[block * BLOCK_BYTES : (block + 1) * BLOCK_BYTES]
            squares = sum_of_squares(form, held)
            # A sum of squares that is finite has no element that is not.
            return squares, 0 if math.isfinite(squares) else _nonfinite(form, held)

        found = over(chosen, look, min(THREADS, len(chosen) * BLOCK_BYTES // BYTES_OF_A_THREAD))
        for block, (squares, nonfinite) in zip(chosen, found, strict=True):
            self.squares[block], self.nonfinite[block], self.known[block] = squares, nonfinite, True

    def finite(self, block: int) -> bool:
        """Say whether every element of a block that was looked at is finite."""
        return bool(math.isfinite(self.squares[block]))

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

    def look(chunk: tuple[int, int], _: Workspace) -> _Difference:
        begin, end = chunk
        finite = sums.finite(begin // BLOCK_BYTES) and after.finite(begin // BLOCK_BYTES)
        return _difference(form, before[begin:end], now[begin:end], begin, finite=finite)

    chunks = list(_chunks(ranges))
    threads = min(THREADS, sum(end - begin for begin, end in chunks) // BYTES_OF_A_THREAD)
    found = [each for each in over(chunks, look, threads) if each.elements]
    rows = np.unique(np.concatenate([each.rows for each in found])) if found else np.empty(0, np.int64)
    measured = Measured(
        delta_norm=math.sqrt(sum(each.squares for each in found)),
        weight_norm=sums.norm,
        max_change=functools.reduce(_larger, (each.largest for each in found), 0.0),
        elements_changed=sum(each.elements for each in found),
        elements=form.nbytes // form.element_bytes,
        rows_changed=tuple(rows.tolist()),
        rows=form.rows,
        nonfinite_before=sums.nonfinite_elements,
        nonfinite_after=after.nonfinite_elements,
        ranges=tuple(ranges),
    )
    return measured, after


@dataclass(frozen=True, slots=True)
class _Difference:
    """How a piece of a storage differs from what it was."""

    elements: int
    rows: NDArray[np.int64]
    squares: float
    largest: float


_NONE = _Difference(0, np.empty(0, np.int64), 0.0, 0.0)


def _difference(form: Form, before: Bytes, now: Bytes, begin: int, *, finite: bool) -> _Difference:
    """Say how a piece of a storage differs.

    Args:
        form: Dtype and shape of the storage.
        before: The bytes of the piece before.
        now: Its bytes now.
        begin: Where in the storage it begins.
        finite: Whether all its elements are finite, before and now.
    """
    where = _differing(form, before, now)
    if not len(where):
        return _NONE
    rows = (where + begin // form.element_bytes) * form.element_bytes // form.row_bytes
    rows = rows[np.concatenate(([True], rows[1:] != rows[:-1]))]
    if finite and not form.dtype.is_complex and len(where) * _DENSE > len(before) // form.element_bytes:
        return _Difference(len(where), rows, *_changes(form, before, now))
    now_there, before_there = (form.values(_chosen(form, each, where)) for each in (now, before))
    change = (now_there - before_there).abs()
    return _Difference(len(where), rows, float(change.square().sum()), float(change.max()))


def _changes(form: Form, before: Bytes, now: Bytes) -> tuple[float, float]:
    """Give the sum of squares and the largest of the changes of elements that are all finite and real."""
    old, new = form.numbers(before), form.numbers(now)
    wide, other = (np.empty(min(len(old), _PIECE)) for _ in range(2))
    squares = largest = 0.0
    with np.errstate(over="ignore"):
        for one, two in zip(torch.split(old, _PIECE), torch.split(new, _PIECE), strict=True):
            was, change = other[: len(one)], wide[: len(one)]
            torch.from_numpy(was).copy_(one)
            torch.from_numpy(change).copy_(two)
            np.subtract(change, was, out=change)
            largest = max(largest, float(np.max(change)), -float(np.min(change)))
            squares += float(np.square(change, out=change).sum())
    return squares, largest


def sum_of_squares(form: Form, content: Bytes) -> float:
    """Give the sum of the squares of some elements, added in float64, a piece at a time that stays in the cache."""
    numbers = form.numbers(content)
    wide = np.empty(min(len(numbers), _PIECE))
    total = 0.0
    # A sum that is infinite or no number says what there is to say.
    with np.errstate(over="ignore", invalid="ignore"):
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
