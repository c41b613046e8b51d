"""What is known of a large tensor block by block, so that its identity after a write costs little more than a look."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import xxhash

from introspection.contents import dense_contents, undisturbed
from introspection.fingerprint import BLOCK_BYTES, block_digests, combine_blocks
from introspection.raw_bytes import blocks_of, over_blocks

# Blocks that one thread reads in one go: passing the GIL between threads at every block would cost a third more.
_AT_ONCE = 16


@dataclass(frozen=True, slots=True)
class KnownBlocks:
    """The digests of every 1 MiB of a dense tensor at one moment: 48 bytes of knowledge a block, and no tensor."""

    dtype: torch.dtype
    """Dtype of the tensor."""
    shape: tuple[int, ...]
    """Shape of the tensor."""
    quick: tuple[bytes, ...]
    """The XXH3 digest of every block: whether it was written to."""
    digests: tuple[bytes, ...]
    """The blake3 digest of every block: what its identity is made of."""

    @property
    def fingerprint(self) -> str:
        """The tensor's identity at that moment: what `introspection.fingerprint.fingerprint` gave for it."""
        return combine_blocks(self.dtype, self.shape, self.digests)

    def written(self, before: KnownBlocks) -> tuple[int, ...]:
        """The blocks that are not as they were before, by index; all of them after a change of dtype or shape."""
        if (self.dtype, self.shape) != (before.dtype, before.shape):
            return tuple(range(len(self.quick)))
        return _differing(before.quick, self.quick)


def known_blocks(tensor: torch.Tensor, name: str = "tensor", before: KnownBlocks | None = None) -> KnownBlocks:
    """What there is to know of a dense tensor's blocks now; everything is read, but only what changed is hashed twice.

    Args:
        tensor: A dense tensor with values, of any dtype, shape, strides and device.
        name: What to call it in an error.
        before: What was known of it at an earlier moment: blocks that XXH3 finds unchanged keep their blake3 digest.
            It guards against accidents (once in 2^128), not against bytes that were made up to deceive: to verify
            what others had in their hands, leave it out.

    Returns:
        The knowledge, equal to what would be known without `before`.

    Raises:
        UnsupportedStorage: The tensor has no values, or holds them in several parts (sparse, quantised, wrapped).
    """
    shape = tuple(tensor.shape)
    if before is None or (before.dtype, before.shape) != (tensor.dtype, shape):
        digests = tuple(block_digests(tensor, name))
        return KnownBlocks(tensor.dtype, shape, _quick(tensor, name), digests)
    quick = _quick(tensor, name)
    digests_now = list(before.digests)
    dirty = _differing(before.quick, quick)
    for index, digest in zip(dirty, block_digests(tensor, name, dirty), strict=True):
        digests_now[index] = digest
    return KnownBlocks(tensor.dtype, shape, quick, tuple(digests_now))


def _differing(before: tuple[bytes, ...], now: tuple[bytes, ...]) -> tuple[int, ...]:
    return tuple(index for index, (one, other) in enumerate(zip(before, now, strict=True)) if one != other)


def _quick(tensor: torch.Tensor, name: str) -> tuple[bytes, ...]:
    with undisturbed():
        dense = dense_contents(tensor, name)
        read = over_blocks(blocks_of(dense, _AT_ONCE * BLOCK_BYTES), _digests)
    return tuple(digest for digests in read for digest in digests)


def _digests(blocks: memoryview) -> list[bytes]:
    return [xxhash.xxh3_128_digest(blocks[begin : begin + BLOCK_BYTES]) for begin in range(0, len(blocks), BLOCK_BYTES)]
