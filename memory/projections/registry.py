"""Which name viewed which storage, at every position: a pure fold of attaches and changes of sharing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from introspection.sharing import SharingMap
from memory.events.models import ModelAttached, SharingChanged
from memory.events.registry import Payload

_SEPARATORS = "./: "
"""What may stand between a tensor's name and the statistic read off it."""


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
    _by_id: dict[int, Storage] = field(default_factory=dict, repr=False, compare=False)
    _by_name: dict[str, dict[str, Storage]] = field(default_factory=dict, repr=False, compare=False)
    _tied: dict[str, tuple[Storage, ...]] = field(default_factory=dict, repr=False, compare=False)
    _state: dict[str, Any] | None = field(default=None, repr=False, compare=False)

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
        self._adopt(payload.model, sharing, new)
        return RegistryChange(
            before=tuple(storage for _, storage in sorted(old.items()) if self.by_id(storage.storage_id) != storage),
            after=tuple(storage for key, storage in new.items() if old.get(key) != storage),
        )

    def _adopt(self, model: str, sharing: SharingMap, storages: dict[str, Storage]) -> None:
        for storage in self.current.get(model, {}).values():
            self._by_id.pop(storage.storage_id, None)
        self.maps[model], self.current[model], self._state = sharing, storages, None
        self._by_id |= {storage.storage_id: storage for storage in storages.values()}
        self._by_name[model] = {name: storage for storage in storages.values() for name in storage.names}
        self._tied[model] = tuple(storage for storage in storages.values() if len(storage.names) > 1)

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
        """Give the storage that a tensor name views now; None for a derived name, and where no map knows the name."""
        return self._by_name.get(model, {}).get(name)

    def by_id(self, storage_id: int) -> Storage | None:
        """Give the storage with this id as it is now; None for one that ended."""
        return self._by_id.get(storage_id)

    def derived(self, model: str, name: str) -> bool:
        """Tell whether a model's map knows the name as one that is computed from others."""
        sharing = self.maps.get(model)
        return sharing is not None and name in sharing.derived

    def tensor_told_of(self, model: str, text: str) -> str | None:
        """Give the tensor name that a text is, or begins with before a separator (`lm_head.weight/norm`); else None."""
        sharing = self.maps.get(model)
        if sharing is None:
            return None
        names, derived = self._by_name[model], sharing.derived
        ends = [len(text), *(at for at in range(len(text) - 1, 0, -1) if text[at] in _SEPARATORS)]
        return next((text[:end] for end in ends if text[:end] in names or text[:end] in derived), None)

    def reach(self, storage: Storage, name: str) -> str | None:
        """Tell how a write to a storage reaches a name: `alias`, `overlap` or `derived`; None if it does not."""
        for each in self.maps[storage.model].affected(storage.key):
            if each.name == name:
                return "alias" if each.relation == "primary" else each.relation
        return None

    def storages(self, model: str) -> Iterator[Storage]:
        """Yield a model's storages now, in key order."""
        yield from self.current.get(model, {}).values()

    def tied(self, model: str) -> tuple[Storage, ...]:
        """Give a model's storages that have several names, in key order."""
        return self._tied.get(model, ())

    def take_over(self, other: StorageRegistry) -> None:
        """Become another registry: whoever holds this one holds that from now on."""
        for name in ("maps", "current", "next_id", "_by_id", "_by_name", "_tied", "_state"):
            setattr(self, name, getattr(other, name))

    def to_state(self) -> dict[str, Any]:
        """Give the registry as plain data, not to be changed; `from_state` gives it back equal."""
        if self._state is None:
            self._state = {
                "next_id": self.next_id,
                "models": {
                    model: {
                        "map": self.maps[model].to_json(),
                        "storages": [
                            [s.storage_id, s.key, list(s.names), s.key_since, dict(s.names_since)]
                            for s in storages.values()
                        ],
                    }
                    for model, storages in self.current.items()
                },
            }
        return self._state

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> StorageRegistry:
        """Rebuild a registry from `to_state`."""
        registry = cls(next_id=state["next_id"])
        for model, stored in state["models"].items():
            storages = {
                key: Storage(storage_id, model, key, tuple(names), key_since, names_since)
                for storage_id, key, names, key_since, names_since in stored["storages"]
            }
            registry._adopt(model, SharingMap.from_json(stored["map"]), storages)
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
