"""What one model's events teach: its acts' outcomes, its metrics, its layers, its rhythm."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import orjson

from memory.inference.scale_rows import Floats, Index
from memory.projections.knowledge.cycles import Cycles
from memory.projections.knowledge.metric_series import MetricPanels
from memory.projections.knowledge.panel import ADJUSTED, OBSERVATIONAL, RANDOMISED, Panel
from memory.projections.knowledge.readings import Readings
from memory.projections.knowledge.series import Reading, Series
from memory.projections.knowledge.windows import ActWindows, Outcome, Write
from memory.projections.knowledge.write_panels import (
    EFFECT,
    IMPACT,
    MOVES,
    Way,
    WritePanel,
    WritePanels,
    borne_on,
    way_of,
)

if TYPE_CHECKING:
    from memory.events.envelope import StoredEvent
    from memory.events.observations import LayerStatisticsRecorded, MetricsRecorded
    from memory.projections.knowledge.shared import Shared

Touched = list[tuple[Panel, Index]]

_RETURN = 0.3
"""By what share of what is expected a metric may return more, or less, than it is expected to."""


@dataclass(frozen=True, slots=True)
class _Own:
    """Which of an evaluation's metrics have hypotheses of their own, and their numbers."""

    names: tuple[str, ...]
    index: Index


