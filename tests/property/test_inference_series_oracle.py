"""Many series at once against one at a time in plain Python, with interruptions, growth and bad input at random."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from memory.inference.innovations import (
    DRIFT_GAIN,
    FORGETTING,
    GAIN,
    JUMP,
    LAG_CLIP,
    PRESSURE,
    RIDGE,
    STATIONARY,
    STILL_GAIN,
    Innovations,
)
from memory.inference.packed import pack, unpack
from memory.inference.pair_grid import PairGrid
from memory.inference.write_effects import DENSE_GROUPS, WriteEffects
from memory.inference.write_effects import FORGETTING as WRITE_FORGETTING

seeds = st.integers(0, 2**32 - 1)
BAD = (math.nan, math.inf, -math.inf, 1e200)


def again(machine: Any) -> Any:
    return type(machine).from_arrays(unpack(pack(machine.to_arrays())))


def median(values: list[float]) -> float:
    if not values:
        return 0.0
    ordered = sorted(values)
    below = ordered[(len(ordered) - 1) // 2]
    return below + (ordered[len(ordered) // 2] - below) / 2.0


def within(value: float, bound: float) -> float:
    return max(-bound, min(bound, value))


# Pairs


@dataclass
class PlainPairs:
    """The sums of every pair, one at a time."""

    entities: int = 0
    living: set[int] = field(default_factory=set)
    sums: dict[tuple[int, int], list[float]] = field(default_factory=dict)

    def grow(self, entities: int) -> None:
        self.living |= set(range(self.entities, entities))
        self.entities = max(entities, self.entities)
        for i in range(self.entities):
            for j in range(i):
                self.sums.setdefault((i, j), [0.0] * 7)

    def update(self, u: NDArray[np.float64], present: NDArray[np.bool_]) -> None:
        there = [k for k in range(self.entities) if present[k] and k in self.living and abs(u[k]) <= 1e60]
        for i in there:
            for j in there:
                if j < i:
                    d, sums = float(u[i] * u[j]), self.sums[i, j]
                    for at, term in enumerate((d, d * d, 1.0, float(u[i] ** 2), float(u[j] ** 2))):
                        sums[at] += term

    def settle(self) -> None:
        for sums in self.sums.values():
            v = sums[1] + 10.0
            sums[5] = 0.5 * math.log(10.0 / v) + sums[0] ** 2 / (2.0 * v)
            sums[6] = max(sums[6], sums[5])

    def clear(self, pairs: list[tuple[int, int]]) -> None:
        for i, j in pairs:
            self.sums[max(i, j), min(i, j)] = [0.0] * 7


@given(seed=seeds, start=st.integers(0, 12), events=st.integers(0, 60))
@settings(max_examples=40, deadline=None)
def test_a_grid_is_its_pairs_one_at_a_time_whatever_comes(seed: int, start: int, events: int) -> None:
    rng = random.Random(seed)
    live, replayed, plain = PairGrid(start), PairGrid(start), PlainPairs()
    plain.grow(start)
    present = np.ones(start, dtype=np.bool_)
    for _ in range(events):
        if rng.random() < 0.15:
            replayed = again(replayed)
        if rng.random() < 0.1:
            entities = plain.entities + rng.randint(0, 5)
            for each in (live, replayed, plain):
                each.grow(entities)
        k = plain.entities
        if k >= 2 and rng.random() < 0.05:
            i, j = rng.sample(range(k), 2)
            for grid in (live, replayed):
                grid.renew(np.array([i]), np.array([j]))
            plain.clear([(i, j)])
        if k >= 2 and rng.random() < 0.03:
            gone = rng.randrange(k)
            for grid in (live, replayed):
                grid.drop(gone)
            plain.living.discard(gone)
            plain.clear([(gone, other) for other in range(k) if other != gone])
        u = np.array([rng.choice(BAD) if rng.random() < 0.03 else rng.gauss(0.0, 1.0) for _ in range(k)])
        if rng.random() < 0.5 or len(present) != k:
            share = rng.choice((0.05, 0.3, 0.9, 1.0))
            present = np.array([rng.random() < share for _ in range(k)], dtype=np.bool_)
        for each in (live, replayed, plain):
            each.update(u, present)
        if rng.random() < 0.5:
            for each in (live, replayed, plain):
                each.settle()
    assert pack(live.to_arrays()) == pack(replayed.to_arrays())
    i, j = np.tril_indices(plain.entities, -1)
    expected = np.array([plain.sums[pair] for pair in zip(i.tolist(), j.tolist(), strict=True)]).reshape(-1, 7)
    reads = (live.total, live.squares, live.count, None, None, live.log_e, live.peak_log_e)
    for at, read in enumerate(reads):
        if read is not None:
            assert read(i, j) == pytest.approx(expected[:, at], rel=1e-12, abs=1e-12)
    for (a, b), sums in plain.sums.items():
        known = sums[3] > 0.0 and sums[4] > 0.0
        share = sums[0] ** 2 / (sums[3] * sums[4]) if known else 0.0
        assert live.dependence(np.array([a]), np.array([b]))[0] == pytest.approx(share, rel=1e-12, abs=1e-12)


# Series


@dataclass
class PlainSeries:
    """One series, in plain Python."""

    seen: int = 0
    level: float = 0.0
    value: float = 0.0
    still: float = 0.0
    drift: float = 0.0
    d1: float = 0.0
    d2: float = 0.0
    pressed: float = 0.0
    a1: float = 0.0
    a2: float = 0.0
    moments: list[float] = field(default_factory=lambda: [0.0] * 5)
    sizes: list[float] = field(default_factory=list)

    def stand(self, value: float) -> None:
        self.level = value
        self.drift = self.d1 = self.d2 = self.pressed = 0.0

    def learn(self, d: float, d1: float, d2: float) -> None:
        terms = (d * d1, d1 * d1, d1 * d2, d * d2, d2 * d2)
        self.moments = [FORGETTING * old + term for old, term in zip(self.moments, terms, strict=True)]
        y1, s11, s12, y2, s22 = self.moments
        s11, s22 = s11 + RIDGE, s22 + RIDGE
        determinant = s11 * s22 - s12 * s12
        self.a2 = within((s11 * y2 - s12 * y1) / determinant, STATIONARY)
        self.a1 = within((s22 * y1 - s12 * y2) / determinant, STATIONARY - self.a2)

    def read(self, value: float, adjustment: float, broken: bool) -> tuple[float, float, float, bool]:
        if not abs(value) <= 1e60:
            self.level += adjustment
            return 0.0, 0.0, 0.0, False
        expected = self.level + self.drift + adjustment
        self.seen += 1
        if broken or self.seen <= 2:
            d = value - expected if self.seen == 2 and not broken else 0.0
            if self.seen == 2 and not broken:
                self.level = expected + 0.5 * d
            else:
                self.stand(value)
            self.value = value
            self.sizes += [abs(d)] if d else []
            return 0.0, 0.0, 0.0, False
        residual = value - (expected + (self.a1 * self.d1 + self.a2 * self.d2))
        scale = median(self.sizes[-32:])
        unit = max(scale, 1e-200)
        u = within(residual / unit, 3.0)
        d = within((value - expected) / unit, LAG_CLIP)
        self.learn(d, within(self.d1 / unit, LAG_CLIP), within(self.d2 / unit, LAG_CLIP))
        self.d1, self.d2 = d * scale, self.d1
        self.level, self.drift = expected + GAIN * self.d1, self.drift + DRIFT_GAIN * self.d1
        self.pressed = 0.5 * self.pressed + u
        self.still += STILL_GAIN * ((value == self.value) - self.still)
        self.value = value
        if abs(self.pressed) >= PRESSURE or abs(value - expected) / unit > JUMP or self.still > 0.5:
            self.stand(value)
        self.sizes += [abs(residual)] if residual else []
        return residual, scale, u, True


def reading(rng: random.Random, last: float, kind: int) -> float:
    if rng.random() < 0.02:
        return rng.choice(BAD)
    if kind == 0 or (kind == 1 and rng.random() < 0.8):
        return last if math.isfinite(last) and abs(last) < 1e60 else 0.0
    if rng.random() < 0.01:
        return 1000.0 * rng.gauss(5.0, 1.0)
    return rng.gauss(0.0, 1.0) / (rng.random() if kind == 2 else 1.0)


@given(seed=seeds, events=st.integers(0, 150))
@settings(max_examples=40, deadline=None)
def test_series_are_each_their_own_whoever_is_read_with_them(seed: int, events: int) -> None:
    """The oracle agrees to rounding; a copy that is alone, or was interrupted, to the bit."""
    rng = random.Random(seed)
    live, replayed, alone = Innovations(3), Innovations(3), Innovations(1)
    plain, last = [PlainSeries() for _ in range(6)], [0.0] * 6
    count = 3
    for event in range(events):
        if rng.random() < 0.1:
            replayed = again(replayed)
        if event in (20, 50):
            count += 1
            live.grow(count)
            replayed.grow(count)
        index = np.array(rng.sample(range(count), rng.randint(1, count)))
        last = [reading(rng, value, kind % 4) for kind, value in enumerate(last)]
        values = np.array([last[k] for k in index])
        adjustment = np.array([rng.gauss(0.0, 1.0) if rng.random() < 0.1 else 0.0 for _ in index])
        broken = np.array([rng.random() < 0.02 for _ in index])
        step = live.update(index, values, adjustment, broken)
        twin = replayed.update(index, values, adjustment, broken)
        assert (step.u.tobytes(), step.forecast.tobytes()) == (twin.u.tobytes(), twin.forecast.tobytes())
        for at, k in enumerate(index.tolist()):
            expected = plain[k].read(values[at], adjustment[at], bool(broken[at]))
            mine = (step.residual[at], step.scale[at], step.u[at], step.known[at])
            assert mine == pytest.approx(expected, rel=1e-12, abs=1e-12)
            if k == 2:
                single = alone.update(np.array([0]), values[[at]], adjustment[[at]], broken[[at]])
                assert (single.residual[0], single.u[0]) == (step.residual[at], step.u[at])
    assert pack(live.to_arrays()) == pack(replayed.to_arrays())


@given(seed=seeds, value=st.one_of(st.floats(), st.floats(-5.0, 5.0)))
@settings(max_examples=60, deadline=None)
def test_a_reading_decides_neither_its_forecast_nor_its_scale(seed: int, value: float) -> None:
    rng = np.random.default_rng(seed)
    series = Innovations(4)
    for values in rng.normal(size=(int(rng.integers(2, 40)), 4)):
        series.update(np.arange(4), values)
    steps = [again(series).update(np.arange(4), np.full(4, each)) for each in (0.5, value)]
    known = steps[1].known
    assert known.all() == (abs(value) <= 1e60)
    assert (steps[0].forecast == steps[1].forecast).all() or not known.all()
    assert (steps[0].scale[known] == steps[1].scale[known]).all()


# Writes


class PlainWrites:
    """Recursive least squares of one metric on its own, over lists."""

    def __init__(self, regressors: int) -> None:
        self.effects = [0.0] * regressors
        self.p = [[float(i == j) for j in range(regressors)] for i in range(regressors)]
        self.sizes: list[float] = []

    def update(self, doses: list[float], value: float) -> None:
        every = range(len(doses))
        surprise = value - sum(self.effects[k] * doses[k] for k in every)
        scale = median(self.sizes[-32:])
        self.sizes += [abs(surprise)] if surprise else []
        if not any(doses):
            return
        if scale > 0.0:
            surprise = within(surprise, 5.0 * scale)
        px = [sum(self.p[i][k] * doses[k] for k in every) for i in every]
        noise = 1.0 + sum(px[k] * doses[k] for k in every)
        for i in every:
            self.effects[i] += surprise * px[i] / noise
        # What is nearly uncorrelated with what was written stays as it is.
        negligible = 1e-3 * max(abs(each) for each in px)
        px = [each if abs(each) >= negligible else 0.0 for each in px]
        for i in every:
            for j in every:
                self.p[i][j] -= px[i] * px[j] / noise
        for k in every:
            if doses[k]:
                widen = math.sqrt(min(1.0 / WRITE_FORGETTING, 1.0 / self.p[k][k]))
                for j in every:
                    self.p[k][j] *= widen
                    self.p[j][k] *= widen


@given(seed=seeds, metrics=st.integers(1, DENSE_GROUPS), events=st.integers(0, 80))
@settings(max_examples=30, deadline=None)
def test_writes_are_learned_as_for_each_metric_alone_whatever_is_missing(seed: int, metrics: int, events: int) -> None:
    rng = random.Random(seed)
    live, replayed = WriteEffects(), WriteEffects()
    for each in (live, replayed):
        each.grow(12, metrics)
    plain = [PlainWrites(12) for _ in range(metrics)]
    for _ in range(events):
        if rng.random() < 0.1:
            replayed = again(replayed)
        near = rng.randrange(8)
        chosen = rng.sample(range(near, near + 4), rng.randint(0, 3))
        doses = [rng.choice((-1.0, 1.0, 0.5, 0.0)) for _ in chosen]
        share = rng.choice((0.3, 1.0))
        there = [metric for metric in range(metrics) if rng.random() < share]
        values = [rng.choice(BAD) if rng.random() < 0.03 else rng.gauss(0.0, 1.0) + sum(doses) for _ in there]
        given_to = (
            np.array(chosen, dtype=np.int64),
            np.array(doses),
            np.array(there, dtype=np.int64),
            np.array(values),
        )
        live.update(*given_to)
        replayed.update(*given_to)
        whole = [0.0] * 12
        for k, dose in zip(chosen, doses, strict=True):
            whole[k] = dose
        for metric, value in zip(there, values, strict=True):
            if abs(value) <= 1e60:
                plain[metric].update(whole, value)
    assert pack(live.to_arrays()) == pack(replayed.to_arrays())
    mine = live.expected(np.arange(12), np.ones(12), np.arange(metrics))
    assert mine == pytest.approx(np.array([each.effects for each in plain]).T, rel=1e-12, abs=1e-12)
