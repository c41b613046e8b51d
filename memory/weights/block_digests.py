"""What is known of a storage's bytes block by block: after a write only the blocks it met are hashed again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
import xxhash
from blake3 import blake3
from torch import Tensor

from introspection.contents import contents, undisturbed
from introspection.errors import UnsupportedStorage
from introspection.fingerprint import BLOCK_BYTES, combine_blocks, fingerprint
from introspection.raw_bytes import Block, address_of, blocks_of, over_blocks

__all__ = ["BLOCK_BYTES", "BlockDigests", "blocks_in", "differing_blocks", "read_digests", "rehashed"]


@dataclass(frozen=True, slots=True)
class BlockDigests:
    """The digests of one storage's bytes at one moment."""

    fingerprint: str
    """The identity of all of them: `introspection.fingerprint.fingerprint`."""
    dtype: torch.dtype
    shape: tuple[int, ...]
    identities: tuple[bytes, ...] = ()
    """blake3 of every 1 MiB block; empty for a tensor of several parts, of which only the whole is known."""
    quick: tuple[bytes, ...] = ()
    """xxh3 of every block: a fifth of the cost, to notice that a block holds other bytes."""


def read_digests(tensor: Tensor, name: str = "tensor") -> BlockDigests:
    """Hash every block of a tensor of any kind.

    Raises:
        UnsupportedStorage: It has no values (meta, fake, not initialised, freed).
    """
    with undisturbed():
        dense = contents(tensor, name).dense
        if dense is None:
            return BlockDigests(fingerprint(tensor, name), tensor.dtype, _shape(tensor))
        found = over_blocks(blocks_of(dense, BLOCK_BYTES), _both)
        return _digests(tensor, [both[0] for both in found], [both[1] for both in found])


def differing_blocks(tensor: Tensor, known: BlockDigests, blocks: Sequence[int] | None = None) -> list[int] | None:
    """Give the blocks that hold other bytes than are known of; None where that can only be said of the whole: it does.

    Args:
        tensor: The live tensor.
        known: What it should hold.
        blocks: Only look at these.

    Raises:
        UnsupportedStorage: It has no values.
    """
    with undisturbed():
        dense = contents(tensor, "tensor").dense
        if dense is None or not _comparable(tensor, known):
            return [] if fingerprint(tensor) == known.fingerprint else None
        found = over_blocks(_chosen(dense, blocks), _quick)
        chosen = range(len(found)) if blocks is None else blocks
        return [index for index, digest in zip(chosen, found, strict=True) if digest != known.quick[index]]


def rehashed(tensor: Tensor, known: BlockDigests, blocks: Sequence[int]) -> BlockDigests:
    """Give the digests after a write that met only these blocks.

    Raises:
        UnsupportedStorage: It has no values.
    """
    with undisturbed():
        dense = contents(tensor, "tensor").dense
        if dense is None or not _comparable(tensor, known):
            return read_digests(tensor)
        if not blocks:
            return known
        identities, quick = list(known.identities), list(known.quick)
        for index, both in zip(blocks, over_blocks(_chosen(dense, blocks), _both), strict=True):
            identities[index], quick[index] = both
        return _digests(tensor, identities, quick)


def blocks_in(ranges: Iterable[tuple[int, int]]) -> list[int]:
    """Give the blocks that byte ranges reach into, in order."""
    return sorted(
        {block for begin, end in ranges if end > begin for block in range(begin // BLOCK_BYTES, -(-end // BLOCK_BYTES))}
    )


def digests_or_none(tensor: Tensor) -> BlockDigests | None:
    """Give the digests of a tensor's bytes; None for one whose bytes cannot be read (meta, lazy, freed)."""
    from torch.nn.parameter import is_lazy

    if is_lazy(tensor):
        return None
    try:
        return read_digests(tensor)
    except UnsupportedStorage:
        return None


def _comparable(tensor: Tensor, known: BlockDigests) -> bool:
    return bool(
        known.dtype == tensor.dtype and known.shape == _shape(tensor) and (known.identities or not tensor.numel())
    )


def _digests(tensor: Tensor, identities: Sequence[bytes], quick: Sequence[bytes]) -> BlockDigests:
    whole = combine_blocks(tensor.dtype, tensor.shape, identities)
    return BlockDigests(whole, tensor.dtype, _shape(tensor), tuple(identities), tuple(quick))


def _shape(tensor: Tensor) -> tuple[int, ...]:
    return tuple(tensor.shape)


def _chosen(dense: Tensor, blocks: Sequence[int] | None) -> list[Block]:
    if blocks is None:
        return blocks_of(dense, BLOCK_BYTES)
    size, address = dense.numel() * dense.element_size(), address_of(dense)
    begins = [(index * BLOCK_BYTES, min((index + 1) * BLOCK_BYTES, size)) for index in blocks]
    return [Block(dense, begin, end, None if address is None else address + begin) for begin, end in begins]


def _quick(block: memoryview) -> bytes:
    return xxhash.xxh3_128_digest(block)


def _both(block: memoryview) -> tuple[bytes, bytes]:
    return blake3(block).digest(), xxhash.xxh3_128_digest(block)
