"""What a thread works with: memory that is used again and again, and its own compressor."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

import numpy as np
import zstandard
from numpy.typing import DTypeLike, NDArray

Item = TypeVar("Item")
Result = TypeVar("Result")

THREADS = min(2, os.cpu_count() or 1)
"""Threads that work at once: the memory is what they wait for, and more wait no less."""

BYTES_OF_A_THREAD = 4 << 20
"""Bytes that are worth a thread of their own: fewer are worked through before it has started."""

# Twice as fast on differences of weights as level 1, and no larger: what repeats in them is mostly zeros, which a long
# shortest match and a small table find as well, and the rest is for the Huffman coder alone.
_PARAMETERS = zstandard.ZstdCompressionParameters(
    strategy=zstandard.STRATEGY_FAST,
    window_log=19,
    hash_log=6,
    chain_log=6,
    search_log=1,
    min_match=7,
    target_length=0,
    write_content_size=True,
    write_checksum=False,
)


class Workspace:
    """Arrays under names, and a compressor and a decompressor; for one thread at a time.

    An array is lent: it holds what was written until the same name is asked for again. New memory costs as much as a
    copy of what is written to it, as the system hands it out page by page; memory that was used before costs nothing.
    """

    def __init__(self) -> None:
        self._held: dict[str, NDArray[np.uint8]] = {}
        self._inner: Workspace | None = None
        self.compressor = zstandard.ZstdCompressor(compression_params=_PARAMETERS)
        self.decompressor = zstandard.ZstdDecompressor()

    def array(self, name: str, count: int, dtype: DTypeLike) -> NDArray[Any]:
        """An array of `count` elements with arbitrary values."""
        kind = np.dtype(dtype)
        size = count * kind.itemsize
        held = self._held.get(name)
        if held is None or len(held) < size:
            held = self._held[name] = np.empty(size, np.uint8)
        return held[:size].view(kind)

    @property
    def inner(self) -> Workspace:
        """Another one, for work in the midst of which the arrays of this one are still needed."""
        if self._inner is None:
            self._inner = Workspace()
        return self._inner


_spare: list[Workspace] = []


@contextmanager
def workspace() -> Iterator[Workspace]:
    """Lend a workspace that nobody else uses."""
    try:
        lent = _spare.pop()
    except IndexError:
        lent = Workspace()
    try:
        yield lent
    finally:
        if len(_spare) < THREADS:
            _spare.append(lent)


def over(items: Sequence[Item], use: Callable[[Item, Workspace], Result], threads: int) -> list[Result]:
    """What `use` makes of every item, in the order of the items, each thread with a workspace of its own.

    Args:
        items: Pieces of work.
        use: Called on any thread; whatever it keeps must not lie in the workspace.
        threads: How many, the calling one among them.
    """
    found: dict[int, Result] = {}
    queue = iter(range(len(items)))
    turn = threading.Lock()

    def work() -> None:
        with workspace() as space:
            while True:
                with turn:
                    index = next(queue, None)
                if index is None:
                    return
                found[index] = use(items[index], space)

    helpers = min(threads, len(items)) - 1
    if helpers < 1:
        work()
    else:
        with ThreadPoolExecutor(helpers, thread_name_prefix="palimpsest-delta") as pool:
            started = [pool.submit(work) for _ in range(helpers)]
            try:
                work()
            finally:
                with turn:
                    for _ in queue:
                        pass
            for each in started:
                each.result()
    return [found[index] for index in range(len(items))]
