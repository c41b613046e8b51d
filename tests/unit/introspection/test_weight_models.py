"""Every question to the weights of real architectures, checked against torch itself."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
import torch
import transformers
from safetensors.torch import load_file
from torch import nn

from introspection import WeightInspector

torch.set_num_threads(1)

SMALL = {"vocab_size": 60, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 64}
CONFIGS = {
    "qwen2": (
        transformers.Qwen2ForCausalLM,
        transformers.Qwen2Config,
        {**SMALL, "num_key_value_heads": 2, "tie_word_embeddings": True},
    ),
    "gpt2": (
        transformers.GPT2LMHeadModel,
        transformers.GPT2Config,
        {"vocab_size": 60, "n_embd": 32, "n_layer": 2, "n_head": 4},
    ),
    "albert": (transformers.AlbertForMaskedLM, transformers.AlbertConfig, {**SMALL, "embedding_size": 16}),
    "t5": (
        transformers.T5ForConditionalGeneration,
        transformers.T5Config,
        {"vocab_size": 60, "d_model": 32, "d_kv": 8, "d_ff": 64, "num_layers": 2, "num_heads": 4},
    ),
    "mixtral": (
        transformers.MixtralForCausalLM,
        transformers.MixtralConfig,
        {**SMALL, "num_key_value_heads": 2, "num_local_experts": 4, "tie_word_embeddings": True},
    ),
}


@pytest.fixture(params=list(CONFIGS))
def model(request: pytest.FixtureRequest) -> nn.Module:
    kind, config, sizes = CONFIGS[request.param]
    torch.manual_seed(0)
    return kind(config(**sizes))


def test_statistics_of_every_name_are_torchs(model: nn.Module) -> None:
    found = WeightInspector(model).get_weight_statistics(list(model.state_dict()))
    assert len(found) > 20
    for name, tensor in model.state_dict().items():
        exact = tensor.double()
        assert found[name]["mean"] == pytest.approx(exact.mean().item(), rel=1e-10, abs=1e-15)
        assert found[name]["l2_norm"] == pytest.approx(exact.norm().item(), rel=1e-10)
        assert (found[name]["min"], found[name]["max"]) == (exact.min().item(), exact.max().item())
        assert found[name]["median"] == pytest.approx(exact.quantile(0.5).item(), abs=1e-15)
        others = {
            other
            for other, held in model.state_dict().items()
            if other != name and held.numel() and held.data_ptr() == tensor.data_ptr()
        }
        assert set(found[name].get("shared_with", ())) >= others
        assert ("warning" in found[name]) == ("shared_with" in found[name])


def test_the_summary_counts_what_torch_counts(model: nn.Module) -> None:
    found = WeightInspector(model).get_weight_summary(read_values=True)
    assert found["parameters"]["elements"] == sum(parameter.numel() for parameter in model.parameters())
    names = [name for name, _ in model.named_parameters(remove_duplicate=False)]
    assert found["parameters"]["names"] == len(names)
    assert found["values"]["nan_count"] == 0
    json.dumps(found, allow_nan=False)


def test_a_model_as_initialised_is_healthy_and_a_broken_weight_is_found(model: nn.Module) -> None:
    inspector = WeightInspector(model)
    assert inspector.detect_anomalies()["findings"] == []
    name, parameter = max(model.named_parameters(), key=lambda each: each[1].numel())
    with torch.no_grad():
        parameter.view(-1)[5] = math.nan
    (finding,) = inspector.detect_anomalies()["findings"]
    assert name in finding["names"]
    assert finding["kind"] == "nan"


def test_every_name_and_module_path_can_be_asked_about(model: nn.Module) -> None:
    inspector = WeightInspector(model)
    held = dict(model.named_modules(remove_duplicate=False))
    for path, module in held.items():
        if path and any(True for _ in module.parameters()):
            json.dumps(inspector.get_weight_statistics(path), allow_nan=False)
            assert inspector.get_layer_parameters(path)
    for name in model.state_dict():
        assert inspector.query_weights(f"what shares memory with {name}?")["method"] == "get_shared_layers"
    tied = next(iter(inspector.get_shared_weights().values()))
    similar = inspector.find_similar_weights(tied[0], metric="cosine")
    assert set(similar["aliases"]) == set(tied[1:])


def test_an_export_is_the_state_with_each_storage_once(model: nn.Module, tmp_path: Path) -> None:
    told = WeightInspector(model).export_weights(tmp_path / "model.safetensors")
    held, state = load_file(tmp_path / "model.safetensors"), model.state_dict()
    assert sorted(name for names in told["names"].values() for name in names) == sorted(state)
    for kept, names in told["names"].items():
        for name in names:
            assert torch.equal(held[kept], state[name])
    model.config.save_pretrained(tmp_path)
    loaded = type(model).from_pretrained(tmp_path).state_dict()
    assert all(torch.equal(loaded[name], state[name]) for name in state)
