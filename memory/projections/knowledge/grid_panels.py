"""Panels of what is asked of pairs and series: co-changes, co-modifications, sequences, thresholds, trends."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from memory.inference.block_bets import BetTable, Settled
from memory.inference.intervals import ConfidenceSequence
from memory.inference.packed import pack
from memory.inference.pair_grid import PairGrid
from memory.inference.paired import TELLING
from memory.inference.scale_rows import Floats, Index, grown
from memory.projections.knowledge.families import HypothesisFamily
from memory.projections.knowledge.panel import About, Measure, Panel, Telling, Why

DEPENDENT = 0.999
"""Two series of which one explains this share of the other's variance are not two."""
_READINGS = 8
"""Readings it takes to say so."""

Naming = Callable[[int, int], About]
"""Give what a hypothesis about two entities (or one, twice) speaks of."""


class _Told:
    """The blocks that moved the evidence of each slot most."""

    def __init__(self) -> None:
        self.where: Index = np.zeros((0, TELLING, 2), dtype=np.int64)
        self.what: Floats = np.zeros((0, TELLING, 2))

    def note(self, slots: Index, d: Floats, factors: Floats, position: int, since: int) -> None:
        """Keep a block where it tells more than the least telling of those kept."""
        size = int(slots.max(initial=-1)) + 1
        self.where, self.what = grown(self.where, size), grown(self.what, size)
        kept = np.abs(self.what[slots, :, 1])
        least = kept.argmin(axis=1)
        more = np.abs(factors) > kept[np.arange(len(slots)), least]
        chosen, place = slots[more], least[more]
        self.where[chosen, place, 0], self.where[chosen, place, 1] = position, since
        self.what[chosen, place, 0], self.what[chosen, place, 1] = d[more], factors[more]

    def of(self, slot: int) -> list[Telling]:
        """Give what is kept of one slot, oldest first."""
        if slot >= len(self.where):
            return []
        found = [
            Telling(position, None, since, d, factor)
            for (position, since), (d, factor) in zip(self.where[slot].tolist(), self.what[slot].tolist(), strict=True)
            if position
        ]
        return sorted(found, key=lambda each: each.position)

    def clear(self, slot: int) -> None:
        if slot < len(self.where):
            self.where[slot], self.what[slot] = 0, 0.0


def _interval(n: float, total: float, squares: float) -> Measure:
    """Give the mean of a statistic and the confidence sequence for it."""
    sequence = ConfidenceSequence(int(n), 0.0, 1.0, n, n, total, total, squares)
    low, high = sequence.interval() if n else (-math.inf, math.inf)
    return Measure(total / n if n else math.nan, low, high, int(n))


class BlockPanel(Panel):
    """Hypotheses about two entities each, or one, all of one family, whose evidence settles block by block.

    Args:
        name: The panel's.
        family: Its one family.
        asked: What two entities are called in identities, by number: a storage id, a metric, a category.
        about: What to say of them.
    """

    def __init__(
        self, name: str, family: HypothesisFamily, asked: Callable[[int, int], list[Any]], about: Naming
    ) -> None:
        super().__init__(name, family.key.model)
        self._family = family
        self._asked = asked
        self._about = about
        self._told = _Told()
        family.panels.append(self)

    @abstractmethod
    def pair(self, slot: int) -> tuple[int, int]:
        """Give the entities of a slot; the same one twice where it has only one."""

    def family(self, slot: int) -> HypothesisFamily:
        """Give the family."""
        return self._family

    def asked(self, slot: int) -> list[Any]:
        """Give what the entities are called in identities."""
        return self._asked(*self.pair(slot))

    def about(self, slot: int) -> About:
        """Say what a hypothesis speaks of."""
        return self._about(*self.pair(slot))

    def telling(self, slot: int) -> list[Telling]:
        """Give the blocks that moved the evidence most."""
        return self._told.of(slot)

    def _renew(self, slot: int) -> None:
        self._told.clear(slot)

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Give everything of its own as arrays."""
        own = {
            "log_weight": self.log_weight,
            "epoch": self.epoch,
            "amended": self.amended,
            "dropped": np.array(list(self.dropped), dtype=np.int64),
            "dropped_weight": np.array(list(self.dropped.values())),
            "told_where": self._told.where,
            "told_what": self._told.what,
        }
        return {f"panel_{name}": array for name, array in own.items()}

    def load(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Go on from `to_arrays`."""
        self.log_weight, self.epoch = arrays["panel_log_weight"], arrays["panel_epoch"]
        self.amended = arrays["panel_amended"]
        self.near = np.zeros(self.slots, dtype=np.bool_)
        slots, weights = arrays["panel_dropped"].tolist(), arrays["panel_dropped_weight"].tolist()
        self.dropped = dict(zip(slots, weights, strict=True))
        self._told.where, self._told.what = arrays["panel_told_where"], arrays["panel_told_what"]


