"""Statistics of a tensor: exact in every dtype and layout, whatever is in it, and without a copy of it."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from introspection import InvalidArgument, UnsupportedStorage, distribution, radix, tally
from introspection.distribution import distribution_of
from introspection.radix import RadixDistribution
from introspection.statistics import tensor_statistics
from introspection.tally import Tally
from introspection.values import values_of

torch.set_num_threads(1)


@pytest.fixture(params=["sorted", "counted", "counted in small chunks"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Each way of finding the order of many different values, by sorting few of them or by their leading bits."""
    if request.param != "sorted":
        monkeypatch.setattr(distribution, "SMALL", -1)
    if request.param == "counted in small chunks":
        for module in (radix, tally):
            monkeypatch.setattr(module, "CHUNK_ELEMENTS", 64)
        monkeypatch.setattr(radix, "GATHERED", 100)
    return request.param


DTYPES = [
    *(torch.float32, torch.bfloat16, torch.float16, torch.float64, torch.float8_e4m3fn, torch.float8_e5m2),
    *(torch.int8, torch.uint8, torch.int16, torch.int32, torch.int64),
]


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_every_number_is_numpys_in_float64(dtype: torch.dtype, way: str) -> None:
    torch.manual_seed(1)
    tensor = torch.randn(30, 40) * 20
    tensor = (tensor.abs() if dtype is torch.uint8 else tensor).to(dtype)
    tensor[3] = 0
    # Not contiguous: rows and columns exchanged, every second one.
    tensor = tensor.t()[:, ::2]
    exact = tensor.to(torch.float64).numpy()
    found = tensor_statistics(tensor, bins=7)
    assert found["num_elements"] == found["finite_count"] == 600
    assert found["scope"] == "whole"
    assert found["mean"] == pytest.approx(exact.mean(), rel=1e-12)
    assert found["std"] == pytest.approx(exact.std(ddof=1), rel=1e-12)
    assert (found["min"], found["max"]) == (exact.min(), exact.max())
    assert found["median"] == np.median(exact)
    assert found["abs_mean"] == pytest.approx(np.abs(exact).mean(), rel=1e-12)
    assert found["l1_norm"] == pytest.approx(np.abs(exact).sum(), rel=1e-12)
    assert found["l2_norm"] == found["frobenius_norm"] == pytest.approx(np.linalg.norm(exact), rel=1e-12)
    assert found["zero_share"] == (exact == 0).mean()
    expected = {str(q): pytest.approx(np.percentile(exact, q), rel=1e-12) for q in (5, 25, 50, 75, 95)}
    assert found["percentiles"] == expected
    counts, edges = np.histogram(exact, bins=7)
    assert found["histogram"] == {"counts": counts.tolist(), "bin_edges": edges.tolist()}


def test_values_that_are_not_finite_are_counted_and_left_out(way: str) -> None:
    tensor = torch.tensor([math.nan, 1.0, -math.inf, 3.0, math.inf, 2.0, -math.inf, 0.0, -0.0, -math.nan])
    found = tensor_statistics(tensor)
    assert (found["nan_count"], found["inf_count"], found["finite_count"]) == (2, 3, 5)
    assert (found["mean"], found["min"], found["max"], found["median"]) == (1.2, 0.0, 3.0, 1.0)
    assert found["zero_share"] == 0.2


def test_a_tensor_without_finite_values_has_no_mean_and_raises_nothing(way: str) -> None:
    for tensor in (torch.full((3,), math.nan), torch.empty(0, 4), torch.empty(0, dtype=torch.bfloat16)):
        found = tensor_statistics(tensor)
        assert found["mean"] is found["std"] is found["min"] is found["l2_norm"] is None
        assert found["percentiles"]["50"] is None
        assert found["histogram"] == {"counts": [], "bin_edges": []}


def test_a_single_value_and_a_constant_have_no_spread(way: str) -> None:
    # 0.1 is no binary fraction: sums of it round.
    same = [torch.full((1001,), 0.1, dtype=dtype) for dtype in (torch.float32, torch.float64, torch.bfloat16)]
    for tensor in (torch.tensor(2.5), *same):
        found = tensor_statistics(tensor)
        assert (found["mean"], found["std"], found["median"]) == (float(tensor.max()), 0.0, float(tensor.max()))
        assert sum(found["histogram"]["counts"]) == tensor.numel()


