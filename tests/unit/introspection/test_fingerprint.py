"""Fingerprints: equal for equal bits, dtype and shape, and for nothing else."""

from __future__ import annotations

import pytest
import torch

from introspection import InvalidArgument, UnsupportedStorage
from introspection.fingerprint import BLOCK_BYTES, block_digests, combine_blocks, fingerprint

torch.set_num_threads(1)


def test_the_fingerprint_is_of_values_and_not_of_strides() -> None:
    weight = torch.randn(300, 7)
    turned = weight.t().contiguous().t()
    assert turned.stride() != weight.stride()
    assert fingerprint(turned) == fingerprint(weight) == fingerprint(weight.clone())
    assert len(fingerprint(weight)) == 64


def test_dtype_and_shape_are_part_of_the_identity() -> None:
    weight = torch.zeros(4, 6)
    same_bytes = [
        weight,
        weight.view(6, 4),
        weight.view(24),
        weight.view(torch.int32),
        torch.zeros(48, dtype=torch.int16),
    ]
    assert len({fingerprint(tensor) for tensor in same_bytes}) == 5
    assert fingerprint(torch.empty(0, 3)) != fingerprint(torch.empty(3, 0))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (torch.tensor([0.0]), torch.tensor([-0.0])),
        (torch.tensor([0x7FC00000], dtype=torch.int32), torch.tensor([0x7FC00001], dtype=torch.int32)),
        (torch.tensor([1.0, 2.0]), torch.tensor([2.0, 1.0])),
        (torch.tensor([1.0]), torch.nextafter(torch.tensor([1.0]), torch.tensor([2.0]))),
        (torch.tensor([True]), torch.tensor([False])),
    ],
)
def test_values_that_differ_in_one_bit_or_place_differ(one: torch.Tensor, other: torch.Tensor) -> None:
    assert fingerprint(one) != fingerprint(other)
    if one.dtype is torch.int32:
        assert fingerprint(one.view(torch.float32)) != fingerprint(other.view(torch.float32))


@pytest.mark.parametrize(
    "dtype",
    [torch.bfloat16, torch.float16, torch.complex64, torch.bool, torch.int64, torch.float8_e4m3fn, torch.float8_e5m2],
)
def test_every_dtype_has_a_fingerprint_that_follows_its_bits(dtype: torch.dtype) -> None:
    raw = torch.arange(64, dtype=torch.uint8) % 2
    tensor = raw.view(dtype)
    before = fingerprint(tensor)
    assert fingerprint(tensor.clone()) == before
    raw[-dtype.itemsize] ^= 1
    assert fingerprint(tensor) != before


