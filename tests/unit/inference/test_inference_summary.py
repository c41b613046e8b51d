from __future__ import annotations

import math

import numpy as np
import pytest

from memory.inference import Correlation


def correlated(first: list[float], second: list[float]) -> Correlation:
    correlation = Correlation()
    for x, y in zip(first, second, strict=True):
        correlation.update(x, y)
    return correlation


def test_identical_series_are_exactly_one() -> None:
    series = [float(x) for x in np.random.default_rng(0).normal(size=101) * 1e-3 + 7.3]
    assert correlated(series, series).correlation == 1.0
    assert correlated(series, [-x for x in series]).correlation == -1.0


def test_it_is_the_textbook_correlation_also_far_from_zero() -> None:
    rng = np.random.default_rng(1)
    x = rng.normal(size=200) + 1e6
    y = 0.5 * x + rng.normal(size=200)
    assert correlated(list(x), list(y)).correlation == pytest.approx(float(np.corrcoef(x, y)[0, 1]), abs=1e-9)


def test_a_series_that_never_varied_has_none() -> None:
    assert math.isnan(correlated([1.0, 1.0], [1.0, 2.0]).correlation)
    assert math.isnan(Correlation().correlation)


def test_pairs_that_are_not_finite_are_counted_only() -> None:
    correlation = correlated([1.0, math.nan, 2.0, 3.0], [1.0, 0.0, math.inf, 2.0])
    assert (correlation.n, correlation.skipped) == (2, 2)
    assert correlation.correlation == pytest.approx(1.0)
