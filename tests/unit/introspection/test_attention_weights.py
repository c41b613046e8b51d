"""Captured attention weights are those the model uses: computed again by hand from queries and keys, for each kind."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional

from introspection.activations import ActivationMonitor
from introspection.attention_weights import attention_of, is_attention
from introspection.errors import CaptureBudgetExceeded, InvalidArgument, NothingCaptured, UnknownName

torch.set_num_threads(1)

IDS = torch.tensor([[5, 9, 2, 7, 1, 8], [3, 4, 4, 6, 2, 1]])
Tiny = Callable[[str], Any]


def heads(projected: torch.Tensor, count: int) -> torch.Tensor:
    """(batch, tokens, heads * size) as (batch, heads, tokens, size)."""
    return projected.view(*projected.shape[:2], count, -1).transpose(1, 2)


def softmax_of(query: torch.Tensor, key: torch.Tensor, scale: float, causal: bool) -> torch.Tensor:
    scores = query.double() @ key.double().transpose(-2, -1) * scale
    if causal:
        scores += torch.full(scores.shape[-2:], -torch.inf, dtype=torch.float64).triu(1)
    return (scores.exp() / scores.exp().sum(-1, keepdim=True)).float()


def state_into(model: nn.Module, module: nn.Module, inputs: dict[str, torch.Tensor]) -> torch.Tensor:
    given: list[torch.Tensor] = []

    def keep(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        given.append((args[0] if args else kwargs["hidden_states"]).detach())

    hook = module.register_forward_pre_hook(keep, with_kwargs=True)
    with torch.no_grad():
        model(**inputs)
    hook.remove()
    return given[0]


def test_gpt2_weights_are_softmax_of_queries_and_keys(tiny: Tiny) -> None:
    model = tiny("gpt2")
    assert model.config._attn_implementation == "sdpa"
    captured = ActivationMonitor(model).capture_attention_weights({"input_ids": IDS})
    assert list(captured) == ["transformer.h.0.attn", "transformer.h.1.attn"]
    attention = model.transformer.h[1].attn
    query, key, _ = attention.c_attn(state_into(model, attention, {"input_ids": IDS})).split(32, dim=2)
    expected = softmax_of(heads(query, 4), heads(key, 4), 8**-0.5, causal=True)
    torch.testing.assert_close(captured["transformer.h.1.attn"], expected)


def test_qwen2_weights_are_those_of_rotated_queries_and_shared_keys(tiny: Tiny) -> None:
    model = tiny("qwen2")
    captured = ActivationMonitor(model).capture_attention_weights({"input_ids": IDS}, "model.layers.0")
    assert list(captured) == ["model.layers.0.self_attn"]
    attention = model.model.layers[0].self_attn
    state = state_into(model, attention, {"input_ids": IDS})
    query, key = heads(attention.q_proj(state), 4), heads(attention.k_proj(state), 2)
    half = torch.arange(4, dtype=torch.float32)
    angles = torch.arange(6).unsqueeze(1) / model.config.rope_parameters["rope_theta"] ** (half / 4)

    def rotated(vectors: torch.Tensor) -> torch.Tensor:
        first, second = vectors[..., :4], vectors[..., 4:]
        cos, sin = angles.cos(), angles.sin()
        return torch.cat([first * cos - second * sin, second * cos + first * sin], -1)

    expected = softmax_of(rotated(query), rotated(key).repeat_interleave(2, 1), 8**-0.5, causal=True)
    torch.testing.assert_close(captured["model.layers.0.self_attn"], expected, atol=1e-5, rtol=1e-4)


def test_bert_weights_leave_padding_out(tiny: Tiny) -> None:
    model = tiny("bert")
    mask = torch.ones_like(IDS)
    mask[1, 4:] = 0
    inputs = {"input_ids": IDS, "attention_mask": mask}
    weights = ActivationMonitor(model).capture_attention_weights(inputs)["encoder.layer.0.attention.self"]
    attention = model.encoder.layer[0].attention.self
    state = state_into(model, attention, inputs)
    query, key = heads(attention.query(state), 4), heads(attention.key(state), 4)
    torch.testing.assert_close(weights[:1], softmax_of(query[:1], key[:1], 8**-0.5, causal=False))
    torch.testing.assert_close(weights[1:, :, :, :4], softmax_of(query[1:], key[1:, :, :4], 8**-0.5, causal=False))
    assert not weights[1, :, :, 4:].any()


def test_t5_gives_encoder_decoder_and_cross_attention_told_apart(tiny: Tiny) -> None:
    model = tiny("t5")
    inputs = {"input_ids": IDS, "decoder_input_ids": IDS[:, :3]}
    monitor = ActivationMonitor(model)
    captured = monitor.capture_attention_weights(inputs)
    with torch.no_grad():
        model.set_attn_implementation("eager")
        output = model(**inputs, output_attentions=True)
    for index in range(2):
        names = (
            f"encoder.block.{index}.layer.0.SelfAttention",
            f"decoder.block.{index}.layer.0.SelfAttention",
            f"decoder.block.{index}.layer.1.EncDecAttention",
        )
        expected = (output.encoder_attentions, output.decoder_attentions, output.cross_attentions)
        for name, weights, kind in zip(names, expected, ("self", "self", "cross"), strict=True):
            torch.testing.assert_close(captured[name], weights[index])
            assert captured.kinds[name] == kind
    assert len(captured) == 6
    cross = monitor.get_attention_patterns("decoder.block.0.layer.1.EncDecAttention")
    assert cross["kind"] == "cross"
    assert cross["heads"][0]["scores"]["previous_token"] is None
    with pytest.raises(InvalidArgument, match="another sequence"):
        monitor.get_token_attention("decoder.block.0.layer.1.EncDecAttention")


def test_albert_gives_one_for_each_call_of_its_shared_layer(tiny: Tiny) -> None:
    model = tiny("albert")
    captured = ActivationMonitor(model).capture_attention_weights({"input_ids": IDS})
    layer = "encoder.albert_layer_groups.0.albert_layers.0.attention"
    assert list(captured) == [layer, f"{layer}#1", f"{layer}#2"]
    with torch.no_grad():
        model.set_attn_implementation("eager")
        expected = model(IDS, output_attentions=True).attentions
    for name, weights in zip(captured, expected, strict=True):
        torch.testing.assert_close(captured[name], weights)


def test_the_run_gives_what_the_model_gives_by_itself_and_its_implementation_comes_back(tiny: Tiny) -> None:
    model = tiny("gpt2")
    outputs: list[torch.Tensor] = []
    expected = model(IDS).logits.detach()
    model.register_forward_hook(lambda module, args, output: outputs.append(output.logits.detach()))
    ActivationMonitor(model).capture_attention_weights({"input_ids": IDS})
    torch.testing.assert_close(outputs[0], expected)
    assert model.config._attn_implementation == "sdpa"


class Caller(nn.Module):
    """Calls torch's attention in a way of its own, and keeps what it got."""

    def __init__(self, **options: Any) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)
        self.options = options

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        made, weights = self.attention(x, x, x, **self.options)
        return made if weights is None else made + weights.sum() * weights.ndim


