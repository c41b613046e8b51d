from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from memory.inference.packed import pack, unpack
from memory.inference.write_effects import DENSE_GROUPS, DENSE_REGRESSORS, WriteEffects

Floats = NDArray[np.float64]


def numbers(*values: int) -> NDArray[np.int64]:
    return np.array(values, dtype=np.int64)


def sized(regressors: int, metrics: int) -> WriteEffects:
    learned = WriteEffects()
    learned.grow(regressors, metrics)
    return learned


def effects_of(learned: WriteEffects) -> Floats:
    every = np.arange(learned.regressors)
    return learned.expected(every, np.ones(len(every)), np.arange(learned.metrics))


def taught(
    planted: Floats, acts: int, *, seed: int = 1, noise: float = 1.0, together: int = 3, tail: float = math.inf
) -> WriteEffects:
    """Act at random with independent doses, and let a learner see the outcomes."""
    regressors, metrics = planted.shape
    rng = np.random.default_rng(seed)
    learned = sized(regressors, metrics)
    for _ in range(acts):
        chosen = rng.permutation(regressors)[: rng.integers(1, together + 1)]
        doses = rng.choice([-1.0, 1.0], len(chosen))
        errors = rng.normal(size=metrics) if math.isinf(tail) else rng.standard_t(tail, size=metrics)
        learned.update(chosen, doses, np.arange(metrics), doses @ planted[chosen] + noise * errors)
    return learned


def planted_effects(regressors: int, metrics: int) -> Floats:
    rng = np.random.default_rng(2)
    return rng.normal(size=(regressors, metrics)) * (rng.random((regressors, metrics)) < 0.3)


def test_nothing_is_expected_before_anything_was_seen() -> None:
    assert not effects_of(sized(3, 2)).any()
    assert sized(3, 2).count(numbers(0, 2)).tolist() == [0, 0]


def test_what_writes_do_is_learned_in_metric_units() -> None:
    planted = planted_effects(16, 4)
    for unit in (1e-6, 1.0, 1e6):
        learned = effects_of(taught(unit * planted, 1500, noise=unit))
        assert np.sqrt(np.mean((learned / unit - planted) ** 2)) < 0.1


def test_more_acts_teach_more() -> None:
    planted = planted_effects(16, 4)
    errors = [np.sqrt(np.mean((effects_of(taught(planted, acts)) - planted) ** 2)) for acts in (50, 400, 3000)]
    assert errors[0] > 1.5 * errors[1] > 3.0 * errors[2]


def test_heavy_tails_do_not_keep_it_from_learning() -> None:
    planted = planted_effects(16, 4)
    assert np.sqrt(np.mean((effects_of(taught(planted, 3000, tail=1.5)) - planted) ** 2)) < 0.25


def test_a_single_absurd_outcome_moves_nothing_far() -> None:
    planted = planted_effects(16, 4)
    learned = taught(planted, 1500)
    before = effects_of(learned)
    learned.update(numbers(3), np.array([1.0]), np.arange(4), np.full(4, 1e50))
    assert np.abs(effects_of(learned) - before).max() < 0.2


def test_an_expectation_is_effect_times_dose() -> None:
    learned = taught(planted_effects(5, 2), 100)
    expected = learned.expected(numbers(4, 1), np.array([-2.0, 0.5]), numbers(1, 0))
    assert expected.shape == (2, 2)
    assert expected[0, 1] == -2.0 * effects_of(learned)[4, 0]
    assert expected[1, 0] == 0.5 * effects_of(learned)[1, 1]


def test_writes_that_came_together_are_told_apart_by_later_ones_alone() -> None:
    learned = sized(2, 1)
    rng = np.random.default_rng(3)
    for _ in range(40):
        learned.update(numbers(0, 1), np.ones(2), numbers(0), np.array([4.0]) + 0.1 * rng.normal(size=1))
    for _ in range(40):
        learned.update(numbers(0), np.ones(1), numbers(0), np.array([3.0]) + 0.1 * rng.normal(size=1))
    assert effects_of(learned)[:, 0] == pytest.approx([3.0, 1.0], abs=0.15)


