"""How much of a model some of its storages are."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from memory.safety.surroundings import WatchedModel

if TYPE_CHECKING:
    from introspection.sharing import SharingMap


class ParameterCounts:
    """The number of parameters in each storage of each attached model, counted once per sharing map."""

    def __init__(self) -> None:
        self._counted: dict[str, tuple[SharingMap, dict[str, int]]] = {}

    def of(self, attached: WatchedModel) -> dict[str, int] | None:
        """Give the elements of each storage that is a parameter, by key; None where there is only a map.

        Tied names are one storage, so that each number in memory counts once. Buffers are no parameters.
        """
        module = attached.module
        if module is None:
            return None
        sharing = attached.sharing
        known = self._counted.get(attached.name)
        if known is not None and known[0] is sharing:
            return known[1]
        from torch.nn.parameter import is_lazy

        from introspection.names import named_tensors

        counts: dict[str, int] = {}
        names = set(sharing.names)
        for held in named_tensors(module):
            if held.kind == "parameter" and held.name in names and not is_lazy(held.tensor):
                counts.setdefault(sharing.storage_key(held.name), held.tensor.numel())
        self._counted[attached.name] = sharing, counts
        return counts

    def share(self, attached: WatchedModel, keys: Collection[str]) -> tuple[int | None, float | None]:
        """Give how many parameters some storages hold, and what share of the model's that is."""
        counts = self.of(attached)
        if counts is None:
            return None, None
        touched, total = sum(counts.get(key, 0) for key in set(keys)), sum(counts.values())
        return touched, touched / total if total else 0.0
