"""Effects and impacts: what the writes to one storage, done in one way, do to every metric."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson

from memory.inference.effects import PairedProcess
from memory.inference.packed import pack, unpack
from memory.inference.paired import PairedBlock
from memory.inference.scale_rows import Floats, Index
from memory.projections.knowledge.entities import Entities
from memory.projections.knowledge.families import Families, HypothesisFamily
from memory.projections.knowledge.metrics import MetricBook
from memory.projections.knowledge.panel import RANDOMISED, About, FamilyKey, Measure, Panel, Telling
from memory.projections.knowledge.windows import Write
from memory.projections.registry import StorageRegistry

EFFECT, IMPACT, MOVES = "effect", "impact", "moves"
"""Odd part, even part, and whether there is any: the last is told as an impact of direction 0."""


@dataclass(frozen=True, slots=True)
class Way:
    """One way of writing: outcomes of different ways are different series."""

    model: str
    method: str | None
    level: float | None
    grade: str
    parts: tuple[str, ...]

    def family(self, part: str) -> FamilyKey:
        """Give the key of the family of one part."""
        kind, aspect = (IMPACT, MOVES) if part == MOVES else (part, "")
        return FamilyKey(self.model, kind, self.method, self.level, self.grade, aspect)


class WritePanel(Panel):
    """Every hypothesis about one storage and one way of writing it: a row per metric and part.

    Args:
        way: How it is written.
        storage_id: The storage.
        surroundings: What hypotheses are registered in and named by.
    """

    def __init__(self, way: Way, storage_id: int, surroundings: WritePanels) -> None:
        super().__init__(_name(way, storage_id), way.model)
        self.way = way
        self.storage_id = storage_id
        self._around = surroundings
        self.block = PairedBlock(one_sided=way.parts == (MOVES,))
        self.metrics: dict[str, int] = {}
        """Metric to its first row."""
        self._rows: dict[tuple[tuple[str, ...], tuple[str, ...]], Index] = {}
        self._families = {part: surroundings.family(way.family(part)) for part in way.parts}

    def rows(self, metrics: tuple[str, ...], parts: tuple[str, ...], smallest_effect: Callable[[str], float]) -> Index:
        """Give the rows of metrics, part by part; those not met before are registered."""
        found = self._rows.get((metrics, parts))
        if found is None:
            for metric in metrics:
                if metric not in self.metrics:
                    self._register(metric, smallest_effect(metric))
            first = np.array([self.metrics[metric] for metric in metrics], dtype=np.int64)
            found = np.concatenate([first + self.way.parts.index(part) for part in parts])
            self._rows[metrics, parts] = found
        return found

    def _register(self, metric: str, smallest_effect: float) -> None:
        at = self.metrics[metric] = self.slots
        parts = self.way.parts
        self.block.add(np.full(len(parts), 0.0 if parts == (MOVES,) else smallest_effect))
        self.room(at + len(parts))
        for offset, part in enumerate(parts):
            self.log_weight[at + offset] = self._families[part].log_weight(self.storage_id, metric)

    def update(
        self, index: Index, signed: Floats, propensity: float, where: tuple[int, int, int], margin: Floats | None
    ) -> None:
        """Bet on one outcome of each row."""
        self.block.update(index, signed, propensity, where, margin)
        for offset, family in enumerate(self._families.values()):
            family.outcomes += int(np.count_nonzero(index % len(self.way.parts) == offset))
        self.changed()

    def process(self, slot: int) -> PairedProcess:
        """Give one hypothesis' statistics."""
        return PairedProcess.of(self.block, slot)

    def part(self, slot: int) -> str:
        """Give which part of an outcome a hypothesis is about."""
        return self.way.parts[slot % len(self.way.parts)]

    def metric(self, slot: int) -> str:
        """Give the metric of a hypothesis."""
        return list(self.metrics)[slot // len(self.way.parts)]

    @property
    def log_e(self) -> Floats:
        """Log e-value of every slot."""
        return self.block.log_e

    @property
    def peak_log_e(self) -> Floats:
        """Largest log e-value of every slot."""
        return self.block.peak_log_e

    def family(self, slot: int) -> HypothesisFamily:
        """Give the family of a hypothesis."""
        return self._families[self.part(slot)]

    def asked(self, slot: int) -> list[Any]:
        """Give storage and metric."""
        return [self.storage_id, self.metric(slot)]

    def about(self, slot: int) -> About:
        """Say which storage, by its key now, and which metric."""
        key, names = self._around.entities.named(self.storage_id)
        return About(key, self.metric(slot), names, self.storage_id)

    def direction(self, slot: int) -> int:
        """Give the side with more evidence; 0 for one that only moves."""
        return 0 if self.part(slot) == MOVES else self.process(slot).direction

    def measure(self, slot: int) -> Measure:
        """Give the effect per act at this dose, and its confidence sequence."""
        process = self.process(slot)
        if self.part(slot) == MOVES:
            share = process.positives / process.n if process.n else math.nan
            return Measure(share, math.nan, math.nan, process.n)
        return Measure(process.estimate, *process.interval(), process.n)

    def moments(self, slot: int) -> tuple[float, float, float]:
        """Give count, estimate and standard deviation of one outcome."""
        sequence = self.process(slot).sequence
        error = sequence.standard_error
        deviation = error * math.sqrt(sequence.n) if math.isfinite(error) else math.inf
        return float(sequence.n), sequence.estimate, deviation

    def summary(self, family: HypothesisFamily) -> tuple[Floats, Floats, Floats]:
        """Give estimates, standard errors and counts of one part's hypotheses."""
        part = next(part for part, each in self._families.items() if each is family)
        offset, step = self.way.parts.index(part), len(self.way.parts)
        estimates, errors, counts = self.block.summary()
        return estimates[offset::step], errors[offset::step], counts[offset::step]

    def telling(self, slot: int) -> list[Telling]:
        """Give the outcomes that moved the evidence most, oldest first."""
        found = [
            Telling(outcome, write, baseline, float(told[0]), float(told[1]))
            for (outcome, write, baseline), told in zip(
                self.block.telling[slot].tolist(), self.block.told[slot], strict=True
            )
            if outcome
        ]
        return sorted(found, key=lambda each: each.position)

    def _renew(self, slot: int) -> None:
        metric = self.metric(slot)
        smallest = 0.0 if self.way.parts == (MOVES,) else self._around.metrics.smallest_effect(self.model, metric)
        self.block.renew(slot, smallest)

    def _compared(self) -> bytes:
        return self._packed()

    def _packed(self) -> bytes:
        way = self.way
        head = [[way.method, way.level, way.grade, list(way.parts)], self.storage_id, list(self.metrics)]
        arrays = self.block.to_arrays() | {"log_weight": self.log_weight, "epoch": self.epoch, "amended": self.amended}
        described = orjson.dumps(head)
        return len(described).to_bytes(4, "little") + described + pack(arrays)

    @classmethod
    def unpacked(cls, model: str, stored: bytes, surroundings: WritePanels) -> WritePanel:
        """Rebuild from the stored form."""
        length = int.from_bytes(stored[:4], "little")
        (method, level, grade, parts), storage_id, metrics = orjson.loads(stored[4 : 4 + length])
        panel = cls(Way(model, method, level, grade, tuple(parts)), storage_id, surroundings)
        arrays = unpack(stored[4 + length :])
        panel.room(len(arrays["epoch"]))
        panel.log_weight, panel.epoch = arrays.pop("log_weight"), arrays.pop("epoch")
        panel.amended = arrays.pop("amended")
        panel.block = PairedBlock.from_arrays(arrays)
        panel.metrics = {metric: at * len(parts) for at, metric in enumerate(metrics)}
        panel._stored = stored
        return panel


class WritePanels:
    """The panels of every way of writing every storage of one model.

    Args:
        model: The model.
        registry: Which storages there are.
        entities: What they turned out to be.
        metrics: Which metrics there are.
        families: Where the families are kept.
    """

    def __init__(
        self, model: str, registry: StorageRegistry, entities: Entities, metrics: MetricBook, families: Families
    ) -> None:
        self.model = model
        self.registry = registry
        self.entities = entities
        self.metrics = metrics
        self._families = families
        self.mixed = False
        """Whether acts have been met of several writes, or without a baseline: even parts are then estimated too."""
        self._position = 0
        self._panels: dict[tuple[Way, int], WritePanel] = {}

    def panel(self, way: Way, storage_id: int, position: int) -> WritePanel:
        """Give the panel of a way and a storage; its families settle at the first."""
        panel = self._panels.get((way, storage_id))
        if panel is None:
            self._position = position
            panel = self._panels[way, storage_id] = WritePanel(way, storage_id, self)
            for family in panel._families.values():
                family.panels.append(panel)
        return panel

    def family(self, key: FamilyKey) -> HypothesisFamily:
        """Give a family, settling it now over every storage and metric there is if it is new."""
        family = self._families.get(key)
        if family is None:
            storages = [storage.storage_id for storage in self.registry.storages(self.model)]
            metrics, left_out = self.metrics.known(self.model), self.metrics.left_out(self.model)
            early = len(storages) * len(metrics)
            family = self._families.settle(key, self._position, early, (storages, metrics), left_out)
        return family

    def of_metric(self, metric: str) -> Iterator[tuple[WritePanel, list[int]]]:
        """Yield every panel with the slots about a metric."""
        for panel in list(self._panels.values()):
            first = panel.metrics.get(metric)
            if first is not None:
                yield panel, list(range(first, first + len(panel.way.parts)))

    def of_storage(self, storage_id: int) -> Iterator[WritePanel]:
        """Yield the panels of one storage."""
        for (_, each), panel in list(self._panels.items()):
            if each == storage_id:
                yield panel

    def __iter__(self) -> Iterator[WritePanel]:
        return iter(list(self._panels.values()))

    def load(self, stored: Sequence[bytes]) -> None:
        """Go on from the stored forms of the panels, in their order."""
        for each in stored:
            panel = WritePanel.unpacked(self.model, each, self)
            self._panels[panel.way, panel.storage_id] = panel
            for family in panel._families.values():
                family.panels.append(panel)


def way_of(model: str, write: Write, grade: str) -> Way:
    """Give the way of a write, and so the parts of its outcome that it can bear on.

    With a coin both parts are told apart. Without one they are confounded: a signed write then bears on `effect` only,
    an unsigned one on `impact` only.
    """
    if write.dose is None or write.fresh:
        parts: tuple[str, ...] = (IMPACT,)
    else:
        parts = (EFFECT, IMPACT) if grade == RANDOMISED else (EFFECT,)
    return Way(model, write.method, write.level, grade, parts)


def borne_on(way: Way, *, clean: bool) -> tuple[str, ...]:
    """Give the parts that an outcome bears on.

    What is compared with a forecast, or stripped of other writes' effects, no coin makes symmetric: where both parts
    could be told apart, the even one is then a matter of adjustment, and has a way of its own.
    """
    return way.parts if clean or len(way.parts) == 1 else (EFFECT,)


def _name(way: Way, storage_id: int) -> str:
    return orjson.dumps(["writes", way.model, way.method, way.level, way.grade, *way.parts, storage_id]).decode()