def test_a_small_spread_far_from_zero_does_not_cancel(way: str) -> None:
    # The root of the mean square less the squared mean is a complex number here.
    tensor = 1e8 + torch.randn(1000, dtype=torch.float64)
    assert tensor_statistics(tensor)["std"] == pytest.approx(tensor.std().item(), rel=1e-9)


def test_huge_and_tiny_values_do_not_overflow_or_vanish(way: str) -> None:
    found = tensor_statistics(torch.tensor([-1e300, 1e300, 5e-324], dtype=torch.float64))
    assert found["l2_norm"] == pytest.approx(math.sqrt(2) * 1e300)
    assert sum(found["histogram"]["counts"]) == 3
    tiny = tensor_statistics(torch.tensor([3e-200, 4e-200], dtype=torch.float64))
    assert tiny["l2_norm"] == pytest.approx(5e-200)
    edge = torch.finfo(torch.float64).max
    found = tensor_statistics(torch.tensor([-edge, edge], dtype=torch.float64))
    assert found["l1_norm"] is None
    json.dumps(found, allow_nan=False)


def test_bfloat16_is_not_summed_in_bfloat16() -> None:
    tensor = torch.ones(100_000, dtype=torch.bfloat16)
    tensor[0] = 3
    found = tensor_statistics(tensor)
    assert found["mean"] == 1.00002
    assert found["l1_norm"] == 100_002


def test_complex_values_are_described_by_their_magnitude(way: str) -> None:
    found = tensor_statistics(torch.tensor([3 + 4j, -1j, 0]))
    assert found["values"] == "magnitude"
    assert (found["max"], found["min"], found["mean"]) == (5.0, 0.0, 2.0)
    assert tensor_statistics(torch.tensor([3 + 4j]).conj().imag)["mean"] == -4.0


def test_a_histogram_has_at_least_one_bin_and_no_absurd_number() -> None:
    for bins in (0, -1, 10**9):
        with pytest.raises(InvalidArgument, match=f"bins cannot be {bins}"):
            tensor_statistics(torch.randn(3), bins=bins)


def test_near_zero_is_a_magnitude_of_ones_own_choice(way: str) -> None:
    tensor = torch.tensor([0.0, 1e-7, -1e-3, 1.0])
    assert tensor_statistics(tensor)["near_zero_share"] == 0.5
    assert tensor_statistics(tensor, near_zero=0.01)["near_zero_share"] == 0.75
    assert tensor_statistics(tensor, near_zero=0)["near_zero_share"] == 0.0
    # Smaller than, not equal to.
    assert tensor_statistics(torch.tensor([-0.5, 0.5, 0.25]), near_zero=0.5)["near_zero_share"] == 1 / 3
    assert tensor_statistics(tensor)["zero_share"] == 0.25
    with pytest.raises(InvalidArgument, match="near_zero"):
        tensor_statistics(tensor, near_zero=math.nan)


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.float64])
def test_the_two_zeros_are_one_number(dtype: torch.dtype, way: str) -> None:
    tiny = torch.finfo(dtype).tiny
    found = tensor_statistics(torch.tensor([-0.0, 0.0, -0.0, tiny, -tiny, 1.0], dtype=dtype), near_zero=0.5, bins=2)
    assert found["zero_share"] == 0.5
    assert found["near_zero_share"] == 5 / 6
    assert math.copysign(1, found["median"]) == 1
    assert tensor_statistics(torch.tensor([-0.0, 1.0], dtype=dtype), bins=2)["histogram"]["counts"] == [1, 1]


def test_booleans_are_zeros_and_ones() -> None:
    found = tensor_statistics(torch.tensor([True, False, True, True]))
    assert (found["mean"], found["zero_share"]) == (0.75, 0.25)


def test_a_tensor_without_dimensions_is_one_value() -> None:
    assert tensor_statistics(torch.tensor(-2.0))["abs_mean"] == 2.0


def test_an_expanded_tensor_counts_every_element_and_reads_each_byte_once(way: str) -> None:
    row = torch.tensor([1.0, 2.0, 6.0])
    found = tensor_statistics(row.expand(10**9, 3))
    assert found["num_elements"] == 3 * 10**9
    assert (found["mean"], found["median"], found["percentiles"]["75"]) == (3.0, 2.0, 6.0)
    assert found["histogram"]["counts"] == [10**9, *[0] * 3, 10**9, *[0] * 14, 10**9]


