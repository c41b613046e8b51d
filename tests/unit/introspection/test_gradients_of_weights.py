"""Gradients of a model's weights: each storage once, whatever names and views it has, and what they say of layers."""

from __future__ import annotations

import copy
import json
import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn.utils import parametrizations
from transformers import (
    AlbertConfig,
    AlbertForMaskedLM,
    BertConfig,
    BertForMaskedLM,
    GPT2Config,
    GPT2LMHeadModel,
    Qwen2Config,
    Qwen2ForCausalLM,
    T5Config,
    T5ForConditionalGeneration,
)

from introspection.errors import InvalidArgument, UnknownName
from introspection.gradients import GradientAnalyzer

torch.set_num_threads(1)

IDS = torch.tensor([[3, 7, 5, 1, 9]])
LABELS = torch.tensor([[4, 2, 8, 8, 6]])
SIZES: dict[str, Any] = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4}


def qwen2(tied: bool = True) -> Any:
    torch.manual_seed(0)
    return Qwen2ForCausalLM(Qwen2Config(vocab_size=20, num_key_value_heads=2, tie_word_embeddings=tied, **SIZES))


def gpt2() -> Any:
    torch.manual_seed(1)
    return GPT2LMHeadModel(GPT2Config(vocab_size=20, n_embd=32, n_layer=2, n_head=4, n_positions=16))


def bert() -> Any:
    torch.manual_seed(2)
    return BertForMaskedLM(BertConfig(vocab_size=20, **SIZES))


def t5() -> Any:
    torch.manual_seed(3)
    config = T5Config(
        vocab_size=20, d_model=32, d_kv=8, d_ff=64, num_layers=2, num_heads=4, decoder_start_token_id=0
    )  # fmt: skip
    return T5ForConditionalGeneration(config)


def albert() -> Any:
    torch.manual_seed(4)
    return AlbertForMaskedLM(AlbertConfig(vocab_size=20, embedding_size=16, **SIZES))


def gradients(model: nn.Module, inputs: Any, labels: Any = None, **options: Any) -> dict[str, Any]:
    found = GradientAnalyzer(model).layer_gradients(inputs, labels, **options)
    json.dumps(found, allow_nan=False)
    return found


