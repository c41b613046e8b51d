"""The noise of metrics and layers, drawn in portions: correlated where planted, heavy-tailed, in bursts.

With the figures below, after minus before on one sample has a standard deviation of about 1 (0.98 under
autocorrelation), and so has an outcome minus a good forecast of it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from benchmarks.simulation.plan import SHARED_NOISE, Plan
from benchmarks.simulation.settings import Settings, Trap

Floats = NDArray[np.float64]
EVALUATION, INNOVATION, SAMPLE = 0.55, 0.55, 0.5
"""Standard deviations: of one evaluation, of the metric's own movement, of the sample's offset."""
MEMORY = 0.6
"""Autocorrelation of metrics from one evaluation to the next."""
LAYER_MEMORY = 0.5
HEAVY_METRICS = (1, 3, 7)
BURST_START, BURST_ACTS, BURST_FACTOR = 1 / 600, 40, 4.0
_PORTION = 256


class Noise:
    """Gives each act its noise, and each reading its own."""

    def __init__(self, settings: Settings, plan: Plan, tensors: int) -> None:
        self._rng = np.random.default_rng([settings.seed, 1])
        self._traps = settings.traps
        self._metrics, self._tensors = settings.metrics, tensors
        self._metric_pairs = plan.metric_pairs
        self._layer_pairs = [(pair.first, pair.second) for pair in plan.cochanging]
        self._burst_left = 0
        self._portion: Floats = np.empty((0, 5, settings.metrics))
        self._next = 0
        self.memory = MEMORY if Trap.AUTOCORRELATION in settings.traps else 0.0
        self.layer_memory = LAYER_MEMORY if Trap.AUTOCORRELATION in settings.traps else 0.0
        self.burst = 1.0
        """The factor that the act under way has on all noise."""

    def act(self) -> Floats:
        """Give an act's rows: two innovations, two evaluation errors, one sample offset; by metric."""
        if self._next >= len(self._portion):
            self._draw()
        rows = self._portion[self._next]
        self._next += 1
        self.burst = self._burst_now()
        return np.asarray(rows * self.burst)

    def reading(self) -> Floats:
        """Give one innovation for every tensor's statistic."""
        drawn = self._rng.standard_normal(self._tensors)
        if Trap.HEAVY_TAILS in self._traps:
            drawn[::5] = self._heavy(drawn[::5].shape)
        _share(drawn, self._layer_pairs)
        return np.asarray(drawn * self.burst)

    def _draw(self) -> None:
        shape = (_PORTION if self._metrics <= 64 else 16, 5, self._metrics)
        drawn = self._rng.standard_normal(shape)
        if Trap.HEAVY_TAILS in self._traps:
            for metric in HEAVY_METRICS:
                drawn[..., metric] = self._heavy(shape[:2])
        _share(drawn, self._metric_pairs)
        drawn *= np.array([INNOVATION, INNOVATION, EVALUATION, EVALUATION, SAMPLE])[:, None]
        self._portion, self._next = drawn, 0

    def _heavy(self, shape: tuple[int, ...]) -> Floats:
        return self._rng.standard_t(3, size=shape) / math.sqrt(3.0)

    def _burst_now(self) -> float:
        if Trap.BURSTS not in self._traps:
            return 1.0
        if self._burst_left > 0:
            self._burst_left -= 1
        elif self._rng.random() < BURST_START:
            self._burst_left = BURST_ACTS
        return BURST_FACTOR if self._burst_left else 1.0


def _share(drawn: Floats, pairs: Sequence[tuple[int, int]]) -> None:
    """Let the second of each pair share part of the first's noise."""
    for first, second in pairs:
        own = math.sqrt(1.0 - SHARED_NOISE**2)
        drawn[..., second] = SHARED_NOISE * drawn[..., first] + own * drawn[..., second]