@pytest.mark.parametrize("layout", [torch.sparse_coo, torch.sparse_csr, torch.sparse_csc, torch.sparse_bsr])
@pytest.mark.filterwarnings("ignore:Sparse")
def test_a_sparse_tensor_is_its_dense_self(layout: torch.layout, way: str) -> None:
    dense = torch.zeros(6, 8)
    dense[1, 2], dense[4, 4:] = -3.0, torch.tensor([1.0, 2.0, 3.0, 4.0])
    sparse = dense.to_sparse(layout=layout, blocksize=(2, 2) if layout is torch.sparse_bsr else None)
    found, expected = tensor_statistics(sparse), tensor_statistics(dense)
    assert found["percentiles"] == expected["percentiles"]
    assert found["histogram"] == expected["histogram"]
    for key in found.keys() - {"percentiles", "histogram"}:
        assert found[key] == (
            pytest.approx(expected[key], rel=1e-14) if isinstance(found[key], float) else expected[key]
        )


def test_duplicates_of_a_sparse_tensor_are_summed() -> None:
    sparse = torch.sparse_coo_tensor([[0, 0, 1]], [1.0, 2.0, 5.0], (4,), check_invariants=True)
    found = tensor_statistics(sparse)
    assert (found["max"], found["l1_norm"], found["zero_share"]) == (5.0, 8.0, 0.5)
    assert not sparse.is_coalesced()


@pytest.mark.filterwarnings("ignore")
def test_a_quantised_tensor_is_the_numbers_it_stands_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(radix, "CHUNK_ELEMENTS", 7)
    monkeypatch.setattr(tally, "CHUNK_ELEMENTS", 7)
    weight = torch.randn(6, 5)
    per_tensor = torch.quantize_per_tensor(weight, 0.1, 3, torch.qint8)
    per_channel = torch.quantize_per_channel(
        weight, torch.rand(5) + 0.1, torch.zeros(5, dtype=torch.int64), 1, torch.qint8
    )
    for quantised in (per_tensor, per_channel):
        assert tensor_statistics(quantised) == tensor_statistics(quantised.dequantize())


@pytest.mark.parametrize("layout", [torch.strided, torch.jagged])
@pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors")
def test_a_nested_tensor_is_the_values_of_all_its_components(layout: torch.layout) -> None:
    parts = [torch.randn(2, 3), torch.randn(5, 3)]
    nested = torch.nested.nested_tensor(parts, layout=layout)
    assert tensor_statistics(nested) == tensor_statistics(torch.cat([part.flatten() for part in parts]))


@pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors")
def test_what_lies_between_the_components_of_a_nested_tensor_is_not_of_it() -> None:
    held = torch.arange(12.0).view(2, 6)
    nested = torch.nested.narrow(held, 1, torch.tensor([0, 1]), torch.tensor([2, 3]), layout=torch.jagged)
    found = tensor_statistics(nested)
    assert (found["num_elements"], found["l1_norm"]) == (5, 0 + 1 + 7 + 8 + 9)


def test_tensors_without_values_say_why() -> None:
    freed = torch.randn(4)
    freed.untyped_storage().resize_(0)
    shrunk = torch.randn(4)
    shrunk.untyped_storage().resize_(8)
    with torch._subclasses.FakeTensorMode():
        fake = torch.randn(3)
    lazy = torch.nn.LazyLinear(3).weight
    for tensor, why in (
        (torch.empty(3, device="meta"), "meta"),
        (torch.sparse_coo_tensor(size=(3,), device="meta", check_invariants=True), "meta"),
        (fake, "meta"),
        (lazy, "not initialised"),
        (freed, "freed"),
        (shrunk, "freed"),
        (torch.empty(4, dtype=torch.bits8), "bits8"),
        (torch.randn(2, 2).to_mkldnn(), "mkldnn"),
    ):
        with pytest.raises(UnsupportedStorage, match=why):
            tensor_statistics(tensor, name="w")


