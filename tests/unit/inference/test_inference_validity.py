"""Monte Carlo with fixed seeds: what the docstrings call guaranteed, and controls showing that the test can fail."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from memory.inference import PairedProcess

RUNS, ACTS = 600, 60
Floats = NDArray[np.float64]


def autoregressive(rng: np.random.Generator) -> Floats:
    noise = rng.normal(size=ACTS)
    for k in range(1, ACTS):
        noise[k] += 0.95 * noise[k - 1]
    return noise


def cauchy(rng: np.random.Generator) -> Floats:
    return rng.standard_cauchy(size=ACTS)


def lifted(rng: np.random.Generator) -> Floats:
    return 3.0 + rng.normal(size=ACTS)


def bursts(rng: np.random.Generator) -> Floats:
    return rng.normal(size=ACTS) * np.exp(2.0 * np.sin(np.arange(ACTS) / 3.0)) + rng.exponential(size=ACTS)


def coin(rng: np.random.Generator, p_plus: float = 0.5) -> Floats:
    return np.where(rng.random(ACTS) < p_plus, 1.0, -1.0)


def ever_reached(
    outcomes: Callable[[np.random.Generator], tuple[Floats, Floats]], delta: float = 0.0, bound: float = 20.0
) -> float:
    rng = np.random.default_rng(20240)
    reached = 0
    for _ in range(RUNS):
        process = PairedProcess(smallest_effect=delta)
        for outcome, propensity in zip(*outcomes(rng), strict=True):
            process.update(float(outcome), float(propensity))
        reached += process.peak_log_e >= math.log(bound)
    return reached / RUNS


HALF = np.full(ACTS, 0.5)


@pytest.mark.parametrize("change", [autoregressive, cauchy, lifted, bursts])
def test_no_effect_is_claimed_where_a_coin_chose_the_sign(change: Callable[[np.random.Generator], Floats]) -> None:
    rate = ever_reached(lambda rng: (coin(rng) * change(rng), HALF))
    assert 0.0 < rate <= 0.05


def test_without_the_coin_a_lasting_lift_is_claimed_as_an_effect() -> None:
    assert ever_reached(lambda rng: (lifted(rng), HALF)) == 1.0


def test_a_lopsided_coin_is_fair_when_its_propensity_is_known_and_not_when_it_is_taken_for_even() -> None:
    def outcomes(rng: np.random.Generator) -> tuple[Floats, Floats]:
        z = coin(rng, 0.8)
        return z * lifted(rng), np.where(z > 0, 0.8, 0.2)

    assert ever_reached(outcomes) <= 0.05
    assert ever_reached(lambda rng: (outcomes(rng)[0], HALF)) > 0.9


def test_no_impact_is_claimed_however_large_the_odd_part_under_a_coin() -> None:
    assert 0.0 < ever_reached(lambda rng: (3.0 * coin(rng) + rng.standard_t(2, size=ACTS), HALF)) <= 0.05


def test_an_odd_effect_is_mistaken_for_an_impact_every_time_if_the_sign_is_always_plus() -> None:
    assert ever_reached(lambda rng: (3.0 + rng.standard_t(2, size=ACTS), HALF)) == 1.0


def test_an_effect_of_just_the_smallest_size_of_interest_is_not_claimed() -> None:
    effect = 0.5
    assert ever_reached(lambda rng: (effect + coin(rng) * autoregressive(rng), HALF), delta=effect) <= 0.05
    assert ever_reached(lambda rng: (4.0 + coin(rng) * autoregressive(rng), HALF), delta=effect) > 0.9


@pytest.mark.parametrize("change", [autoregressive, cauchy, lifted, bursts])
def test_the_interval_ever_misses_a_constant_effect_at_most_one_time_in_twenty(
    change: Callable[[np.random.Generator], Floats],
) -> None:
    truth, rng, missed = 2.0, np.random.default_rng(7), 0
    for _ in range(RUNS // 2):
        process, ever = PairedProcess(), False
        for outcome in truth + coin(rng) * change(rng):
            process.update(float(outcome))
            ever = ever or process.sequence.log_e_at(truth) >= math.log(20.0)
        missed += ever
    assert missed / (RUNS // 2) <= 0.05


def test_fixed_sample_intervals_would_miss_far_more_often_when_peeked_at() -> None:
    rng, missed = np.random.default_rng(7), 0
    for _ in range(RUNS // 2):
        noise = np.cumsum(rng.normal(size=ACTS)) / np.arange(1, ACTS + 1)
        missed += bool((np.abs(noise) * np.sqrt(np.arange(1, ACTS + 1)) > 1.96)[4:].any())
    assert missed / (RUNS // 2) > 0.15