def test_an_effect_that_vanishes_is_unlearned() -> None:
    learned = sized(4, 1)
    rng = np.random.default_rng(4)
    for k in range(4000):
        learned.update(numbers(k % 4), np.ones(1), numbers(0), rng.normal(size=1) + (2.0 if k < 1000 else 0.0))
    assert abs(effects_of(learned)[0, 0]) < 0.5


def test_a_regressor_does_not_forget_because_others_are_written() -> None:
    learned = sized(2, 1)
    for _ in range(10):
        learned.update(numbers(0), np.ones(1), numbers(0), np.array([2.0]))
    before, spread = effects_of(learned)[0, 0], learned.to_arrays()["dense"][0, 0, 0]
    for _ in range(5000):
        learned.update(numbers(1), np.ones(1), numbers(0), np.array([1.0]))
    assert effects_of(learned)[0, 0] == before
    assert learned.to_arrays()["dense"][0, 0, 0] == spread


def test_outcomes_are_counted_per_regressor_and_doses_of_zero_are_none() -> None:
    learned = sized(4, 2)
    learned.update(numbers(2, 0), np.array([1.0, 0.0]), numbers(1), np.array([1.0]))
    learned.update(numbers(2), np.array([1.0]), numbers(0, 1), np.array([1.0, math.nan]))
    learned.update(numbers(2), np.array([1.0]), numbers(0), np.array([math.inf]))
    learned.update(numbers(2), np.array([1.0]), numbers(0, 1), np.array([0.0, 1.0]))
    assert learned.count(numbers(0, 2)).tolist() == [0, 3]
    assert learned.skipped == 2
    assert not effects_of(learned)[[0, 1, 3]].any()


@pytest.mark.parametrize("bad", [math.nan, math.inf, 1e9])
def test_a_dose_that_is_none_is_expected_to_do_nothing_and_teaches_nothing(bad: float) -> None:
    learned = taught(planted_effects(3, 2), 50)
    before = effects_of(learned)
    assert not learned.expected(numbers(0), np.array([bad]), numbers(0, 1)).any()
    learned.update(numbers(0, 1), np.array([bad, 1.0]), numbers(0, 1), np.ones(2))
    assert (effects_of(learned) == before).all()
    assert learned.skipped == 2


def test_the_order_in_which_writes_are_named_changes_no_bit() -> None:
    one, other = sized(3, 2), sized(3, 2)
    rng = np.random.default_rng(5)
    for _ in range(50):
        order, doses, residual = rng.permutation(3), rng.normal(size=3), rng.normal(size=2)
        one.update(np.arange(3), doses, numbers(0, 1), residual)
        other.update(order, doses[order], numbers(0, 1), residual)
    assert pack(one.to_arrays()) == pack(other.to_arrays())


def test_names_given_twice_are_refused() -> None:
    with pytest.raises(ValueError, match="distinct"):
        sized(2, 2).update(numbers(1, 1), np.ones(2), numbers(0), np.ones(1))
    with pytest.raises(ValueError, match="distinct"):
        sized(2, 2).update(numbers(1), np.ones(1), numbers(0, 0), np.ones(2))


def test_new_regressors_and_metrics_begin_at_nothing_and_disturb_nobody() -> None:
    planted = planted_effects(6, 2)
    learned = taught(planted, 400)
    before = effects_of(learned)
    learned.grow(9, 5)
    after = effects_of(learned)
    assert (after[:6, :2] == before).all()
    assert not after[6:].any()
    assert not after[:, 2:].any()
    rng = np.random.default_rng(6)
    for k in range(300):
        learned.update(numbers(k % 9), np.ones(1), np.arange(5), rng.normal(size=5) + (3.0 if k % 9 == 8 else 0.0))
    assert effects_of(learned)[8] == pytest.approx(np.full(5, 3.0), abs=0.6)


def test_a_new_metric_learns_as_fast_as_the_first_one_did() -> None:
    learned = taught(planted_effects(6, 2), 2000)
    learned.grow(6, 3)
    for _ in range(9):
        learned.update(numbers(4), np.ones(1), numbers(2), np.array([5.0]))
    assert effects_of(learned)[4, 2] == pytest.approx(4.5, abs=0.05)


