"""From a live model to its sharing map, and a scanner whose map is never out of date."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import torch
from torch import nn

from introspection.errors import UnsupportedStorage
from introspection.names import NamedTensor, derived_names, named_tensors, tensor_at
from introspection.regions import Binding, binding, regions_of
from introspection.relate import Regions, relate
from introspection.sharing import SharingMap


def scan_sharing(model: nn.Module, unregistered: bool = False) -> SharingMap:
    """Says which names of `model` view the same bytes, exactly, at this moment; reads no weight and changes nothing.

    Parameters and buffers under every registration path are compared by the bytes they view, not by their pointers, so
    that disjoint views of one storage are apart, and views at an offset, transposed, or of another dtype are found.

    Args:
        model: Any torch module; on any device, `meta` included.
        unregistered: Also tensors in plain attributes, lists, tuples and dicts, named as the Python expression from
            the model: `bank[0]`, `d['k'][0]`.

    Raises:
        NotAModel: `model` is no torch.nn.Module.
    """
    found = named_tensors(model, unregistered=unregistered)
    return _map(model, _regions(found))


class SharingScanner:
    """Watches one model: its sharing map, rescanned only when a name came, went, or was bound to other bytes.

    Holds the model and no tensor of it: what the model lets go of is freed.
    """

    def __init__(self, model: nn.Module, unregistered: bool = False) -> None:
        self._model = model
        self._unregistered = unregistered
        self._bindings: list[tuple[str, Binding]] | None = None
        self._regions: dict[str, Regions] = {}
        self._map = SharingMap.from_relations(names=())
        self.current()

    @property
    def model(self) -> nn.Module:
        """The model that is watched."""
        return self._model

    def current(self) -> SharingMap:
        """The map as it is now: the same object as before if nothing was bound anew."""
        found = self._named()
        bindings = [(held.name, binding(held.tensor)) for held in found]
        if bindings != self._bindings:
            self._regions = _regions(found)
            self._map = _map(self._model, self._regions)
            self._bindings = bindings
        return self._map

    def tensors(self) -> Mapping[str, torch.Tensor]:
        """The live tensor under every name, now; derived names hold none."""
        tensors: dict[str, torch.Tensor] = {}
        for held in self._named():
            tensors.setdefault(held.name, held.tensor)
        return tensors

    def tensor(self, name: str) -> torch.Tensor:
        """The live tensor that a tensor name, or a module path naming one storage, means now.

        Raises:
            UnknownName: Nothing has this name.
            SeveralStorages: A module path that names more than one storage.
            UnsupportedStorage: A derived name: it has no bytes of its own to look at.
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

    def _named(self) -> list[NamedTensor]:
        return named_tensors(self._model, unregistered=self._unregistered)


def _regions(found: Iterable[NamedTensor]) -> dict[str, Regions]:
    regions: dict[str, Regions] = {}
    for held in found:
        if held.name not in regions:
            regions[held.name] = regions_of(held.tensor)
    return regions


def _map(model: nn.Module, regions: dict[str, Regions]) -> SharingMap:
    related = relate(regions)
    # A parametrization that holds the module it belongs to leads to names that the walk from the model has cut.
    derived = {
        name: tuple(source for source in sources if source in regions) for name, sources in derived_names(model).items()
    }
    return SharingMap.build(regions, related.same, related.overlaps, derived)
