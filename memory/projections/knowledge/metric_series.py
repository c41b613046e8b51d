"""What metrics do by themselves: which move together, and which drift."""

from __future__ import annotations

from typing import Any

import numpy as np

from memory.inference.pair_grid import PairGrid
from memory.inference.scale_rows import Floats, Index
from memory.inference.trends import TrendGrid
from memory.projections.knowledge.families import Families
from memory.projections.knowledge.grid_panels import PairPanel, TablePanel
from memory.projections.knowledge.kept import Kept, head_of, under, with_head
from memory.projections.knowledge.metrics import MetricBook
from memory.projections.knowledge.panel import About, FamilyKey, Measure, Panel, Touched
from memory.projections.knowledge.series import Reading

BLOCK = 16
"""Evaluations that settle together."""


class MetricPanels(Kept):
    """The pairs and trends of one model's metrics, from evaluations of the model as it was.

    Args:
        model: The model.
        metrics: Which metrics there are.
        families: Where the families are kept.
    """

    def __init__(self, model: str, metrics: MetricBook, families: Families) -> None:
        self.model = model
        self._metrics = metrics
        self._families = families
        self._pairs: PairPanel | None = None
        self._trends: TablePanel | None = None
        self._drift = TrendGrid()
        self._evaluations = 0
        self._since = 0
        self._trend_since = 0

    def take(self, position: int, reading: Reading, values: Floats) -> Touched:
        """Take one evaluation; give what it settled.

        Args:
            position: The event.
            reading: What it said against its forecast.
            values: Its values.
        """
        self.changed()
        count = len(self._metrics.names(self.model)) if len(reading.index) else 0
        count = min(count, int(reading.index.max(initial=-1)) + 1)
        if not count:
            return []
        touched = self._trended(position, reading.index, values)
        panel = self._grown(position, count)
        if panel is not None:
            entities = panel.grid.entities
            u, present = np.zeros(entities), np.zeros(entities, dtype=np.bool_)
            u[reading.index], present[reading.index] = reading.u, reading.clean
            panel.grid.update(u, present)
            self._since = self._since or position
            self._evaluations += 1
            if self._evaluations % BLOCK == 0:
                since, self._since = self._since, 0
                touched.append((panel, panel.settle(position, since)))
        return touched

    def _grown(self, position: int, count: int) -> PairPanel | None:
        """Give the panel of pairs with room for every metric; those of the first evaluation with two are early."""
        if self._pairs is None:
            if count < 2:
                return None
            key = FamilyKey(self.model, "metric_pair")
            self._families.settle(key, position, count * (count - 1) // 2, left_out=self._metrics.left_out(self.model))
            self._pairs = self._made()
        if count > self._pairs.grid.entities:
            self._pairs.grow(count)
        return self._pairs

    def _made(self) -> PairPanel:
        family = self._families.settled(FamilyKey(self.model, "metric_pair"))
        panel = PairPanel(f"metric_pair {self.model}", family, PairGrid(), self._asked, self._about)
        panel.keeper = self
        return panel

    def _trended(self, position: int, index: Index, values: Floats) -> Touched:
        missing = int(index.max()) + 1 - len(self._drift.skipped)
        if missing > 0:
            self._drift.grow(missing)
        self._trend_since = self._trend_since or position
        touched: Touched = []
        for number, value in zip(index.tolist(), values.tolist(), strict=True):
            settled = self._drift.update(number, value)
            if settled is not None:
                panel = self._trend_panel(position)
                touched.append((panel, panel.settled(settled, position, self._trend_since)))
        if touched:
            self._trend_since = 0
        return touched

    def _trend_panel(self, position: int) -> TablePanel:
        if self._trends is None:
            key = FamilyKey(self.model, "trend")
            early = max(1, len(self._metrics.known(self.model)))
            family = self._families.settle(key, position, early, left_out=self._metrics.left_out(self.model))
            name = f"trend {self.model}"
            self._trends = TrendPanel(name, family, self._drift, self._asked, self._about)
            self._trends.keeper = self
        return self._trends

    def _name(self, number: int) -> str:
        return self._metrics.names(self.model)[number]

    def _asked(self, first: int, second: int) -> list[Any]:
        return sorted({self._name(first), self._name(second)})

    def _about(self, first: int, second: int) -> About:
        one, *rest = sorted({self._name(first), self._name(second)})
        return About(one, rest[0] if rest else "", (one,))

    def panels(self) -> list[Panel]:
        """Give the panels there are."""
        return [panel for panel in (self._pairs, self._trends) if panel is not None]

    def of_metric(self, number: int) -> list[tuple[Panel, list[int]]]:
        """Give the questions about a metric."""
        found: list[tuple[Panel, list[int]]] = []
        if self._pairs is not None:
            found.append((self._pairs, self._pairs.of_entity(number)))
        if self._trends is not None:
            found.append((self._trends, self._trends.of_entity(number)))
        return found

    def _packed(self) -> bytes:
        counts = [self._evaluations, self._since, self._trend_since]
        head = {"counts": counts, "pairs": self._pairs is not None, "trends": self._trends is not None}
        arrays = {f"drift {name}": array for name, array in self._drift.to_arrays().items()}
        if self._pairs is not None:
            arrays |= {f"pairs {name}": array for name, array in self._pairs.to_arrays().items()}
        if self._trends is not None:
            arrays |= {f"trends {name}": array for name, array in self._trends.to_arrays().items()}
        return with_head(head, arrays)

    def load(self, stored: bytes) -> None:
        """Go on from the stored form; the families are there already."""
        head, arrays = head_of(stored)
        self._evaluations, self._since, self._trend_since = head["counts"]
        self._drift = TrendGrid.from_arrays(under(arrays, "drift "))
        if head["pairs"]:
            self._pairs = self._made()
            self._pairs.load(under(arrays, "pairs "))
        if head["trends"]:
            panel = self._trend_panel(0)
            panel.load(under(arrays, "trends "))
        self._stored = stored


class TrendPanel(TablePanel):
    """Metrics that drift: their size is told in the metric's own units."""

    def measure(self, slot: int) -> Measure:
        """Give the mean change from one block to the one after next, in the metric's units."""
        measure = super().measure(slot)
        if not isinstance(self.table, TrendGrid) or not measure.support:
            return measure
        unit = float(self.table.mean_change[slot]) / measure.estimate if measure.estimate else 1.0
        if unit <= 0.0:
            return measure
        return Measure(measure.estimate * unit, measure.low * unit, measure.high * unit, measure.support)
