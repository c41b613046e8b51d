"""Statistics read off layers: which of them change together, and which names are one tensor that no map ties."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from memory.inference.innovations import Innovations
from memory.inference.pair_grid import PairGrid
from memory.projections.knowledge.cycles import MOST_STORAGES
from memory.projections.knowledge.entities import Entities
from memory.projections.knowledge.families import Families
from memory.projections.knowledge.grid_panels import PairPanel
from memory.projections.knowledge.kept import Kept, head_of, under, with_head
from memory.projections.knowledge.panel import About, FamilyKey, Panel, Touched

BLOCK = 16
"""Readings that settle together."""
IDENTICAL = 8
"""Readings that must change, and be the same bit for bit, until two names are taken for one tensor."""


@dataclass(slots=True)
class _Twins:
    """Names whose readings of one statistic were always the same, and how often they changed together."""

    suspected: dict[tuple[str, str], int] = field(default_factory=dict)
    last: dict[str, float] = field(default_factory=dict)
    changes: dict[str, int] = field(default_factory=dict)
    """Changed readings of names that no map knows."""


@dataclass(frozen=True, slots=True)
class Twin:
    """Two names that turned out to be one tensor, or (no other) a name that turned out to be one of its own."""

    name: str
    other: str | None
    readings: int


class Readings(Kept):
    """One statistic of one model's storages: their innovations, and every pair of them.

    Args:
        model: The model.
        statistic: The statistic.
        entities: What names stand for.
        families: Where the family of its pairs is kept.
    """

    def __init__(self, model: str, statistic: str, entities: Entities, families: Families) -> None:
        self.model = model
        self.statistic = statistic
        self._entities = entities
        self._families = families
        self._numbers: dict[int, int] = {}
        self._left_out: dict[int, None] = {}
        self._innovations = Innovations()
        self._panel: PairPanel | None = None
        self._broken: dict[int, None] = {}
        """Entities written since the last reading: what they show next is their own write."""
        self._all_broken = False
        self._readings = 0
        self._since = 0
        self._last: dict[str, float] = {}
        self._twins = _Twins()

    # Events

    def write(self, entity: int) -> None:
        """Take note that an entity was written."""
        if entity not in self._broken:
            self._broken[entity] = None
            self.changed()

    def disturbance(self) -> None:
        """Take note that anything may have been written."""
        if not self._all_broken:
            self._all_broken = True
            self.changed()

    def repeats(self, values: Mapping[str, float]) -> bool:
        """Say whether a reading is the last one read again: the same numbers, and nothing written since."""
        last = self._last
        if self._broken or self._all_broken:
            return False
        return values.keys() == last.keys() and all(_alike(value, last[name]) for name, value in values.items())

    def twins(self, values: Mapping[str, float], unknown: list[str]) -> list[Twin]:
        """Find names whose readings are bit for bit the same each time they change.

        Args:
            values: The reading, by name.
            unknown: Those of its names that no map knows, and that are still in quarantine.
        """
        twins, found = self._twins, []
        changed = {name for name, value in values.items() if name in twins.last and twins.last[name] != value}
        self._suspect(values, twins)
        for pair, count in list(twins.suspected.items()):
            one, other = pair
            if one not in values or other not in values:
                continue
            if values[one] != values[other]:
                del twins.suspected[pair]
            elif one in changed:
                twins.suspected[pair] = count + 1
                if count + 1 == IDENTICAL:
                    found.append(Twin(one, other, IDENTICAL))
        for name in unknown:
            twins.changes[name] = twins.changes.get(name, 0) + (name in changed)
            alone = not any(name in pair for pair in twins.suspected)
            if alone and twins.changes[name] >= IDENTICAL:
                found.append(Twin(name, None, twins.changes[name]))
        twins.last.update(values)
        return found

    def _suspect(self, values: Mapping[str, float], twins: _Twins) -> None:
        """Suspect every two names of one value, at the first reading of one of them."""
        fresh = [name for name in values if name not in twins.last]
        if not fresh:
            return
        by_value: dict[float, list[str]] = {}
        for name, value in values.items():
            by_value.setdefault(value, []).append(name)
        for name in fresh:
            for other in by_value[values[name]]:
                if other != name and (name, other) not in twins.suspected and (other, name) not in twins.suspected:
                    twins.suspected[min(name, other), max(name, other)] = 0

    def read(self, position: int, values: Mapping[str, float]) -> Touched:
        """Take one reading; give what it settled.

        Args:
            position: The event.
            values: By name. Where names of one entity disagree they cannot all be right, and it was not read.
        """
        self.changed()
        self._last = dict(values)
        by_entity: dict[int, float] = {}
        torn: set[int] = set()
        for name, value in values.items():
            entity = self._entities.find(self.model, name)
            if entity is not None and not _alike(by_entity.setdefault(entity, value), value):
                torn.add(entity)
        for entity in torn:
            del by_entity[entity]
        read = [(number, each, by_entity[each]) for each in by_entity if (number := self._number(each)) is not None]
        if not read:
            return []
        numbers, read_of, found = zip(*read, strict=True)
        index = np.array(numbers, dtype=np.int64)
        panel = self._grown(position)
        broken = np.array([self._all_broken or entity in self._broken for entity in read_of])
        step = self._innovations.update(index, np.array(found), None, broken)
        self._broken, self._all_broken = {each: None for each in self._broken if each not in by_entity}, False
        u, present = np.zeros(len(self._numbers)), np.zeros(len(self._numbers), dtype=np.bool_)
        u[index], present[index] = step.u, step.known
        panel.grid.update(u, present)
        panel.changed()
        self._since = self._since or position
        self._readings += 1
        if self._readings % BLOCK:
            return []
        since, self._since = self._since, 0
        return [(panel, panel.settle(position, since))]

    # Numbers

    def _number(self, entity: int) -> int | None:
        found = self._numbers.get(entity)
        if found is None:
            if len(self._numbers) >= MOST_STORAGES:
                self._left_out[entity] = None
                return None
            found = self._numbers[entity] = len(self._numbers)
        return found

    def _entity(self, number: int) -> int:
        return list(self._numbers)[number]

    def _grown(self, position: int) -> PairPanel:
        """Give the panel with room for every entity there is; those of the first reading are early."""
        count = len(self._numbers)
        panel = self._panel
        if panel is None:
            key = FamilyKey(self.model, "cochange", self.statistic)
            self._families.settle(key, position, max(1, count * (count - 1) // 2))
            panel = self._panel = self._made(PairGrid())
        if count > panel.grid.entities:
            known = panel.slots
            self._innovations.grow(count)
            panel.grow(count)
            self._rest_related(panel, known)
            panel.family(0).left_out = len(self._left_out)
        return panel

    def _made(self, grid: PairGrid) -> PairPanel:
        family = self._families.settled(FamilyKey(self.model, "cochange", self.statistic))
        name = f"cochange {self.model} {self.statistic}"
        panel = PairPanel(name, family, grid, self._asked, self._about)
        panel.keeper = self
        return panel

    def _rest_related(self, panel: PairPanel, known: int) -> None:
        """Let pairs rest whose ends share bytes: what they show together is architecture."""
        related = self._entities.related(self.model)
        for entity, others in related.items():
            one = self._numbers.get(entity)
            for other in (self._numbers.get(each) for each in others):
                if one is not None and other is not None and (slot := panel.slot(one, other)) >= known:
                    panel.log_weight[slot] = -np.inf

    def _asked(self, first: int, second: int) -> list[Any]:
        return sorted([self._entity(first), self._entity(second)])

    def _about(self, first: int, second: int) -> About:
        one_id, other_id = sorted((self._entity(first), self._entity(second)))
        one, names = self._entities.named(one_id)
        return About(one, self._entities.named(other_id)[0], names, one_id, other_id)

    # Panels

    def panels(self) -> list[PairPanel]:
        """Give the panel, if there is one yet."""
        return [] if self._panel is None else [self._panel]

    def sharing_changed(self) -> list[tuple[Panel, list[int]]]:
        """Give the questions about pairs that share bytes now."""
        panel = self._panel
        if panel is None:
            return []
        related = self._entities.related(self.model)
        slots = {
            panel.slot(self._numbers[one], self._numbers[other])
            for one, others in related.items()
            for other in others
            if one in self._numbers and other in self._numbers
        }
        return [(panel, sorted(slots))] if slots else []

    def end(self, entity: int) -> list[tuple[Panel, list[int]]]:
        """Take note that an entity is no more; give the questions about it."""
        number = self._numbers.get(entity)
        if number is None or self._panel is None or number >= self._panel.grid.entities:
            return []
        return [(self._panel, self._panel.of_entity(number))]

    # State

    def _packed(self) -> bytes:
        twins = self._twins
        last, twins_last = _floats(self._last), _floats(twins.last)
        head = {
            "statistic": self.statistic,
            "numbers": list(self._numbers),
            "left_out": list(self._left_out),
            "broken": list(self._broken),
            "counts": [self._all_broken, self._readings, self._since],
            "last": last,
            "suspected": [[*pair, count] for pair, count in twins.suspected.items()],
            "twins_last": twins_last if twins_last != last else None,
            "changes": twins.changes,
            "panel": self._panel is not None,
        }
        arrays = {f"innovations {name}": array for name, array in self._innovations.to_arrays().items()}
        if self._panel is not None:
            arrays |= {f"panel {name}": array for name, array in self._panel.to_arrays().items()}
        return with_head(head, arrays)

    @classmethod
    def unpacked(cls, model: str, stored: bytes, entities: Entities, families: Families) -> Readings:
        """Rebuild from the stored form; the families are there already."""
        head, arrays = head_of(stored)
        readings = cls(model, head["statistic"], entities, families)
        readings._numbers = {entity: at for at, entity in enumerate(head["numbers"])}
        readings._left_out, readings._broken = dict.fromkeys(head["left_out"]), dict.fromkeys(head["broken"])
        readings._all_broken, readings._readings, readings._since = head["counts"]
        readings._last = _parsed(head["last"])
        twins_last = readings._last if head["twins_last"] is None else _parsed(head["twins_last"])
        suspected = {(one, other): count for one, other, count in head["suspected"]}
        readings._twins = _Twins(suspected, dict(twins_last), head["changes"])
        readings._innovations = Innovations.from_arrays(under(arrays, "innovations "))
        if head["panel"]:
            readings._panel = readings._made(PairGrid())
            readings._panel.load(under(arrays, "panel "))
        readings._stored = stored
        return readings


def _alike(one: float, other: float) -> bool:
    """Say whether two readings are the same; what is no number is the same as what is no number."""
    return one == other or (one != one and other != other)


def _floats(values: Mapping[str, float]) -> list[list[Any]]:
    return [[name, value.hex()] for name, value in values.items()]


def _parsed(stored: list[list[Any]]) -> dict[str, float]:
    return {name: float.fromhex(value) for name, value in stored}
