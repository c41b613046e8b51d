"""Capturing activations: what is kept is what the layers gave, under names that tell calls apart, within a budget."""

from __future__ import annotations

import json
import math
from collections import namedtuple
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch import nn

from introspection.activations import ActivationMonitor
from introspection.errors import (
    CaptureBudgetExceeded,
    InvalidArgument,
    NothingCaptured,
    UnknownName,
    UnsupportedStorage,
)

torch.set_num_threads(1)

IDS = torch.tensor([[5, 9, 2, 7, 1, 8]])
Tiny = Callable[[str], Any]


def net() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 2))


def test_what_is_kept_is_what_each_layer_gave() -> None:
    model, x = net(), torch.randn(3, 4)
    captured = ActivationMonitor(model).capture_activations(x)
    first = x @ model[0].weight.T + model[0].bias
    assert list(captured) == ["0", "1", "2"]
    torch.testing.assert_close(captured["0"], first)
    torch.testing.assert_close(captured["1"], first.clamp(min=0))
    torch.testing.assert_close(captured["2"], model(x))


@pytest.mark.parametrize("name", ["qwen2", "gpt2", "bert", "t5", "albert"])
def test_hidden_states_are_those_transformers_gives(tiny: Tiny, name: str) -> None:
    model = tiny(name)
    inputs = {"input_ids": IDS} | ({"decoder_input_ids": IDS[:, :3]} if name == "t5" else {})
    blocks = {
        "qwen2": "model.layers.*", "gpt2": "transformer.h.*", "bert": "encoder.layer.*", "t5": "encoder.block.*",
        "albert": "encoder.albert_layer_groups.0.albert_layers.0",
    }[name]  # fmt: skip
    children = [
        path for path in ActivationMonitor(model).get_layer_names(blocks) if path.count(".") == blocks.count(".")
    ]
    captured = ActivationMonitor(model).capture_activations(inputs, children)
    with torch.no_grad():
        output = model(**inputs, output_hidden_states=True)
    states = output.encoder_hidden_states if name == "t5" else output.hidden_states
    names = [each for each in captured if not each.endswith("]")]
    assert len(names) == len(states) - 1
    # The last of transformers' hidden states is normalised in these.
    known = names[:-1] if name in ("qwen2", "gpt2", "t5") else names
    for each, state in zip(known, states[1:], strict=False):
        torch.testing.assert_close(captured[each], state)


def test_a_module_given_its_own_inputs_again_gives_what_was_captured(tiny: Tiny) -> None:
    model = tiny("qwen2")
    layer = model.model.layers[1].mlp
    given: list[torch.Tensor] = []
    hook = layer.register_forward_pre_hook(lambda module, args: given.append(args[0].clone()))
    model(IDS)
    hook.remove()
    captured = ActivationMonitor(model).capture_activations({"input_ids": IDS}, "model.layers.1.mlp")
    torch.testing.assert_close(captured["model.layers.1.mlp"], layer(given[0]))


def test_every_call_of_a_shared_layer_is_kept_apart(tiny: Tiny) -> None:
    model = tiny("albert")
    layer = "encoder.albert_layer_groups.0.albert_layers.0"
    captured = ActivationMonitor(model).capture_activations({"input_ids": IDS}, layer)
    with torch.no_grad():
        states = model(IDS, output_hidden_states=True).hidden_states
    assert captured.calls == {layer: 3}
    assert list(captured) == [layer, f"{layer}#1", f"{layer}#2"] == captured.names[layer]
    for name, state in zip(captured, states[1:], strict=True):
        torch.testing.assert_close(captured[name], state)


def test_a_module_with_two_paths_is_captured_under_the_path_asked_for() -> None:
    model = nn.ModuleDict({"a": nn.Linear(3, 3)})
    shared = nn.Sequential(model["a"], nn.Tanh(), model["a"])
    monitor = ActivationMonitor(shared)
    assert monitor.get_layer_names() == ["0", "1", "2"]
    captured = monitor.capture_activations(torch.randn(2, 3), ["2"])
    assert list(captured) == ["2", "2#1"]
    assert list(monitor.capture_activations(torch.randn(2, 3))) == ["0", "1", "0#1"]


