"""Gradients of the storages of a model: each once, under all its names, whatever views of it the names are."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from introspection.overlap import Region
from introspection.regions import regions_of
from introspection.sharing import SharingMap
from introspection.similarity_measures import number
from introspection.values import values_of

_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class StorageGradient:
    """The gradient with respect to the bytes of one storage."""

    key: str
    """The storage's key."""
    names: tuple[str, ...]
    """Every name that views exactly these bytes."""
    weight: torch.Tensor
    """The parameter under the key."""
    gradient: torch.Tensor | None
    """The gradient, of the weight's shape (flat, if the weight has an element twice); None if it does not matter."""


def storage_gradients(
    sharing: SharingMap,
    keys: Sequence[str],
    parameters: Mapping[str, torch.Tensor],
    gradients: Mapping[int, torch.Tensor | None],
) -> list[StorageGradient]:
    """Adds up what reaches the same bytes: through aliases, transposed ties, and slices that overlap.

    Autograd knows a parameter object, not the bytes it views: two parameters over the same memory have a gradient
    each, and the derivative with respect to the memory is their sum, element by element. Parameters that overlap under
    different dtypes are not added up: no derivative leads through a reinterpretation.

    Args:
        sharing: The model's sharing map.
        keys: The storages asked for.
        parameters: The parameters under every name, those that share bytes with the storages included.
        gradients: What autograd found for each parameter object, by its id.
    """
    found: dict[str, StorageGradient] = {}
    for key in keys:
        if key in found:
            continue
        together = _reachable(key, sharing, parameters)
        objects = {id(parameters[name]): parameters[name] for name in together}
        summed = _summed(list(objects.values()), gradients)
        for name in together:
            storage = sharing.storage_key(name)
            if storage not in found and storage in keys:
                weight = parameters.get(storage, parameters[name])
                gradient = gradients.get(id(weight)) if summed is None else summed.of(weight)
                names = sharing.storages[storage]
                found[storage] = StorageGradient(storage, names, weight, gradient)
    return [found[key] for key in keys]


def gradient_statistics(entry: StorageGradient) -> dict[str, Any]:
    """What is known of one storage's gradient, as JSON-serialisable numbers accumulated in float64.

    Returns:
        `name`, `names`, `shape`, `num_elements` (places in memory), `requires_grad`, `reached` (whether the target
        depends on it); of the finite elements `norm`, `rms`, `mean`, `abs_mean`, `min`, `max`, `abs_max`; of all
        `zero_share`, `nan_count`, `inf_count`; `relative_norm` (to the norm of the weight). None without a gradient.
    """
    described = {
        "name": entry.key,
        "names": list(entry.names),
        "shape": list(entry.weight.shape),
        "num_elements": entry.weight.numel() if entry.gradient is None else entry.gradient.numel(),
        "requires_grad": entry.weight.requires_grad,
        "reached": entry.gradient is not None,
    }
    numbers: dict[str, Any] = dict.fromkeys(
        ("norm", "rms", "mean", "abs_mean", "min", "max", "abs_max", "zero_share", "nan_count", "inf_count")
    )
    relative = None
    if entry.gradient is not None:
        numbers = _statistics(entry.gradient, entry.key)
        weight_norm = _statistics(_each_once(entry.weight), entry.key)["norm"]
        if weight_norm and numbers["norm"] is not None:
            relative = number(numbers["norm"] / weight_norm)
    return {**described, **numbers, "relative_norm": relative}


@dataclass(frozen=True, slots=True)
class _Summed:
    """The gradient with respect to a stretch of memory that several parameters view."""

    flat: torch.Tensor
    start: int

    def of(self, weight: torch.Tensor) -> torch.Tensor:
        """The part of it that one of the parameters views, in its shape; each place once where it views some twice."""
        if _elements_are_apart(weight):
            return self.flat.as_strided(weight.shape, weight.stride(), self._offset(weight))
        return self.flat[_distinct(self._places(weight), self.flat.numel())]

    def add(self, weight: torch.Tensor, gradient: torch.Tensor) -> None:
        """Takes in what reached one of them."""
        dense = gradient.to_dense() if gradient.layout is not torch.strided else gradient
        if _elements_are_apart(weight):
            self.of(weight).add_(dense)
            return
        self.flat.index_add_(0, self._places(weight), dense.reshape(-1))

    def _places(self, weight: torch.Tensor) -> torch.Tensor:
        every = torch.arange(self.flat.numel(), device=self.flat.device)
        return every.as_strided(weight.shape, weight.stride(), self._offset(weight)).reshape(-1)

    def _offset(self, weight: torch.Tensor) -> int:
        return (_region(weight).start - self.start) // weight.element_size()


