from __future__ import annotations

import math

import numpy as np
import pytest

from memory.inference import ConfidenceSequence, PairedProcess


def fed(outcomes: list[float]) -> PairedProcess:
    process = PairedProcess()
    for outcome in outcomes:
        process.update(outcome)
    return process


def sequence_of(outcomes: list[float]) -> ConfidenceSequence:
    return fed(outcomes).sequence


def test_three_outcomes_by_hand() -> None:
    sequence = ConfidenceSequence()
    for outcome, spread in ((3.0, 2.0), (1.0, 1.0), (2.0, 4.0)):
        sequence.update(outcome, centre=1.0, spread=spread)
    b = 0.5
    terms = [(3.0 - b) / 2.0, (1.0 - b) / 1.0, (2.0 - b) / 4.0]
    s, v, rho = sum(terms), sum(x * x for x in terms), 2.0 * (1.0 + ((b - 1.0) / 2.0) ** 2)
    assert sequence.log_e_at(b) == pytest.approx(0.5 * math.log(rho / (v + rho)) + s * s / (2.0 * (v + rho)))
    assert sequence.estimate == pytest.approx((3 / 2 + 1 + 2 / 4) / (1 / 2 + 1 + 1 / 4))


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(("shift", "unit"), [(0.0, 1.0), (1e6, 1e-3), (-50.0, 1.0)])
def test_the_interval_is_the_hull_of_all_that_is_not_rejected(seed: int, shift: float, unit: float) -> None:
    rng = np.random.default_rng(seed)
    sequence = sequence_of(list(shift + unit * rng.standard_t(3, size=25 + 10 * seed)))
    low, high = sequence.interval()
    assert low < sequence.estimate < high
    half = high - low
    inside_rejected = 0
    for b in np.concatenate(
        [np.linspace(low - 3 * half, high + 3 * half, 2001), sequence.estimate + half * np.geomspace(3, 1e6, 200)]
    ):
        accepted = sequence.log_e_at(float(b)) < math.log(20.0)
        if accepted:
            assert low <= b <= high
        inside_rejected += low < b < high and not accepted
    for end, outwards in ((low, -1.0), (high, 1.0)):
        assert sequence.log_e_at(end + outwards * 1e-6 * half) >= math.log(20.0) - 1e-6
        assert sequence.log_e_at(end - outwards * 1e-3 * half) < math.log(20.0)


def test_an_accepted_island_beyond_a_rejected_strait_is_inside() -> None:
    # Found among 4000 random histories of wildly uneven spreads: E crosses its limit three times on the lower side.
    sequence = ConfidenceSequence(36, -4.6827, 0.09408, 14.02218, 17.10751, 806.30234, 856.99947, 54881.4526)
    low, _ = sequence.interval()
    line = np.linspace(-8.0, sequence.estimate, 20_001)
    accepted = line[[sequence.log_e_at(float(b)) < math.log(20.0) for b in line]]
    assert np.diff(accepted).max() > 0.1
    assert low == pytest.approx(accepted[0], abs=1e-3)


def test_with_equal_spreads_the_standard_error_is_the_textbook_one() -> None:
    outcomes, sequence = np.random.default_rng(4).normal(size=20), ConfidenceSequence()
    for outcome in outcomes:
        sequence.update(float(outcome), centre=0.3, spread=2.0)
    assert sequence.estimate == pytest.approx(outcomes.mean())
    assert sequence.standard_error == pytest.approx(outcomes.std(ddof=1) / math.sqrt(20))
    assert ConfidenceSequence().standard_error == math.inf


def test_far_effects_are_rejected_once_there_are_enough_outcomes() -> None:
    rng = np.random.default_rng(1)
    outcomes = list(rng.normal(size=40))
    bounded = [n for n in range(3, 41) if math.isfinite(sequence_of(outcomes[:n]).interval()[0])]
    assert bounded
    assert 10 <= bounded[0] <= 20
    assert bounded == list(range(bounded[0], 41))


def test_too_few_outcomes_have_no_ends_and_none_at_all_no_estimate() -> None:
    assert ConfidenceSequence().interval() == (-math.inf, math.inf)
    assert math.isnan(ConfidenceSequence().estimate)
    assert ConfidenceSequence().log_e_at(7.0) == 0.0
    assert sequence_of([1.0, 2.0, 3.0, 4.0, 5.0]).interval() == (-math.inf, math.inf)


def test_a_looser_level_is_a_shorter_interval() -> None:
    sequence = sequence_of(list(np.random.default_rng(2).normal(size=60)))
    loose, tight = sequence.interval(0.2), sequence.interval(0.01)
    assert tight[0] < loose[0] < loose[1] < tight[1]


def test_it_stretches_with_the_units() -> None:
    outcomes = np.random.default_rng(3).normal(size=50)
    low, high = sequence_of(list(outcomes)).interval()
    # a power of two, so that rounding plays next to no part
    assert sequence_of(list(1024.0 * outcomes)).interval() == pytest.approx((1024.0 * low, 1024.0 * high), rel=1e-9)


def test_first_outcomes_that_agree_by_accident_do_not_outweigh_all_later_ones() -> None:
    # an effect of 1 with a large even part: the coin fell on one side three times, so the first three agree
    coins = [1, 1, 1, *np.random.default_rng(4).choice([-1, 1], size=27)]
    outcomes = [1.0 - 0.4 * coin + 0.001 * index for index, coin in enumerate(coins)]
    low, high = fed(outcomes).interval()
    assert 0.0 < low < 1.0 < high < 2.0


def test_an_end_at_no_effect_comes_before_the_mixture_has_any_end() -> None:
    # so uneven that the mixture has no ends yet, and yet on one side every time
    outcomes = [1.0, 2.0, 3.0] + [3.0**index for index in range(1, 11)]
    process = fed(outcomes)
    assert process.sequence.interval() == (-math.inf, math.inf)
    assert process.interval() == (0.0, math.inf)
    assert fed([-outcome for outcome in outcomes]).interval() == (-math.inf, 0.0)


def test_one_number_repeated_is_closed_in_upon() -> None:
    low, high = sequence_of([5.0] * 100).interval()
    assert low < 5.0 < high
    assert high - low < 1.0


def test_misuse_is_refused() -> None:
    sequence = ConfidenceSequence()
    with pytest.raises(ValueError, match="spread"):
        sequence.update(1.0, 0.0, -1.0)
    with pytest.raises(ValueError, match="finite"):
        sequence.update(math.nan, 0.0, 1.0)
    with pytest.raises(ValueError, match="alpha"):
        sequence.interval(alpha=0.0)
