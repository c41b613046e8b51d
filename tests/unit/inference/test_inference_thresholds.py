from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.signal import lfilter

from memory.inference.sequences import BLOCK
from memory.inference.thresholds import FEWEST, ThresholdGrid

TWENTY = math.log(20.0)
Floats = NDArray[np.float64]
Run = tuple[Floats, NDArray[np.bool_]]
"""Values, cycle × metric, and presence, cycle × category."""


def told(values: Floats, presence: NDArray[np.bool_]) -> ThresholdGrid:
    grid = ThresholdGrid()
    grid.grow(values.shape[1], presence.shape[1])
    for row, present in zip(values, presence, strict=True):
        grid.cycle(row, np.flatnonzero(present).tolist())
    return grid


def metrics(rng: np.random.Generator, cycles: int, phi: float, heavy: bool = False) -> Floats:
    noise = rng.standard_cauchy((cycles, 4)) if heavy else rng.normal(size=(cycles, 4))
    values: Floats = lfilter([1.0], [1.0, -phi], noise, axis=0)
    return values


def answered(rng: np.random.Generator, blocks: int, delay: int) -> Run:
    """Category 0 occurs `delay` cycles after metric 0 first exceeds 1.5 (before, if negative), and at random."""
    values = metrics(rng, BLOCK * blocks, 0.7)
    presence = rng.random((BLOCK * blocks, 3)) < 0.05
    high = values[:, 0] > 1.5
    crossing = np.flatnonzero(high & ~np.roll(high, 1))
    presence[np.clip(crossing + delay, 0, len(presence) - 1), 0] = True
    return values, presence


