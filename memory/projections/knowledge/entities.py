"""What the statistics are about: storages, and what was found out about names that the map does not know.

Two names of one tensor that no map ties are found by what is read of them: the same numbers, bit for bit, each time
they change. From then on they are one entity, and what is asked of the one is not asked of the other.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from introspection.sharing import SharingMap
from memory.projections.knowledge.panel import Flags
from memory.projections.registry import StorageRegistry


class Entities:
    """Names and storages as the entities that hypotheses are about.

    An entity has the id of its storage; a name that no map knows and that turned out to be no known tensor has a
    negative one.
    """

    def __init__(self, registry: StorageRegistry) -> None:
        self._registry = registry
        self._same: dict[int, int] = {}
        """Storage to the storage it turned out to be."""
        self._unknown: dict[tuple[str, str], int] = {}
        """(model, name no map knows) to its entity."""
        self._named: dict[int, str] = {}
        """Entity of a name of its own to the name."""
        self._related: dict[str, tuple[SharingMap, dict[int, set[int]]]] = {}

    def find(self, model: str, name: str) -> int | None:
        """Give the entity a name stands for now; None for a derived name, and for one in quarantine."""
        storage = self._registry.find(model, name)
        if storage is not None:
            return self.canonical(storage.storage_id)
        return self._unknown.get((model, name))

    def canonical(self, entity: int) -> int:
        """Give the entity that a storage turned out to be: itself, mostly."""
        return self._same.get(entity, entity)

    def stands(self, entity: int) -> bool:
        """Say whether a storage turned out to be no other one."""
        return entity not in self._same

    def merge(self, entity: int, into: int) -> None:
        """Take note that a storage is another one."""
        into = self.canonical(into)
        for each, target in self._same.items():
            if target == entity:
                self._same[each] = into
        self._same[entity] = into

    def identify(self, model: str, name: str, entity: int | None) -> int:
        """Take note of what a name that no map knows is: a known entity, or (None) one of its own."""
        if entity is None:
            entity = min(0, min(self._named, default=0)) - 1
            self._named[entity] = name
        self._unknown[model, name] = entity
        return entity

    def named(self, entity: int) -> tuple[str, tuple[str, ...]]:
        """Give the key and the names of an entity as they are now; empty for one that ended."""
        if entity < 0:
            name = self._named[entity]
            return name, (name,)
        storage = self._registry.by_id(entity)
        return ("", ()) if storage is None else (storage.key, storage.names)

    def related(self, model: str) -> Mapping[int, set[int]]:
        """Give, for each storage that shares some bytes with others, those others."""
        sharing = self._registry.maps.get(model)
        if sharing is None:
            return {}
        held = self._related.get(model)
        if held is None or held[0] is not sharing:
            found: dict[int, set[int]] = {}
            for pair, relation in sharing.relations.items():
                if relation.kind == "same":
                    continue
                one, other = (self._registry.find(model, name) for name in pair)
                if one is not None and other is not None and one.storage_id != other.storage_id:
                    found.setdefault(one.storage_id, set()).add(other.storage_id)
                    found.setdefault(other.storage_id, set()).add(one.storage_id)
            held = self._related[model] = sharing, found
        return held[1]

    def are_related(self, model: str, firsts: list[int], seconds: list[int]) -> Flags:
        """Say of each pair of entities whether its ends share bytes."""
        related = self.related(model)
        none: set[int] = set()
        pairs = zip(firsts, seconds, strict=True)
        return np.array([second in related.get(first, none) for first, second in pairs], dtype=np.bool_)

    def to_state(self) -> list[Any]:
        """Give everything as plain data."""
        unknown = [[model, name, entity] for (model, name), entity in self._unknown.items()]
        return [list(self._same.items()), unknown, list(self._named.items())]

    def load(self, state: list[Any]) -> None:
        """Go on from `to_state`, parsed."""
        same, unknown, named = state
        self._same = {int(entity): int(into) for entity, into in same}
        self._unknown = {(model, name): entity for model, name, entity in unknown}
        self._named = {int(entity): name for entity, name in named}
