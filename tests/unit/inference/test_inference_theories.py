from __future__ import annotations

import json
import math
import statistics

import numpy as np
import pytest

from memory.inference import Calibration, Forecast, PairedProcess, Score, forecast


def fed(outcomes: list[float], smallest_effect: float = 0.0) -> PairedProcess:
    process = PairedProcess(smallest_effect=smallest_effect)
    for outcome in outcomes:
        process.update(float(outcome))
    return process


def said(probability: float, direction: int = 1, smallest_effect: float = 0.0) -> Forecast:
    return Forecast(direction, probability, 1.0, 1.0, 2.0, smallest_effect)


def test_hits_pay_two_p_and_misses_two_times_the_rest() -> None:
    score = Score()
    score.update(said(0.8), 3.0)
    score.update(said(0.9), -1.0)
    score.update(said(0.7, direction=-1), -1.0)
    assert math.exp(score.log_e) == pytest.approx(1.6 * 0.2 * 1.4)
    assert (score.n, score.hits) == (3, 2)
    assert score.brier == pytest.approx(0.2**2 + 0.9**2 + 0.3**2)
    assert math.exp(score.peak_log_e) == pytest.approx(1.6)


def test_a_miss_never_costs_more_than_a_factor_of_ten_however_sure_the_forecast_was() -> None:
    score = Score()
    score.update(said(0.99), 3.0)
    assert math.exp(score.log_e) == pytest.approx(1.9)
    score.update(said(0.99), -3.0)
    assert math.exp(score.log_e) == pytest.approx(1.9 * 0.1)
    assert score.brier == pytest.approx(0.01**2 + 0.99**2)


def test_a_theory_gains_nothing_by_predicting_its_own_failure() -> None:
    score = Score()
    for _ in range(50):
        score.update(said(0.05), -1.0)
    assert score.log_e == 0.0
    assert score.brier == pytest.approx(50 * 0.05**2)


@pytest.mark.parametrize("probability", [0.3, 0.9, 0.99])
def test_the_payoff_is_fair_under_a_lopsided_coin(probability: float) -> None:
    def payoff(z: int, propensity: float) -> float:
        score = Score()
        score.update(said(probability), z * 2.0, propensity)
        return math.exp(score.log_e)

    assert 0.7 * payoff(1, 0.7) + 0.3 * payoff(-1, 0.3) == pytest.approx(1.0)


def test_a_hit_must_go_beyond_the_smallest_effect_on_the_side_named() -> None:
    assert said(0.8, smallest_effect=0.5).hit(0.6)
    assert not said(0.8, smallest_effect=0.5).hit(0.5)
    assert not said(0.8, direction=-1).hit(0.6)
    assert said(0.8, direction=-1).hit(-0.6)


def test_ties_and_what_is_not_finite_are_no_evidence() -> None:
    score = Score()
    score.update(said(0.8), 0.0)
    score.update(said(0.8), math.nan)
    assert (score.log_e, score.n, score.ties, score.skipped) == (0.0, 0, 1, 1)


def test_the_log_score_gain_is_that_of_two_normals_and_bounded() -> None:
    prediction = said(0.8)
    expected = -0.5 * 0.5**2 + 0.5 * (1.5 / 2) ** 2 + math.log(2.0)
    assert prediction.log_score_gain(1.5) == pytest.approx(expected)
    assert prediction.log_score_gain(1e9) == -5.0


def test_a_null_theory_rarely_scores_twenty_and_a_true_one_soon_does() -> None:
    rng = np.random.default_rng(5)
    reached = {0.0: 0, 1.0: 0}
    runs = 600
    for effect in reached:
        for _ in range(runs):
            process, score = fed(list(1.0 + rng.normal(size=15))), Score()
            for outcome in effect + np.where(rng.random(40) < 0.5, 1, -1) * (0.5 + rng.standard_t(3, size=40)):
                score.update(forecast(process, 1, score.standing), float(outcome))
                process.update(float(outcome))
            reached[effect] += score.peak_log_e >= math.log(20.0)
    assert reached[0.0] / runs <= 0.05
    assert reached[1.0] / runs > 0.6


def test_the_forecast_comes_from_the_past_alone_and_leans_the_right_way() -> None:
    rng = np.random.default_rng(6)
    process = fed(list(-2.0 + rng.normal(size=40)))
    down, up = forecast(process, -1), forecast(process, 1)
    assert 0.9 < down.probability <= 0.99
    assert 0.01 <= up.probability < 0.1
    assert down.mean == pytest.approx(-2.0, abs=0.5)
    assert down.sd == pytest.approx(1.0, abs=0.4)
    assert down.null_sd == pytest.approx(math.hypot(down.sd, down.mean))


