"""Dataflow is what the code really does: held against interventions, on real architectures and on misleading models."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.nn.utils import parametrizations, weight_norm

from introspection.dataflow import Dataflow
from introspection.errors import NotFollowed
from introspection.follow import follow
from introspection.sample_inputs import inputs_from_configuration

ROOT = str(Path(__file__).resolve().parents[3])
if ROOT not in sys.path:
    sys.path.insert(0, ROOT)

from tests.real_architectures import ALL, Call, direct_influences, t5  # noqa: E402

torch.set_num_threads(1)


class Made(nn.Module):
    """Two layers and whatever is done with them."""

    def __init__(self, forward: Callable[[Any, torch.Tensor], Any], **modules: nn.Module) -> None:
        super().__init__()
        self.a, self.b = nn.Linear(4, 4), nn.Linear(4, 4)
        self.does = forward
        for name, module in modules.items():
            setattr(self, name, module)

    def forward(self, x: torch.Tensor) -> Any:
        return self.does(self, x)


def edges(model: nn.Module, sample: Any = None) -> dict[str, list[str]]:
    """Every node and what it reads."""
    flow = follow(model, torch.ones(2, 4) if sample is None else sample)
    found: dict[str, list[str]] = {}
    for edge in flow.edges:
        found.setdefault(edge.target, []).append(edge.source)
    return {target: sorted(sources) for target, sources in found.items()}


def between_modules(flow: Dataflow) -> dict[Call, set[Call]]:
    """The calls and outputs that read each call's output, straight or through residual additions."""
    nodes = {node.id: node for node in flow.nodes}
    after: dict[str, list[str]] = {}
    for edge in flow.edges:
        after.setdefault(edge.source, []).append(edge.target)
    found: dict[Call, set[Call]] = {}
    for node in flow.nodes:
        if node.kind == "module":
            reached: set[Call] = set()
            waiting = list(after.get(node.id, ()))
            while waiting:
                at = nodes[waiting.pop()]
                if at.kind == "residual":
                    waiting.extend(after.get(at.id, ()))
                else:
                    reached.add((at.id if at.kind == "output" else at.path, at.call))
            found[node.path, node.call] = reached
    return found


WRITTEN_OUT = [(name, "eager") for name in ("qwen2", "gpt2", "bert", "t5", "albert")]


@pytest.mark.parametrize(("name", "attention"), [*((name, None) for name in ALL), *WRITTEN_OUT])
def test_connections_are_exactly_those_that_intervention_shows(name: str, attention: str | None) -> None:
    model = ALL[name](**({"attn_implementation": attention} if attention else {}))
    flow = follow(model)
    assert flow.source == "fake_traced"
    assert between_modules(flow) == direct_influences(model, inputs_from_configuration(model)[0])


def test_a_gpt2_block_is_followed_as_its_code_reads() -> None:
    found = edges(ALL["gpt2"](), {"input_ids": torch.arange(4)[None], "use_cache": False})
    block = "transformer.h.1"
    assert found[f"{block}.ln_1#1"] == ["transformer.h.0:+2#1"]
    assert found[f"{block}.attn.c_attn#1"] == [f"{block}.ln_1#1"]
    assert found[f"{block}.attn.c_proj#1"] == [f"{block}.attn.c_attn#1"]
    assert found[f"{block}:+1#1"] == ["transformer.h.0:+2#1", f"{block}.attn.resid_dropout#1"]
    assert found[f"{block}.ln_2#1"] == [f"{block}:+1#1"]
    assert found[f"{block}.mlp.c_fc#1"] == [f"{block}.ln_2#1"]
    assert found[f"{block}:+2#1"] == sorted([f"{block}.mlp.dropout#1", f"{block}:+1#1"])
    assert found["transformer.ln_f#1"] == [f"{block}:+2#1"]
    assert found["output:logits"] == ["lm_head#1"]


