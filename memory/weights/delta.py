"""Deltas: what takes the bytes of one state of a tensor to those of another, and back, bit for bit.

A delta is the difference of the bits, element by element, as integers that wrap around: adding it to the state before
gives the state after, subtracting it from the state after gives the state before, whatever the bits mean (floats of
any kind, NaN, -0.0). What is small is kept small: of a tensor in which nothing, a few elements or a few rows change,
only those are kept; every difference is kept as byte planes (`memory.weights.planes`).

Whoever encodes should `verify` the delta before relying on it, and knows the states by their fingerprints: a delta
does not say between which states it leads.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from memory.errors import CorruptionError, InvalidArgument
from memory.weights.changed import changed_ranges, check_bytes, check_pair, check_ranges, total
from memory.weights.differences import PIECE_BYTES, Found, of_piece, of_rows, put_together
from memory.weights.segments import Segment, Stored, read, read_segment, write
from memory.weights.verification import verify
from memory.weights.workspace import BYTES_OF_A_THREAD, THREADS, Workspace, over, workspace

__all__ = ["Described", "Encoded", "apply", "changed_ranges", "describe", "encode", "size_of", "verify"]

_SMALL = 1 << 16
"""Bytes of a range of whole rows below which it is put together with others."""


@dataclass(frozen=True, slots=True)
class Encoded:
    """A delta in the form in which it is stored."""

    content: bytes
    """The blob: it says itself how it is to be read, and can be read without anything else."""
    codec: str
    """What makes up most of it: "nothing", "rows", "sparse" or "dense"."""
    changed_bytes: int
    """Bytes of the tensor that applying it writes."""


@dataclass(frozen=True, slots=True)
class Described:
    """What a stored delta says of itself."""

    codec: str
    """What makes up most of it: "nothing", "rows", "sparse" or "dense"."""
    changed_bytes: int
    """Bytes of the tensor that applying it writes."""
    raw_bytes: int
    """Bytes of the tensor it is a delta of."""
    width: int
    """Bytes of an element."""


def encode(
    before: NDArray[np.uint8],
    after: NDArray[np.uint8],
    *,
    ranges: Sequence[tuple[int, int]],
    width: int,
    row_bytes: int,
    threads: int = THREADS,
) -> Encoded:
    """The delta from one state to another.

    Args:
        before: The bytes of the state before, contiguous, in one dimension. Outside `ranges` they may be anything.
        after: As many bytes of the state after.
        ranges: First byte and one past the last of every range in which bytes may differ, in order, without overlap;
            as `changed_ranges` finds them, or known to whoever made the change.
        width: Bytes of an element: 1, 2, 4, 8, or 16 for a pair of 8.
        row_bytes: Bytes of a row (one index of the first dimension); 0 where there are no rows.
        threads: How many work at once.

    Raises:
        InvalidArgument: The arguments do not fit together.

    Example:
        >>> before = np.arange(8, dtype=np.uint8)
        >>> after = before + np.uint8(3)
        >>> delta = encode(before, after, ranges=[(0, 8)], width=2, row_bytes=4)
        >>> apply(delta.content, before)
        >>> bool((before == after).all())
        True
    """
    check_pair(before, after)
    if width not in (1, 2, 4, 8, 16):
        raise InvalidArgument("width", width, "an element has 1, 2, 4, 8 or 16 bytes")
    width = min(width, 8)
    check_ranges(ranges, width, len(before))
    # Rows that are nearly elements, or that do not come out even, are not worth telling apart.
    is_row = row_bytes >= 16 and row_bytes % width == 0 and len(before) % row_bytes == 0
    row = row_bytes // width if is_row else 0
    old, new = before.view(f"<u{width}"), after.view(f"<u{width}")

    def find(piece: tuple[int, int] | NDArray[np.int64], space: Workspace) -> list[Found]:
        if isinstance(piece, tuple):
            return of_piece(old, new, *piece, row if row * width * 4 <= PIECE_BYTES else 0, space)
        return of_rows(old, new, piece, row, space)

    found = over(
        list(_pieces(ranges, width, row)),
        find,
        min(threads, total(ranges) // BYTES_OF_A_THREAD),
    )
    with workspace() as space:
        segments = put_together([each for several in found for each in several], space)
    content, codec = write(width, len(before), segments)
    return Encoded(content, codec, width * sum(segment.unit * segment.units for segment in segments))


def apply(
    content: bytes | memoryview, target: NDArray[np.uint8], *, backward: bool = False, threads: int = THREADS
) -> None:
    """Turn the state before into the state after in place, or the state after into the state before.

    Whether the target is the right state is for whoever calls to know: see its fingerprint.

    Args:
        content: What `Encoded.content` held.
        target: The bytes of the state, contiguous and writable, in one dimension.
        backward: Whether to go from the state after to the state before.
        threads: How many work at once.

    Raises:
        CorruptionError: The content is damaged, or of a tensor of another length. Where that shows before anything is
            decompressed, the target is as it was; otherwise some of it may have been changed.
        InvalidArgument: The target is not contiguous, writable bytes.
    """
    stored = read(content)
    check_bytes("target", target)
    if not target.flags.writeable:
        raise InvalidArgument("target", "read-only", "it is changed in place")
    if len(target) != stored.raw_bytes:
        raise CorruptionError(
            f"the delta is of a tensor of {stored.raw_bytes} bytes, and the state has {len(target)}",
            remedy="apply it to a state of the storage it was recorded for",
        )
    elements = target.view(f"<u{stored.width}")
    change = np.subtract if backward else np.add

    def use(segment: Segment, space: Workspace) -> None:
        indices, values = read_segment(segment, stored.width, space)
        span = elements[segment.begin : segment.end]
        if indices is None:
            change(span, values, out=span)
            return
        units = span if segment.unit == 1 else span.reshape(-1, segment.unit)
        kept = np.take(units, indices, axis=0)
        units[indices] = change(kept, values.reshape(kept.shape), out=kept)

    over(stored.segments, use, min(threads, stored.changed_bytes // BYTES_OF_A_THREAD))


def describe(content: bytes | memoryview) -> Described:
    """What a stored delta says of itself; nothing is decompressed.

    Raises:
        CorruptionError: It is not the stored form of a delta, or contradicts itself.
    """
    stored: Stored = read(content)
    return Described(stored.codec, stored.changed_bytes, stored.raw_bytes, stored.width)


def size_of(content: bytes | memoryview) -> int:
    """Bytes of the tensor that a stored delta is of.

    Raises:
        CorruptionError: It is not the stored form of a delta, or contradicts itself.
    """
    return read(content).raw_bytes


def _pieces(ranges: Sequence[tuple[int, int]], width: int, row: int) -> Iterator[tuple[int, int] | NDArray[np.int64]]:
    """Cut ranges, given in bytes, into pieces of elements; short ranges of whole rows are put together as rows."""
    row_bytes = row * width
    step = PIECE_BYTES // width
    if 0 < row_bytes <= PIECE_BYTES:
        step -= step % row
    short: list[tuple[int, int]] = []
    held = 0

    def rows() -> NDArray[np.int64]:
        return np.concatenate([np.arange(begin // row_bytes, end // row_bytes) for begin, end in short])

    for begin, end in ranges:
        if row and end - begin <= _SMALL and begin % row_bytes == 0 and end % row_bytes == 0:
            if begin < end:
                short.append((begin, end))
                held += end - begin
        else:
            if short:
                yield rows()
                short, held = [], 0
            at, last = begin // width, end // width
            while at < last:
                cut = min(last, (at // step + 1) * step)
                yield at, cut
                at = cut
        if held >= PIECE_BYTES:
            yield rows()
            short, held = [], 0
    if short:
        yield rows()
