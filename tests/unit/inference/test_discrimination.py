"""Scores of forecasts of yes and no, against counting everything out."""

from __future__ import annotations

import math
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory.inference import discrimination
from memory.inference.discrimination import EXACT, area_under_curve, brier_score, dealt_at_random, log_score

FORECASTS = st.lists(st.tuples(st.sampled_from([0.1, 0.3, 0.5, 0.5, 0.9]), st.booleans()), min_size=1, max_size=9)


def by_pairs(said: list[float], came: list[bool]) -> float:
    true, false = ([p for p, c in zip(said, came, strict=True) if c == side] for side in (True, False))
    wins = [(p > q) + 0.5 * (p == q) for p in true for q in false]
    return sum(wins) / len(wins) if wins else math.nan


@given(FORECASTS)
def test_discrimination_is_the_share_of_pairs_told_apart(forecasts: list[tuple[float, bool]]) -> None:
    said, came = [each[0] for each in forecasts], [each[1] for each in forecasts]
    assert area_under_curve(said, came) == pytest.approx(by_pairs(said, came), nan_ok=True)


@given(FORECASTS)
def test_the_p_value_is_that_of_every_deal_counted_out(forecasts: list[tuple[float, bool]]) -> None:
    said, came = [each[0] for each in forecasts], [each[1] for each in forecasts]
    seen = by_pairs(said, came)
    deals = [
        by_pairs(said, [place in chosen for place in range(len(said))])
        for chosen in combinations(range(len(said)), sum(came))
    ]
    expected = 1.0 if math.isnan(seen) else sum(each >= seen - 1e-9 for each in deals) / len(deals)
    assert dealt_at_random(said, came) == pytest.approx(expected)


def test_more_forecasts_than_are_counted_out_come_out_much_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    said = [number // 2 / 100 for number in range(EXACT)]
    came = [number % 3 == 0 or number > 72 for number in range(EXACT)]
    exact = dealt_at_random(said, came)
    monkeypatch.setattr(discrimination, "EXACT", EXACT - 1)
    assert 0.001 < exact < 0.1
    assert dealt_at_random(said, came) == pytest.approx(exact, rel=0.1)


def test_scores_of_one_half_are_those_of_a_coin() -> None:
    assert (brier_score(0.5, True), log_score(0.5, False)) == (0.25, pytest.approx(math.log(2)))


def test_certainty_cannot_be_scored() -> None:
    with pytest.raises(ValueError, match="strictly between"):
        log_score(1.0, True)
