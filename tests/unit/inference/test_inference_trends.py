from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.signal import lfilter

from memory.inference.kernel import SignBet
from memory.inference.scale import RunningScale, clipped_ratio
from memory.inference.trends import BLOCK, TrendGrid

TWENTY = math.log(20.0)
TRIPLE = 3 * BLOCK
Floats = NDArray[np.float64]


def told(values: Floats) -> TrendGrid:
    grid = TrendGrid()
    grid.grow(values.shape[1])
    for series, column in enumerate(values.T.tolist()):
        for value in column:
            grid.update(series, value)
    return grid


def walk(noise: Floats, phi: float = 1.0) -> Floats:
    values: Floats = lfilter([1.0], [1.0, -phi], noise, axis=0)
    return values


def test_a_drift_is_found_within_ten_triples_and_its_size_told() -> None:
    noise = np.random.default_rng(1).normal(size=(11 * TRIPLE, 2))
    grid = told(noise + np.arange(11 * TRIPLE)[:, None] * np.array([0.03, -0.03]))
    assert (grid.log_e >= TWENTY).all()
    assert grid.direction.tolist() == [1, -1]
    assert grid.mean_change == pytest.approx([0.03 * 2 * BLOCK, -0.03 * 2 * BLOCK], rel=0.25)
    assert grid.n.tolist() == [10, 10]


NULLS: dict[str, Callable[[np.random.Generator, tuple[int, int]], Floats]] = {
    "independent": lambda rng, shape: rng.normal(size=shape),
    "independent, heavy tails": lambda rng, shape: rng.standard_cauchy(shape),
    "random walk": lambda rng, shape: walk(rng.normal(size=shape)),
    "random walk, heavy tails": lambda rng, shape: walk(rng.standard_cauchy(shape)),
    "returning to its level": lambda rng, shape: walk(rng.normal(size=shape), 0.9),
    "returning slowly": lambda rng, shape: walk(rng.normal(size=shape), 0.99),
}


@pytest.mark.parametrize("null", NULLS)
def test_a_metric_that_does_not_drift_is_rarely_claimed(null: str) -> None:
    grid = told(NULLS[null](np.random.default_rng(8), (40 * TRIPLE, 300)))
    assert grid.slots == 300
    assert np.mean(grid.peak_log_e >= TWENTY) <= 0.05


def test_overlapping_triples_would_take_a_random_walk_for_a_drift() -> None:
    means = walk(np.random.default_rng(8).normal(size=(40 * TRIPLE, 300))).reshape(-1, BLOCK, 300).mean(axis=1)
    claimed = 0
    for column in (means[2:] - means[:-2]).T.tolist():
        bet, scale, peak = SignBet(), RunningScale(), 0.0
        for change in column:
            if scale.known:
                bet.update(clipped_ratio(change, scale.size()))
                peak = max(peak, bet.log_e)
            scale.add(change)
        claimed += peak >= TWENTY
    assert claimed / 300 > 0.1


def test_a_rare_jump_that_decays_for_hundreds_of_values_is_a_drift_to_it() -> None:
    # not reversible: up at once, down slowly; said in the module, so that nobody expects otherwise
    noise = np.random.default_rng(8).standard_cauchy((40 * TRIPLE, 300))
    assert np.mean(told(walk(noise, 0.999)).peak_log_e >= TWENTY) > 0.1


def test_the_first_triple_teaches_the_scale_and_bets_nothing() -> None:
    grid = TrendGrid()
    grid.grow(1)
    values = np.random.default_rng(0).normal(size=2 * TRIPLE).tolist()
    answers = [grid.update(0, value) for value in values]
    assert [k for k, settled in enumerate(answers) if settled is not None] == [2 * TRIPLE - 1]
    settled = answers[-1]
    assert settled is not None
    change = [np.mean(values[k + 32 : k + 48]) - np.mean(values[k : k + 16]) for k in (0, TRIPLE)]
    assert settled.d[0] == pytest.approx(max(-3.0, min(3.0, change[1] / abs(change[0]))))
    assert grid.mean_change[0] == pytest.approx(change[1])


def test_a_constant_metric_is_no_evidence_and_a_jump_of_unit_is_one_bet() -> None:
    grid = told(np.full((20 * TRIPLE, 1), 3.0))
    assert (grid.log_e[0], grid.n[0], grid.direction[0]) == (0.0, 19, 0)
    jumped = np.where(np.arange(20 * TRIPLE) < 10 * TRIPLE + 20, 3.0, 3000.0)
    grid = told(jumped[:, None])
    assert 0.0 < grid.peak_log_e[0] < math.log(2.0)


def test_values_that_are_no_numbers_are_skipped_and_the_largest_do_not_overflow() -> None:
    values = np.random.default_rng(0).normal(size=4 * TRIPLE).tolist()
    plain, odd = TrendGrid(), TrendGrid()
    plain.grow(1)
    odd.grow(1)
    for value in values:
        plain.update(0, value)
        odd.update(0, math.nan)
        odd.update(0, value)
        odd.update(0, -math.inf)
    assert odd.skipped.tolist() == [8 * TRIPLE]
    assert odd.log_e.tolist() == plain.log_e.tolist()
    largest = 1.7e308
    grid = told(np.tile(np.repeat([-largest, 0.0, largest, largest, 0.0, -largest], BLOCK), 5)[:, None])
    assert math.isfinite(grid.log_e[0])
    assert math.isfinite(grid.mean_change[0])


def test_each_series_has_its_own_clock_and_an_ended_one_takes_no_more() -> None:
    grid = TrendGrid()
    grid.grow(2)
    rng = np.random.default_rng(0)
    for k in range(6 * TRIPLE):
        grid.update(1, float(rng.normal()))
        if k % 2:
            grid.update(0, float(rng.normal()))
    assert grid.series.tolist() == [1, 0]
    assert grid.n.tolist() == [5, 2]
    grid.end(1)
    assert [grid.update(1, 0.0) for _ in range(3 * TRIPLE)] == [None] * (3 * TRIPLE)
    assert grid.n.tolist() == [5, 2]


def test_a_renewed_series_begins_again_but_keeps_what_it_knows_of_its_scale() -> None:
    grid = told(np.random.default_rng(0).normal(size=(5 * TRIPLE, 1)) + np.arange(5 * TRIPLE)[:, None])
    grid.renew(0)
    assert (grid.log_e[0], grid.peak_log_e[0], grid.n[0], grid.mean_change[0]) == (0.0, 0.0, 0, 0.0)
    for k in range(TRIPLE):
        grid.update(0, float(k))
    assert grid.n[0] == 1


def test_series_never_allocated_are_refused() -> None:
    grid = TrendGrid()
    for call in (lambda: grid.update(0, 1.0), lambda: grid.end(-1)):
        with pytest.raises(ValueError, match="call grow first"):
            call()
