"""What one model's events teach: its acts' outcomes, its metrics, its layers, its rhythm."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import orjson

from memory.inference.paired import Bets
from memory.inference.scale_rows import Floats, Index
from memory.projections.knowledge.composed import Done
from memory.projections.knowledge.cycles import Cycles
from memory.projections.knowledge.metric_series import MetricPanels
from memory.projections.knowledge.metrics import MOST_METRICS
from memory.projections.knowledge.panel import ADJUSTED, RANDOMISED, Panel, Touched
from memory.projections.knowledge.readings import Readings
from memory.projections.knowledge.series import Reading, Series
from memory.projections.knowledge.ways import (
    EFFECT,
    IMPACT,
    MOVES,
    borne_on,
    grade_of,
    is_clean,
    moving,
    softly,
    way_of,
)
from memory.projections.knowledge.windows import ActWindows, Outcome, Write
from memory.projections.knowledge.write_panels import WritePanel

if TYPE_CHECKING:
    from memory.events.envelope import StoredEvent
    from memory.events.observations import LayerStatisticsRecorded, MetricsRecorded
    from memory.projections.knowledge.shared import Shared


@dataclass(frozen=True, slots=True)
class _Own:
    """Which of an evaluation's metrics have hypotheses of their own, and their numbers."""

    names: tuple[str, ...]
    index: Index


