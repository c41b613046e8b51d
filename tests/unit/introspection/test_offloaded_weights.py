"""Weights accelerate has taken out of the model share what they share where they are kept."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from accelerate import cpu_offload, disk_offload
from accelerate.hooks import AlignDevicesHook, SequentialHook, add_hook_to_module
from accelerate.utils import OffloadedWeightsLoader
from safetensors.torch import save_file
from torch import nn

from introspection import Relation, SharingScanner, scan_sharing
from introspection.names import walk
from introspection.offload import offloaded_regions

torch.set_num_threads(1)

PAIR = frozenset({"first.weight", "second.weight"})


def layers(*, tied: bool = True) -> nn.Module:
    """Two layers, tied or not."""
    model = nn.Module()
    model.first, model.second = nn.Linear(4, 4, bias=False), nn.Linear(4, 4, bias=False)
    if tied:
        model.second.weight = model.first.weight
    return model


def kept_in(weights: object, *, below: bool = False) -> nn.Module:
    """Two layers on meta whose weights are kept in a map of weights."""
    with torch.device("meta"):
        model = layers(tied=False)
    if below:
        hook = AlignDevicesHook("cpu", offload=True, weights_map=weights, place_submodules=True)
        return add_hook_to_module(model, hook)
    for name in ("first", "second"):
        hook = AlignDevicesHook("cpu", offload=True, weights_map={"weight": weights[f"{name}.weight"]})
        add_hook_to_module(getattr(model, name), SequentialHook(hook))
    return model


def test_a_tie_that_is_offloaded_to_the_host_is_still_a_tie() -> None:
    model = layers()
    cpu_offload(model)
    assert model.first.weight.is_meta
    assert scan_sharing(model).relations == {PAIR: Relation("same", 64)}


def test_weights_that_are_offloaded_apart_are_apart() -> None:
    model = layers(tied=False)
    cpu_offload(model)
    assert scan_sharing(model).relations == {}


def test_views_of_one_host_tensor_share_what_they_share() -> None:
    fused = torch.randn(6, 4)
    model = kept_in({"first.weight": fused[:4], "second.weight": fused[2:]})
    assert scan_sharing(model).relations == {PAIR: Relation("partial", 32)}


def test_an_offloaded_weight_shares_with_what_stayed_in_the_model() -> None:
    weight = torch.randn(4, 4)
    model = kept_in({"first.weight": weight, "second.weight": torch.randn(4, 4)})
    model.stayed = nn.Parameter(weight.t())
    assert scan_sharing(model).groups == (frozenset({"first.weight", "stayed"}),)


def test_each_weight_on_disk_is_a_file_of_its_own(tmp_path: Path) -> None:
    model = layers()
    disk_offload(model, str(tmp_path))
    identity = SharingScanner(model).memory_identity()
    assert scan_sharing(model).relations == {}
    assert len(set(identity.values())) == 2
    assert {regions[0].space[0] for regions in identity.values()} == {"file"}


def test_a_shared_mapping_of_the_file_a_weight_is_kept_in_shares_with_it(tmp_path: Path) -> None:
    model = layers()
    disk_offload(model, str(tmp_path))
    model.window = nn.Parameter(torch.from_file(str(tmp_path / "first.weight.dat"), shared=True, size=16)[4:8])
    assert scan_sharing(model).relations == {frozenset({"first.weight", "window"}): Relation("partial", 16)}


def test_two_names_for_one_tensor_of_a_safetensors_file_are_a_tie(tmp_path: Path) -> None:
    file = str(tmp_path / "model.safetensors")
    save_file({"w": torch.randn(4, 4), "v": torch.randn(4, 4)}, file)
    for second, groups in (("w", (PAIR,)), ("v", ())):
        index = {
            "first.weight": {"safetensors_file": file, "weight_name": "w"},
            "second.weight": {"safetensors_file": file, "weight_name": second, "dtype": "float32"},
        }
        model = kept_in(OffloadedWeightsLoader(index=index), below=True)
        assert scan_sharing(model).groups == groups


def test_the_place_of_a_weight_in_a_safetensors_file_is_where_its_bytes_are(tmp_path: Path) -> None:
    file = tmp_path / "model.safetensors"
    weight = torch.randn(4, 4)
    save_file({"a": torch.randn(3), "first.weight": weight}, file)
    model = kept_in(OffloadedWeightsLoader(index={"first.weight": {"safetensors_file": str(file)}}), below=True)
    (region,) = offloaded_regions(walk(model).modules)["first.weight"]
    assert file.read_bytes()[region.start : region.end] == weight.numpy().tobytes()


def test_no_weight_is_loaded_to_find_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = layers()
    disk_offload(model, str(tmp_path))

    def loaded(*_: object) -> None:
        raise AssertionError("a weight was read from disk")

    monkeypatch.setattr(OffloadedWeightsLoader, "__getitem__", loaded)
    SharingScanner(model).current()


def test_while_a_weight_is_in_the_model_it_is_looked_at_there() -> None:
    model = layers()
    cpu_offload(model)
    kept = scan_sharing(model)
    hook = model.first._hf_hook
    hook.pre_forward(model.first)
    assert not model.first.weight.is_meta
    assert offloaded_regions(walk(model).modules).keys() == {"second.weight"}
    hook.post_forward(model.first, None)
    assert scan_sharing(model) == kept


def test_a_file_that_is_gone_is_no_place(tmp_path: Path) -> None:
    model = layers()
    disk_offload(model, str(tmp_path))
    (tmp_path / "first.weight.dat").unlink()
    assert scan_sharing(model).relations == {}
    assert offloaded_regions(walk(model).modules).keys() == {"second.weight"}