def _reachable(key: str, sharing: SharingMap, parameters: Mapping[str, torch.Tensor]) -> list[str]:
    """Every name, among the parameters, that bytes of this storage lead to through shared bytes."""
    found, pending = {key: None}, [key]
    while pending:
        for name in sharing.coupled(pending.pop()):
            if name not in found:
                found[name] = None
                pending.append(name)
    return [name for name in found if name in parameters]


def _summed(objects: Sequence[torch.Tensor], gradients: Mapping[int, torch.Tensor | None]) -> _Summed | None:
    """The sum over the memory these parameters view; None where there is one object, or where none can be made."""
    alone = len(objects) == 1 and _elements_are_apart(objects[0])
    reached = [(each, found) for each in objects if (found := gradients.get(id(each))) is not None]
    if alone or not reached or len({(each.dtype, each.device) for each in objects}) > 1:
        return None
    regions = [regions_of(each) for each in objects]
    if not all(len(region) == 1 for region in regions) or len({region[0].space for region in regions}) > 1:
        return None
    start = min(region[0].start for region in regions)
    end = max(_end(each) for each in objects)
    width = objects[0].element_size()
    if any((region[0].start - start) % width for region in regions):
        return None
    _, first = reached[0]
    summed = _Summed(torch.zeros((end - start) // width, dtype=first.dtype, device=first.device), start)
    for each, found in reached:
        summed.add(each, found)
    return summed


def _region(tensor: torch.Tensor) -> Region:
    (region,) = regions_of(tensor)
    return region


def _end(tensor: torch.Tensor) -> int:
    """The address after the last byte that a tensor views."""
    last = sum((size - 1) * stride for size, stride in zip(tensor.shape, tensor.stride(), strict=True))
    return _region(tensor).start + (last + 1) * tensor.element_size()


def _elements_are_apart(tensor: torch.Tensor) -> bool:
    """Whether no two elements are one place in memory, as far as strides in order of size tell."""
    if tensor.layout is not torch.strided or hasattr(type(tensor), "__tensor_flatten__"):
        return True
    extent = 1
    for stride, size in sorted(zip(tensor.stride(), tensor.shape, strict=True)):
        if size > 1:
            if stride < extent:
                return False
            extent = stride * (size - 1) + extent
    return True


def _each_once(tensor: torch.Tensor) -> torch.Tensor:
    """The tensor, or the elements in memory of one that views some of them twice."""
    if _elements_are_apart(tensor):
        return tensor
    extent = 1 + sum((size - 1) * stride for size, stride in zip(tensor.shape, tensor.stride(), strict=True))
    places = torch.arange(extent, device=tensor.device).as_strided(tensor.shape, tensor.stride())
    return tensor.detach().as_strided((extent,), (1,), tensor.storage_offset())[_distinct(places.reshape(-1), extent)]


def _distinct(places: torch.Tensor, extent: int) -> torch.Tensor:
    """The different ones among places below an extent, in order."""
    met = torch.zeros(extent, dtype=torch.bool, device=places.device)
    met[places] = True
    return met.nonzero().squeeze(1)


def _statistics(tensor: torch.Tensor, name: str) -> dict[str, Any]:
    values = values_of(tensor, name)
    finite = zeros = nan = infinite = 0
    total = absolute = 0.0
    low, high = math.inf, -math.inf
    # Scaled so that the squares of gradients near 1e-200 or 1e200 exist.
    scaled_square, scale = 0.0, 0.0
    for chunk, times in values.chunks(_CHUNK):
        wide = chunk.detach().to(torch.float64)
        nan += times * int(wide.isnan().sum())
        infinite += times * int(wide.isinf().sum())
        wide = wide[wide.isfinite()]
        if not wide.numel():
            continue
        finite += times * wide.numel()
        zeros += times * int((wide == 0).sum())
        total += times * float(wide.sum())
        absolute += times * float(wide.abs().sum())
        low, high = min(low, float(wide.min())), max(high, float(wide.max()))
        largest = max(abs(low), abs(high))
        if largest > scale:
            scaled_square, scale = scaled_square * (scale / largest) ** 2, largest
        if scale:
            scaled_square += times * float((wide / scale).square().sum())
    elements = values.num_elements
    norm = math.sqrt(scaled_square) * scale
    return {
        "norm": number(norm) if finite else None,
        "rms": number(norm / math.sqrt(finite)) if finite else None,
        "mean": number(total / finite) if finite else None,
        "abs_mean": number(absolute / finite) if finite else None,
        "min": low if finite else None,
        "max": high if finite else None,
        "abs_max": max(abs(low), abs(high)) if finite else None,
        "zero_share": zeros / elements if elements else None,
        "nan_count": nan,
        "inf_count": infinite,
    }
