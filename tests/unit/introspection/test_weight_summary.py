"""The weights of a model as a whole: each storage counted once."""

from __future__ import annotations

import json
import math

import pytest
import torch
from torch import nn

from introspection import WeightInspector

torch.set_num_threads(1)


@pytest.fixture
def model() -> nn.Module:
    torch.manual_seed(0)
    model = nn.Module()
    model.embed = nn.Embedding(20, 8)
    model.layers = nn.ModuleList(nn.Linear(8, 8) for _ in range(3))
    model.norm = nn.BatchNorm1d(8)
    model.head = nn.Linear(8, 20, bias=False)
    model.head.weight = model.embed.weight
    model.layers[0].bias.requires_grad_(False)
    return model


def test_storages_are_counted_once_and_names_all(model: nn.Module) -> None:
    found = WeightInspector(model).get_weight_summary()
    elements = 160 + 3 * 72 + 16
    assert found["parameters"] == {
        "names": 10,
        "storages": 9,
        "elements": elements,
        "elements_by_name": elements + 160,
        "bytes": 4 * elements,
        "trainable_elements": elements - 8,
    }
    assert found["buffers"]["elements"] == 17
    assert found["dtypes"] == {"float32": elements + 16, "int64": 1}
    assert found["devices"] == {"cpu": elements + 17}
    assert found["shared"] == {"embed.weight": ["embed.weight", "head.weight"]}
    assert found["bytes_saved_by_sharing"] == 640
    assert found["largest"][0] == {
        "name": "embed.weight",
        "names": ["embed.weight", "head.weight"],
        "shape": [20, 8],
        "num_elements": 160,
        "num_bytes": 640,
        "dtype": "float32",
    }
    assert {"role": "layers.*.weight", "count": 3, "num_elements": 192, "shapes": [[8, 8]]} in found["roles"]
    assert f"{elements:,} parameters" in found["words"]
    assert json.loads(json.dumps(found, allow_nan=False)) == found


def test_nothing_is_read_unless_asked_for(model: nn.Module) -> None:
    assert "values" not in WeightInspector(model).get_weight_summary()
    meta = WeightInspector(nn.Linear(3, 4, device="meta")).get_weight_summary()
    assert meta["parameters"]["elements"] == 16
    assert meta["devices"] == {"meta": 16}


def test_all_values_are_one_set_of_numbers(model: nn.Module) -> None:
    with torch.no_grad():
        model.layers[1].bias[:2] = torch.tensor([math.nan, math.inf])
    found = WeightInspector(model).get_weight_summary(read_values=True)["values"]
    floating = [each for each in (*model.parameters(), *model.buffers()) if each.is_floating_point()]
    everything = torch.cat([each.detach().double().flatten() for each in floating])
    finite = everything[everything.isfinite()]
    assert (found["nan_count"], found["inf_count"]) == (1, 1)
    assert (found["num_elements"], found["finite_count"]) == (len(everything), len(finite))
    assert found["mean"] == pytest.approx(finite.mean().item(), rel=1e-12)
    assert found["std"] == pytest.approx(finite.std().item(), rel=1e-12)
    assert (found["min"], found["max"]) == (finite.min().item(), finite.max().item())
    assert found["abs_mean"] == pytest.approx(finite.abs().mean().item(), rel=1e-12)


def test_what_cannot_be_read_is_named_and_nothing_is_made_up() -> None:
    found = WeightInspector(nn.Linear(3, 4, device="meta")).get_weight_summary(read_values=True)["values"]
    assert found["mean"] is None
    assert [each["name"] for each in found["unreadable"]] == ["bias", "weight"]


def test_an_overlap_is_told_and_a_lazy_weight_has_no_elements() -> None:
    model, base = nn.Module(), torch.zeros(10)
    model.register_buffer("low", base[:6])
    model.register_buffer("high", base[4:])
    model.lazy = nn.LazyLinear(3)
    found = WeightInspector(model).get_weight_summary()
    assert found["overlaps"] == [["high", "low"]]
    assert found["parameters"]["elements"] == 0
