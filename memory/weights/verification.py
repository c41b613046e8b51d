"""Proof that a stored delta leads from one state to the other and back, before anything relies on it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from memory.weights.changed import check_pair, check_ranges
from memory.weights.differences import PIECE_BYTES
from memory.weights.planes import Integers
from memory.weights.segments import Segment, read, read_segment
from memory.weights.workspace import BYTES_OF_A_THREAD, THREADS, Workspace, over

Span = tuple[int, int]
_WRONG = -1


def verify(
    content: bytes | memoryview,
    before: NDArray[np.uint8],
    after: NDArray[np.uint8],
    ranges: Sequence[tuple[int, int]],
    *,
    threads: int = THREADS,
) -> bool:
    """Whether a delta takes `before` to `after` and back, everywhere in `ranges`, and changes nothing outside them.

    It reads the delta as `apply` does, and writes nothing: where the delta changes elements, it must be by just the
    difference of the two states, which adding takes one way and subtracting the other; and there must be no more
    differences than those.

    Args:
        content: What `Encoded.content` held.
        before: The bytes of the state before, contiguous, in one dimension; outside `ranges` they may be anything.
        after: As many bytes of the state after.
        ranges: As they were given to `encode`.
        threads: How many work at once.

    Raises:
        CorruptionError: The content is damaged.
        InvalidArgument: The states and the ranges do not fit together.
    """
    stored = read(content)
    check_pair(before, after)
    if stored.raw_bytes != len(before):
        return False
    width = stored.width
    check_ranges(ranges, width, len(before))
    old, new = before.view(f"<u{width}"), after.view(f"<u{width}")
    spans = [(begin // width, end // width) for begin, end in ranges]
    begins, ends = (np.array(side, np.int64) for side in (zip(*spans, strict=True) if spans else ((), ())))

    def within(first: NDArray[np.int64], elements: int) -> bool:
        """Whether runs of so many elements all lie within a range."""
        ranged = np.searchsorted(begins, first, side="right") - 1
        return bool((ranged >= 0).all() and (first + elements <= ends[ranged]).all())

    def looked_through(segment: Segment) -> bool:
        """Whether all of the span of a segment is looked at with it, not only where it says that something changes."""
        size = segment.end - segment.begin
        return size * width <= PIECE_BYTES and within(np.array([segment.begin]), size)

    def explained(segment: Segment, space: Workspace) -> int:
        """How many differences outside of spans looked through a segment accounts for; `_WRONG` if it is wrong."""
        indices, values = read_segment(segment, width, space)
        span = slice(segment.begin, segment.end)
        if looked_through(segment):
            change = _difference(new[span], old[span], space)
            if indices is not None:
                there = change.reshape(-1, segment.unit)[indices].reshape(-1)
                if np.count_nonzero(there) != np.count_nonzero(change):
                    return _WRONG
                change = there
            return 0 if np.array_equal(change, values) else _WRONG
        indices = np.zeros(1, np.int64) if indices is None else indices
        if not within(indices * segment.unit + segment.begin, segment.unit):
            return _WRONG
        now, then = (each[span].reshape(-1, segment.unit)[indices].reshape(-1) for each in (new, old))
        change = _difference(now, then, space)
        return int(np.count_nonzero(change)) if np.array_equal(change, values) else _WRONG

    counts = over(stored.segments, explained, min(threads, stored.changed_bytes // BYTES_OF_A_THREAD))
    if _WRONG in counts:
        return False
    known = [(segment.begin, segment.end) for segment in stored.segments if looked_through(segment)]
    rest = _pieces(_without(spans, known), PIECE_BYTES // width)

    def differences(piece: Span, space: Workspace) -> int:
        begin, end = piece
        differ = space.array("differ", end - begin, np.bool_)
        return int(np.count_nonzero(np.not_equal(old[begin:end], new[begin:end], out=differ)))

    return sum(over(rest, differences, min(threads, len(rest) * PIECE_BYTES // BYTES_OF_A_THREAD))) == sum(counts)


def _difference(now: Integers, then: Integers, space: Workspace) -> Integers:
    change = space.array("change", len(now), now.dtype)
    np.subtract(now, then, out=change)
    return change


def _without(spans: Sequence[Span], known: Sequence[Span]) -> list[Span]:
    """What is left of spans without others, all of which lie within one of them; both in order."""
    left: list[Span] = []
    others = iter(known)
    other = next(others, None)
    for begin, end in spans:
        at = begin
        while other is not None and other[0] < end:
            left.append((at, other[0]))
            at = other[1]
            other = next(others, None)
        left.append((at, end))
    return [(begin, end) for begin, end in left if begin < end]


def _pieces(spans: Sequence[Span], step: int) -> list[Span]:
    return [(at, min(at + step, end)) for begin, end in spans for at in range(begin, end, step)]
