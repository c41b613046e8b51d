"""How a model is built, told from its module tree: what it is made of and which weights are one."""

from __future__ import annotations

from collections import Counter
from typing import Any

import torch
from torch import nn
from torch.nn.parameter import is_lazy

from introspection.names import named_modules, named_tensors
from introspection.scan import SharingScanner
from introspection.sharing import Relation, SharingMap


class ArchitectureNavigator:
    """Describes a model's structure; every answer is of this moment. Results are JSON-serialisable."""

    def __init__(self, model: nn.Module) -> None:
        self._scanner = SharingScanner(model)

    def get_architecture_summary(self) -> dict[str, Any]:
        """The facts of the model as a whole.

        Returns:
            `model_class`; `parameters` (elements with each storage counted once, the trainable ones of them, elements
            with every name counted, names, storages) and `buffers` (likewise); `num_modules` and `module_types`
            (every module object once, the model included); `layer_count` (module objects that hold tensors
            themselves); `layer_stacks` (rows of blocks of one class: path, class, count); `dtypes` and `devices`
            (elements of parameters and buffers, each storage once); `weight_sharing` (see `weight_sharing`).
        """
        model = self._scanner.model
        sharing = self._scanner.current()
        modules = {id(module): module for _, module in named_modules(model)}
        return {
            "model_class": type(model).__name__,
            "parameters": self._counts(sharing, "parameter"),
            "buffers": self._counts(sharing, "buffer"),
            "num_modules": len(modules),
            "module_types": dict(Counter(type(module).__name__ for module in modules.values()).most_common()),
            "layer_count": sum(_holds_tensors(module) for module in modules.values()),
            "layer_stacks": self._stacks(),
            **self._places(sharing),
            "weight_sharing": weight_sharing(sharing),
        }

    def _counts(self, sharing: SharingMap, kind: str) -> dict[str, int]:
        named = [held for held in named_tensors(self._scanner.model) if held.kind == kind]
        once = {sharing.storage_key(held.name): held.tensor for held in named}
        counts = {
            "elements": sum(_elements(tensor) for tensor in once.values()),
            "elements_by_name": sum(_elements(held.tensor) for held in named),
            "names": len(named),
            "storages": len(once),
        }
        if kind == "parameter":
            counts["trainable_elements"] = sum(_elements(tensor) for tensor in once.values() if tensor.requires_grad)
        return counts

    def _places(self, sharing: SharingMap) -> dict[str, dict[str, int]]:
        once = {sharing.storage_key(held.name): held.tensor for held in named_tensors(self._scanner.model)}
        dtypes, devices = Counter[str](), Counter[str]()
        for tensor in once.values():
            dtypes[str(tensor.dtype).removeprefix("torch.")] += _elements(tensor)
            devices[str(tensor.device)] += _elements(tensor)
        return {"dtypes": dict(dtypes.most_common()), "devices": dict(devices.most_common())}

    def _stacks(self) -> list[dict[str, Any]]:
        stacks: list[dict[str, Any]] = []
        seen: set[int] = set()
        for path, module in named_modules(self._scanner.model):
            blocks = [child for child in module._modules.values() if child is not None]
            alike = len({type(block) for block in blocks}) == 1
            if (
                isinstance(module, nn.ModuleList | nn.Sequential)
                and len(blocks) > 1
                and alike
                and id(module) not in seen
            ):
                seen.add(id(module))
                stacks.append({"path": path, "module_type": type(blocks[0]).__name__, "count": len(blocks)})
        return stacks


def weight_sharing(sharing: SharingMap) -> dict[str, Any]:
    """What a sharing map means for whoever changes weights, as JSON-serialisable facts and sentences.

    Returns:
        `has_shared_weights`; `shared_groups` (names of identical bytes); `overlaps` (pairs that share some bytes, or
        may); `derived`; `implications` (a sentence for each, in words).
    """
    groups = [sorted(group) for group in sharing.groups]
    overlaps: list[dict[str, Any]] = [
        {"names": names, "kind": relation.kind, "shared_bytes": relation.shared_bytes}
        for names, relation in _by_name(sharing)
        if relation.kind != "same"
    ]
    implications = [
        f"{' and '.join(group)} are one storage: a write under any of these names is a write to all of them"
        for group in groups
    ]
    for overlap in overlaps:
        first, second = overlap["names"]
        how = "share" if overlap["kind"] == "partial" else "may share"
        much = "some" if overlap["shared_bytes"] is None else overlap["shared_bytes"]
        implications.append(f"{first} and {second} {how} {much} bytes: a write to one can change the other")
    implications.extend(
        f"{name} is computed from {' and '.join(sources)}: it changes when they do, and cannot be written itself"
        for name, sources in sharing.derived.items()
    )
    if not groups and not overlaps:
        implications.insert(0, "no two names share memory: every name can be written on its own")
    return {
        "has_shared_weights": bool(groups or overlaps),
        "shared_groups": groups,
        "overlaps": overlaps,
        "derived": {name: list(sources) for name, sources in sharing.derived.items()},
        "implications": implications,
    }


def _by_name(sharing: SharingMap) -> list[tuple[list[str], Relation]]:
    return sorted(
        ((sorted(pair), relation) for pair, relation in sharing.relations.items()), key=lambda entry: entry[0]
    )


def _elements(tensor: torch.Tensor) -> int:
    return 0 if is_lazy(tensor) else tensor.numel()


def _holds_tensors(module: nn.Module) -> bool:
    return any(held is not None for held in (*module._parameters.values(), *module._buffers.values()))