def by_name(found: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {entry["name"]: entry for entry in found["parameters"]}


def slope(function: Callable[[], float], element: torch.Tensor, step: float = 1e-6) -> float:
    """The derivative of a function of a model by writing into one element of its memory, and back."""
    held = element.clone()
    with torch.no_grad():
        element.copy_(held + step)
        above = function()
        element.copy_(held - step)
        below = function()
        element.copy_(held)
    return (above - below) / (2 * step)


@pytest.mark.parametrize("make", [qwen2, gpt2, bert, t5, albert])
def test_every_storage_has_the_gradient_of_a_backward_pass_once(make: Any) -> None:
    model = make().eval()
    found = gradients(model, {"input_ids": IDS}, LABELS)
    other = copy.deepcopy(model)
    other(input_ids=IDS, labels=LABELS).loss.backward()
    expected = dict(other.named_parameters())
    assert [name for entry in found["parameters"] for name in entry["names"]] != []
    assert {frozenset(entry["names"]) & set(expected) for entry in found["parameters"]} == {
        frozenset({name}) for name in expected
    }
    for entry in found["parameters"]:
        (name,) = set(entry["names"]) & set(expected)
        gradient = expected[name].grad
        assert entry["reached"] is (gradient is not None)
        if gradient is not None:
            assert entry["norm"] == pytest.approx(float(gradient.double().norm()), rel=1e-5)
            assert entry["mean"] == pytest.approx(float(gradient.double().mean()), rel=1e-5, abs=1e-10)
            assert entry["abs_max"] == pytest.approx(float(gradient.abs().max()), rel=1e-5)
            assert entry["zero_share"] == pytest.approx(float((gradient == 0).double().mean()))
            size = float(expected[name].detach().norm())
            assert entry["relative_norm"] == (pytest.approx(float(gradient.norm()) / size, rel=1e-4) if size else None)
    whole = math.sqrt(sum(float(p.grad.double().square().sum()) for p in expected.values() if p.grad is not None))
    assert found["global_norm"] == pytest.approx(whole, rel=1e-5)


def test_a_tied_weight_is_counted_once_with_both_its_names() -> None:
    tied = by_name(gradients(qwen2(), {"input_ids": IDS}))
    assert tied["lm_head.weight"]["names"] == ["lm_head.weight", "model.embed_tokens.weight"]
    assert "model.embed_tokens.weight" not in tied
    untied = by_name(gradients(qwen2(tied=False), {"input_ids": IDS}))
    assert untied["lm_head.weight"]["names"] == ["lm_head.weight"]
    assert untied["model.embed_tokens.weight"]["names"] == ["model.embed_tokens.weight"]


class Views(nn.Module):
    """Two parameter objects, made of one tensor as a test says, both used."""

    def __init__(self, one: torch.Tensor, other: torch.Tensor) -> None:
        super().__init__()
        self.one, self.other = nn.Parameter(one), nn.Parameter(other)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        inner = torch.tanh(x @ self.one.reshape(-1)[:6].reshape(2, 3))
        return inner.sum(1, keepdim=True) * self.other.square().sum() + self.other.sum()


def flat() -> torch.Tensor:
    torch.manual_seed(5)
    return torch.randn(12, dtype=torch.float64)


def value_of(model: nn.Module, x: torch.Tensor) -> Callable[[], float]:
    def value() -> float:
        with torch.no_grad():
            return float(model(x).sum())

    return value


VIEWS: dict[str, Callable[[torch.Tensor], tuple[torch.Tensor, torch.Tensor]]] = {
    "the same bytes, two parameters": lambda base: (base[:6].view(2, 3), base[:6].view(2, 3)),
    "transposed": lambda base: (base[:6].view(2, 3), base[:6].view(2, 3).T),
    "another shape": lambda base: (base[:6].view(2, 3), base[:6]),
    "overlapping slices": lambda base: (base[:7], base[4:]),
    "one within the other": lambda base: (base, base[3:8]),
    "every second element": lambda base: (base, base[::2]),
    "expanded": lambda base: (base[:6].view(2, 3), base[:1].expand(4)),
    "sliding windows": lambda base: (base[:7], base[2:10].unfold(0, 3, 2)),
    "apart": lambda base: (base[:6], base[6:]),
}


@pytest.mark.parametrize("case", VIEWS)
def test_what_reaches_the_same_bytes_is_added_up(case: str) -> None:
    base = flat()
    model = Views(*VIEWS[case](base))
    x = torch.randn(3, 2, dtype=torch.float64)
    found = by_name(gradients(model, x, target=torch.sum))
    value = value_of(model, x)
    memory = torch.tensor([slope(value, base[index]) for index in range(len(base))], dtype=torch.float64)
    places = torch.arange(len(base)).double()
    seen = {"one": VIEWS[case](places)[0], "other": VIEWS[case](places)[1]}
    for entry in found.values():
        expected = memory[seen[entry["name"]].unique().long()]
        assert entry["norm"] == pytest.approx(float(expected.norm()), rel=1e-6)
        assert entry["abs_max"] == pytest.approx(float(expected.abs().max()), rel=1e-6)


def test_one_of_several_names_has_the_gradient_of_all_of_them() -> None:
    model = Views(*VIEWS["the same bytes, two parameters"](flat()))
    x = torch.randn(3, 2, dtype=torch.float64)
    whole = gradients(model, x, target=torch.sum)["parameters"]
    assert gradients(model, x, target=torch.sum, parameters=["other"])["parameters"] == whole
    overlapping = Views(*VIEWS["overlapping slices"](flat()))
    every = by_name(gradients(overlapping, x, target=torch.sum))
    assert gradients(overlapping, x, target=torch.sum, parameters=["other"])["parameters"] == [every["other"]]


def test_a_path_stands_for_all_parameters_under_it() -> None:
    found = gradients(gpt2(), {"input_ids": IDS}, parameters=["transformer.h.1.mlp", "transformer.wpe.weight"])
    assert list(by_name(found)) == [
        "transformer.wpe.weight",
        "transformer.h.1.mlp.c_fc.weight",
        "transformer.h.1.mlp.c_fc.bias",
        "transformer.h.1.mlp.c_proj.weight",
        "transformer.h.1.mlp.c_proj.bias",
    ]
    with pytest.raises(UnknownName, match="did you mean"):
        gradients(gpt2(), {"input_ids": IDS}, parameters=["transformer.wpe.wieght"])
    everything = gradients(gpt2(), {"input_ids": IDS})
    assert list(by_name(gradients(gpt2(), {"input_ids": IDS}, parameters=[""]))) == list(by_name(everything))
    with pytest.raises(InvalidArgument, match="none of them is a floating-point parameter"):
        gradients(gpt2(), {"input_ids": IDS}, parameters=["transformer.h.1.mlp.act"])


def test_frozen_parameters_have_gradients_too_and_stay_frozen() -> None:
    model = qwen2()
    free = gradients(model, {"input_ids": IDS})
    model.requires_grad_(False)
    frozen = gradients(model, {"input_ids": IDS})
    assert frozen["global_norm"] == free["global_norm"]
    assert not any(entry["requires_grad"] for entry in frozen["parameters"])
    assert all(entry["requires_grad"] for entry in free["parameters"])


def test_a_sparse_gradient_counts_the_rows_it_leaves_out() -> None:
    class Bag(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.words = nn.Embedding(10, 4, sparse=True)

        def forward(self, ids: torch.Tensor) -> torch.Tensor:
            return self.words(ids).sum(1)

    found = gradients(Bag(), torch.tensor([[1, 1, 3]]), target=torch.sum)
    (entry,) = found["parameters"]
    assert entry["zero_share"] == pytest.approx(0.8)
    assert entry["norm"] == pytest.approx(math.sqrt(4 * 2**2 + 4 * 1**2))


def test_a_gradient_that_repeats_one_number_counts_it_everywhere() -> None:
    class Total(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.ones(5, 5))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return 3 * self.weight.sum() + 0 * x.sum()

    (entry,) = gradients(Total(), torch.ones(1, 1), target=torch.sum)["parameters"]
    assert entry["norm"] == pytest.approx(15)
    assert (entry["mean"], entry["rms"], entry["num_elements"]) == (3, 3, 25)


def test_a_parametrized_weight_is_seen_through_what_it_is_computed_from() -> None:
    model = parametrizations.weight_norm(nn.Linear(3, 2))
    found = by_name(gradients(model, torch.randn(4, 3), [0, 1, 1, 0]))
    assert set(found) == {"bias", "parametrizations.weight.original0", "parametrizations.weight.original1"}
    assert all(entry["norm"] > 0 for entry in found.values())


def test_integers_and_weights_without_values_are_skipped() -> None:
    model = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 2))
    model[0].register_parameter("count", nn.Parameter(torch.tensor(3), requires_grad=False))
    model[1].register_parameter("later", nn.Parameter(torch.empty(3, device="meta")))
    found = gradients(model, torch.randn(4, 3), [0, 1, 1, 0])
    assert found["skipped"] == ["0.count", "1.later"]
    with pytest.raises(InvalidArgument, match="parameters"):
        gradients(model, torch.randn(4, 3), [0, 1, 1, 0], parameters=["0.count"])


