"""What is planted in a world: every true fact, from which position, and how large; and who plays the traps.

Effects are in units of the outcome's noise: the standard deviation of after minus before on one sample is close to
`scale` for every metric (see `noise`). Each planted fact has tensors of its own, so that no fact implies another; where
a trap makes one thing look like two (`Trap.COMMON_CAUSE`) that is meant.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from benchmarks.simulation.cast import UNTIED_AT, Cast
from benchmarks.simulation.settings import Settings, Trap

SIZES = (0.35, 0.75, 1.5)
SHARED_NOISE = 0.4
"""Correlation of the noise of a planted pair of metrics or layers."""
SLOPE = 0.001
"""Drift of a metric with a trend, in noise units per act."""
COMPANION = 0.5
"""Chance that a write takes its companion along."""
FOLLOWS = 0.5
"""Chance that what follows a write comes within the next three acts, beyond chance."""
SPIKES = 0.7
"""Chance that a crossing of the threshold is followed by its observation."""
VANISH_AT = 0.5
CATEGORIES = 12
BASE_RATE = 0.012
"""Chance of each category in each act."""
PAIRED_METRICS = ((2, 3), (0, 7))
THRESHOLD, TREND, REVERSE, REGRESSION = 5, 6, 4, 7
"""Metrics with a role; no write moves the first two."""


@dataclass(frozen=True, slots=True)
class PlantedEffect:
    """What writing a tensor at dose x does to a metric: odd·x + even·x², in units of the metric's noise."""

    tensor: int
    metric: int
    odd: float = 0.0
    even: float = 0.0
    until: float = 1.0
    """Share of the events after which it stops."""


@dataclass(frozen=True, slots=True)
class PlantedPair:
    """Two tensors that are written together, or whose statistics move together, from some share of the events on."""

    first: int
    second: int
    since: float = 0.0


@dataclass(frozen=True, slots=True)
class PlantedSequence:
    """A write that makes another write, or an observation, more likely within the next three acts."""

    tensor: int
    then_tensor: int | None = None
    then_category: int | None = None


@dataclass(slots=True)
class Plan:
    """Every planted fact, and the tensors that traps need."""

    effects: list[PlantedEffect] = field(default_factory=list)
    comodified: list[PlantedPair] = field(default_factory=list)
    cochanging: list[PlantedPair] = field(default_factory=list)
    sequences: list[PlantedSequence] = field(default_factory=list)
    metric_pairs: list[tuple[int, int]] = field(default_factory=list)
    trends: list[int] = field(default_factory=list)
    thresholds: list[tuple[int, int]] = field(default_factory=list)
    """(metric, category)."""
    reverse_tensor: int = 0
    """Written when the metric `REVERSE` is high."""
    fixer: int = 0
    """Written, without a baseline, when the metric `REGRESSION` is bad."""


def make_plan(settings: Settings, cast: Cast) -> Plan:
    """Give what is planted in a world; with nothing planted, the roles of the traps alone."""
    rng = random.Random(f"plan {settings.seed}")
    free = list(cast.plain)
    rng.shuffle(free)
    plan = Plan(reverse_tensor=free.pop(), fixer=free.pop())
    if not settings.planted:
        return plan
    movable = [m for m in range(settings.metrics) if m not in (THRESHOLD, TREND)]
    plan.comodified = [PlantedPair(free.pop(), free.pop()) for _ in range(4)]
    if cast.untied:
        plan.comodified.append(PlantedPair(*cast.untied[0], since=UNTIED_AT))
    categories = list(range(CATEGORIES))
    rng.shuffle(categories)
    plan.sequences = [PlantedSequence(free.pop(), then_category=categories.pop()) for _ in range(3)]
    plan.sequences += [PlantedSequence(free.pop(), then_tensor=free.pop()) for _ in range(3)]
    plan.effects = list(_effects(settings, cast, plan, free, movable, rng))
    layers = list(cast.plain)
    rng.shuffle(layers)
    plan.cochanging = [PlantedPair(layers.pop(), layers.pop()) for _ in range(5)]
    plan.metric_pairs = list(PAIRED_METRICS)
    plan.trends = [TREND]
    plan.thresholds = [(THRESHOLD, categories.pop())]
    return plan


def _effects(
    settings: Settings, cast: Cast, plan: Plan, free: list[int], movable: Sequence[int], rng: random.Random
) -> Iterator[PlantedEffect]:
    def sign() -> float:
        return rng.choice((-1.0, 1.0))

    def metric() -> int:
        return rng.choice(movable)

    # Where the names mislead, an effect is there to be put down to the wrong one.
    misleading = [*cast.tied[:1], *cast.undeclared[:1], *(old for old, _ in cast.untied[:1])]
    misleading += [cast.gain] if cast.gain is not None else []
    for k, size in enumerate(SIZES[1:] * 2 + SIZES * 2 + SIZES[:1] * 2):
        tensor = misleading[k] if k < len(misleading) else free.pop()
        yield PlantedEffect(tensor, metric(), odd=sign() * size)
    for size in SIZES * 2:
        yield PlantedEffect(free.pop(), metric(), even=sign() * size)
    if Trap.VANISHING in settings.traps:
        for _ in range(2):
            yield PlantedEffect(free.pop(), metric(), odd=sign() * SIZES[2], until=VANISH_AT)
    if Trap.COMMON_CAUSE in settings.traps:
        tensor, (first, second) = free.pop(), rng.sample([m for m in movable if m not in (0, 2, 3, 7)] or movable, 2)
        yield PlantedEffect(tensor, first, odd=sign() * SIZES[2])
        yield PlantedEffect(tensor, second, odd=sign() * SIZES[2])
        yield PlantedEffect(plan.comodified[0].first, metric(), odd=sign() * SIZES[1], even=sign() * SIZES[1])