def test_layers_are_named_by_pattern_container_tensor_or_path(tiny: Tiny) -> None:
    model = tiny("gpt2")
    monitor = ActivationMonitor(model)
    inputs = {"input_ids": IDS}
    assert set(monitor.capture_activations(inputs, "transformer.h.?.mlp").names) == {
        "transformer.h.0.mlp", "transformer.h.1.mlp"
    }  # fmt: skip
    assert set(monitor.capture_activations(inputs, "transformer.h").names) == {"transformer.h.0", "transformer.h.1"}
    assert set(monitor.capture_activations(inputs, "lm_head.weight").names) == {"lm_head"}
    logits = monitor.capture_activations(inputs, [""])
    assert list(logits) == [""]
    torch.testing.assert_close(logits[""], model(IDS).logits.detach())


def test_an_unknown_layer_suggests_the_nearest(tiny: Tiny) -> None:
    monitor = ActivationMonitor(tiny("gpt2"))
    with pytest.raises(UnknownName) as error:
        monitor.capture_activations({"input_ids": IDS}, "transformer.h.0.mpl")
    assert "transformer.h.0.mlp" in error.value.nearest
    with pytest.raises(UnknownName):
        monitor.capture_activations({"input_ids": IDS}, "transformer.q.*")


class Unused(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.used = nn.Linear(3, 3)
        self.spare = nn.Linear(3, 3)
        self.words = Words()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.words(x)
        return self.used(x)


class Words(nn.Module):
    def forward(self, x: torch.Tensor) -> str:
        return "no tensor"


def test_a_layer_that_was_not_called_or_gave_no_tensor_is_an_error() -> None:
    monitor = ActivationMonitor(Unused())
    with pytest.raises(NothingCaptured, match=r"'spare'.*it was not called"):
        monitor.capture_activations(torch.randn(2, 3), ["used", "spare"])
    with pytest.raises(NothingCaptured, match=r"'words'.*no tensor"):
        monitor.capture_activations(torch.randn(2, 3), "words")
    # A pattern asks for whichever there are; by name each is asked for itself, also where the pattern was answered.
    x = torch.randn(2, 3)
    assert list(monitor.capture_activations(x, "*s*e*")) == ["used"]
    with pytest.raises(NothingCaptured, match=r"'spare'"):
        monitor.capture_activations(x, ["used", "spare"])
    with pytest.raises(NothingCaptured, match=r"'spare'"):
        monitor.capture_activations(x, "spar?")
    assert list(monitor.capture_activations(torch.randn(2, 3))) == ["used"]


Pair = namedtuple("Pair", ["left", "right"])


@dataclass
class Made:
    state: torch.Tensor
    extra: dict[str, Any]


class Cache:
    def __init__(self, held: torch.Tensor) -> None:
        self.held = held


class Giving(nn.Module):
    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind = kind

    def forward(self, x: torch.Tensor) -> Any:
        return {
            "tuple": (x, None, "word", (x + 1, Cache(x))),
            "named": Pair(x, x + 1),
            "dataclass": Made(x, {"more": x + 1}),
            "dict": {"a": None, "b": x, "c": [x + 1]},
        }[self.kind]


@pytest.mark.parametrize(
    ("kind", "second"),
    [("tuple", "0[3][0]"), ("named", "0['right']"), ("dataclass", "0['extra']['more']"), ("dict", "0['c'][0]")],
)
def test_every_tensor_of_a_composed_output_is_kept_and_the_first_has_the_plain_name(kind: str, second: str) -> None:
    x = torch.randn(2, 3)
    captured = ActivationMonitor(Giving(kind)).capture_activations(x, [""])
    assert list(captured) == ["", second.removeprefix("0")]
    assert torch.equal(captured[""], x)
    assert torch.equal(captured[second.removeprefix("0")], x + 1)


class Overwriting(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Linear(3, 3)
        self.after = nn.ReLU(inplace=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        made = self.inner(x)
        made.data.zero_()
        return self.after(made)


def test_what_the_model_later_does_in_place_does_not_change_what_was_captured() -> None:
    model, x = Overwriting(), torch.randn(2, 3)
    captured = ActivationMonitor(model).capture_activations(x, "inner")
    torch.testing.assert_close(captured["inner"], model.inner(x).detach())


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16, torch.float16])
def test_the_dtype_is_kept_and_no_graph_is(dtype: torch.dtype) -> None:
    captured = ActivationMonitor(net().to(dtype)).capture_activations(torch.randn(3, 4, dtype=dtype))
    assert {tensor.dtype for tensor in captured.values()} == {dtype}
    assert not any(tensor.requires_grad for tensor in captured.values())
    assert not any(tensor.is_inference() for tensor in captured.values())


def test_a_capture_over_the_budget_is_refused_with_layer_and_bytes() -> None:
    model, x = net(), torch.randn(10, 4)
    # Layer 0 gives 10 x 6 float32, layer 1 the same.
    with pytest.raises(CaptureBudgetExceeded) as error:
        ActivationMonitor(model, max_bytes=479).capture_activations(x)
    assert (error.value.layer, error.value.needed, error.value.used, error.value.max_bytes) == ("1", 240, 240, 479)
    assert "max_bytes" in error.value.remedy
    assert len(ActivationMonitor(model, max_bytes=560).capture_activations(x)) == 3


class Expanding(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        # 40 TB if it were copied.
        return x.expand(10_000_000_000_000, 1)


def test_the_budget_counts_what_a_copy_takes_and_refuses_before_it_is_made() -> None:
    with pytest.raises(CaptureBudgetExceeded, match="40,000,000,000,000 bytes"):
        ActivationMonitor(nn.Sequential(Expanding())).capture_activations(torch.ones(1, 1))


def test_older_captures_are_let_go_for_a_new_one() -> None:
    model = net()
    monitor = ActivationMonitor(model, max_bytes=700)
    one, two = torch.randn(10, 4), torch.randn(10, 4)
    first = monitor.capture_activations(one)
    assert monitor.capture_activations(two) is not first
    again = monitor.capture_activations(one)
    assert again is not first
    assert torch.equal(again["2"], first["2"])


def test_text_needs_a_tokenizer_and_is_cut_at_max_length(tiny: Tiny, tokenizer: Any) -> None:
    model = tiny("gpt2")
    with pytest.raises(InvalidArgument, match="tokenizer"):
        ActivationMonitor(model).capture_activations("the cat sat")
    monitor = ActivationMonitor(model, tokenizer)
    captured = monitor.capture_activations("the cat sat on the mat", "transformer.h.0", max_length=4)
    assert captured["transformer.h.0"].shape == (1, 4, 32)
    assert captured.sequence.tokens == (("the", "cat", "sat", "on"),)
    assert monitor.get_input_shape() == [1, 4]
    assert monitor.get_input_shape("transformer.h.0.mlp") is None
    assert monitor.get_input_shape("transformer.h.0") == [1, 4, 32]
    ids = tokenizer("the cat sat on", return_tensors="pt")
    torch.testing.assert_close(
        captured["transformer.h.0"], monitor.capture_activations(ids, "transformer.h.0")["transformer.h.0"]
    )


def test_an_encoder_decoder_given_text_decodes_from_its_start_token(tiny: Tiny, tokenizer: Any) -> None:
    monitor = ActivationMonitor(tiny("t5"), tokenizer)
    captured = monitor.capture_activations("the cat sat", ["encoder", "decoder"])
    assert captured["encoder"].shape == (1, 3, 32)
    assert captured["decoder"].shape == (1, 1, 32)


def test_a_model_without_values_cannot_be_run() -> None:
    with torch.device("meta"):
        model = nn.Sequential(nn.Linear(3, 3))
    with pytest.raises(UnsupportedStorage, match="meta"):
        ActivationMonitor(model).capture_activations(torch.randn(1, 3))
    with pytest.raises(UnsupportedStorage, match="not initialised"):
        ActivationMonitor(nn.Sequential(nn.LazyLinear(3))).capture_activations(torch.randn(1, 3))


def test_training_mode_is_used_when_asked_for() -> None:
    model = nn.Sequential(nn.Dropout(0.5)).eval()
    monitor = ActivationMonitor(model)
    x = torch.ones(1, 1000)
    assert torch.equal(monitor.capture_activations(x)["0"], x)
    assert 300 < int((monitor.capture_activations(x, training=True)["0"] == 0).sum()) < 700
    model.train()
    assert torch.equal(monitor.capture_activations(x)["0"], x)
    assert int((monitor.capture_activations(x, training=None)["0"] == 0).sum()) > 300


def test_compiled_models_and_torchs_fused_layers_are_run_so_that_every_layer_is_seen() -> None:
    torch.manual_seed(0)
    layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True).eval()
    x = torch.randn(2, 5, 8)
    captured = ActivationMonitor(layer).capture_activations(x)
    assert {"self_attn", "linear1", "linear2", "norm1", "norm2"} <= set(captured)
    torch.testing.assert_close(captured["norm2"], layer(x).detach(), atol=1e-5, rtol=1e-5)
    compiled = torch.compile(net(), backend="eager")
    y = torch.randn(2, 4)
    compiled(y)
    seen = ActivationMonitor(compiled).capture_activations(y, "_orig_mod.1")
    torch.testing.assert_close(seen["_orig_mod.1"], compiled._orig_mod[:2](y).detach())


def test_registered_hooks_keep_the_last_run_until_they_are_cleared() -> None:
    model = net()
    monitor = ActivationMonitor(model)
    assert monitor.register_hooks(["0", "2"]) == ["0", "2"]
    x, y = torch.randn(3, 4), torch.randn(2, 4)
    model(x)
    expected = model(y)
    assert list(monitor.activations) == ["0", "2"]
    torch.testing.assert_close(monitor.activations["2"], expected.detach())
    assert monitor.get_activation_statistics("2")["shape"] == [2, 2]
    assert monitor.get_input_shape() == [2, 4]
    monitor.clear_activations()
    assert not monitor.activations
    model(x)
    assert monitor.activations["2"].shape == (3, 2)
    monitor.clear_hooks()
    model(y)
    assert not monitor.activations
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in model.modules())


