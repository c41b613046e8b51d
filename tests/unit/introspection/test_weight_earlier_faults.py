"""What the earlier WeightInspector got wrong when it was run: one test for each, and the truth."""

from __future__ import annotations

import json
import math

import pytest
import torch
from torch import nn

from introspection import UnsupportedStorage, WeightInspector

torch.set_num_threads(1)


def inspect(**tensors: torch.Tensor) -> WeightInspector:
    """An inspector of a model with these buffers."""
    model = nn.Module()
    for name, tensor in tensors.items():
        model.register_buffer(name, tensor)
    return WeightInspector(model)


@pytest.mark.parametrize("device", ["meta", "fake"])
def test_meta_and_fake_tensors_do_not_share_because_their_pointers_are_zero(device: str) -> None:
    if device == "fake":
        with torch._subclasses.FakeTensorMode():
            model = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3), nn.Linear(3, 3))
            model[2].weight = model[0].weight
    else:
        model = nn.Sequential(*(nn.Linear(3, 3, device="meta") for _ in range(3)))
        model[2].weight = model[0].weight
    inspector = WeightInspector(model)
    assert inspector.get_shared_weights() == {"0.weight": ["0.weight", "2.weight"]}
    assert inspector.get_shared_layers("1.weight") == []
    assert [row["shape"] for row in inspector.list_parameters("1.")] == [[3, 3], [3]]
    with pytest.raises(UnsupportedStorage, match="no values"):
        inspector.get_weight_statistics("1.weight")


def test_views_at_an_offset_are_not_missed() -> None:
    base = torch.arange(10.0)
    inspector = inspect(whole=base, tail=base[4:])
    assert inspector.get_shared_layers("tail") == ["whole"]
    assert inspector.get_weight_statistics("tail")["shared_with"] == ["whole"]


def test_overlaps_are_not_missed_and_not_closed_transitively() -> None:
    base = torch.arange(10.0)
    inspector = inspect(low=base[:5], middle=base[3:7], high=base[6:])
    assert inspector.get_shared_layers("low") == ["middle"]
    assert inspector.get_shared_layers("middle") == ["high", "low"]


def test_slices_of_a_fused_projection_share_with_the_whole_and_not_with_each_other() -> None:
    fused = torch.randn(12, 4)
    inspector = inspect(qkv=fused, q=fused[:4], k=fused[4:8], v=fused[8:])
    assert inspector.get_shared_layers("q") == ["qkv"]
    assert inspector.get_shared_layers("qkv") == ["k", "q", "v"]


def test_buffers_are_not_missed() -> None:
    model = nn.Module()
    model.weight = nn.Parameter(torch.randn(3))
    model.register_buffer("shadow", model.weight.detach())
    assert WeightInspector(model).get_shared_layers("weight") == ["shadow"]


def test_one_module_under_two_names_is_not_missed() -> None:
    model = nn.Module()
    model.encoder = nn.Linear(3, 3)
    model.decoder = model.encoder
    inspector = WeightInspector(model)
    assert inspector.get_shared_weights() == {
        "decoder.bias": ["decoder.bias", "encoder.bias"],
        "decoder.weight": ["decoder.weight", "encoder.weight"],
    }
    assert [row["name"] for row in inspector.list_parameters("weight")] == ["encoder.weight", "decoder.weight"]
    assert inspector.get_weight_statistics("decoder")["decoder.weight"]["shared_with"] == ["encoder.weight"]


def test_entries_of_a_parameter_list_are_not_missed() -> None:
    model, shared = nn.Module(), nn.Parameter(torch.randn(3))
    model.bank = nn.ParameterList([shared, nn.Parameter(torch.randn(3)), shared])
    inspector = WeightInspector(model)
    assert inspector.get_shared_weights() == {"bank.0": ["bank.0", "bank.2"]}
    assert inspector.get_weight_statistics("bank.2")["mean"] == pytest.approx(shared.mean().item())
    assert list(inspector.get_weight_statistics("bank")) == ["bank.0", "bank.1", "bank.2"]


def test_empty_tensors_do_not_share() -> None:
    inspector = inspect(one=torch.empty(0), other=torch.empty(0), third=torch.empty(0, 5))
    assert inspector.get_shared_weights() == {}
    assert "shared_with" not in inspector.get_weight_statistics("one")
    assert inspector.get_weight_statistics("third")["mean"] is None


