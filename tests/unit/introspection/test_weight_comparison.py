"""Comparing two weights: what is equal, how far apart the rest is, and whether they are two at all."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
import torch
from torch import nn

from introspection import UnknownName, UnsupportedStorage, WeightInspector, weight_comparison
from introspection.values import ordered_values

torch.set_num_threads(1)


@pytest.fixture(params=[1 << 18, 7])
def chunk(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(weight_comparison, "CHUNK_ELEMENTS", request.param)
    return request.param


@pytest.fixture
def model() -> nn.Module:
    """A head tied to an embedding, another that is its transpose, and two blocks of one shape."""
    torch.manual_seed(0)
    model = nn.Module()
    model.embed = nn.Embedding(10, 4)
    model.head = nn.Linear(4, 10, bias=False)
    model.head.weight = model.embed.weight
    model.back = nn.Linear(10, 4, bias=False)
    model.back.weight = nn.Parameter(model.embed.weight.detach().t())
    model.first, model.second = nn.Linear(4, 6), nn.Linear(4, 6)
    model.third = nn.Linear(4, 6, bias=False)
    return model


def test_differences_are_numpys_in_float64(model: nn.Module, chunk: int) -> None:
    found = WeightInspector(model).compare_weights("first.weight", "second.weight")
    one, other = (layer.weight.detach().double().numpy() for layer in (model.first, model.second))
    assert found["comparable"]
    assert found["same_storage"] is False
    assert found["shared_bytes"] == 0
    assert found["compared"] == found["num_elements"] == 24
    assert found["max_abs_difference"] == np.abs(one - other).max()
    assert found["mean_abs_difference"] == pytest.approx(np.abs(one - other).mean(), rel=1e-12)
    assert found["difference_norm"] == pytest.approx(np.linalg.norm(one - other), rel=1e-12)
    assert found["relative_difference"] == pytest.approx(np.linalg.norm(one - other) / np.linalg.norm(one), rel=1e-12)
    cosine = (one * other).sum() / np.linalg.norm(one) / np.linalg.norm(other)
    assert found["cosine"] == pytest.approx(cosine, rel=1e-10)
    assert found["correlation"] == pytest.approx(np.corrcoef(one.ravel(), other.ravel())[0, 1], rel=1e-10)
    assert found["first"]["norm"] == pytest.approx(np.linalg.norm(one), rel=1e-12)
    assert found["second"]["mean"] == pytest.approx(other.mean(), rel=1e-12)
    assert found["identical"] is False
    assert json.loads(json.dumps(found, allow_nan=False)) == found


def test_two_names_of_one_storage_are_said_to_be_the_same_bytes(model: nn.Module) -> None:
    inspector = WeightInspector(model)
    for pair in (("embed.weight", "head.weight"), ("embed", "head"), ("head.weight", "head.weight")):
        found = inspector.compare_weights(*pair)
        assert found["same_storage"]
        assert found["shared_bytes"] == 160
        assert found["identical"]
        assert "the same bytes" in found["words"]


def test_equal_values_in_two_storages_are_not_the_same_bytes(model: nn.Module) -> None:
    with torch.no_grad():
        model.second.weight.copy_(model.first.weight)
    found = WeightInspector(model).compare_weights("first.weight", "second.weight")
    assert (found["identical"], found["same_storage"], found["equal_bits_share"]) == (True, False, 1.0)


def test_weights_of_different_shapes_get_a_clear_answer_and_no_numbers(model: nn.Module) -> None:
    found = WeightInspector(model).compare_weights("first.weight", "embed.weight")
    assert found["comparable"] is False
    assert found["reason"] == "their shapes differ: [6, 4] and [10, 4]"
    assert found["cosine"] is found["identical"] is found["max_abs_difference"] is None
    assert found["first"]["norm"] == pytest.approx(model.first.weight.norm().item())


def test_a_transposed_tie_is_the_same_storage_in_another_shape(model: nn.Module) -> None:
    found = WeightInspector(model).compare_weights("back.weight", "embed.weight")
    assert (found["same_storage"], found["comparable"]) == (True, False)
    assert "the same bytes" in found["words"]


def test_overlapping_views_share_some_bytes() -> None:
    model, base = nn.Module(), torch.arange(10.0)
    model.register_buffer("low", base[:6])
    model.register_buffer("high", base[4:])
    found = WeightInspector(model).compare_weights("low", "high")
    assert (found["same_storage"], found["shared_bytes"]) == (False, 8)
    assert found["max_abs_difference"] == 4.0


def test_a_copy_made_before_an_edit_can_be_compared(model: nn.Module) -> None:
    inspector = WeightInspector(model)
    before = model.first.weight.detach().clone()
    assert inspector.compare_weights(before, "first.weight")["identical"]
    with torch.no_grad():
        model.first.weight[0, 0] += 1
    found = inspector.compare_weights(before, "first.weight")
    assert found["max_abs_difference"] == pytest.approx(1.0)
    assert found["equal_bits_share"] == 23 / 24
    assert found["same_storage"] is False
    view = inspector.compare_weights(model.first.weight, "first.weight")
    assert (view["same_storage"], view["shared_bytes"]) == (True, 96)


def test_bits_are_compared_as_bits_and_numbers_as_numbers(chunk: int) -> None:
    inspector = WeightInspector(nn.Linear(1, 1))
    zeros = torch.zeros(4), torch.tensor([0.0, -0.0, 0.0, 0.0])
    found = inspector.compare_weights(*zeros)
    assert (found["identical"], found["equal_bits_share"], found["equal_share"]) == (False, 0.75, 1.0)
    nans = torch.tensor([math.nan, 1.0])
    found = inspector.compare_weights(nans, nans.clone())
    assert (found["identical"], found["equal_bits_share"], found["equal_share"]) == (True, 1.0, 0.5)


def test_nan_and_infinity_are_counted_and_left_out(chunk: int) -> None:
    one = torch.tensor([1.0, math.nan, math.inf, 4.0, 5.0])
    other = torch.tensor([1.0, 2.0, math.inf, math.nan, 7.0])
    found = WeightInspector(nn.Linear(1, 1)).compare_weights(one, other)
    assert (found["compared"], found["not_finite"]) == (2, [2, 2])
    assert (found["max_abs_difference"], found["difference_norm"]) == (2.0, 2.0)
    assert "NaN" in found["words"]
    nothing = WeightInspector(nn.Linear(1, 1)).compare_weights(torch.full((3,), math.nan), torch.ones(3))
    assert nothing["cosine"] is nothing["max_abs_difference"] is None
    json.dumps([found, nothing], allow_nan=False)


def test_dtypes_may_differ_and_then_bits_have_no_share(chunk: int) -> None:
    weight = torch.randn(40)
    found = WeightInspector(nn.Linear(1, 1)).compare_weights(weight, weight.bfloat16())
    assert found["equal_bits_share"] is None
    assert found["identical"] is False
    # The same bits mean another number in another dtype.
    zeros = weight_comparison.pair_sums(ordered_values(torch.zeros(3)), ordered_values(torch.zeros(3).int()))
    assert (zeros.equal_bits, zeros.equal) == (0, 3)
    assert 0 < found["relative_difference"] < 2**-8
    exact = WeightInspector(nn.Linear(1, 1)).compare_weights(weight.bfloat16(), weight.bfloat16().double())
    assert (exact["equal_share"], exact["max_abs_difference"]) == (1.0, 0.0)


def test_complex_weights_are_compared_as_complex_numbers(chunk: int) -> None:
    torch.manual_seed(3)
    one, other = torch.randn(20, dtype=torch.complex64), torch.randn(20, dtype=torch.complex64)
    found = WeightInspector(nn.Linear(1, 1)).compare_weights(one, other)
    first, second = one.to(torch.complex128).numpy(), other.to(torch.complex128).numpy()
    assert found["max_abs_difference"] == pytest.approx(np.abs(first - second).max(), rel=1e-12)
    expected = np.vdot(first, second).real / np.linalg.norm(first) / np.linalg.norm(second)
    assert found["cosine"] == pytest.approx(expected, rel=1e-10)
    turned = WeightInspector(nn.Linear(1, 1)).compare_weights(one, one * 1j)
    assert turned["cosine"] == pytest.approx(0, abs=1e-12)


def test_strides_do_not_matter(chunk: int) -> None:
    weight = torch.randn(9, 11)
    found = WeightInspector(nn.Linear(1, 1)).compare_weights(weight, weight.t().contiguous().t())
    assert found["identical"]


def test_a_small_spread_far_from_zero_has_its_correlation(chunk: int) -> None:
    noise = torch.randn(100, dtype=torch.float64)
    found = WeightInspector(nn.Linear(1, 1)).compare_weights(1e8 + noise, 1e8 - noise)
    assert found["correlation"] == pytest.approx(-1, abs=1e-9)


def test_constants_and_huge_values_have_no_direction_and_raise_nothing() -> None:
    inspector = WeightInspector(nn.Linear(1, 1))
    found = inspector.compare_weights(torch.ones(5), torch.zeros(5))
    assert found["correlation"] is found["cosine"] is None
    huge = torch.full((3,), 1.7e308, dtype=torch.float64)
    json.dumps(inspector.compare_weights(huge, -huge), allow_nan=False)
    json.dumps(inspector.compare_weights(huge * 1j, -huge * 1j), allow_nan=False)
    assert inspector.compare_weights(torch.empty(0), torch.empty(0))["identical"]


def test_two_modules_are_compared_tensor_by_tensor(model: nn.Module) -> None:
    inspector = WeightInspector(model)
    found = inspector.compare_weights("first", "second")
    assert list(found["tensors"]) == ["bias", "weight"]
    assert found["tensors"]["weight"] == inspector.compare_weights("first.weight", "second.weight")
    with_less = inspector.compare_weights("first", "third")
    assert (list(with_less["tensors"]), with_less["only_in_first"]) == (["weight"], ["bias"])


def test_a_name_that_does_not_exist_and_a_weight_without_values_are_told(model: nn.Module) -> None:
    with pytest.raises(UnknownName, match="'fisrt'"):
        WeightInspector(model).compare_weights("fisrt", "second")
    with pytest.raises(UnsupportedStorage, match="meta"):
        WeightInspector(nn.Linear(2, 2, device="meta")).compare_weights("weight", torch.ones(2, 2))
