"""Forecasts that meet their outcomes together: their bets are one bet, and what they say is said of all of them."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence

import pytest

from memory.inference.joint_forecasts import Met, at_once, in_total, turned
from memory.inference.theories import Forecast, Score

Joined = Callable[[Sequence[Met]], Met]


def told(direction: int, mean: float, sd: float = 1.0, *, probability: float = 0.8, least: float = 0.0) -> Forecast:
    return Forecast(direction, probability, mean, sd, math.hypot(mean, sd), least)


def met(forecast: Forecast, outcome: float) -> Met:
    """Give a forecast with its outcome, and the bet of a theory of its own."""
    score = Score()
    score.update(forecast, outcome)
    return Met(forecast, outcome, score.log_e)


@pytest.mark.parametrize("joined", [at_once, lambda all_met: in_total([(each, 1) for each in all_met], 0.5)])
def test_bets_that_hang_on_one_coin_gain_nothing_on_average_where_there_is_nothing(joined: Joined) -> None:
    # Both outcomes fall as the one coin does: multiplied, the bets (1.6 or 0.4, twice) would come to 1.36 on average.
    first, second = told(1, 0.5), told(1, 0.7)
    factors = [math.exp(joined([met(first, coin), met(second, 2.0 * coin)]).log_factor) for coin in (1.0, -1.0)]
    assert sum(factors) / 2.0 == pytest.approx(1.0, abs=1e-12)


def test_bets_on_any_number_of_coins_gain_nothing_on_average() -> None:
    forecasts = [told(1, 0.5, probability=0.9), told(-1, -0.7), told(1, 2.0, probability=0.6)]
    factors = [
        math.exp(at_once([met(each, coin) for each, coin in zip(forecasts, coins, strict=True)]).log_factor)
        for coins in itertools.product((1.0, -1.0), repeat=3)
    ]
    assert sum(factors) / 8.0 == pytest.approx(1.0, abs=1e-12)


def test_an_average_of_extreme_bets_is_taken_without_overflow() -> None:
    both = [Met(told(1, 1.0), 1.0, 900.0), Met(told(1, 1.0), 1.0, -900.0)]
    assert at_once(both).log_factor == pytest.approx(900.0 - math.log(2.0))


@pytest.mark.parametrize("joined", [at_once, lambda all_met: in_total([(each, 1) for each in all_met], 9.0)])
def test_one_alone_is_itself(joined: Joined) -> None:
    alone = met(told(-1, -0.5), -2.0)
    assert joined([alone]) == alone


def test_numbers_of_several_kinds_count_in_standard_deviations_on_the_side_named_beyond_what_matters() -> None:
    both = [met(told(-1, -30.0, 10.0, least=5.0), -45.0), met(told(1, 0.2, 0.1), -0.1)]
    joint = at_once(both)
    assert joint.outcome == pytest.approx(((45.0 - 5.0) / 10.0 - 1.0) / 2.0)
    assert joint.forecast.mean == pytest.approx(((30.0 - 5.0) / 10.0 + 2.0) / 2.0)
    assert (joint.forecast.direction, joint.forecast.sd, joint.forecast.smallest_effect) == (1, 1.0, 0.0)
    assert joint.forecast.probability == pytest.approx(0.95)
    assert joint.forecast.hit(joint.outcome)


def test_hits_that_came_before_say_how_sure_an_average_is() -> None:
    both = [met(told(1, 0.5), 1.0), met(told(1, 0.5), 1.0)]
    normal = 0.5 * math.erfc(-0.5 / math.sqrt(2.0))
    assert at_once(both).forecast.probability == pytest.approx(normal)
    assert at_once(both, 7, 8).forecast.probability == pytest.approx((8.0 * normal + 7.0) / 16.0)


def test_what_is_no_number_is_left_out_of_what_came_and_its_bet_counts_as_none() -> None:
    both = [met(told(1, 1.0), 2.0), met(told(1, 1.0), math.nan)]
    joint = at_once(both)
    assert (joint.outcome, joint.forecast.mean) == (2.0, 1.0)
    assert joint.log_factor == pytest.approx(math.log((1.6 + 1.0) / 2.0))


def test_what_several_causes_add_to_one_number_is_the_sum_of_their_forecasts() -> None:
    parts = [(met(told(1, 2.0), 1.0), 1), (met(told(1, 1.5, 0.5), 1.0), -1)]
    joint = in_total(parts, 0.75)
    assert (joint.forecast.direction, joint.forecast.mean, joint.forecast.sd) == (1, 0.5, 1.0)
    assert joint.forecast.probability == pytest.approx(0.6914624612740131)
    assert joint.outcome == 0.75
    against = in_total([(met(told(-1, -2.0), 1.0), 1), (met(told(-1, -1.5), 1.0), 1)], 0.75)
    assert (against.forecast.direction, against.forecast.mean, against.forecast.probability) == (-1, -3.5, 0.95)
    assert not against.forecast.hit(against.outcome)


def test_a_total_must_go_beyond_what_matters() -> None:
    parts = [(met(told(1, 0.3, least=1.0), 1.0), 1), (met(told(1, 0.2, least=1.0), 1.0), 1)]
    joint = in_total(parts, 0.9)
    assert joint.forecast.probability == pytest.approx(0.5 * math.erfc(0.5 / math.sqrt(2.0)))
    assert not joint.forecast.hit(joint.outcome)
    assert joint.forecast.hit(1.1)


def test_a_forecast_seen_from_the_other_side_is_the_same_forecast() -> None:
    one = met(told(1, 0.5, 2.0, least=0.1), 3.0)
    other = turned(one, -1)
    assert (other.forecast.direction, other.forecast.mean, other.outcome) == (-1, -0.5, -3.0)
    assert (other.forecast.probability, other.forecast.sd, other.log_factor) == (0.8, 2.0, one.log_factor)
    assert other.forecast.hit(other.outcome)
    assert turned(other, -1) == turned(one, 1) == one
