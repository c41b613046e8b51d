from __future__ import annotations

import math

import pytest

from memory.inference.scale import RunningScale, clipped_ratio


def filled(*values: float) -> RunningScale:
    scale = RunningScale()
    for value in values:
        scale.add(value)
    return scale


def test_the_size_is_the_median_of_what_moved() -> None:
    assert filled(0.0, -1.0, 0.0, 5.0, 3.0).size() == 3.0
    assert filled(1.0, -2.0).size() == 1.5


def test_the_size_is_floored_and_zero_only_where_nothing_ever_moved() -> None:
    assert filled(0.1, -0.1).size(floor=0.5) == 0.5
    assert filled(0.0, 0.0).size() == 0.0
    assert filled(0.0, 0.0).size(floor=0.5) == 0.5


def test_the_thirty_third_value_is_forgotten() -> None:
    scale = filled(100.0, *[1.0] * 32)
    assert len(scale.window) == 32
    assert scale.spread() == 1.0
    assert max(scale.window) == 1.0


def test_the_spread_is_about_the_median_and_needs_three_values() -> None:
    assert filled(1.0, 5.0).spread() == 0.0
    assert filled(10.0, 11.0, 14.0).spread() == 3.0
    assert filled(*[10.0 + k for k in range(9)]).centre() == 14.0
    assert filled(*[10.0 + k for k in range(9)]).spread() == 3.0


def test_identical_values_have_the_spread_of_their_size() -> None:
    assert filled(-4.0, -4.0, -4.0).spread() == 4.0


def test_ratios_are_clipped_and_zero_over_zero_is_zero() -> None:
    assert clipped_ratio(0.0, 0.0) == 0.0
    assert clipped_ratio(1e-9, 0.0) == 3.0
    assert clipped_ratio(-1e-9, 0.0) == -3.0
    assert clipped_ratio(100.0, 1.0) == 3.0
    assert clipped_ratio(-1.0, 2.0) == -0.5


def test_only_finite_values_enter() -> None:
    with pytest.raises(ValueError, match="finite"):
        filled(math.nan)
    with pytest.raises(ValueError, match="at most 32"):
        RunningScale.from_state({"window": [1.0] * 33})
