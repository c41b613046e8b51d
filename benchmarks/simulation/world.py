"""The agent and its model: acts, writes, evaluations and what comes of them, as the events a memory would record."""

from __future__ import annotations

import bisect
import random
from collections.abc import Iterator
from itertools import accumulate

from benchmarks.simulation.cast import make_cast
from benchmarks.simulation.chronicle import KEPT_METRICS, ActRecord, Chronicle
from benchmarks.simulation.envelopes import MODEL, Envelopes, Flip, Told, WriteForms, attached, sharing_changed
from benchmarks.simulation.measured import Layers, Metrics
from benchmarks.simulation.noise import Noise
from benchmarks.simulation.plan import (
    BASE_RATE,
    CATEGORIES,
    COMPANION,
    FOLLOWS,
    REGRESSION,
    REVERSE,
    SPIKES,
    THRESHOLD,
    make_plan,
)
from benchmarks.simulation.settings import Settings, Trap
from memory.events.modifications import Restored
from memory.events.observations import MetricDefined, Observation, ObservationType

FOCUS_ACTS, FOCUS_TENSORS, FOCUS_FACTOR = (200, 400), 8, 6.0
RESTORE = 1 / 150
DUPLICATE = 0.08
BAD = 1.5
"""Standard deviations beyond which a metric makes the agent act."""
ROUSED = 0.25
"""Chance that it then does."""
UNEVEN_COIN = 0.15
"""Share of acts whose coin is not fair: it falls on +1 with probability .7."""