def test_a_bert_block_adds_first_and_normalises_after() -> None:
    found = edges(ALL["bert"](), {"input_ids": torch.arange(4)[None]})
    layer = "bert.encoder.layer.0"
    assert found[f"{layer}.attention.output:+1#1"] == [
        "bert.embeddings.dropout#1",
        f"{layer}.attention.output.dropout#1",
    ]
    assert found[f"{layer}.attention.output.LayerNorm#1"] == [f"{layer}.attention.output:+1#1"]
    assert found[f"{layer}.output:+1#1"] == [f"{layer}.attention.output.LayerNorm#1", f"{layer}.output.dropout#1"]


def test_a_t5_decoder_reads_keys_and_values_from_the_encoders_end() -> None:
    found = edges(t5(), {"input_ids": torch.arange(4)[None], "decoder_input_ids": torch.arange(3)[None]})
    for block in ("decoder.block.0", "decoder.block.1"):
        assert found[f"{block}.layer.1.EncDecAttention.q#1"] == [f"{block}.layer.1.layer_norm#1"]
        assert found[f"{block}.layer.1.EncDecAttention.k#1"] == ["encoder.dropout#2"]
    # The bias of relative positions is made in the first block and used in every one.
    bias = "encoder.block.0.layer.0.SelfAttention.relative_attention_bias#1"
    assert bias in found["encoder.block.0.layer.0.SelfAttention.o#1"]
    assert bias in found["encoder.block.1.layer.0.SelfAttention.o#1"]


def test_each_application_of_alberts_one_block_is_a_call_of_its_own() -> None:
    flow = follow(ALL["albert"]())
    layer = "albert.encoder.albert_layer_groups.0.albert_layers.0"
    assert flow.calls[layer] == 3
    found = {(edge.source, edge.target) for edge in flow.edges}
    for call in (1, 2):
        assert (f"{layer}.full_layer_layer_norm#{call}", f"{layer}.attention.query#{call + 1}") in found
    assert (f"{layer}.full_layer_layer_norm#3", "predictions.dense#1") in found
    assert (f"{layer}.full_layer_layer_norm#2", "predictions.dense#1") not in found


