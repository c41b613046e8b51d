"""Where the bytes of weights are that accelerate has taken out of the model: host tensors, or files on disk."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from torch import nn

from introspection.mappings import Space, file_space
from introspection.names import named_tensors
from introspection.overlap import Region
from introspection.regions import regions_of
from introspection.relate import Regions


def offloaded_regions(modules: Iterable[tuple[str, nn.Module]]) -> dict[str, Regions]:
    """The byte regions of every weight that is offloaded at this moment, by name; no weight is loaded to find them.

    While accelerate's `cpu_offload`, `disk_offload` or `dispatch_model` keeps a weight out of the model, its module
    holds an empty tensor on meta in its place. Two such weights share what they share where they are kept: the same
    host tensor, or the same bytes of the same file. During a forward they are in the model, and not in this answer.

    Args:
        modules: (what the names of its tensors begin with, module), as `names.walk` gives them.

    Source: accelerate.hooks.AlignDevicesHook (`weights_map`); accelerate.utils.offload (`PrefixedDataset`,
    `OffloadedWeightsLoader`: host tensors first, then `index`: a safetensors file, or a `.dat` file for each weight);
    the safetensors format: 8 bytes of header length, a JSON header, offsets counted from its end.
    """
    if "accelerate.hooks" not in sys.modules:
        return {}
    found: dict[str, Regions] = {}
    for prefix, module in modules:
        for hook in _aligning(vars(module).get("_hf_hook")):
            for name in _emptied(module, below=hook.place_submodules):
                regions = _kept(hook.weights_map, name)
                if regions is not None:
                    found[prefix + name] = regions
    return found


def _aligning(hook: Any) -> Iterator[Any]:
    """The hooks among one hook's that keep weights elsewhere."""
    known = sys.modules["accelerate.hooks"]
    if isinstance(hook, known.SequentialHook):
        for part in hook.hooks:
            yield from _aligning(part)
    elif isinstance(hook, known.AlignDevicesHook) and hook.offload and hook.weights_map is not None:
        yield hook


def _emptied(module: nn.Module, *, below: bool) -> Iterator[str]:
    """Names, from the module, of its tensors on meta."""
    if below:
        yield from (held.name for held in named_tensors(module) if held.tensor.is_meta)
        return
    for held in (module._parameters, module._buffers):
        yield from (name for name, tensor in held.items() if tensor is not None and tensor.is_meta)


def _kept(weights: Any, name: str) -> Regions | None:
    """The bytes a map of offloaded weights has for a name; None if it has none, or is of a kind not known."""
    known = sys.modules["accelerate.utils.offload"]
    if isinstance(weights, known.PrefixedDataset):
        return _kept(weights.dataset, f"{weights.prefix}{name}")
    if isinstance(weights, known.OffloadedWeightsLoader):
        if name in weights.state_dict:
            return regions_of(weights.state_dict[name])
        return _on_disk(weights.index[name], name, weights.save_folder) if name in weights.index else None
    # Of any other mapping, asking whether it holds a name may load the weight from disk.
    if isinstance(weights, dict) and isinstance(weights.get(name), torch.Tensor):
        return regions_of(weights[name])
    return None


def _on_disk(entry: Mapping[str, Any], name: str, folder: str | os.PathLike[str] | None) -> Regions | None:
    """The bytes of one weight in a safetensors file, or the whole of the file it has to itself."""
    file = entry.get("safetensors_file")
    path = Path(file) if file is not None else Path(folder or "") / f"{name}.dat"
    space = file_space(path)
    if space is None:
        return None
    if file is None:
        begin, end = 0, path.stat().st_size
    else:
        status = path.stat()
        offsets = _safetensors_offsets(path, space, status.st_mtime_ns, status.st_size)
        begin, end = offsets.get(entry.get("weight_name", name), (0, 0))
    return (Region(space, begin, end - begin),) if end > begin else ()


@lru_cache(maxsize=256)
def _safetensors_offsets(path: Path, space: Space, modified: int, size: int) -> dict[str, tuple[int, int]]:
    """(first byte, one past the last) of each tensor in a safetensors file; read again once the file changed."""
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(length))
    return {
        name: (8 + length + entry["data_offsets"][0], 8 + length + entry["data_offsets"][1])
        for name, entry in header.items()
        if name != "__metadata__"
    }
