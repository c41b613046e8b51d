"""What the weights of a live model are, by every name they have: lists, live tensors, statistics, what is shared."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from fnmatch import fnmatchcase
from typing import Any

import torch
from torch import nn
from torch.nn.parameter import is_lazy

from introspection.arguments import check_names
from introspection.errors import SeveralStorages, UnknownName, UnsupportedStorage
from introspection.names import NamedTensor, named_modules, named_tensors
from introspection.parts import is_plain
from introspection.scan import SharingScanner
from introspection.sharing import SharingMap
from introspection.statistics import tensor_statistics
from introspection.weight_distribution import tensor_distribution
from introspection.weight_summary import size_of


class WeightReader:
    """Reads the weights of one model, each by any of its names: the part of `WeightInspector` that looks at one weight.

    Args:
        model: Any torch module.

    Raises:
        NotAModel: `model` is no torch.nn.Module.
    """

    def __init__(self, model: nn.Module) -> None:
        self._scanner = SharingScanner(model)

    @property
    def sharing(self) -> SharingMap:
        """The model's sharing map, now."""
        return self._scanner.current()

    def get_shared_weights(self) -> dict[str, list[str]]:
        """Every storage with two names or more: its key, and all its names."""
        return {key: list(members) for key, members in self.sharing.storages.items() if len(members) > 1}

    def detect_shared_weights(self) -> dict[str, list[str]]:
        """The same as `get_shared_weights`."""
        return self.get_shared_weights()

    def get_shared_layers(self, name: str) -> list[str]:
        """Every other name that a write to `name` changes, because it views some of the same bytes; none: [].

        Args:
            name: A tensor or module path.

        Raises:
            UnknownName: Nothing has this name.
        """
        sharing = self.sharing
        if not self._names(sharing, name):
            return []
        if name == "":
            # One name of each storage counts as given, as for every module path.
            return sorted(other for members in sharing.storages.values() for other in members[1:])
        return list(sharing.coupled(name))

    def list_parameters(self, filter: str = "", *, buffers: bool = False) -> list[dict[str, Any]]:  # noqa: A002
        """What is known of every parameter without reading it, under every name it has, in order of registration.

        Args:
            filter: Keeps names that contain this text, or match it if it holds `*`, `?` or `[`.
            buffers: Lists buffers too.

        Returns:
            For each name: `name`, `kind` (parameter or buffer), `shape`, `num_elements`, `num_bytes` (these three None
            while not initialised), `dtype`, `device`, `requires_grad`, `storage_key` and `shared_with` (a list, empty
            if nothing else views these bytes).
        """
        sharing = self.sharing
        return [
            _describe(held, sharing)
            for held in named_tensors(self._scanner.model)
            if (buffers or held.kind == "parameter") and matches(held.name, filter)
        ]

    def get_layer_names(self) -> list[str]:
        """Path of every module that itself holds a parameter or a buffer, in order of registration."""
        return [
            path
            for path, module in named_modules(self._scanner.model)
            if path and any(held is not None for held in (*module._parameters.values(), *module._buffers.values()))
        ]

    def get_layer_parameters(self, prefix: str) -> list[dict[str, Any]]:
        """What `list_parameters` says, buffers included, of the tensor `prefix` or of every tensor under that path.

        Raises:
            UnknownName: Nothing has this name.
        """
        sharing = self.sharing
        wanted = set(self._names(sharing, prefix))
        return [_describe(held, sharing) for held in named_tensors(self._scanner.model) if held.name in wanted]

    def get_layer_weights(self, name: str) -> torch.Tensor:
        """The live values of one tensor, outside any graph: reading is free, and writing would write the model.

        Args:
            name: A tensor name, or a module path that names one storage.

        Raises:
            UnknownName: Nothing has this name.
            SeveralStorages: A module path that names more than one storage.
            UnsupportedStorage: A derived name, a module without tensors, or a tensor that is not initialised yet.
        """
        tensor, _ = self._one(name)
        if is_lazy(tensor):
            raise UnsupportedStorage(name, "it is not initialised yet", remedy="run the model once, then look again")
        return tensor.detach()

    def get_weight_statistics(
        self, name: str | Iterable[str], *, bins: int = 20, near_zero: float = 1e-6
    ) -> dict[str, Any]:
        """Statistics of a tensor's values as they are now; the same under every alias.

        Next to what `introspection.statistics.tensor_statistics` gives: name, storage_key, shape, dtype, device and,
        if other names share its bytes, `shared_with` (a list) and a `warning`.

        Args:
            name: A tensor name; a module path; or several of them.
            bins: Number of histogram bins.
            near_zero: Magnitudes below this count as near zero.

        Returns:
            One dict for a tensor, and for a module path that names one storage. For several names, and for a module
            path that names several storages, one such dict for each tensor, by name.

        Raises:
            UnknownName: Nothing has this name.
            UnsupportedStorage: A tensor without values (meta, fake, uninitialised, derived), or none that can be read.
            InvalidArgument: Fewer than one bin, or a negative `near_zero`.
        """
        return self._of_each(
            name, lambda tensor, called: tensor_statistics(tensor, name=called, bins=bins, near_zero=near_zero)
        )

    def get_weight_distribution(
        self, name: str | Iterable[str], bins: int = 50, *, limits: tuple[float, float] | None = None
    ) -> dict[str, Any]:
        """How a tensor's values are distributed now: histogram, percentiles to the far ends, skewness, kurtosis, tails.

        Next to what `introspection.weight_distribution.tensor_distribution` gives: as `get_weight_statistics`.

        Args:
            name: A tensor name; a module path; or several of them.
            bins: Number of histogram bins.
            limits: Where the histogram begins and ends; by default at the smallest and the largest finite value.

        Returns:
            As `get_weight_statistics`.

        Raises:
            UnknownName: Nothing has this name.
            UnsupportedStorage: A tensor without values, or none that can be read.
            InvalidArgument: Fewer than one bin, or limits that do not rise.
        """
        return self._of_each(
            name, lambda tensor, called: tensor_distribution(tensor, name=called, bins=bins, limits=limits)
        )

    def _of_each(
        self, name: str | Iterable[str], measure: Callable[[torch.Tensor, str], dict[str, Any]]
    ) -> dict[str, Any]:
        """What `measure` says of one tensor, or of each of several by name; the same bytes are read once."""
        check_names("name", name)
        if not isinstance(name, str):
            return {each: self._of_each(each, measure) for each in name}
        sharing = self.sharing
        names, keys = self._names(sharing, name), self._keys(sharing, name)
        if len(keys) == 1:
            return self._measured(sharing, names[0] if name == "" else sharing.primary(name), measure, {})
        read: dict[object, dict[str, Any]] = {}
        held = self._scanner.tensors()
        return {each: self._measured(sharing, each, measure, read) for each in names if each in held}

    def _measured(
        self,
        sharing: SharingMap,
        name: str,
        measure: Callable[[torch.Tensor, str], dict[str, Any]],
        read: dict[object, dict[str, Any]],
    ) -> dict[str, Any]:
        tensor = self._scanner.tensor(name)
        key = sharing.storage_key(name)
        way = _way_of_reading(tensor)
        measured = read.get((key, way)) if way is not None else None
        if measured is None:
            measured = read[key, way] = measure(tensor, name)
        size = size_of(tensor)
        result: dict[str, Any] = {
            "name": name,
            "storage_key": key,
            "shape": size["shape"],
            "dtype": size["dtype"],
            "device": str(tensor.device),
            **measured,
        }
        if coupled := sharing.coupled(name):
            result["shared_with"] = list(coupled)
            result["warning"] = (
                f"{name} shares memory with {', '.join(coupled)}: they are one storage seen under several names, "
                "and a write to one changes the others"
            )
        return result

    def _once(self, sharing: SharingMap) -> dict[str, torch.Tensor]:
        """One tensor for each storage, by its key."""
        tensors = self._scanner.tensors()
        return {key: tensors[key] for key in sharing.storages if key in tensors}

    def _names(self, sharing: SharingMap, name: str) -> tuple[str, ...]:
        """Every tensor name that a tensor name or a module path means; none for a module that holds no tensor.

        Raises:
            UnknownName: Nothing has this name.
        """
        if name in sharing.names:
            return (name,)
        if name == "":
            return sharing.names
        found = sharing.under(name)
        if not found:
            paths = {path for path, _ in named_modules(self._scanner.model) if path}
            if name not in paths:
                raise UnknownName(name, {*paths, *sharing.names})
        return found

    def _keys(self, sharing: SharingMap, name: str) -> tuple[str, ...]:
        """The storages that a tensor name or a module path means; none for a module that holds no tensor."""
        if not self._names(sharing, name):
            return ()
        return tuple(sharing.storages) if name == "" else sharing.resolve(name)

    def _one(self, name: str) -> tuple[torch.Tensor, str]:
        """The tensor that a tensor name, or a module path that names one storage, means; and its own name.

        Raises:
            UnknownName: Nothing has this name.
            SeveralStorages: A module path that names more than one storage.
            UnsupportedStorage: A module without tensors, or a derived name.
        """
        sharing = self.sharing
        keys = self._keys(sharing, name)
        if name == "" and len(keys) == 1:
            return self._scanner.tensor(keys[0]), keys[0]
        if name == "" and keys:
            raise SeveralStorages(name, keys)
        if not keys:
            raise UnsupportedStorage(name, "it is a module that holds no tensors", remedy="name a tensor")
        return self._scanner.tensor(name), sharing.primary(name)


def _describe(held: NamedTensor, sharing: SharingMap) -> dict[str, Any]:
    return {
        "name": held.name,
        "kind": held.kind,
        **size_of(held.tensor),
        "device": str(held.tensor.device),
        "requires_grad": held.tensor.requires_grad,
        "storage_key": sharing.storage_key(held.name),
        "shared_with": list(sharing.coupled(held.name)),
    }


def _way_of_reading(tensor: torch.Tensor) -> object | None:
    """Equal for views of the same bytes that hold the same numbers, in whatever order; None where that is not known."""
    if not is_plain(tensor) or is_lazy(tensor):
        return None
    steps = sorted(zip(tensor.shape, tensor.stride(), strict=True))
    return tensor.dtype, tensor.storage_offset(), tensor.is_neg(), tuple(steps)


def matches(name: str, pattern: str) -> bool:
    """Whether a name contains a text, or matches it if the text holds a wildcard."""
    return fnmatchcase(name, pattern) if any(mark in pattern for mark in "*?[") else pattern in name
