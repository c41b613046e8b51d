"""Which name viewed which storage, at every position: a pure fold of attaches and changes of sharing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from introspection.sharing import SharingMap
from memory.events.models import ModelAttached, SharingChanged
from memory.events.registry import Payload


@dataclass(frozen=True, slots=True)
class Storage:
    """One storage of one model, with the key and the names it has now."""

    storage_id: int
    """The log's identity of the storage: it stays when key and names change, and is never reused."""
    model: str
    key: str
    names: tuple[str, ...]
    key_since: int
    """Position from which the key holds."""
    names_since: Mapping[str, int]
    """Position from which each name views this storage."""


@dataclass(frozen=True, slots=True)
class RegistryChange:
    """What one event changed: the storages before and after, in key order, unchanged ones left out."""

    before: tuple[Storage, ...]
    after: tuple[Storage, ...]


@dataclass(slots=True)
class StorageRegistry:
    """Every model's storages as they are at the last event folded in."""

    maps: dict[str, SharingMap] = field(default_factory=dict)
    """Model to its sharing map now."""
    current: dict[str, dict[str, Storage]] = field(default_factory=dict)
    """Model to its storages now, by key."""
    next_id: int = 1

    def apply(self, position: int, payload: Payload) -> RegistryChange | None:
        """Fold one event in; return what changed, or None for an event that is not about sharing.

        Where the event says which storages kept their bytes, that decides which of them continue. Where only maps
        are known, the part that holds a storage's old first name continues it, and the other parts are new.
        """
        if not isinstance(payload, ModelAttached | SharingChanged):
            return None
        sharing = SharingMap.from_json(orjson.dumps(payload.sharing).decode())
        old = self.current.get(payload.model, {})
        kept = payload.kept if isinstance(payload, SharingChanged) else None
        predecessors = _predecessors(old, sharing, kept)
        new: dict[str, Storage] = {}
        for key in sorted(sharing.storages):
            predecessor = predecessors.get(key)
            new[key] = self._storage(position, payload.model, key, sharing.storages[key], predecessor)
        self.maps[payload.model] = sharing
        self.current[payload.model] = new
        return RegistryChange(
            before=tuple(storage for key, storage in sorted(old.items()) if storage not in new.values()),
            after=tuple(storage for storage in new.values() if storage not in old.values()),
        )

    def _storage(
        self, position: int, model: str, key: str, names: tuple[str, ...], predecessor: Storage | None
    ) -> Storage:
        if predecessor is None:
            storage_id, self.next_id = self.next_id, self.next_id + 1
            return Storage(storage_id, model, key, names, position, dict.fromkeys(names, position))
        since = {name: predecessor.names_since.get(name, position) for name in names}
        key_since = predecessor.key_since if predecessor.key == key else position
        return Storage(predecessor.storage_id, model, key, names, key_since, since)

    def find(self, model: str, name: str) -> Storage | None:
        """Give the storage that a tensor name views now, or None where no map knows the name."""
        sharing = self.maps.get(model)
        if sharing is None or name not in sharing.names:
            return None
        return self.current[model].get(sharing.storage_key(name))

    def storages(self, model: str) -> Iterator[Storage]:
        """Yield a model's storages now, in key order."""
        yield from self.current.get(model, {}).values()

    def to_state(self) -> dict[str, Any]:
        """Give the registry as plain data; `from_state` gives it back equal."""
        return {
            "next_id": self.next_id,
            "maps": {model: sharing.to_json() for model, sharing in self.maps.items()},
            "storages": [
                [s.storage_id, s.model, s.key, list(s.names), s.key_since, dict(s.names_since)]
                for storages in self.current.values()
                for s in storages.values()
            ],
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> StorageRegistry:
        """Rebuild a registry from `to_state`."""
        registry = cls(next_id=state["next_id"])
        for model, text in state["maps"].items():
            registry.maps[model] = SharingMap.from_json(text)
            registry.current[model] = {}
        for storage_id, model, key, names, key_since, names_since in state["storages"]:
            registry.current[model][key] = Storage(storage_id, model, key, tuple(names), key_since, names_since)
        return registry


def _predecessors(
    old: Mapping[str, Storage], sharing: SharingMap, kept: Mapping[str, str] | None
) -> dict[str, Storage]:
    """Give, for each new storage key, the old storage it continues; each old storage continues at most once."""
    predecessors: dict[str, Storage] = {}
    if kept is not None:
        continued: set[str] = set()
        for new_key in sorted(kept):
            old_key = kept[new_key]
            if old_key in old and old_key not in continued and new_key in sharing.storages:
                predecessors[new_key] = old[old_key]
                continued.add(old_key)
        return predecessors
    for old_key in sorted(old):
        if old_key in sharing.names:
            predecessors.setdefault(sharing.storage_key(old_key), old[old_key])
    return predecessors