def test_the_forecast_by_hand() -> None:
    process = fed([1.0, 2.0, 3.0, 2.0, 1.0, 3.0, -0.5, 2.0])
    n, estimate = process.sequence.n, process.estimate
    assert n == 5
    said_now = forecast(process, 1)
    sd = process.residual_sd * math.sqrt((1 + 1 / 5) * 6 / 4)
    assert said_now.mean == pytest.approx(estimate * 5 / 6)
    assert said_now.sd == pytest.approx(sd)
    normal = 0.5 * (1.0 + math.erf(said_now.mean / sd / math.sqrt(2.0)))
    holding = (4.0 * normal + 7.0 + 0.5) / (4.0 + 8.0 + 1.0)
    assert said_now.while_holding == pytest.approx(holding)
    assert said_now.probability == pytest.approx(holding - (holding - 0.5) / 1000)
    assert forecast(process, 1, 0.25).probability == pytest.approx(0.5 + 0.25 * (holding - 0.5) * 999 / 1000)


def test_few_observations_are_shrunk_towards_not_knowing() -> None:
    few = [forecast(fed([1.0] * n), 1).probability for n in (0, 1, 2, 3)]
    assert few[0] == 0.5
    assert few == sorted(few)
    assert few[-1] < 0.75
    assert forecast(fed([0.0] * 20), 1).probability == 0.5


def test_with_a_smallest_effect_the_forecast_is_of_exceeding_it() -> None:
    rng = np.random.default_rng(8)
    outcomes = list(1.0 + rng.normal(size=60))
    assert forecast(fed(outcomes, smallest_effect=1.0), 1).probability == pytest.approx(0.5, abs=0.12)
    assert forecast(fed(outcomes), 1).probability > 0.7


def test_forecast_signs_are_calibrated_where_the_noise_is_not_normal() -> None:
    rng = np.random.default_rng(9)
    calibration = Calibration()
    for _ in range(250):
        effect = rng.normal()
        outcomes = effect + rng.laplace(size=60)
        process = fed(list(outcomes[:15]))
        for outcome in outcomes[15:]:
            prediction = forecast(process, 1)
            calibration.update(prediction.probability, prediction.hit(float(outcome)))
            process.update(float(outcome))
    assert calibration.n == 250 * 45
    assert calibration.error < 0.03


def test_a_forecast_may_become_surer_than_any_stake() -> None:
    process = fed(list(3.0 + 0.5 * np.random.default_rng(10).normal(size=400)))
    assert 0.98 < forecast(process, 1).probability <= 0.99
    assert 0.01 <= forecast(process, -1).probability < 0.02


def test_standing_is_what_bayes_makes_of_hits_and_misses() -> None:
    score = Score()
    score.update(Forecast(1, 0.8, 1.0, 1.0, 2.0, while_holding=0.8), -1.0)
    still = 999 / 1000
    after_miss = still * 0.2 / (still * 0.2 + (1 - still) * 0.5)
    assert score.standing == pytest.approx(after_miss)
    score.update(Forecast(1, 0.8, 1.0, 1.0, 2.0, while_holding=0.9, once_stopped=0.3), 1.0)
    still *= after_miss
    assert score.standing == pytest.approx(still * 0.9 / (still * 0.9 + (1 - still) * 0.3))


def test_forecasts_that_know_of_no_stopping_and_ties_leave_a_theory_standing() -> None:
    score = Score()
    for outcome in (-1.0, -1.0, 1.0):
        score.update(said(0.9), outcome)
    score.update(Forecast(1, 0.8, 1.0, 1.0, 2.0, while_holding=0.8), 0.0)
    score.update(Forecast(1, 0.8, 1.0, 1.0, 2.0, while_holding=0.8), math.nan)
    assert score.standing == 1.0


def test_what_has_stopped_is_soon_forecast_as_even() -> None:
    rng = np.random.default_rng(11)
    told, unaware, standing = [], [], []
    for _ in range(40):
        process, score = fed(list(1.5 + rng.normal(size=60))), Score()
        for outcome in rng.normal(size=25):
            score.update(forecast(process, 1, score.standing), float(outcome))
            process.update(float(outcome))
        told.append(forecast(process, 1, score.standing).probability)
        unaware.append(forecast(process, 1).probability)
        standing.append(score.standing)
    assert float(np.mean(told)) < 0.58
    assert float(np.mean(unaware)) > 0.75
    assert float(np.median(standing)) < 0.05


def test_what_goes_on_is_not_thought_to_have_stopped() -> None:
    rng = np.random.default_rng(12)
    standing = []
    for _ in range(40):
        process, score = fed(list(1.5 + rng.normal(size=60))), Score()
        for outcome in 1.5 + rng.normal(size=100):
            score.update(forecast(process, 1, score.standing), float(outcome))
            process.update(float(outcome))
        standing.append(score.standing)
    assert float(np.mean(standing)) > 0.97


