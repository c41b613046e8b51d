"""Weights outside the model: each storage once, loadable by others, whole or not at all."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, load_model
from torch import nn
from torch.nn.utils import parametrizations

from introspection import InvalidArgument, UnsupportedStorage, WeightInspector, weight_export

torch.set_num_threads(1)


class Tied(nn.Module):
    """An embedding tied to a head, a norm with buffers, and a buffer that is not of the state."""

    def __init__(self) -> None:
        super().__init__()
        self.zoo = nn.Embedding(50, 8)
        self.norm = nn.BatchNorm1d(8)
        self.head = nn.Linear(8, 50, bias=False)
        self.head.weight = self.zoo.weight
        self.register_buffer("cache", torch.ones(3), persistent=False)


@pytest.fixture
def model() -> nn.Module:
    torch.manual_seed(0)
    return Tied()


def test_a_file_holds_each_storage_once_and_loads_with_ties_remade(model: nn.Module, tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    told = WeightInspector(model).export_weights(path)
    held = load_file(path)
    assert set(held) == {"zoo.weight", *(f"norm.{name}" for name in model.norm.state_dict())}
    assert all(torch.equal(held[name], model.state_dict()[name]) for name in held)
    assert told["names"]["zoo.weight"] == ["zoo.weight", "head.weight"]
    assert told["bytes"] == path.stat().st_size
    with safe_open(path, "pt") as file:
        assert file.metadata() == {"format": "pt", "head.weight": "zoo.weight"}
    torch.manual_seed(1)
    fresh = Tied()
    assert load_model(fresh, path) == (set(), [])
    assert fresh.head.weight is fresh.zoo.weight
    assert torch.equal(fresh.zoo.weight, model.zoo.weight)
    assert json.loads(json.dumps(told)) == told


@pytest.mark.parametrize("block", [1 << 24, 16])
def test_every_dtype_shape_and_stride_comes_back_bit_for_bit(
    tmp_path: Path, block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(weight_export, "BLOCK_BYTES", block)
    model = nn.Module()
    raw = torch.randint(0, 255, (240,), dtype=torch.uint8)
    for number, dtype in enumerate(weight_export._SAFETENSORS_NAMES):
        values = raw % 2 if dtype is torch.bool else raw
        model.register_buffer(f"b{number}", values.view(dtype).clone())
    model.register_buffer("turned", torch.randn(5, 7).t())
    model.register_buffer("every_second", torch.randn(30)[::2])
    model.register_buffer("scalar", torch.tensor(1.5))
    model.register_buffer("empty", torch.empty(0, 4))
    model.register_buffer("conjugate", torch.randn(3, dtype=torch.complex64).conj())
    model.register_buffer("expanded", torch.randn(1, 3).expand(4, 3))
    path = tmp_path / "all.safetensors"
    WeightInspector(model).export_weights(path)
    held = load_file(path)
    assert set(held) == set(model.state_dict())
    for name, tensor in model.state_dict().items():
        assert held[name].dtype == tensor.dtype
        assert held[name].shape == tensor.shape
        whole = tensor.resolve_conj().contiguous()
        if tensor.numel() and tensor.dim():
            assert torch.equal(held[name].view(torch.uint8), whole.view(torch.uint8))
        else:
            assert torch.equal(held[name], whole)


def test_transformers_loads_the_file_with_the_tie(tmp_path: Path) -> None:
    from transformers import Qwen2Config, Qwen2ForCausalLM

    config = Qwen2Config(
        vocab_size=40,
        hidden_size=16,
        intermediate_size=24,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        tie_word_embeddings=True,
    )
    torch.manual_seed(0)
    model = Qwen2ForCausalLM(config)
    told = WeightInspector(model).export_weights(tmp_path / "model.safetensors")
    assert told["names"]["model.embed_tokens.weight"] == ["model.embed_tokens.weight", "lm_head.weight"]
    config.save_pretrained(tmp_path)
    loaded = Qwen2ForCausalLM.from_pretrained(tmp_path)
    assert loaded.lm_head.weight is loaded.model.embed_tokens.weight
    assert all(torch.equal(loaded.state_dict()[name], held) for name, held in model.state_dict().items())


def test_a_storage_is_kept_under_the_name_that_transformers_loads_it_by(model: nn.Module) -> None:
    model.all_tied_weights_keys = {"zoo.weight": "head.weight"}
    assert "head.weight" in WeightInspector(model).export_weights()
    assert "zoo.weight" not in WeightInspector(model).export_weights()


def test_overlapping_weights_are_each_whole_and_the_overlap_is_noted(tmp_path: Path) -> None:
    model, base = nn.Module(), torch.arange(10.0)
    model.register_buffer("low", base[:6])
    model.register_buffer("high", base[4:])
    told = WeightInspector(model).export_weights(tmp_path / "w.safetensors")
    assert told["overlaps"] == [["high", "low"]]
    held = load_file(tmp_path / "w.safetensors")
    assert (held["low"].tolist(), held["high"].tolist()) == (list(range(6)), list(range(4, 10)))


def test_without_a_path_the_live_tensors_are_given_once_each(model: nn.Module) -> None:
    held = WeightInspector(model).export_weights()
    assert "head.weight" not in held
    assert held["zoo.weight"].data_ptr() == model.head.weight.data_ptr()
    assert not held["zoo.weight"].requires_grad


def test_statistics_of_every_storage_can_be_had_as_json(model: nn.Module, tmp_path: Path) -> None:
    inspector = WeightInspector(model)
    content = inspector.export_weights(format="json")
    assert content["storages"]["zoo.weight"]["names"] == ["zoo.weight", "head.weight"]
    assert content["storages"]["zoo.weight"]["mean"] == inspector.get_weight_statistics("head.weight")["mean"]
    told = inspector.export_weights(tmp_path / "w.json")
    text = (tmp_path / "w.json").read_bytes()
    assert json.loads(text) == content
    assert told["bytes"] == len(text)


def test_a_filter_keeps_storages_by_any_of_their_names(model: nn.Module) -> None:
    inspector = WeightInspector(model)
    assert list(inspector.export_weights(filter="head")) == ["zoo.weight"]
    assert set(inspector.export_weights(filter="*bias")) == {"norm.bias"}


def test_parametrized_weights_are_exported_as_what_they_are_computed_from(tmp_path: Path) -> None:
    model = parametrizations.weight_norm(nn.Linear(3, 4))
    WeightInspector(model).export_weights(tmp_path / "w.safetensors")
    assert set(load_file(tmp_path / "w.safetensors")) == set(model.state_dict())


def test_a_weight_that_cannot_be_written_whole_leaves_nothing_behind(model: nn.Module, tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    path.write_bytes(b"before")
    for tensor in (torch.empty(3, device="meta"), torch.eye(3).to_sparse(), torch.randn(3, dtype=torch.complex128)):
        model.register_buffer("odd", tensor)
        with pytest.raises(UnsupportedStorage, match="'odd'"):
            WeightInspector(model).export_weights(path)
        assert path.read_bytes() == b"before"
        assert os.listdir(tmp_path) == ["weights.safetensors"]


def test_a_write_that_fails_leaves_what_was_there_before(
    model: nn.Module, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "weights.safetensors"
    path.write_bytes(b"before")

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    for function in ("posix_fallocate", "fsync", "replace"):
        with monkeypatch.context() as broken:
            broken.setattr(os, function, fail)
            with pytest.raises(OSError, match="No space"):
                WeightInspector(model).export_weights(path)
        assert path.read_bytes() == b"before"
        assert os.listdir(tmp_path) == ["weights.safetensors"]


def test_the_file_appears_only_when_it_is_complete(
    model: nn.Module, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, seen = tmp_path / "weights.safetensors", []
    put_in_place = os.replace

    def watched(source: Path, target: Path) -> None:
        seen.append((path.exists(), os.path.getsize(source)))
        put_in_place(source, target)

    monkeypatch.setattr(os, "replace", watched)
    told = WeightInspector(model).export_weights(path)
    assert seen == [(False, told["bytes"])]


def test_nothing_but_the_path_is_written(model: nn.Module, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_bytes(b"not mine")
    link = tmp_path / "link.safetensors"
    link.symlink_to(elsewhere)
    WeightInspector(model).export_weights(link)
    assert elsewhere.read_bytes() == b"not mine"
    assert not link.is_symlink()
    assert sorted(os.listdir(tmp_path)) == ["elsewhere", "link.safetensors"]
    previous = os.umask(0o027)
    try:
        WeightInspector(model).export_weights(tmp_path / "mode.safetensors")
    finally:
        os.umask(previous)
    assert stat.S_IMODE((tmp_path / "mode.safetensors").stat().st_mode) == 0o640


def test_a_path_or_format_that_cannot_be_is_refused(model: nn.Module, tmp_path: Path) -> None:
    inspector = WeightInspector(model)
    with pytest.raises(InvalidArgument, match="format"):
        inspector.export_weights(tmp_path / "weights.npz")
    with pytest.raises(InvalidArgument, match="format cannot be 'safetensors'"):
        inspector.export_weights(format="safetensors")
    with pytest.raises(InvalidArgument, match="path"):
        inspector.export_weights(tmp_path / "missing" / "w.safetensors")
    with pytest.raises(InvalidArgument, match="path"):
        inspector.export_weights(tmp_path, format="safetensors")
    assert inspector.export_weights(tmp_path / "w.bin", format="safetensors")["format"] == "safetensors"
