"""Content fingerprints: the identity of a tensor's values, to the bit."""

from __future__ import annotations

import ctypes
from collections.abc import Iterable, Iterator, Sequence

import torch
from blake3 import blake3

from introspection.chunks import logical_chunks, readable
from introspection.errors import UnsupportedStorage
from introspection.regions import is_copy_on_write

BLOCK_BYTES = 1 << 20
"""Bytes of one block: what is hashed on its own, so that after a write only the blocks it met need hashing again."""


def fingerprint(tensor: torch.Tensor, name: str = "tensor") -> str:
    """The blake3 digest, in hex, of a tensor's values, shape and dtype: equal exactly when all three are, bit for bit.

    Raw bits are hashed, in contiguous order: strides and device do not matter; -0.0 and 0.0 differ, and so do two NaN
    of different payload. The digest is of two levels: every 1 MiB block is hashed, then their digests are.

    Args:
        tensor: A dense tensor with values.
        name: What to call it in an error.

    Raises:
        UnsupportedStorage: The tensor has no values (meta, fake, uninitialised), or holds them in no dense form.

    Source: BLAKE3, one function, fast everywhere (O'Connor, Aumasson, Neves, Wilcox-O'Hearn, 2020).
    """
    digests = block_digests(tensor, name)
    return combine_blocks(tensor.dtype, tensor.shape, digests)


def block_digests(tensor: torch.Tensor, name: str = "tensor") -> list[bytes]:
    """The blake3 digest of every 1 MiB of a tensor's values, in order; the last block may be shorter.

    Raises:
        UnsupportedStorage: As `fingerprint`.
    """
    dense = readable(tensor, name)
    if dense.is_quantized:
        raise UnsupportedStorage(
            name, "it is quantised: its scale is not among its bytes", remedy="fingerprint int_repr() and the scale"
        )
    return [blake3(block).digest() for block in _blocks(dense)]


def combine_blocks(dtype: torch.dtype, shape: Sequence[int], digests: Iterable[bytes]) -> str:
    """The fingerprint of a tensor of this dtype and shape whose blocks have these digests."""
    whole = blake3(f"{str(dtype).removeprefix('torch.')}[{','.join(map(str, shape))}]\0".encode("ascii"))
    for digest in digests:
        whole.update(digest)
    return whole.hexdigest()


def _blocks(tensor: torch.Tensor) -> Iterator[memoryview | bytearray]:
    """The raw bytes in contiguous order, in blocks of exactly BLOCK_BYTES but the last."""
    rest = bytearray()
    for piece in _raw(tensor):
        begin = 0
        if rest:
            begin = min(len(piece), BLOCK_BYTES - len(rest))
            rest += piece[:begin]
            if len(rest) < BLOCK_BYTES:
                continue
            yield rest
            rest = bytearray()
        while len(piece) - begin >= BLOCK_BYTES:
            yield piece[begin : begin + BLOCK_BYTES]
            begin += BLOCK_BYTES
        rest += piece[begin:]
    if rest:
        yield rest


def _raw(tensor: torch.Tensor) -> Iterator[memoryview]:
    for chunk in logical_chunks(tensor, max(1, 4 * BLOCK_BYTES // tensor.element_size())):
        values = chunk.resolve_conj().resolve_neg()
        # Taking the address would part a lazy clone from its origin.
        held = (values.clone() if is_copy_on_write(values) else values.cpu()).contiguous()
        # Not through numpy: a storage that numpy was given can never be resized again, and FSDP frees by resizing.
        size = held.numel() * held.element_size()
        yield memoryview((ctypes.c_char * size).from_address(held.data_ptr())).cast("B")