@pytest.mark.parametrize("dtype", [torch.uint4, torch.uint1, torch.bits8, torch.bits16, torch.float8_e8m0fnu])
def test_what_torch_cannot_compute_with_can_be_looked_at_in_any_layout(dtype: torch.dtype) -> None:
    raw = torch.arange(48, dtype=torch.uint8).view(6, 8)
    turned = raw.view(dtype).t()
    straight = raw.view(-1, 8 // dtype.itemsize, dtype.itemsize).transpose(0, 1).contiguous()
    assert fingerprint(turned) == fingerprint(straight.view(dtype).view(turned.shape))


def test_conjugate_and_negative_views_are_their_values() -> None:
    z = torch.randn(5, dtype=torch.complex64)
    assert fingerprint(z.conj()) == fingerprint(z.conj().resolve_conj()) != fingerprint(z)
    assert fingerprint(z.conj().imag) == fingerprint(z.conj().imag.resolve_neg())


def test_a_large_tensor_is_hashed_the_same_whatever_its_layout() -> None:
    # Rows that end inside blocks, more than one chunk of them, and a last block that is short.
    weight = torch.randint(0, 255, (1500, 4099), dtype=torch.uint8)
    turned = weight.t().contiguous().t()
    padded = torch.zeros(1500, 5000, dtype=torch.uint8)[:, 7 : 7 + 4099].copy_(weight)
    assert fingerprint(weight) == fingerprint(turned) == fingerprint(padded)
    assert len(block_digests(weight)) == -(-weight.numel() // BLOCK_BYTES)


def test_a_write_changes_the_digests_of_its_block_alone() -> None:
    weight = torch.zeros(3 * BLOCK_BYTES // 4)
    before = block_digests(weight)
    weight[BLOCK_BYTES // 4] = 1
    after = block_digests(weight)
    assert [one == other for one, other in zip(before, after, strict=True)] == [True, False, True]
    assert combine_blocks(weight.dtype, weight.shape, after) == fingerprint(weight)


def test_only_the_blocks_asked_for_are_hashed_again() -> None:
    weight = torch.randn(3, BLOCK_BYTES // 3 + 5)
    digests = block_digests(weight)
    weight[2, 0] += 1.0
    weight[2, -1] += 1.0
    # 4 blocks and 60 bytes: the last row begins in the third.
    assert len(digests) == 5
    digests[2], digests[4] = block_digests(weight, blocks=[2, 4])
    assert combine_blocks(weight.dtype, weight.shape, digests) == fingerprint(weight)
    assert block_digests(weight, blocks=[4, 0]) == [digests[4], digests[0]]
    assert block_digests(weight, blocks=[]) == []
    with pytest.raises(InvalidArgument, match="blocks cannot be 5"):
        block_digests(weight, blocks=[0, 5])


def test_threads_change_no_digest() -> None:
    weight = torch.randn(5_000_003)
    alone = fingerprint(weight), fingerprint(weight[::3])
    torch.set_num_threads(3)
    try:
        assert (fingerprint(weight), fingerprint(weight[::3])) == alone
    finally:
        torch.set_num_threads(1)


def test_fingerprints_never_change_between_versions() -> None:
    # They are in logs: another value here means that no recorded history can be verified any more.
    counted = torch.arange(3_000_001, dtype=torch.int32)
    eighths = torch.tensor([0x38, 0xC0, 0x7F], dtype=torch.uint8).view(torch.float8_e4m3fn)
    known = {
        "eb1a581d709bd8a2967c9a53ca21bb8f6b9f295d3bec9a5556bb257908079a0d": torch.arange(6.0).view(2, 3),
        "405316bf76a5e9f405fd15356475c563d3eeceb8076edb4d24993371b6609832": torch.tensor(1.5, dtype=torch.bfloat16),
        "723aef317a04bfa0eea0925d68259d5bc67b374a196e86616b0b0f2655e4ea50": torch.empty(0, 3),
        "118cdc8f7b68a55429e23bb9edbf932550fd0bb55c46e2d42b34233a1f072ff4": counted,
        "92390f2fe8388678dc86df7b11b3a27c1646c980f3171905f23d826192105ef7": counted[1:].view(1000, 3000).t(),
        "cca2292079a87a97bcb88b40d007e2b25f36fe03223b449b4fc0b797937d6a15": torch.tensor([1 + 2j, -0.0 - 1j]).conj(),
        "d9fad30716b341571127783b7bf2ea9b21390fe5124be081f7c34ddfe60b6100": eighths,
        "01e560b91e4229e1216d4bc1f42b74dc7af0eda5dcf8aa70093758fa1db46f46": torch.tensor([True, False]),
    }
    assert {digest: fingerprint(tensor) for digest, tensor in known.items()} == {digest: digest for digest in known}


def test_a_lazy_clone_is_hashed_without_being_copied() -> None:
    weight = torch.randn(100)
    clone = torch._lazy_clone(weight)
    assert fingerprint(clone) == fingerprint(torch.tensor(weight.tolist()))
    assert torch._C._is_cow_tensor(clone)


def test_what_has_no_values_has_no_fingerprint() -> None:
    with pytest.raises(UnsupportedStorage, match=r"'head\.weight'.*meta"):
        fingerprint(torch.empty(3, device="meta"), "head.weight")
    freed = torch.randn(3)
    freed.untyped_storage().resize_(0)
    with pytest.raises(UnsupportedStorage, match="freed"):
        fingerprint(freed)
    shrunk = torch.randn(8)
    shrunk.untyped_storage().resize_(16)
    with pytest.raises(UnsupportedStorage, match="freed"):
        fingerprint(shrunk)
    with pytest.raises(UnsupportedStorage, match="not initialised"):
        fingerprint(torch.nn.LazyLinear(3).weight)


def test_looking_leaves_memory_that_can_still_be_freed() -> None:
    tensor = torch.arange(8.0)
    fingerprint(tensor)
    tensor.untyped_storage().resize_(0)
    assert tensor.untyped_storage().nbytes() == 0
