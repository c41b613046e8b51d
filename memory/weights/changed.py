"""Where two runs of bytes differ: found at the speed at which memory is read."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from memory.errors import InvalidArgument
from memory.weights.workspace import BYTES_OF_A_THREAD, THREADS, over

BLOCK_BYTES = 1 << 20
"""Bytes that are compared at a time: those whose digests are taken together."""

# Numpy's comparison writes its answer for every element; this one reads only, and lets other threads run meanwhile.
_compare = ctypes.CDLL(None).memcmp
_compare.argtypes = (ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t)
_compare.restype = ctypes.c_int


def changed_ranges(
    before: NDArray[np.uint8], after: NDArray[np.uint8], *, block: int = BLOCK_BYTES, threads: int = THREADS
) -> list[tuple[int, int]]:
    """The ranges of bytes in which any byte differs: whole blocks, in order, those side by side as one.

    Args:
        before: Bytes in one dimension, contiguous.
        after: As many bytes.
        block: Bytes of a block; the last one may be shorter.
        threads: How many compare at once.

    Returns:
        First byte and one past the last byte of every range.

    Raises:
        InvalidArgument: The two are not as many bytes, or not contiguous; or a block has no bytes.
    """
    check_pair(before, after)
    if block < 1:
        raise InvalidArgument("block", block, "a block has at least one byte")

    differs = comparison(before, after)
    begins = range(0, len(before), block)
    changed = over(
        begins,
        lambda begin, _: differs(begin, min(begin + block, len(before))),
        min(threads, len(before) // BYTES_OF_A_THREAD),
    )
    return runs(begins, changed, len(before))


def comparison(before: NDArray[Any], after: NDArray[Any]) -> Callable[[int, int], bool]:
    """What says whether any byte differs from one element to another of two contiguous arrays of one type."""
    # Asking an array for its address costs more than comparing a few thousand bytes.
    old, new, width = before.ctypes.data, after.ctypes.data, before.itemsize
    return lambda begin, end: bool(_compare(old + begin * width, new + begin * width, (end - begin) * width))


def runs(begins: range, chosen: Sequence[bool], end: int) -> list[tuple[int, int]]:
    """The ranges that the chosen ones of equally long blocks make up, those side by side as one.

    Args:
        begins: Where each block begins.
        chosen: Whether it is one.
        end: Where the last block ends, however long it is.
    """
    ranges: list[tuple[int, int]] = []
    for begin, one in zip(begins, chosen, strict=True):
        if not one:
            continue
        until = min(begin + begins.step, end)
        if ranges and ranges[-1][1] == begin:
            ranges[-1] = (ranges[-1][0], until)
        else:
            ranges.append((begin, until))
    return ranges


def check_pair(before: NDArray[np.uint8], after: NDArray[np.uint8]) -> None:
    """Refuse two arrays that are not as many contiguous bytes in one dimension.

    Raises:
        InvalidArgument: They are not.
    """
    for name, array in (("before", before), ("after", after)):
        check_bytes(name, array)
    if len(before) != len(after):
        raise InvalidArgument("after", len(after), f"before has {len(before)} bytes, and after must have as many")


def check_bytes(name: str, array: NDArray[np.uint8]) -> None:
    """Refuse an array that is not contiguous bytes in one dimension.

    Raises:
        InvalidArgument: It is not.
    """
    if array.dtype != np.uint8 or array.ndim != 1 or not array.flags.c_contiguous:
        raise InvalidArgument(name, f"{array.dtype} of shape {array.shape}", "it is contiguous uint8 of one dimension")


def total(ranges: Sequence[tuple[int, int]]) -> int:
    """How many bytes are in ranges."""
    return sum(end - begin for begin, end in ranges)


def check_ranges(ranges: Sequence[tuple[int, int]], width: int, size: int) -> None:
    """Refuse ranges that are not in order, within so many bytes, and of whole elements of so many bytes.

    Raises:
        InvalidArgument: They are not.
    """
    if size % width:
        raise InvalidArgument("width", width, f"{size} bytes are not a whole number of such elements")
    last = 0
    for begin, end in ranges:
        if not last <= begin <= end <= size or begin % width or end % width:
            raise InvalidArgument(
                "ranges", (begin, end), f"ranges are in order, within {size} bytes, and of whole elements"
            )
        last = end