def test_a_wrapper_of_tensors_is_refused_and_its_parts_named() -> None:
    class Doubled(torch.Tensor):
        """Stands for twice the numbers it holds."""

        held: torch.Tensor

        @staticmethod
        def __new__(cls, held: torch.Tensor) -> Doubled:
            made = torch.Tensor._make_wrapper_subclass(cls, held.shape, dtype=held.dtype)
            made.held = held
            return made

        def __tensor_flatten__(self) -> tuple[list[str], None]:
            return ["held"], None

        @classmethod
        def __torch_dispatch__(cls, func, types, args=(), kwargs=None):
            raise AssertionError("looking at a tensor runs none of its operations")

    with pytest.raises(UnsupportedStorage, match=r"Doubled(.|\n)*\.held"):
        tensor_statistics(Doubled(torch.ones(3)))


def test_a_subclass_that_overrides_operations_is_read_past_them() -> None:
    class Loud(torch.Tensor):
        @classmethod
        def __torch_function__(cls, func, types, args=(), kwargs=None):
            raise AssertionError("looking at a tensor runs none of its operations")

    assert tensor_statistics(torch.ones(3).as_subclass(Loud))["mean"] == 1.0


def test_looking_changes_nothing() -> None:
    weight = torch.randn(100_000, requires_grad=True)
    lazy_clone = torch._lazy_clone(weight.detach())
    before, version = weight.detach().clone(), weight._version
    for tensor in (weight, lazy_clone, lazy_clone.view(torch.bfloat16)):
        tensor_statistics(tensor)
    assert torch.equal(weight.detach(), before)
    assert weight._version == version
    # A lazy clone takes memory of its own when it is written, or touched carelessly.
    assert torch._C._is_cow_tensor(lazy_clone)


def test_what_is_read_can_still_be_resized() -> None:
    # A storage that numpy has been given cannot: FSDP frees weights by resizing them.
    for dtype in (torch.float32, torch.bfloat16, torch.float64):
        weight = torch.randn(70_000).to(dtype)
        tensor_statistics(weight)
        weight.untyped_storage().resize_(0)


def test_the_surroundings_of_the_caller_do_not_matter() -> None:
    weight = torch.randn(70_000)
    expected = tensor_statistics(weight), tensor_statistics(weight.bfloat16())
    with torch.device("meta"), torch.autocast("cpu", torch.bfloat16), torch.inference_mode():
        tally._values_of_patterns.cache_clear()
        assert tensor_statistics(weight) == expected[0]
    with torch.device("meta"):
        tally._values_of_patterns.cache_clear()
        assert tensor_statistics(weight.bfloat16()) == expected[1]


def test_the_way_of_counting_follows_dtype_and_size() -> None:
    many = torch.zeros(distribution.SMALL + 1)
    assert isinstance(distribution_of(values_of(many)), RadixDistribution)
    assert isinstance(distribution_of(values_of(many[:-1])), Tally)
    assert isinstance(distribution_of(values_of(many.bfloat16())), Tally)


class LargestMade(TorchDispatchMode):
    """Notes the size of the largest tensor that an operation makes with memory of its own."""

    def __init__(self, model: torch.Tensor) -> None:
        super().__init__()
        self.known = model.untyped_storage().data_ptr()
        self.nbytes = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        made = func(*args, **(kwargs or {}))
        for each in torch.utils._pytree.tree_leaves(made):
            if isinstance(each, torch.Tensor) and each.untyped_storage().data_ptr() != self.known:
                self.nbytes = max(self.nbytes, each.untyped_storage().nbytes())
        return made


@pytest.mark.parametrize("form", ["contiguous", "transposed", "every second"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float64, torch.complex64, torch.int8], ids=str)
def test_no_copy_of_a_large_tensor_is_made(dtype: torch.dtype, form: str) -> None:
    weight = torch.zeros(4096, 32 * 2**20 // 4096 // dtype.itemsize, dtype=dtype)
    # Values that differ, of which few are looked at closer; and some that are all alike, of which all are.
    weight[:1024] = torch.randn(1024, weight.shape[1]) * 50
    shown = {"contiguous": weight, "transposed": weight.t(), "every second": weight[:, ::2]}[form]
    with LargestMade(weight) as made:
        tensor_statistics(shown)
    assert 0 < made.nbytes <= 8 * 2**20
