"""What the inspector says of weights: right in every dtype, the same under every name, and never stale."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.utils import parametrizations

from introspection import InvalidArgument, SeveralStorages, UnknownName, UnsupportedStorage, WeightInspector
from introspection import statistics as statistics_module
from introspection.statistics import tensor_statistics

torch.set_num_threads(1)


@pytest.fixture
def model() -> nn.Module:
    """An embedding tied to a head, and a norm."""
    torch.manual_seed(0)
    model = nn.Module()
    model.embed = nn.Embedding(50, 8)
    model.norm = nn.BatchNorm1d(8)
    model.drop = nn.Dropout()
    model.head = nn.Linear(8, 50, bias=False)
    model.head.weight = model.embed.weight
    return model


def without_names(statistics: dict[str, object]) -> dict[str, object]:
    return {key: value for key, value in statistics.items() if key not in ("name", "shared_with", "warning")}


def test_shared_weights_are_listed_by_storage(model: nn.Module) -> None:
    inspector = WeightInspector(model)
    assert inspector.get_shared_weights() == {"embed.weight": ["embed.weight", "head.weight"]}
    assert inspector.detect_shared_weights() == inspector.get_shared_weights()


def test_shared_layers_are_the_other_names(model: nn.Module) -> None:
    inspector = WeightInspector(model)
    assert inspector.get_shared_layers("head.weight") == ["embed.weight"]
    assert inspector.get_shared_layers("embed") == ["head.weight"]
    assert inspector.get_shared_layers("norm.weight") == []
    assert inspector.get_shared_layers("drop") == []
    with pytest.raises(UnknownName, match="'haed'"):
        inspector.get_shared_layers("haed")


def test_statistics_are_identical_under_every_alias_and_warn(model: nn.Module) -> None:
    inspector = WeightInspector(model)
    one, other = inspector.get_weight_statistics("embed.weight"), inspector.get_weight_statistics("head.weight")
    assert without_names(one) == without_names(other)
    assert one["shared_with"] == ["head.weight"]
    assert other["shared_with"] == ["embed.weight"]
    assert "head.weight" in one["warning"]
    assert "embed.weight" in other["warning"]


def test_statistics_of_an_unshared_weight_carry_no_warning(model: nn.Module) -> None:
    statistics = WeightInspector(model).get_weight_statistics("norm.weight")
    assert "warning" not in statistics
    assert "shared_with" not in statistics


def test_a_module_path_gives_its_tensor_or_all_of_them(model: nn.Module) -> None:
    inspector = WeightInspector(model)
    assert inspector.get_weight_statistics("head")["name"] == "head.weight"
    several = inspector.get_weight_statistics("norm")
    assert list(several) == [
        "norm.bias",
        "norm.num_batches_tracked",
        "norm.running_mean",
        "norm.running_var",
        "norm.weight",
    ]
    assert several["norm.weight"]["mean"] == 1.0
    assert list(inspector.get_weight_statistics(["head", "norm.bias"])) == ["head", "norm.bias"]


def test_answers_follow_an_edit_a_tie_and_an_untie(model: nn.Module) -> None:
    inspector = WeightInspector(model)
    before = inspector.get_weight_statistics("head.weight")["mean"]
    with torch.no_grad():
        model.embed.weight.add_(1)
    assert inspector.get_weight_statistics("head.weight")["mean"] == pytest.approx(before + 1)
    model.head.weight = nn.Parameter(model.head.weight.detach().clone())
    assert inspector.get_shared_layers("head.weight") == []
    assert "warning" not in inspector.get_weight_statistics("head.weight")
    model.embed.weight = model.head.weight
    assert inspector.get_shared_layers("head.weight") == ["embed.weight"]


def test_everything_but_tensors_is_json(model: nn.Module) -> None:
    inspector = WeightInspector(model)
    with torch.no_grad():
        model.norm.bias[0] = float("nan")
        model.norm.bias[1] = float("inf")
    for result in (
        inspector.get_weight_statistics(["embed", "norm"]),
        inspector.list_parameters(buffers=True),
        inspector.get_layer_parameters("norm"),
        inspector.get_shared_weights(),
    ):
        assert json.loads(json.dumps(result, allow_nan=False)) == result


def test_parameters_are_listed_under_every_name_and_filtered(model: nn.Module) -> None:
    inspector = WeightInspector(model)
    assert [row["name"] for row in inspector.list_parameters()] == [
        "embed.weight",
        "norm.weight",
        "norm.bias",
        "head.weight",
    ]
    assert [row["name"] for row in inspector.list_parameters("norm")] == ["norm.weight", "norm.bias"]
    assert [row["name"] for row in inspector.list_parameters("*d.weight")] == ["embed.weight", "head.weight"]
    assert "norm.running_mean" in [row["name"] for row in inspector.list_parameters(buffers=True)]
    assert inspector.list_parameters("head")[0] == {
        "name": "head.weight",
        "kind": "parameter",
        "shape": [50, 8],
        "num_elements": 400,
        "dtype": "float32",
        "device": "cpu",
        "requires_grad": True,
        "storage_key": "embed.weight",
    }


def test_layers_are_the_modules_that_hold_tensors(model: nn.Module) -> None:
    inspector = WeightInspector(model)
    assert inspector.get_layer_names() == ["embed", "norm", "head"]
    assert [row["name"] for row in inspector.get_layer_parameters("head.weight")] == ["head.weight"]
    assert inspector.get_layer_parameters("drop") == []
    with pytest.raises(UnknownName):
        inspector.get_layer_parameters("nor")


def test_layer_weights_are_the_live_values(model: nn.Module) -> None:
    inspector = WeightInspector(model)
    weights = inspector.get_layer_weights("head")
    assert weights.data_ptr() == model.embed.weight.data_ptr()
    assert not weights.requires_grad
    with pytest.raises(SeveralStorages):
        inspector.get_layer_weights("norm")


def test_derived_and_meta_weights_have_no_statistics_and_say_why(model: nn.Module) -> None:
    parametrizations.weight_norm(model.head)
    inspector = WeightInspector(model)
    with pytest.raises(UnsupportedStorage, match="computed from"):
        inspector.get_weight_statistics("head.weight")
    assert len(inspector.get_weight_statistics("head")) == 2
    with pytest.raises(UnsupportedStorage, match=r"'weight'.*meta"):
        WeightInspector(nn.Linear(2, 2, device="meta")).get_weight_statistics("weight")


@pytest.mark.parametrize("chunk", [1 << 20, 64])
@pytest.mark.parametrize(
    "dtype", [torch.float32, torch.bfloat16, torch.float16, torch.float64, torch.int8, torch.int64]
)
def test_statistics_are_those_of_numpy(dtype: torch.dtype, chunk: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statistics_module, "CHUNK_ELEMENTS", chunk)
    torch.manual_seed(1)
    tensor = (torch.randn(30, 40) * 20).to(dtype)
    tensor[3] = 0
    # Not contiguous: rows and columns exchanged, every second one.
    tensor = tensor.t()[:, ::2]
    exact = tensor.to(torch.float64).numpy()
    found = tensor_statistics(tensor, bins=7)
    assert found["num_elements"] == 600
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
    assert sum(found["histogram"]["counts"]) == 600
    assert np.abs(np.array(found["histogram"]["counts"]) - counts).max() <= (0 if dtype.is_floating_point else 60)
    assert found["histogram"]["bin_edges"] == pytest.approx(edges.tolist())


@pytest.mark.parametrize("chunk", [1 << 20, 4])
def test_values_that_are_not_finite_are_counted_and_left_out(chunk: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statistics_module, "CHUNK_ELEMENTS", chunk)
    tensor = torch.tensor([math.nan, 1.0, -math.inf, 3.0, math.inf, 2.0, -math.inf, 0.0, -0.0, math.nan])
    found = tensor_statistics(tensor)
    assert (found["nan_count"], found["inf_count"], found["finite_count"]) == (2, 3, 5)
    assert (found["mean"], found["min"], found["max"], found["median"]) == (1.2, 0.0, 3.0, 1.0)
    assert found["zero_share"] == 0.2


def test_a_tensor_without_finite_values_has_no_mean_and_raises_nothing() -> None:
    for tensor in (torch.full((3,), math.nan), torch.empty(0, 4)):
        found = tensor_statistics(tensor)
        assert found["mean"] is None
        assert found["percentiles"]["50"] is None
        assert found["histogram"] == {"counts": [], "bin_edges": []}


def test_a_single_value_and_a_constant_have_no_spread() -> None:
    for tensor in (torch.tensor(2.5), torch.full((7,), 2.5)):
        found = tensor_statistics(tensor)
        assert (found["mean"], found["std"], found["median"]) == (2.5, 0.0, 2.5)
        assert sum(found["histogram"]["counts"]) == tensor.numel()


def test_a_small_spread_far_from_zero_does_not_cancel() -> None:
    tensor = 1e8 + torch.randn(1000, dtype=torch.float64)
    assert tensor_statistics(tensor)["std"] == pytest.approx(tensor.std().item(), rel=1e-9)


def test_huge_and_tiny_values_do_not_overflow() -> None:
    found = tensor_statistics(torch.tensor([-1e300, 1e300, 5e-324], dtype=torch.float64))
    assert found["l2_norm"] == pytest.approx(math.sqrt(2) * 1e300)
    assert sum(found["histogram"]["counts"]) == 3
    edge = torch.finfo(torch.float64).max
    json.dumps(tensor_statistics(torch.tensor([-edge, edge], dtype=torch.float64)), allow_nan=False)


def test_complex_values_are_described_by_their_magnitude() -> None:
    found = tensor_statistics(torch.tensor([3 + 4j, -1j, 0]))
    assert found["values"] == "magnitude"
    assert (found["max"], found["min"], found["mean"]) == (5.0, 0.0, 2.0)


def test_a_histogram_has_at_least_one_bin() -> None:
    with pytest.raises(InvalidArgument, match="bins cannot be 0"):
        tensor_statistics(torch.randn(3), bins=0)


def test_near_zero_is_a_magnitude_of_ones_own_choice() -> None:
    tensor = torch.tensor([0.0, 1e-7, -1e-3, 1.0])
    assert tensor_statistics(tensor)["near_zero_share"] == 0.5
    assert tensor_statistics(tensor, near_zero=0.01)["near_zero_share"] == 0.75
    assert tensor_statistics(tensor)["zero_share"] == 0.25


def test_eight_bit_floats_and_booleans_have_statistics() -> None:
    assert tensor_statistics(torch.tensor([1.0, 2.0]).to(torch.float8_e4m3fn))["mean"] == 1.5
    assert tensor_statistics(torch.tensor([True, False]))["mean"] == 0.5
