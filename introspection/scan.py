"""From a live model to its sharing map, and a scanner whose map is never out of date."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import nn

from introspection.bindings import Bindings
from introspection.derived import derived_names
from introspection.errors import UnsupportedStorage
from introspection.names import Walk, named_tensors, tensor_at, walk
from introspection.offload import offloaded_regions
from introspection.regions import Binding, binding, regions_of
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


class SharingScanner:
    """Watches one model: its sharing map, rescanned only when a name came, went, or was bound to other bytes.

    Holds the model and no tensor of it: what the model lets go of is freed.
    """

    def __init__(self, model: nn.Module, unregistered: bool = False) -> None:
        self._model = model
        self._unregistered = unregistered
        self._bindings: Bindings | None = None
        self._attributes: list[tuple[str, Binding]] = []
        self._regions: dict[str, Regions] = {}
        self._map = SharingMap.from_relations(names=())
        self.current()

    @property
    def model(self) -> nn.Module:
        """The model that is watched."""
        return self._model

    def current(self) -> SharingMap:
        """The map as it is now: the same object as before if nothing was bound anew."""
        attributes = self._unregistered_bindings()
        if self._bindings is None or attributes != self._attributes or not self._bindings.hold():
            met = walk(self._model, unregistered=self._unregistered)
            self._regions = _regions(met)
            self._map = _map(met, self._regions)
            self._bindings, self._attributes = Bindings(self._model), attributes
        return self._map

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
