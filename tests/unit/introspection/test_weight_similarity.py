"""Finding weights like one: each storage once, and what is the same is not called similar."""

from __future__ import annotations

import json
import math

import pytest
import torch
from torch import nn

from introspection import InvalidArgument, SeveralStorages, WeightInspector

torch.set_num_threads(1)


@pytest.fixture
def model() -> nn.Module:
    """Layers that are a reference, nearly it, its opposite, its double, unlike it, of another shape, and tied to it."""
    torch.manual_seed(0)
    model = nn.Module()
    weight = torch.randn(6, 4)
    variants = {
        "reference": weight,
        "near": weight + 0.01 * torch.randn(6, 4),
        "opposite": -weight,
        "twice": 2 * weight,
        "other": torch.randn(6, 4),
        "turned": torch.randn(4, 6),
    }
    for name, values in variants.items():
        layer = nn.Linear(*reversed(values.shape), bias=False)
        layer.weight = nn.Parameter(values.clone())
        model.add_module(name, layer)
    model.tied = model.reference
    model.near_again = model.near
    return model


def test_the_most_alike_come_first_by_each_metric(model: nn.Module) -> None:
    inspector = WeightInspector(model)
    by = {
        metric: [entry["name"] for entry in inspector.find_similar_weights("reference.weight", 10, metric)["similar"]]
        for metric in ("correlation", "cosine", "l2")
    }
    assert by["cosine"] == ["twice.weight", "near.weight", "other.weight", "opposite.weight"]
    assert by["correlation"] == by["cosine"]
    assert by["l2"][0] == "near.weight"
    assert by["l2"][-1] == "opposite.weight"


def test_scores_are_those_of_comparing(model: nn.Module) -> None:
    inspector = WeightInspector(model)
    for metric, key in (("correlation", "correlation"), ("cosine", "cosine"), ("l2", "difference_norm")):
        for entry in inspector.find_similar_weights("reference.weight", metric=metric)["similar"]:
            assert entry["score"] == inspector.compare_weights("reference.weight", entry["name"])[key]


def test_aliases_are_aliases_and_a_storage_is_listed_once_with_all_names(model: nn.Module) -> None:
    found = WeightInspector(model).find_similar_weights("tied.weight")
    assert found["reference"] == "tied.weight"
    assert found["aliases"] == ["reference.weight"]
    assert {"name": "near.weight", "names": ["near.weight", "near_again.weight"]}.items() <= found["similar"][1].items()
    listed = [name for entry in found["similar"] for name in entry["names"]]
    assert len(listed) == len(set(listed)) == 5
    assert not {"tied.weight", "reference.weight", "turned.weight"} & set(listed)
    assert json.loads(json.dumps(found, allow_nan=False)) == found


def test_only_as_many_as_asked_for_are_listed(model: nn.Module) -> None:
    found = WeightInspector(model).find_similar_weights("reference", top_k=2)
    assert (len(found["similar"]), found["compared"]) == (2, 4)


def test_what_has_no_score_is_told_with_the_reason(model: nn.Module) -> None:
    with torch.no_grad():
        model.other.weight.fill_(1)
        model.twice.weight.fill_(math.nan)
    found = WeightInspector(model).find_similar_weights("reference.weight")
    assert {entry["name"]: entry["reason"] for entry in found["without_score"]} == {
        "twice.weight": "nothing of it can be compared",
        "other.weight": "one of the two has no correlation",
    }


def test_a_partial_overlap_is_marked() -> None:
    model, base = nn.Module(), torch.randn(10)
    model.register_buffer("low", base[:6])
    model.register_buffer("high", base[4:])
    (entry,) = WeightInspector(model).find_similar_weights("low")["similar"]
    assert entry["shares_memory"]


def test_whole_numbers_are_not_likened_to_weights() -> None:
    model = nn.Module()
    model.weight = nn.Parameter(torch.randn(3))
    model.register_buffer("counter", torch.arange(3))
    assert WeightInspector(model).find_similar_weights("weight")["similar"] == []


def test_a_metric_that_does_not_exist_and_a_module_of_several_weights_are_refused(model: nn.Module) -> None:
    inspector = WeightInspector(model)
    with pytest.raises(InvalidArgument, match="metric cannot be 'euclid'"):
        inspector.find_similar_weights("reference", metric="euclid")
    with pytest.raises(InvalidArgument, match="top_k"):
        inspector.find_similar_weights("reference", top_k=0)
    with pytest.raises(SeveralStorages):
        WeightInspector(nn.Sequential(nn.Linear(2, 2))).find_similar_weights("0")
