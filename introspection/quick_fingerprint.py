"""Quick fingerprints: whether any bit of a tensor changed, found by reading all of it once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import torch
import xxhash

from introspection.contents import Contents, contents, dense_kind, undisturbed
from introspection.errors import UnsupportedStorage
from introspection.multilinear import row_hashes
from introspection.raw_bytes import Block, address_of, blocks_of, over_blocks

BLOCK_BYTES = 1 << 24
"""Bytes of one block: what one thread reads in one go. Smaller ones cost more starts, larger ones share out worse."""

ON_DEVICE = frozenset({"cuda", "xpu"})
"""Kinds of devices whose tensors are read there; what lies on any other is copied to the host a block at a time."""

# Elements from which reading the same memory twice costs more than finding out that it is the same.
_WORTH_TELLING_APART = 1 << 14


class _Reading(NamedTuple):
    """One tensor in a pass over many: what its fingerprint is made of once all blocks have been read."""

    algorithm: str
    kind: str
    parts: list[tuple[bytes, slice | torch.Tensor]]
    """For every part its path and kind, and its blocks, or its row hashes on the device they were computed on."""


def quick_fingerprint(tensor: torch.Tensor, name: str = "tensor") -> str:
    """A short string, equal for equal dtype, shape and bits, and for nothing else but by a chance of at most 2^-64.

    Raw bits are told apart, in contiguous order, as by `introspection.fingerprint.fingerprint`, at a small part of its
    cost. It is there to notice writes, not to be kept: nothing guards against bytes that were made up to deceive, and
    the same values have another quick fingerprint in host memory than on an accelerator.

    Args:
        tensor: A tensor with values, of any kind.
        name: What to call it in an error.

    Returns:
        An algorithm, a colon, 32 hex digits. In host memory `xxh3`: bits that differ are missed once in 2^128. On an
        accelerator `multilinear`, see `device_fingerprint`.

    Raises:
        UnsupportedStorage: The tensor has no values (meta, fake, uninitialised, freed).

    Example:
        `quick_fingerprint(torch.zeros(2)) != quick_fingerprint(-torch.zeros(2))`

    Source: XXH3 of 128 bits (Yann Collet, xxHash 0.8).
    """
    blocks: list[Block] = []
    with undisturbed():
        reading = _begin(contents(tensor, name), blocks, ON_DEVICE)
        return _finish(reading, over_blocks(blocks, xxhash.xxh3_128_digest))


def quick_fingerprints(tensors: Mapping[str, torch.Tensor]) -> dict[str, str | None]:
    """The quick fingerprint of every tensor, found in one pass over all bytes on as many threads as torch may use.

    Every byte is read: nothing is sampled. Tensors that view the same bytes in the same way (ties) are read once.
    Accelerators compute while the host reads what lies in its own memory.

    Args:
        tensors: Tensors by any names, of any kind, on any device.

    Returns:
        For every name, in the same order, its `quick_fingerprint`; None where there are no bytes to read (meta, fake,
        uninitialised, freed).
    """
    with undisturbed():
        return _all(tensors)


def device_fingerprint(tensor: torch.Tensor, name: str = "tensor") -> str:
    """The quick fingerprint as accelerators compute it, of a tensor on any device: where the tensor lies.

    Equal for equal dtype, shape and bits, on whatever device; 16 bytes of every 64 KiB are all that leaves it. Bits
    that differ are missed once in 2^64 at worst: see `introspection.multilinear.row_hashes`.

    Args:
        tensor: A tensor with values, of any kind.
        name: What to call it in an error.

    Returns:
        `multilinear:` and 32 hex digits.

    Raises:
        UnsupportedStorage: The tensor has no values (meta, fake, uninitialised, freed).
    """
    with undisturbed():
        return _finish(_begin(contents(tensor, name), [], None), [])


def _all(tensors: Mapping[str, torch.Tensor]) -> dict[str, str | None]:
    blocks: list[Block] = []
    readings: dict[object, _Reading] = {}
    keys: dict[str, object] = {}
    # A mapping may make its tensors as it is asked: none may go while its address or id stands for it.
    alive: list[Contents] = []
    for name, tensor in tensors.items():
        try:
            held = contents(tensor, name)
        except UnsupportedStorage:
            keys[name] = None
            continue
        alive.append(held)
        keys[name] = key = _memory(held)
        if key not in readings:
            readings[key] = _begin(held, blocks, ON_DEVICE)
    digests = over_blocks(blocks, xxhash.xxh3_128_digest)
    found = {key: _finish(reading, digests) for key, reading in readings.items()}
    return {name: found.get(key) for name, key in keys.items()}


def _memory(held: Contents) -> object:
    """What two tensors have in common only if they are the same bytes, read in the same way."""
    dense = held.dense
    if dense is None or dense.numel() < _WORTH_TELLING_APART:
        return id(held)
    address = address_of(dense)
    return id(held) if address is None else (address, dense.dtype, dense.shape)


def _begin(held: Contents, blocks: list[Block], on_device: frozenset[str] | None) -> _Reading:
    """Adds what the host is to read to `blocks`, and starts what is computed on a device (`None`: on any)."""
    if held.dense is not None:
        parts = [(b"", _read(held.dense, blocks, on_device))]
    else:
        parts = [
            (f"{path}\0{dense_kind(part.dtype, part.shape)}\0".encode(), _read(part, blocks, on_device))
            for path, part in held.parts
        ]
    on_any_device = any(isinstance(hashes, torch.Tensor) for _, hashes in parts)
    return _Reading("multilinear" if on_any_device else "xxh3", held.kind, parts)


def _read(part: torch.Tensor, blocks: list[Block], on_device: frozenset[str] | None) -> slice | torch.Tensor:
    if on_device is None or (not part.is_cpu and part.device.type in on_device):
        return row_hashes(part)
    first = len(blocks)
    blocks += blocks_of(part, BLOCK_BYTES)
    return slice(first, len(blocks))


def _finish(reading: _Reading, digests: Sequence[bytes]) -> str:
    whole = xxhash.xxh3_128(f"{reading.kind}\0".encode())
    for kind, hashes in reading.parts:
        whole.update(kind)
        if isinstance(hashes, torch.Tensor):
            whole.update(b"".join(over_blocks(blocks_of(hashes.cpu(), BLOCK_BYTES), xxhash.xxh3_128_digest)))
        else:
            whole.update(b"".join(digests[hashes]))
    return f"{reading.algorithm}:{whole.hexdigest()}"