class ModelLearning:
    """Everything that is learned of one model.

    Args:
        model: Its name.
        shared: What the models of a record have in common.
    """

    def __init__(self, model: str, shared: Shared) -> None:
        self.model = model
        self._shared = shared
        self.windows = ActWindows(model)
        self.series = Series()
        self.metrics = MetricPanels(model, shared.metrics, shared.families)
        self.cycles = Cycles(model, shared.registry, shared.entities, shared.metrics, shared.families)
        self.writes = WritePanels(model, shared.registry, shared.entities, shared.metrics, shared.families)
        self.readings: dict[str, Readings] = {}
        self._own: dict[tuple[str, ...], _Own] = {}
        self._generation = -1

    # Writes

    def write(self, event: StoredEvent, write: Write) -> None:
        """Take a counted write to one storage."""
        self._settle(event.position, self.cycles.write(event.position, event.act_id, write.storage_id))
        self.windows.write(event.act_id, write)
        self.series.write(event.act_id, write)
        for readings in self.readings.values():
            readings.write(write.storage_id)

    def without_dose(self, event: StoredEvent, entity: int) -> None:
        """Take a write that says it had no dose: it belongs to its act, and is evidence about nothing."""
        self._settle(event.position, self.cycles.write(event.position, event.act_id, entity))
        self.windows.write(event.act_id, None)
        self._unknown()

    def sweep(self, event: StoredEvent) -> None:
        """Take a write that is no evidence about any one storage, and may explain whatever follows."""
        self._settle(event.position, self.cycles.write(event.position, event.act_id, None))
        self.windows.write(event.act_id, None)
        self._unknown()

    def revert(self, event: StoredEvent, act_id: str | None, entity: int) -> None:
        """Take a write that takes an act back: never evidence."""
        self.windows.disturbance()
        self.series.revert(act_id)
        for readings in self.readings.values():
            readings.write(entity)

    def disturbance(self) -> None:
        """Take anything else that may have changed weights."""
        self.windows.disturbance()
        self._unknown()

    def _unknown(self) -> None:
        self.series.disturbance()
        for readings in self.readings.values():
            readings.disturbance()

    # Evaluations

    def evaluation(self, event: StoredEvent, payload: MetricsRecorded) -> None:
        """Take one evaluation: what it is the outcome of, what was to be expected of it, and what both teach."""
        shared, position, act_id = self._shared, event.position, event.act_id
        shared.metrics.seen(self.model, payload.metrics)
        moment = event.occurred_microseconds if payload.sample is None else None
        about = (self.model, act_id, payload.sample, moment)
        if shared.repeats.first(position, "metrics", about, payload.metrics) is not None:
            shared.dropped.repeated(position, self.model, "metrics_recorded")
            return
        own = self._of_its_own(tuple(payload.metrics))
        values = np.array([payload.metrics[name] for name in own.names])
        self.series.grow(len(shared.metrics.names(self.model)))
        as_it_was = not self.windows.has_written(act_id)
        outcomes = self.windows.evaluation(position, act_id, payload.sample, payload.metrics)
        paired = any(outcome.baseline_position is not None for outcome in outcomes)
        self.writes.mixed = self.writes.mixed or not all(_is_clean(outcome) for outcome in outcomes)
        expected = [self._contributions(outcome) for outcome in outcomes]
        reading = self.series.read(own.index, values, learn=not paired)
        touched: Touched = []
        if as_it_was:
            touched += self.metrics.take(position, reading, values)
        numbered = dict(zip(own.index.tolist(), values.tolist(), strict=True))
        touched += self.cycles.evaluation(position, act_id, numbered)
        for outcome, contributions in zip(outcomes, expected, strict=True):
            touched += self._outcome(position, outcome, contributions, reading, own)
        self._settle(position, touched)

    def _of_its_own(self, names: tuple[str, ...]) -> _Own:
        metrics = self._shared.metrics
        if metrics.generation != self._generation:
            self._own, self._generation = {}, metrics.generation
        own = self._own.get(names)
        if own is None:
            numbered = [(number, name) for name in names if (number := metrics.number(self.model, name)) is not None]
            numbered.sort()
            index = np.array([number for number, _ in numbered], dtype=np.int64)
            own = self._own[names] = _Own(tuple(name for _, name in numbered), index)
        return own

    def _contributions(self, outcome: Outcome) -> Floats:
        """Give what each write of an outcome was known to do to each of its own metrics: odd parts and even parts."""
        if _is_clean(outcome) and not self.writes.mixed:
            return np.zeros((1, 2, 0))
        return self.series.expected(outcome.writes, self._of_its_own(outcome.metrics).index)

    def _outcome(self, position: int, outcome: Outcome, contributions: Floats, reading: Reading, own: _Own) -> Touched:
        """Let an outcome bear on the hypotheses about each storage its act wrote."""
        changes = dict(zip(outcome.metrics, outcome.changes, strict=True))
        told = self._of_its_own(outcome.metrics)
        self._shared.dropped.restatements(self.model, self._shared.metrics, outcome, changes)
        keep = self._shared.dropped.not_definitional(self.model, outcome, told.names, changes)
        paired = outcome.baseline_position is not None
        if paired:
            change = np.array([changes[name] for name in told.names])
            if keep.any():
                finite = np.isfinite(change)
                self.series.learn(outcome.writes, told.index[finite], change[finite])
        else:
            places = {int(number): at for at, number in enumerate(reading.index)}
            at = np.array([places[int(number)] for number in told.index], dtype=np.int64)
            keep = keep & reading.known[at]
            change = reading.residual[at] + contributions.sum(axis=(0, 1))
        if not keep.any():
            return []
        names = told.names if keep.all() else tuple(name for name, kept in zip(told.names, keep, strict=True) if kept)
        clean = _is_clean(outcome)
        doubt = self._doubt(outcome, told, reading)
        baseline = outcome.baseline_position or 0
        touched: Touched = []
        for number, write in enumerate(outcome.writes):
            way = way_of(self.model, write, _grade(outcome.writes, write, paired=paired))
            odd = even = change
            if contributions.shape[2]:
                others = change - (contributions.sum(axis=(0, 1)) - contributions[number].sum(axis=0))
                odd, even = others - contributions[number, 1], others - contributions[number, 0]
            parts = borne_on(way, clean=clean)
            alone = change if clean else odd if EFFECT in parts else even
            margin = None if way.grade != ADJUSTED else doubt[number][keep]
            touched.append(self._bet(position, way, write, names, parts, alone[keep], baseline, margin))
            if len(way.parts) > 1 and contributions.shape[2]:
                soft = Way(self.model, write.method, write.level, ADJUSTED, (IMPACT,))
                margin = doubt[number][keep]
                touched.append(self._bet(position, soft, write, names, (IMPACT,), even[keep], baseline, margin))
            if write.fresh and clean:
                touched += self._moves(position, write, names, change[keep], baseline)
        return touched

    def _doubt(self, outcome: Outcome, told: _Own, reading: Reading) -> Floats:
        """Give how far an outcome may be off for each write whatever that did: judged before it came.

        The others' even parts may be estimated wrongly; and where a forecast serves as baseline, whoever acts when a
        metric is unusual will see it return, more or less than was expected.
        """
        doubt = self.series.doubt(outcome.writes, told.index)
        if outcome.baseline_position is None:
            places = {int(number): at for at, number in enumerate(reading.index)}
            at = np.array([places[int(number)] for number in told.index], dtype=np.int64)
            doubt = doubt + _RETURN * np.abs(reading.return_expected[at])
        return doubt

    def _bet(
        self,
        position: int,
        way: Way,
        write: Write,
        names: tuple[str, ...],
        parts: tuple[str, ...],
        change: Floats,
        baseline: int,
        margin: Floats | None = None,
    ) -> tuple[WritePanel, Index]:
        panel = self.writes.panel(way, write.storage_id, position)
        index = panel.rows(names, parts, self._smallest)
        signed = np.concatenate([change * write.sign if part == EFFECT else change for part in parts])
        propensity = write.propensity if way.grade == RANDOMISED else 0.5
        foreseen = self._shared.claims.foresee(panel, index)
        panel.update(index, signed, propensity, (position, write.position, baseline), margin)
        self._shared.claims.score(foreseen, signed.tolist(), position, propensity)
        return panel, index

    def _moves(self, position: int, write: Write, names: tuple[str, ...], change: Floats, baseline: int) -> Touched:
        """Ask whether writes in ever new directions move a metric at all, where it is said what matters."""
        smallest = np.array([self._smallest(name) for name in names])
        asked = (smallest > 0.0) & np.isfinite(change)
        if not asked.any():
            return []
        way = Way(self.model, write.method, write.level, OBSERVATIONAL, (MOVES,))
        moved = np.where(np.abs(change) > smallest, 1.0, -1.0)[asked]
        chosen = tuple(name for name, kept in zip(names, asked, strict=True) if kept)
        return [self._bet(position, way, write, chosen, (MOVES,), moved, baseline)]

    def _smallest(self, metric: str) -> float:
        return self._shared.metrics.smallest_effect(self.model, metric)

    def _settle(self, position: int, touched: Touched) -> None:
        if touched:
            self._shared.claims.settle(position, self.model, touched)

    # Readings, observations

    def layer_statistics(self, event: StoredEvent, payload: LayerStatisticsRecorded) -> None:
        """Take one reading of a statistic of several layers."""
        shared = self._shared
        readings = self.readings.get(payload.statistic)
        if readings is None:
            readings = Readings(self.model, payload.statistic, shared.entities, shared.families)
            self.readings[payload.statistic] = readings
        if readings.repeats(payload.values):
            shared.dropped.repeated(event.position, self.model, f"{payload.statistic} of layers")
            return
        shared.dropped.statistics(self.model, payload.statistic, payload.values)
        known: dict[int, str] = {}
        unknown = []
        for name in payload.values:
            entity = shared.entities.find(self.model, name)
            if entity is not None:
                known.setdefault(entity, name)
            elif not shared.registry.derived(self.model, name):
                unknown.append(name)
        compared = {name: payload.values[name] for name in (*known.values(), *unknown)}
        for twin in readings.twins(compared, unknown):
            shared.found_out(event.position, self.model, twin, payload.statistic)
        self._settle(event.position, readings.read(event.position, payload.values))

    def observation(self, event: StoredEvent, category: str) -> None:
        """Take what was noticed."""
        self._settle(event.position, self.cycles.observation(event.position, event.act_id, category))

    # Ends

    def end(self, position: int, entities: Iterable[int], reason: str) -> None:
        """Let questions rest about storages that are no more, or turned out to be others."""
        for entity in entities:
            for panel in self.writes.of_storage(entity):
                self._shared.claims.end(position, panel, range(panel.slots), reason)
            ended = self.cycles.end(entity)
            for readings in self.readings.values():
                ended += readings.end(entity)
            for each, slots in ended:
                self._shared.claims.end(position, each, slots, reason)
        self._shared.claims.reconsider(position, self.model)

    def sharing_changed(self, position: int) -> None:
        """Let questions rest about pairs that share bytes now."""
        for readings in self.readings.values():
            for panel, slots in readings.sharing_changed():
                self._shared.claims.end(position, panel, slots, "its ends share bytes")

    def metric_derived(self, position: int, metric: str) -> None:
        """Let questions rest about a metric that turned out to be computed from others."""
        reason = f"{metric} is computed from other metrics"
        for panel, slots in self._about(metric):
            self._shared.claims.end(position, panel, slots, reason, status="retracted")
        self._shared.claims.reconsider(position, self.model)

    def metric_redefined(self, position: int, metric: str) -> None:
        """Start the evidence on a metric again where it was gathered under another smallest effect of interest."""
        now = self._smallest(metric)
        for panel, slots in self.writes.of_metric(metric):
            renewed = [
                slot for slot in slots if panel.part(slot) == MOVES or panel.process(slot).smallest_effect != now
            ]
            self._shared.claims.ask_again(position, panel, renewed, "what matters of this metric was defined anew")
        self._shared.claims.reconsider(position, self.model)

    def _about(self, metric: str) -> Iterator[tuple[Panel, Sequence[int]]]:
        yield from self.writes.of_metric(metric)
        number = self._shared.metrics.names(self.model).index(metric)
        yield from self.metrics.of_metric(number)
        yield from self.cycles.of_metric(number)

    # State

    def panels(self) -> Iterator[Panel]:
        """Yield every panel there is."""
        yield from self.writes
        yield from self.metrics.panels()
        yield from self.cycles.panels()
        for readings in self.readings.values():
            yield from readings.panels()

    def parts(self) -> Iterator[tuple[list[str], bytes]]:
        """Yield everything in its stored form, by what it is called."""
        yield ["windows"], self.windows.stored()
        yield ["mixed"], b"mixed" if self.writes.mixed else b""
        yield ["series"], self.series.stored()
        yield ["metrics"], self.metrics.stored()
        yield ["cycles"], self.cycles.stored()
        for statistic, readings in self.readings.items():
            yield ["readings", statistic], readings.stored()
        for panel in self.writes:
            yield ["writes", panel.name], panel.stored()

    def load(self, parts: Mapping[tuple[str, ...], bytes], order: Sequence[str]) -> None:
        """Go on from the stored parts; families and metrics are there already.

        Args:
            parts: By what they are called.
            order: The names of the panels of writes, in the order in which they came.
        """
        shared = self._shared
        self.windows = ActWindows.from_state(self.model, orjson.loads(parts["windows",]))
        self.series = Series.unpacked(parts["series",])
        self.metrics.load(parts["metrics",])
        self.cycles.load(parts["cycles",])
        for name, stored in parts.items():
            if name[0] == "readings":
                self.readings[name[1]] = Readings.unpacked(self.model, stored, shared.entities, shared.families)
        self.writes.mixed = bool(parts["mixed",])
        self.writes.load([parts["writes", name] for name in order])


def _is_clean(outcome: Outcome) -> bool:
    """Say whether an outcome is of one write, compared with a baseline of its act: nothing has to be estimated."""
    return outcome.baseline_position is not None and len(outcome.writes) == 1


def _grade(writes: Sequence[Write], write: Write, *, paired: bool) -> str:
    """Say how well an outcome tells what one of its act's writes did.

    A coin of its own makes a write's side independent of all else in the act. Of two writes on one coin nobody knows
    which did what.
    """
    if write.randomised and write.dose is not None:
        others = [each for each in writes if each is not write and each.randomised]
        if all(write.coin is not None and each.coin is not None and each.coin != write.coin for each in others):
            return RANDOMISED
    return OBSERVATIONAL if paired and len(writes) == 1 else ADJUSTED
