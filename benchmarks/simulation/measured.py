"""What is measured in a world: metrics that writes move, and statistics of layers."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping

import numpy as np

from benchmarks.simulation.cast import Cast, Phase
from benchmarks.simulation.chronicle import Floats
from benchmarks.simulation.envelopes import MODEL
from benchmarks.simulation.noise import EVALUATION, INNOVATION, SAMPLE, Noise
from benchmarks.simulation.plan import SLOPE, Plan, PlantedEffect
from benchmarks.simulation.settings import Settings, Trap
from memory.events.observations import LayerStatisticsRecorded, MetricsRecorded

QUANTILE = 1.0
"""Standard deviations at which a threshold lies: the upper sixth."""
OWN_ODD, OWN_EVEN = 0.8, 0.2
"""What a write at dose 1 does to the statistic of its own layer, by definition and no effect."""
_RUNNING = 0.2
"""Weight of the latest value in the running mean that unpaired outcomes are taken from."""


class Metrics:
    """Every metric, as it stands and as it is measured, in units of its own."""

    def __init__(self, settings: Settings, plan: Plan, noise: Noise) -> None:
        rng = random.Random(f"metrics {settings.seed}")
        count = settings.metrics
        self._own = [f"metric-{m}" for m in range(count)]
        self._derived = Trap.DERIVED_METRICS in settings.traps
        self.names = [*self._own, *(("perplexity", "twin") if self._derived else ())]
        """Every metric, derived ones last."""
        self.declared = (("perplexity", self._own[0]),) if self._derived else ()
        self.scale = np.array([10.0 ** rng.uniform(-2.0, 1.0) for _ in range(count)])
        """One unit of noise, in each metric's own units."""
        self.scale[0] = 0.05
        self._base = self.scale * np.array([rng.uniform(20.0, 60.0) for _ in range(count)])
        self._memory = noise.memory
        still = INNOVATION**2 / (1.0 - noise.memory**2)
        self._spread = math.sqrt(still + EVALUATION**2 + SAMPLE**2)
        self._level, self._kept, self._shift = np.zeros(count), np.zeros(count), np.zeros(count)
        self._noise: Floats = np.zeros((5, count))
        self._slope = np.zeros(count)
        self._slope[plan.trends] = SLOPE
        self._drift = self._slope
        self._effects: dict[int, list[PlantedEffect]] = {}
        for effect in plan.effects:
            self._effects.setdefault(effect.tensor, []).append(effect)
        self._latest, self._previous, self._mean = np.zeros(count), np.zeros(count), np.zeros(count)
        self._group = slice(0, count)
        self._wide = settings.metrics_per_evaluation
        self._pick = rng

    def begin(self, noise: Floats, number: int) -> None:
        """Begin an act with its noise: and, of very many metrics, the group that it looks at."""
        self._noise, self._drift = noise, self._slope * number
        self._shift[:] = 0.0
        if len(self._own) > self._wide:
            start = self._pick.randrange(0, len(self._own), self._wide)
            self._group = slice(start, min(len(self._own), start + self._wide))

    def measure(self, when: int) -> Floats:
        """Evaluate, before (0) or after (1) the act's writes: in units of noise."""
        self._level = self._memory * self._level + self._noise[when]
        standing = self._level + self._drift + self._kept + self._shift
        return np.asarray(standing + self._noise[4] + self._noise[2 + when])

    def outcome(self, before: Floats | None, after: Floats) -> Floats:
        """Give after minus before; without a before, after minus a running mean of the evaluations so far."""
        self._previous, self._latest = self._latest, after
        outcome = after - (self._mean if before is None else before)
        self._mean = (1.0 - _RUNNING) * self._mean + _RUNNING * (after - self._shift if before is None else before)
        return np.asarray(outcome)

    def apply(self, doses: Mapping[int, float | None], share: float) -> Floats:
        """Let an act's writes have their effects, until they are undone; give what they did."""
        change = np.zeros(len(self._own))
        for tensor, dose in doses.items():
            for effect in self._effects.get(tensor, ()):
                if share < effect.until:
                    change[effect.metric] += effect.even + effect.odd * (dose or 0.0)
        self._kept += change
        return change

    def undo(self, change: Floats) -> None:
        """Take back what an act did."""
        self._kept -= change

    def sweep(self, size: float) -> None:
        """Move everything."""
        self._shift += size

    def restore(self) -> None:
        """Take back what every kept write did."""
        self._kept[:] = 0.0

    def standing(self, metric: int) -> float:
        """How far a metric was from its mean when it was measured last, in standard deviations."""
        return float(self._latest[metric] - self._drift[metric]) / self._spread

    def crossed(self, metric: int) -> bool:
        """Whether a metric has just come up through its threshold."""
        bar = QUANTILE * self._spread
        return bool(self._previous[metric] <= bar < self._latest[metric])

    def row(self, measured: Floats) -> Floats:
        """Give the values of all metrics, derived ones last, as they are recorded."""
        values = self._base + self.scale * measured
        return np.append(values, self._computed(values)) if self._derived else values

    def _computed(self, values: Floats) -> list[float]:
        return [math.exp(float(values[0])), 3.0 * float(values[1]) + 7.0]

    def payload(self, measured: Floats, sample: str) -> MetricsRecorded:
        """Give an evaluation as it is recorded."""
        values = self._base + self.scale * measured
        named = dict(zip(self._own[self._group], values[self._group].tolist(), strict=True))
        if self._derived:
            named |= dict(zip(self.names[-2:], self._computed(values), strict=True))
        return MetricsRecorded.model_construct(model=MODEL, metrics=named, sample=sample)


class Layers:
    """One statistic of every tensor, under every name it is logged by."""

    def __init__(self, settings: Settings, cast: Cast, noise: Noise) -> None:
        self._noise = noise
        self._derived = cast.derived
        rng = np.random.default_rng([settings.seed, 2])
        self._base = rng.uniform(5.0, 50.0, cast.tensor_count)
        self._scale = 10.0 ** rng.uniform(-2.0, 1.0, cast.tensor_count)
        self._level = np.zeros(cast.tensor_count)
        self._own = np.zeros(cast.tensor_count)

    def apply(self, doses: Mapping[int, float | None]) -> None:
        """Let writes move the statistics of what they wrote."""
        for tensor, dose in doses.items():
            self._own[tensor] += OWN_EVEN + OWN_ODD * (dose or 0.0)

    def undo(self, doses: Mapping[int, float | None]) -> None:
        """Take that back."""
        for tensor, dose in doses.items():
            self._own[tensor] -= OWN_EVEN + OWN_ODD * (dose or 0.0)

    def restore(self) -> None:
        """Take back what every kept write did."""
        self._own[:] = 0.0

    def payload(self, phase: Phase) -> LayerStatisticsRecorded:
        """Give one reading as it is recorded."""
        self._level = self._noise.layer_memory * self._level + self._noise.reading()
        measured = (self._base + self._scale * (self._level + self._own)).tolist()
        values = {name: measured[tensor] for name, tensor in phase.tensors.items()}
        for name, sources in self._derived.items():
            values[name] = sum(values[source] for source in sources)
        return LayerStatisticsRecorded.model_construct(model=MODEL, statistic="act_std", values=values)
