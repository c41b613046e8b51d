from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from memory.inference.product_signs import chance_above_zero


def deviation_of(correlation: float) -> float:
    return math.sqrt(1.0 + correlation * correlation)


@pytest.mark.parametrize("correlation", [-0.7, -0.2, 0.0, 0.1, 0.4, 0.8])
@pytest.mark.parametrize("size", [2, 5, 8, 16])
def test_with_normal_innovations_it_is_the_chance_of_an_f(correlation: float, size: int) -> None:
    exact = stats.f.sf((1.0 - correlation) / (1.0 + correlation), size, size)
    said = chance_above_zero(correlation, deviation_of(correlation), 1e9, size)
    assert said == pytest.approx(exact, abs=0.02 if size == 2 else 0.008)


@pytest.mark.parametrize("size", [3, 8, 14])
@pytest.mark.parametrize("freedom", [4, 10])
def test_with_heavy_tails_it_is_not_sure_enough_rather_than_too_sure(size: int, freedom: int) -> None:
    rng = np.random.default_rng(size)
    u, v = rng.standard_t(freedom, size=(2, 40_000, size))
    products = u * (0.5 * u + 0.75**0.5 * v)
    came = float((products.mean(axis=1) > 0.0).mean())
    assert came - 0.2 < chance_above_zero(float(products.mean()), float(products.std()), 1e9, size) < came + 0.01


def test_few_products_make_it_less_sure() -> None:
    said = [chance_above_zero(0.5, 1.0, n, 8.0) for n in (2.0, 10.0, 1000.0)]
    assert said == sorted(said)
    assert said[0] < said[-1] - 0.1


def test_the_units_of_the_innovations_do_not_matter() -> None:
    assert chance_above_zero(0.4e-9, 1.0e-9, 50.0, 8.0) == pytest.approx(chance_above_zero(0.4, 1.0, 50.0, 8.0))


@pytest.mark.parametrize("side", [1.0, -1.0])
def test_products_that_are_all_alike_are_no_certainty(side: float) -> None:
    told = chance_above_zero(side, 1e-6, 20.0, 8.0)
    assert told == pytest.approx(chance_above_zero(side * 0.95, deviation_of(0.95), 20.0, 8.0))
    assert 0.0 < told < 1.0
