"""Checkpoints of real models: plain transformers and plain safetensors load them, tied and bit for bit."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, load_model
from torch import Tensor, nn
from transformers import AutoConfig, AutoModel, AutoModelForCausalLM

from introspection.names import named_tensors
from introspection.scan import SharingScanner, scan_sharing
from memory.errors import DigestMismatch
from memory.weights.checkpoint_file import EXTRA_FILE, MODEL_FILE, write_checkpoint
from memory.weights.checkpoint_files import CheckpointFiles
from memory.weights.checkpoint_reader import CheckpointReader

ROOT = str(Path(__file__).resolve().parents[2])
if ROOT not in sys.path:
    sys.path.insert(0, ROOT)

from tests.real_architectures import ALL, bert, gpt2, qwen2, t5  # noqa: E402

torch.set_num_threads(1)

HEAD, EMBEDDING = "lm_head.weight", "model.embed_tokens.weight"


def save(path: Path, model: nn.Module, state: dict[str, Tensor] | None = None) -> CheckpointFiles:
    scanner = SharingScanner(model)
    sharing = scanner.current()
    tensors = state or {key: scanner.tensor(key) for key in sharing.storages}
    return write_checkpoint(path, tensors, sharing, model=model)


def load(path: Path, kind: Any) -> tuple[Any, dict[str, Any]]:
    model, said = kind.from_pretrained(path, output_loading_info=True)
    return model, {what: keys for what, keys in said.items() if keys}


def bits(model: nn.Module) -> dict[str, tuple[torch.dtype, bytes]]:
    """Dtype and bytes under every name."""
    return {
        held.name: (
            held.tensor.dtype,
            bytes(held.tensor.detach().clone().contiguous().reshape(-1).view(torch.uint8).tolist()),
        )
        for held in named_tensors(model)
    }


def saved_bits(model: nn.Module) -> dict[str, tuple[torch.dtype, bytes]]:
    return {name: value for name, value in bits(model).items() if name in model.state_dict()}


def dirty(model: nn.Module) -> None:
    """Values that no initialisation gives, a NaN of a payload of its own and both zeros among them."""
    generator = torch.Generator().manual_seed(7)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator))
        first = next(model.parameters()).reshape(-1)
        first.view(torch.int32)[:3] = torch.tensor([0x7FC12345, -0x80000000, 0], dtype=torch.int32)


@pytest.mark.parametrize("name", ALL)
def test_plain_from_pretrained_loads_it_tied_and_bit_for_bit_and_complains_of_nothing(
    tmp_path: Path, name: str
) -> None:
    model = ALL[name]()
    dirty(model)
    files = save(tmp_path / "c", model)
    loaded, complaints = load(tmp_path / "c", type(model))
    assert complaints == {}
    assert bits(loaded) == bits(model)
    assert scan_sharing(loaded) == scan_sharing(model)
    assert CheckpointReader(tmp_path / "c", files).verify() == []
    assert len(files.tensors) == len(scan_sharing(model).storages)


@pytest.mark.parametrize("make", [qwen2, gpt2, t5, bert])
def test_plain_safetensors_loads_it_tied_and_bit_for_bit(tmp_path: Path, make: Callable[[], nn.Module]) -> None:
    model, fresh = make(), make()
    dirty(model)
    save(tmp_path / "c", model)
    assert load_model(fresh, tmp_path / "c" / MODEL_FILE) == (set(), [])
    assert saved_bits(fresh) == saved_bits(model)
    assert scan_sharing(fresh) == scan_sharing(model)


def test_tied_weights_are_kept_under_the_name_that_transformers_keeps(tmp_path: Path) -> None:
    model = qwen2()
    files = save(tmp_path / "c", model)
    assert (files.tensor(HEAD).name, HEAD in load_file(tmp_path / "c" / MODEL_FILE)) == (EMBEDDING, False)
    loaded, _ = load(tmp_path / "c", AutoModelForCausalLM)
    assert loaded.lm_head.weight.data_ptr() == loaded.model.embed_tokens.weight.data_ptr()
    model.save_pretrained(tmp_path / "theirs")
    theirs = load_file(tmp_path / "theirs" / MODEL_FILE)
    assert theirs.keys() == load_file(tmp_path / "c" / MODEL_FILE).keys()
    for name in ("config.json", "generation_config.json"):
        assert (tmp_path / "c" / name).read_bytes() == (tmp_path / "theirs" / name).read_bytes()


def test_saving_changes_nothing_of_the_model(tmp_path: Path) -> None:
    model = qwen2().bfloat16()
    before = (bits(model), model.config.to_json_string(), dict(vars(model)))
    save(tmp_path / "c", model)
    assert (bits(model), model.config.to_json_string(), dict(vars(model))) == before


def test_a_model_of_another_dtype_is_loaded_in_it(tmp_path: Path) -> None:
    model = gpt2().bfloat16()
    save(tmp_path / "c", model)
    loaded, complaints = load(tmp_path / "c", AutoModelForCausalLM)
    assert (loaded.dtype, complaints) == (torch.bfloat16, {})
    assert saved_bits(loaded) == saved_bits(model)


def test_the_body_of_a_model_can_be_loaded_alone(tmp_path: Path) -> None:
    model = qwen2()
    save(tmp_path / "c", model)
    assert saved_bits(AutoModel.from_pretrained(tmp_path / "c")) == saved_bits(model.model)


def test_buffers_that_transformers_makes_anew_are_kept_beside_the_weights(tmp_path: Path) -> None:
    model = qwen2()
    model.model.rotary_emb.inv_freq.mul_(2)
    files = save(tmp_path / "c", model)
    stored = files.tensor("model.rotary_emb.inv_freq")
    assert stored.file == EXTRA_FILE
    assert torch.equal(CheckpointReader(tmp_path / "c", files).read(stored.key), model.model.rotary_emb.inv_freq)


# Ties that are not as the configuration says


def test_weights_untied_by_hand_stay_apart_though_they_are_equal(tmp_path: Path) -> None:
    model = qwen2()
    model.lm_head.weight = nn.Parameter(model.lm_head.weight.detach().clone())
    save(tmp_path / "c", model)
    loaded, complaints = load(tmp_path / "c", AutoModelForCausalLM)
    assert (complaints, bits(loaded)) == ({}, bits(model))
    assert scan_sharing(loaded) == scan_sharing(model)
    assert AutoConfig.from_pretrained(tmp_path / "c").tie_word_embeddings is False
    assert model.config.tie_word_embeddings is True


def test_weights_tied_by_hand_are_loaded_tied(tmp_path: Path) -> None:
    model = qwen2(tie_word_embeddings=False)
    model.lm_head.weight = model.model.embed_tokens.weight
    files = save(tmp_path / "c", model)
    loaded, complaints = load(tmp_path / "c", AutoModelForCausalLM)
    assert (complaints, bits(loaded)) == ({}, bits(model))
    assert scan_sharing(loaded) == scan_sharing(model)
    assert len(files.tensors) == len(scan_sharing(model).storages)


@pytest.mark.parametrize("apart", ["lm_head", "encoder.embed_tokens", "shared"])
def test_one_of_several_ties_undone_by_hand_is_loaded_undone(
    tmp_path: Path, apart: str, caplog: pytest.LogCaptureFixture
) -> None:
    model = t5()
    module = model.get_submodule(apart)
    module.weight = nn.Parameter(module.weight.detach() + 1)
    save(tmp_path / "c", model)
    with caplog.at_level(logging.ERROR, "transformers"):
        loaded, complaints = load(tmp_path / "c", type(model))
    assert (complaints, bits(loaded)) == ({}, bits(model))


def test_a_tie_that_transformers_would_not_make_again_has_its_bytes_under_both_names(tmp_path: Path) -> None:
    model = qwen2()
    first, second = (f"model.layers.{number}.mlp.up_proj.weight" for number in (0, 1))
    model.model.layers[1].mlp.up_proj.weight = model.model.layers[0].mlp.up_proj.weight
    files = save(tmp_path / "c", model)
    loaded, complaints = load(tmp_path / "c", AutoModelForCausalLM)
    assert (complaints, bits(loaded)) == ({}, bits(model))
    assert [stored.name for stored in files.tensors if stored.key == first] == [first, second]
    assert files.tensor(first).name == first


def test_a_module_used_twice_by_hand_is_loaded_bit_for_bit(tmp_path: Path) -> None:
    model = qwen2()
    model.model.layers[1].mlp = model.model.layers[0].mlp
    save(tmp_path / "c", model)
    loaded, complaints = load(tmp_path / "c", AutoModelForCausalLM)
    assert (complaints, bits(loaded)) == ({}, bits(model))


def test_a_name_that_shows_the_same_bytes_transposed_is_loaded_as_it_shows_them(tmp_path: Path) -> None:
    model = qwen2()
    attention = model.model.layers[0].self_attn
    attention.o_proj.weight = nn.Parameter(attention.q_proj.weight.t())
    scanner = SharingScanner(model)
    earlier = {key: scanner.tensor(key).detach().clone() for key in scanner.current().storages}
    before = bits(model)
    files = save(tmp_path / "now", model)
    assert bits(load(tmp_path / "now", type(model))[0]) == before
    with torch.no_grad():
        attention.q_proj.weight.mul_(2)
    # An earlier state has one tensor for the storage: what the other name showed follows from it.
    again = save(tmp_path / "earlier", model, earlier)
    assert bits(load(tmp_path / "earlier", type(model))[0]) == before
    assert [stored.fingerprint for stored in again.tensors] == [stored.fingerprint for stored in files.tensors]
    assert CheckpointReader(tmp_path / "earlier", again).verify() == []


def test_an_earlier_state_is_written_like_the_live_one(tmp_path: Path) -> None:
    model = qwen2()
    live = save(tmp_path / "live", model)
    reader = CheckpointReader(tmp_path / "live", live)
    earlier = {key: reader.read(key) for key in live.by_key}
    dirty(model)
    assert save(tmp_path / "again", model, earlier) == live
    for file in live.files:
        assert (tmp_path / "again" / file.name).read_bytes() == (tmp_path / "live" / file.name).read_bytes()


def test_a_configuration_of_ones_own_can_be_written(tmp_path: Path) -> None:
    model = qwen2()
    scanner = SharingScanner(model)
    sharing = scanner.current()
    tensors = {key: scanner.tensor(key) for key in sharing.storages}
    write_checkpoint(tmp_path / "c", tensors, sharing, config=model.config)
    assert json.loads((tmp_path / "c" / "config.json").read_text())["model_type"] == "qwen2"
    assert saved_bits(type(model).from_pretrained(tmp_path / "c")) == saved_bits(model)


# Damage


@pytest.mark.parametrize("make", [qwen2, t5])
def test_a_flipped_byte_anywhere_in_a_real_checkpoint_is_found_and_named(
    tmp_path: Path, make: Callable[[], nn.Module]
) -> None:
    files = save(tmp_path / "c", make())
    places = [(file.name, place, file.name) for file in files.files for place in (0, file.size // 2, file.size - 1)]
    places = [each for each in places if each[0].endswith(".json")]
    for file in files.files:
        if file.header_size is not None:
            ends = (0, 7, 8, file.header_size // 2, file.header_size - 1)
            places += [(file.name, place, "the header of") for place in ends]
    for stored in files.tensors:
        ends = (stored.offset, stored.offset + stored.size // 2, stored.offset + stored.size - 1)
        places += [(stored.file, place, f"tensor {stored.name!r}") for place in ends]
    reader = CheckpointReader(tmp_path / "c", files)
    for name, place, what in places:
        with (tmp_path / "c" / name).open("r+b") as file:
            file.seek(place)
            byte = file.read(1)[0]
            file.seek(place)
            file.write(bytes([byte ^ 1]))
            file.flush()
            with pytest.raises(DigestMismatch, match=what):
                reader.check()
            (problem,) = reader.verify()
            assert what in problem
            file.seek(place)
            file.write(bytes([byte]))
    assert reader.verify() == []
