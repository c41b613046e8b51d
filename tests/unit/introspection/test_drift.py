"""Drift between two states of a model: which weights changed, what moved first, how far the output went."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
import torch
from torch import nn
from transformers import (
    BertConfig,
    BertModel,
    GPT2Config,
    GPT2LMHeadModel,
    Qwen2Config,
    Qwen2ForCausalLM,
    T5Config,
    T5ForConditionalGeneration,
)

from introspection.errors import InvalidArgument
from introspection.temporal import TemporalAnalyzer

torch.set_num_threads(1)

IDS = torch.tensor([[3, 7, 5, 1, 9]])
OTHER_IDS = torch.tensor([[2, 2, 8]])
SIZES: dict[str, Any] = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 3, "num_attention_heads": 4}


def qwen2() -> Any:
    torch.manual_seed(0)
    return Qwen2ForCausalLM(Qwen2Config(vocab_size=20, num_key_value_heads=2, tie_word_embeddings=True, **SIZES))


def gpt2() -> Any:
    torch.manual_seed(1)
    return GPT2LMHeadModel(GPT2Config(vocab_size=20, n_embd=32, n_layer=3, n_head=4, n_positions=16))


def t5() -> Any:
    torch.manual_seed(3)
    config = T5Config(
        vocab_size=20, d_model=32, d_kv=8, d_ff=64, num_layers=3, num_heads=4, decoder_start_token_id=0
    )  # fmt: skip
    return T5ForConditionalGeneration(config)


def compared(model: nn.Module, inputs: Any, edit: Any, layers: Any = None) -> dict[str, Any]:
    """The drift that an edit makes."""
    analyzer = TemporalAnalyzer(model)
    before = analyzer.capture_state(inputs, layers)
    with torch.no_grad():
        edit(model)
    found = analyzer.compare_states(before)
    json.dumps(found, allow_nan=False)
    return found


def test_a_model_that_was_not_touched_did_not_drift() -> None:
    found = compared(qwen2(), [IDS, OTHER_IDS], lambda model: None)
    assert found["weights_changed"] is False
    assert found["changed_weights"] == found["origins"] == []
    assert found["first_moved"] == {}
    assert [entry["input"] for entry in found["layers"]] == [0, 0, 0, 1, 1, 1]
    for entry in found["layers"]:
        assert (entry["moved"], entry["relative_change"]) == (False, 0)
        assert entry["cosine"] == pytest.approx(1)
        assert entry["cka"] == pytest.approx(1) or entry["cka"] is None
    assert found["output"] == {
        "moved": False,
        "kl_divergence": {"mean": 0, "max": 0},
        "top_agreement": 1,
        "relative_change": 0,
    }
    assert found["findings"] == ["the weights did not change, and nothing moved"]


@pytest.mark.parametrize("layer", [0, 1, 2])
@pytest.mark.parametrize(("make", "stack"), [(qwen2, "model.layers"), (gpt2, "transformer.h")])
def test_the_layer_that_was_edited_is_the_first_to_move(make: Any, stack: str, layer: int) -> None:
    name = f"{stack}.{layer}.mlp.{'down_proj' if make is qwen2 else 'c_proj'}.weight"
    found = compared(make(), IDS, lambda model: model.get_parameter(name).mul_(1.1))
    assert found["weights_changed"] is True
    assert found["changed_weights"] == [{"storage_key": name, "names": [name]}]
    assert [entry["moved"] for entry in found["layers"]] == [index >= layer for index in range(3)]
    assert found["first_moved"] == {stack: f"{stack}.{layer}"}
    assert found["origins"] == [f"{stack}.{layer}"]
    assert found["findings"][:2] == [
        f"1 storage changed: {name}",
        f"the first layer to move in {stack} is {stack}.{layer}",
    ]


def test_every_layer_that_was_edited_is_an_origin_only_if_what_went_in_had_not_moved() -> None:
    def edit(model: Any) -> None:
        for layer in (1, 2):
            model.transformer.h[layer].mlp.c_proj.weight.mul_(1.1)

    found = compared(gpt2(), IDS, edit, ["transformer.h.1", "transformer.h.2", "transformer.wpe"])
    assert found["origins"] == ["transformer.h.1"]


def test_a_tied_embedding_is_one_change_and_moves_all_from_before_the_first_layer() -> None:
    found = compared(qwen2(), IDS, lambda model: model.lm_head.weight[7].mul_(2))
    assert found["changed_weights"] == [
        {"storage_key": "lm_head.weight", "names": ["lm_head.weight", "model.embed_tokens.weight"]}
    ]
    assert found["first_moved"] == {"model.layers": "model.layers.0"}
    assert found["origins"] == []
    assert any("because what went into it had moved" in finding for finding in found["findings"])


def test_a_decoder_that_moved_because_its_encoder_did_is_no_origin() -> None:
    found = compared(
        t5(),
        {"input_ids": IDS, "decoder_input_ids": IDS},
        lambda model: model.encoder.block[1].layer[1].DenseReluDense.wo.weight.mul_(1.5),
    )
    assert found["first_moved"] == {"encoder.block": "encoder.block.1", "decoder.block": "decoder.block.0"}
    assert found["origins"] == ["encoder.block.1"]


def test_a_change_that_these_inputs_do_not_meet_is_said_to_move_nothing() -> None:
    model = qwen2()
    model.config.tie_word_embeddings = False
    model.lm_head.weight = nn.Parameter(model.lm_head.weight.detach().clone())
    found = compared(model, IDS, lambda model: model.model.embed_tokens.weight[15].mul_(2))
    assert found["weights_changed"] is True
    assert not any(entry["moved"] for entry in found["layers"])
    assert "nothing that was looked at moved for these inputs" in found["findings"]


def test_the_smallest_change_is_a_change() -> None:
    model = nn.Sequential(nn.Linear(2, 2, bias=False), nn.ReLU(), nn.Linear(2, 2))
    with torch.no_grad():
        model[0].weight.zero_()
    found = compared(model, torch.ones(1, 2), lambda model: model[0].weight.neg_())
    assert found["weights_changed"] is True
    assert found["layers"][0]["relative_change"] == 0


def test_what_moves_without_a_change_of_weights_is_said_to() -> None:
    class Counting(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.blocks = nn.ModuleList([nn.Linear(2, 2)])
            self.offset = [0.0]

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.blocks[0](x) + self.offset[0]

    def edit(model: Any) -> None:
        model.offset[0] = 1.0

    found = compared(Counting(), torch.ones(1, 2), edit)
    assert found["weights_changed"] is False
    assert found["output"]["moved"] is True
    assert "the weights did not change: what moved, moved for another reason" in found["findings"][0]


def test_divergence_and_agreement_are_those_of_the_distributions() -> None:
    model = gpt2().eval()
    inputs = {"input_ids": torch.tensor([[3, 7, 5, 0], [2, 9, 0, 0]])}
    inputs["attention_mask"] = torch.tensor([[1, 1, 1, 0], [1, 1, 0, 0]])
    before = model(**inputs).logits.detach().double()
    found = compared(model, inputs, lambda model: model.transformer.h[1].mlp.c_fc.weight.mul_(20))["output"]
    after = model(**inputs).logits.detach().double()
    p, q = before.log_softmax(-1), after.log_softmax(-1)
    real = inputs["attention_mask"].bool()
    expected = (p.exp() * (p - q)).sum(-1)[real]
    assert found["kl_divergence"]["mean"] == pytest.approx(float(expected.mean()), rel=1e-6)
    assert found["kl_divergence"]["max"] == pytest.approx(float(expected.max()), rel=1e-6)
    assert 0 < found["kl_divergence"]["mean"] < found["kl_divergence"]["max"]
    assert found["top_agreement"] == float((before.argmax(-1) == after.argmax(-1))[real].double().mean())
    change = (after - before)[real].norm() / before[real].norm()
    assert found["relative_change"] == pytest.approx(float(change), rel=1e-6)


def test_layers_are_compared_by_the_measures_they_are_named_for() -> None:
    model = nn.Sequential(nn.Linear(4, 4, bias=False), nn.Linear(4, 4, bias=False))
    torch.manual_seed(0)
    x, turn = torch.randn(9, 4), torch.linalg.qr(torch.randn(4, 4)).Q
    before = model[0](x).detach()
    found = compared(model, x, lambda model: model[0].weight.copy_(2 * turn @ model[0].weight))
    after = model[0](x).detach()
    entry = found["layers"][0]
    assert entry["cka"] == pytest.approx(1)
    assert entry["cosine"] == pytest.approx(float(nn.functional.cosine_similarity(before, after).mean()), abs=1e-6)
    assert entry["relative_change"] == pytest.approx(float((after - before).norm() / before.norm()), rel=1e-5)


def test_a_model_without_logits_has_a_relative_change_and_no_divergence() -> None:
    torch.manual_seed(0)
    model = BertModel(BertConfig(vocab_size=20, **SIZES))
    found = compared(model, {"input_ids": IDS}, lambda model: model.pooler.dense.weight.mul_(2))
    assert found["output"]["kl_divergence"] == {"mean": None, "max": None}
    assert found["output"]["top_agreement"] is None
    assert found["first_moved"] == {}


def test_tying_and_untying_are_told_apart_from_change() -> None:
    def untie(model: Any) -> None:
        model.lm_head.weight = nn.Parameter(model.lm_head.weight.detach().clone())

    found = compared(qwen2(), IDS, untie)
    assert found["untied"] == [["lm_head.weight", "model.embed_tokens.weight"]]
    assert found["tied"] == found["changed_weights"] == []
    assert found["weights_changed"] is False
    assert not found["output"]["moved"]


def test_a_weight_that_becomes_nan_moves_its_layer_and_no_measure_pretends_a_number() -> None:
    found = compared(gpt2(), IDS, lambda model: model.transformer.h[1].mlp.c_fc.weight.fill_(float("nan")))
    assert found["first_moved"] == {"transformer.h": "transformer.h.1"}
    assert found["layers"][1]["relative_change"] is None
    assert found["layers"][1]["cka"] is None
    assert found["output"]["kl_divergence"]["mean"] is None


def test_a_nan_that_stays_has_not_moved() -> None:
    model = gpt2()
    with torch.no_grad():
        model.transformer.h[1].mlp.c_fc.weight.fill_(float("nan"))
    found = compared(model, IDS, lambda model: None)
    assert not any(entry["moved"] for entry in found["layers"])
    assert found["findings"] == ["the weights did not change, and nothing moved"]


def test_a_state_is_a_value_that_later_writes_do_not_reach() -> None:
    model, inputs = gpt2(), IDS.clone()
    analyzer = TemporalAnalyzer(model)
    before = analyzer.capture_state(inputs)
    inputs.fill_(1)
    assert analyzer.compare_states(before)["weights_changed"] is False
    with torch.no_grad():
        model.transformer.h[0].mlp.c_fc.weight.mul_(2)
    after = analyzer.capture_state(IDS)
    with torch.no_grad():
        model.transformer.h[0].mlp.c_fc.weight.mul_(0.5)
    assert analyzer.compare_states(before)["weights_changed"] is False
    assert analyzer.compare_states(before, after)["weights_changed"] is True


def test_two_models_can_be_compared() -> None:
    one, other = gpt2(), copy.deepcopy(gpt2())
    states = [TemporalAnalyzer(model).capture_state(IDS) for model in (one, other)]
    assert TemporalAnalyzer(one).compare_states(*states)["weights_changed"] is False


def test_states_of_other_inputs_or_layers_are_refused() -> None:
    analyzer = TemporalAnalyzer(gpt2())
    before = analyzer.capture_state(IDS)
    for inputs, layers in ((OTHER_IDS, None), ([IDS, IDS], None), (IDS + 1, None), (IDS, ["transformer.h.0"])):
        with pytest.raises(InvalidArgument, match="after"):
            analyzer.compare_states(before, analyzer.capture_state(inputs, layers))


def test_the_summary_of_a_state_is_json_without_activations() -> None:
    summary = TemporalAnalyzer(gpt2()).capture_state([IDS, OTHER_IDS]).summary()
    assert json.loads(json.dumps(summary)) == summary
    assert summary["inputs"] == 2
    assert summary["layers"] == [f"transformer.h.{index}" for index in range(3)]
    assert summary["activation_bytes"] == 3 * 8 * 32 * 4
    assert summary["unreadable"] == []


def test_the_budget_is_for_all_inputs_together() -> None:
    model = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4))
    x = torch.randn(5, 4)
    one = 4 * x.numel() * 4  # what goes into the first layer, what comes out of both, and the output
    TemporalAnalyzer(model, max_bytes=2 * one).capture_state([x, x])
    with pytest.raises(InvalidArgument, match="max_bytes"):
        TemporalAnalyzer(model, max_bytes=2 * one - 1).capture_state([x, x])
