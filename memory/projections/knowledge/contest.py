"""Which hypotheses of one model are claimed now, and which have earned a belief: one budget, divided by e-BH."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from memory.inference.multiplicity import ALPHA, adjust, reject
from memory.inference.scale_rows import Index
from memory.projections.knowledge.panel import Panel

_MARGIN = 1e-9
"""Keeps rounding from leaving out what stands exactly at the bound."""

Near = tuple[str, int]
"""Panel name and slot."""


class Contest:
    """The hypotheses of one model, ranked by evidence times weight.

    To be rejected among m hypotheses, E·γ >= 1/(α·m) is needed at the least. What stands lower changes nothing about
    the others, so each decision looks only at those above, and is the same as one over all.
    """

    def __init__(self) -> None:
        self._panels: dict[str, Panel] = {}
        self._near: dict[Near, float] = {}
        self._room = 1
        self._count = 0
        self._sizes: dict[str, int] = {}

    def put(self, panel: Panel, index: Index) -> bool:
        """Take note that the evidence of some slots has changed; say whether any of them can matter.

        Args:
            panel: Their panel.
            index: The slots.
        """
        if self._sizes.get(panel.name) != panel.slots:
            self._count += panel.slots - self._sizes.get(panel.name, 0)
            self._sizes[panel.name] = panel.slots
            self._panels[panel.name] = panel
            if self._count > self._room:
                self._room = 2 * self._count
                for each in self._panels.values():
                    self._look(each, np.arange(each.slots))
                return True
        return self._look(panel, index)

    def _look(self, panel: Panel, index: Index) -> bool:
        standing = panel.log_e[index] + panel.log_weight[index]
        is_near = standing >= -math.log(ALPHA * self._room) - _MARGIN
        concerned = is_near | panel.near[index]
        if not concerned.any():
            return False
        panel.near[index] = is_near
        name = panel.name
        for at in np.flatnonzero(concerned).tolist():
            if is_near[at]:
                self._near[name, int(index[at])] = float(standing[at])
            else:
                self._near.pop((name, int(index[at])), None)
        return True

    def claimed(self) -> list[tuple[Panel, int]]:
        """Give every hypothesis that is claimed now, in no particular order."""
        ranked = sorted(self._near.items(), key=_by_standing)
        reached = 0
        for place, (_, standing) in enumerate(ranked, start=1):
            if standing + math.log(place) >= -math.log(ALPHA):
                reached = place
        return [(self._panels[name], slot) for (name, slot), _ in ranked[:reached]]

    def lasting(self, panel: Panel, slot: int) -> bool:
        """Say whether one is claimed on the best moment each has had, at the adjuster's price for choosing."""
        panels = list(self._panels.values())
        adjusted = adjust(np.concatenate([each.peak_log_e for each in panels]))
        weights = np.exp(np.concatenate([each.log_weight for each in panels]))
        first = 0
        for each in panels:
            if each is panel:
                return bool(reject(adjusted, weights)[first + slot])
            first += each.slots
        return False

    def __iter__(self) -> Iterator[Panel]:
        return iter(list(self._panels.values()))


def _by_standing(item: tuple[Near, float]) -> float:
    return -item[1]
