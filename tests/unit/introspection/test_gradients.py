"""Gradients of inputs and of weights: right by independent computation, and without a trace in the model."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from torch import nn
from transformers import (
    BertConfig,
    BertForMaskedLM,
    BertForSequenceClassification,
    GPT2Config,
    GPT2LMHeadModel,
    PreTrainedTokenizerFast,
    Qwen2Config,
    Qwen2ForCausalLM,
    T5Config,
    T5ForConditionalGeneration,
)

from introspection.errors import InvalidArgument, NotAModel, UnsupportedStorage
from introspection.gradients import GradientAnalyzer

torch.set_num_threads(1)

WORDS = "<pad> <unk> <eos> the capital of france is paris a cat sat on mat and dog ran".split()  # noqa: SIM905
TEXT = "the capital of france is"
SIZES: dict[str, Any] = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4}


@pytest.fixture(scope="module")
def tokenizer() -> PreTrainedTokenizerFast:
    words = Tokenizer(models.WordLevel({word: index for index, word in enumerate(WORDS)}, unk_token="<unk>"))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    return PreTrainedTokenizerFast(tokenizer_object=words, unk_token="<unk>", pad_token="<pad>", eos_token="<eos>")


def qwen2(tied: bool = True) -> Qwen2ForCausalLM:
    torch.manual_seed(0)
    return Qwen2ForCausalLM(
        Qwen2Config(vocab_size=len(WORDS), num_key_value_heads=2, tie_word_embeddings=tied, pad_token_id=0, **SIZES)
    )


def gpt2() -> GPT2LMHeadModel:
    torch.manual_seed(1)
    return GPT2LMHeadModel(GPT2Config(vocab_size=len(WORDS), n_embd=32, n_layer=2, n_head=4, n_positions=32))


def bert(kind: Any = BertForMaskedLM) -> Any:
    torch.manual_seed(2)
    return kind(BertConfig(vocab_size=len(WORDS), num_labels=3, **SIZES))


def t5() -> T5ForConditionalGeneration:
    torch.manual_seed(3)
    config = T5Config(
        vocab_size=len(WORDS), d_model=32, d_kv=8, d_ff=64, num_layers=2, num_heads=4,
        decoder_start_token_id=0, pad_token_id=0, eos_token_id=2,
    )  # fmt: skip
    return T5ForConditionalGeneration(config)


def only(result: dict[str, Any]) -> dict[str, Any]:
    """The one input of a result, which must be JSON."""
    json.dumps(result, allow_nan=False)
    (one,) = result["inputs"]
    return dict(one)


def column(sequence: dict[str, Any], name: str) -> list[Any]:
    return [token[name] for token in sequence["tokens"]]


def slopes(function: Callable[[torch.Tensor], torch.Tensor], at: torch.Tensor, step: float = 1e-5) -> torch.Tensor:
    """The gradient by central differences, element by element."""
    found = torch.zeros_like(at)
    for index in range(at.numel()):
        ends = []
        for sign in (1, -1):
            moved = at.clone()
            moved.view(-1)[index] += sign * step
            ends.append(float(function(moved)))
        found.view(-1)[index] = (ends[0] - ends[1]) / (2 * step)
    return found


class Linear(nn.Module):
    """Logits that are linear in the input: every gradient is known."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(4)
        self.head = nn.Linear(5, 3, dtype=torch.float64)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(x)


# Input sensitivity


@pytest.mark.parametrize("make", [gpt2, bert])
def test_the_gradient_of_each_embedding_is_that_of_finite_differences(make: Any, tokenizer: Any) -> None:
    model = make().double().eval()
    found = only(GradientAnalyzer(model, tokenizer).input_sensitivity(TEXT, token="paris", position=2))
    ids = tokenizer(TEXT, return_tensors="pt")["input_ids"]
    with torch.no_grad():
        embeddings = model.get_input_embeddings()(ids)
        expected = slopes(lambda e: model(inputs_embeds=e).logits[0, 2, WORDS.index("paris")], embeddings)[0]
    (sequence,) = found["sequences"]
    assert found["target"] == "the logit of 'paris' at position 2"
    assert column(sequence, "token") == TEXT.split()
    assert column(sequence, "gradient_norm") == pytest.approx(expected.norm(dim=1).tolist(), rel=1e-6)
    products = (expected * embeddings[0]).sum(1).tolist()
    assert column(sequence, "gradient_x_input") == pytest.approx(products, rel=1e-5, abs=1e-10)
    assert sum(column(sequence, "share")) == pytest.approx(1)


