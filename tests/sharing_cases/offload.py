"""Weights that hooks of accelerate keep elsewhere: in a map in memory, or in a folder of files."""

from __future__ import annotations

import json
import struct
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import nn

from .case import Cells, Holder, case, embedding_and_head
from .flips import registered
from .transformer_models import quiet, small_qwen2


def _offloaded(model: nn.Module) -> Cells:
    """The tensors in the maps of the hooks, under the names of what they stand for."""
    cells: Cells = {}
    for name, tensor in registered(model).items():
        path, _, last = name.rpartition(".")
        hook = getattr(model.get_submodule(path), "_hf_hook", None)
        kept = getattr(hook, "weights_map", None)
        cells[name] = [kept[last].detach() if tensor.is_meta and kept is not None else tensor.detach()]
    return cells


def _cpu_offload(model: nn.Module, **options: object) -> nn.Module:
    from accelerate import cpu_offload

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        offloaded: nn.Module = cpu_offload(model, execution_device=torch.device("cpu"), **options)
    return offloaded


@case(same=[["embed.weight", "head.weight"]], cells=_offloaded)
def offloaded_to_memory_and_tied() -> nn.Module:
    return _cpu_offload(embedding_and_head())


@case(cells=_offloaded)
def offloaded_to_memory_and_untied() -> nn.Module:
    return _cpu_offload(embedding_and_head(tied=False))


@case(same=[["embed.weight", "head.weight"]], cells=_offloaded)
def offloaded_to_memory_and_tied_by_data() -> nn.Module:
    model = embedding_and_head(tied=False)
    model.head.weight.data = model.embed.weight.data
    return _cpu_offload(model)


@case(partial={("q.weight", "qkv.weight"): 64, ("k.weight", "qkv.weight"): 64}, cells=_offloaded)
def offloaded_to_memory_with_views() -> nn.Module:
    fused = torch.randn(12, 4)
    model = Holder(qkv=nn.Linear(4, 12, bias=False), q=nn.Linear(4, 4, bias=False), k=nn.Linear(4, 4, bias=False))
    model.qkv.weight, model.q.weight, model.k.weight = map(nn.Parameter, (fused, fused[:4], fused[4:8]))
    return _cpu_offload(model)


@case(same=[["0.running_mean", "1.running_mean"]], cells=_offloaded)
def offloaded_to_memory_with_buffers() -> nn.Module:
    model = nn.Sequential(nn.BatchNorm1d(4), nn.BatchNorm1d(4))
    model[1].running_mean = model[0].running_mean
    return _cpu_offload(model, offload_buffers=True)


@case(same=[["embed.weight", "head.weight"]], cells=_offloaded)
def offloaded_to_memory_and_called() -> nn.Module:
    model = embedding_and_head()
    _cpu_offload(model)
    model.head(model.norm(model.embed(torch.tensor([1, 2]))))
    return model


@case(same=[["embed.weight", "head.weight"]])
def offloaded_to_memory_and_back() -> nn.Module:
    from accelerate.hooks import remove_hook_from_submodules

    model = _cpu_offload(embedding_and_head())
    remove_hook_from_submodules(model)
    model.head.weight = model.embed.weight
    return model


def _on_disk(model: nn.Module) -> Cells:
    """The bytes of the files that the hooks read, one file for each name."""
    folder = Path(model._offload_folder)  # type: ignore[arg-type]
    return {
        name: [torch.from_numpy(np.memmap(folder / f"{name}.dat", np.uint8, "r+"))]
        if tensor.is_meta
        else [tensor.detach()]
        for name, tensor in registered(model).items()
    }


def _disk_offload(model: nn.Module, folder: str) -> nn.Module:
    from accelerate import disk_offload

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        disk_offload(model, folder, execution_device=torch.device("cpu"))
    model._offload_folder = folder  # type: ignore[assignment]
    return model


def _in_safetensors(model: nn.Module) -> Cells:
    """The bytes in the one file of safetensors that the hooks read, where its header says they are."""
    cells: Cells = {}
    for name, tensor in registered(model).items():
        if not tensor.is_meta:
            cells[name] = [tensor.detach()]
            continue
        path, _, last = name.rpartition(".")
        kept = model.get_submodule(path)._hf_hook.weights_map
        place = kept.dataset.index[kept.prefix + last]
        with open(place["safetensors_file"], "rb") as file:
            (size,) = struct.unpack("<Q", file.read(8))
            begin, end = json.loads(file.read(size))[place["weight_name"]]["data_offsets"]
        cells[name] = [
            torch.from_numpy(np.memmap(place["safetensors_file"], np.uint8, "r+", 8 + size + begin, (end - begin,)))
        ]
    return cells


@case(same=[["lm_head.weight", "model.embed_tokens.weight"]], cells=_in_safetensors)
def offloaded_to_the_file_it_was_saved_in() -> Iterator[nn.Module]:
    # transformers points both names at one place of the checkpoint.
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as unused, quiet():
        saved = small_qwen2()
        saved.save_pretrained(folder)
        yield type(saved).from_pretrained(
            folder, device_map={"model": "disk", "lm_head": "disk"}, offload_folder=unused
        )


@case(cells=_on_disk)
def offloaded_to_disk_and_untied() -> Iterator[nn.Module]:
    with tempfile.TemporaryDirectory() as folder:
        yield _disk_offload(embedding_and_head(tied=False), folder)


@case(cells=_on_disk)
def offloaded_to_disk_cuts_a_tie_into_two_files() -> Iterator[nn.Module]:
    # accelerate writes one file for each name: what was tied in memory is two copies on disk.
    with tempfile.TemporaryDirectory() as folder:
        yield _disk_offload(embedding_and_head(), folder)
