from __future__ import annotations

import math

import numpy as np
import pytest

from memory.inference.kernel import LAMBDAS, SignBet, log_factor, log_mean_exp


def test_a_fair_coin_pays_one_plus_tanh() -> None:
    for stake in (*LAMBDAS, -0.4):
        for d in (-3.0, -0.2, 0.7, 3.0):
            assert log_factor(stake, d) == pytest.approx(math.log(1.0 + math.tanh(stake * d)), rel=1e-12, abs=1e-14)


def test_zero_is_exactly_no_evidence_under_any_propensity() -> None:
    bet = SignBet()
    for propensity in (0.5, 0.1, 0.73, 1.0 - 1e-16):
        bet.update(0.0, propensity)
    assert bet.up == bet.down == [0.0] * 5
    assert (bet.log_e, bet.direction) == (0.0, 0)


def test_two_outcomes_by_hand() -> None:
    bet = SignBet()
    bet.update(1.0)
    bet.update(2.0)
    up = [(1 + math.tanh(s)) * (1 + math.tanh(2 * s)) for s in (0.1, 0.2, 0.4, 0.8, 1.6)]
    down = [(1 - math.tanh(s)) * (1 - math.tanh(2 * s)) for s in (0.1, 0.2, 0.4, 0.8, 1.6)]
    assert math.exp(bet.log_up) == pytest.approx(sum(up) / 5, rel=1e-12)
    assert math.exp(bet.log_down) == pytest.approx(sum(down) / 5, rel=1e-12)
    assert math.exp(bet.log_e) == pytest.approx((sum(up) + sum(down)) / 10, rel=1e-12)
    assert bet.direction == 1


@pytest.mark.parametrize("p_plus", [0.5, 0.2, 0.9])
@pytest.mark.parametrize("size", [0.3, 3.0])
def test_the_expectation_over_the_coin_is_exactly_one(p_plus: float, size: float) -> None:
    for stake in (*LAMBDAS, -1.6):
        plus, minus = log_factor(stake, size, p_plus), log_factor(stake, -size, 1.0 - p_plus)
        assert p_plus * math.exp(plus) + (1.0 - p_plus) * math.exp(minus) == pytest.approx(1.0, abs=1e-12)


def test_growth_never_exceeds_log_two_per_act_so_twenty_takes_seven_acts() -> None:
    bet, acts = SignBet(), 0
    while bet.log_e < math.log(20.0):
        bet.update(3.0)
        acts += 1
    assert acts == 7


def test_wealth_survives_hundreds_of_thousands_of_acts_without_overflow() -> None:
    bet = SignBet(up=[1e6, 2.0, 3.0, 4.0, 5.0])
    assert bet.log_e == pytest.approx(1e6 - math.log(10.0))


def test_the_mean_of_logs_is_the_log_of_the_mean() -> None:
    logs = [0.3, -2.0, 1.5]
    assert log_mean_exp(logs) == pytest.approx(float(np.log(np.mean(np.exp(logs)))), rel=1e-14)


@pytest.mark.parametrize(("d", "propensity"), [(math.nan, 0.5), (math.inf, 0.5), (1.0, 0.0), (1.0, 1.0), (1.0, -2.0)])
def test_misuse_is_refused_and_leaves_the_wealth_alone(d: float, propensity: float) -> None:
    bet = SignBet()
    with pytest.raises(ValueError, match=r"finite|propensity"):
        bet.update(d, propensity)
    assert bet == SignBet()
    with pytest.raises(ValueError, match="no wealths"):
        log_mean_exp([])