class _Slips:
    """Bets that are made together."""

    def __init__(self) -> None:
        self._index: list[Index] = []
        self._outcomes: list[Floats] = []
        self._rest: list[tuple[int, float, int]] = []
        self._margins: list[Floats] = []
        self._restless: list[Floats] = []

    @property
    def empty(self) -> bool:
        """Whether there are none."""
        return not self._index

    def add(
        self, index: Index, outcomes: Floats, propensity: float, margin: Floats | None, write: int, restless: Floats
    ) -> None:
        """Add the bets on one write; `restless` is by metric, and the same for every part."""
        self._index.append(index)
        self._outcomes.append(outcomes)
        self._rest.append((len(index), propensity, write))
        self._margins.append(np.zeros((len(index), 2)) if margin is None else margin)
        self._restless.append(
            restless if len(restless) == len(index) else np.tile(restless, len(index) // len(restless))
        )

    def bets(self, position: int, baseline: int) -> Bets:
        """Give all of them."""
        counts = [count for count, _, _ in self._rest]
        return Bets(
            np.concatenate(self._index),
            np.concatenate(self._outcomes),
            np.repeat([propensity for _, propensity, _ in self._rest], counts),
            np.concatenate(self._margins),
            np.repeat([write for _, _, write in self._rest], counts),
            np.concatenate(self._restless),
            position,
            baseline,
        )


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
        self.writes = WritePanel(model, shared.registry, shared.entities, shared.metrics, shared.families)
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

    def no_evidence(self, event: StoredEvent, entity: int | None = None) -> None:
        """Take a write that is no evidence about any effect, and may explain whatever follows.

        Args:
            event: The write.
            entity: What it wrote, with no dose; None for a sweep over many storages, or for bytes that nobody knows.
        """
        self._settle(event.position, self.cycles.write(event.position, event.act_id, entity))
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
        if self._is_repeated(event, payload):
            shared.dropped.repeated(position, self.model, "metrics_recorded")
            return
        own = self._of_its_own(tuple(payload.metrics))
        values = np.array([payload.metrics[name] for name in own.names])
        self.series.grow(min(MOST_METRICS, len(shared.metrics.names(self.model))))
        as_it_was = not self.windows.has_written(act_id)
        outcomes = self.windows.evaluation(position, act_id, payload.sample, payload.metrics)
        paired = any(outcome.baseline_position is not None for outcome in outcomes)
        self.writes.mixed = self.writes.mixed or not all(is_clean(outcome) for outcome in outcomes)
        expected = [self._contributions(outcome) for outcome in outcomes]
        reading = self.series.read(own.index, values, learn=not paired)
        touched: Touched = []
        if as_it_was:
            touched += self.metrics.take(position, reading, values)
        numbered = dict(zip(own.index.tolist(), values.tolist(), strict=True))
        touched += self.cycles.evaluation(position, act_id, numbered)
        for outcome, contributions in zip(outcomes, expected, strict=True):
            touched += self._outcome(position, outcome, contributions, reading)
        self._settle(position, touched)

    def _is_repeated(self, event: StoredEvent, payload: MetricsRecorded) -> bool:
        """Say whether an evaluation was recorded before.

        That an act's outcome is what its baseline was is news: its writes moved nothing.
        """
        repeats, act_id = self._shared.repeats, event.act_id
        moment = event.occurred_microseconds if payload.sample is None else None
        about = (self.model, act_id, payload.sample, moment)
        earlier = repeats.first(event.position, "metrics", about, payload.metrics)
        if self.windows.awaits(act_id, payload.metrics):
            earlier = repeats.first(event.position, "outcome", about, payload.metrics)
        return earlier is not None

    def _of_its_own(self, names: tuple[str, ...]) -> _Own:
        metrics = self._shared.metrics
        if metrics.generation != self._generation:
            self._own, self._generation = {}, metrics.generation
            self._shared.families.leave_out(self.model, metrics.left_out(self.model))
        own = self._own.get(names)
        if own is None:
            numbered = [(number, name) for name in names if (number := metrics.number(self.model, name)) is not None]
            numbered.sort()
            index = np.array([number for number, _ in numbered], dtype=np.int64)
            own = self._own[names] = _Own(tuple(name for _, name in numbered), index)
        return own

    def _contributions(self, outcome: Outcome) -> Floats:
        """Give what each write of an outcome was known to do to each of its own metrics: odd parts and even parts."""
        if is_clean(outcome) and not self.writes.mixed:
            return np.zeros((1, 2, 0))
        return self.series.expected(outcome.writes, self._of_its_own(outcome.metrics).index)

    def _outcome(self, position: int, outcome: Outcome, contributions: Floats, reading: Reading) -> Touched:
        """Let an outcome bear on the hypotheses about each storage its act wrote."""
        dropped, coins_alone = self._shared.dropped, False
        changes = dict(zip(outcome.metrics, outcome.changes, strict=True))
        told = self._of_its_own(outcome.metrics)
        at = np.searchsorted(reading.index, told.index)
        dropped.restatements(self.model, self._shared.metrics, outcome, changes)
        keep = dropped.not_definitional(self.model, outcome, told.names, changes)
        if outcome.baseline_position is not None:
            change = np.array([changes[name] for name in told.names])
            if keep.any():
                finite = np.isfinite(change)
                self.series.learn(outcome.writes, told.index[finite], change[finite])
            doubt = np.repeat(self.series.doubt(outcome.writes, told.index)[:, :, None], 2, axis=2)
        else:
            keep = keep & reading.known[at]
            coins_alone = bool(reading.stale[at].any())
            change = reading.residual[at] + contributions.sum(axis=(0, 1))
            doubt = self.series.doubt(outcome.writes, told.index)[:, :, None] + reading.off[at]
        if not keep.any():
            return []
        restless = reading.restless[at]
        if keep.all():
            return self._bear(position, outcome, told.names, change, contributions, doubt, restless, coins_alone)
        names = tuple(name for name, kept in zip(told.names, keep, strict=True) if kept)
        if contributions.shape[2]:
            contributions = contributions[:, :, keep]
        doubt, restless = doubt[:, keep], restless[keep]
        return self._bear(position, outcome, names, change[keep], contributions, doubt, restless, coins_alone)

    def _bear(
        self,
        position: int,
        outcome: Outcome,
        names: tuple[str, ...],
        change: Floats,
        contributions: Floats,
        doubt: Floats,
        restless: Floats,
        coins_alone: bool,
    ) -> Touched:
        """Bet on what an outcome says of each of its act's writes.

        Args:
            position: The outcome.
            outcome: What its act wrote.
            names: The metrics.
            change: Of each metric.
            contributions: What each write was known to do: by write, odd and even part, and metric; none if clean.
            doubt: By write and metric, how far the change may be off whatever that write did: upwards and downwards.
            restless: How many times as large as usual changes were expected to be.
            coins_alone: Whether it says something only where a coin decided the sign.
        """
        slips, clean = _Slips(), is_clean(outcome)
        paired = outcome.baseline_position is not None
        rows_of = self.writes.rows
        for number, write in enumerate(outcome.writes):
            way = way_of(self.model, write, grade_of(outcome.writes, write, paired=paired))
            if coins_alone and way.grade != RANDOMISED:
                continue
            odd = even = change
            if contributions.shape[2]:
                others = change - (contributions.sum(axis=(0, 1)) - contributions[number].sum(axis=0))
                odd, even = others - contributions[number, 1], others - contributions[number, 0]
            parts = borne_on(way, clean=clean)
            alone = change if clean else odd if EFFECT in parts else even
            signed = np.concatenate([alone * write.sign if part == EFFECT else alone for part in parts])
            coin = write.propensity if way.grade == RANDOMISED else 0.5
            margin = None
            if way.grade == ADJUSTED:
                margin = doubt[number, :, ::-1] if parts == (EFFECT,) and write.sign < 0 else doubt[number]
            index = rows_of(way, write.storage_id, names, parts, position)
            slips.add(index, signed, coin, margin, write.position, restless)
            if len(way.parts) > 1 and contributions.shape[2] and not coins_alone:
                index = rows_of(softly(self.model, write), write.storage_id, names, (IMPACT,), position)
                slips.add(index, even, 0.5, doubt[number], write.position, restless)
            if write.fresh and clean:
                self._moves(slips, write, names, change, position)
        if slips.empty:
            return []
        return self._bet(slips.bets(position, outcome.baseline_position or 0), (outcome.writes, names, change))

    def _moves(self, slips: _Slips, write: Write, names: tuple[str, ...], change: Floats, position: int) -> None:
        """Ask whether writes in ever new directions move a metric at all, where it is said what matters."""
        smallest = np.array([self._smallest(name) for name in names])
        asked = (smallest > 0.0) & np.isfinite(change)
        if asked.any():
            chosen = tuple(name for name, kept in zip(names, asked, strict=True) if kept)
            index = self.writes.rows(moving(self.model, write), write.storage_id, chosen, (MOVES,), position)
            moved = np.where(np.abs(change) > smallest, 1.0, -1.0)[asked]
            slips.add(index, moved, 0.5, None, write.position, np.ones(len(index)))

    def _bet(self, bets: Bets, done: Done) -> Touched:
        claims = self._shared.claims
        foreseen = claims.foresee(self.writes, bets.index, bets.restless)
        self.writes.update(bets)
        claims.score(foreseen, bets, done)
        return [(self.writes, bets.index)]

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
            ended: list[tuple[Panel, list[int]]] = [(self.writes, self.writes.of_storage(entity))]
            ended += self.cycles.end(entity)
            for readings in self.readings.values():
                ended += readings.end(entity)
            for each, slots in ended:
                self._shared.claims.end(position, each, slots, reason)
        self._shared.claims.reconsider(position, self.model)

    def sharing_changed(self, position: int) -> None:
        """Let questions rest about pairs that share bytes now."""
        ended = self.cycles.sharing_changed()
        for readings in self.readings.values():
            ended += readings.sharing_changed()
        for panel, slots in ended:
            self._shared.claims.end(position, panel, slots, "its ends share bytes")
        self._shared.claims.reconsider(position, self.model)

    def metric_derived(self, position: int, metric: str) -> None:
        """Let questions rest about a metric that turned out to be computed from others."""
        reason = f"{metric} is computed from other metrics"
        for panel, slots in self._about(metric):
            self._shared.claims.end(position, panel, slots, reason, status="retracted")
        self._shared.claims.reconsider(position, self.model)

    def metric_redefined(self, position: int, metric: str, mattered: float) -> None:
        """Start the evidence on a metric again where it was gathered under another smallest effect of interest.

        What rests because the metric was computed from others is asked anew: now it stands for itself.

        Args:
            position: The definition.
            metric: The metric.
            mattered: Its smallest effect of interest until then.
        """
        now, writes = self._smallest(metric), self.writes
        renewed = [
            slot
            for slot in writes.of_metric(metric)
            if (mattered if writes.part(slot) == MOVES else writes.process(slot).smallest_effect) != now
        ]
        writes.wake(writes.of_metric(metric))
        self._shared.claims.ask_again(position, writes, renewed, "what matters of this metric was defined anew")
        self._shared.claims.reconsider(position, self.model)

    def _about(self, metric: str) -> Iterator[tuple[Panel, Sequence[int]]]:
        yield self.writes, self.writes.of_metric(metric)
        number = self._shared.metrics.names(self.model).index(metric)
        yield from self.metrics.of_metric(number)
        yield from self.cycles.of_metric(number)

    # State

    def panels(self) -> Iterator[Panel]:
        """Yield every panel there is."""
        yield self.writes
        yield from self.metrics.panels()
        yield from self.cycles.panels()
        for readings in self.readings.values():
            yield from readings.panels()

    def parts(self) -> Iterator[tuple[list[str], bytes]]:
        """Yield everything in its stored form, by what it is called."""
        yield ["windows"], self.windows.stored()
        yield ["series"], self.series.stored()
        yield ["metrics"], self.metrics.stored()
        yield ["cycles"], self.cycles.stored()
        for statistic, readings in self.readings.items():
            yield ["readings", statistic], readings.stored()
        for name, stored in self.writes.parts():
            yield ["writes", *name], stored

    def load(self, parts: Mapping[tuple[str, ...], bytes]) -> None:
        """Go on from the stored parts, by what they are called; families and metrics are there already."""
        shared = self._shared
        self.windows = ActWindows.from_state(self.model, orjson.loads(parts["windows",]))
        self.series = Series.unpacked(parts["series",])
        self.metrics.load(parts["metrics",])
        self.cycles.load(parts["cycles",])
        for name, stored in parts.items():
            if name[0] == "readings":
                self.readings[name[1]] = Readings.unpacked(self.model, stored, shared.entities, shared.families)
        numbers = sorted(int(name[2]) for name in parts if name[:2] == ("writes", "rows") and len(name) == 3)
        portions = [parts["writes", "rows", str(number)] for number in numbers]
        self.writes.load(parts["writes", "rows"], parts["writes", "mixed"], portions)