def test_writes_one_at_a_time_are_learned_alike_with_and_without_covariances() -> None:
    """Then there are none to keep, and what is left out beyond the dense groups costs nothing."""
    rng = np.random.default_rng(9)
    metrics = DENSE_GROUPS + 5
    shared, alone = sized(4, metrics), [sized(4, 1) for _ in range(metrics)]
    for _ in range(300):
        chosen, there = rng.integers(0, 4, 1), np.flatnonzero(rng.random(metrics) < rng.choice([0.2, 1.0]))
        residual = rng.normal(size=len(there)) + chosen
        shared.update(chosen, np.array([-0.5]), there, residual)
        for metric, value in zip(there, residual, strict=True):
            alone[metric].update(chosen, np.array([-0.5]), numbers(0), np.array([value]))
    theirs = np.concatenate([effects_of(each) for each in alone], axis=1)
    assert effects_of(shared) == pytest.approx(theirs, rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("metrics", [3, DENSE_GROUPS + 3])
def test_a_metric_that_is_often_missing_is_learned_as_if_it_were_alone(metrics: int) -> None:
    """To the bit while its group keeps covariances; otherwise it still forgets and learns at its own pace."""
    rng = np.random.default_rng(7)
    planted = planted_effects(6, metrics)
    shared, alone = sized(6, metrics), [sized(6, 1) for _ in range(metrics)]
    for _ in range(600):
        chosen = rng.permutation(6)[:2]
        doses, there = rng.choice([-1.0, 1.0], 2), np.flatnonzero(rng.random(metrics) < 0.3)
        residual = doses @ planted[chosen][:, there] + rng.normal(size=len(there))
        shared.update(chosen, doses, there, residual)
        for metric, value in zip(there, residual, strict=True):
            alone[metric].update(chosen, doses, numbers(0), np.array([value]))
    mine, theirs = effects_of(shared), np.concatenate([effects_of(each) for each in alone], axis=1)
    exact = [metric for metric in range(metrics) if (mine[:, metric] == theirs[:, metric]).all()]
    assert len(exact) == min(metrics, DENSE_GROUPS)
    assert np.abs(mine - theirs).max() < 0.15
    assert np.sqrt(np.mean((mine - planted) ** 2)) < 0.25


def test_beyond_the_dense_regressors_effects_are_learned_too() -> None:
    regressors = DENSE_REGRESSORS + 20
    learned = sized(regressors, 2)
    rng = np.random.default_rng(8)
    last = np.arange(DENSE_REGRESSORS - 5, regressors)
    for _ in range(1500):
        chosen = rng.choice(last, 3, replace=False)
        doses = rng.choice([-1.0, 1.0], 3)
        change = doses @ np.stack([chosen % 3 - 1.0, chosen % 2 - 0.5], axis=1)
        learned.update(chosen, doses, numbers(0, 1), change + rng.normal(size=2))
    planted = np.stack([last % 3 - 1.0, last % 2 - 0.5], axis=1)
    assert np.sqrt(np.mean((effects_of(learned)[last] - planted) ** 2)) < 0.15


def test_covariances_stay_positive_in_a_long_run() -> None:
    learned = taught(planted_effects(8, 1), 6_000)
    covariance = learned.to_arrays()["dense"][0]
    assert (covariance == covariance.T).all()
    assert np.linalg.eigvalsh(covariance).min() > 1e-4


def test_state_comes_back_from_bytes() -> None:
    learned = taught(planted_effects(6, 3), 40)
    learned.update(numbers(0), np.ones(1), numbers(1), np.ones(1))
    again = WriteEffects.from_arrays(unpack(pack(learned.to_arrays())))
    for each in (learned, again):
        each.grow(7, 4)
        each.update(numbers(6, 2), np.array([0.5, -1.0]), numbers(3, 1), np.array([2.0, 1.0]))
    assert pack(learned.to_arrays()) == pack(again.to_arrays())
    with pytest.raises(ValueError, match="do not fit"):
        WriteEffects.from_arrays(learned.to_arrays() | {"variance": np.zeros((1, 1))})
