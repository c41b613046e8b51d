"""A model at one moment as a whole: its modules under all their paths, their roles, what flows, what is one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any

from torch import nn

from introspection.attention_layers import AttentionLayer, attention_layers
from introspection.components import Role, roles
from introspection.dataflow import Dataflow
from introspection.errors import UnknownName
from introspection.features import Feature, FeedForward, Observer
from introspection.names import NamedTensor, named_modules, named_tensors
from introspection.sharing import SharingMap

MODULE_TREE = "module_tree"
"""The source of answers where no forward could be followed."""


class View:
    """What is known of a model as it was when this was made; costly parts are found when first asked for."""

    def __init__(
        self, model: nn.Module, sharing: SharingMap, followed: Callable[[], tuple[Dataflow | None, str]]
    ) -> None:
        self.model = model
        self.sharing = sharing
        self._follow = followed
        self.modules: dict[str, nn.Module] = {}
        self.names: dict[str, list[str]] = {}
        self._first: dict[str, str] = {}
        seen: dict[int, str] = {}
        for path, module in named_modules(model):
            first = seen.setdefault(id(module), path)
            self._first[path] = first
            self.modules.setdefault(first, module)
            self.names.setdefault(first, []).append(path)

    @cached_property
    def _followed(self) -> tuple[Dataflow | None, str]:
        return self._follow()

    @property
    def flow(self) -> Dataflow | None:
        """What flows where; None if no forward could be followed."""
        return self._followed[0]

    @property
    def source(self) -> dict[str, Any]:
        """What answers rest on: `source`, `reason` where it is the module tree alone, `notes` where there are any."""
        flow, reason = self._followed
        if flow is None:
            return {"source": MODULE_TREE, "reason": reason}
        return {"source": flow.source, **({"notes": list(flow.notes)} if flow.notes else {})}

    @property
    def tensors(self) -> tuple[NamedTensor, ...]:
        """Every parameter and buffer under every name."""
        return tuple(named_tensors(self.model))

    @cached_property
    def roles(self) -> dict[str, Role]:
        """The role of every module, by first path."""
        return roles(self.modules, self.flow)

    @cached_property
    def attention(self) -> list[AttentionLayer]:
        """The attention layers: those the forward went through, or those the module tree shows."""
        if self.flow is not None:
            return attention_layers(self.flow, self.modules, self.roles)
        return [AttentionLayer(path) for path, role in self.roles.items() if role.kind == "attention"]

    @cached_property
    def features(self) -> dict[str, Feature] | None:
        """What is characteristic; None if no forward could be followed."""
        return self._observer.features() if self._observer is not None else None

    @cached_property
    def feed_forwards(self) -> list[FeedForward]:
        """The feed-forward layers that the forward went through."""
        return self._observer.feed_forwards() if self._observer is not None else []

    @cached_property
    def _observer(self) -> Observer | None:
        flow = self.flow
        return None if flow is None else Observer(flow, self.modules, self.roles, self.attention, self.sharing)

    def module_path(self, name: str) -> str:
        """The first path of the module that a name means: one of its paths, or the name of a tensor it holds.

        Raises:
            UnknownName: Nothing has this name.
        """
        if name in self._first:
            return self._first[name]
        if name in self.sharing.names:
            # A parametrized or pruned tensor lies where its own name says, not where its sources do.
            owner = name
            while owner:
                owner = owner.rpartition(".")[0]
                if owner in self._first:
                    return self._first[owner]
        raise UnknownName(name, {*self._first, *self.sharing.names} - {""})

    def is_tensor(self, name: str) -> bool:
        """Whether a name is that of a parameter, a buffer or a derived tensor, and of no module."""
        return name in self.sharing.names and name not in self._first

    def calls(self, path: str) -> int | None:
        """How often the forward called a module; None if none was followed."""
        return None if self.flow is None else 1 if path == "" else self.flow.calls.get(path, 0)

    def coupled(self, path: str) -> list[str]:
        """Names outside a module whose bytes are some of those inside it."""
        own = [name for each in self.names[path] for name in (self.sharing.under(each) if each else self.sharing.names)]
        found = {other for name in own for other in self.sharing.coupled(name)}
        return sorted(found.difference(own))

    def stacks(self) -> Iterator[tuple[str, list[str]]]:
        """Every row of two blocks or more of one class: the path of the list, and the first paths of the blocks."""
        for path, module in self.modules.items():
            if isinstance(module, nn.ModuleList | nn.Sequential):
                blocks = {key: child for key, child in module._modules.items() if child is not None}
                if len(blocks) > 1 and len({type(child) for child in blocks.values()}) == 1:
                    yield path, [self._first[f"{path}.{key}" if path else key] for key in blocks]
