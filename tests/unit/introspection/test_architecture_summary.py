"""The summary of real architectures: ties found, nothing counted twice, nothing invented."""

from __future__ import annotations

import json

import pytest
import torch
from torch import nn
from transformers import BertConfig, BertForMaskedLM, GPT2Config, GPT2LMHeadModel, Qwen2Config, Qwen2ForCausalLM

from introspection import ArchitectureNavigator, WeightInspector, scan_sharing

torch.set_num_threads(1)


def qwen2(*, tied: bool) -> nn.Module:
    return Qwen2ForCausalLM(
        Qwen2Config(
            vocab_size=64,
            hidden_size=16,
            intermediate_size=32,
            num_hidden_layers=3,
            num_attention_heads=2,
            num_key_value_heads=1,
            tie_word_embeddings=tied,
        )
    )


def test_a_tied_qwen2_is_one_group_under_both_names() -> None:
    model = qwen2(tied=True)
    sharing = scan_sharing(model)
    assert sharing.groups == (frozenset({"lm_head.weight", "model.embed_tokens.weight"}),)
    assert len(sharing.relations) == 1
    inspector = WeightInspector(model)
    assert inspector.get_shared_layers("lm_head") == ["model.embed_tokens.weight"]
    assert inspector.get_weight_statistics("lm_head.weight")["shared_with"] == ["model.embed_tokens.weight"]


def test_editing_one_name_of_a_tied_qwen2_shows_under_the_other() -> None:
    model = qwen2(tied=True)
    inspector = WeightInspector(model)
    before = inspector.get_weight_statistics("model.embed_tokens.weight")["mean"]
    with torch.no_grad():
        model.lm_head.weight.add_(1)
    after = inspector.get_weight_statistics("model.embed_tokens.weight")["mean"]
    assert after == pytest.approx(before + 1, abs=1e-5)
    assert inspector.get_weight_statistics("lm_head.weight")["mean"] == after


def test_an_untied_qwen2_shares_nothing() -> None:
    summary = ArchitectureNavigator(qwen2(tied=False)).get_architecture_summary()
    assert summary["weight_sharing"]["has_shared_weights"] is False
    assert summary["weight_sharing"]["shared_groups"] == []
    assert len(summary["weight_sharing"]["implications"]) == 1


def test_a_tied_gpt2_is_one_group() -> None:
    model = GPT2LMHeadModel(GPT2Config(vocab_size=64, n_embd=16, n_layer=2, n_head=2, n_positions=32))
    assert scan_sharing(model).groups == (frozenset({"lm_head.weight", "transformer.wte.weight"}),)


def test_a_tied_bert_has_its_decoder_weight_and_bias_tied() -> None:
    config = BertConfig(vocab_size=64, hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32)
    assert set(scan_sharing(BertForMaskedLM(config)).groups) == {
        frozenset({"bert.embeddings.word_embeddings.weight", "cls.predictions.decoder.weight"}),
        frozenset({"cls.predictions.bias", "cls.predictions.decoder.bias"}),
    }


def test_the_summary_counts_each_storage_once() -> None:
    model = qwen2(tied=True)
    summary = ArchitectureNavigator(model).get_architecture_summary()
    once = sum(parameter.numel() for parameter in model.parameters())
    assert summary["model_class"] == "Qwen2ForCausalLM"
    assert summary["parameters"]["elements"] == summary["parameters"]["trainable_elements"] == once
    assert summary["parameters"]["elements_by_name"] == once + 64 * 16
    assert summary["parameters"]["names"] == summary["parameters"]["storages"] + 1
    assert summary["module_types"]["Qwen2DecoderLayer"] == 3
    assert summary["layer_stacks"] == [{"path": "model.layers", "module_type": "Qwen2DecoderLayer", "count": 3}]
    assert sum(summary["dtypes"].values()) == once + summary["buffers"]["elements"]
    assert json.loads(json.dumps(summary)) == summary


def test_the_summary_says_in_words_what_a_tie_an_overlap_and_a_derived_weight_mean() -> None:
    model = nn.Module()
    model.a, model.b = nn.Linear(4, 4, bias=False), nn.Linear(4, 4, bias=False)
    model.b.weight = model.a.weight
    model.register_buffer("part", model.a.weight.data[:2])
    nn.utils.parametrizations.weight_norm(nn.Linear(4, 4))
    model.normed = nn.utils.parametrizations.weight_norm(nn.Linear(4, 4))
    sharing = ArchitectureNavigator(model).get_architecture_summary()["weight_sharing"]
    assert sharing["has_shared_weights"] is True
    assert sharing["shared_groups"] == [["a.weight", "b.weight"]]
    assert [overlap["names"] for overlap in sharing["overlaps"]] == [["a.weight", "part"], ["b.weight", "part"]]
    assert list(sharing["derived"]) == ["normed.weight"]
    words = "\n".join(sharing["implications"])
    assert "a.weight and b.weight are one storage" in words
    assert "a.weight and part share 32 bytes" in words
    assert "normed.weight is computed from" in words


def test_a_module_under_two_names_is_counted_once() -> None:
    block = nn.Linear(4, 4)
    summary = ArchitectureNavigator(nn.Sequential(block, nn.ReLU(), block)).get_architecture_summary()
    assert summary["layer_count"] == 1
    assert summary["num_modules"] == 3
    assert summary["parameters"]["elements"] == 20
    assert summary["parameters"]["elements_by_name"] == 40