def test_hooks_that_exceed_the_budget_are_gone_when_their_error_leaves_the_forward() -> None:
    model = net()
    monitor = ActivationMonitor(model, max_bytes=300)
    monitor.register_hooks()
    with pytest.raises(CaptureBudgetExceeded):
        model(torch.randn(10, 4))
    assert model(torch.randn(10, 4)).shape == (10, 2)
    assert not any(module._forward_hooks for module in model.modules())


def test_a_capture_does_not_disturb_registered_hooks() -> None:
    model = net()
    monitor = ActivationMonitor(model)
    monitor.register_hooks("2")
    x = torch.randn(3, 4)
    expected = model(x).detach()
    captured = monitor.capture_activations(torch.randn(7, 4))
    assert captured["2"].shape == (7, 2)
    assert torch.equal(monitor.activations["2"], expected)
    model(torch.randn(5, 4))
    assert monitor.activations["2"].shape == (5, 2)
    monitor.clear_hooks()
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in model.modules())


def test_statistics_are_of_the_captured_values_and_survive_nan() -> None:
    model = net()
    monitor = ActivationMonitor(model)
    with pytest.raises(NothingCaptured, match="no capture"):
        monitor.get_activation_statistics("0")
    captured = monitor.capture_activations(torch.randn(3, 4))
    found = monitor.get_activation_statistics("1")
    assert math.isclose(found["mean"], float(captured["1"].double().mean()))
    assert math.isclose(found["zero_share"], float((captured["1"] == 0).double().mean()))
    assert (found["shape"], found["dtype"], found["calls"], found["others"]) == ([3, 6], "float32", 1, [])
    assert list(monitor.get_activation_statistics(["0", "2"])) == ["0", "2"]
    assert list(monitor.get_activation_statistics()) == ["0", "1", "2"]
    with pytest.raises(UnknownName):
        monitor.get_activation_statistics("7")
    monitor.capture_activations(torch.full((3, 4), torch.nan))
    broken = monitor.get_activation_statistics("2")
    assert broken["nan_count"] == 6
    assert broken["mean"] is None
    json.dumps(monitor.get_activation_statistics(), allow_nan=False)


