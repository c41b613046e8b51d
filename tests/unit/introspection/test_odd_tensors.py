"""One strange tensor in a model spoils no answer about it or about the others, in any of the ways to look."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from introspection import (
    ArchitectureNavigator,
    InvalidArgument,
    SeveralStorages,
    UnknownName,
    UnsupportedStorage,
    WeightInspector,
)
from introspection.shapes import shape_of

torch.set_num_threads(1)
# What torch says of its own kinds of tensors when they are made.
pytestmark = [
    pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors"),
    pytest.mark.filterwarnings("ignore:Sparse CSR tensor support"),
    pytest.mark.filterwarnings("ignore:torch.quantize_per_tensor"),
]

ROWS = [[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], [[7.0, 8.0, 9.0], [1.0, 1.0, 1.0], [0.0, 0.0, 0.0], [2.0, 2.0, 2.0]]]


def nested(layout: torch.layout) -> torch.Tensor:
    return torch.nested.nested_tensor([torch.tensor(rows) for rows in ROWS], layout=layout)


ODD: dict[str, Any] = {
    "nested": lambda: nested(torch.strided),
    "jagged": lambda: nested(torch.jagged),
    "sparse": lambda: torch.eye(3).to_sparse(),
    "compressed": lambda: torch.eye(3).to_sparse_csr(),
    "opaque": lambda: torch.eye(3).to_mkldnn(),
    "quantised": lambda: torch.quantize_per_tensor(torch.eye(3), 0.1, 0, torch.qint8),
    "packed": lambda: torch.zeros(4, dtype=torch.uint8).view(torch.float4_e2m1fn_x2),
    "meta": lambda: torch.empty(3, 3, device="meta"),
    "lazy": nn.UninitializedBuffer,
    "empty": lambda: torch.empty(0, 3),
    "scalar": lambda: torch.tensor(3.5),
    "complex": lambda: torch.full((3, 3), 3 + 4j),
    "whole": lambda: torch.tensor([2**62, -(2**62)]),
    "nan": lambda: torch.tensor([float("nan"), float("inf"), 1.0]),
}


def model_with(odd: torch.Tensor) -> nn.Module:
    """Two plain layers of one shape, a module without tensors, and one odd buffer."""
    model = nn.Module()
    model.one, model.other, model.idle = nn.Linear(3, 3), nn.Linear(3, 3), nn.Dropout()
    model.register_buffer("odd", odd)
    return model


def blocks_with(odd: torch.Tensor) -> nn.Module:
    """Two equal blocks, each with an odd buffer."""
    model = nn.Module()
    model.blocks = nn.ModuleList(model_with(odd) for _ in range(2))
    return model


@pytest.mark.parametrize("kind", ODD)
def test_every_question_about_a_model_with_it_has_a_json_answer(kind: str) -> None:
    inspector = WeightInspector(model_with(ODD[kind]()))
    answers = {
        "parameters": inspector.get_layer_parameters("odd"),
        "all": inspector.list_parameters(buffers=True),
        "shared": inspector.get_shared_layers("odd"),
        "summary": inspector.get_weight_summary(read_values=True),
        "anomalies": inspector.detect_anomalies(),
        "similar": inspector.find_similar_weights("one.weight"),
        "state": inspector.export_weights(format="json"),
        "asked": inspector.query_weights("what is the mean of `odd`?"),
    }
    json.dumps(answers, allow_nan=False)
    assert [row["name"] for row in answers["all"]] == ["odd", "one.weight", "one.bias", "other.weight", "other.bias"]
    # The plain layers are found alike whatever stands beside them.
    assert "other.weight" in [each["name"] for each in answers["similar"]["similar"]]


@pytest.mark.parametrize("kind", ODD)
def test_the_architecture_of_a_model_with_it_is_described(kind: str) -> None:
    navigator = ArchitectureNavigator(model_with(ODD[kind]()))
    answers = [
        navigator.get_architecture_summary(),
        navigator.describe_layer(["", "odd", "one"]),
        navigator.get_module_details(""),
        navigator.explain_component("odd"),
        navigator.map_connections(),
        navigator.generate_diagram("svg"),
        ArchitectureNavigator(blocks_with(ODD[kind]())).generate_diagram(),
    ]
    json.dumps(answers, allow_nan=False)


@pytest.mark.parametrize("layout", [torch.strided, torch.jagged])
def test_nested_values_are_all_components_and_the_ragged_size_is_not_made_up(layout: torch.layout) -> None:
    inspector = WeightInspector(model_with(nested(layout)))
    found = inspector.get_weight_statistics("odd")
    values = np.array([value for rows in ROWS for row in rows for value in row], dtype=np.float64)
    assert found["shape"] == [2, None, 3]
    assert found["num_elements"] == 18
    assert found["mean"] == pytest.approx(values.mean(), rel=1e-15)
    assert found["std"] == pytest.approx(values.std(ddof=1), rel=1e-14)
    assert found["l2_norm"] == pytest.approx(np.linalg.norm(values), rel=1e-15)
    described = ArchitectureNavigator(model_with(nested(layout))).describe_layer("odd")
    assert described["shape"] == [2, None, 3]
    assert "of shape 2×?×3" in described["description"]


def test_a_shape_is_that_of_torch_where_torch_has_one() -> None:
    assert shape_of(torch.zeros(2, 0, 3)) == (2, 0, 3)
    assert shape_of(torch.tensor(1)) == ()
    assert shape_of(torch.eye(3).to_sparse()) == (3, 3)
    assert shape_of(nn.UninitializedBuffer()) is None
    even = torch.nested.nested_tensor([torch.zeros(2, 3), torch.zeros(2, 3)])
    assert shape_of(even) == (2, 2, 3)


def test_a_tensor_that_is_not_initialised_has_no_live_values() -> None:
    inspector = WeightInspector(model_with(nn.UninitializedBuffer()))
    with pytest.raises(UnsupportedStorage, match="not initialised"):
        inspector.get_layer_weights("odd")


def test_the_model_itself_is_a_module_path() -> None:
    model = model_with(torch.tensor(3.5))
    model.other.weight = model.one.weight
    inspector = WeightInspector(model)
    names = ["odd", "one.bias", "one.weight", "other.bias", "other.weight"]
    assert sorted(inspector.get_weight_statistics("")) == names
    assert sorted(inspector.get_weight_distribution("")) == names
    assert sorted(row["name"] for row in inspector.get_layer_parameters("")) == names
    assert inspector.get_shared_layers("") == ["other.weight"]
    assert inspector.compare_weights("", "")["only_in_first"] == []
    assert sorted(inspector.compare_weights("", "")["tensors"]) == names
    assert inspector.compare_weights("", "one")["only_in_second"] == ["bias", "weight"]
    assert inspector.detect_anomalies("") == inspector.detect_anomalies()
    with pytest.raises(SeveralStorages):
        inspector.get_layer_weights("")
    with pytest.raises(SeveralStorages):
        inspector.find_similar_weights("")


def test_the_path_of_a_model_of_one_tensor_means_that_tensor() -> None:
    model = nn.Linear(3, 3, bias=False)
    inspector = WeightInspector(model)
    assert inspector.get_layer_weights("").data_ptr() == model.weight.data_ptr()
    assert inspector.get_weight_statistics("")["name"] == "weight"
    assert inspector.find_similar_weights("")["reference"] == "weight"
    assert inspector.compare_weights("", "weight")["same_storage"]


def test_a_module_without_tensors_is_known_and_has_nothing_to_read() -> None:
    inspector = WeightInspector(model_with(torch.tensor(3.5)))
    assert inspector.get_weight_statistics("idle") == {}
    assert inspector.get_weight_distribution("idle") == {}
    assert inspector.get_layer_parameters("idle") == []
    assert inspector.get_shared_layers("idle") == []
    assert inspector.detect_anomalies("idle")["checked"] == 0
    for read in (inspector.get_layer_weights, inspector.find_similar_weights):
        with pytest.raises(UnsupportedStorage, match="holds no tensors"):
            read("idle")
    with pytest.raises(UnknownName) as raised:
        inspector.get_weight_statistics("idel")
    assert raised.value.nearest == ("idle",)


@pytest.mark.parametrize("given", [None, 5])
def test_what_is_no_name_is_refused_in_our_words(given: Any) -> None:
    model = model_with(torch.tensor(3.5))
    inspector, navigator = WeightInspector(model), ArchitectureNavigator(model)
    for ask in (inspector.get_layer_weights, inspector.get_shared_layers, inspector.get_layer_parameters):
        with pytest.raises(UnknownName):
            ask(given)
    for ask in (
        inspector.get_weight_statistics,
        inspector.query_weights,
        navigator.describe_layer,
        navigator.explain_component,
        navigator.find_layer_path,
        navigator.find_modules_by_type,
        navigator.query_architecture,
    ):
        with pytest.raises(InvalidArgument):
            ask(given)
