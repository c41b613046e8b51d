"""Which file of a checkpoint a storage goes into, and under which of its names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from introspection.names import Walk, walk
from introspection.sharing import SharingMap
from memory.weights.transformers_files import configuration, is_transformers_model, remade_ties

Place = tuple[int, str]
"""A module and what it calls a tensor: names of one place can never hold two tensors."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Where everything goes."""

    kept: Mapping[str, str]
    """Storage key to the name under which its bytes are kept."""
    copies: Mapping[str, str] = field(default_factory=dict)
    """Further name to storage key: ties that loading would not make again, so that the bytes are there twice."""
    extra: frozenset[str] = frozenset()
    """Keys of the storages that no plain loader asks for, and that have a file of their own."""
    documents: Mapping[str, bytes] = field(default_factory=dict)
    """The other files, by name."""


def lay_out(tensors: Mapping[str, Tensor], sharing: SharingMap, model: nn.Module | None) -> Layout:
    """Say where every storage goes.

    One tensor per storage, under the name that transformers keeps: the one that its others are tied to (the embedding);
    otherwise the first that is part of the state dict. What is not part of it (non-persistent buffers, tensors in plain
    attributes) is extra.

    Args:
        tensors: Storage key to the tensor under the key.
        sharing: The sharing map of that state.
        model: The live model, if there is one; its names tell what is part of the state dict.
    """
    if model is None:
        return Layout({key: key for key in tensors})
    met = walk(model, unregistered=True)
    unsaved = _unsaved(met)
    saved = {key: [name for name in sharing.storages[key] if name not in unsaved] for key in tensors}
    extra = frozenset(key for key, names in saved.items() if not names)
    if not is_transformers_model(model):
        return Layout({key: names[0] if names else key for key, names in saved.items()}, extra=extra)
    ties = remade_ties(model, sharing)
    sources = set(ties.remade.values())
    kept = {key: _kept(names, ties.remade, sources) if names else key for key, names in saved.items()}
    places = _places(met)
    copies = {
        name: key
        for key, names in saved.items()
        if len(names) > 1
        for name in _left_out(kept[key], names, ties.remade, places)
    }
    dtype = _dtype(met, tensors, sharing)
    return Layout(kept, copies, extra, configuration(model, dtype, ties.flag))


def _unsaved(met: Walk) -> set[str]:
    """The names of tensors that are not part of the state dict."""
    unsaved = {held.name for held in met.tensors if held.kind == "attribute"}
    for prefix, module in met.modules:
        unsaved.update(prefix + key for key in vars(module).get("_non_persistent_buffers_set", ()))
    return unsaved


def _kept(names: list[str], remade: Mapping[str, str], sources: set[str]) -> str:
    """The name that transformers keeps, of several of one storage."""
    untied = [name for name in names if name not in remade]
    return next((name for name in untied if name in sources), (untied or names)[0])


def _places(met: Walk) -> dict[str, Place]:
    return {
        prefix + key: (id(module), key)
        for prefix, module in met.modules
        for key in (*module._parameters, *module._buffers)
    }


def _left_out(kept: str, names: Iterable[str], remade: Mapping[str, str], places: Mapping[str, Place]) -> list[str]:
    """One name of every set of names that loading would leave without the bytes kept under `kept`, sorted."""
    groups: dict[object, set[str]] = {}
    for name in names:
        # Names that are tied to one another on loading, or stand for one place, are one group.
        marks = (places.get(name, name), ("tied to", remade.get(name, name)))
        together = set().union({name}, *(groups.get(mark, ()) for mark in marks))
        for member in together:
            for mark in (places.get(member, member), ("tied to", remade.get(member, member))):
                groups[mark] = together
    apart = {min(group) for group in groups.values() if kept not in group}
    return sorted(apart)


def _dtype(met: Walk, tensors: Mapping[str, Tensor], sharing: SharingMap) -> torch.dtype | None:
    """The dtype of the first floating point parameter, which transformers takes for that of the model."""
    for held in met.tensors:
        if held.kind == "parameter" and held.name in sharing.names:
            tensor = tensors.get(sharing.storage_key(held.name))
            if tensor is not None and tensor.is_floating_point():
                return tensor.dtype
    return None
