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


class Marks:
    """Which of unsigned integers are not zero.

    Args:
        values: Contiguous.
        space: What to work with; the marks lie in it.

    Attributes:
        flags: One truth value for each.
        count: How many are not zero.
    """

    def __init__(self, values: NDArray[Any], space: Workspace) -> None:
        size = len(values)
        self._padded = space.array("marks", size + size // 8, np.bool_)
        self._padded[size:] = True
        self.flags = np.not_equal(values, 0, out=self._padded[:size])
        self.count = int(np.count_nonzero(self.flags))

    def positions(self) -> NDArray[np.int64]:
        """Where those are that are not zero, in order."""
        size = len(self.flags)
        if self.count <= size * _RARE:
            return self._in_groups()
        # The branches of numpy's way for a few elements are mispredicted all the more the more there are; it takes
        # another way where they are many, and so they are made many.
        if _BRANCHES_PAY < self.count / size <= _MANY:
            return np.flatnonzero(self._padded)[: self.count]
        return np.flatnonzero(self.flags)

    def _in_groups(self) -> NDArray[np.int64]:
        whole = len(self.flags) // 8 * 8
        groups = np.flatnonzero(self.flags[:whole].view(np.uint64))
        inside = np.flatnonzero(self.flags[:whole].reshape(-1, 8)[groups])
        where = groups[inside // 8] * 8 + inside % 8
        rest = np.flatnonzero(self.flags[whole:]) + whole
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
