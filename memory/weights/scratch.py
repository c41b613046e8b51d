"""Host memory that is used again: touching new memory takes four times as long as copying into it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray

from memory.store.forking import ForkSafeLock

KEPT_BYTES = 1 << 30
"""Bytes that a pool keeps while nobody uses them."""

_SMALLEST_KEPT = 1 << 20
"""Buffers below this are left to the allocator, which keeps small memory itself."""


class Scratch:
    """A pool of host byte buffers, so that a copy of a large tensor does not ask for new memory each time.

    Safe for several threads. A child process after a fork has a pool of its own. Memory in use is not counted; what
    comes back stays for the next, up to a limit, the largest first: they are the dearest to get.

    Args:
        kept_bytes: Bytes kept while nobody uses them.

    Example:
        >>> scratch = Scratch()
        >>> with scratch.buffer(3) as kept:
        ...     kept[:] = [1, 2, 3]
        ...     int(kept.sum())
        6
    """

    def __init__(self, kept_bytes: int = KEPT_BYTES) -> None:
        self._most = kept_bytes
        self._free: list[NDArray[np.uint8]] = []
        """Buffers that nobody uses, the smallest first."""
        self._lock = ForkSafeLock()

    @property
    def kept(self) -> int:
        """Bytes that are kept while nobody uses them."""
        with self._lock:
            return sum(whole.nbytes for whole in self._free)

    @contextmanager
    def buffer(self, nbytes: int) -> Iterator[NDArray[np.uint8]]:
        """Lend a buffer of exactly so many bytes, which hold anything; no other block has it until this one ends.

        Nothing of it may be kept beyond the block, no view and no tensor made of it: its bytes will be somebody else's.
        """
        whole = self._take(nbytes)
        try:
            yield whole[:nbytes]
        finally:
            self._put_back(whole)

    def release(self) -> None:
        """Give the memory that nobody uses back to the system; what is in use now comes back to the pool as ever."""
        with self._lock:
            self._free.clear()

    def _take(self, nbytes: int) -> NDArray[np.uint8]:
        if nbytes >= _SMALLEST_KEPT:
            with self._lock:
                for index, whole in enumerate(self._free):
                    if whole.nbytes >= nbytes:
                        return self._free.pop(index)
                # It makes room for the larger one that will be in its place: a pool has no more than were used at once.
                if self._free:
                    self._free.pop()
        return np.empty(nbytes, dtype=np.uint8)

    def _put_back(self, whole: NDArray[np.uint8]) -> None:
        if not _SMALLEST_KEPT <= whole.nbytes <= self._most:
            return
        with self._lock:
            self._free.append(whole)
            self._free.sort(key=lambda each: each.nbytes)
            kept = sum(each.nbytes for each in self._free)
            while kept > self._most:
                kept -= self._free.pop(0).nbytes