@pytest.mark.parametrize(
    "options", [{}, {"need_weights": False}, {"average_attn_weights": False}, {"is_causal": True, "attn_mask": True}]
)
def test_torchs_attention_is_asked_for_weights_and_its_caller_gets_what_it_asked_for(options: dict[str, Any]) -> None:
    torch.manual_seed(0)
    causal = "attn_mask" in options
    if causal:
        options = options | {"attn_mask": torch.ones(5, 5, dtype=torch.bool).triu(1)}
    model, x = Caller(**options).eval(), torch.randn(3, 5, 8)
    captured = ActivationMonitor(model).capture_attention_weights(x)
    assert list(captured) == ["attention"]
    query, key, _ = functional.linear(x, model.attention.in_proj_weight, model.attention.in_proj_bias).chunk(3, -1)
    expected = softmax_of(heads(query, 2), heads(key, 2), 4**-0.5, causal)
    torch.testing.assert_close(captured["attention"], expected.detach())
    outputs: list[torch.Tensor] = []
    model.register_forward_hook(lambda module, args, output: outputs.append(output.detach()))
    ActivationMonitor(model).capture_attention_weights(x)
    torch.testing.assert_close(outputs[0], model(x).detach())


def test_torchs_transformer_gives_self_and_cross_attention_of_every_layer() -> None:
    torch.manual_seed(0)
    model = nn.Transformer(8, 2, 2, 2, 16, batch_first=True).eval()
    captured = ActivationMonitor(model).capture_attention_weights((torch.randn(1, 5, 8), torch.randn(1, 3, 8)))
    assert {name: (captured.kinds[name], tuple(weights.shape[-2:])) for name, weights in captured.items()} == {
        "encoder.layers.0.self_attn": ("self", (5, 5)),
        "encoder.layers.1.self_attn": ("self", (5, 5)),
        "decoder.layers.0.self_attn": ("self", (3, 3)),
        "decoder.layers.0.multihead_attn": ("cross", (3, 5)),
        "decoder.layers.1.self_attn": ("self", (3, 3)),
        "decoder.layers.1.multihead_attn": ("cross", (3, 5)),
    }


