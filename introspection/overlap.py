"""Exact overlap of strided byte regions: integer arithmetic, no tensors, and a limit to the work."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Dims = tuple[tuple[int, int], ...]
"""(stride, count) pairs, smallest stride first, in bytes."""

PAIR_STEPS = 4096
"""Steps the structured count may take for one pair of regions before it gives up."""
MAX_RUNS = 1 << 20
"""Runs of bytes that may be listed one by one, for one region."""
SCAN_STEPS = 1 << 20
"""Steps that all pairs of one scan may take together: a second or two, whatever the model."""
SEARCH_STEPS = 1 << 14
"""Nodes the search for one common byte may visit for one pair."""

_RUNS_PER_STEP = 8
_NODES_PER_STEP = 16


class Region(NamedTuple):
    """A set of bytes: `run` bytes at `start + Σ kᵢ·strideᵢ` for all 0 ≤ kᵢ < countᵢ, in one address space.

    A named tuple and not a dataclass: one is made and hashed for every tensor of a model at every scan.
    """

    space: tuple[str, int]
    """What `start` counts in: a device's memory, one file, or one storage."""
    start: int
    """First byte."""
    run: int
    """Length of each run of consecutive bytes."""
    dims: Dims = ()
    """How the runs are repeated; empty for one run."""

    @property
    def end(self) -> int:
        """One past the last byte."""
        return self.start + _extent(self.run, self.dims)


