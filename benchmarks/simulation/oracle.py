"""A second truth: how soon a sequential test that knows what it looks for would find each planted effect.

Wald's test of "no effect" against the planted one, on the very outcomes of the run, knowing the effect's size and the
noise's. Nobody who must find out both can be as fast; the ratio of writes says how much is paid for not knowing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from benchmarks.simulation.truth import Fact, Planted
from benchmarks.simulation.world import World

ALPHA = 0.05


@dataclass(frozen=True, slots=True)
class Detection:
    """When the oracle was sure."""

    position: int
    writes: int
    """Writes of the tensor up to there."""


def bar(world: World) -> float:
    """The log likelihood ratio it takes: Bonferroni over every storage and metric."""
    return math.log(world.settings.storages * world.settings.metrics / ALPHA)


def oracle_detections(world: World, planted: list[Planted]) -> dict[Fact, Detection]:
    """Give when each planted effect or impact would be found by who knows it; those never found are left out."""
    acts = world.chronicle.acts
    if any(act.outcome is None for act in acts):
        return {}
    outcomes = np.array([act.outcome for act in acts])
    paired = np.array([act.paired for act in acts])
    # A median knows nothing of bursts: the noise of a quiet act.
    spread = {
        kind: np.median(np.abs(outcomes[paired == kind]), axis=0) / 0.6745 for kind in (True, False)
    }  # fmt: skip
    column = {name: index for index, name in enumerate(world.chronicle.metric_names)}
    found: dict[Fact, Detection] = {}
    for each in planted:
        kind, tensor, metric = each.fact
        at, ratio, writes = column[metric], 0.0, 0
        for number, act in enumerate(acts):
            dose = next((dose for written, _, dose in act.writes if written == tensor), None)
            if dose is None:
                continue
            writes += 1
            if kind == "effect" and dose == 0.0:
                continue
            side = dose if kind == "effect" else 1.0
            noise = float(spread[act.paired][at])
            size = each.size / noise
            ratio += size * side * float(outcomes[number, at]) / noise - size * size / 2.0
            if ratio >= bar(world):
                found[each.fact] = Detection(act.position, writes)
                break
    return found
