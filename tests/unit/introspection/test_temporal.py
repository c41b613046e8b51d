"""Activations along the layers, while generating, between inputs, and against a reference."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from torch import nn
from transformers import (
    AlbertConfig,
    AlbertModel,
    BertConfig,
    BertModel,
    GPT2Config,
    GPT2LMHeadModel,
    PreTrainedTokenizerFast,
    Qwen2Config,
    Qwen2ForCausalLM,
    T5Config,
    T5ForConditionalGeneration,
)

from introspection.errors import InvalidArgument, NotAModel, UnknownName
from introspection.gradients import GradientAnalyzer
from introspection.temporal import TemporalAnalyzer

torch.set_num_threads(1)

WORDS = "<pad> <unk> <eos> the capital of france is paris a cat sat on mat and dog ran to zebra".split()  # noqa: SIM905
TEXT = "the capital of france is"
TEXTS = [
    "the cat sat on a mat",
    "a dog ran to the mat",
    "paris is the capital of france",
    "the dog sat on the cat",
    "a cat ran to paris",
    "the capital is a mat",
    "france is to the dog a cat",
    "on the mat sat a dog and a cat",
]
SIZES: dict[str, Any] = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 3, "num_attention_heads": 4}


@pytest.fixture(scope="module")
def tokenizer() -> PreTrainedTokenizerFast:
    words = Tokenizer(models.WordLevel({word: index for index, word in enumerate(WORDS)}, unk_token="<unk>"))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    return PreTrainedTokenizerFast(tokenizer_object=words, unk_token="<unk>", pad_token="<pad>", eos_token="<eos>")


def qwen2(**options: Any) -> Any:
    torch.manual_seed(0)
    config = Qwen2Config(vocab_size=len(WORDS), num_key_value_heads=2, initializer_range=0.2, **SIZES, **options)
    return Qwen2ForCausalLM(config)


def gpt2() -> Any:
    torch.manual_seed(1)
    return GPT2LMHeadModel(GPT2Config(vocab_size=len(WORDS), n_embd=32, n_layer=3, n_head=4, n_positions=32))


def bert() -> Any:
    torch.manual_seed(2)
    return BertModel(BertConfig(vocab_size=len(WORDS), **SIZES))


def t5() -> Any:
    torch.manual_seed(3)
    config = T5Config(
        vocab_size=len(WORDS), d_model=32, d_kv=8, d_ff=64, num_layers=3, num_heads=4,
        decoder_start_token_id=0, pad_token_id=0, eos_token_id=2,
    )  # fmt: skip
    return T5ForConditionalGeneration(config)


def as_json(result: dict[str, Any]) -> dict[str, Any]:
    json.dumps(result, allow_nan=False)
    return result


def hooks(model: nn.Module) -> int:
    return sum(
        len(value) for module in model.modules() for name, value in vars(module).items() if name.endswith("_hooks")
    )


class Stack(nn.Module):
    """Blocks of given functions, one after the other."""

    class Block(nn.Module):
        def __init__(self, function: Callable[[torch.Tensor], torch.Tensor]) -> None:
            super().__init__()
            self.function = function

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.function(x)

    def __init__(self, *functions: Callable[[torch.Tensor], torch.Tensor]) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(self.Block(function) for function in functions)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for block in self.blocks:
            x = block(x)
        return x


# Flow across layers


def test_what_each_layer_does_to_the_stream_is_measured() -> None:
    angle = 0.3
    turn = torch.tensor([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
    model = Stack(lambda x: 1.5 * x, lambda x: x @ turn, lambda x: 0.5 * x, lambda x: x.clone())
    x = torch.randn(2, 4, 2)
    layers = as_json(TemporalAnalyzer(model).layer_flow(x))["layers"]
    assert [entry["layer"] for entry in layers] == ["blocks.0", "blocks.1", "blocks.2", "blocks.3"]
    assert [entry["growth"] for entry in layers] == pytest.approx([1.5, 1, 0.5, 1])
    assert [entry["relative_update"] for entry in layers] == pytest.approx([0.5, 2 * math.sin(angle / 2), 0.5, 0])
    assert [entry["cosine"] for entry in layers] == pytest.approx([1, math.cos(angle), 1, 1])
    assert [entry["update_alignment"] for entry in layers[:3]] == pytest.approx([1, -math.sin(angle / 2), -1], abs=1e-6)
    assert layers[3]["update_alignment"] is None
    assert [entry["continues"] for entry in layers] == [False, True, True, True]
    norms = (1.5 * x).norm(dim=2).flatten().double()
    assert layers[0]["norm_median"] == pytest.approx(float(norms.quantile(0.5)))
    assert layers[0]["norm_max"] == pytest.approx(float(norms.max()))
    assert layers[0]["tokens"] == 8


def test_findings_name_the_layers_that_do_something_odd() -> None:
    model = Stack(lambda x: 30 * x, lambda x: x.clone(), lambda x: x + 1, lambda x: (x - 1e9).sqrt(), lambda x: 2 * x)
    found = as_json(TemporalAnalyzer(model).layer_flow(torch.randn(1, 4, 3).abs()))
    assert found["findings"] == [
        "blocks.0 makes the median norm of tokens grow 30 times",
        "blocks.1 changes nothing: what comes out is what went in",
        "blocks.3 is the first layer with NaN or infinite activations: they arise there",
    ]
    assert [entry["non_finite"] for entry in found["layers"]] == [0, 0, 0, 12, 12]
    assert found["layers"][3]["effective_rank"] is None


def test_what_was_not_finite_before_does_not_arise_in_a_layer() -> None:
    found = TemporalAnalyzer(Stack(lambda x: 2 * x)).layer_flow(torch.full((1, 2, 3), math.nan))
    assert found["findings"] == [
        "blocks.0 is the first layer with NaN or infinite activations: they came with what went into it"
    ]


def test_a_layer_that_writes_into_what_it_is_given_is_measured_against_what_it_was_given() -> None:
    layers = TemporalAnalyzer(Stack(lambda x: 1 * x, lambda x: x.mul_(3), lambda x: x + 0)).layer_flow(
        torch.ones(1, 2, 3)
    )["layers"]
    assert [entry["growth"] for entry in layers] == pytest.approx([1, 3, 1])


@pytest.mark.parametrize(("make", "stack"), [(qwen2, "model.layers"), (gpt2, "transformer.h"), (bert, "encoder.layer")])
def test_the_flow_of_a_transformer_is_that_of_its_hidden_states(make: Any, stack: str, tokenizer: Any) -> None:
    model = make().eval()
    ids = tokenizer(TEXT, return_tensors="pt")["input_ids"]
    layers = TemporalAnalyzer(model, tokenizer).layer_flow({"input_ids": ids})["layers"]
    with torch.no_grad():
        states = [state.double()[0] for state in model(ids, output_hidden_states=True).hidden_states]
    assert [entry["layer"] for entry in layers] == [f"{stack}.{index}" for index in range(3)]
    # The last hidden state of Qwen2 and GPT-2 is normalised once more after the last layer.
    for entry, before, after in list(zip(layers, states, states[1:], strict=False))[:2]:
        assert entry["norm_max"] == pytest.approx(float(after.norm(dim=1).max()), rel=1e-5)
        assert entry["relative_update"] == pytest.approx(float((after - before).norm() / before.norm()), rel=1e-4)
        expected = nn.functional.cosine_similarity(before, after).mean()
        assert entry["cosine"] == pytest.approx(float(expected), abs=1e-5)


def test_an_encoder_and_a_decoder_are_stacks_of_their_own(tokenizer: Any) -> None:
    layers = TemporalAnalyzer(t5(), tokenizer).layer_flow(TEXT)["layers"]
    assert [entry["stack"] for entry in layers] == ["encoder.block"] * 3 + ["decoder.block"] * 3
    assert [entry["tokens"] for entry in layers] == [5, 5, 5, 1, 1, 1]
    assert [entry["continues"] for entry in layers] == [False, True, True, False, True, True]


def test_a_block_that_is_applied_again_is_an_entry_again(tokenizer: Any) -> None:
    torch.manual_seed(4)
    model = AlbertModel(AlbertConfig(vocab_size=len(WORDS), embedding_size=16, **SIZES))
    layers = TemporalAnalyzer(model, tokenizer).layer_flow(TEXT)["layers"]
    path = "encoder.albert_layer_groups.0"
    assert [entry["layer"] for entry in layers] == [path, f"{path}#1", f"{path}#2"]
    assert [entry["continues"] for entry in layers] == [False, True, True]


def test_padding_is_left_out(tokenizer: Any) -> None:
    model = qwen2()
    analyzer = TemporalAnalyzer(model, tokenizer)
    padded = tokenizer([TEXT, "a dog"], padding=True, return_tensors="pt")
    alone = [analyzer.layer_flow(text)["layers"] for text in (TEXT, "a dog")]
    for entry, *each in zip(analyzer.layer_flow(padded)["layers"], *alone, strict=True):
        assert entry["tokens"] == 7
        assert entry["norm_max"] == pytest.approx(max(one["norm_max"] for one in each), rel=1e-5)


def test_layers_can_be_named(tokenizer: Any) -> None:
    analyzer = TemporalAnalyzer(qwen2(), tokenizer)
    layers = analyzer.layer_flow(TEXT, ["model.layers.1.mlp", "model.norm"])["layers"]
    assert [entry["layer"] for entry in layers] == ["model.layers.1.mlp", "model.norm"]
    with pytest.raises(UnknownName, match="did you mean"):
        analyzer.layer_flow(TEXT, ["model.layers.1.mpl"])


def test_nothing_is_left_in_the_model_whatever_happens(tokenizer: Any) -> None:
    model = qwen2().train()
    weights = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    attributes = [sorted(vars(module)) for module in model.modules()]
    analyzer = TemporalAnalyzer(model, tokenizer)
    random = torch.get_rng_state()
    analyzer.layer_flow(TEXT)
    analyzer.trace_generation(TEXT, 2)
    analyzer.detect_anomalies(TEXT, TEXTS)
    analyzer.compare_states(analyzer.capture_state([TEXT]))
    with pytest.raises(InvalidArgument):
        TemporalAnalyzer(model, tokenizer, max_bytes=100).layer_flow(TEXT)
    with pytest.raises(IndexError):
        analyzer.layer_flow(torch.tensor([[99]]))
    with pytest.raises(IndexError):
        analyzer.trace_generation(torch.tensor([[99]]))
    assert hooks(model) == 0
    assert all(module.training for module in model.modules())
    assert [sorted(vars(module)) for module in model.modules()] == attributes
    assert all(torch.equal(tensor, weights[name]) for name, tensor in model.state_dict().items())
    assert torch.equal(torch.get_rng_state(), random)
    assert torch.is_grad_enabled()


def test_a_model_in_training_is_looked_at_without_dropout_or_new_statistics(tokenizer: Any) -> None:
    model = gpt2()
    still = TemporalAnalyzer(model.eval(), tokenizer).layer_flow(TEXT)
    random = torch.get_rng_state()
    assert TemporalAnalyzer(model.train(), tokenizer).layer_flow(TEXT) == still
    assert torch.equal(torch.get_rng_state(), random)
    normalised = nn.Sequential(nn.Linear(3, 3), nn.BatchNorm1d(3)).train()
    TemporalAnalyzer(normalised).layer_flow(torch.randn(8, 3))
    assert normalised[1].num_batches_tracked == 0
    assert normalised[1].running_mean.tolist() == [0, 0, 0]


def test_activations_over_the_budget_are_refused_and_shared_ones_count_once() -> None:
    model = Stack(lambda x: 2 * x, lambda x: 3 * x, lambda x: 4 * x)
    x = torch.randn(1, 4, 8)
    needed = 5 * x.numel() * 4  # what goes into the first, what comes out of three, and the output
    assert len(TemporalAnalyzer(model, max_bytes=needed).layer_flow(x)["layers"]) == 3
    with pytest.raises(InvalidArgument, match="max_bytes"):
        TemporalAnalyzer(model, max_bytes=needed - 1).layer_flow(x)


def test_something_that_is_no_model_is_refused() -> None:
    with pytest.raises(NotAModel):
        TemporalAnalyzer(None)  # type: ignore[arg-type]


# While generating


@pytest.mark.parametrize("make", [qwen2, gpt2])
def test_each_step_has_the_activations_of_a_forward_over_all_tokens_so_far(make: Any, tokenizer: Any) -> None:
    model = make().eval()
    found = as_json(TemporalAnalyzer(model, tokenizer).trace_generation(TEXT, 6))
    ids = tokenizer(TEXT, return_tensors="pt")["input_ids"]
    expected = model.generate(ids, max_new_tokens=6, do_sample=False, pad_token_id=0)[0, 5:].tolist()
    assert found["token_ids"] == expected
    assert len(found["steps"]) == len(expected) > 1
    assert found["text"] == tokenizer.decode(expected)
    previous: list[torch.Tensor] = []
    for step in found["steps"]:
        with torch.no_grad():
            output = model(ids, output_hidden_states=True)
        states = [state[0, -1].double() for state in output.hidden_states]
        assert step["log_probability"] == pytest.approx(
            float(output.logits[0, -1].double().log_softmax(-1)[step["token_id"]]), rel=1e-4
        )
        assert len(step["layers"]) == 3
        for index, entry in enumerate(step["layers"][:2]):
            before, after = states[index], states[index + 1]
            assert entry["norm"] == pytest.approx(float(after.norm()), rel=1e-4)
            assert entry["relative_update"] == pytest.approx(float((after - before).norm() / before.norm()), rel=1e-3)
            if previous:
                cosine = nn.functional.cosine_similarity(previous[index + 1], after, dim=0)
                assert entry["cosine_to_previous_step"] == pytest.approx(float(cosine), abs=1e-4)
            else:
                assert entry["cosine_to_previous_step"] is None
        previous = states
        ids = torch.cat([ids, torch.tensor([[step["token_id"]]])], dim=1)


def test_a_layer_that_changes_the_number_of_units_has_no_update(tokenizer: Any) -> None:
    found = TemporalAnalyzer(gpt2(), tokenizer).trace_generation(TEXT, 2, ["transformer.h.0.mlp.c_fc"])
    for step in found["steps"]:
        (entry,) = step["layers"]
        assert entry["norm"] > 0
        assert (entry["relative_update"], entry["cosine"]) == (None, None)


def test_generation_is_greedy_whatever_the_model_is_set_to(tokenizer: Any) -> None:
    model = qwen2()
    plain = TemporalAnalyzer(model, tokenizer).trace_generation(TEXT, 6)
    model.generation_config.update(do_sample=True, temperature=5.0, top_k=3, repetition_penalty=3.0, num_beams=3)
    settings = model.generation_config.to_dict()
    assert TemporalAnalyzer(model, tokenizer).trace_generation(TEXT, 6) == plain
    assert model.generation_config.to_dict() == settings


def test_generation_ends_with_the_end_of_the_sequence(tokenizer: Any) -> None:
    model = gpt2()
    first = TemporalAnalyzer(model, tokenizer).trace_generation(TEXT, 1)["token_ids"]
    model.generation_config.eos_token_id = first
    model.generation_config.pad_token_id = 0
    assert TemporalAnalyzer(model, tokenizer).trace_generation(TEXT, 6)["token_ids"] == first


def test_an_encoder_decoder_generates_with_its_decoder(tokenizer: Any) -> None:
    model = t5().eval()
    found = as_json(TemporalAnalyzer(model, tokenizer).trace_generation(TEXT, 4))
    ids = tokenizer(TEXT, return_tensors="pt")["input_ids"]
    expected = model.generate(ids, max_new_tokens=4, do_sample=False)[0, 1:].tolist()
    assert found["token_ids"] == expected
    for step in found["steps"]:
        assert [entry["layer"] for entry in step["layers"]] == [f"decoder.block.{index}" for index in range(3)]


def test_what_cannot_be_generated_is_refused(tokenizer: Any) -> None:
    with pytest.raises(InvalidArgument, match="model"):
        TemporalAnalyzer(bert(), tokenizer).trace_generation(TEXT)
    with pytest.raises(InvalidArgument, match="model"):
        TemporalAnalyzer(nn.Linear(2, 2)).trace_generation(torch.ones(1, 2))
    with pytest.raises(InvalidArgument, match="max_new_tokens"):
        TemporalAnalyzer(qwen2(), tokenizer).trace_generation(TEXT, 0)
    with pytest.raises(InvalidArgument, match="one sequence"):
        TemporalAnalyzer(qwen2(), tokenizer).trace_generation(torch.ones(2, 3, dtype=torch.int64))


# Similarity


def test_layers_are_compared_by_the_tokens_of_all_inputs() -> None:
    torch.manual_seed(0)
    turn = torch.linalg.qr(torch.randn(6, 6)).Q
    model = Stack(lambda x: 2 * x, lambda x: x @ turn, lambda x: x.square())
    found = as_json(TemporalAnalyzer(model).layer_similarity([torch.randn(1, 9, 6), torch.randn(1, 20, 6)]))
    assert found["layers"] == ["blocks.0", "blocks.1", "blocks.2"]
    assert found["tokens"] == [29, 29, 29]
    assert found["cka"][0][1] == pytest.approx(1)
    assert found["cka_debiased"][0][1] == pytest.approx(1)
    assert found["cka"][0][2] < 0.5
    assert abs(found["cosine"][0][1]) < 0.7
    for name in ("cka", "cka_debiased", "cosine"):
        assert [found[name][index][index] for index in range(3)] == pytest.approx([1, 1, 1])
        assert found[name][2][0] == found[name][0][2]


def test_layers_without_tokens_in_common_are_not_compared(tokenizer: Any) -> None:
    found = TemporalAnalyzer(t5(), tokenizer).layer_similarity([TEXT, "a dog ran"])
    assert found["cka"][0][1] is not None
    assert found["cka"][0][3] is None
    assert found["cosine"][3][0] is None


def test_inputs_are_alike_up_to_where_they_part(tokenizer: Any) -> None:
    analyzer = TemporalAnalyzer(qwen2(), tokenizer)
    found = as_json(analyzer.input_similarity("the cat sat on the mat", "the cat sat on a mat"))
    for layer in found["layers"]:
        assert layer["token_cosines"][:4] == pytest.approx([1] * 4, abs=1e-6)
        assert layer["token_cosines"][4] < 0.999
        assert layer["relative_difference"] > 0
    for layer in analyzer.input_similarity("the cat", "the cat sat")["layers"]:
        assert layer["token_cosines"] is None
        assert layer["mean_pooled_cosine"] < 1


# Anomalies


def test_a_word_unlike_any_other_is_found_where_it_stands(tokenizer: Any) -> None:
    model = qwen2(tie_word_embeddings=False)
    with torch.no_grad():
        model.model.embed_tokens.weight[WORDS.index("zebra")] *= 40
    found = as_json(TemporalAnalyzer(model, tokenizer).detect_anomalies("the cat sat on zebra mat", TEXTS))
    first = found["layers"][0]
    assert {(each["position"], each["token"]) for each in first["anomalies"] if each["measure"] == "norm"} == {
        (4, "zebra")
    }
    (worst,) = [each for each in first["anomalies"] if each["measure"] == "norm"]
    assert worst["value"] > 4 * worst["reference_median"]
    assert worst["p_value"] <= 1 / 35
    assert first["largest_norm_score"] == worst["score"] > 3.5
    assert any("position 4 ('zebra')" in finding for finding in found["findings"])


def test_what_is_like_the_reference_is_no_anomaly(tokenizer: Any) -> None:
    analyzer = TemporalAnalyzer(gpt2(), tokenizer)
    reference = analyzer.reference(TEXTS)
    assert (reference.inputs, reference.layers) == (8, ("transformer.h.0", "transformer.h.1", "transformer.h.2"))
    for text in TEXTS:
        assert analyzer.detect_anomalies(text, reference)["findings"] == []


def test_random_activations_are_rarely_called_anomalies() -> None:
    generator = torch.Generator().manual_seed(0)
    analyzer = TemporalAnalyzer(Stack(lambda x: 2 * x))
    reference = analyzer.reference([torch.randn(1, 20, 16, generator=generator) for _ in range(20)])
    alarms = 0
    for _ in range(100):
        (layer,) = analyzer.detect_anomalies(torch.randn(1, 20, 16, generator=generator), reference)["layers"]
        alarms += len({each["position"] for each in layer["anomalies"]})
    assert alarms <= 0.01 * 100 * 20
    (layer,) = analyzer.detect_anomalies(3 * torch.randn(1, 20, 16, generator=generator), reference)["layers"]
    assert len({each["position"] for each in layer["anomalies"]}) >= 19


def test_the_direction_counts_and_not_the_norm_alone() -> None:
    generator = torch.Generator().manual_seed(0)
    scale = torch.cat([torch.full((8,), 10.0), torch.full((8,), 0.01)])
    analyzer = TemporalAnalyzer(Stack(lambda x: 1 * x))
    reference = analyzer.reference([torch.randn(1, 20, 16, generator=generator) * scale for _ in range(10)])
    odd = torch.randn(1, 5, 16, generator=generator) * scale
    odd[0, 3, 12] = 1.0
    (layer,) = analyzer.detect_anomalies(odd, reference)["layers"]
    assert [(each["position"], each["measure"]) for each in layer["anomalies"]] == [(3, "distance")]


def test_the_first_position_is_judged_by_first_positions() -> None:
    class Sink(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.blocks = nn.ModuleList([nn.Identity()])

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.blocks[0](torch.cat([100 * x[:, :1], x[:, 1:]], dim=1))

    generator = torch.Generator().manual_seed(0)
    analyzer = TemporalAnalyzer(Sink())
    reference = analyzer.reference([torch.randn(1, 9, 16, generator=generator) for _ in range(20)])
    usual = torch.randn(1, 9, 16, generator=generator)
    assert analyzer.detect_anomalies(usual, reference)["findings"] == []
    usual[0, 5] *= 100
    (layer,) = analyzer.detect_anomalies(usual, reference)["layers"]
    assert {each["position"] for each in layer["anomalies"]} == {5}


def test_what_is_not_finite_or_never_changes_is_counted() -> None:
    def broken(x: torch.Tensor) -> torch.Tensor:
        y = x.clone()
        y[..., 0], y[..., 1] = 0, 7
        y[:, 2, 3], y[:, 1, 4] = math.nan, math.inf
        return y

    found = as_json(TemporalAnalyzer(Stack(broken)).detect_anomalies(torch.randn(1, 6, 5)))
    (layer,) = found["layers"]
    assert (layer["nan"], layer["inf"], layer["zero_units"], layer["constant_units"]) == (1, 1, 1, 2)
    assert found["findings"] == [
        "blocks.0 has 1 NaN and 1 infinite activations",
        "blocks.0: 1 units are zero for every token",
    ]


def test_dead_units_of_an_activation_function_are_found() -> None:
    model = nn.Sequential(nn.Linear(4, 6), nn.ReLU())
    with torch.no_grad():
        model[0].bias[:2] = -1e3
        model[0].bias[2:] = 1e3
    (layer,) = TemporalAnalyzer(model).detect_anomalies(torch.randn(1, 9, 4), layers=["1"])["layers"]
    assert layer["zero_units"] == 2


def test_a_reference_that_says_too_little_is_refused(tokenizer: Any) -> None:
    analyzer = TemporalAnalyzer(qwen2(), tokenizer)
    with pytest.raises(InvalidArgument, match="at least 4"):
        analyzer.reference(TEXTS[:3])
    reference = analyzer.reference(TEXTS, ["model.norm"])
    with pytest.raises(InvalidArgument, match=r"model\.layers\.0"):
        analyzer.detect_anomalies(TEXT, reference, ["model.layers.0"])
    with pytest.raises(InvalidArgument, match="threshold"):
        analyzer.detect_anomalies(TEXT, reference, threshold=0)


def test_steps_in_double_precision_are_compared_with_what_the_step_before_was(tokenizer: Any) -> None:
    class Reused(nn.Module):
        """Gives out the same memory at every step, as a compiled step does."""

        def __init__(self) -> None:
            super().__init__()
            self.memory: dict[tuple[int, ...], torch.Tensor] = {}

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.memory.setdefault(tuple(x.shape), torch.empty_like(x)).copy_(x)

    model = gpt2().double()
    model.transformer.drop = Reused()
    found = TemporalAnalyzer(model, tokenizer).trace_generation(TEXT, 3, ["transformer.drop"])
    ids = tokenizer(TEXT, return_tensors="pt")["input_ids"]
    embedded = []
    for position, token in enumerate([ids[0, -1].item(), *found["token_ids"][:2]], start=4):
        embedded.append(model.transformer.wte.weight[token] + model.transformer.wpe.weight[position])
    for step in (1, 2):  # both of one token, and so of one shape
        expected = nn.functional.cosine_similarity(embedded[step - 1], embedded[step], dim=0)
        (entry,) = found["steps"][step]["layers"]
        assert entry["cosine_to_previous_step"] == pytest.approx(float(expected.detach()))


def test_a_compiled_model_is_looked_at_like_the_one_inside(tokenizer: Any) -> None:
    model = gpt2().eval()
    compiled = torch.compile(model, backend="eager")
    plain, wrapped = (TemporalAnalyzer(each, tokenizer) for each in (model, compiled))
    of_plain, of_wrapped = (analyzer.trace_generation(TEXT, 3) for analyzer in (plain, wrapped))
    assert of_wrapped["token_ids"] == of_plain["token_ids"]
    for one, other in zip(of_plain["steps"], of_wrapped["steps"], strict=True):
        named = [{**entry, "layer": f"_orig_mod.{entry['layer']}"} for entry in one["layers"]]
        assert other == {**one, "layers": named}
    flows = [analyzer.layer_flow(TEXT)["layers"] for analyzer in (plain, wrapped)]
    assert [entry["norm_max"] for entry in flows[1]] == [entry["norm_max"] for entry in flows[0]]
    assert [entry["layer"] for entry in flows[1]] == [f"_orig_mod.{entry['layer']}" for entry in flows[0]]
    # Layers are named as they are in the model that was given.
    (step,) = wrapped.trace_generation(TEXT, 1, ["_orig_mod.transformer.h.1"])["steps"]
    assert [entry["layer"] for entry in step["layers"]] == ["_orig_mod.transformer.h.1"]


@pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated")
def test_a_model_with_adapters_generates_and_has_a_loss_like_the_one_inside(tokenizer: Any) -> None:
    peft = pytest.importorskip("peft")
    model = gpt2().eval()
    plain = TemporalAnalyzer(model, tokenizer).trace_generation(TEXT, 3)["token_ids"]
    # An adapter that was not trained adds nothing.
    config = peft.LoraConfig(r=2, target_modules=["c_attn"], fan_in_fan_out=True)
    adapted = peft.get_peft_model(model, config)
    traced = TemporalAnalyzer(adapted, tokenizer).trace_generation(TEXT, 3, ["base_model.model.transformer.h.1"])
    assert traced["token_ids"] == plain
    gradients = GradientAnalyzer(adapted, tokenizer).layer_gradients(
        TEXT, parameters="base_model.model.transformer.h.1"
    )
    reached = [entry["name"] for entry in gradients["parameters"] if "lora_B" in entry["name"] and entry["norm"]]
    assert reached == ["base_model.model.transformer.h.1.attn.c_attn.lora_B.default.weight"]


def test_a_decoder_without_a_token_to_begin_with_is_refused(tokenizer: Any) -> None:
    model = t5()
    model.generation_config.decoder_start_token_id = model.generation_config.bos_token_id = None
    with pytest.raises(InvalidArgument, match="without decoder_start_token_id"):
        TemporalAnalyzer(model, tokenizer).trace_generation(TEXT, 3)
