"""Questions in words: each rule answers by the method it names, with that method's facts."""

from __future__ import annotations

import json
import math

import pytest
import torch
from torch import nn

from introspection import InvalidArgument, WeightInspector

torch.set_num_threads(1)


@pytest.fixture
def inspector() -> WeightInspector:
    torch.manual_seed(0)
    model = nn.Module()
    model.embed = nn.Embedding(20, 8)
    model.layers = nn.ModuleList(nn.Linear(8, 8) for _ in range(3))
    model.norm = nn.LayerNorm(8)
    model.head = nn.Linear(8, 20, bias=False)
    model.head.weight = model.embed.weight
    return WeightInspector(model)


ASKED = [
    ("Which weights are tied?", "get_shared_weights", {}),
    ("what shares memory with head.weight?", "get_shared_layers", {"name": "head.weight"}),
    ("Do head.weight and embed.weight share memory?", "compare_weights", {"a": "head.weight", "b": "embed.weight"}),
    ("How does layers.0.weight differ from layers.1.weight", "compare_weights", None),
    (
        "what is similar to layers.0.weight?",
        "find_similar_weights",
        {"ref": "layers.0.weight", "metric": "correlation"},
    ),
    ("which is closest to layers.0.weight by l2", "find_similar_weights", {"metric": "l2"}),
    ("Is anything wrong with the weights?", "detect_anomalies", {"names": None}),
    ("are there NaN in layers.1 or head", "detect_anomalies", {"names": ["layers.1", "head"]}),
    ("How are the values of layers.0.bias distributed?", "get_weight_distribution", {"name": "layers.0.bias"}),
    ("what are the mean and norm of 'norm.weight'?", "get_weight_statistics", {"name": "norm.weight"}),
    ("what is the shape of layers.2", "get_layer_parameters", {"prefix": "layers.2"}),
    ("how many parameters are there?", "get_weight_summary", {}),
    ("How many elements has layers.2?", "get_layer_parameters", {"prefix": "layers.2"}),
    ("Which are the largest weights?", "get_weight_summary", {}),
    ("List the layers", "get_layer_names", {}),
    ("list all parameters", "list_parameters", {}),
    ("layers.0.weight", "get_layer_parameters", {"prefix": "layers.0.weight"}),
]


@pytest.mark.parametrize(("text", "method", "arguments"), ASKED)
def test_each_kind_of_question_is_answered_by_its_method(
    inspector: WeightInspector, text: str, method: str, arguments: dict[str, object] | None
) -> None:
    found = inspector.query_weights(text)
    assert found["method"] == method
    assert (arguments or {}).items() <= found["arguments"].items()
    assert found["answer"]
    assert "can_answer" not in found
    # The answer is the method's own, and asking again gives it again.
    result = getattr(inspector, method)(**found["arguments"])
    assert found["result"] == result
    assert inspector.query_weights(text) == found
    assert json.loads(json.dumps(found, allow_nan=False)) == found


def test_the_answer_says_the_facts(inspector: WeightInspector) -> None:
    assert inspector.query_weights("which weights are tied?")["answer"] == (
        "1 storages have several names: embed.weight and head.weight"
    )
    statistics = inspector.get_weight_statistics("embed.weight")
    answer = inspector.query_weights("what is the std of embed.weight?")["answer"]
    assert f"std {statistics['std']}" in answer
    assert "head.weight" in answer
    assert "mean" not in answer
    assert "are the same bytes" in inspector.query_weights("are head.weight and embed.weight shared?")["answer"]


def test_answers_are_of_this_moment(inspector: WeightInspector) -> None:
    question = "what shares memory with head.weight?"
    assert "embed.weight" in inspector.query_weights(question)["answer"]
    head = inspector._scanner.model.head
    head.weight = nn.Parameter(head.weight.detach().clone())
    assert inspector.query_weights(question)["answer"] == "head.weight shares memory with no other name"
    with torch.no_grad():
        head.weight[0, 0] = math.nan
    assert "1 NaN" in inspector.query_weights("is anything wrong?")["answer"]


@pytest.mark.parametrize("text", ["Why is the sky blue?", "hello", "12 + 30", "?"])
def test_a_question_no_rule_fits_is_told_what_can_be_asked(inspector: WeightInspector, text: str) -> None:
    found = inspector.query_weights(text)
    assert found["method"] is found["result"] is None
    assert found["answer"].startswith("Not answered")
    assert "What are the mean and the norm of NAME?" in found["can_answer"]


def test_a_name_that_does_not_exist_is_not_guessed_at(inspector: WeightInspector) -> None:
    found = inspector.query_weights("what is the mean of layers.0.wieght?")
    assert found["method"] is None
    assert "'layers.0.wieght'" in found["answer"]
    assert "'layers.0.weight'" in found["answer"]


def test_a_question_that_lacks_its_name_says_so(inspector: WeightInspector) -> None:
    found = inspector.query_weights("what is the median?")
    assert found["method"] is None
    assert "takes 1 names and has 0" in found["answer"]


def test_a_word_that_is_also_a_module_is_a_name_in_quotes(inspector: WeightInspector) -> None:
    assert inspector.query_weights("what is the mean of `norm`?")["arguments"] == {"name": "norm"}
    assert inspector.query_weights("the norm of layers.0.weight")["arguments"] == {"name": "layers.0.weight"}


def test_errors_become_answers(inspector: WeightInspector) -> None:
    found = inspector.query_weights("what is similar to layers.0")
    assert found["method"] is None
    assert "names 2 storages" in found["answer"]
    meta = WeightInspector(nn.Sequential(nn.Linear(2, 2, device="meta")))
    assert "meta" in meta.query_weights("mean of 0.weight or `0.weight`")["answer"]


def test_long_lists_are_cut_and_counted() -> None:
    found = WeightInspector(nn.Sequential(*(nn.Linear(1, 1) for _ in range(30)))).query_weights("list the parameters")
    assert found["result"]["total"] == 60
    assert len(found["result"]["first"]) == 20
    assert "and 40 more" in found["answer"]


def test_there_must_be_a_question(inspector: WeightInspector) -> None:
    with pytest.raises(InvalidArgument, match="text"):
        inspector.query_weights("  ")