def test_unbatched_torch_attention_is_a_batch_of_one() -> None:
    model = Caller().eval()
    assert ActivationMonitor(model).capture_attention_weights(torch.randn(5, 8))["attention"].shape == (1, 2, 5, 5)


class Fused(nn.Module):
    """An attention written in plain torch that never holds its weights."""

    def __init__(self, causal: bool) -> None:
        super().__init__()
        self.project = nn.Linear(8, 24)
        self.causal = causal

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        query, key, value = (heads(part, 2) for part in self.project(x).chunk(3, -1))
        return functional.scaled_dot_product_attention(query, key, value, is_causal=self.causal).transpose(1, 2)


@pytest.mark.parametrize("causal", [True, False])
def test_weights_of_a_plain_call_of_scaled_dot_product_attention_are_computed_again(causal: bool) -> None:
    torch.manual_seed(0)
    model, x = nn.Sequential(Fused(causal)), torch.randn(3, 5, 8)
    captured = ActivationMonitor(model).capture_attention_weights(x)
    query, key, _ = model[0].project(x).chunk(3, -1)
    expected = softmax_of(heads(query, 2), heads(key, 2), 4**-0.5, causal)
    assert list(captured) == ["0"]
    torch.testing.assert_close(captured["0"], expected.detach())


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"is_causal": True},
        {"scale": 0.3},
        {"attn_mask": torch.ones(5, 7, dtype=torch.bool).tril(1)},
        {"attn_mask": torch.randn(5, 7, generator=torch.Generator().manual_seed(1))},
        {"attn_mask": torch.zeros(5, 7, dtype=torch.bool)},
        {"enable_gqa": True},
    ],
)
def test_computed_weights_times_values_are_what_torch_gives(options: dict[str, Any]) -> None:
    generator = torch.Generator().manual_seed(0)
    query = torch.randn(2, 4, 5, 8, generator=generator)
    shared = 2 if options.get("enable_gqa") else 4
    key, value = (torch.randn(2, shared, 7, 8, generator=generator) for _ in range(2))
    expected = functional.scaled_dot_product_attention(query, key, value, **options)
    made = attention_of(query, key, **options) @ value.repeat_interleave(4 // shared, 1)
    torch.testing.assert_close(made, expected)


class ByHand(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.project = nn.Linear(8, 16)
        self.softmax = nn.Softmax(-1)
        self.dropout = nn.Dropout(0.5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        query, key = (heads(part, 2) for part in self.project(x).chunk(2, -1))
        return self.dropout(self.softmax(query @ key.transpose(-2, -1))) @ heads(x, 2)


def test_weights_that_only_pass_through_a_softmax_or_dropout_belong_to_the_module_around_it() -> None:
    model = nn.Sequential(ByHand(), nn.Flatten(2)).train()
    captured = ActivationMonitor(model).capture_attention_weights(torch.randn(3, 5, 8))
    assert {name: tuple(weights.shape) for name, weights in captured.items()} == {"0": (3, 2, 5, 5)}
    assert torch.allclose(captured["0"].sum(-1), torch.ones(()))


@pytest.mark.parametrize(
    ("tensor", "answer"),
    [
        (torch.randn(2, 3, 4, 4).softmax(-1), True),
        (torch.randn(2, 3, 4, 4).softmax(-1).bfloat16(), True),
        (torch.randn(2, 3, 4, 4).softmax(-2), False),
        (torch.randn(3, 4, 4).softmax(-1), False),
        (torch.randn(2, 3, 4, 4), False),
        (torch.zeros(2, 3, 4, 4), False),
        (torch.tensor([[[[1.5, -0.5], [0.5, 0.5]]]]), False),
        (torch.tensor([[[[0.0, 0.0], [0.5, 0.5]]]]), True),
        (torch.tensor([[[[torch.nan, torch.nan], [0.5, 0.5]]]]), True),
        (torch.zeros(0, 3, 4, 4), False),
    ],
)
def test_attention_is_recognised_by_rows_that_sum_to_one(tensor: torch.Tensor, answer: bool) -> None:
    assert is_attention(tensor) is answer


def test_a_model_without_attention_weights_is_an_error() -> None:
    monitor = ActivationMonitor(nn.Sequential(nn.Linear(4, 4)))
    with pytest.raises(NothingCaptured, match="no attention weights"):
        monitor.capture_attention_weights(torch.randn(2, 4))


def test_a_layer_without_attention_weights_is_an_error_that_names_those_with_some(tiny: Tiny) -> None:
    monitor = ActivationMonitor(tiny("gpt2"))
    with pytest.raises(NothingCaptured, match=r"'transformer\.h\.1\.mlp'") as error:
        monitor.capture_attention_weights({"input_ids": IDS}, ["transformer.h.0", "transformer.h.1.mlp"])
    assert "'transformer.h.0.attn'" in error.value.remedy
    with pytest.raises(UnknownName):
        monitor.capture_attention_weights({"input_ids": IDS}, "transformer.h.9")
    # A pattern asks for whichever there are.
    inputs = {"input_ids": IDS}
    assert list(monitor.capture_attention_weights(inputs, "transformer.h.1.*")) == ["transformer.h.1.attn"]
    with pytest.raises(NothingCaptured, match=r"transformer\.h\.1\.mlp"):
        monitor.capture_attention_weights(inputs, "transformer.h.1.m*")


def test_weights_over_the_budget_are_refused(tiny: Tiny) -> None:
    # Each layer: 2 sequences, 4 heads, 6 x 6 float32.
    assert len(ActivationMonitor(tiny("gpt2"), max_bytes=2304).capture_attention_weights({"input_ids": IDS})) == 2
    with pytest.raises(CaptureBudgetExceeded) as error:
        ActivationMonitor(tiny("gpt2"), max_bytes=2303).capture_attention_weights({"input_ids": IDS})
    assert (error.value.layer, error.value.needed) == ("transformer.h.1.attn", 1152)
    with pytest.raises(CaptureBudgetExceeded):
        ActivationMonitor(nn.Sequential(Fused(False)), max_bytes=100).capture_attention_weights(torch.randn(1, 9, 8))


def test_one_token_has_weights_too(tiny: Tiny) -> None:
    captured = ActivationMonitor(tiny("qwen2")).capture_attention_weights({"input_ids": IDS[:1, :1]})
    assert all(torch.equal(weights, torch.ones(1, 4, 1, 1)) for weights in captured.values())
    assert len(captured) == 2


def test_answers_about_attention_are_json_and_by_layer_or_the_module_around_it(tiny: Tiny, tokenizer: Any) -> None:
    monitor = ActivationMonitor(tiny("gpt2"), tokenizer)
    with pytest.raises(NothingCaptured, match="yet"):
        monitor.get_attention_patterns("transformer.h.0.attn")
    weights = monitor.capture_attention_weights("the cat sat on the mat")["transformer.h.0.attn"]
    layer = monitor.get_attention_patterns("transformer.h.0")
    assert layer == monitor.get_attention_patterns("transformer.h.0.attn")
    assert layer["shape"] == [1, 4, 6, 6]
    one = monitor.get_attention_patterns("transformer.h.0.attn", head=2)
    assert one["head"] == 2
    assert one["scores"] == layer["heads"][2]["scores"]
    assert one["row_entropy"][0][0] == 0.0
    last = weights[0, 2, 5].double()
    assert math.isclose(one["row_entropy"][0][5], float(-(last * last.log()).sum()), rel_tol=1e-6)
    tokens = monitor.get_token_attention("transformer.h.0.attn")["tokens"]
    assert [each["token"] for each in tokens] == ["the", "cat", "sat", "on", "the", "mat"]
    special = monitor.get_head_specialisation("transformer.h.0.attn")
    for answer in (layer, one, tokens, special):
        json.dumps(answer, allow_nan=False)
    with pytest.raises(InvalidArgument, match="0 to 3"):
        monitor.get_attention_patterns("transformer.h.0.attn", head=4)
    with pytest.raises(UnknownName):
        monitor.get_attention_patterns("transformer")
    with pytest.raises(InvalidArgument, match="0 to 0"):
        monitor.get_token_attention("transformer.h.0.attn", sequence=1)


def test_rows_of_padding_say_nothing(tiny: Tiny, tokenizer: Any) -> None:
    monitor = ActivationMonitor(tiny("bert"), tokenizer)
    monitor.capture_attention_weights(["the cat sat on the mat", "a dog"])
    one = monitor.get_attention_patterns("encoder.layer.0.attention.self", head=0)
    assert one["rows"] == 8
    assert one["row_entropy"][1][2:] == [None] * 4
    tokens = monitor.get_token_attention("encoder.layer.0.attention.self", sequence=1)["tokens"]
    assert [(each["position"], each["token"], each["queries"]) for each in tokens] == [(0, "a", 2), (1, "dog", 2)]
