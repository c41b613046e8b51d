"""Monte Carlo with fixed seeds beside the small cases: validity has controls that show the test can fail."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from memory.inference.packed import pack, unpack
from memory.inference.pair_grid import PairGrid

Floats = NDArray[np.float64]
LOG_20 = math.log(20.0)


def one(value: int) -> NDArray[np.int64]:
    return np.array([value])


def fed(readings: Floats, present: NDArray[np.bool_] | None = None, *, settle: bool = True) -> PairGrid:
    grid = PairGrid(readings.shape[1])
    there = np.ones(readings.shape, dtype=np.bool_) if present is None else present
    for u, here in zip(readings, there, strict=True):
        grid.update(u, here)
        if settle:
            grid.settle()
    return grid


def all_pairs(grid: PairGrid) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    i, j = np.tril_indices(grid.entities, -1)
    return i, j


def test_evidence_is_the_mean_of_the_bets_over_normal_stakes() -> None:
    d = np.array([1.5, -0.2, 2.0, 0.7])
    grid = fed(np.stack([d, np.ones(4)], axis=1))
    stakes = np.linspace(-6.0, 6.0, 200_001)
    density = np.sqrt(10.0 / (2.0 * np.pi)) * np.exp(-5.0 * stakes * stakes)
    wealth = np.exp(stakes * d.sum() - stakes * stakes * (d * d).sum() / 2.0)
    expected = math.log(float(np.trapezoid(density * wealth, stakes)))
    assert grid.log_e(one(0), one(1))[0] == pytest.approx(expected, rel=1e-9)


def test_evidence_stands_still_between_settlements() -> None:
    grid = fed(np.ones((30, 2)))
    before = grid.log_e(one(0), one(1)).copy()
    grid.update(np.array([1.0, -3.0]), np.ones(2, dtype=np.bool_))
    assert grid.log_e(one(0), one(1)) == before
    grid.settle()
    assert grid.log_e(one(0), one(1)) < before
    assert grid.peak_log_e(one(0), one(1)) == before


def test_a_peak_between_settlements_is_none_and_no_peak_is_below_zero() -> None:
    ones, against = np.ones((20, 2)), np.tile([1.0, -1.0], (20, 1))
    grid = fed(np.concatenate([ones, against]), settle=False)
    grid.settle()
    assert grid.peak_log_e(one(0), one(1))[0] == 0.0 > grid.log_e(one(0), one(1))[0]


def test_direction_tells_together_from_against_each_other() -> None:
    grid = fed(np.tile([1.0, 2.0, -1.0, 0.0], (5, 1)))
    assert grid.direction(np.array([0, 0, 1, 0]), np.array([1, 2, 2, 3])).tolist() == [1, -1, -1, 0]


def test_pairs_above_a_bar_are_found_in_order_whichever_way_they_are_laid_out() -> None:
    rng = np.random.default_rng(1)
    for entities in (2, 3, 8, 9, 40):
        grid = fed(rng.normal(size=(30, entities)), settle=True)
        i, j = np.triu_indices(entities, 1)
        for bar in (0.01, 0.5):
            expected = [(a, b) for a, b in zip(i, j, strict=True) if grid.log_e(one(a), one(b))[0] >= bar]
            assert list(zip(*grid.above(bar), strict=True)) == expected
            peaks = [(a, b) for a, b in zip(i, j, strict=True) if grid.peak_log_e(one(a), one(b))[0] >= bar]
            assert list(zip(*grid.ever_above(bar), strict=True)) == peaks
    with pytest.raises(ValueError, match="above 0"):
        grid.above(0.0)


def test_all_settled_pairs_come_in_order_of_the_later_entity() -> None:
    grid = fed(np.random.default_rng(2).normal(size=(25, 7)))
    i, j = all_pairs(grid)
    log_e, peak = grid.settled()
    assert (log_e == grid.log_e(i, j)).all()
    assert (peak == grid.peak_log_e(j, i)).all()


def test_a_function_of_another_is_seen_as_one_and_independent_series_as_two() -> None:
    rng = np.random.default_rng(3)
    u = rng.normal(size=(400, 2))
    readings = np.stack([u[:, 0], -2.5 * u[:, 0], u[:, 1]], axis=1)
    there = rng.random(readings.shape) < 0.8
    grid = fed(readings, there)
    assert grid.dependence(one(0), one(1))[0] == pytest.approx(1.0, abs=1e-12)
    assert grid.dependence(one(0), one(1))[0] <= 1.0
    assert grid.dependence(one(0), one(2))[0] < 0.02
    assert PairGrid(3).dependence(one(0), one(2))[0] == 0.0


def test_dependence_looks_only_at_times_when_both_were_there() -> None:
    grid = PairGrid(2)
    for _ in range(10):
        grid.update(np.array([1.0, 2.0]), np.ones(2, dtype=np.bool_))
        grid.update(np.array([50.0, 0.0]), np.array([True, False]))
    assert grid.dependence(one(0), one(1))[0] == pytest.approx(1.0)
    assert grid.count(one(0), one(1))[0] == 10


def test_a_renewed_pair_starts_at_nothing_and_no_other_does() -> None:
    grid = fed(np.random.default_rng(4).normal(size=(25, 6)))
    grid.renew(np.array([4]), np.array([1]))
    kept = [(a, b) for a, b in zip(*all_pairs(grid), strict=True) if {a, b} != {1, 4}]
    for read in (grid.total, grid.squares, grid.log_e, grid.peak_log_e, grid.count, grid.dependence):
        assert read(one(1), one(4))[0] == 0
    assert all(grid.count(one(a), one(b))[0] == 25 and grid.squares(one(a), one(b))[0] > 0.0 for a, b in kept)
    grid.update(np.ones(6), np.ones(6, dtype=np.bool_))
    assert grid.count(one(1), one(4))[0] == 1


def test_a_dropped_entity_is_never_present_again() -> None:
    readings = np.random.default_rng(5).normal(size=(25, 5))
    grid = fed(readings)
    grid.drop(2)
    for u in readings:
        grid.update(u, np.ones(5, dtype=np.bool_))
    grid.settle()
    others = np.array([0, 1, 3, 4])
    for read in (grid.total, grid.squares, grid.log_e, grid.peak_log_e, grid.count, grid.dependence):
        assert not read(np.full(4, 2), others).any()
    assert grid.count(one(0), one(1))[0] == 50


def test_what_is_no_number_is_absent_and_counted() -> None:
    grid = PairGrid(3)
    here = np.array([True, True, False])
    for bad in (math.nan, math.inf, -math.inf, 1e200):
        grid.update(np.array([1.0, bad, math.nan]), here)
    grid.settle()
    assert grid.skipped == 4
    assert grid.count(one(0), one(1))[0] == 0
    grid.update(np.array([1.0, 2.0, math.nan]), here)
    assert grid.count(one(0), one(1))[0] == 1
    assert grid.total(one(0), one(1))[0] == 2.0


def test_a_constant_series_gives_no_evidence_and_no_warning() -> None:
    grid = fed(np.stack([np.zeros(50), np.random.default_rng(6).normal(size=50)], axis=1))
    assert grid.log_e(one(0), one(1))[0] == 0.0


def test_pairs_of_nobody_are_refused() -> None:
    grid = PairGrid(3)
    for i, j in ((0, 0), (0, 3), (-1, 1)):
        with pytest.raises(ValueError, match="different entities below 3"):
            grid.log_e(one(i), one(j))
    with pytest.raises(ValueError, match="3 entities"):
        grid.update(np.zeros(2), np.ones(2, dtype=np.bool_))
    with pytest.raises(ValueError, match="none of them is 3"):
        grid.drop(3)
    with pytest.raises(ValueError, match="3 pairs"):
        PairGrid.from_arrays(grid.to_arrays() | {"sums": np.zeros((7, 2))})


def test_who_else_is_there_changes_no_bit_of_a_pair() -> None:
    """The few and the many are summed in different ways, and evidence is computed where the pair happens to lie."""
    rng = np.random.default_rng(7)
    readings = rng.standard_t(3, size=(60, 41))
    there = rng.random(readings.shape) < 0.7
    there[20:40, 5:] = False
    large, few = fed(readings, there), [3, 1, 4]
    small = fed(readings[:, few], there[:, few])
    i, j = all_pairs(small)
    original = np.array(few)
    for name in ("total", "squares", "log_e", "peak_log_e", "count"):
        mine, theirs = getattr(small, name)(i, j), getattr(large, name)(original[i], original[j])
        assert mine.tobytes() == theirs.tobytes(), name
    assert small.dependence(i, j) == pytest.approx(large.dependence(original[i], original[j]), rel=1e-12)


def test_growth_between_update_and_settlement_loses_nothing() -> None:
    rng = np.random.default_rng(10)
    readings = rng.normal(size=(30, 40))
    few = np.zeros(40, dtype=np.bool_)
    few[[2, 7, 11]] = True
    grown, always = PairGrid(40), PairGrid(90)
    for u in readings:
        grown.update(u, few)
        always.update(np.pad(u, (0, 50)), np.pad(few, (0, 50)))
    grown.grow(90)
    for grid in (grown, always):
        grid.settle()
    assert grown.log_e(one(2), one(7))[0] != 0.0
    assert pack(grown.to_arrays()) == pack(always.to_arrays())


def test_state_comes_back_from_bytes_between_update_and_settlement() -> None:
    rng = np.random.default_rng(8)
    live = fed(rng.normal(size=(9, 12)))
    live.update(rng.normal(size=12), np.ones(12, dtype=np.bool_))
    replayed = PairGrid.from_arrays(unpack(pack(live.to_arrays())))
    for grid in (live, replayed):
        grid.settle()
    assert pack(live.to_arrays()) == pack(replayed.to_arrays())


# Validity: ever E >= 20, looked at after every reading.

READINGS, SERIES = 300, 30


def cauchy(rng: np.random.Generator) -> Floats:
    return rng.standard_cauchy(size=(READINGS, SERIES))


def bursts(rng: np.random.Generator) -> Floats:
    """Everything moves more at the same times."""
    common = np.exp(2.0 * rng.normal(size=(READINGS, 1))) * np.exp(np.sin(np.arange(READINGS) / 9.0))[:, None]
    return rng.normal(size=(READINGS, SERIES)) * common


def half_skewed(rng: np.random.Generator) -> Floats:
    """Every second series is symmetric; the others keep a mean, drift, and are anything but. Only mixed pairs count."""
    readings = rng.normal(size=(READINGS, SERIES))
    readings[:, 1::2] = rng.exponential(size=(READINGS, SERIES // 2)) + 1.0
    return readings


def missing_by_the_other(rng: np.random.Generator) -> Floats:
    """A series is absent by what others do, never by its own sign."""
    readings = rng.standard_t(2, size=(READINGS, SERIES))
    readings[:, 1::2][readings[:, ::2] ** 2 > 1.0] = math.nan
    return readings


def both_lean(rng: np.random.Generator) -> Floats:
    return rng.normal(size=(READINGS, SERIES)) + 0.5


def one_walk(rng: np.random.Generator) -> Floats:
    """Levels, not innovations: the past predicts the signs of both."""
    return np.cumsum(rng.normal(size=(READINGS, SERIES)), axis=0) / 10.0


def ever_found(make: Callable[[np.random.Generator], Floats], runs: int) -> float:
    rng, found, pairs = np.random.default_rng(77), 0, 0
    for _ in range(runs):
        readings = np.clip(make(rng), -3.0, 3.0)
        grid = fed(readings, np.isfinite(readings))
        i, j = all_pairs(grid)
        counted = (i - j) % 2 == 1 if make is half_skewed else np.ones(len(i), dtype=np.bool_)
        found += int((grid.peak_log_e(i, j)[counted] >= LOG_20).sum())
        pairs += int(counted.sum())
    return found / pairs


@pytest.mark.parametrize("make", [cauchy, bursts, half_skewed, missing_by_the_other])
def test_pairs_without_a_common_sign_are_found_at_most_once_in_twenty(
    make: Callable[[np.random.Generator], Floats],
) -> None:
    assert 0.0 < ever_found(make, runs=12) <= 0.05


@pytest.mark.parametrize("make", [both_lean, one_walk])
def test_where_neither_sign_is_a_coin_the_promise_fails(make: Callable[[np.random.Generator], Floats]) -> None:
    assert ever_found(make, runs=2) > 0.5


def test_a_correlation_of_three_tenths_is_found_within_two_hundred_and_fifty_readings() -> None:
    rng = np.random.default_rng(9)
    common = rng.normal(size=(250, 300))
    found = []
    for pair in range(300):
        noise = rng.normal(size=(250, 2))
        readings = np.sqrt(0.3) * common[:, pair, None] + np.sqrt(0.7) * noise
        found.append(fed(readings).peak_log_e(one(0), one(1))[0] >= LOG_20)
    assert np.mean(found) >= 0.9
