"""Fingerprints against brute force: equal exactly when dtype, shape and the bytes in contiguous order are equal."""

from __future__ import annotations

import math

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from introspection.fingerprint import BLOCK_BYTES, block_digests, combine_blocks, fingerprint
from introspection.quick_fingerprint import device_fingerprint, quick_fingerprint, quick_fingerprints

torch.set_num_threads(1)

DTYPES = (
    torch.uint8,
    torch.bool,
    torch.int16,
    torch.bfloat16,
    torch.float8_e4m3fn,
    torch.float32,
    torch.float64,
    torch.int64,
    torch.complex64,
    torch.complex128,
)
ALGORITHMS = (fingerprint, quick_fingerprint, device_fingerprint)


@st.composite
def tensors(draw: st.DrawFn, most: int = 6) -> tuple[torch.Tensor, torch.Tensor]:
    """Bytes of a buffer, and a strided view of random dtype, shape, strides and offset into it."""
    dtype = draw(st.sampled_from(DTYPES))
    shape = draw(st.lists(st.integers(0, most), max_size=4))
    order = draw(st.permutations(range(len(shape))))
    strides, room = [0] * len(shape), 1
    for dimension in order:
        # A stride of 0 repeats; a larger one than needed leaves gaps.
        strides[dimension] = draw(st.sampled_from([room, room, room + 1, 2 * room, 0]))
        room += max(0, shape[dimension] - 1) * strides[dimension]
    offset = draw(st.integers(0, 3))
    buffer = torch.zeros((offset + room) * dtype.itemsize, dtype=torch.uint8)
    values = draw(st.binary(min_size=len(buffer), max_size=len(buffer)))
    buffer.copy_(torch.frombuffer(bytearray(values), dtype=torch.uint8))
    if dtype is torch.bool:
        buffer &= 1
    view = buffer.view(dtype).as_strided(shape, strides, offset)
    if dtype.is_complex and draw(st.booleans()):
        view = view.conj()
    return buffer, view


def truth(tensor: torch.Tensor) -> tuple[torch.dtype, torch.Size, bytes]:
    """What a fingerprint is to tell apart, element by element, through none of the code under test."""
    return tensor.dtype, tensor.shape, bytes(truth_bytes(tensor).tolist())


def truth_bytes(tensor: torch.Tensor) -> torch.Tensor:
    # Made anew: of one element, torch calls any stride contiguous.
    return torch.empty(tensor.shape, dtype=tensor.dtype).copy_(tensor).view(-1).view(torch.uint8)


@settings(max_examples=400, deadline=None)
@given(tensors(), tensors(), st.data())
def test_fingerprints_are_equal_exactly_when_the_bits_are(
    one: tuple[torch.Tensor, torch.Tensor], other: tuple[torch.Tensor, torch.Tensor], data: st.DataObject
) -> None:
    buffer, view = one
    before, found = truth(view), [look(view) for look in ALGORITHMS]
    copied = view.resolve_conj().clone()
    assert [look(copied) for look in ALGORITHMS] == found
    assert ([look(other[1]) for look in ALGORITHMS] == found) == (truth(other[1]) == before)
    if len(buffer):
        # Any bits of any byte of the buffer, gaps included: seen where it is one of the tensor's, and only there.
        index = data.draw(st.integers(0, len(buffer) - 1))
        buffer[index] ^= 1 if view.dtype is torch.bool else data.draw(st.integers(1, 255))
        seen = [look(view) != look_before for look, look_before in zip(ALGORITHMS, found, strict=True)]
        assert seen == [truth(view) != before] * len(ALGORITHMS)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_change_of_a_large_tensor_is_seen_in_its_block_alone(data: st.DataObject) -> None:
    dtype = data.draw(st.sampled_from(DTYPES))
    # Sizes about those at which rows, chunks and blocks of the algorithms end.
    edge = data.draw(st.sampled_from([1 << 16, BLOCK_BYTES, 1 << 22]))
    size = (edge + data.draw(st.integers(-40, 40))) // dtype.itemsize * dtype.itemsize
    raw = torch.arange(size, dtype=torch.int32).mul_(-1640531527).bitwise_right_shift_(24).to(torch.uint8)
    if dtype is torch.bool:
        raw &= 1
    tensor = raw.view(dtype)
    columns = next(k for k in (7, 5, 3, 2, 1) if tensor.numel() % k == 0)
    if data.draw(st.booleans()):
        # The same memory read by columns: no block is one piece of it.
        tensor = tensor.view(-1, columns).t()
    found, digests = [look(tensor) for look in ALGORITHMS], block_digests(tensor)
    assert [look(tensor.contiguous()) for look in ALGORITHMS] == found
    before = truth_bytes(tensor)
    # Some bytes anywhere: a single one, or several that could cancel.
    for index in data.draw(st.lists(st.integers(0, size - 1), min_size=1, max_size=4)):
        raw[index] ^= 1 if dtype is torch.bool else data.draw(st.sampled_from([1, 0x80, 0xFF]))
    after = truth_bytes(tensor)
    dirty = {int(index) // BLOCK_BYTES for index in (before != after).nonzero()}
    assert [look(tensor) != look_before for look, look_before in zip(ALGORITHMS, found, strict=True)] == [
        bool(dirty)
    ] * len(ALGORITHMS)
    for index, digest in zip(sorted(dirty), block_digests(tensor, blocks=sorted(dirty)), strict=True):
        digests[index] = digest
    assert digests == block_digests(tensor)
    assert combine_blocks(tensor.dtype, tensor.shape, digests) == fingerprint(tensor)


@settings(max_examples=100, deadline=None)
@given(st.lists(tensors(most=4), max_size=6))
def test_a_pass_over_many_says_of_each_what_is_said_of_it_alone(held: list[tuple[torch.Tensor, torch.Tensor]]) -> None:
    named = {f"{math.prod(view.shape)} {k}": view for k, (_, view) in enumerate(held)}
    assert quick_fingerprints(named) == {name: quick_fingerprint(view) for name, view in named.items()}