class TablePanel(BlockPanel):
    """Hypotheses whose evidence a table of slots keeps, block by block.

    Args:
        name: The panel's.
        family: Its one family.
        table: The statistics.
        asked: What entities are called in identities, by number: a storage id, a metric, a category.
        about: What to say of two of them.
    """

    def __init__(
        self,
        name: str,
        family: HypothesisFamily,
        table: BetTable,
        asked: Callable[[int, int], list[Any]],
        about: Naming,
    ) -> None:
        super().__init__(name, family, asked, about)
        self.table = table
        self._registered()

    def _registered(self) -> None:
        """Give new slots their weights: in order of their first evidence, at most what their number allows."""
        if self.table.slots > self.slots:
            known = self.slots
            self.room(self.table.slots)
            self.log_weight[known:] = self._family.log_weights(known, self.table.slots)

    def settled(self, block: Settled, position: int, since: int) -> Index:
        """Take note of a block that the table has settled; give the slots it touched."""
        self._registered()
        self._told.note(block.slots, block.d, block.log_factor, position, since)
        self._family.outcomes += len(block.slots)
        return block.slots

    @property
    def log_e(self) -> Floats:
        """Log e-value of every slot."""
        return self.table.log_e

    @property
    def peak_log_e(self) -> Floats:
        """Largest log e-value of every slot."""
        return self.table.peak_log_e

    def pair(self, slot: int) -> tuple[int, int]:
        """Give the entities of a slot; the same one twice where it has only one."""
        keys = self.table.keys[:, slot]
        return int(keys[0]), int(keys[-1])

    def direction(self, slot: int) -> int:
        """Give the side with more evidence."""
        return int(self.table.direction[slot])

    def measure(self, slot: int) -> Measure:
        """Give the mean of the statistic by block, and its confidence sequence."""
        return _interval(float(self.table.n[slot]), float(self.table.total[slot]), float(self.table.squares[slot]))

    def moments(self, slot: int) -> tuple[float, float, float]:
        """Give count, mean and standard deviation of the statistic."""
        return _moments(float(self.table.n[slot]), float(self.table.total[slot]), float(self.table.squares[slot]))

    def summary(self, family: HypothesisFamily) -> tuple[Floats, Floats, Floats]:
        """Give means, standard errors and counts of every slot."""
        return _summary(self.table.n.astype(np.float64), self.table.total, self.table.squares)

    def of_entity(self, entity: int, *, side: int | None = None) -> list[int]:
        """Give the slots of an entity: on either side, or on one."""
        keys = self.table.keys
        found = (keys == entity).any(axis=0) if side is None else keys[side] == entity
        return [int(slot) for slot in np.flatnonzero(found)]

    def _renew(self, slot: int) -> None:
        super()._renew(slot)
        self.table.renew(slot)

    def _compared(self) -> bytes:
        table = {"log_e": self.table.log_e, "n": self.table.n, "total": self.table.total, "keys": self.table.keys}
        return pack(self.to_arrays() | table)


