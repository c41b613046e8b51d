from __future__ import annotations

import json
import math

import numpy as np
import pytest

from memory.inference.multiplicity import (
    EARLY_SHARE,
    KIND_SHARES,
    LATE_TOTAL,
    Family,
    adjust,
    family_share,
    late_weight,
    reject,
)


def test_the_late_total_is_proven_to_bound_the_infinite_sum() -> None:
    n = 200_000
    x = np.arange(1, n + 1, dtype=np.float64)
    partial = math.fsum(1.0 / (x * np.log(x + 1.0) ** 2))
    at_most = partial + (1.0 + 1.0 / n) / math.log(n + 1)
    at_least = partial + 1.0 / math.log(n + 2)
    assert at_least < at_most <= LATE_TOTAL
    assert LATE_TOTAL - at_least < 1e-4


def test_late_weights_follow_the_law_and_stay_below_one() -> None:
    assert late_weight(0) / late_weight(4) == pytest.approx(5.0 * math.log(6) ** 2 / math.log(2) ** 2)
    assert math.fsum(late_weight(j) for j in range(10_000)) < 1.0


def test_kinds_and_families_never_spend_more_than_the_budget() -> None:
    assert math.fsum(KIND_SHARES.values()) == pytest.approx(1.0)
    assert set(KIND_SHARES) == {
        "effect", "impact", "comodification", "cochange", "sequence", "metric_pair", "trend", "threshold",
    }  # fmt: skip
    assert KIND_SHARES["effect"] == KIND_SHARES["impact"] == 0.3
    total = math.fsum(family_share(kind, j) for kind in KIND_SHARES for j in range(2_000))
    assert 0.999 < total <= 1.0


def test_a_family_fixes_its_early_weights_at_the_first_settlement() -> None:
    family = Family(share=0.5)
    ordinals = [family.register() for _ in range(4)]
    with pytest.raises(ValueError, match="first settlement"):
        family.weight(0)
    family.settle()
    before = [family.weight(i) for i in ordinals]
    assert before == [0.5 * EARLY_SHARE / 4] * 4
    late = [family.register() for _ in range(3)]
    family.settle()
    assert [family.weight(i) for i in ordinals] == before
    assert [family.weight(i) for i in late] == pytest.approx([0.5 * 0.2 * late_weight(j) for j in range(3)])
    assert math.fsum(family.weight(i) for i in range(7)) < 0.5
    restored = Family.from_state(json.loads(json.dumps(family.to_state())))
    assert restored == family


def test_one_hypothesis_must_reach_one_over_its_share_of_alpha() -> None:
    weights = [0.5, 0.25]
    just = math.log(1 / (0.05 * 0.25)) + 1e-9
    assert reject([0.0, just], weights).tolist() == [False, True]
    assert reject([0.0, just - 1e-8], weights).tolist() == [False, False]


def test_company_lowers_the_bar() -> None:
    e = math.log(1 / (0.05 * 0.25 * 2)) + 1e-9
    assert reject([e, 0.0], [0.25, 0.25]).tolist() == [False, False]
    assert reject([e, e], [0.25, 0.25]).tolist() == [True, True]


def test_order_and_ties_play_no_part() -> None:
    logs = np.array([5.0, 9.0, 5.0, 1.0, 9.0, 5.0])
    weights = np.full(6, 1 / 6)
    mask = reject(logs, weights)
    assert mask.tolist() == [True, True, True, False, True, True]
    order = np.array([3, 5, 1, 0, 4, 2])
    assert reject(logs[order], weights[order]).tolist() == mask[order].tolist()


def test_huge_and_ruined_wealth_are_no_trouble() -> None:
    assert reject([1e5, -1e5, -np.inf], [0.1, 0.1, 0.0]).tolist() == [True, False, False]
    assert reject([], []).tolist() == []
    assert not reject([1e5], [0.0]).any()


@pytest.mark.parametrize(
    ("log_e", "weights", "alpha", "complaint"),
    [
        ([1.0], [0.5, 0.5], 0.05, "one weight per e-value"),
        ([math.nan], [0.5], 0.05, "numbers"),
        ([1.0], [-0.5], 0.05, "at least 0"),
        ([1.0, 1.0], [0.6, 0.6], 0.05, "whole budget"),
        ([1.0], [0.5], 1.0, "alpha"),
    ],
)
def test_misuse_is_refused(log_e: list[float], weights: list[float], alpha: float, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        reject(log_e, weights, alpha)


def test_the_false_share_is_controlled_when_all_nulls_are_lucky_on_the_same_day() -> None:
    rng = np.random.default_rng(3)
    nulls, real = 40, 10
    shares = []
    for lucky in rng.random(4_000) < 0.05:
        # Mean 1 (20 with probability 1/20), and just enough to join the ten real ones: the worst dependence there is.
        luck = math.log(20.0) + 1e-9 if lucky else -50.0
        mask = reject(np.concatenate([np.full(nulls, luck), np.full(real, 12.0)]), np.full(50, 0.02))
        assert mask[nulls:].all()
        shares.append(mask[:nulls].sum() / mask.sum())
    assert 0.03 < np.mean(shares) <= 0.05


def test_the_adjuster_by_hand_and_at_both_ends() -> None:
    assert math.exp(adjust([0.0])[0]) == pytest.approx(0.5)
    e = 1000.0
    assert math.exp(adjust([math.log(e)])[0]) == pytest.approx((e - 1 - math.log(e)) / math.log(e) ** 2)
    assert adjust([5000.0])[0] == pytest.approx(5000.0 - 2 * math.log(5000.0))
    low, high = adjust([0.01 * (1 - 1e-9), 0.01])
    assert low == pytest.approx(high, abs=1e-9)
    with pytest.raises(ValueError, match="at least 1"):
        adjust([-0.1])


def test_the_adjuster_keeps_picked_maxima_e_values() -> None:
    # Ville's bound is the worst case: P(E* >= x) = 1/x. The mean of A(E*) is then at most 1.
    u = (np.arange(1_000_000) + 0.5) / 1_000_000
    assert 0.8 < float(np.mean(np.exp(adjust(-np.log(u))))) <= 1.0
