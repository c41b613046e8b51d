"""Effects and impacts: what the writes to every storage, done in every way, do to every metric."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson

from memory.inference.effects import PairedProcess
from memory.inference.packed import pack
from memory.inference.paired import Bets, PairedBlock
from memory.inference.scale_rows import Floats, Index
from memory.projections.knowledge.entities import Entities
from memory.projections.knowledge.families import Families, HypothesisFamily
from memory.projections.knowledge.kept import head_of, with_head
from memory.projections.knowledge.metrics import MetricBook
from memory.projections.knowledge.panel import About, FamilyKey, Measure, Panel, Telling
from memory.projections.knowledge.ways import MOVES, Way
from memory.projections.registry import StorageRegistry

_PORTION = 64
"""Rows that are stored together: an outcome touches few of these portions."""


@dataclass(frozen=True, slots=True)
class _Row:
    """What one hypothesis asks."""

    family: HypothesisFamily
    part: str
    storage_id: int
    metric: str


class WritePanel(Panel):
    """Every hypothesis about what writes to a model do: a row per way of writing, storage, metric and part.

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
        super().__init__(f"writes {model}", model)
        self.mixed = False
        """Whether acts have been met of several writes, or without a baseline: even parts are then estimated too."""
        self.block = PairedBlock()
        self._registry = registry
        self._entities = entities
        self._metrics = metrics
        self._families = families
        self._ways: dict[Way, int] = {}
        self._asks: list[_Row] = []
        self._first: dict[tuple[Way, int], dict[str, int]] = {}
        """(way, storage) to metric to its first row; the rows of its other parts follow."""
        self._found: dict[tuple[Way, int, tuple[str, ...], tuple[str, ...]], Index] = {}
        self._portions: dict[int, bytes] = {}
        self._head: bytes | None = None

    # Rows

    def rows(self, way: Way, storage_id: int, metrics: tuple[str, ...], parts: tuple[str, ...], position: int) -> Index:
        """Give the rows of metrics, part by part; those not met before are registered.

        Args:
            way: How the storage was written.
            storage_id: The storage.
            metrics: The metrics.
            parts: Some of the way's parts.
            position: The outcome: families settle at their first.
        """
        found = self._found.get((way, storage_id, metrics, parts))
        if found is None:
            of_metric = self._first.setdefault((way, storage_id), {})
            for metric in metrics:
                if metric not in of_metric:
                    self._register(way, storage_id, metric, position)
            first = np.array([of_metric[metric] for metric in metrics], dtype=np.int64)
            found = np.concatenate([first + way.parts.index(part) for part in parts])
            self._found[way, storage_id, metrics, parts] = found
        return found

    def _register(self, way: Way, storage_id: int, metric: str, position: int) -> None:
        self._ways.setdefault(way, len(self._ways))
        first = self._first[way, storage_id][metric] = self.slots
        moves = way.parts == (MOVES,)
        smallest = 0.0 if moves else self._metrics.smallest_effect(self.model, metric)
        self.block.add(np.full(len(way.parts), smallest), one_sided=moves)
        self.room(first + len(way.parts))
        for offset, part in enumerate(way.parts):
            family = self._family(way.family(part), position)
            self.log_weight[first + offset] = family.log_weight(storage_id, metric)
            self._asks.append(_Row(family, part, storage_id, metric))
        self._head = None

    def _family(self, key: FamilyKey, position: int) -> HypothesisFamily:
        """Give a family, settling it now over every storage and metric there is if it is new."""
        family = self._families.get(key)
        if family is None:
            storages = [storage.storage_id for storage in self._registry.storages(self.model)]
            metrics, left_out = self._metrics.known(self.model), self._metrics.left_out(self.model)
            early = len(storages) * len(metrics)
            family = self._families.settle(key, position, early, (storages, metrics), left_out)
        if self not in family.panels:
            family.panels.append(self)
        return family

    def update(self, bets: Bets) -> None:
        """Bet on outcomes."""
        self.block.update(bets)
        for row in bets.index.tolist():
            self._asks[row].family.outcomes += 1
            self._portions.pop(row // _PORTION, None)

    def process(self, slot: int) -> PairedProcess:
        """Give one hypothesis' statistics."""
        return PairedProcess.of(self.block, slot)

    def changed(self) -> None:
        """Take note that weights or epochs of unknown rows are out of date."""
        self._portions.clear()

    def renew(self, slot: int) -> None:
        """Ask a question anew."""
        kept = self._portions
        self._portions = {}
        super().renew(slot)
        self._portions = kept
        self._portions.pop(slot // _PORTION, None)

    def wake(self, slots: Sequence[int]) -> None:
        """Ask anew what rests about storages that are there: each question is registered as one that came late."""
        for slot in slots:
            asks = self._asks[slot]
            is_there = bool(self._entities.named(asks.storage_id)[0])
            if self.log_weight[slot] == -math.inf and is_there and self._entities.stands(asks.storage_id):
                self.renew(slot)
                self.log_weight[slot] = asks.family.late_log_weight()

    # What a panel says

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
        return self._asks[slot].family

    def part(self, slot: int) -> str:
        """Give which part of an outcome a hypothesis is about."""
        return self._asks[slot].part

    def asked(self, slot: int) -> list[Any]:
        """Give storage and metric."""
        return [self._asks[slot].storage_id, self._asks[slot].metric]

    def about(self, slot: int) -> About:
        """Say which storage, by its key now, and which metric."""
        asks = self._asks[slot]
        key, names = self._entities.named(asks.storage_id)
        return About(key, asks.metric, names, asks.storage_id)

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
        """Give estimates, standard errors and counts of a family's hypotheses."""
        rows = [row for row, asks in enumerate(self._asks) if asks.family is family]
        return self.block.summary(np.array(rows, dtype=np.int64))

    def telling(self, slot: int) -> list[Telling]:
        """Give the outcomes that moved the evidence most, oldest first."""
        where, what = self.block.telling[slot].tolist(), self.block.told[slot].tolist()
        found = [
            Telling(position, write, baseline, outcome, factor)
            for (position, write, baseline), (outcome, factor) in zip(where, what, strict=True)
            if position
        ]
        return sorted(found, key=lambda each: each.position)

    def of_metric(self, metric: str) -> list[int]:
        """Give the slots about a metric."""
        return [slot for slot, asks in enumerate(self._asks) if asks.metric == metric]

    def of_storage(self, storage_id: int) -> list[int]:
        """Give the slots about a storage."""
        return [slot for slot, asks in enumerate(self._asks) if asks.storage_id == storage_id]

    def _renew(self, slot: int) -> None:
        moves = self.part(slot) == MOVES
        smallest = 0.0 if moves else self._metrics.smallest_effect(self.model, self._asks[slot].metric)
        self.block.renew(slot, smallest)

    # State

    def _compared(self) -> bytes:
        own = {"log_weight": self.log_weight, "epoch": self.epoch}
        return self._described() + pack(self.block.to_arrays() | own)

    def _described(self) -> bytes:
        if self._head is None:
            ways = [[way.method, way.level, way.grade, list(way.parts)] for way in self._ways]
            groups = [[self._ways[way], storage_id, list(of)] for (way, storage_id), of in self._first.items()]
            order = [
                [self._ways[way], storage_id, first]
                for (way, storage_id), of in self._first.items()
                for first in of.values()
            ]
            self._head = orjson.dumps([ways, groups, [first for _, _, first in order]])
        return self._head

    def parts(self) -> Iterator[tuple[list[str], bytes]]:
        """Yield the stored form, portion by portion."""
        yield ["rows"], self._described()
        yield ["mixed"], b"mixed" if self.mixed else b""
        for portion in range(-(-self.slots // _PORTION)):
            stored = self._portions.get(portion)
            if stored is None:
                first, last = portion * _PORTION, min(self.slots, (portion + 1) * _PORTION)
                own = {name: getattr(self, name)[first:last] for name in ("log_weight", "epoch", "amended")}
                stored = self._portions[portion] = with_head([], self.block.to_arrays(first, last) | own)
            yield ["rows", str(portion)], stored

    def load(self, described: bytes, mixed: bytes, portions: Sequence[bytes]) -> None:
        """Go on from the stored form; the families are there already."""
        ways, groups, firsts = orjson.loads(described)
        known = [Way(self.model, method, level, grade, tuple(parts)) for method, level, grade, parts in ways]
        self._ways = {way: at for at, way in enumerate(known)}
        self.mixed = bool(mixed)
        places = iter(firsts)
        found: list[tuple[int, Way, int, str]] = []
        for way_number, storage_id, metrics in groups:
            way = known[way_number]
            self._first[way, storage_id] = {metric: next(places) for metric in metrics}
            found += [(first, way, storage_id, metric) for metric, first in self._first[way, storage_id].items()]
        for _, way, storage_id, metric in sorted(found, key=lambda each: each[0]):
            for part in way.parts:
                self._asks.append(_Row(self._family(way.family(part), 0), part, storage_id, metric))
        self.room(len(self._asks))
        for number, stored in enumerate(portions):
            _, arrays = head_of(stored)
            rows = slice(number * _PORTION, number * _PORTION + len(arrays["epoch"]))
            for name in ("log_weight", "epoch", "amended"):
                getattr(self, name)[rows] = arrays.pop(name)
            self.block.append(arrays)
            self._portions[number] = stored
        self._head = described