class PairPanel(BlockPanel):
    """Every pair of many series: slot j(j−1)/2 + i is the pair i < j, so that more series never move a slot.

    Args:
        name: The panel's.
        family: Its one family.
        grid: The statistics.
        asked: What two entities are called in identities.
        about: What to say of them.
    """

    batch, products = 8.0, True

    def __init__(
        self,
        name: str,
        family: HypothesisFamily,
        grid: PairGrid,
        asked: Callable[[int, int], list[Any]],
        about: Naming,
    ) -> None:
        super().__init__(name, family, asked, about)
        self.grid = grid
        self._log_e: Floats = np.zeros(0)
        self._peak: Floats = np.zeros(0)
        self._first: Index = np.zeros(0, dtype=np.int64)
        self._second: Index = np.zeros(0, dtype=np.int64)
        self._settled: dict[int, tuple[float, float, float, float]] = {}
        """Slot to count, sum, sum of squares and R² as they were last settled, of those with some evidence: rows are
        written whenever somebody looks, and must not say more than the last settlement did."""

    def grow(self, entities: int) -> None:
        """Have pairs of so many entities."""
        self.grid.grow(entities)
        pairs = entities * (entities - 1) // 2
        if pairs <= self.slots:
            return
        known = self.slots
        self.room(pairs)
        self.log_weight[known:] = self._family.log_weights(known, pairs)
        self._second, self._first = np.tril_indices(entities, -1)
        self._log_e, self._peak = grown(self._log_e, pairs), grown(self._peak, pairs)

    def settle(self, position: int, since: int) -> Index:
        """Settle every pair's evidence; give the slots whose evidence changed."""
        self.grid.settle()
        log_e, self._peak = self.grid.settled()
        factors = log_e - self._log_e
        changed = np.flatnonzero(factors != 0.0)
        self._log_e = log_e
        # Only where there is some evidence is it remembered what told: of the rest nobody will ask.
        noted = changed[log_e[changed] > 1.0]
        if len(noted):
            first, second = self._first[noted], self._second[noted]
            mean = self.grid.total(first, second) / np.maximum(self.grid.count(first, second), 1)
            self._told.note(noted, mean, factors[noted], position, since)
        self._remember(noted)
        self._family.outcomes += len(changed)
        self.changed()
        return changed

    def _remember(self, noted: Index) -> None:
        """Keep what was settled of the pairs with some evidence, and of those that had some before."""
        kept = np.union1d(noted, np.fromiter(self._settled, dtype=np.int64, count=len(self._settled)))
        if not len(kept):
            return
        pairs = self._first[kept], self._second[kept]
        grid = self.grid
        sums = (grid.count(*pairs), grid.total(*pairs), grid.squares(*pairs), grid.dependence(*pairs))
        rows = zip(*(each.astype(np.float64).tolist() for each in sums), strict=True)
        self._settled = dict(zip(kept.tolist(), rows, strict=True))

    @property
    def log_e(self) -> Floats:
        """Log e-value of every pair."""
        return self._log_e

    @property
    def peak_log_e(self) -> Floats:
        """Largest log e-value of every pair."""
        return self._peak

    def pair(self, slot: int) -> tuple[int, int]:
        """Give the entities of a slot."""
        return int(self._first[slot]), int(self._second[slot])

    def slot(self, first: int, second: int) -> int:
        """Give the slot of two entities."""
        low, high = min(first, second), max(first, second)
        return high * (high - 1) // 2 + low

    def _pair(self, slot: int) -> tuple[Index, Index]:
        return self._first[slot : slot + 1], self._second[slot : slot + 1]

    def _sums(self, slot: int) -> tuple[float, float, float]:
        pair = self._pair(slot)
        return float(self.grid.count(*pair)[0]), float(self.grid.total(*pair)[0]), float(self.grid.squares(*pair)[0])

    def direction(self, slot: int) -> int:
        """Say whether they move together (+1) or against each other (-1)."""
        return int(self.grid.direction(*self._pair(slot))[0])

    def measure(self, slot: int) -> Measure:
        """Give the correlation of the innovations, and the confidence sequence of their mean product on its scale."""
        n, total, squares, explained = self._settled.get(slot, (0.0, 0.0, 0.0, 0.0))
        product = _interval(n, total, squares)
        if not total or not explained:
            return product
        unit = math.copysign(math.sqrt(explained), total) / product.estimate
        low, high = max(-1.0, product.low * unit), min(1.0, product.high * unit)
        return Measure(product.estimate * unit, low, high, product.support)

    def moments(self, slot: int) -> tuple[float, float, float]:
        """Give count, mean and standard deviation of the products."""
        return _moments(*self._sums(slot))

    def summary(self, family: HypothesisFamily) -> tuple[Floats, Floats, Floats]:
        """Give means, standard errors and counts of every pair."""
        pairs = self._first, self._second
        return _summary(self.grid.count(*pairs).astype(np.float64), self.grid.total(*pairs), self.grid.squares(*pairs))

    def gate(self, slot: int) -> Why | None:
        """Say whether one of a pair is a function of the other."""
        pair = self._pair(slot)
        explained = float(self.grid.dependence(*pair)[0])
        if explained < DEPENDENT or int(self.grid.count(*pair)[0]) < _READINGS:
            return None
        about = self.about(slot)
        words = f"{about.subject} and {about.object} move as one: R² = {explained:.4f}"
        return "functional_dependence", words, "correlation", math.copysign(math.sqrt(explained), self.direction(slot))

    def of_entity(self, entity: int) -> list[int]:
        """Give the slots of an entity."""
        return [int(slot) for slot in np.flatnonzero((self._first == entity) | (self._second == entity))]

    def _renew(self, slot: int) -> None:
        super()._renew(slot)
        self.grid.renew(*self._pair(slot))
        self._log_e[slot] = self._peak[slot] = 0.0
        self._settled.pop(slot, None)

    def _compared(self) -> bytes:
        return pack(self.to_arrays())

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Give everything as arrays."""
        own = {
            "panel_log_e": self._log_e,
            "panel_peak": self._peak,
            "panel_settled_slots": np.fromiter(self._settled, dtype=np.int64, count=len(self._settled)),
            "panel_settled": np.array(list(self._settled.values())).reshape(-1, 4),
        }
        return super().to_arrays() | own | self.grid.to_arrays()

    def load(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Go on from `to_arrays`."""
        super().load(arrays)
        self._log_e, self._peak = arrays["panel_log_e"], arrays["panel_peak"]
        settled = arrays["panel_settled"].tolist()
        self._settled = dict(zip(arrays["panel_settled_slots"].tolist(), map(tuple, settled), strict=True))
        self.grid = PairGrid.from_arrays({name: each for name, each in arrays.items() if not name.startswith("panel_")})
        self._second, self._first = np.tril_indices(self.grid.entities, -1)


def _moments(n: float, total: float, squares: float) -> tuple[float, float, float]:
    mean = total / n if n else math.nan
    variance = max(0.0, (squares - n * mean * mean) / (n - 1.0)) if n > 1.0 else math.inf
    return n, mean, math.sqrt(variance)


def _summary(n: Floats, total: Floats, squares: Floats) -> tuple[Floats, Floats, Floats]:
    with np.errstate(divide="ignore", invalid="ignore"):
        means = np.where(n > 0.0, total / n, np.nan)
        variance = np.maximum(0.0, (squares - n * means * means) / (n - 1.0))
        errors = np.where(n > 1.0, np.sqrt(variance / n), np.inf)
    return means, errors, n
