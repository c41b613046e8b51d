"""Content fingerprints: the identity of a tensor's values, to the bit."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from blake3 import blake3

from introspection.contents import contents, dense_contents, dense_kind, undisturbed
from introspection.errors import InvalidArgument
from introspection.raw_bytes import blocks_of, over_blocks

BLOCK_BYTES = 1 << 20
"""Bytes of one block: what is hashed on its own, so that after a write only the blocks it met need hashing again."""


def fingerprint(tensor: torch.Tensor, name: str = "tensor") -> str:
    """The blake3 digest, in hex, of a tensor's values, shape and dtype: equal exactly when all three are, bit for bit.

    Raw bits are hashed, in contiguous order: strides and device do not matter; -0.0 and 0.0 differ, and so do two NaN
    of different payload. The digest is of two levels: every 1 MiB block is hashed, then their digests are. The digest
    of a tensor that is not dense is of all that its values follow from: see `introspection.contents.contents`.

    Args:
        tensor: A tensor with values, of any kind.
        name: What to call it in an error.

    Raises:
        UnsupportedStorage: The tensor has no values (meta, fake, uninitialised, freed).

    Source: BLAKE3, one function, fast everywhere (O'Connor, Aumasson, Neves, Wilcox-O'Hearn, 2020).
    """
    with undisturbed():
        held = contents(tensor, name)
        if held.dense is not None:
            return combine_blocks(tensor.dtype, tensor.shape, _digests(held.dense))
        # No dtype begins like the kind of a tensor of several parts: no two kinds of tensor hash the same bytes.
        whole = blake3(f"{held.kind}\0".encode())
        for path, part in held.parts:
            whole.update(f"{path}\0{combine_blocks(part.dtype, part.shape, _digests(part))}\0".encode())
        return whole.hexdigest()


def dense_fingerprint(tensor: torch.Tensor, name: str = "tensor") -> str:
    """The fingerprint of a tensor that holds its bytes itself.

    Raises:
        UnsupportedStorage: The tensor has no values, or holds them in several parts (sparse, quantised, wrapped).
    """
    return combine_blocks(tensor.dtype, tensor.shape, block_digests(tensor, name))


def block_digests(tensor: torch.Tensor, name: str = "tensor", blocks: Sequence[int] | None = None) -> list[bytes]:
    """The blake3 digest of every 1 MiB of a dense tensor's values, in order; the last block may be shorter.

    Args:
        tensor: A dense tensor with values.
        name: What to call it in an error.
        blocks: Only these blocks, by index, in this order: those that a write met. The digests of the others still
            hold, so `combine_blocks` of all of them is the fingerprint again.

    Raises:
        UnsupportedStorage: The tensor has no values, or holds them in several parts.
        InvalidArgument: `blocks` names a block that the tensor does not have.
    """
    with undisturbed():
        return _digests(dense_contents(tensor, name), blocks)


def combine_blocks(dtype: torch.dtype, shape: Sequence[int], digests: Iterable[bytes]) -> str:
    """The fingerprint of a dense tensor of this dtype and shape whose blocks have these digests."""
    whole = blake3(f"{dense_kind(dtype, tuple(shape))}\0".encode("ascii"))
    for digest in digests:
        whole.update(digest)
    return whole.hexdigest()


def _digests(dense: torch.Tensor, blocks: Sequence[int] | None = None) -> list[bytes]:
    found = blocks_of(dense, BLOCK_BYTES)
    if blocks is not None:
        unknown = [index for index in blocks if not 0 <= index < len(found)]
        if unknown:
            raise InvalidArgument("blocks", unknown[0], f"the tensor has {len(found)} blocks, counted from 0")
        found = [found[index] for index in blocks]
    return over_blocks(found, _digest)


def _digest(block: memoryview) -> bytes:
    return blake3(block).digest()
