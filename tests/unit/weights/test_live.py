from __future__ import annotations

import numpy as np
import pytest
import torch

from introspection.errors import UnsupportedStorage
from memory.weights import measuring
from memory.weights.delta import changed_ranges
from memory.weights.live import LiveStorage, distinct_elements
from memory.weights.measuring import Measured, Sums, measure

torch.set_num_threads(1)

DTYPES = [
    torch.float64,
    torch.float32,
    torch.float16,
    torch.bfloat16,
    torch.float8_e4m3fn,
    torch.float8_e5m2,
    torch.float8_e4m3fnuz,
    torch.float8_e5m2fnuz,
    torch.int64,
    torch.int32,
    torch.int16,
    torch.int8,
    torch.uint8,
    torch.uint16,
    torch.uint32,
    torch.uint64,
    torch.bool,
    torch.complex64,
    torch.complex128,
]


def random_bits(dtype: torch.dtype, *shape: int, seed: int = 0) -> torch.Tensor:
    """A tensor of random bytes: every NaN payload, both zeros, infinities and denormals come up."""
    size = torch.empty((), dtype=dtype).element_size()
    count = int(np.prod(shape)) * size
    if not count:
        return torch.empty(shape, dtype=dtype)
    drawn = np.random.default_rng(seed).integers(0, 256, count, dtype=np.uint8)
    return torch.from_numpy(drawn).view(dtype).reshape(shape)


def raw(tensor: torch.Tensor) -> bytes:
    if not tensor.numel():
        return b""
    return tensor.detach().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes()


class PreImage:
    """The bytes of a tensor as they were, held against those it has."""

    def __init__(self, tensor: torch.Tensor) -> None:
        self.live = LiveStorage(tensor)
        self.before = np.empty(self.live.nbytes, np.uint8)
        self.live.read(self.before)

    def measure(self) -> Measured:
        now = self.live.now(np.empty(self.live.nbytes, np.uint8))
        return measure(self.live, self.before, now, changed_ranges(self.before, now), Sums.unknown(self.live))[0]

    def put_back(self) -> None:
        self.live.write(self.before)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_put_back_restores_every_bit_of_every_type(dtype):
    live = random_bits(dtype, 7, 5)
    before = raw(live)
    kept = PreImage(live)
    live.copy_(random_bits(dtype, 7, 5, seed=1))
    assert raw(live) != before
    kept.put_back()
    assert raw(live) == before


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_every_type_can_be_measured(dtype):
    live = torch.zeros(4, 3, dtype=dtype)
    kept = PreImage(live)
    live[2, 1] = 1
    change = kept.measure()
    assert (change.elements_changed, change.elements, change.rows_changed, change.rows) == (1, 12, (2,), 4)
    assert change.delta_norm == change.max_change == 1.0


def shaped(shape: str) -> torch.Tensor:
    whole = torch.arange(24.0).reshape(4, 6)
    return {
        "transposed": lambda: whole.t(),
        "every other column": lambda: whole[:, ::2],
        "expanded": lambda: whole[:, :1].expand(4, 5),
        "expanded first": lambda: whole[:1].expand(3, 6),
        "one number": lambda: whole[1, 2],
        "empty": lambda: whole[:0],
        "empty rows": lambda: whole[:, :0],
        "one row": lambda: whole[:1],
        "permuted": lambda: torch.arange(24.0).reshape(2, 3, 4).permute(2, 0, 1),
    }[shape]()


SHAPES = [
    "transposed",
    "every other column",
    "expanded",
    "expanded first",
    "one number",
    "empty",
    "empty rows",
    "one row",
    "permuted",
]


@pytest.mark.parametrize("shape", SHAPES)
def test_put_back_restores_views_of_every_shape_and_nothing_beside_them(shape):
    live = shaped(shape)
    memory = torch.as_strided(live, (24,), (1,), 0)
    kept = PreImage(live)
    distinct_elements(live).fill_(float("nan"))
    beside = torch.arange(24.0)
    kept.put_back()
    assert torch.equal(memory, beside)


@pytest.mark.parametrize(("shape", "elements", "rows"), [("expanded", 4, 4), ("expanded first", 6, 1)])
def test_an_element_shown_many_times_counts_once(shape, elements, rows):
    live = shaped(shape)
    kept = PreImage(live)
    distinct_elements(live).add_(1)
    change = kept.measure()
    assert (change.elements, change.rows) == (elements, rows)
    assert (change.elements_changed, len(change.rows_changed)) == (elements, rows)


@pytest.mark.parametrize("shape", SHAPES)
def test_what_was_not_written_did_not_change(shape):
    kept = PreImage(shaped(shape))
    change = kept.measure()
    assert (change.elements_changed, change.rows_changed, change.delta_norm, change.max_change) == (0, (), 0.0, 0.0)
    assert change.ranges == ()


def test_a_lazy_conjugate_is_put_back_through_its_memory():
    memory = torch.complex(torch.arange(6.0), torch.ones(6))
    before = raw(memory)
    kept = PreImage(memory.conj())
    memory.mul_(2j)
    assert kept.measure().elements_changed == 6
    kept.put_back()
    assert raw(memory) == before