def test_the_gradient_of_a_linear_logit_is_its_row_of_weights() -> None:
    model, x = Linear(), torch.randn(2, 5, dtype=torch.float64)
    found = only(GradientAnalyzer(model).input_sensitivity(x, token=1))
    assert found["target_tokens"] == [1, 1]
    for row, sequence in enumerate(found["sequences"]):
        assert column(sequence, "gradient_norm") == pytest.approx(model.head.weight[1].abs().tolist())
        assert column(sequence, "gradient_x_input") == pytest.approx((model.head.weight[1] * x[row]).tolist())


def test_the_gradient_of_a_log_probability_takes_the_other_classes_into_account() -> None:
    model, x = Linear(), torch.randn(1, 5, dtype=torch.float64)
    found = only(GradientAnalyzer(model).input_sensitivity(x, "log_probability", token=2))
    shares = model(x).softmax(-1)[0].detach()
    expected = model.head.weight[2] - shares @ model.head.weight
    assert column(found["sequences"][0], "gradient_x_input") == pytest.approx((expected * x[0]).tolist())
    assert found["value"] == pytest.approx(math.log(float(shares[2])))


def test_without_a_token_the_most_probable_one_is_meant(tokenizer: Any) -> None:
    model = qwen2().eval()
    found = only(GradientAnalyzer(model, tokenizer).input_sensitivity(TEXT))
    logits = model(**tokenizer(TEXT, return_tensors="pt")).logits[0, -1].detach()
    assert found["target_tokens"] == [int(logits.argmax())]
    assert found["value"] == pytest.approx(float(logits.max()))


def test_a_function_of_the_output_can_be_the_target(tokenizer: Any) -> None:
    def spread(output: Any) -> torch.Tensor:
        return output.logits[0, -1].var()

    model = gpt2().double().eval()
    found = only(GradientAnalyzer(model, tokenizer).input_sensitivity("a cat", spread))
    ids = tokenizer("a cat", return_tensors="pt")["input_ids"]
    with torch.no_grad():
        expected = slopes(lambda e: spread(model(inputs_embeds=e)), model.get_input_embeddings()(ids))[0]
    assert found["target"] == "spread"
    assert column(found["sequences"][0], "gradient_norm") == pytest.approx(expected.norm(dim=1).tolist(), rel=1e-5)


def test_a_token_that_comes_after_the_prediction_has_no_influence_in_a_causal_model(tokenizer: Any) -> None:
    found = only(GradientAnalyzer(qwen2(), tokenizer).input_sensitivity(TEXT, position=1))
    norms = column(found["sequences"][0], "gradient_norm")
    assert min(norms[:2]) > 0
    assert norms[2:] == [0, 0, 0]


def test_padding_is_left_out_and_changes_nothing(tokenizer: Any) -> None:
    analyzer = GradientAnalyzer(qwen2(), tokenizer)
    for side in ("left", "right"):
        batch = tokenizer(["a dog", TEXT], padding=True, padding_side=side, return_tensors="pt")
        padded = only(analyzer.input_sensitivity(batch))["sequences"]
        alone = [only(analyzer.input_sensitivity(text))["sequences"][0] for text in ("a dog", TEXT)]
        for one, other in zip(padded, alone, strict=True):
            assert column(one, "token") == column(other, "token")
            assert column(one, "gradient_norm") == pytest.approx(column(other, "gradient_norm"), rel=1e-4)


def test_a_list_of_texts_is_run_text_by_text(tokenizer: Any) -> None:
    found = GradientAnalyzer(qwen2(), tokenizer).input_sensitivity(["a dog", TEXT])["inputs"]
    assert [len(one["sequences"][0]["tokens"]) for one in found] == [2, 5]


