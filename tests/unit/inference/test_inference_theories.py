from __future__ import annotations

import json
import math

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


def test_a_theory_gains_nothing_by_predicting_its_own_failure() -> None:
    score = Score()
    for _ in range(50):
        score.update(said(0.05), -1.0)
    assert score.log_e == 0.0
    assert score.brier == pytest.approx(50 * 0.05**2)


def test_the_payoff_is_fair_under_a_lopsided_coin() -> None:
    def payoff(z: int, propensity: float) -> float:
        score = Score()
        score.update(said(0.9), z * 2.0, propensity)
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
                score.update(forecast(process, 1), float(outcome))
                process.update(float(outcome))
            reached[effect] += score.peak_log_e >= math.log(20.0)
    assert reached[0.0] / runs <= 0.05
    assert reached[1.0] / runs > 0.6


def test_the_forecast_comes_from_the_past_alone_and_leans_the_right_way() -> None:
    rng = np.random.default_rng(6)
    process = fed(list(-2.0 + rng.normal(size=40)))
    down, up = forecast(process, -1), forecast(process, 1)
    assert 0.9 < down.probability <= 0.95
    assert 0.05 <= up.probability < 0.1
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
    assert said_now.probability == pytest.approx((4.0 * normal + 7.0 + 1.0) / (4.0 + 8.0 + 2.0))


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
