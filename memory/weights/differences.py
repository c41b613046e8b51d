"""By how much the elements of a piece of a tensor change, told apart into dense pieces, rows and single elements."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from memory.weights.changed import comparison, runs
from memory.weights.planes import Integers
from memory.weights.positions import nonzero
from memory.weights.segments import Segment, dense_segment, units_segment
from memory.weights.workspace import Workspace

PIECE_BYTES = 1 << 20
"""Bytes that are worked on at a time: what is made of them stays in the caches of a core."""

_BLOCK_BYTES = 1 << 15
"""Bytes that are compared at a time before differences are taken."""
_FEW_BLOCKS = 2
"""Differences are taken of the blocks that differ, one by one, where at most one in so many does."""
_LARGE = 1 << 14
"""Values that are worth a segment of their own; fewer are put together with those of the next pieces."""
_FEW_ROWS, _FEW_ELEMENTS = 2, 4
"""A piece is not dense where at most one in so many of its rows, or its elements, changes."""
_INDEX_WORTH = 8
"""Elements of rows that cost as much as saying where one element is."""


@dataclass(frozen=True, slots=True)
class Units:
    """Units that change, in order, copied out of the piece they were found in."""

    codec: str
    """"rows" or "sparse": what the units are."""
    unit: int
    """Elements of a unit."""
    begins: NDArray[np.int64]
    """Where each begins, counted in elements from the beginning of the tensor."""
    values: Integers
    """By how much each of their elements changes."""


Found = Segment | Units


def of_piece(before: Integers, after: Integers, begin: int, end: int, row: int, space: Workspace) -> list[Found]:
    """What changes from element `begin` to `end`, in order.

    Args:
        before: All elements of the tensor; only those of the piece are read.
        after: Likewise.
        begin: First element of the piece.
        end: One past the last.
        row: Elements of a row, or 0 if rows are not to be told apart.
        space: What to work with.
    """
    # Few of the blocks of a piece may differ: reading it costs less than writing all of its differences.
    begins = range(begin, end, _BLOCK_BYTES // before.itemsize)
    differs = comparison(before, after)
    differing = [differs(at, min(at + begins.step, end)) for at in begins]
    if sum(differing) * _FEW_BLOCKS > len(differing):
        return _of_block(before, after, begin, end, row, space)
    return [
        found
        for first, last in runs(begins, differing, end)
        for found in _of_block(before, after, first, last, row, space)
    ]


def _of_block(before: Integers, after: Integers, begin: int, end: int, row: int, space: Workspace) -> list[Found]:
    change = space.array("change", end - begin, before.dtype)
    np.subtract(after[begin:end], before[begin:end], out=change)
    elements = int(np.count_nonzero(change))
    if elements == 0:
        return []
    # Where more elements change than half the rows have, no rows need be looked for.
    if row and elements * _FEW_ROWS <= len(change):
        head = min(-begin % row, len(change))
        tail = head + (len(change) - head) // row * row
        rows = change[head:tail].reshape(-1, row)
        changed = np.flatnonzero(_any_of(rows))
        if 0 < len(changed) * row < elements * _INDEX_WORTH and len(changed) * _FEW_ROWS <= len(rows):
            return [
                *_elements(change[:head], begin, space),
                *_units("rows", row, begin + head, changed, rows[changed].reshape(-1), space),
                *_elements(change[tail:], begin + tail, space),
            ]
    if elements * _FEW_ELEMENTS <= len(change):
        return _elements(change, begin, space, elements)
    return [dense_segment(begin, change, space)]


def of_rows(before: Integers, after: Integers, rows: NDArray[np.int64], row: int, space: Workspace) -> list[Found]:
    """What changes in some rows, in order; only they are read."""
    change = space.array("change", len(rows) * row, before.dtype).reshape(-1, row)
    other = space.array("other", len(rows) * row, before.dtype).reshape(-1, row)
    np.take(after.reshape(-1, row), rows, axis=0, out=change, mode="clip")
    np.take(before.reshape(-1, row), rows, axis=0, out=other, mode="clip")
    np.subtract(change, other, out=change)
    changed = np.flatnonzero(_any_of(change))
    flat = change.reshape(-1)
    elements = int(np.count_nonzero(flat))
    if elements * _INDEX_WORTH <= len(changed) * row:
        where = nonzero(flat, elements, space)
        return _units("sparse", 1, 0, rows[where // row] * row + where % row, flat[where], space)
    return _units("rows", row, 0, rows[changed], change[changed].reshape(-1), space)


def put_together(found: list[Found], space: Workspace) -> list[Segment]:
    """Segments of everything found, in order: what was too little for a segment with what is beside it."""
    segments: list[Segment] = []
    waiting: list[Units] = []

    def close() -> None:
        if waiting:
            begins = np.concatenate([units.begins for units in waiting])
            values = np.concatenate([units.values for units in waiting])
            codec, unit, begin = waiting[0].codec, waiting[0].unit, int(begins[0])
            segments.append(units_segment(codec, unit, begin, (begins - begin) // unit, values, space))
            waiting.clear()

    held = 0
    for each in found:
        if isinstance(each, Segment):
            close()
            segments.append(each)
            continue
        if waiting and (waiting[0].codec != each.codec or held >= PIECE_BYTES):
            close()
        held = each.values.nbytes + (held if waiting else 0)
        waiting.append(each)
    close()
    return segments


def _any_of(rows: Integers) -> NDArray[np.bool_]:
    """Which rows hold anything but zero."""
    size = rows.shape[1] * rows.itemsize
    widest = next(width for width in (8, 4, 2, 1) if size % width == 0)
    any_bit: NDArray[np.bool_] = np.bitwise_or.reduce(rows.view(f"<u{widest}"), axis=1) != 0
    return any_bit


def _elements(change: Integers, begin: int, space: Workspace, count: int | None = None) -> list[Found]:
    count = int(np.count_nonzero(change)) if count is None else count
    where = nonzero(change, count, space)
    return _units("sparse", 1, begin, where, change[where], space)


def _units(
    codec: str, unit: int, begin: int, indices: NDArray[np.int64], values: Integers, space: Workspace
) -> list[Found]:
    """What was found of units counted from element `begin` on."""
    if not len(indices):
        return []
    if len(values) >= _LARGE:
        return [units_segment(codec, unit, begin, indices, values, space)]
    return [Units(codec, unit, indices * unit + begin, values)]