class World:
    """One run. `events` yields it once; what it leaves behind is in `chronicle`."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.cast = make_cast(settings)
        self.plan = make_plan(settings, self.cast)
        self.chronicle = Chronicle()
        self._rng = random.Random(f"world {settings.seed}")
        noise = Noise(settings, self.plan, self.cast.tensor_count)
        self._noise = noise
        self.metrics = Metrics(settings, self.plan, noise)
        self.layers = Layers(settings, self.cast, noise)
        self.chronicle.metric_names = list(self.metrics.names)
        self._envelopes = Envelopes()
        self._per_name = Trap.ALIASES in settings.traps
        self._phase = 0
        self._forms = [WriteForms(phase, per_name=self._per_name) for phase in self.cast.phases]
        self._due_writes: dict[int, set[int]] = {}
        self._due_categories: dict[int, list[int]] = {}
        self._focus_until = 0
        self._cumulative: list[float] = []
        self._tensors: list[int] = []
        self._outcomes: tuple[float, float] = (0.0, 0.0)
        self._companions: dict[int, int] = {}
        self._number = 0
        self._keeps = settings.metrics <= KEPT_METRICS
        self._sweep_every = max(375, 5 * settings.storages)

    def events(self) -> Iterator[Told]:
        """Yield every event in order."""
        envelopes, chronicle = self._envelopes, self.chronicle
        yield envelopes.put(None, attached(self.cast.phases[0].sharing))
        chronicle.phases.append(1)
        for derived, source in self.metrics.declared:
            yield envelopes.put(None, MetricDefined(name=derived, derived_from=(source,)))
        while envelopes.position < self.settings.events:
            yield from self._next_phase()
            self._number += 1
            if self._rng.random() < RESTORE:
                self.metrics.restore()
                self.layers.restore()
                yield envelopes.put(None, Restored(model=MODEL))
            if Trap.SWEEPS in self.settings.traps and self._number % self._sweep_every == 0:
                yield from self._sweep()
            else:
                yield from self._act()
        chronicle.events = envelopes.position

    @property
    def share(self) -> float:
        """How much of the run is over."""
        return self._envelopes.position / self.settings.events

    def _next_phase(self) -> Iterator[Told]:
        phase = self.cast.phase_at(self.share)
        if phase > self._phase:
            before, after = self.cast.phases[self._phase], self.cast.phases[phase]
            self._phase, self._focus_until = phase, 0
            yield self._envelopes.put(None, sharing_changed(before.sharing, after.sharing))
            self.chronicle.phases.append(self._envelopes.position)

    # What the agent writes next

    def _refocus(self) -> None:
        """Favour other storages for a while, and take up the companions there are now."""
        self._tensors = sorted(self.cast.phases[self._phase].records)
        weights = [1.0] * len(self._tensors)
        if Trap.FOCUS in self.settings.traps:
            for index in self._rng.sample(range(len(weights)), FOCUS_TENSORS):
                weights[index] = FOCUS_FACTOR
        self._cumulative = list(accumulate(weights))
        self._focus_until = self._number + self._rng.randint(*FOCUS_ACTS)
        since = self.cast.phases[self._phase].since
        self._companions = {}
        for pair in self.plan.comodified:
            if pair.since <= since:
                self._companions |= {pair.first: pair.second, pair.second: pair.first}

    def _chosen(self) -> list[int]:
        rng, chosen = self._rng, self._due_writes.pop(self._number, set())
        drawn = rng.random()
        for _ in range(1 if drawn < 0.6 else 2 if drawn < 0.87 else 3):
            chosen.add(self._tensors[bisect.bisect(self._cumulative, rng.random() * self._cumulative[-1])])
        if Trap.REVERSE in self.settings.traps and self._outcomes[0] > BAD and rng.random() < ROUSED:
            chosen.add(self.plan.reverse_tensor)
        for tensor in sorted(chosen):
            companion = self._companions.get(tensor)
            if companion is not None and rng.random() < COMPANION:
                chosen.add(companion)
        return sorted(chosen)

    # Acts

    def _act(self) -> Iterator[Told]:
        rng, settings = self._rng, self.settings
        if self._number >= self._focus_until:
            self._refocus()
        act_id = f"act-{self._number:07d}"
        fixing = Trap.REGRESSION in settings.traps and self._outcomes[1] > BAD and rng.random() < ROUSED
        tensors = [self.plan.fixer] if fixing else self._chosen()
        unsigned = fixing or rng.random() < settings.unsigned
        paired = not fixing and rng.random() < settings.paired
        kept = rng.random() < settings.kept
        sample = f"batch-{self._number}"
        self.metrics.begin(self._noise.act(), self._number)
        before = self.metrics.measure(0) if paired else None
        if before is not None:
            yield self._envelopes.put(act_id, self.metrics.payload(before, sample))
        doses = {}
        records: list[tuple[int, str, float]] = []
        likely = 0.7 if rng.random() < UNEVEN_COIN else 0.5
        for coin, tensor in enumerate(tensors, 1):
            up = rng.random() < likely
            doses[tensor] = None if unsigned else 1.0 if up else -1.0
            flip = Flip(None) if unsigned else Flip(doses[tensor], likely if up else 1.0 - likely, coin)
            yield from self._write(act_id, tensor, "zero" if unsigned else "scale", flip, records)
        change = self.metrics.apply(doses, self.share)
        self.layers.apply(doses)
        after = self.metrics.measure(1)
        outcome = self.metrics.outcome(before, after)
        payload = self.metrics.payload(after, sample)
        yield self._envelopes.put(act_id, payload)
        if Trap.DUPLICATES in settings.traps and rng.random() < DUPLICATE:
            yield self._envelopes.put(act_id, payload)
        yield from self._reading(act_id)
        categories = self._observed(tensors)
        for category in categories:
            yield self._envelopes.put(act_id, _observation(category, self._number))
        if not kept:
            self.metrics.undo(change)
            self.layers.undo(doses)
            for tensor in tensors:
                for name, known in self.cast.phases[self._phase].reverts[tensor]:
                    form = self._forms[self._phase].write(name, known, "revert", Flip(None), act_id)
                    yield self._envelopes.put(act_id, form)
        self._outcomes = (self.metrics.standing(REVERSE), self.metrics.standing(REGRESSION))
        row = self.metrics.row(after) if self._keeps else None
        self.chronicle.acts.append(
            ActRecord(self._envelopes.position, records, paired, outcome if self._keeps else None, row, categories)
        )

    def _write(
        self, act_id: str, tensor: int, method: str, flip: Flip, records: list[tuple[int, str, float]]
    ) -> Iterator[Told]:
        for name, known in self.cast.phases[self._phase].records[tensor]:
            yield self._envelopes.put(act_id, self._forms[self._phase].write(name, known, method, flip))
            records.append((tensor, name, flip.dose or 0.0))
        self.chronicle.writes_of.setdefault(tensor, []).append(self._envelopes.position)

    def _reading(self, act_id: str) -> Iterator[Told]:
        if self._number % self.settings.statistics_every:
            return
        payload = self.layers.payload(self.cast.phases[self._phase])
        yield self._envelopes.put(act_id, payload)
        if Trap.DUPLICATES in self.settings.traps and self._rng.random() < DUPLICATE:
            yield self._envelopes.put(act_id, payload)
        self.chronicle.readings.append((len(self.chronicle.acts), payload.values))

    def _observed(self, tensors: list[int]) -> list[int]:
        """Give what is noticed in this act, and schedule what will follow it."""
        rng, plan, now = self._rng, self.plan, self._number
        for sequence in plan.sequences:
            if sequence.tensor in tensors and rng.random() < FOLLOWS:
                when = now + rng.randint(1, 3)
                if sequence.then_tensor is not None:
                    self._due_writes.setdefault(when, set()).add(sequence.then_tensor)
                elif sequence.then_category is not None:
                    self._due_categories.setdefault(when, []).append(sequence.then_category)
        for metric, category in plan.thresholds:
            if metric == THRESHOLD and self.metrics.crossed(metric) and rng.random() < SPIKES:
                self._due_categories.setdefault(now + rng.randint(1, 3), []).append(category)
        seen = set(self._due_categories.pop(now, ()))
        seen.update(each for each in range(CATEGORIES) if rng.random() < BASE_RATE)
        return sorted(seen)

    def _sweep(self) -> Iterator[Told]:
        """An act that touches everything, and is put back by a restore."""
        act_id = f"act-{self._number:07d}"
        self.metrics.begin(self._noise.act(), self._number)
        phase, forms = self.cast.phases[self._phase], self._forms[self._phase]
        for tensor in sorted(phase.records):
            for name, known in phase.records[tensor]:
                yield self._envelopes.put(act_id, forms.write(name, known, "sweep", Flip(None)))
        self.metrics.sweep(self._rng.gauss(0.0, 3.0))
        yield self._envelopes.put(act_id, self.metrics.payload(self.metrics.measure(1), f"batch-{self._number}"))
        self.metrics.restore()
        self.layers.restore()
        yield self._envelopes.put(None, Restored(model=MODEL, to_act=act_id))


def _observation(category: int, number: int) -> Observation:
    return Observation.model_construct(
        model=MODEL,
        obs_type=ObservationType.BEHAVIOR,
        category=f"note-{category}",
        description="",
        data={"act": number},
        tags=(),
        importance=0.5,
    )
