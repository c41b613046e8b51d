"""The rhythm of an agent: which storages are written together, what follows what, and what follows a high metric.

A cycle is one act; outside of acts, one write or one evaluation, and what was noticed before the next. Blocks of cycles
settle together.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from memory.inference.block_bets import Excluded, Settled
from memory.inference.comodification_grid import ComodificationGrid
from memory.inference.scale_rows import Index
from memory.inference.sequences import SequenceGrid
from memory.inference.thresholds import ThresholdGrid
from memory.projections.knowledge.entities import Entities
from memory.projections.knowledge.families import Families
from memory.projections.knowledge.grid_panels import TablePanel
from memory.projections.knowledge.kept import Kept, head_of, under, with_head
from memory.projections.knowledge.metrics import MOST_METRICS, MetricBook
from memory.projections.knowledge.panel import About, FamilyKey, Panel, Touched, Why
from memory.projections.registry import StorageRegistry

MOST_STORAGES = 512
"""Storages of a model that pairs are asked about: those that were there first. Pairs grow with the square."""
MOST_CATEGORIES = 64
"""Categories of observations that are asked about: those seen first."""


class ComodificationPanel(TablePanel):
    """Pairs of storages written in the same acts."""

    def gate(self, slot: int) -> Why | None:
        """Say whether a pair was never once written apart: then it may well be one tensor that no map knows of."""
        table = self.table
        if not isinstance(table, ComodificationGrid) or not table.always_together()[slot]:
            return None
        about = self.about(slot)
        joint = int(table.joint[slot])
        words = f"{about.subject} and {about.object} were never written apart, in {joint} acts"
        return "functional_dependence", words, "log_e_value", float(self.log_e[slot])


class Cycles(Kept):
    """The cycles of one model, and what is asked of them."""

    def __init__(
        self, model: str, registry: StorageRegistry, entities: Entities, metrics: MetricBook, families: Families
    ) -> None:
        self.model = model
        self._registry = registry
        self._entities = entities
        self._metrics = metrics
        self._families = families
        self._storages: dict[int, int] = {}
        """Entity to its number in the grids, for the first so many that were written."""
        self._actors: dict[tuple[str, Any], int] = {}
        """What sequences are made of to its number: ("write", entity) or ("kind", category)."""
        self._categories: dict[str, int] = {}
        self._unheard: dict[str, dict[str, None]] = {"sequence": {}, "threshold": {}}
        """Categories that there is no room for, by kind."""
        self._together = ComodificationGrid()
        self._sequences = SequenceGrid()
        self._thresholds = ThresholdGrid()
        self._panels: dict[str, TablePanel] = {}
        self._act: str | None = None
        self._open = False
        self._evaluated = False
        self._written: dict[int, None] = {}
        self._noticed: dict[str, None] = {}
        self._values: dict[int, float] = {}
        self._since = {"comodification": 0, "sequence": 0, "threshold": 0}
        """The first event of the block under way, by kind."""

    # Events

    def write(self, position: int, act_id: str | None, entity: int | None) -> Touched:
        """Take a write: of an entity, or (None) one that is no evidence about any; give what settled before it."""
        touched = self._step(position, act_id, begins=act_id is None)
        if entity is not None:
            self._written[entity] = None
        return touched

    def evaluation(self, position: int, act_id: str | None, values: Mapping[int, float]) -> Touched:
        """Take an evaluation, by number of the metrics."""
        touched = self._step(position, act_id, begins=act_id is None and (self._act is not None or self._evaluated))
        self._evaluated = True
        self._values.update(values)
        return touched

    def observation(self, position: int, act_id: str | None, category: str) -> Touched:
        """Take what was noticed: it belongs to the cycle under way."""
        touched = self._step(position, act_id, begins=False) if act_id is not None else []
        self.changed()
        self._open = True
        self._noticed[category] = None
        return touched

    def _step(self, position: int, act_id: str | None, *, begins: bool) -> Touched:
        self.changed()
        if not begins and (act_id is None or act_id == self._act):
            self._open = True
            return []
        touched = self._close(position) if self._open else []
        self._act, self._open, self._evaluated = act_id, True, False
        self._written, self._noticed, self._values = {}, {}, {}
        return touched

    # Ends of cycles

    def _close(self, position: int) -> Touched:
        """Enter the cycle under way into every grid; give what it settled."""
        touched: Touched = []
        if not self._storages:
            # All at once, whether written or not: who takes part must not depend on what is done.
            there = [storage.storage_id for storage in self._registry.storages(self.model)][:MOST_STORAGES]
            for entity in sorted({self._entities.canonical(each) for each in there}):
                self._storage(entity, wait=False)
                self._actor(("write", entity), wait=False)
        written = [number for each in self._written if (number := self._storage(each)) is not None]
        if written:
            self._begin("comodification", position)
            settled = self._together.act(written, self._excluding("comodification"))
            if settled is not None:
                self._settle("comodification", settled, position, touched)
        actors = [("write", each) for each in self._written] + [("kind", each) for each in self._noticed]
        present = [number for each in actors if (number := self._actor(each)) is not None]
        self._begin("sequence", position)
        settled = self._sequences.cycle(present, self._excluding("sequence"))
        if settled is not None:
            self._settle("sequence", settled, position, touched)
        if self._categories or self._noticed:
            noticed = [number for each in self._noticed if (number := self._category(each)) is not None]
            self._begin("threshold", position)
            missing = self._metric_count() - self._thresholds_metrics
            if missing > 0:
                self._thresholds.grow(metrics=missing)
            settled = self._thresholds.cycle(self._values, noticed)
            if settled is not None:
                self._settle("threshold", settled, position, touched)
        return touched

    def _begin(self, kind: str, position: int) -> None:
        self._since[kind] = self._since[kind] or position

    def _settle(self, kind: str, settled: Settled, position: int, touched: Touched) -> None:
        panel = self._panel(kind, position)
        panel.family(0).left_out = self._left_out(kind)
        touched.append((panel, panel.settled(settled, position, self._since[kind])))
        self._since[kind] = 0

    def _excluding(self, kind: str) -> Excluded | None:
        """Give what says of pairs of numbers that their ends share bytes; None where no two do."""
        if not self._entities.related(self.model):
            return None
        written = [which if what == "write" else 0 for what, which in self._actors]
        entities = list(self._storages) if kind == "comodification" else written

        def excluded(firsts: Index, seconds: Index) -> NDArray[np.bool_]:
            one, other = [entities[at] for at in firsts.tolist()], [entities[at] for at in seconds.tolist()]
            return self._entities.are_related(self.model, one, other)

        return excluded

    # Numbers

    def _storage(self, entity: int, *, wait: bool = True) -> int | None:
        found = self._storages.get(entity)
        if found is None and len(self._storages) < MOST_STORAGES:
            found = self._storages[entity] = len(self._storages)
            self._together.grow(1, wait)
        return found

    def _actor(self, actor: tuple[str, Any], *, wait: bool = True) -> int | None:
        found = self._actors.get(actor)
        if found is None and len(self._actors) < MOST_STORAGES + MOST_CATEGORIES:
            found = self._actors[actor] = len(self._actors)
            self._sequences.grow(1, wait)
        elif found is None and actor[0] == "kind":
            self._unheard["sequence"][actor[1]] = None
        return found

    def _category(self, category: str) -> int | None:
        found = self._categories.get(category)
        if found is None and len(self._categories) < MOST_CATEGORIES:
            found = self._categories[category] = len(self._categories)
            self._thresholds.grow(categories=1, wait=True)
        elif found is None:
            self._unheard["threshold"][category] = None
        return found

    @property
    def _thresholds_metrics(self) -> int:
        return len(self._thresholds.skipped)

    def _metric_count(self) -> int:
        return min(MOST_METRICS, len(self._metrics.names(self.model)))

    # Panels

    def _panel(self, kind: str, position: int) -> TablePanel:
        panel = self._panels.get(kind)
        if panel is None:
            key = FamilyKey(self.model, kind)
            family = self._families.settle(key, position, self._early(kind), left_out=self._left_out(kind))
            table, asked, about = {
                "comodification": (self._together, self._asked_together, self._about_together),
                "sequence": (self._sequences, self._asked_sequence, self._about_sequence),
                "threshold": (self._thresholds, self._asked_threshold, self._about_threshold),
            }[kind]
            made = ComodificationPanel if kind == "comodification" else TablePanel
            name = f"{kind} {self.model}"
            panel = self._panels[kind] = made(name, family, table, asked, about)
            panel.keeper = self
        return panel

    def _early(self, kind: str) -> int:
        """Count the hypotheses there are at a first settlement: over every storage there is, not those written."""
        storages = min(MOST_STORAGES, sum(1 for _ in self._registry.storages(self.model)))
        categories = max(1, len(self._categories))
        if kind == "comodification":
            return max(1, storages * (storages - 1) // 2)
        if kind == "sequence":
            actors = max(2, storages + len(self._categories), len(self._actors))
            return actors * (actors - 1)
        return max(1, self._metric_count()) * categories

    def _left_out(self, kind: str) -> int:
        unheard = len(self._unheard.get(kind, ()))
        if kind == "threshold":
            return self._metrics.left_out(self.model) + unheard
        return max(0, sum(1 for _ in self._registry.storages(self.model)) - MOST_STORAGES) + unheard

    def _asked_together(self, first: int, second: int) -> list[Any]:
        storages = list(self._storages)
        return sorted([storages[first], storages[second]])

    def _about_together(self, first: int, second: int) -> About:
        storages = list(self._storages)
        # By number, not by name: names of what has ended are gone, and rows must not turn round.
        first_id, second_id = sorted((storages[first], storages[second]))
        one, names = self._entities.named(first_id)
        return About(one, self._entities.named(second_id)[0], names, first_id, second_id)

    def _asked_sequence(self, first: int, second: int) -> list[Any]:
        actors = list(self._actors)
        return [list(actors[first]), list(actors[second])]

    def _about_sequence(self, first: int, second: int) -> About:
        actors = list(self._actors)
        (one, one_id), (other, other_id) = (self._named(actors[each]) for each in (first, second))
        return About(one, other, (one,), one_id, other_id)

    def _named(self, actor: tuple[str, Any]) -> tuple[str, int | None]:
        kind, which = actor
        return (f"write:{self._entities.named(which)[0]}", which) if kind == "write" else (f"kind:{which}", None)

    def _asked_threshold(self, metric: int, category: int) -> list[Any]:
        return [self._metrics.names(self.model)[metric], list(self._categories)[category]]

    def _about_threshold(self, metric: int, category: int) -> About:
        name = self._metrics.names(self.model)[metric]
        return About(name, f"kind:{list(self._categories)[category]}", (name,))

    def panels(self) -> list[TablePanel]:
        """Give the panels there are."""
        return list(self._panels.values())

    def end(self, entity: int) -> list[tuple[Panel, list[int]]]:
        """Take note that an entity is no more; give the questions about it."""
        self.changed()
        ended: list[tuple[Panel, list[int]]] = []
        at = self._storages.get(entity)
        if at is not None:
            self._together.end(at)
            if "comodification" in self._panels:
                ended.append((self._panels["comodification"], self._panels["comodification"].of_entity(at)))
        at = self._actors.get(("write", entity))
        if at is not None:
            self._sequences.end(at)
            if "sequence" in self._panels:
                ended.append((self._panels["sequence"], self._panels["sequence"].of_entity(at)))
        self._written.pop(entity, None)
        return ended

    def sharing_changed(self) -> list[tuple[Panel, list[int]]]:
        """Give the questions about pairs that share bytes now."""
        found: list[tuple[Panel, list[int]]] = []
        for kind, panel in self._panels.items():
            excluded = self._excluding(kind) if kind != "threshold" else None
            if excluded is not None:
                found.append((panel, np.flatnonzero(excluded(*panel.table.keys)).tolist()))
        return found

    def of_metric(self, number: int) -> list[tuple[Panel, list[int]]]:
        """Give the questions about a metric."""
        panel = self._panels.get("threshold")
        return [] if panel is None else [(panel, panel.of_entity(number, side=0))]

    # State

    def _packed(self) -> bytes:
        head = {
            "storages": list(self._storages),
            "actors": [list(actor) for actor in self._actors],
            "categories": list(self._categories),
            "unheard": {kind: list(categories) for kind, categories in self._unheard.items()},
            "panels": list(self._panels),
            "act": self._act,
            "open": [self._open, self._evaluated],
            "written": list(self._written),
            "noticed": list(self._noticed),
            "values": [[number, value] for number, value in self._values.items()],
            "since": self._since,
        }
        grids = {
            "together": self._together.to_arrays(),
            "sequences": self._sequences.to_arrays(),
            "thresholds": self._thresholds.to_arrays(),
        }
        arrays = {f"{name} {key}": array for name, grid in grids.items() for key, array in grid.items()}
        for kind, panel in self._panels.items():
            arrays |= {f"{kind} {key}": array for key, array in panel.to_arrays().items()}
        return with_head(head, arrays)

    def load(self, stored: bytes) -> None:
        """Go on from the stored form; the families are there already."""
        head, arrays = head_of(stored)
        self._storages = {entity: at for at, entity in enumerate(head["storages"])}
        self._actors = {(kind, which): at for at, (kind, which) in enumerate(head["actors"])}
        self._categories = {category: at for at, category in enumerate(head["categories"])}
        self._unheard = {kind: dict.fromkeys(categories) for kind, categories in head["unheard"].items()}
        self._act, (self._open, self._evaluated) = head["act"], head["open"]
        self._written, self._noticed = dict.fromkeys(head["written"]), dict.fromkeys(head["noticed"])
        self._values = {number: float("nan") if value is None else value for number, value in head["values"]}
        self._since = head["since"]
        self._together = ComodificationGrid.from_arrays(under(arrays, "together "))
        self._sequences = SequenceGrid.from_arrays(under(arrays, "sequences "))
        self._thresholds = ThresholdGrid.from_arrays(under(arrays, "thresholds "))
        for kind in head["panels"]:
            self._panel(kind, 0).load(under(arrays, f"{kind} "))
        self._stored = stored
