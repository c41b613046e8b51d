"""What is found wrong in weights, and what is left in peace."""

from __future__ import annotations

import json
import math

import pytest
import torch
from torch import nn

from introspection import InvalidArgument, UnknownName, WeightInspector, weight_anomalies
from introspection.weight_anomalies import dead_slices, robust_scores, role

torch.set_num_threads(1)


@pytest.fixture
def model() -> nn.Module:
    """An embedding tied to a head, and twelve blocks alike."""
    torch.manual_seed(0)
    model = nn.Module()
    model.embed = nn.Embedding(20, 8, padding_idx=0)
    model.layers = nn.ModuleList(nn.ModuleDict({"up": nn.Linear(8, 16), "norm": nn.LayerNorm(8)}) for _ in range(12))
    model.head = nn.Linear(8, 20, bias=False)
    model.head.weight = model.embed.weight
    model.register_buffer("mask", torch.zeros(4, 4, dtype=torch.bool))
    return model


def findings(model: nn.Module, **limits: float) -> list[tuple[str, str]]:
    found = WeightInspector(model).detect_anomalies(**limits)
    return [(finding["name"], finding["kind"]) for finding in found["findings"]]


def test_a_freshly_made_model_has_none(model: nn.Module) -> None:
    found = WeightInspector(model).detect_anomalies()
    assert found["findings"] == []
    assert found["counts"] == {}
    assert found["unreadable"] == []
    # Every storage once, the mask left out: the embedding and its alias are one.
    assert found["checked"] == 1 + 12 * 4


def test_nan_and_infinity_are_critical_counted_and_found_once_under_all_names(model: nn.Module) -> None:
    with torch.no_grad():
        model.head.weight[3, :2] = math.nan
        model.layers[1]["up"].bias[0] = -math.inf
    found = WeightInspector(model).detect_anomalies()
    nan, infinite = found["findings"]
    assert (nan["name"], nan["names"]) == ("embed.weight", ["embed.weight", "head.weight"])
    assert (nan["kind"], nan["severity"], nan["number"]) == ("nan", "critical", 2)
    assert (infinite["name"], infinite["kind"], infinite["number"]) == ("layers.1.up.bias", "infinite", 1)
    assert infinite["details"]["negative"] == 1
    assert found["counts"] == {"infinite": 1, "nan": 1}
    assert json.loads(json.dumps(found, allow_nan=False)) == found


def test_rows_and_columns_that_are_zero_throughout_are_dead(model: nn.Module, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weight_anomalies, "CHUNK_ELEMENTS", 10)
    with torch.no_grad():
        model.layers[3]["up"].weight.abs_().neg_()
        model.layers[3]["up"].weight[[2, 5]] = 0
        model.layers[3]["up"].weight[:, 7] = -0.0
    rows, columns = sorted(WeightInspector(model).detect_anomalies()["findings"], key=lambda each: -each["number"])
    assert (rows["kind"], rows["number"], rows["details"]) == ("dead_rows", 2, {"indices": [2, 5], "of": 16})
    assert (columns["kind"], columns["number"], columns["details"]) == ("dead_columns", 1, {"indices": [7], "of": 8})
    assert "2, 5" in rows["words"]


def test_a_row_of_nan_is_not_dead_and_the_padding_row_is_zero_on_purpose(model: nn.Module) -> None:
    with torch.no_grad():
        model.layers[0]["up"].weight[1] = math.nan
        model.embed.weight[4] = 0
    assert torch.equal(model.embed.weight[0], torch.zeros(8))
    assert findings(model) == [("layers.0.up.weight", "nan"), ("embed.weight", "dead_rows")]
    (dead,) = [each for each in WeightInspector(model).detect_anomalies()["findings"] if each["kind"] == "dead_rows"]
    assert dead["details"]["indices"] == [4]


def test_channels_of_convolutions_are_rows_and_columns() -> None:
    model = nn.Conv2d(3, 5, 2, bias=False)
    with torch.no_grad():
        model.weight[4] = 0
        model.weight[:, 1] = 0
    found = WeightInspector(model).detect_anomalies()["findings"]
    assert {each["kind"]: each["details"]["indices"] for each in found} == {"dead_rows": [4], "dead_columns": [1]}


def test_dead_slices_are_found_whatever_the_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    dense = torch.randn(7, 9, 2)
    dense[[0, 6]], dense[:, 3] = 0, 0
    for chunk in (1, 2, 5, 18, 1000):
        monkeypatch.setattr(weight_anomalies, "CHUNK_ELEMENTS", chunk)
        assert dead_slices(dense) == ([0, 6], [3])
        assert dead_slices(dense.transpose(0, 1)) == ([3], [0, 6])


def test_matrices_that_are_zero_or_constant_are_told_and_dead_rows_of_them_are_not(model: nn.Module) -> None:
    with torch.no_grad():
        model.layers[2]["up"].weight.zero_()
        model.layers[4]["up"].weight.fill_(0.25)
    assert [each for each in findings(model) if each[1] != "outlier_norm"] == [
        ("layers.2.up.weight", "all_zero"),
        ("layers.4.up.weight", "constant"),
    ]


def test_a_vector_that_is_constant_counts_only_where_its_siblings_are_not(model: nn.Module) -> None:
    # Norms begin as ones and their biases as zeros: nothing is wrong with that in all layers.
    with torch.no_grad():
        for layer in model.layers:
            layer["norm"].bias.normal_()
        model.layers[5]["norm"].bias.zero_()
    assert findings(model) == [("layers.5.norm.bias", "all_zero")]