def test_an_encoder_decoder_has_both_its_inputs(tokenizer: Any) -> None:
    model = t5().eval()
    start = torch.tensor([[0, WORDS.index("paris")]])
    given = dict(tokenizer(TEXT, return_tensors="pt")) | {"decoder_input_ids": start}
    given.pop("token_type_ids", None)
    found = only(GradientAnalyzer(model, tokenizer).input_sensitivity(given, token="cat"))
    source = model.shared(given["input_ids"]).detach().requires_grad_()
    target = model.shared(start).detach().requires_grad_()
    model(inputs_embeds=source, decoder_inputs_embeds=target).logits[0, -1, WORDS.index("cat")].backward()
    assert [sequence["argument"] for sequence in found["sequences"]] == ["input_ids", "decoder_input_ids"]
    for sequence, leaf in zip(found["sequences"], (source, target), strict=True):
        assert leaf.grad is not None
        assert column(sequence, "gradient_norm") == pytest.approx(leaf.grad[0].norm(dim=1).tolist(), rel=1e-4)


def test_the_loss_of_a_causal_model_is_that_of_each_next_token(tokenizer: Any) -> None:
    model = qwen2().eval()
    found = only(GradientAnalyzer(model, tokenizer).input_sensitivity(TEXT, "loss"))
    ids = tokenizer(TEXT, return_tensors="pt")["input_ids"]
    logits = model(input_ids=ids).logits[0, :-1].detach()
    assert found["value"] == pytest.approx(float(nn.functional.cross_entropy(logits, ids[0, 1:])), rel=1e-5)


def test_a_position_embedding_that_meets_the_same_numbers_is_no_input(tokenizer: Any) -> None:
    ids = torch.arange(5).unsqueeze(0)
    found = only(GradientAnalyzer(gpt2(), tokenizer).input_sensitivity({"input_ids": ids}))
    assert len(found["sequences"]) == 1


