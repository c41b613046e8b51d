"""What the inspector says of weights: right in every dtype, the same under every name, and never stale."""

from __future__ import annotations

import json

import pytest
import torch
from torch import nn
from torch.nn.utils import parametrizations

from introspection import SeveralStorages, UnknownName, UnsupportedStorage, WeightInspector

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
        "num_bytes": 1600,
        "dtype": "float32",
        "device": "cpu",
        "requires_grad": True,
        "storage_key": "embed.weight",
        "shared_with": ["embed.weight"],
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