def test_a_change_of_sign_of_zero_and_of_a_nans_payload_is_a_change():
    live = torch.tensor([0.0, float("nan"), 1.0])
    kept = PreImage(live)
    live[0] = -0.0
    live.view(torch.int32)[1] += 1
    change = kept.measure()
    assert change.elements_changed == 2
    assert change.delta_norm != change.delta_norm
    assert change.nonfinite_after == 1
    kept.put_back()
    assert kept.measure().elements_changed == 0


def test_a_nan_that_stays_is_no_change():
    live = torch.tensor([float("nan"), 1.0])
    kept = PreImage(live)
    live[1] = 3.0
    change = kept.measure()
    assert (change.elements_changed, change.delta_norm, change.max_change) == (1, 2.0, 2.0)
    assert change.weight_norm != change.weight_norm


@pytest.mark.parametrize("layout", ["contiguous", "transposed"])
@pytest.mark.parametrize("chunk", [1, 3, 7, 64, 10_000])
def test_norms_and_counts_are_numpys_whatever_the_chunks(monkeypatch, chunk, layout):
    monkeypatch.setattr(measuring, "_CHUNK_BYTES", 16 * chunk)
    monkeypatch.setattr(measuring, "_PIECE", chunk)
    generator = torch.Generator().manual_seed(3)
    live = torch.randn(9, 7, generator=generator)
    live = live.t() if layout == "transposed" else live
    before = live.numpy().astype(np.float64).copy()
    kept = PreImage(live)
    live[[0, 3, 6], 1:3] *= 1.5
    live[5, 5] = float("inf")
    live[6, 6] = float("nan")
    after = live.numpy().astype(np.float64)
    change = kept.measure()
    assert change.elements_changed == int((after != before).sum())
    assert len(change.rows_changed) == int((after != before).any(axis=1).sum()) == 4
    assert change.nonfinite_after == 2
    live[5, 5], live[6, 6] = 1.0, 2.0
    after = live.numpy().astype(np.float64)
    change = kept.measure()
    assert change.delta_norm == pytest.approx(np.linalg.norm(after - before), rel=1e-12)
    assert change.weight_norm == pytest.approx(np.linalg.norm(before), rel=1e-12)
    assert change.max_change == pytest.approx(np.abs(after - before).max(), rel=1e-12)
    kept.put_back()
    assert np.array_equal(live.numpy(), before.astype(np.float32))


@pytest.mark.parametrize("chunk", [2, 3])
def test_complex_numbers_are_never_cut_in_two(monkeypatch, chunk):
    monkeypatch.setattr(measuring, "_CHUNK_BYTES", 16 * chunk)
    monkeypatch.setattr(measuring, "_PIECE", chunk)
    live = torch.zeros(5, dtype=torch.complex128)
    kept = PreImage(live)
    live[3] = 3 + 4j
    change = kept.measure()
    assert (change.elements_changed, change.rows_changed, change.delta_norm) == (1, (3,), 5.0)


def test_a_write_between_blocks_of_a_large_tensor_is_found_where_it_is():
    live = torch.zeros(3, 1 << 21)
    kept = PreImage(live)
    live[1, 0] = live[2, -1] = 1.0
    change = kept.measure()
    assert (change.elements_changed, change.rows_changed) == (2, (1, 2))


def test_exchanged_bytes_are_exchanged_back():
    live = shaped("transposed")
    held = LiveStorage(live)
    content = np.zeros(held.nbytes, np.uint8)
    before = raw(live)
    held.exchange(content)
    assert (raw(live), content.tobytes()) == (bytes(held.nbytes), before)
    held.exchange(content)
    assert (raw(live), content.tobytes()) == (before, bytes(held.nbytes))


def test_bytes_that_lie_in_order_are_not_copied_to_be_looked_at():
    live = torch.arange(6.0)
    view = LiveStorage(live).view()
    live[0] = 7.0
    assert view is not None
    assert view.tobytes() == raw(live)
    assert LiveStorage(shaped("transposed")).view() is None


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("shape", [(4, 3), (), (0, 3)])
def test_a_tensor_is_made_of_bytes_again(dtype, shape):
    live = random_bits(dtype, *shape)
    held = LiveStorage(live)
    content = np.empty(held.nbytes, np.uint8)
    held.read(content)
    again = held.tensor_of(content)
    assert (again.dtype, again.shape, raw(again)) == (live.dtype, live.shape, raw(live))


def test_what_is_remembered_of_other_blocks_is_not_read_again():
    live = torch.ones(3, 1 << 18)
    held = LiveStorage(live)
    before = np.empty(held.nbytes, np.uint8)
    held.read(before)
    view = held.view()
    _, sums = measure(held, before, view, [], Sums.unknown(held))
    assert sums.known.all()
    sums.squares[2] = 25.0
    live[0, 0] = 5.0
    measured, after = measure(held, before, view, changed_ranges(before, view), sums)
    assert measured.weight_norm**2 == pytest.approx(2 * (1 << 18) + 25.0)
    assert after.squares[0] == (1 << 18) + 24.0
    assert after.squares[2] == 25.0


def test_what_has_no_plain_bytes_is_refused():
    for tensor in (torch.empty(2, device="meta"), torch.eye(2).to_sparse()):
        with pytest.raises(UnsupportedStorage):
            LiveStorage(tensor)