def test_half_precision_is_accumulated_in_double() -> None:
    model = nn.Linear(4096, 1, bias=False, dtype=torch.bfloat16)
    found = gradients(model, torch.full((1, 4096), 1.0, dtype=torch.bfloat16), target=torch.sum)
    assert found["parameters"][0]["norm"] == 64.0
    assert found["parameters"][0]["mean"] == 1.0


# Findings


class Fading(nn.Module):
    """Blocks `c·x + b`: the gradient of a bias is c times that of the next."""

    class Block(nn.Module):
        def __init__(self, factor: float) -> None:
            super().__init__()
            self.factor, self.bias = factor, nn.Parameter(torch.zeros(3, dtype=torch.float64))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.factor * x + self.bias

    def __init__(self, factor: float, depth: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(self.Block(factor) for _ in range(depth))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for layer in self.layers:
            x = layer(x)
        return x


@pytest.mark.parametrize(("factor", "word"), [(0.25, "vanish"), (4.0, "explode"), (0.75, None), (1.25, None)])
def test_gradients_that_shrink_or_grow_from_layer_to_layer_are_found(factor: float, word: str | None) -> None:
    found = gradients(Fading(factor, 8), torch.randn(2, 3).double(), target=torch.sum, exploding_norm=1e9)
    rms = [layer["rms"] for layer in found["layers"]]
    assert [layer["layer"] for layer in found["layers"]] == [f"layers.{index}" for index in range(8)]
    assert rms == pytest.approx([2 * factor ** (7 - index) for index in range(8)])
    if word is None:
        assert found["findings"] == []
    else:
        assert len(found["findings"]) == 1
        assert word in found["findings"][0]
        assert f"a factor of {factor:.3g} a layer" in found["findings"][0]


def test_a_large_norm_of_all_gradients_is_found() -> None:
    model = nn.Linear(2, 2, bias=False)
    x = torch.full((1, 2), 100.0)
    assert gradients(model, x, target=torch.sum)["global_norm"] == pytest.approx(200)
    assert any("explode" in finding for finding in gradients(model, x, target=torch.sum)["findings"])
    assert gradients(model, x, target=torch.sum, exploding_norm=201.0)["findings"] == []


def test_nan_and_infinite_gradients_are_counted_and_found() -> None:
    class Root(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.tensor([0.0, 1.0, 4.0]))
            self.other = nn.Parameter(torch.tensor([0.0, 2.0]))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x * self.weight.sqrt().sum() + (self.other.sqrt() * 0).sum()

    found = gradients(Root(), torch.ones(1), target=torch.sum)
    entry = by_name(found)["weight"]
    assert (entry["nan_count"], entry["inf_count"]) == (0, 1)
    assert entry["norm"] == pytest.approx(math.hypot(0.5, 0.25))
    assert by_name(found)["other"]["nan_count"] == 1
    assert len([finding for finding in found["findings"] if "NaN" in finding]) == 2


def test_a_parameter_without_influence_is_told_from_one_whose_gradient_is_zero() -> None:
    model = nn.Sequential(nn.Linear(2, 2), nn.ReLU(), nn.Linear(2, 1))
    model[0].bias.data.fill_(-100.0)
    model.register_parameter("idle", nn.Parameter(torch.ones(2)))
    found = gradients(model, torch.randn(3, 2), target=torch.sum)
    assert by_name(found)["idle"]["reached"] is False
    assert by_name(found)["idle"]["norm"] is None
    assert by_name(found)["0.weight"]["zero_share"] == 1.0
    assert "the target does not depend on idle" in found["findings"]
    assert "the gradient of 0.weight is zero everywhere" in found["findings"]


# Labels


def test_padding_is_no_label() -> None:
    model = qwen2().eval()
    padded = {"input_ids": torch.tensor([[3, 7, 5, 0, 0]]), "attention_mask": torch.tensor([[1, 1, 1, 0, 0]])}
    alone = gradients(model, {"input_ids": torch.tensor([[3, 7, 5]])})
    assert gradients(model, padded)["value"] == pytest.approx(alone["value"], rel=1e-5)


def test_the_decoder_of_a_model_is_given_the_labels() -> None:
    model = t5().eval()
    found = gradients(model, {"input_ids": IDS}, LABELS)
    assert found["value"] == pytest.approx(float(model(input_ids=IDS, labels=LABELS).loss.detach()), rel=1e-6)


def test_a_plain_module_has_the_cross_entropy_of_its_output() -> None:
    torch.manual_seed(0)
    model = nn.Linear(4, 3)
    x, labels = torch.randn(5, 4), torch.tensor([0, 2, 1, 1, -100])
    found = gradients(model, x, labels)
    assert found["value"] == pytest.approx(float(nn.functional.cross_entropy(model(x), labels).detach()))
    with pytest.raises(InvalidArgument, match="labels"):
        gradients(model, x, labels[:3])


def test_the_logit_of_a_token_can_be_the_target() -> None:
    model = gpt2().eval()
    found = gradients(model, {"input_ids": IDS}, target="logit", token=4, position=2)
    other = copy.deepcopy(model)
    other(IDS).logits[0, 2, 4].backward()
    assert found["global_norm"] == pytest.approx(
        math.sqrt(sum(float(p.grad.double().square().sum()) for p in other.parameters() if p.grad is not None)),
        rel=1e-5,
    )
