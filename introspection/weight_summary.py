"""What a model's weights amount to: counted once for each storage, without reading one, or with all read once."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch.nn.parameter import is_lazy

from introspection.distribution import distribution_of
from introspection.errors import UnsupportedStorage
from introspection.names import NamedTensor
from introspection.shapes import shape_of
from introspection.sharing import SharingMap
from introspection.values import values_of
from introspection.weight_anomalies import role

LISTED = 10
"""How many of the largest tensors are listed."""


def summarise(named: Sequence[NamedTensor], sharing: SharingMap) -> dict[str, Any]:
    """The weights as a whole, as JSON-serialisable facts and a sentence; reads no value.

    Args:
        named: Every parameter and buffer, by every name.
        sharing: Their sharing map.
    """
    parameters = _totals(named, sharing, "parameter")
    buffers = _totals(named, sharing, "buffer")
    shared = {key: list(names) for key, names in sharing.storages.items() if len(names) > 1}
    overlaps = [sorted(pair) for pair, relation in sharing.relations.items() if relation.kind != "same"]
    once = {sharing.storage_key(held.name): held.tensor for held in named}
    dtypes, devices = Counter[str](), Counter[str]()
    for tensor in once.values():
        dtypes[_dtype(tensor)] += elements_of(tensor)
        devices[str(tensor.device)] += elements_of(tensor)
    largest = sorted(once, key=lambda key: (-elements_of(once[key]), key))[:LISTED]
    words = (
        f"{parameters['elements']:,} parameters in {parameters['storages']} storages under {parameters['names']} names "
        f"({parameters['bytes'] / 2**20:,.1f} MiB), {parameters['trainable_elements']:,} of them trainable; "
        f"{buffers['elements']:,} buffer elements"
    )
    if shared:
        have = "storage has" if len(shared) == 1 else "storages have"
        words += f"; {len(shared)} {have} several names, which saves {_saved(named, sharing) / 2**20:,.1f} MiB"
    return {
        "parameters": parameters,
        "buffers": buffers,
        "dtypes": dict(dtypes.most_common()),
        "devices": dict(devices.most_common()),
        "shared": shared,
        "overlaps": sorted(overlaps),
        "bytes_saved_by_sharing": _saved(named, sharing),
        "roles": _roles(named),
        "largest": [
            {"name": key, "names": list(sharing.storages.get(key, (key,))), **size_of(once[key])} for key in largest
        ],
        "words": words,
    }


def summarise_values(tensors: Mapping[str, torch.Tensor]) -> dict[str, Any]:
    """The values of several tensors as one set of numbers; reads each once or twice, a chunk at a time.

    Integers and booleans are left out, as are tensors that cannot be read (`unreadable`: name and reason).

    Args:
        tensors: One tensor for each storage.
    """
    read: list[tuple[int, float, float]] = []
    counts = Counter[str]()
    low, high, absolute = math.inf, -math.inf, 0.0
    unreadable: list[dict[str, str]] = []
    for name, tensor in tensors.items():
        if not (tensor.is_floating_point() or tensor.is_complex() or tensor.is_quantized):
            continue
        try:
            values = values_of(tensor, name)
        except UnsupportedStorage as error:
            unreadable.append({"name": name, "reason": error.message})
            continue
        found = distribution_of(values)
        moments = found.moments
        counts.update(
            num_elements=values.num_elements,
            nan_count=found.nan,
            inf_count=found.positive_infinite + found.negative_infinite,
            finite_count=moments.count,
        )
        if moments.count and moments.mean is not None and moments.std is not None:
            read.append((moments.count, moments.mean, moments.std))
            low, high = min(low, found.low), max(high, found.high)
            absolute += moments.l1_norm or 0.0
    count = sum(each for each, _, _ in read)
    result: dict[str, Any] = {key: counts[key] for key in ("num_elements", "nan_count", "inf_count", "finite_count")}
    if not count:
        return {**result, **dict.fromkeys(("mean", "std", "min", "max", "abs_mean")), "unreadable": unreadable}
    mean = math.fsum(each * of_one for each, of_one, _ in read) / count
    # Joined by means and deviations: sums of squares would cancel.
    within = math.fsum((each - 1) * std * std for each, _, std in read)
    between = math.fsum(each * (of_one - mean) * (of_one - mean) for each, of_one, _ in read)
    spread = math.sqrt((within + between) / max(1, count - 1))
    return {
        **result,
        "mean": mean,
        "std": spread if math.isfinite(spread) else None,
        "min": low,
        "max": high,
        "abs_mean": absolute / count if math.isfinite(absolute) else None,
        "unreadable": unreadable,
    }


def elements_of(tensor: torch.Tensor) -> int:
    """How many elements a tensor has; none if it is not initialised yet."""
    return 0 if is_lazy(tensor) else tensor.numel()


def size_of(tensor: torch.Tensor) -> dict[str, Any]:
    """Shape (see `shape_of`), number of elements, bytes and dtype; the first three None while it is not initialised."""
    lazy, shape = is_lazy(tensor), shape_of(tensor)
    return {
        "shape": None if shape is None else list(shape),
        "num_elements": None if lazy else tensor.numel(),
        "num_bytes": None if lazy else tensor.numel() * tensor.dtype.itemsize,
        "dtype": _dtype(tensor),
    }


def _totals(named: Sequence[NamedTensor], sharing: SharingMap, kind: str) -> dict[str, int]:
    chosen = [held for held in named if held.kind == kind]
    once = {sharing.storage_key(held.name): held.tensor for held in chosen}
    totals = {
        "names": len(chosen),
        "storages": len(once),
        "elements": sum(elements_of(tensor) for tensor in once.values()),
        "elements_by_name": sum(elements_of(held.tensor) for held in chosen),
        "bytes": sum(_bytes(tensor) for tensor in once.values()),
    }
    if kind == "parameter":
        totals["trainable_elements"] = sum(elements_of(tensor) for tensor in once.values() if tensor.requires_grad)
    return totals


def _saved(named: Sequence[NamedTensor], sharing: SharingMap) -> int:
    once = {sharing.storage_key(held.name): held.tensor for held in named}
    return sum(_bytes(held.tensor) for held in named) - sum(_bytes(tensor) for tensor in once.values())


def _roles(named: Sequence[NamedTensor]) -> list[dict[str, Any]]:
    """The tensors that are the same in every layer, together."""
    groups: dict[str, list[torch.Tensor]] = defaultdict(list)
    for held in named:
        groups[role(held.name)].append(held.tensor)
    return [
        {
            "role": played,
            "count": len(tensors),
            "num_elements": sum(map(elements_of, tensors)),
            "shapes": [list(shape) for shape in dict.fromkeys(tuple(size_of(each)["shape"] or ()) for each in tensors)],
        }
        for played, tensors in groups.items()
    ]


def _bytes(tensor: torch.Tensor) -> int:
    return elements_of(tensor) * tensor.dtype.itemsize


def _dtype(tensor: torch.Tensor) -> str:
    return str(tensor.dtype).removeprefix("torch.")
