from __future__ import annotations

import math

import numpy as np
import pytest

from memory.inference import EDetector, PairedProcess
from memory.inference.kernel import LAMBDAS


def believed(outcomes: list[float]) -> EDetector:
    process = PairedProcess()
    for outcome in outcomes:
        process.update(float(outcome))
    return EDetector.over(process, process.direction)


def test_two_steps_by_hand() -> None:
    detector = EDetector(direction=-1, effect=2.0)
    # shortfalls 1.4 + u: 1.0 (first, no bet), then -0.5, then 0.75
    for outcome in (-0.4, -1.9, -0.65):
        detector.update(outcome)
    expected = []
    for stake in LAMBDAS:
        after_one = 1.0 + math.tanh(stake * -0.5 / 1.0)
        expected.append(max(after_one, 1.0) * (1.0 + math.tanh(stake * 0.75 / 0.75)))
    assert math.exp(detector.log_m) == pytest.approx(sum(expected) / 5)


def test_an_effect_that_lasts_is_left_alone_for_long_and_one_that_vanished_is_noticed() -> None:
    rng = np.random.default_rng(4)
    false_alarms, delays = 0, []
    for _ in range(150):
        detector = believed(list(1.0 + rng.normal(size=40)))
        false_alarms += any(detector.update(float(u)) for u in 1.0 + rng.normal(size=60))
        detector = believed(list(1.0 + rng.normal(size=40)))
        delays.append(next((k for k, u in enumerate(rng.normal(size=200), 1) if detector.update(float(u))), 200))
    assert false_alarms / 150 < 0.1
    assert np.median(delays) < 60
    assert max(delays) < 200


def test_the_mean_time_to_a_false_alarm_is_at_least_two_hundred_at_the_edge() -> None:
    rng = np.random.default_rng(5)
    times = []
    for _ in range(60):
        detector, n = EDetector(direction=1, effect=1.0), 0
        # exactly what must remain, under a coin and heavy tails
        while n < 3_000 and not detector.alarmed:
            detector.update(0.7 + float(rng.standard_t(2)))
            n += 1
        times.append(n)
    assert np.mean(times) >= 200


def test_a_watch_begins_with_the_scale_of_the_past() -> None:
    detector = believed([-1.0, -1.5, -0.5] * 8)
    assert detector.direction == -1
    assert detector.effect == pytest.approx(1.0, abs=0.05)
    assert detector.n == 0
    assert len(detector.scale.window) == 24
    detector.update(5.0)
    assert detector.log_m > 0.0


def test_what_is_not_finite_is_counted_only() -> None:
    detector = EDetector(direction=1, effect=1.0)
    assert not detector.update(math.nan)
    assert (detector.skipped, detector.n, detector.scale.window) == (1, 0, [])


def test_misuse_is_refused() -> None:
    with pytest.raises(ValueError, match="side"):
        EDetector(direction=0, effect=1.0)
    with pytest.raises(ValueError, match="size"):
        EDetector(direction=1, effect=0.0)
    with pytest.raises(ValueError, match="size"):
        EDetector.over(PairedProcess(), 1)
    with pytest.raises(ValueError, match="propensity"):
        EDetector(direction=1, effect=1.0).update(1.0, propensity=0.0)