def test_properties_are_not_evaluated() -> None:
    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.linear = nn.Linear(3, 3)
            self.evaluated = 0

        @property
        def phantom(self) -> torch.Tensor:
            self.evaluated += 1
            return self.linear.weight

        @property
        def crash(self) -> torch.Tensor:
            raise RuntimeError("a property was evaluated")

    model = Model()
    inspector = WeightInspector(model)
    inspector.list_parameters(buffers=True)
    inspector.get_weight_statistics("linear")
    inspector.get_weight_summary(read_values=True)
    inspector.detect_anomalies()
    inspector.find_similar_weights("linear.weight")
    inspector.query_weights("which weights are tied?")
    inspector.export_weights()
    assert model.evaluated == 0
    assert inspector.get_shared_weights() == {}


def test_statistics_of_the_second_tied_name_are_found() -> None:
    model = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3))
    model[1].weight = model[0].weight
    inspector = WeightInspector(model)
    second = inspector.get_weight_statistics("1.weight")
    assert second["name"] == "1.weight"
    assert second["mean"] == inspector.get_weight_statistics("0.weight")["mean"]


def test_nothing_is_stale_after_tying_and_untying() -> None:
    model = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3))
    inspector = WeightInspector(model)
    assert inspector.get_shared_layers("1.weight") == []
    model[1].weight = model[0].weight
    assert inspector.get_shared_layers("1.weight") == ["0.weight"]
    assert inspector.get_weight_summary()["shared"] == {"0.weight": ["0.weight", "1.weight"]}
    assert inspector.compare_weights("0.weight", "1.weight")["same_storage"]
    model[1].weight = nn.Parameter(model[0].weight.detach().clone())
    assert inspector.get_shared_layers("1.weight") == []
    assert not inspector.compare_weights("0.weight", "1.weight")["same_storage"]


@pytest.mark.parametrize("write", ["in place", "through data", "through numpy", "through an alias"])
def test_statistics_are_never_of_before_an_edit(write: str) -> None:
    model = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3))
    model[1].weight = model[0].weight
    inspector = WeightInspector(model)
    before = inspector.get_weight_statistics("1.weight")["mean"]
    with torch.no_grad():
        if write == "in place":
            model[1].weight.add_(1)
        elif write == "through data":
            model[1].weight.data += 1
        elif write == "through numpy":
            model[1].weight.detach().numpy()[:] += 1
        else:
            model[0].weight.add_(1)
    assert inspector.get_weight_statistics("1.weight")["mean"] == pytest.approx(before + 1)


def test_a_standard_deviation_is_never_complex_from_cancellation() -> None:
    inspector = inspect(weight=torch.full((1000,), 1e4) + 1e-3 * torch.randn(1000))
    found = inspector.get_weight_statistics("weight")
    assert isinstance(found["std"], float)
    assert found["std"] == pytest.approx(inspector.get_layer_weights("weight").double().std().item(), rel=1e-9)


def test_weights_with_nan_have_statistics() -> None:
    inspector = inspect(weight=torch.tensor([1.0, math.nan, 3.0, math.inf]))
    found = inspector.get_weight_statistics("weight")
    assert (found["mean"], found["nan_count"], found["inf_count"]) == (2.0, 1, 1)
    json.dumps(found, allow_nan=False)


def test_a_transposed_alias_has_the_very_same_numbers() -> None:
    weight = torch.randn(300, 500)
    inspector = inspect(weight=weight, turned=weight.t())
    one, other = inspector.get_weight_statistics("weight"), inspector.get_weight_statistics("turned")
    for key in one.keys() - {"name", "shape", "shared_with", "warning"}:
        assert one[key] == other[key]


def test_aliases_under_one_module_that_hold_other_numbers_are_read_apart() -> None:
    # The same bytes, but in another dtype, negated, or more often.
    weight = torch.arange(1.0, 7.0)
    spectrum = torch.view_as_complex(weight.view(3, 2)).conj()
    model = nn.Module()
    model.inner = inspect(
        weight=weight, bits=weight.view(torch.int32), negative=spectrum.imag, positive=weight[1::2]
    )._scanner.model
    found = WeightInspector(model).get_weight_statistics("inner")
    assert found["inner.weight"]["max"] == 6.0
    assert found["inner.bits"]["max"] > 1e9
    assert (found["inner.negative"]["mean"], found["inner.positive"]["mean"]) == (-4.0, 4.0)
