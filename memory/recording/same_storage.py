"""Which storages of a model that changed its sharing are still the same ones, and which ties nobody meant to undo."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from introspection.sharing import SharingMap


def kept_storages(
    old: dict[str, tuple[Any, ...]], new: dict[str, tuple[Any, ...]], before: SharingMap, after: SharingMap
) -> dict[str, str]:
    """Give new storage key to old storage key, for every storage that is still the same one.

    Live memory identity decides, unless no name stayed with the memory while the names it had live on elsewhere: freed
    addresses are used again. Where memory tells nothing (`.to`, `.cuda`), an old storage goes on in the part with its
    first name.
    """
    by_memory = {memory: key for key, memory in old.items()}
    kept = {
        key: source
        for key, memory in new.items()
        if (source := by_memory.get(memory)) is not None
        and (
            not set(before.storages[source]).isdisjoint(after.storages[key])
            or set(before.storages[source]).isdisjoint(after.names)
        )
    }
    taken = set(kept.values())
    for key in sorted(after.storages):
        if key in kept:
            continue
        candidates = [source for source in before.storages if source not in taken and source in after.storages[key]]
        if candidates:
            kept[key] = candidates[0]
            taken.add(candidates[0])
    return kept


def vanished_ties(
    untied: Iterable[frozenset[str]],
    memory_before: dict[str, tuple[Any, ...]],
    memory_now: dict[str, tuple[Any, ...]],
    before: SharingMap,
    after: SharingMap,
) -> list[frozenset[str]]:
    """Give the pairs that came apart while neither name stayed with its bytes.

    Whoever unties on purpose gives one name new bytes. Where both have new ones, the model was moved, cast, sharded or
    loaded by code that does not know of the tie.
    """

    def moved(name: str) -> bool:
        was = memory_before.get(before.storage_key(name))
        return name in after.names and was != memory_now.get(after.storage_key(name))

    return [pair for pair in untied if all(moved(name) for name in pair)]
