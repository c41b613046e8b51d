"""What a write changed, in numbers: measured over the blocks it met, with the sums of all others remembered."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from memory.weights.block_digests import BLOCK_BYTES
from memory.weights.live import Bytes, Form, Ranges

_CHUNK_BYTES = 4 * BLOCK_BYTES


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
            values = form.values(content[block * BLOCK_BYTES : (block + 1) * BLOCK_BYTES])
            squares = float(values.abs().square().sum())
            self.squares[block] = squares
            # A sum of squares that is finite has no element that is not.
            self.nonfinite[block] = 0 if math.isfinite(squares) else int((~torch.isfinite(values)).sum())
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
    dirty = [block for begin, end in ranges for block in range(begin // BLOCK_BYTES, -(-end // BLOCK_BYTES))]
    sums.learn(form, before, (block for block in dirty if not sums.known[block]))
    sums.learn(form, now, set(np.flatnonzero(~sums.known).tolist()).difference(dirty))
    after = sums.copy()
    after.learn(form, now, dirty)
    squares = largest = 0.0
    changed = 0
    rows: list[NDArray[np.int64]] = []
    for begin, end in _chunks(form, ranges):
        other = _differing(form, before[begin:end], now[begin:end])
        where = other.nonzero().flatten()
        if not len(where):
            continue
        changed += len(where)
        rows.append(_each_once((where.numpy() + begin // form.element_bytes) * form.element_bytes // form.row_bytes))
        change = (form.values(now[begin:end]) - form.values(before[begin:end])).abs()
        if len(where) < len(other):
            # An infinity that stayed would be infinity less infinity.
            change = change[where]
        squares += float(change.square().sum())
        largest = _larger(largest, float(change.max()))
    found = _each_once(np.concatenate(rows)) if rows else np.empty(0, np.int64)
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


def _differing(form: Form, before: Bytes, now: Bytes) -> Tensor:
    """Say of each element whether its bits differ."""
    other = form.integers(before) != form.integers(now)
    if form.element_bytes > form.width:
        other = other.view(-1, form.element_bytes // form.width).any(dim=1)
    return other


def _each_once(ordered: NDArray[np.int64]) -> NDArray[np.int64]:
    """Give what is in an array in order, each once."""
    return ordered[np.concatenate(([True], ordered[1:] != ordered[:-1]))]


def _chunks(form: Form, ranges: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Cut ranges into pieces of whole elements that are measured at a time."""
    for begin, end in ranges:
        for start in range(begin, min(end, form.nbytes), _CHUNK_BYTES):
            yield start, min(start + _CHUNK_BYTES, end, form.nbytes)


def _larger(a: float, b: float) -> float:
    return math.nan if math.isnan(a) or math.isnan(b) else max(a, b)