def unrelated(rng: np.random.Generator, phi: float, heavy: bool) -> Run:
    presence = rng.random((BLOCK * 40, 6)) < 0.5
    # long spells of each category
    spells = np.repeat(rng.random((BLOCK * 40 // 16, 6)) < 0.4, 16, axis=0)
    return metrics(rng, BLOCK * 40, phi, heavy), presence & spells


def share_ever_claimed(make: Callable[[np.random.Generator], Run], runs: int, seed: int = 4) -> float:
    rng, claimed, pairs = np.random.default_rng(seed), 0, 0
    for _ in range(runs):
        grid = told(*make(rng))
        claimed += int((grid.peak_log_e >= TWENTY).sum())
        pairs += grid.slots
    return claimed / pairs


def test_an_answer_to_a_threshold_is_found_among_twelve_pairs_within_fifteen_blocks() -> None:
    grid = told(*answered(np.random.default_rng(2), 15, delay=2))
    assert grid.keys[:, grid.log_e >= TWENTY + math.log(12.0)].T.tolist() == [[0, 0]]
    assert grid.slots == 12
    slot = int(np.argmax(grid.log_e))
    assert (grid.metric[slot], grid.category[slot], grid.direction[slot]) == (0, 0, 1)
    assert grid.total[slot] / grid.n[slot] > 0.5


def test_what_raises_a_metric_is_not_taken_for_an_answer_to_it() -> None:
    grid = told(*answered(np.random.default_rng(2), 40, delay=-2))
    assert (grid.peak_log_e < TWENTY).all()
    assert grid.total[np.flatnonzero((grid.metric == 0) & (grid.category == 0))] < 0.0


@pytest.mark.parametrize("heavy", [False, True])
@pytest.mark.parametrize("phi", [0.0, 0.9, 0.99])
def test_a_metric_and_spells_of_a_category_that_ignore_each_other_are_rarely_claimed(phi: float, heavy: bool) -> None:
    assert share_ever_claimed(lambda rng: unrelated(rng, phi, heavy), runs=12) <= 0.05


def test_the_same_share_is_large_where_one_answers_the_other() -> None:
    assert share_ever_claimed(lambda rng: answered(rng, 40, delay=2), runs=4) == pytest.approx(1 / 12)


def test_levels_are_quantiles_of_the_past_alone_and_wait_for_thirty_two_values() -> None:
    def crossed(values: list[float]) -> list[list[int]]:
        grid = ThresholdGrid()
        grid.grow(1, 1)
        for value in values:
            grid.cycle({0: value}, [])
        sizes, members = grid.to_arrays()["crossing.sizes"], grid.to_arrays()["crossing.members"].tolist()
        return [members[end - size : end] for size, end in zip(sizes, np.cumsum(sizes), strict=True)]

    past = [float(k % 10) for k in range(FEWEST)]
    assert crossed([*past[:-1], 99.0]) == [[]] * FEWEST
    # after a value that was above no level, of 33 values 27 are below 7.5, 30 below 8.5, and all below 100
    assert crossed([*past, 0.0, 7.5])[-1] == [0]
    assert crossed([*past, 0.0, 8.5])[-1] == [0, 1]
    assert crossed([*past, 0.0, 100.0])[-1] == [0, 1, 2]
    # still above is no crossing, and a value equal to a level is not above it
    assert crossed([*past, 0.0, 100.0, 101.0])[-1] == []
    assert crossed([*past, 0.0, 7.0])[-1] == []
    # the first value with levels has none before it to have been below
    assert crossed([*past, 100.0])[-1] == []


def test_old_values_are_forgotten_after_two_hundred_and_fifty_six() -> None:
    grid = ThresholdGrid()
    grid.grow(1, 1)
    for value in [1e6] * 256 + [0.0] * 256:
        grid.cycle({0: value}, [])
    grid.cycle({0: 1.0}, [])
    assert grid.to_arrays()["crossing.members"].tolist() == [0, 1, 2]


def test_the_oldest_of_two_hundred_and_fifty_six_values_still_counts() -> None:
    grid = ThresholdGrid()
    grid.grow(1, 1)
    for value in [0.0] * 204 + [10.0] * 51 + [0.0, 5.0]:
        grid.cycle({0: value}, [])
    assert grid.to_arrays()["crossing.members"].tolist() == [0]


def test_values_that_are_no_numbers_are_skipped_and_counted() -> None:
    plain, odd = ThresholdGrid(), ThresholdGrid()
    rng = np.random.default_rng(0)
    for grid in (plain, odd):
        grid.grow(2, 1)
    for k, value in enumerate(rng.normal(size=3 * BLOCK).tolist()):
        present = [0] if k % 3 else []
        plain.cycle({0: value}, present)
        odd.cycle({0: value, 1: [math.nan, math.inf, -math.inf][k % 3]}, present)
    assert odd.skipped.tolist() == [0, 3 * BLOCK]
    assert odd.log_e.tolist() == plain.log_e.tolist()
    assert odd.slots == plain.slots == 1


def test_values_may_come_as_an_array_with_nan_for_none() -> None:
    named, listed = ThresholdGrid(), ThresholdGrid()
    rng = np.random.default_rng(0)
    for grid in (named, listed):
        grid.grow(3, 2)
    for k in range(4 * BLOCK):
        row = np.where(rng.random(3) < 0.8, rng.normal(size=3), np.nan)
        named.cycle({m: float(v) for m, v in enumerate(row) if not math.isnan(v)}, [k % 2])
        listed.cycle(row, [k % 2])
    assert listed.slots == 6
    for name, array in named.to_arrays().items():
        assert array.tobytes() == listed.to_arrays()[name].tobytes()
    assert listed.skipped.tolist() == [0, 0, 0]


def test_a_constant_metric_crosses_nothing() -> None:
    presence = np.random.default_rng(0).random((4 * BLOCK, 1)) < 0.5
    assert told(np.full((4 * BLOCK, 1), 7.0), presence).slots == 0


def test_metrics_and_categories_come_and_go_at_the_ends_of_blocks() -> None:
    grid = ThresholdGrid()
    grid.grow(2, 2)
    for cycle in range(4 * BLOCK):
        if cycle == 5:
            grid.grow(1, 1)
        if cycle == 3 * BLOCK + 5:
            grid.end_metric(0)
            grid.end_category(0)
        # all metrics cross their lowest level every eighth cycle, all categories occur two cycles later
        values = np.full(2 + (cycle >= 5), float(cycle % 8 == 0))
        grid.cycle(values, [0, 1, 2][: 2 + (cycle >= 5)] if cycle % 8 == 2 else [])
    blocks = dict(zip(map(tuple, grid.keys.T.tolist()), grid.n.tolist(), strict=True))
    assert blocks == {
        (0, 0): 3, (0, 1): 3, (1, 0): 3, (1, 1): 4,
        (0, 2): 2, (1, 2): 3, (2, 0): 2, (2, 1): 3, (2, 2): 3,
    }  # fmt: skip


def test_an_excluded_pair_gets_no_slot() -> None:
    grid = ThresholdGrid()
    grid.grow(4, 3)
    for row, present in zip(*answered(np.random.default_rng(3), 4, delay=2), strict=True):
        grid.cycle(row, np.flatnonzero(present).tolist(), lambda metric, category: (metric == 0) & (category == 0))
    assert grid.slots == 11
    assert [0, 0] not in grid.keys.T.tolist()


def test_metrics_never_allocated_are_refused_and_leave_no_trace() -> None:
    grid = ThresholdGrid()
    grid.grow(1, 1)
    for values, present in (({1: 0.0}, [0]), ({-1: 0.0}, [0]), ({0: 0.0}, [1])):
        with pytest.raises(ValueError, match="call grow first"):
            grid.cycle(values, present)
    assert grid.to_arrays()["seen"].tolist() == [0]
    assert grid.to_arrays()["present.sizes"].tolist() == []