def test_the_embedding_of_a_plain_module_is_found_by_what_it_is_given() -> None:
    class Plain(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.places = nn.Embedding(4, 6)
            self.words = nn.Embedding(9, 6)
            self.head = nn.Linear(6, 9)

        def forward(self, ids: torch.Tensor) -> torch.Tensor:
            return self.head(self.places(torch.arange(ids.shape[1]))[None] + self.words(ids))

    torch.manual_seed(0)
    model = Plain()
    found = only(GradientAnalyzer(model).input_sensitivity(torch.tensor([[3, 1, 2]]), token=4, position=1))
    assert column(found["sequences"][0], "token_id") == [3, 1, 2]
    norms = column(found["sequences"][0], "gradient_norm")
    assert norms == pytest.approx([0, float(model.head.weight[4].detach().norm()), 0])


def test_classification_has_one_prediction_for_each_sequence(tokenizer: Any) -> None:
    model = bert(BertForSequenceClassification).eval()
    found = only(GradientAnalyzer(model, tokenizer).input_sensitivity(TEXT, token=2))
    assert "position" not in found["target"]
    assert found["value"] == pytest.approx(float(model(**tokenizer(TEXT, return_tensors="pt")).logits[0, 2].detach()))


# Influential tokens


class OneWordMatters(nn.Module):
    """The logit of class 1 is 3 for the word 2, less 5 for the word 7, and nothing for others."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(9, 1)
        with torch.no_grad():
            self.words.weight.zero_()
            self.words.weight[2], self.words.weight[7] = 3, -5

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        total = self.words(ids).sum(1)
        return torch.cat([torch.zeros_like(total), total], dim=1)


@pytest.mark.parametrize("measure", ["gradient_x_input", "integrated_gradients"])
def test_the_words_that_matter_are_named_in_order(measure: Any) -> None:
    found = only(
        GradientAnalyzer(OneWordMatters()).influential_tokens(
            torch.tensor([[1, 2, 4, 7]]), top_k=2, measure=measure, token=1
        )
    )
    assert [(token["position"], token["token_id"]) for token in found["tokens"]] == [(3, 7), (1, 2)]
    assert [token["score"] for token in found["tokens"]] == pytest.approx([-5, 3])
    assert [token["share"] for token in found["tokens"]] == pytest.approx([5 / 8, 3 / 8])


def test_a_measure_that_does_not_exist_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="measure"):
        GradientAnalyzer(OneWordMatters()).influential_tokens(torch.tensor([[1]]), measure="magic")  # type: ignore[arg-type]
    with pytest.raises(InvalidArgument, match="top_k"):
        GradientAnalyzer(OneWordMatters()).influential_tokens(torch.tensor([[1]]), top_k=0)


# Integrated gradients


def test_contributions_to_a_square_are_the_squares() -> None:
    class Squares(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x.square().sum(1, keepdim=True)

    x = torch.tensor([[1.0, -2.0, 3.0]], dtype=torch.float64)
    found = only(GradientAnalyzer(Squares()).integrated_gradients(x, lambda output: output.sum(), steps=8))
    assert column(found["sequences"][0], "attribution") == pytest.approx([1, 4, 9])
    shifted = only(
        GradientAnalyzer(Squares()).integrated_gradients(x, torch.sum, baseline=torch.tensor([1.0, 0.0, 1.0]), steps=8)
    )
    assert column(shifted["sequences"][0], "attribution") == pytest.approx([0, 4, 8])
    assert shifted["baseline_value"] == 2


def test_contributions_add_up_to_the_change_of_the_target(tokenizer: Any) -> None:
    for model in (gpt2(), bert(), qwen2()):
        found = only(GradientAnalyzer(model, tokenizer).integrated_gradients(TEXT, token="paris"))
        total = sum(column(found["sequences"][0], "attribution"))
        difference = found["value"] - found["baseline_value"]
        assert found["converged"]
        assert abs(total - difference) <= 0.01 * abs(difference)
        assert found["completeness_error"] == pytest.approx(total - difference, abs=1e-9)


def test_a_token_can_be_the_baseline(tokenizer: Any) -> None:
    model = gpt2().eval()
    found = only(GradientAnalyzer(model, tokenizer).integrated_gradients("the cat sat", baseline=WORDS.index("cat")))
    ids = torch.full((1, 3), WORDS.index("cat"))
    assert found["baseline_value"] == pytest.approx(
        float(model(ids).logits[0, -1, found["target_tokens"][0]].detach()), rel=1e-5
    )
    contributions = column(found["sequences"][0], "attribution")
    assert contributions[1] == 0
    assert contributions[0] != 0


def test_contributions_that_do_not_add_up_are_said_not_to() -> None:
    class Step(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.sigmoid(1e6 * (x - 0.7123)).sum(1, keepdim=True)

    found = only(GradientAnalyzer(Step()).integrated_gradients(torch.ones(1, 1), torch.sum, steps=2, max_steps=8))
    assert not found["converged"]
    assert found["steps"] == 8
    assert abs(found["relative_completeness_error"]) > 0.01
    assert found["findings"]


def test_a_baseline_that_does_not_fit_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="baseline"):
        GradientAnalyzer(Linear()).integrated_gradients(torch.randn(1, 5).double(), baseline=torch.zeros(4), token=0)
    with pytest.raises(InvalidArgument, match="baseline"):
        GradientAnalyzer(Linear()).integrated_gradients(torch.randn(1, 5).double(), baseline=3, token=0)


# What cannot be asked


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"token": 99}, "token"),
        ({"token": "zebra"}, "token"),
        ({"position": 5}, "position"),
        ({"position": -6}, "position"),
        ({"target": "entropy"}, "target"),
        ({"labels": [1]}, "labels"),
        ({"target": lambda output: output.logits}, "target"),
        ({"target": lambda output: output.logits.sum().detach()}, "target"),
    ],
)
def test_a_target_that_does_not_exist_is_refused(arguments: dict[str, Any], named: str, tokenizer: Any) -> None:
    with pytest.raises(InvalidArgument) as refused:
        GradientAnalyzer(qwen2(), tokenizer).input_sensitivity(TEXT, **arguments)
    assert refused.value.name == named
    assert refused.value.remedy


def test_a_loss_without_labels_is_refused_where_they_cannot_be_the_input(tokenizer: Any) -> None:
    for model in (t5(), bert(), Linear()):
        with pytest.raises(InvalidArgument, match="labels"):
            GradientAnalyzer(model, tokenizer).layer_gradients(TEXT)


def test_weights_made_in_inference_mode_are_refused_in_words() -> None:
    with torch.inference_mode():
        model = Linear()
    with pytest.raises(UnsupportedStorage, match="inference mode"):
        GradientAnalyzer(model).input_sensitivity(torch.randn(1, 5).double())


def test_something_that_is_no_model_is_refused() -> None:
    with pytest.raises(NotAModel):
        GradientAnalyzer("model")  # type: ignore[arg-type]


# No trace


def traces(model: nn.Module) -> dict[str, Any]:
    """Everything a gradient could leave behind."""
    return {
        "grads": [(id(p.grad), None if p.grad is None else p.grad.clone().tolist()) for p in model.parameters()],
        "trainable": [p.requires_grad for p in model.parameters()],
        "training": [module.training for module in model.modules()],
        "buffers": [buffer.tolist() for buffer in model.buffers()],
        "weights": [p.tolist() for p in model.parameters()],
        "hooks": [
            [len(vars(module)[name]) for name in vars(module) if name.endswith("_hooks")] for module in model.modules()
        ],
        "torch": torch.get_rng_state().tolist(),
        "python": random.getstate(),
        "numpy": np.random.get_state()[1].tolist(),  # type: ignore[index, union-attr]
        "recording": (torch.is_grad_enabled(), torch.is_inference_mode_enabled()),
    }


def lived_in(model: nn.Module) -> nn.Module:
    """A model in training, half frozen, with gradients waiting for the optimiser."""
    model.train()
    for index, parameter in enumerate(model.parameters()):
        parameter.grad = torch.full_like(parameter, 0.5) if index % 2 else None
        parameter.requires_grad_(index % 3 != 0)
    return model


def test_nothing_is_left_in_the_model(tokenizer: Any) -> None:
    model = lived_in(qwen2())
    before = traces(model)
    analyzer = GradientAnalyzer(model, tokenizer)
    analyzer.input_sensitivity(TEXT)
    analyzer.integrated_gradients(TEXT, steps=2, max_steps=2)
    analyzer.layer_gradients(TEXT)
    assert traces(model) == before


def test_nothing_is_left_in_a_model_that_normalises_batches_and_drops_out() -> None:
    torch.manual_seed(0)
    model = lived_in(nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4), nn.Dropout(0.5), nn.Linear(4, 3)))
    before = traces(model)
    GradientAnalyzer(model).layer_gradients(torch.randn(6, 4, generator=torch.Generator()), [0, 1, 2, 0, 1, 2])
    assert traces(model) == before


def test_nothing_is_left_when_it_fails(tokenizer: Any) -> None:
    def broken(output: Any) -> torch.Tensor:
        raise ZeroDivisionError

    model = lived_in(qwen2())
    before = traces(model)
    for call in (
        GradientAnalyzer(model, tokenizer).input_sensitivity,
        GradientAnalyzer(model, tokenizer).layer_gradients,
    ):
        with pytest.raises(ZeroDivisionError):
            call(TEXT, target=broken)
    assert traces(model) == before


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_gradients_are_there_where_the_caller_has_turned_them_off(mode: Any, tokenizer: Any) -> None:
    model = qwen2().requires_grad_(False)
    analyzer = GradientAnalyzer(model, tokenizer)
    with mode():
        off = analyzer.layer_gradients(TEXT)["global_norm"], only(analyzer.input_sensitivity(TEXT))
    assert off == (analyzer.layer_gradients(TEXT)["global_norm"], only(analyzer.input_sensitivity(TEXT)))
    assert off[0] > 0
    assert not any(parameter.requires_grad for parameter in model.parameters())


def test_the_model_is_looked_at_without_dropout(tokenizer: Any) -> None:
    model = gpt2().train()
    analyzer = GradientAnalyzer(model, tokenizer)
    assert analyzer.layer_gradients(TEXT)["global_norm"] == analyzer.layer_gradients(TEXT)["global_norm"]
