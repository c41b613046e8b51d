"""From a live model to its sharing map, and a scanner whose map is never out of date."""

from __future__ import annotations

import weakref
from collections.abc import Mapping
from functools import partial
from typing import NamedTuple

import torch
from torch import nn

from introspection.bindings import Bindings
from introspection.derived import derived_names
from introspection.errors import UnsupportedStorage
from introspection.names import Walk, named_tensors, tensor_at, walk
from introspection.offload import offloaded_regions
from introspection.parts import is_plain
from introspection.regions import Binding, binding, is_copy_on_write, regions_of
from introspection.relate import Regions, relate
from introspection.sharing import SharingMap


def scan_sharing(model: nn.Module, unregistered: bool = False) -> SharingMap:
    """Says which names of `model` view the same bytes, exactly, at this moment; reads no weight and changes nothing.

    Parameters and buffers under every registration path are compared by the bytes they view, not by their pointers, so
    that disjoint views of one storage are apart, and views at an offset, transposed, or of another dtype are found.
    Weights that accelerate has offloaded are compared where they are kept.

    Args:
        model: Any torch module; on any device, `meta` included.
        unregistered: Also tensors in plain attributes, lists, tuples and dicts, named as the Python expression from
            the model: `bank[0]`, `d['k'][0]`.

    Raises:
        NotAModel: `model` is no torch.nn.Module.
    """
    met = walk(model, unregistered=unregistered)
    return _map(met, _regions(met))


class _Scan(NamedTuple):
    """What the last scan of a model found; it holds neither the model nor a tensor."""

    model: weakref.ref[nn.Module]
    bindings: Bindings
    map: SharingMap
    regions: dict[str, Regions]


# By identity, since a model may be equal to another, or not hashable; what is in it lives as long as its model.
_last_scans: dict[int, _Scan] = {}


class SharingScanner:
    """Watches one model: its sharing map, rescanned only when a name came, went, or was bound to other bytes.

    Holds the model and no tensor of it: what the model lets go of is freed. A scanner begins with what the one before
    it found, if that is still so.
    """

    def __init__(self, model: nn.Module, unregistered: bool = False) -> None:
        self._model = model
        self._unregistered = unregistered
        self._bindings: Bindings | None = None
        self._attributes: list[tuple[str, Binding]] = []
        self._regions: dict[str, Regions] = {}
        self._map = SharingMap.from_relations(names=())
        last = None if unregistered else _last_scans.get(id(model))
        if last is not None and last.model() is model:
            _, self._bindings, self._map, self._regions = last
        self.current_exactly()

    @property
    def model(self) -> nn.Module:
        """The model that is watched."""
        return self._model

    def current(self) -> SharingMap:
        """The map as it is now: the same object as before if nothing was bound anew."""
        attributes = self._unregistered_bindings()
        if self._bindings is None or attributes != self._attributes or not self._bindings.hold(self._model):
            met = walk(self._model, unregistered=self._unregistered)
            self._regions = _regions(met)
            self._map = _map(met, self._regions)
            self._bindings, self._attributes = Bindings(self._model), attributes
            if not self._unregistered:
                model = weakref.ref(self._model, partial(_forget, id(self._model)))
                _last_scans[id(self._model)] = _Scan(model, self._bindings, self._map, self._regions)
        return self._map

    def current_exactly(self) -> SharingMap:
        """As `current`, and also where a tensor was made or ceased to be a lazy clone without being bound anew.

        Of that there is no sign but to ask every tensor, which takes some times as long.
        """
        if any(_is_lazy_otherwise(held.tensor, self._regions.get(held.name, ())) for held in walk(self._model).tensors):
            self._bindings = None
        return self.current()

    @property
    def last(self) -> SharingMap:
        """The map that was answered last, whatever has happened since."""
        return self._map

    @property
    def last_regions(self) -> Mapping[str, Regions]:
        """The byte regions of every name with bytes of its own, as they were at the last answer."""
        return self._regions

    def tensors(self) -> Mapping[str, torch.Tensor]:
        """The live tensor under every name, now; derived names without bytes of their own have none."""
        tensors: dict[str, torch.Tensor] = {}
        for held in named_tensors(self._model, unregistered=self._unregistered):
            tensors.setdefault(held.name, held.tensor)
        return tensors

    def tensor(self, name: str) -> torch.Tensor:
        """The live tensor that a tensor name, or a module path naming one storage, means now.

        Raises:
            UnknownName: Nothing has this name.
            SeveralStorages: A module path that names more than one storage.
            UnsupportedStorage: A derived name without bytes of its own to look at.
        """
        at_name = tensor_at(self._model, name)
        if at_name is not None:
            return at_name
        tensors, sharing = self.tensors(), self.current()
        if name in tensors:
            return tensors[name]
        primary = sharing.primary(name)
        if primary not in tensors:
            sources = ", ".join(sharing.derived.get(primary, ()))
            raise UnsupportedStorage(name, f"it is computed from {sources}", remedy="look at what it is computed from")
        return tensors[primary]

    def memory_identity(self) -> dict[str, Regions]:
        """Where the bytes of each storage are now: equal before and after means the storage kept its bytes.

        Each value is the byte regions (address space, first byte, run, strides). Storages without bytes are left out:
        nothing tells one from another. Addresses are of this process, and can be used again once freed.
        """
        sharing = self.current()
        return {key: self._regions[key] for key in sharing.storages if self._regions.get(key)}

    def _unregistered_bindings(self) -> list[tuple[str, Binding]]:
        if not self._unregistered:
            return []
        found = named_tensors(self._model, unregistered=True)
        return [(held.name, binding(held.tensor)) for held in found if held.kind == "attribute"]


def _is_lazy_otherwise(tensor: torch.Tensor, regions: Regions) -> bool:
    """Whether a tensor in memory is a lazy clone and its regions do not say so, or the reverse."""
    if not regions or not is_plain(tensor) or tensor.is_meta:
        return False
    return is_copy_on_write(tensor) != (regions[0].space[0] == "storage")


def _forget(identity: int, model: weakref.ref[nn.Module]) -> None:
    # Another model may have been scanned at the same address before word of the end of this one came.
    if identity in _last_scans and _last_scans[identity].model is model:
        del _last_scans[identity]


def _regions(met: Walk) -> dict[str, Regions]:
    regions: dict[str, Regions] = {}
    for held in met.tensors:
        if held.name not in regions:
            regions[held.name] = regions_of(held.tensor)
    regions.update(offloaded_regions(met.modules))
    return regions


def _map(met: Walk, regions: dict[str, Regions]) -> SharingMap:
    related = relate(regions)
    # A parametrization that holds the module it belongs to leads to names that the walk from the model has cut.
    derived = {
        name: tuple(source for source in sources if source in regions)
        for name, sources in derived_names(met.modules).items()
    }
    if not derived:
        return SharingMap.build(regions, related.same, related.overlaps)
    stored = {held.name for held in met.tensors if held.kind != "attribute" and held.name in derived}
    for _, members in related.same:
        # What is computed into bytes is computed for every name of those bytes.
        sources = {source for name in stored.intersection(members) for source in derived[name]}.difference(members)
        if sources:
            derived.update(dict.fromkeys(members, tuple(sources)))
            stored.update(members)
    return SharingMap.build(regions, related.same, related.overlaps, derived, stored)
