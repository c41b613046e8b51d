"""A hash in torch's integer arithmetic, computed where a tensor lies: 16 bytes of every 64 KiB leave the device."""

from __future__ import annotations

from functools import lru_cache

import torch
from blake3 import blake3

from introspection.raw_bytes import gather

ROW_WORDS = 1 << 14
"""32-bit words of one row: 64 KiB become 16 bytes."""

CHUNK_WORDS = 1 << 22
"""Words hashed in one go, so that the products (twice the bytes of the words) stay small and near the arithmetic."""

LANES = 2


def row_hashes(tensor: torch.Tensor) -> torch.Tensor:
    """Two 64-bit hashes of every 64 KiB of a tensor's bytes in contiguous order, computed on the tensor's own device.

    The bytes are read as signed 32-bit words x; a row's hash is the sum of w * x modulo 2^64, with fixed pseudo-random
    odd 64-bit weights w, another set in each lane. What it misses, for bytes chosen without regard to the weights:

    - a change of one word, never: an odd w has an inverse, and w * (x' - x) is 0 modulo 2^64 only if x' = x;
    - any other change of a row: the difference of two words is at most 31 powers of two times an odd number, so that
      in each lane at most one weight in 2^32 makes the sum come out equal (in words that changed by odd numbers one in
      2^63), and one in 2^64 in both. A sum of 64-bit words would lose two flipped signs entirely: 2^63 * w is 2^63 for
      every odd w, and two of them are nothing.

    Rows are told apart by their place in the result, so it is to be hashed or compared as a sequence.

    Args:
        tensor: A strided tensor with values, without its graph, on any device with 64-bit integer arithmetic.

    Returns:
        (rows, 2) int64, on the device of the tensor; (0, 2) for no bytes. A last row that is short, and a last word of
        it, are as if padded with zero bytes: equal hashes need equal byte counts to mean equal bytes.

    Source: multilinear hashing (Carter and Wegman, 1979; Lemire and Kaser, "Strongly universal string hashing is
    fast", 2014), with the sum kept whole instead of its upper half.
    """
    weights = _weights(tensor.device)
    size = tensor.numel() * tensor.element_size()
    rows = -(-size // (4 * ROW_WORDS))
    out = torch.empty((rows, LANES), dtype=torch.int64, device=tensor.device)
    chunk_bytes = 4 * CHUNK_WORDS
    products: torch.Tensor | None = None
    for begin in range(0, size, chunk_bytes):
        words = _words(tensor, begin, min(size, begin + chunk_bytes))
        first = begin // (4 * ROW_WORDS)
        full = len(words) // ROW_WORDS
        for lane in range(LANES):
            if full:
                body = words[: full * ROW_WORDS].view(full, ROW_WORDS)
                if products is None or len(products) != full:
                    products = torch.empty((full, ROW_WORDS), dtype=torch.int64, device=tensor.device)
                torch.mul(body, weights[lane], out=products)
                out[first : first + full, lane] = products.sum(1)
            rest = words[full * ROW_WORDS :]
            if len(rest):
                out[first + full, lane] = (rest * weights[lane, : len(rest)]).sum()
    return out


def _words(tensor: torch.Tensor, begin: int, end: int) -> torch.Tensor:
    """Bytes `begin` to `end` as 32-bit words: where they lie if they can be read there, otherwise copied."""
    width = tensor.element_size()
    direct = tensor.is_contiguous() and not (tensor.is_conj() or tensor.is_neg())
    if direct and (end - begin) % 4 == 0 and (tensor.storage_offset() * width) % 4 == 0:
        # Of one element torch calls any stride contiguous, and lets none but 1 be seen as bytes.
        flat = tensor.as_strided((tensor.numel(),), (1,))
        return flat.view(torch.uint8)[begin:end].view(torch.int32)
    held = gather(tensor, begin // width, end // width, tensor.device).view(torch.uint8)
    padded = torch.zeros(-(-len(held) // 4) * 4, dtype=torch.uint8, device=tensor.device)
    padded[: len(held)] = held
    return padded.view(torch.int32)


@lru_cache(maxsize=16)
def _weights(device: torch.device) -> torch.Tensor:
    """(LANES, ROW_WORDS) odd int64: the same in every process and on every device."""
    stream = bytearray(blake3(b"palimpsest multilinear weights 1").digest(length=8 * LANES * ROW_WORDS))
    drawn = torch.frombuffer(stream, dtype=torch.int64).view(LANES, ROW_WORDS)
    return (drawn | 1).to(device)
