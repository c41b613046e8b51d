"""Quick fingerprints: every write is seen, in whatever tensor, and nothing but a write is."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from introspection import UnsupportedStorage
from introspection.quick_fingerprint import BLOCK_BYTES, device_fingerprint, quick_fingerprint, quick_fingerprints
from introspection.raw_bytes import blocks_of, over_blocks

torch.set_num_threads(1)

Fingerprint = Callable[[torch.Tensor], str]


@pytest.fixture(params=[quick_fingerprint, device_fingerprint], ids=["host", "device"])
def look(request: pytest.FixtureRequest) -> Fingerprint:
    """Both algorithms: the one for host memory, and the one of accelerators, here computed on the CPU."""
    return request.param


@pytest.fixture
def two_threads() -> Iterator[None]:
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(1)


def test_equal_bits_are_equal_whatever_the_strides_the_offset_and_the_memory(look: Fingerprint) -> None:
    weight = torch.randn(300, 70)
    turned = weight.t().contiguous().t()
    shifted = torch.zeros(21_001)[1:].view(300, 70).copy_(weight)
    columns = torch.zeros(300, 90)[:, 11:81].copy_(weight)
    assert look(weight) == look(turned) == look(shifted) == look(columns) == look(torch.nn.Parameter(weight))


def test_dtype_and_shape_count(look: Fingerprint) -> None:
    zeros = torch.zeros(4, 6)
    same_bytes = [zeros, zeros.view(6, 4), zeros.view(24), zeros.view(torch.int32), torch.zeros(48, dtype=torch.int16)]
    empty = [torch.empty(0, 3), torch.empty(3, 0), torch.empty(0, 3, dtype=torch.int32)]
    assert len({look(tensor) for tensor in same_bytes + empty}) == 8


def test_the_smallest_writes_are_seen(look: Fingerprint) -> None:
    weight = torch.randn(64, 64)
    weight[3, 3] = 0.0
    weight[4, 4] = float("nan")
    before, seen = look(weight), set()
    for row, column, bits in [(3, 3, 1 << 31), (4, 4, 1), (0, 0, 1), (63, 63, 1), (9, 9, 1 << 31), (9, 9, 1 << 23)]:
        changed = weight.clone()
        changed.view(torch.int32)[row, column] ^= torch.tensor(bits).to(torch.int32)
        seen.add(look(changed))
    assert len(seen - {before}) == 6


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float32, torch.float64, torch.int64])
def test_any_two_flipped_signs_are_seen(look: Fingerprint, dtype: torch.dtype) -> None:
    # In a sum of 64-bit words with odd weights two flipped top bits are 2^63 + 2^63 = 0: nothing.
    weight = torch.arange(1, 41).to(dtype)
    before = look(weight)
    found = set()
    for other in range(1, 40):
        changed = weight.clone()
        changed[0] *= -1
        changed[other] *= -1
        found.add(look(changed))
    assert len(found) == 39
    assert before not in found


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32, torch.float64])
def test_changes_of_everything_at_once_are_seen(look: Fingerprint, dtype: torch.dtype) -> None:
    weight = torch.randn(256, 128).to(dtype)
    other = torch.randn(256, 128).to(dtype)
    changed = {
        "all signs": -weight,
        "one row's signs": torch.cat([-weight[:1], weight[1:]]),
        "doubled": weight * 2,
        "rolled by one": weight.view(-1).roll(1).view(256, 128),
        "rolled by a row": weight.roll(1, 0),
        "rows reversed": weight.flip(0),
        "elements reversed": weight.flip(0, 1),
        "two rows swapped": weight[[1, 0, *range(2, 256)]],
        "two columns swapped": weight[:, [1, 0, *range(2, 128)]],
        "two elements swapped": torch.cat([weight.view(-1)[[1, 0]], weight.view(-1)[2:]]).view(256, 128),
        "halves exchanged": torch.cat([weight[128:], weight[:128]]),
        "added and taken away again elsewhere": (weight.view(-1, 2) + torch.tensor([0.5, -0.5]).to(dtype)).view(
            256, 128
        ),
        "other values": other,
        "zeros": torch.zeros_like(weight),
        "negative zeros": -torch.zeros_like(weight),
    }
    found = {what: look(tensor) for what, tensor in changed.items()} | {"as it was": look(weight)}
    assert len(set(found.values())) == len(changed) + 1


def test_swapped_blocks_are_seen(look: Fingerprint) -> None:
    weight = torch.randint(0, 1 << 62, (BLOCK_BYTES // 4,))
    before = look(weight)
    # Lines, pages, the rows and chunks of one algorithm, the blocks of the other; in words of 8 bytes.
    for size in (8, 512, 1 << 13, 1 << 17, BLOCK_BYTES // 8):
        assert look(torch.cat([weight[size : 2 * size], weight[:size], weight[2 * size :]])) != before
    assert look(weight.roll(1)) != before


def test_a_tensor_of_many_blocks_is_read_to_its_last_byte(look: Fingerprint) -> None:
    # Rows that end inside blocks, more than one block of them, and a length that no word divides.
    weight = torch.randint(0, 255, (4211, 4099), dtype=torch.uint8)
    before = look(weight)
    assert look(weight.t().contiguous().t()) == before
    for index in (0, 65_535, 65_536, BLOCK_BYTES - 1, BLOCK_BYTES, weight.numel() - 1):
        weight.view(-1)[index] ^= 0x80
        assert look(weight) != before, index
        weight.view(-1)[index] ^= 0x80
    assert look(weight) == before


def test_expanded_and_one_element_tensors_are_their_values(look: Fingerprint) -> None:
    assert look(torch.ones(1).expand(300_000)) == look(torch.ones(300_000))
    assert look(torch.tensor(2.5)) == look(torch.full((3,), 2.5)[1]) != look(torch.tensor([2.5]))


def test_conjugate_and_negative_views_are_their_values(look: Fingerprint) -> None:
    for dtype in (torch.complex64, torch.complex128):
        z = torch.randn(5, 3, dtype=dtype)
        assert look(z.conj()) == look(z.conj().resolve_conj()) != look(z)
        assert look(z.t().conj()) == look(z.t().conj().resolve_conj().contiguous())
        assert look(z.conj().imag) == look(z.conj().imag.resolve_neg())


def test_a_lazy_clone_stays_one(look: Fingerprint) -> None:
    weight = torch.randn(100, requires_grad=True)
    clone = torch._lazy_clone(weight)
    assert look(clone) == look(torch.tensor(weight.tolist()))
    assert torch._C._is_cow_tensor(clone)


def test_looking_leaves_memory_that_can_still_be_freed_and_no_graph(look: Fingerprint) -> None:
    weight = torch.arange(8.0, requires_grad=True)
    version = weight._version
    look(weight)
    assert (weight.grad_fn, weight._version) == (None, version)
    weight.untyped_storage().resize_(0)
    assert weight.untyped_storage().nbytes() == 0


def test_a_pass_over_many_gives_each_its_own(two_threads: None) -> None:
    # Enough bytes for two threads; a tensor of several blocks, some of one, and one of none.
    tensors = {f"layer.{k}": torch.randn(size) for k, size in enumerate([5_000_001, 7, 0, 1_500_000, 64])}
    tensors["turned"] = torch.randn(1200, 1000).t()
    found = quick_fingerprints(tensors)
    torch.set_num_threads(1)
    assert found == {name: quick_fingerprint(tensor) for name, tensor in tensors.items()}
    assert list(found) == list(tensors)


def test_one_byte_among_gigabytes_worth_of_threads_is_seen(two_threads: None) -> None:
    tensors = {f"layer.{k}": torch.zeros(2_500_000) for k in range(4)}
    before = quick_fingerprints(tensors)
    tensors["layer.2"][2_345_678] = -0.0
    after = quick_fingerprints(tensors)
    assert [name for name in tensors if after[name] != before[name]] == ["layer.2"]


def test_an_error_on_another_thread_is_raised_where_it_was_asked(two_threads: None) -> None:
    asked, reached = threading.current_thread(), threading.Event()

    def refuse(block: memoryview) -> bytes:
        if threading.current_thread() is asked:
            assert reached.wait(60)
            return bytes(block[:1])
        reached.set()
        raise ValueError(len(block))

    with pytest.raises(ValueError, match=str(1 << 20)):
        over_blocks(blocks_of(torch.zeros(4 << 20), 1 << 20), refuse)


def test_what_is_tied_has_one_fingerprint_and_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    weight = torch.nn.Parameter(torch.randn(200, 100))
    tied = torch.nn.Parameter(weight.data)
    tensors = {"embed": weight, "head": tied, "turned": weight.t(), "other": weight.detach().clone()}
    read = []
    monkeypatch.setattr(
        "introspection.quick_fingerprint.over_blocks",
        lambda blocks, use: read.append(len(blocks)) or over_blocks(blocks, use),
    )
    found = quick_fingerprints(tensors)
    assert read == [3]
    assert found["embed"] == found["head"] == found["other"] != found["turned"]


def test_what_has_no_bytes_has_none_among_many_and_is_refused_alone() -> None:
    freed, shrunk = torch.randn(3), torch.randn(8)
    freed.untyped_storage().resize_(0)
    shrunk.untyped_storage().resize_(16)
    with torch._subclasses.FakeTensorMode():
        fake = torch.empty(3)
    tensors = {
        "meta": torch.empty(3, device="meta"),
        "fake": fake,
        "lazy": torch.nn.LazyLinear(3).weight,
        "freed": freed,
        "shrunk": shrunk,
    }
    for name, tensor in tensors.items():
        for look in (quick_fingerprint, device_fingerprint):
            with pytest.raises(UnsupportedStorage, match=f"'{name}'"):
                look(tensor, name)
    assert quick_fingerprints(tensors) == dict.fromkeys(tensors)


def test_the_algorithm_is_told_and_the_two_are_never_mixed_up() -> None:
    weight = torch.randn(10)
    assert quick_fingerprint(weight).startswith("xxh3:")
    assert device_fingerprint(weight).startswith("multilinear:")
    assert len(quick_fingerprint(weight).partition(":")[2]) == len(device_fingerprint(weight).partition(":")[2]) == 32


def test_looking_while_operations_are_watched_or_faked_is_not_seen_and_not_fooled(look: Fingerprint) -> None:
    class Refuse(TorchDispatchMode):
        def __torch_dispatch__(self, func, types, args=(), kwargs=None):
            raise RuntimeError(f"{func} was called")

    weight = torch.nn.Parameter(torch.randn(10, 7))
    before = look(weight), look(weight.t())
    for mode in (Refuse(), torch._subclasses.FakeTensorMode(), torch.device("meta")):
        turned = weight.t()
        with mode:
            assert (look(weight), look(turned)) == before


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32, torch.complex128, torch.bool, torch.float8_e4m3fn])
def test_a_cuda_tensor_is_read_where_it_lies_as_its_copy_on_the_host_would_be(dtype: torch.dtype) -> None:
    weight = torch.randint(0, 2, (3, 1024, 1031 * dtype.itemsize), dtype=torch.uint8).view(dtype)
    on_device = weight.cuda()
    assert quick_fingerprint(on_device) == device_fingerprint(weight)
    assert quick_fingerprint(on_device.transpose(0, 1)) == device_fingerprint(weight.transpose(0, 1))
    assert quick_fingerprints({"host": weight, "device": on_device}) == {
        "host": quick_fingerprint(weight),
        "device": device_fingerprint(weight),
    }
    on_device.view(torch.uint8)[2, 1023, -1] ^= 1
    assert quick_fingerprint(on_device) != device_fingerprint(weight)
