"""A layer answers to every name it has, whichever of them it was captured under."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from introspection import ActivationMonitor, InvalidArgument, NothingCaptured, TemporalAnalyzer, UnknownName

torch.set_num_threads(1)


class Attends(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.project, self.mix = nn.Linear(8, 8), nn.MultiheadAttention(8, 2, batch_first=True)

    def forward(self, x: torch.Tensor) -> Any:
        projected = self.project(x)
        return self.mix(projected, projected, projected)[0]


class Model(nn.Module):
    """One layer under three paths; `late` is registered before the layer that it is a part of."""

    def __init__(self) -> None:
        super().__init__()
        layer = Attends()
        self.late, self.a, self.b = layer.mix, layer, layer
        self.stack = nn.ModuleList([layer, nn.Linear(8, 8)])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.stack[1](self.b(self.a(x)))  # type: ignore[no-any-return]


@pytest.fixture
def monitor() -> ActivationMonitor:
    torch.manual_seed(0)
    return ActivationMonitor(Model())


X = torch.linspace(-1, 1, 80).view(2, 5, 8)
NAMES = ["a", "b", "stack.0"]


@pytest.mark.parametrize("asked", NAMES)
@pytest.mark.parametrize("captured", NAMES)
def test_what_was_captured_under_one_path_is_found_under_every_other(
    monitor: ActivationMonitor, captured: str, asked: str
) -> None:
    activations = monitor.capture_activations(X, captured)
    found = monitor.get_activation_statistics(asked)
    assert found["mean"] == pytest.approx(activations[captured].double().mean().item(), rel=1e-12)
    second = monitor.get_activation_statistics(f"{asked}#1")
    assert second["mean"] == pytest.approx(activations[f"{captured}#1"].double().mean().item(), rel=1e-12)
    assert monitor.get_input_shape(asked) == [2, 5, 8]
    info = monitor.get_layer_info(asked)
    assert (info["name"], info["calls"], len(info["input_shapes"]), len(info["outputs"])) == (asked, 2, 2, 2)
    assert {each["name"] for each in monitor.query_layers(captured=True)} == set(NAMES)
    compared = monitor.compare_activations(activations, activations, asked)
    assert list(compared["layers"]) == [captured, f"{captured}#1"]


def test_a_tensor_stands_for_the_module_that_holds_it_under_every_path(monitor: ActivationMonitor) -> None:
    monitor.capture_activations(X)
    whole = monitor.get_activation_statistics("a.project")
    for name in ("a.project.weight", "b.project.bias", "stack.0.project.weight", "b.project"):
        assert monitor.get_activation_statistics(name) == whole
        assert monitor.get_input_shape(name) == [2, 5, 8]
        assert monitor.get_layer_info(name)["calls"] == 2


@pytest.mark.parametrize("asked", [*NAMES, *(f"{name}.mix" for name in NAMES), "late", "late.in_proj_weight", "a.mix"])
def test_attention_is_captured_and_found_under_every_path(monitor: ActivationMonitor, asked: str) -> None:
    weights = monitor.capture_attention_weights(X, asked)
    # Under the path it was first registered at, wherever in the model that is.
    assert list(weights) == ["late", "late#1"]
    if asked.endswith("weight"):
        asked = "late"
    for name in (asked, "late"):
        assert monitor.get_attention_patterns(name)["name"] == "late"
        assert monitor.get_head_specialisation(name)["name"] == "late"
        assert len(monitor.get_token_attention(name)["tokens"]) == 5


def test_a_capture_and_new_inputs_are_compared_under_the_names_of_the_capture(monitor: ActivationMonitor) -> None:
    before = monitor.capture_activations(X, "a")
    with torch.no_grad():
        monitor.model.get_parameter("b.project.weight").mul_(2)
    compared = monitor.compare_activations(before, X, "stack.0")
    assert list(compared["layers"]) == ["a", "a#1"]
    assert not compared["layers"]["a"]["equal"]
    assert compared["only_in_a"] == compared["only_in_b"] == []


def test_what_was_not_captured_is_not_made_up(monitor: ActivationMonitor) -> None:
    monitor.capture_activations(X, "stack.1")
    for name in (*NAMES, "a#3", "nothing", "b.project.weight"):
        with pytest.raises(UnknownName):
            monitor.get_activation_statistics(name)
    assert monitor.get_input_shape("a") is None
    assert monitor.get_layer_info("b")["calls"] == 0
    with pytest.raises(UnknownName):
        monitor.get_activation_statistics("stack.1#1")


@pytest.mark.parametrize("given", [None, 5, ["a"]])
def test_what_is_no_name_is_refused_in_our_words(monitor: ActivationMonitor, given: Any) -> None:
    monitor.capture_attention_weights(X)
    asks: list[Callable[[Any], Any]] = [
        monitor.get_layer_info,
        monitor.get_attention_patterns,
        monitor.get_head_specialisation,
        monitor.get_token_attention,
    ]
    for ask in asks:
        with pytest.raises(InvalidArgument):
            ask(given)


def test_attention_of_a_layer_without_any_is_an_error_under_every_path(monitor: ActivationMonitor) -> None:
    with pytest.raises(NothingCaptured, match=r"b\.project"):
        monitor.capture_attention_weights(X, "b.project")


def test_layers_of_the_temporal_analysis_are_named_in_every_way() -> None:
    torch.manual_seed(0)
    analyzer = TemporalAnalyzer(Model())
    for layers in (["b"], ["stack.0"], ["a"]):
        assert [entry["layer"] for entry in analyzer.layer_flow(X, layers)["layers"]] == [layers[0], f"{layers[0]}#1"]
    by_tensor = analyzer.layer_flow(X, ["b.project.weight"])["layers"]
    assert [entry["layer"] for entry in by_tensor] == ["b.project", "b.project#1"]
    assert [entry["layer"] for entry in analyzer.layer_flow(X, ["stack.?"])["layers"]] == [
        "stack.0",
        "stack.0#1",
        "stack.1",
    ]
    with pytest.raises(UnknownName):
        analyzer.layer_flow(X, ["nothing"])
