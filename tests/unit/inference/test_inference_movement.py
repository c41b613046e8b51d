from __future__ import annotations

import math

import numpy as np
import pytest

from memory.inference import MovementProcess
from memory.inference.kernel import LAMBDAS


def test_one_movement_and_one_rest_by_hand() -> None:
    process = MovementProcess(smallest_effect=0.5)
    process.update(-0.6)
    process.update(0.5)
    expected = sum((1 + math.tanh(s)) * (1 - math.tanh(s)) for s in LAMBDAS) / 5
    assert math.exp(process.log_e) == pytest.approx(expected)
    assert (process.n, process.moved, process.share, process.direction) == (2, 1, 0.5, 0)


def test_only_movement_beyond_the_size_of_interest_counts() -> None:
    small, large = MovementProcess(smallest_effect=1e-3), MovementProcess(smallest_effect=1e-3)
    for _ in range(12):
        small.update(9e-4)
        large.update(-2e-3)
    assert small.log_e < 0.0 == small.peak_log_e
    assert large.log_e > math.log(20.0)


def test_a_placebo_never_moves_anything() -> None:
    process = MovementProcess()
    for _ in range(100):
        process.update(0.0)
    assert process.peak_log_e == 0.0


def test_moving_every_other_time_is_rarely_claimed() -> None:
    rng = np.random.default_rng(1)
    reached = 0
    for _ in range(500):
        process = MovementProcess()
        for moved in rng.random(60) < 0.5:
            process.update(float(moved))
        reached += process.peak_log_e >= math.log(20.0)
    assert reached / 500 <= 0.05


def test_what_is_not_finite_is_counted_only() -> None:
    process = MovementProcess()
    process.update(math.inf)
    assert (process.skipped, process.n, process.log_e) == (1, 0, 0.0)
    with pytest.raises(ValueError, match="smallest effect"):
        MovementProcess(smallest_effect=-1.0)
