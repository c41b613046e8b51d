"""The weights of a live model by every name they have: lists, live tensors, statistics, and what shares with what."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import Any

import torch
from torch import nn
from torch.nn.parameter import is_lazy

from introspection.names import NamedTensor, named_modules, named_tensors
from introspection.scan import SharingScanner
from introspection.sharing import SharingMap
from introspection.statistics import tensor_statistics


class WeightInspector:
    """Answers questions about a model's weights; every answer is of this moment, whatever was tied or edited since.

    Every name works, aliases included. Results are JSON-serialisable, except where a tensor is asked for.
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
        if not sharing.under(name) and name not in sharing.names and self._is_module(name):
            return []
        return list(sharing.coupled(name))

    def list_parameters(self, filter: str = "", *, buffers: bool = False) -> list[dict[str, Any]]:  # noqa: A002
        """What is known of every parameter without reading it, under every name it has, in order of registration.

        Args:
            filter: Keeps names that contain this text, or match it if it holds `*`, `?` or `[`.
            buffers: Lists buffers too.
        """
        sharing = self.sharing
        return [
            self._describe(held, sharing)
            for held in named_tensors(self._scanner.model)
            if (buffers or held.kind == "parameter") and _matches(held.name, filter)
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
        wanted = {prefix} if prefix in sharing.names else set(sharing.under(prefix))
        if not wanted and not self._is_module(prefix):
            sharing.resolve(prefix)
        return [self._describe(held, sharing) for held in named_tensors(self._scanner.model) if held.name in wanted]

    def get_layer_weights(self, name: str) -> torch.Tensor:
        """The live values of one tensor, outside any graph: reading is free, and writing would write the model.

        Args:
            name: A tensor name, or a module path that names one storage.

        Raises:
            UnknownName: Nothing has this name.
            SeveralStorages: A module path that names more than one storage.
            UnsupportedStorage: A derived name.
        """
        return self._scanner.tensor(name).detach()

    def get_weight_statistics(
        self, name: str | Iterable[str], *, bins: int = 20, near_zero: float = 1e-6
    ) -> dict[str, Any]:
        """Statistics of a tensor's values as they are now; the same under every alias.

        Next to what `tensor_statistics` gives: name, storage_key, kind, shape, dtype, device and, if other names share
        its bytes, `shared_with` and a `warning`.

        Args:
            name: A tensor name; a module path; or several of them.
            bins: Number of histogram bins.
            near_zero: Magnitudes below this count as near zero.

        Returns:
            One dict for a tensor, and for a module path that names one storage. For several names, and for a module
            path that names several storages, one such dict for each tensor, by name.

        Raises:
            UnknownName: Nothing has this name.
            UnsupportedStorage: A tensor without values (meta, fake, uninitialised, derived), or not a dense one.
        """
        sharing = self.sharing
        if not isinstance(name, str):
            return {each: self.get_weight_statistics(each, bins=bins, near_zero=near_zero) for each in name}
        keys = sharing.resolve(name)
        if len(keys) > 1:
            return {
                each: self.get_weight_statistics(each, bins=bins, near_zero=near_zero)
                for each in sharing.under(name)
                if each not in sharing.derived
            }
        return self._statistics(sharing, sharing.primary(name), bins, near_zero)

    def _statistics(self, sharing: SharingMap, name: str, bins: int, near_zero: float) -> dict[str, Any]:
        tensor = self._scanner.tensor(name)
        coupled = sharing.coupled(name)
        result: dict[str, Any] = {
            "name": name,
            "storage_key": sharing.storage_key(name),
            "shape": list(tensor.shape),
            "dtype": str(tensor.dtype).removeprefix("torch."),
            "device": str(tensor.device),
            **tensor_statistics(tensor, name=name, bins=bins, near_zero=near_zero),
        }
        if coupled:
            result["shared_with"] = list(coupled)
            result["warning"] = (
                f"{name} shares memory with {', '.join(coupled)}: they are one storage seen under several names, "
                "and a write to one changes the others"
            )
        return result

    @staticmethod
    def _describe(held: NamedTensor, sharing: SharingMap) -> dict[str, Any]:
        tensor = held.tensor
        lazy = is_lazy(tensor)
        return {
            "name": held.name,
            "kind": held.kind,
            "shape": None if lazy else list(tensor.shape),
            "num_elements": None if lazy else tensor.numel(),
            "dtype": str(tensor.dtype).removeprefix("torch."),
            "device": str(tensor.device),
            "requires_grad": tensor.requires_grad,
            "storage_key": sharing.storage_key(held.name),
        }

    def _is_module(self, path: str) -> bool:
        return any(path == found for found, _ in named_modules(self._scanner.model))


def _matches(name: str, pattern: str) -> bool:
    return fnmatchcase(name, pattern) if any(mark in pattern for mark in "*?[") else pattern in name