def test_two_runs_are_compared_layer_by_layer() -> None:
    model = net()
    monitor = ActivationMonitor(model)
    x = torch.randn(3, 4)
    before = monitor.capture_activations(x)
    same = monitor.compare_activations(x, x)
    assert all(each["equal"] and each["relative_change"] == 0.0 for each in same["layers"].values())
    assert same["most_changed"] is None
    with torch.no_grad():
        model[2].weight.mul_(2)
        model[2].bias.mul_(2)
    after = monitor.compare_activations(before, x)
    assert after["layers"]["0"]["equal"]
    assert after["layers"]["1"]["equal"]
    assert math.isclose(after["layers"]["2"]["relative_change"], 1.0, rel_tol=1e-6)
    assert math.isclose(after["layers"]["2"]["cosine"], 1.0, rel_tol=1e-6)
    assert after["most_changed"] == "2"
    longer = monitor.compare_activations(x, torch.randn(5, 4), ["2"])["layers"]
    assert list(longer) == ["2"]
    assert longer["2"]["compared"] == "means"
    assert longer["2"]["linear_cka"] is None
    json.dumps(after, allow_nan=False)


def test_padding_does_not_count_in_a_comparison(tiny: Tiny, tokenizer: Any) -> None:
    monitor = ActivationMonitor(tiny("bert"), tokenizer)
    padded = monitor.capture_activations(["the cat sat on the mat", "a dog"], "encoder.layer.1")
    changed = monitor.capture_activations(["the cat sat on the mat", "a dog"], "encoder.layer.1", training=None)
    changed["encoder.layer.1"][1, 2:] += 100
    assert monitor.compare_activations(padded, changed)["layers"]["encoder.layer.1"]["relative_change"] == 0.0


