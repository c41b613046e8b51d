"""Which file of a checkpoint a storage goes into, and under which of its names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from introspection.names import Walk, walk
from introspection.parts import is_plain
from introspection.sharing import SharingMap
from memory.weights.live import distinct_elements, same_view
from memory.weights.transformers_files import Ties, configuration, is_transformers_model, remade_ties


@dataclass(frozen=True, slots=True)
class Layout:
    """Where everything goes."""

    kept: Mapping[str, str]
    """Storage key to the name under which its bytes are kept."""
    copies: Mapping[str, str] = field(default_factory=dict)
    """Further name to storage key: ties that loading would not make again, so that the bytes are there twice."""
    reshaped: Mapping[str, Tensor] = field(default_factory=dict)
    """What those of these further names show that look at the bytes in another way than the key (transposed)."""
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
    live = {held.name: held.tensor for held in met.tensors}
    unsaved = _unsaved(met)
    saved = {key: [name for name in sharing.storages[key] if name not in unsaved] for key in tensors}
    known = is_transformers_model(model)
    ties = remade_ties(model, sharing) if known else Ties({}, None)
    kept: dict[str, str] = {}
    copies: dict[str, str] = {}
    extra: set[str] = set()
    for key, names in saved.items():
        # What is kept under a name is what the name shows: only those will do that look at the bytes as the key does.
        alike = [name for name in names if _look_alike(live.get(name), live.get(key))]
        kept[key] = _kept(alike, ties.remade) if alike else key
        if not alike:
            extra.add(key)
        if known:
            copies |= dict.fromkeys(_left_out(kept[key], names, ties.remade), key)
        elif names and not alike:
            copies[names[0]] = key
    reshaped = {
        name: _as_seen(tensors[key], live[key], live[name])
        for name, key in copies.items()
        if not _look_alike(live.get(name), live.get(key))
    }
    documents = configuration(model, _dtype(met, tensors, sharing), ties.flag) if known else {}
    return Layout(kept, copies, reshaped, frozenset(extra), documents)


def _unsaved(met: Walk) -> set[str]:
    """The names of tensors that are not part of the state dict."""
    unsaved = {held.name for held in met.tensors if held.kind == "attribute"}
    for prefix, module in met.modules:
        unsaved.update(prefix + key for key in vars(module).get("_non_persistent_buffers_set", ()))
    return unsaved


def _kept(names: list[str], remade: Mapping[str, str]) -> str:
    """The name that transformers keeps, of several of one storage."""
    untied = [name for name in names if name not in remade]
    sources = set(remade.values())
    return next((name for name in untied if name in sources), (untied or names)[0])


def _left_out(kept: str, names: Iterable[str], remade: Mapping[str, str]) -> list[str]:
    """One name of every set of names that loading would leave without the bytes kept under `kept`, sorted."""
    groups: dict[str, list[str]] = {}
    for name in names:
        groups.setdefault(remade.get(name, name), []).append(name)
    # A source is tied to itself: all that are tied to it are with it.
    return sorted(min(group) for group in groups.values() if kept not in group)


def _look_alike(one: Tensor | None, other: Tensor | None) -> bool:
    """Say whether two names of one storage show it in the same way, as they do if it is not known how one shows it."""
    if one is None or other is None or one is other or not (is_plain(one) and is_plain(other)):
        return True
    return one.dtype == other.dtype and one.shape == other.shape and one.stride() == other.stride()


def _as_seen(tensor: Tensor, live: Tensor, alias: Tensor) -> Tensor:
    """What an alias shows while the key shows `tensor`; both are views of just the same bytes."""
    if same_view(tensor, live):
        return alias
    bytes_seen = (1 + sum((size - 1) * stride for size, stride in zip(live.shape, live.stride(), strict=True))) * (
        live.element_size()
    )
    memory = torch.zeros(bytes_seen, dtype=torch.uint8)
    written = distinct_elements(memory.view(live.dtype).as_strided(live.shape, live.stride()))
    written.copy_(tensor[tuple(slice(size) for size in written.shape)])
    return memory.view(alias.dtype).as_strided(alias.shape, alias.stride())


def _dtype(met: Walk, tensors: Mapping[str, Tensor], sharing: SharingMap) -> torch.dtype | None:
    """The dtype of the first floating point parameter, which transformers takes for that of the model."""
    for held in met.tensors:
        if held.kind == "parameter" and held.name in sharing.names:
            tensor = tensors.get(sharing.storage_key(held.name))
            if tensor is not None and tensor.is_floating_point():
                return tensor.dtype
    return None
