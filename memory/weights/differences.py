"""By how much the elements of a piece of a tensor change, told apart into dense pieces, rows and single elements."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from memory.weights.changed import comparison, runs
from memory.weights.planes import Integers
from memory.weights.positions import Marks
from memory.weights.segments import Segment, dense_segment, units_segment
from memory.weights.workspace import Workspace

PIECE_BYTES = 1 << 20
"""Bytes that are worked on at a time: what is made of them stays in the caches of a core."""

_BLOCK_BYTES = 1 << 15
"""Bytes that are compared at a time before differences are taken."""
_LOOKED_AT = 8
"""One in so many blocks is compared first: where all of these differ, nearly all do."""
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
    if all(differs(at, min(at + begins.step, end)) for at in begins[::_LOOKED_AT]):
        return _of_block(before, after, begin, end, row, space)
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
    marks = Marks(change, space)
    if marks.count == 0:
        return []
    # Where more elements change than half the rows have, no rows need be looked for.
    if row and marks.count * _FEW_ROWS <= len(change):
        head = min(-begin % row, len(change))
        tail = head + (len(change) - head) // row * row
        changed = _rows_of(marks.flags[head:tail], row)
        if 0 < len(changed) * row < marks.count * _INDEX_WORTH and len(changed) * _FEW_ROWS <= (tail - head) // row:
            values = change[head:tail].reshape(-1, row)[changed].reshape(-1)
            return [
                *_elements(change[:head], begin, space),
                *_units("rows", row, begin + head, changed, values, space),
                *_elements(change[tail:], begin + tail, space),
            ]
    if marks.count * _FEW_ELEMENTS <= len(change):
        where = marks.positions()
        return _units("sparse", 1, begin, where, change[where], space)
    return [dense_segment(begin, change, space)]


def of_rows(before: Integers, after: Integers, rows: NDArray[np.int64], row: int, space: Workspace) -> list[Found]:
    """What changes in some rows, in order; only they are read."""
    change = space.array("change", len(rows) * row, before.dtype)
    other = space.array("other", len(rows) * row, before.dtype)
    for states, into in ((after, change), (before, other)):
        np.take(states.reshape(-1, row), rows, axis=0, out=into.reshape(-1, row), mode="clip")
    np.subtract(change, other, out=change)
    marks = Marks(change, space)
    changed = _rows_of(marks.flags, row)
    if marks.count * _INDEX_WORTH <= len(changed) * row:
        where = marks.positions()
        return _units("sparse", 1, 0, rows[where // row] * row + where % row, change[where], space)
    return _units("rows", row, 0, rows[changed], change.reshape(-1, row)[changed].reshape(-1), space)


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


def _rows_of(flags: NDArray[np.bool_], row: int) -> NDArray[np.int64]:
    """Which rows have a flag that is set."""
    # Eight flags at a time where they come out even.
    widest = next(width for width in (8, 4, 2, 1) if row % width == 0)
    return np.flatnonzero(np.bitwise_or.reduce(flags.view(f"<u{widest}").reshape(-1, row // widest), axis=1))


def _elements(change: Integers, begin: int, space: Workspace) -> list[Found]:
    where = Marks(change, space).positions()
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
