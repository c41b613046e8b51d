"""What writes truly do, found by doing: clean repetitions, each on a fresh sample, every bit put back after each."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.real_network.loop import METRICS, Subject
from benchmarks.real_network.ways import Way, done
from memory.cli.demo import experiment

FRESH = 10_000_000
"""Samples from this number on are drawn for no act."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of a write: one part of its outcome, and one metric."""

    storage: str
    method: str
    dose: float | None
    part: str
    """effect: odd; impact: even, or whatever it does where it has no sides; moves: the share that matters."""
    metric: str


@dataclass(frozen=True, slots=True)
class Truth:
    """A mean over repetitions, and its standard error."""

    mean: float
    error: float

    def excluded_by(self, low: float, high: float, errors: float = 2.0) -> bool:
        """Say whether an interval leaves out everything within so many standard errors."""
        return low > self.mean + errors * self.error or high < self.mean - errors * self.error

    def beyond(self, direction: int, smallest: float) -> int:
        """Say whether it lies beyond the smallest size that matters on a side, at 3 se: 1 yes, -1 no, 0 open."""
        distance = direction * self.mean - smallest
        return 0 if abs(distance) <= 3.0 * self.error else 1 if distance > 0.0 else -1


def storage_of(studied: Subject, name: str, names: Sequence[str]) -> str:
    """Give the first of some names that shows the same parameter."""
    weight = studied.weight(name)
    return next(each for each in names if studied.weight(each) is weight)


def truths(
    studied: Subject,
    ways: Sequence[Way],
    names: Sequence[str],
    smallest: Mapping[str, float],
    repetitions: int,
    seed: int,
) -> tuple[dict[Question, Truth], NDArray[np.float64]]:
    """Measure by doing: every way on every sample, both sides of it on the same one.

    Args:
        studied: The network; every bit of it is as it was afterwards.
        ways: What to do.
        names: Names to know storages by, first come first.
        smallest: The smallest change of each metric that matters.
        repetitions: How many fresh samples.
        seed: Decides samples and noise.

    Returns:
        The truths, and what the network as it is scored on each sample.
    """
    distinct = {(storage_of(studied, way.name, names), way.method, way.dose): way for way in ways}
    changes = {key: np.zeros((repetitions, 2 if way.coin else 1, len(METRICS))) for key, way in distinct.items()}
    scores = np.zeros((repetitions, len(METRICS)))
    for repetition in range(repetitions):
        generator = experiment.act_generator(seed, FRESH + repetition)
        tokens = studied.sample(generator)
        base = studied.values(tokens)
        scores[repetition] = [base[metric] for metric in METRICS]
        for key, way in distinct.items():
            for side, sign in enumerate((1, -1) if way.coin else (1,)):
                with done(studied.weight(way.name), way, sign, generator):
                    values = studied.values(tokens)
                changes[key][repetition, side] = [values[metric] - base[metric] for metric in METRICS]
    found: dict[Question, Truth] = {}
    for (storage, method, dose), way in distinct.items():
        for part, outcomes in _parts(way, changes[storage, method, dose], smallest).items():
            for column, metric in enumerate(METRICS):
                found[Question(storage, method, dose, part, metric)] = _mean(outcomes[:, column])
    return found, scores


def _parts(way: Way, changes: NDArray[np.float64], smallest: Mapping[str, float]) -> dict[str, NDArray[np.float64]]:
    if way.coin:
        plus, minus = changes[:, 0], changes[:, 1]
        return {"effect": (plus - minus) / 2.0, "impact": (plus + minus) / 2.0}
    parts = {"impact": changes[:, 0]}
    if way.method == "noise":
        parts["moves"] = (np.abs(changes[:, 0]) > np.array([smallest[metric] for metric in METRICS])).astype(np.float64)
    return parts


def _mean(outcomes: NDArray[np.float64]) -> Truth:
    return Truth(float(outcomes.mean()), float(outcomes.std(ddof=1) / math.sqrt(len(outcomes))))