def test_order_of_registration_and_numbers_in_names_say_nothing() -> None:
    model = nn.ModuleDict({"layer1": nn.Linear(4, 4), "layer2": nn.Linear(4, 4), "layer0": nn.Linear(4, 4)})

    class Turned(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layers = model

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            x = self.layers["layer2"](x)
            return self.layers["layer1"](self.layers["layer0"](x))

    found = edges(Turned())
    assert found["layers.layer2#1"] == ["input:x"]
    assert found["layers.layer0#1"] == ["layers.layer2#1"]
    assert found["layers.layer1#1"] == ["layers.layer0#1"]
    assert found["output:output"] == ["layers.layer1#1"]


def test_layers_side_by_side_are_not_connected() -> None:
    found = edges(Made(lambda self, x: torch.cat([self.a(x), self.b(x)])))
    assert found == {"a#1": ["input:x"], "b#1": ["input:x"], "output:output": ["a#1", "b#1"]}


def test_only_a_value_and_something_computed_from_it_are_a_residual_addition() -> None:
    flow = follow(Made(lambda self, x: (x + self.a(x)) + self.b(torch.ones(2, 4))), torch.ones(2, 4))
    assert [node.id for node in flow.nodes if node.kind == "residual"] == [":+1#1"]
    assert {edge.source for edge in flow.edges if edge.target == ":+1#1"} == {"input:x", "a#1"}


def test_an_addition_in_place_is_a_residual_too() -> None:
    def forward(self: Made, x: torch.Tensor) -> torch.Tensor:
        x = self.a(x)
        x += self.b(x)
        return x

    assert edges(Made(forward))[":+1#1"] == ["a#1", "b#1"]


def test_what_is_written_through_a_view_is_read_from_the_whole() -> None:
    def forward(self: Made, x: torch.Tensor) -> torch.Tensor:
        whole = torch.zeros(4, 4)
        whole[:2] = self.a(x)
        whole[2:].copy_(self.b(x))
        return whole

    assert edges(Made(forward))["output:output"] == ["a#1", "b#1"]


def test_a_shape_or_a_type_taken_from_a_tensor_carries_none_of_its_values() -> None:
    def forward(self: Made, x: torch.Tensor) -> torch.Tensor:
        a = self.a(x)
        start = torch.zeros_like(a) + x.to(a) + x.new_ones(a.shape)
        return self.b(start.view_as(a))

    assert edges(Made(forward))["b#1"] == ["input:x"]


def test_an_argument_a_module_does_not_read_is_no_connection() -> None:
    class OnlyTheShape(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.ones(4))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.weight.expand(x.shape)

    found = edges(Made(lambda self, x: self.b(self.shape(self.a(x))), shape=OnlyTheShape()))
    assert "shape#1" not in found
    assert found["b#1"] == ["shape#1"]


def test_a_module_that_hands_its_input_on_is_told_from_that_input() -> None:
    def forward(self: Made, x: torch.Tensor) -> torch.Tensor:
        a = self.a(x)
        return torch.cat([self.same(a), self.b(a)])

    found = edges(Made(forward, same=nn.Identity()))
    assert found["same#1"] == ["a#1"]
    assert found["b#1"] == ["a#1"]
    assert found["output:output"] == ["b#1", "same#1"]


def test_a_value_made_where_nothing_can_be_seen_comes_from_what_the_module_was_given() -> None:
    class Doubled(torch.autograd.Function):
        @staticmethod
        def forward(_context: Any, x: torch.Tensor) -> torch.Tensor:
            with torch._C.DisableTorchFunction():
                return x * 2

    class Hidden(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            out: torch.Tensor = Doubled.apply(x)
            return out

    assert edges(Made(lambda self, x: self.b(self.hidden(self.a(x))), hidden=Hidden()))["b#1"] == ["hidden#1"]


def test_a_weight_another_module_holds_is_a_source_of_its_own() -> None:
    found = edges(Made(lambda self, x: functional.linear(self.a(x), self.b.weight)))
    assert found["output:output"] == ["a#1", "tensor:b.weight"]
    assert follow(Made(lambda self, x: self.a(x)), torch.ones(2, 4)).uncalled == ("b",)


def test_parametrized_and_weight_normed_layers_are_one_step() -> None:
    with pytest.warns(FutureWarning):
        old = weight_norm(nn.Linear(4, 4))
    model = nn.Sequential(parametrizations.weight_norm(nn.Linear(4, 4)), nn.ReLU(), old)
    assert edges(model) == {
        "0#1": ["input:input"],
        "1#1": ["0#1"],
        "2#1": ["1#1"],
        "output:output": ["2#1"],
    }


def test_one_module_under_two_names_is_called_twice() -> None:
    layer = nn.Linear(4, 4)
    flow = follow(nn.Sequential(layer, nn.ReLU(), layer), torch.ones(2, 4))
    assert flow.calls == {"0": 2, "1": 1}
    assert [node.id for node in flow.nodes if node.kind == "module"] == ["0#1", "1#1", "0#2"]


def test_positional_keyword_and_several_inputs_are_named_as_forward_names_them() -> None:
    class Two(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a = nn.Bilinear(4, 4, 4)

        def forward(self, left: torch.Tensor, right: torch.Tensor) -> dict[str, torch.Tensor]:
            return {"mixed": self.a(left, right), "right": right}

    x = torch.ones(2, 4)
    for sample in ((x, x.clone()), {"left": x, "right": x.clone()}):
        assert edges(Two(), sample) == {
            "a#1": ["input:left", "input:right"],
            "output:mixed": ["a#1"],
            "output:right": ["input:right"],
        }


def test_every_reason_is_said_where_no_forward_can_be_followed() -> None:
    with pytest.raises(NotFollowed, match="no sample input was given, and it has no config"):
        follow(nn.Linear(4, 4))
    with pytest.raises(NotFollowed, match=r"on fake copy: .*on real copy: .*on model: "):
        follow(nn.Linear(4, 4), torch.ones(2, 5))
