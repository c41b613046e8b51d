"""The raw bytes of tensors in contiguous order, a block at a time, on as many threads as pay."""

from __future__ import annotations

import ctypes
import math
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple, TypeVar

import torch

from introspection.regions import is_copy_on_write

Result = TypeVar("Result")

MOST_THREADS = 8
"""More threads than this read no faster: the memory is what they wait for."""

BYTES_OF_A_THREAD = 4 << 20
"""Bytes that are worth a thread of their own: fewer are read before it has started."""

# The integer type of the same size, as which bits can be copied that torch does no arithmetic on.
_BITS = {1: torch.uint8, 2: torch.int16, 4: torch.int32, 8: torch.int64}


class Block(NamedTuple):
    """A run of bytes of a tensor; a named tuple because a model has thousands."""

    tensor: torch.Tensor
    """A strided tensor with values, without its graph."""
    begin: int
    """First byte, counted in contiguous order; a multiple of the element size."""
    end: int
    """One past the last byte; a multiple of the element size."""
    address: int | None
    """Where the first byte is, if the block lies in host memory as it is to be read."""


def address_of(tensor: torch.Tensor) -> int | None:
    """Where the bytes of a strided tensor begin, if they lie in host memory in contiguous order and as they are."""
    if tensor.is_cpu and tensor.is_contiguous() and not (tensor.is_conj() or tensor.is_neg()):
        # Taking its address would part a lazy clone from its origin.
        return None if is_copy_on_write(tensor) else tensor.data_ptr()
    return None


def blocks_of(tensor: torch.Tensor, block_bytes: int) -> list[Block]:
    """The blocks of a strided tensor, in order: each of exactly `block_bytes` but the last, none of an empty tensor.

    Args:
        tensor: A strided tensor with values, of any shape, strides and device.
        block_bytes: A power of two, at least 16, so that no element lies in two blocks.
    """
    size, address = tensor.numel() * tensor.element_size(), address_of(tensor)
    return [
        Block(tensor, begin, min(begin + block_bytes, size), None if address is None else address + begin)
        for begin in range(0, size, block_bytes)
    ]


def over_blocks(blocks: Sequence[Block], use: Callable[[memoryview], Result]) -> list[Result]:
    """What `use` makes of the bytes of every block, in the order of the blocks.

    Bytes of a contiguous tensor in host memory are handed over where they lie; others are gathered first, a block at a
    time. Works on as many threads as torch may use (`torch.get_num_threads`), one for little work.

    Args:
        blocks: Blocks of any tensors.
        use: Called with the bytes of one block, on any thread; must not keep them, and should release the GIL.
    """
    threads = min(
        torch.get_num_threads(),
        MOST_THREADS,
        len(blocks),
        sum(block.end - block.begin for block in blocks) // BYTES_OF_A_THREAD,
    )
    if threads < 2:
        return [_use(block, use) for block in blocks]
    return _on_threads(threads, blocks, use)


def _on_threads(threads: int, blocks: Sequence[Block], use: Callable[[memoryview], Result]) -> list[Result]:
    found: dict[int, Result] = {}
    # Every thread takes the next block when it is done with one: a thread whose core is busy takes fewer.
    queue = iter(range(len(blocks)))
    turn = threading.Lock()

    def work() -> None:
        while True:
            with turn:
                index = next(queue, None)
            if index is None:
                return
            found[index] = _use(blocks[index], use)

    with ThreadPoolExecutor(threads - 1, thread_name_prefix="palimpsest-read") as pool:
        helpers = [pool.submit(work) for _ in range(threads - 1)]
        try:
            work()
        finally:
            # What this thread did not come to, nobody waits for any more.
            with turn:
                deque(queue, maxlen=0)
        for helper in helpers:
            helper.result()
    return [found[index] for index in range(len(blocks))]


def _use(block: Block, use: Callable[[memoryview], Result]) -> Result:
    tensor, begin, end, address = block
    if address is not None:
        return use(_view(address, end - begin))
    width = tensor.element_size()
    gathered = gather(tensor, begin // width, end // width, "cpu")
    return use(_view(gathered.data_ptr(), end - begin))


def _view(address: int, size: int) -> memoryview:
    # Not through numpy: a storage that numpy was given can never be resized again, and FSDP frees by resizing.
    return memoryview((ctypes.c_char * size).from_address(address)).cast("B")


def gather(tensor: torch.Tensor, begin: int, end: int, device: torch.device | str) -> torch.Tensor:
    """A copy of elements `begin` to `end` of a strided tensor in contiguous order, bit for bit, as one dimension.

    Args:
        tensor: A strided tensor with values, without its graph.
        begin: First element, counted in contiguous order.
        end: One past the last element.
        device: Where to put the copy.

    Returns:
        A contiguous tensor of `end - begin` elements of as many bytes each; of an integer type where torch can say
        the same bits in one.
    """
    if not (tensor.is_conj() or tensor.is_neg()) and tensor.element_size() in _BITS:
        tensor = tensor.view(_BITS[tensor.element_size()])
    out = torch.empty(end - begin, dtype=tensor.dtype, device=device)
    _copy_range(tensor, begin, out)
    return out


def _copy_range(tensor: torch.Tensor, begin: int, out: torch.Tensor) -> None:
    """Copies `len(out)` elements of a tensor, from `begin` on in contiguous order."""
    end = begin + len(out)
    if begin == end:
        return
    if tensor.dim() == 0:
        out.view(()).copy_(tensor)
        return
    row = math.prod(tensor.shape[1:])
    # Whole rows between a first and a last one that may be in part.
    first, last = -(-begin // row), end // row
    if first > last:
        _copy_range(tensor[last], begin - last * row, out)
        return
    head, body = first * row - begin, (last - first) * row
    if head:
        _copy_range(tensor[first - 1], row - head, out[:head])
    if body:
        out[head : head + body].view(last - first, *tensor.shape[1:]).copy_(tensor[first:last])
    if head + body < len(out):
        _copy_range(tensor[last], 0, out[head + body :])