def test_layers_are_described_with_what_was_captured_of_them(tiny: Tiny) -> None:
    model = tiny("albert")
    monitor = ActivationMonitor(model)
    layer = "encoder.albert_layer_groups.0.albert_layers.0"
    info = monitor.get_layer_info(layer)
    assert info["module_type"] == "AlbertLayer"
    assert info["parameters"] == sum(
        each.numel() for each in model.encoder.albert_layer_groups[0].albert_layers[0].parameters()
    )
    assert (info["calls"], info["outputs"]) == (0, {})
    monitor.capture_activations({"input_ids": IDS}, layer)
    info = monitor.get_layer_info(layer)
    assert info["calls"] == 3
    assert info["input_shapes"] == [[1, 6, 32]] * 3
    assert info["outputs"][f"{layer}#2"] == {"shape": [1, 6, 32], "dtype": "float32"}
    assert [each["name"] for each in monitor.query_layers(captured=True)] == [layer]
    linear = monitor.query_layers("attention", module_type="Linear", min_parameters=1)
    assert [each["name"].rsplit(".", 1)[-1] for each in linear] == ["query", "key", "value", "dense"]
    assert monitor.get_layer_info(f"{layer}.ffn.weight")["name"] == f"{layer}.ffn"
    with pytest.raises(UnknownName):
        monitor.get_layer_info("encoder.nowhere")
    json.dumps(monitor.query_layers())


def test_aliases_are_told_and_containers_are_not_listed() -> None:
    block = nn.Linear(3, 3)
    model = nn.Sequential(nn.ModuleList([block]), block)
    monitor = ActivationMonitor(model)
    assert monitor.get_layer_names() == ["0.0", "1"]
    assert monitor.get_layer_info("1")["aliases"] == ["0.0"]
    assert monitor.get_layer_info("0")["can_be_called"] is False
