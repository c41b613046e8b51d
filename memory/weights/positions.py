"""Where the few elements are that are not zero: found, and kept as the gaps between them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from memory.weights.workspace import Workspace

_RARE, _MANY = 1 / 256, 1 / 10
"""Shares of elements below which looking at eight bytes at once pays, and above which numpy finds them without
branches."""
_BRANCHES_PAY = 1 / 32
"""Share of elements up to which numpy's way with branches is the faster one."""


def nonzero(values: NDArray[Any], count: int, space: Workspace) -> NDArray[np.int64]:
    """Where `count` elements of unsigned integers are that are not zero, in order."""
    size = len(values)
    if count <= size * _RARE:
        return _nonzero_groups(values)
    # The branches of numpy's way for a few elements are mispredicted all the more the more there are; it takes
    # another way where they are many, and so they are made many.
    padding = size // 8 if _BRANCHES_PAY < count / size <= _MANY else 0
    mask = space.array("mask", size + padding, np.bool_)
    np.not_equal(values, 0, out=mask[:size])
    mask[size:] = True
    return np.flatnonzero(mask)[:count]


def _nonzero_groups(values: NDArray[Any]) -> NDArray[np.int64]:
    lanes = 8 // values.itemsize
    groups = len(values) // lanes
    whole = values[: groups * lanes]
    found = np.flatnonzero(whole.view(np.uint64) != 0)
    inside = np.flatnonzero(whole.reshape(groups, lanes)[found])
    where = found[inside // lanes] * lanes + inside % lanes
    rest = np.flatnonzero(values[groups * lanes :]) + groups * lanes
    return np.concatenate((where, rest)) if len(rest) else where


def gaps(where: NDArray[np.int64], first: int, space: Workspace) -> NDArray[Any]:
    """How far each of ordered positions is from the one before it, the first from the one before `first`.

    Returns:
        Unsigned integers as narrow as can be, in an array of `space`.
    """
    apart = space.array("apart", len(where), np.int64)
    apart[0] = where[0] - first + 1
    np.subtract(where[1:], where[:-1], out=apart[1:])
    largest = int(apart.max())
    width = next(width for width in (1, 2, 4, 8) if largest < 1 << 8 * width)
    narrow = space.array("narrow", len(where), f"<u{width}")
    np.copyto(narrow, apart, casting="unsafe")
    return narrow


def positions(apart: NDArray[Any]) -> NDArray[np.int64]:
    """The ordered positions that have these gaps."""
    where = np.cumsum(apart, dtype=np.int64)
    where -= 1
    return where