def canonical(run: int, dims: list[tuple[int, int]]) -> tuple[int, Dims]:
    """The simplest (run, dims) for the same set of bytes; equal results mean equal sets of bytes.

    The converse holds for regions that do not overlap themselves, which is every view made without `as_strided`;
    two self-overlapping regions may hold the same bytes under two forms.

    Args:
        run: Bytes of one element.
        dims: (stride in bytes, count) in any order; strides not negative.
    """
    left = sorted((stride, count) for stride, count in dims if count > 1 and stride > 0)
    merging = True
    while merging:
        merging = False
        while left and left[0][0] <= run:
            stride, count = left.pop(0)
            run += stride * (count - 1)
        for index in range(len(left) - 1):
            (inner, count), (outer, repeats) = left[index], left[index + 1]
            if outer % inner == 0 and outer // inner <= count:
                left[index : index + 2] = [(inner, (outer // inner) * (repeats - 1) + count)]
                merging = True
                break
    return run, tuple(left)


class Work:
    """The steps that are left for one scan: what is too much for it is called unknown, and the scan ends."""

    def __init__(self, steps: int = SCAN_STEPS) -> None:
        self.left = steps

    def take(self, steps: int) -> bool:
        """Takes this many steps, if there are as many left."""
        enough = steps <= self.left
        if enough:
            self.left -= steps
        return enough


def byte_count(region: Region, work: Work | None = None) -> int | None:
    """How many distinct bytes a region holds; None where that takes too much work.

    Args:
        region: The region.
        work: What the work is taken from; without it, what one region may take.
    """
    if _nested(region.run, region.dims):
        return _size(region.run, region.dims)
    if not _listable(work or Work(), region):
        return None
    begins, ends = _intervals(region)
    return int((ends - begins).sum())


def shared_byte_count(first: Region, second: Region, work: Work | None = None) -> int | None:
    """How many bytes two regions have in common; None where that takes too much work.

    Args:
        first: One region.
        second: The other.
        work: What the work is taken from; without it, what one pair may take.
    """
    if first.space != second.space or first.end <= second.start or second.end <= first.start:
        return 0
    work = work or Work()
    if first == second:
        return byte_count(first, work)
    if not first.dims and not second.dims:
        return min(first.end, second.end) - max(first.start, second.start)
    if _out_of_phase(first, second):
        return 0
    if _nested(first.run, first.dims) and _nested(second.run, second.dims):
        counter = _Counter(min(PAIR_STEPS, work.left))
        try:
            return counter.count((first.run, first.dims), (second.run, second.dims), second.start - first.start)
        except _WorkLimitError:
            pass
        finally:
            work.left -= counter.taken
    return _count_listed(first, second) if _listable(work, first, second) else None


def share_any(first: Region, second: Region, work: Work) -> bool | None:
    """Whether two regions have a byte in common, where they cannot be counted; None where even that is too much work.

    Source: numpy.shares_memory: a bounded linear Diophantine equation, searched with pruning by the greatest common
    divisors of what is left (numpy/_core/src/common/mem_overlap.c; exact, and given up after `max_work` nodes). Only
    the addresses of the arrays made here are looked at: there is nothing behind them.
    """
    if not work.take(SEARCH_STEPS // _NODES_PER_STEP):
        return None
    low = min(first.start, second.start)
    try:
        one, other = (np.asarray(_Addresses(region, region.start - low)) for region in (first, second))
        return bool(np.shares_memory(one, other, max_work=SEARCH_STEPS))  # type: ignore[arg-type]
    except (np.exceptions.TooHardError, ValueError, OverflowError):
        # More dimensions, or larger numbers, than numpy has room for.
        return None


class _Addresses:
    """The bytes of a region as numpy is told of an array."""

    def __init__(self, region: Region, start: int) -> None:
        dims = (*reversed(region.dims), (1, region.run))
        self.__array_interface__ = {
            "version": 3,
            "typestr": "|u1",
            # Not 0, which numpy takes for no address at all.
            "data": (start + 1, True),
            "shape": tuple(count for _, count in dims),
            "strides": tuple(stride for stride, _ in dims),
        }


def _out_of_phase(first: Region, second: Region) -> bool:
    """Whether the steps of both have a common divisor in whose multiples their runs never meet (column blocks)."""
    period = math.gcd(*(stride for stride, _ in first.dims), *(stride for stride, _ in second.dims))
    distance = (second.start - first.start) % period
    return first.run <= distance and second.run <= period - distance


def _listable(work: Work, *regions: Region) -> bool:
    """Whether the runs of all these may be listed; takes the work for it if so."""
    runs = [_runs(region.dims) for region in regions]
    return max(runs) <= MAX_RUNS and work.take(sum(runs) // _RUNS_PER_STEP)


def _extent(run: int, dims: Dims) -> int:
    return run + sum(stride * (count - 1) for stride, count in dims)


def _runs(dims: Dims) -> int:
    return math.prod(count for _, count in dims)


def _size(run: int, dims: Dims) -> int:
    return run * _runs(dims)


def _nested(run: int, dims: Dims) -> bool:
    """Whether each dimension steps over all that is inside it, so that no byte is met twice."""
    extent = run
    for stride, count in dims:
        if stride < extent:
            return False
        extent += stride * (count - 1)
    return True


class _WorkLimitError(Exception):
    """The count needs more steps than allowed."""


class _Counter:
    """Counts common bytes of two nested shapes, outermost dimension first, within a number of steps.

    Two series of copies are compared by the distance of their copies where they step alike; where they do not, both are
    cut at the least common multiple of their steps, so that they do. What is left is tried copy by copy.
    """

    def __init__(self, steps: int) -> None:
        self._steps = steps
        self.taken = 0

    def count(self, a: tuple[int, Dims], b: tuple[int, Dims], shift: int) -> int:
        """Bytes in both `a` at 0 and `b` at `shift`."""
        if self.taken == self._steps:
            raise _WorkLimitError
        self.taken += 1
        extent_a, extent_b = _extent(*a), _extent(*b)
        if shift >= extent_a or shift + extent_b <= 0:
            return 0
        if not a[1] and not b[1]:
            return min(extent_a, shift + extent_b) - max(0, shift)
        if not a[1] or (b[1] and b[1][-1][0] > a[1][-1][0]):
            return self.count(b, a, -shift)
        if not b[1]:
            return self._in_run(a, shift, shift + extent_b)
        if a[1][-1][0] == b[1][-1][0]:
            return self._in_step(a, b, shift)
        return self._out_of_step(a, b, shift)

    def _in_run(self, a: tuple[int, Dims], begin: int, end: int) -> int:
        (stride, count), inner = a[1][-1], (a[0], a[1][:-1])
        extent = _extent(*inner)
        first, last = _meeting(stride, count, extent, begin, end)
        whole_first, whole_last = max(first, -(-begin // stride)), min(last, (end - extent) // stride)
        whole = max(0, whole_last - whole_first + 1)
        cut = (*range(first, whole_first), *range(whole_last + 1, last + 1)) if whole else range(first, last + 1)
        run = (end - begin, ())
        return whole * _size(*inner) + sum(self.count(inner, run, begin - copy * stride) for copy in cut)

    def _in_step(self, a: tuple[int, Dims], b: tuple[int, Dims], shift: int) -> int:
        (stride, count_a), inner_a = a[1][-1], (a[0], a[1][:-1])
        (_, count_b), inner_b = b[1][-1], (b[0], b[1][:-1])
        total = 0
        # Copy i of a and copy i + d of b lie `shift + d·stride` apart, whichever i it is.
        lowest = -(-(1 - _extent(*inner_b) - shift) // stride)
        highest = (_extent(*inner_a) - 1 - shift) // stride
        for distance in range(lowest, highest + 1):
            pairs = min(count_a, count_b - distance) - max(0, -distance)
            if pairs > 0:
                total += pairs * self.count(inner_a, inner_b, shift + distance * stride)
        return total

    def _out_of_step(self, a: tuple[int, Dims], b: tuple[int, Dims], shift: int) -> int:
        (step_a, count_a), inner_a = a[1][-1], (a[0], a[1][:-1])
        (step_b, count_b), inner_b = b[1][-1], (b[0], b[1][:-1])
        first, last = _meeting(step_a, count_a, _extent(*inner_a), shift, shift + _extent(*b))
        count_a = last - first + 1
        if count_a <= 0:
            return 0
        shift -= first * step_a
        begin_b, end_b = -shift, _extent(a[0], (*a[1][:-1], (step_a, count_a))) - shift
        first, last = _meeting(step_b, count_b, _extent(*inner_b), begin_b, end_b)
        count_b = last - first + 1
        if count_b <= 0:
            return 0
        shift += first * step_b
        common = math.lcm(step_a, step_b)
        per_a, per_b = common // step_a, common // step_b
        if count_a >= 2 * per_a and count_b >= 2 * per_b:
            return sum(
                self.count(part_a, part_b, shift + at_b - at_a)
                for at_a, part_a in _cut(inner_a, step_a, count_a, per_a)
                for at_b, part_b in _cut(inner_b, step_b, count_b, per_b)
            )
        trimmed_b = (b[0], (*b[1][:-1], (step_b, count_b)) if count_b > 1 else b[1][:-1])
        return sum(self.count(inner_a, trimmed_b, shift - copy * step_a) for copy in range(count_a))


def _meeting(stride: int, count: int, extent: int, begin: int, end: int) -> tuple[int, int]:
    """First and last of `count` copies, `extent` long and `stride` apart, that meet [begin, end)."""
    return max(0, -(-(begin - extent + 1) // stride)), min(count - 1, (end - 1) // stride)


def _cut(inner: tuple[int, Dims], step: int, count: int, per: int) -> list[tuple[int, tuple[int, Dims]]]:
    """`count` copies as whole periods of `per` copies, and what is left over: (where it begins, shape)."""
    run, dims = inner
    period = (*dims, (step, per)) if per > 1 else dims
    parts: list[tuple[int, tuple[int, Dims]]] = [(0, (run, (*period, (step * per, count // per))))]
    if count % per:
        rest = (*dims, (step, count % per)) if count % per > 1 else dims
        parts.append((count // per * per * step, (run, rest)))
    return parts


def _count_listed(first: Region, second: Region) -> int:
    begins, ends = _intervals(first)
    other_begins, other_ends = _intervals(second)
    before = np.concatenate(([0], np.cumsum(other_ends - other_begins)))

    def up_to(points: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Bytes of the second region below each point."""
        index = np.searchsorted(other_begins, points, side="right")
        past = np.where(index > 0, other_ends[index - 1] - points, 0)
        result: npt.NDArray[np.int64] = before[index] - np.maximum(past, 0)
        return result

    return int((up_to(ends) - up_to(begins)).sum())


def _intervals(region: Region) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Begins and ends of the maximal runs of bytes of a region, in order."""
    begins = np.zeros(1, dtype=np.int64)
    for stride, count in region.dims:
        begins = np.add.outer(np.arange(count, dtype=np.int64) * stride, begins).ravel()
    begins = np.unique(begins) + region.start
    gap = np.flatnonzero(np.diff(begins) > region.run)
    return begins[np.concatenate(([0], gap + 1))], begins[np.concatenate((gap, [len(begins) - 1]))] + region.run