def test_a_stopped_effect_is_forecast_to_exceed_the_smallest_only_as_noise_does() -> None:
    process = fed(list(2.0 + np.random.default_rng(13).normal(size=60)), smallest_effect=1.0)
    told = forecast(process, 1, 0.0)
    assert told.probability == told.once_stopped == pytest.approx(0.5 * math.erfc(1.0 / told.sd / math.sqrt(2.0)))


def test_in_a_restless_spell_the_sign_is_that_of_a_wider_normal_outcome() -> None:
    process = fed(list(1.0 + np.random.default_rng(15).normal(size=200)))
    calm, spell = forecast(process, 1), forecast(process, 1, 1.0, 4.0)
    assert (spell.mean, spell.sd) == (calm.mean, 4.0 * calm.sd)
    assert calm.while_holding is not None
    quantile = statistics.NormalDist().inv_cdf(calm.while_holding)
    assert spell.while_holding == pytest.approx(0.5 * math.erfc(-quantile / 4.0 / math.sqrt(2.0)))
    assert 0.55 < spell.probability < 0.65
    assert forecast(process, -1, 1.0, 4.0).probability == pytest.approx(1.0 - spell.probability, abs=0.01)


def test_in_a_restless_spell_the_smallest_effect_is_more_easily_exceeded_by_noise() -> None:
    process = fed(list(2.0 + np.random.default_rng(16).normal(size=60)), smallest_effect=1.0)
    calm, spell = forecast(process, 1), forecast(process, 1, 1.0, 4.0)
    assert spell.probability < calm.probability - 0.1
    assert spell.once_stopped > calm.once_stopped + 0.1
    normal = 0.5 * math.erfc((1.0 - spell.mean) / spell.sd / math.sqrt(2.0))
    n = process.sequence.n
    assert spell.while_holding == pytest.approx((n * normal + 0.5) / (n + 1.0))


@pytest.mark.parametrize("stops", [False, True])
def test_forecasts_are_calibrated_whether_or_not_effects_stop(stops: bool) -> None:
    rng = np.random.default_rng(14)
    calibration = Calibration()
    for run in range(250):
        outcomes = rng.normal() + rng.standard_t(4, size=75)
        if stops and run % 4 == 0:
            outcomes[45:] -= outcomes[:45].mean()
        process, score = fed(list(outcomes[:15])), Score()
        side = 1 if process.estimate > 0.0 else -1
        for outcome in outcomes[15:]:
            prediction = forecast(process, side, score.standing)
            calibration.update(prediction.probability, prediction.hit(float(outcome)))
            score.update(prediction, float(outcome))
            process.update(float(outcome))
    assert calibration.error < 0.02


def test_a_scores_own_forecast_is_held_and_tempered() -> None:
    score = Score(standing=0.5)
    told = score.expect(-1, 1.0, -2.0, 1.5)
    assert (told.direction, told.while_holding, told.mean, told.sd) == (-1, 0.99, -2.0, 1.5)
    assert told.null_sd == pytest.approx(2.5)
    still = 0.5 * 999 / 1000
    assert told.probability == pytest.approx(still * 0.99 + (1 - still) * 0.5)
    assert score.expect(1, 0.7, 1.0, 0.0).null_sd == 0.0


def test_calibration_by_hand() -> None:
    calibration = Calibration()
    for probability, came_true in ((0.9, True), (0.9, False), (0.2, False), (1.0, True)):
        calibration.update(probability, came_true)
    # the last bin holds 0.9, 0.9 and 1.0, of which two came true
    assert calibration.error == pytest.approx((abs(2.8 - 2) + 0.2) / 4)
    assert calibration.brier == pytest.approx((0.01 + 0.81 + 0.04 + 0.0) / 4)
    assert Calibration.from_state(json.loads(json.dumps(calibration.to_state()))) == calibration
    assert math.isnan(Calibration().error)
    with pytest.raises(ValueError, match="probability"):
        calibration.update(1.1, True)


@pytest.mark.parametrize(
    "arguments",
    [(0, 0.5, 0.0, 1.0, 1.0), (1, 1.0, 0.0, 1.0, 1.0), (1, 0.5, math.nan, 1.0, 1.0), (1, 0.5, 0.0, -1.0, 1.0)],
)
def test_impossible_forecasts_are_refused(arguments: tuple[int, float, float, float, float]) -> None:
    with pytest.raises(ValueError, match=r"side|probability|normal forecast"):
        Forecast(*arguments)


@pytest.mark.parametrize("wrong", [{"while_holding": 1.0}, {"while_holding": math.nan}, {"once_stopped": 0.0}])
def test_a_forecast_is_certain_of_nothing(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="strictly between 0 and 1"):
        Forecast(1, 0.5, 0.0, 1.0, 1.0, **wrong)
