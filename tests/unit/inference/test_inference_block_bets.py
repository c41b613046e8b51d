from __future__ import annotations

import math

import numpy as np
import pytest

from memory.inference.block_bets import log_factors, log_mean_exps
from memory.inference.comodification_grid import ComodificationGrid
from memory.inference.kernel import LAMBDAS, log_factor, log_mean_exp
from memory.inference.trends import TrendGrid


def test_factors_are_those_of_the_kernel_and_exactly_none_for_nothing() -> None:
    d = np.array([-3.0, -1.1, -1e-9, 0.0, 0.4, 3.0])
    stakes = (*LAMBDAS, *(-stake for stake in LAMBDAS))
    expected = [[log_factor(stake, float(x)) for x in d] for stake in stakes]
    assert log_factors(stakes, d) == pytest.approx(np.array(expected), rel=1e-13, abs=1e-300)
    assert log_factors(stakes, d)[:, 3].tolist() == [0.0] * 10


def test_mean_wealths_are_those_of_the_kernel_and_do_not_overflow() -> None:
    logs = np.array([[900.0, -2.0], [-900.0, -3.0], [0.0, 0.5]])
    assert log_mean_exps(logs) == pytest.approx(np.array([log_mean_exp(list(c)) for c in logs.T]), rel=1e-14)


def test_a_table_that_grew_many_times_keeps_what_it_had() -> None:
    small, large = TrendGrid(), TrendGrid()
    small.grow(1)
    large.grow(500)
    rng = np.random.default_rng(0)
    for value in rng.normal(size=48 * 3).tolist():
        small.update(0, value)
        for series in range(500):
            large.update(series, value)
    assert large.slots == 500
    for name in ("log_e", "peak_log_e", "n", "total", "squares", "mean_change", "direction"):
        assert set(getattr(large, name).tolist()) == set(getattr(small, name).tolist())


def test_columns_cannot_be_written_to_from_outside() -> None:
    grid = ComodificationGrid()
    grid.grow(2)
    for k in range(32):
        grid.act([0, 1] if k % 2 else [])
    with pytest.raises(ValueError, match="read-only"):
        grid.log_e[0] = math.inf