def test_a_norm_far_from_those_of_its_siblings_is_an_outlier(model: nn.Module) -> None:
    with torch.no_grad():
        model.layers[7]["up"].weight.mul_(30)
        model.layers[9]["up"].weight.mul_(1 / 50)
    small, large = sorted(WeightInspector(model).detect_anomalies()["findings"], key=lambda each: each["number"])
    assert (large["name"], large["kind"]) == ("layers.7.up.weight", "outlier_norm")
    assert large["details"]["role"] == "layers.*.up.weight"
    assert large["details"]["siblings"] == 12
    assert large["details"]["ratio"] == pytest.approx(30, rel=0.3)
    assert large["number"] > 6
    assert (small["name"], small["number"] < -6) == ("layers.9.up.weight", True)


def test_sizes_are_compared_by_their_ratios() -> None:
    # Siblings from 1 to 64: none is far from the others, and a thousandth of the smallest is; on a plain scale it
    # would be as near to the median as they are.
    model = nn.ParameterList(torch.tensor([size, -size]) for size in (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 0.001))
    assert findings(model, outlier_z=4) == [("7", "outlier_norm")]


def test_one_of_many_equal_norms_is_an_outlier_too(model: nn.Module) -> None:
    with torch.no_grad():
        model.layers[6]["norm"].weight.fill_(8)
    assert findings(model) == [("layers.6.norm.weight", "outlier_norm")]
    assert findings(model, outlier_z=20) == []
    assert findings(model, outlier_ratio=9) == []


def test_too_few_siblings_have_no_outlier() -> None:
    model = nn.Sequential(*(nn.Linear(4, 4, bias=False) for _ in range(3)))
    with torch.no_grad():
        model[0].weight.mul_(1000)
    assert findings(model) == []
    assert findings(model, min_siblings=3, outlier_z=3) == [("0.weight", "outlier_norm")]


def test_robust_scores_are_not_moved_by_what_they_find() -> None:
    scores = robust_scores([1.0, 2.0, 3.0, 4.0, 1e6])
    # Median 3; deviations 2, 1, 0, 1, 1e6: median 1.
    assert scores[:4] == pytest.approx([-2 / 1.4826, -1 / 1.4826, 0, 1 / 1.4826])
    assert robust_scores([5.0] * 4) == [0.0] * 4
    assert robust_scores([5.0] * 9 + [6.0])[-1] == pytest.approx(1 / (1.2533 * 0.1))


def test_roles_are_names_without_their_numbers() -> None:
    assert role("model.layers.3.mlp.experts.12.w1.weight") == "model.layers.*.mlp.experts.*.w1.weight"
    assert role("lm_head2.weight") == "lm_head2.weight"


def test_findings_can_be_asked_of_some_names_with_the_siblings_of_all(model: nn.Module) -> None:
    with torch.no_grad():
        model.layers[7]["up"].weight.mul_(30)
        model.head.weight[1] = math.nan
    inspector = WeightInspector(model)
    assert [each["name"] for each in inspector.detect_anomalies("layers.7")["findings"]] == ["layers.7.up.weight"]
    assert [each["name"] for each in inspector.detect_anomalies(["head"])["findings"]] == ["embed.weight"]
    assert inspector.detect_anomalies("layers.1")["findings"] == []
    with pytest.raises(UnknownName):
        inspector.detect_anomalies("layer.1")


def test_what_cannot_be_read_is_named_and_does_not_hide_the_rest(model: nn.Module) -> None:
    model.layers[0]["up"] = nn.Linear(8, 16, device="meta")
    with torch.no_grad():
        model.layers[1]["up"].bias[0] = math.nan
    found = WeightInspector(model).detect_anomalies()
    assert [each["name"] for each in found["findings"]] == ["layers.1.up.bias"]
    assert [each["name"] for each in found["unreadable"]] == ["layers.0.up.bias", "layers.0.up.weight"]
    assert "meta" in found["unreadable"][0]["reason"]


def test_limits_out_of_range_are_refused(model: nn.Module) -> None:
    for limit, value in (("outlier_z", 0), ("outlier_ratio", 0.5), ("min_siblings", 2)):
        with pytest.raises(InvalidArgument, match=limit):
            WeightInspector(model).detect_anomalies(**{limit: value})


def test_tensors_of_every_kind_can_be_in_the_model() -> None:
    model = nn.Module()
    model.register_buffer("empty", torch.empty(0, 3))
    model.register_buffer("scalar", torch.tensor(0.0))
    model.register_buffer("complex", torch.zeros(3, 3, dtype=torch.complex64))
    model.register_buffer("eight", torch.zeros(3, 3).to(torch.float8_e4m3fn))
    model.register_buffer("sparse", torch.eye(4).to_sparse())
    model.register_buffer("counter", torch.tensor(0))
    model.lazy = nn.LazyLinear(3)
    found = WeightInspector(model).detect_anomalies()
    assert [(each["name"], each["kind"]) for each in found["findings"]] == [
        ("complex", "all_zero"),
        ("eight", "all_zero"),
    ]
    assert [each["name"] for each in found["unreadable"]] == ["lazy.bias", "lazy.weight"]
