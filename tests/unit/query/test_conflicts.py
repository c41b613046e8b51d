"""Which beliefs contradict each other, and how it is said."""

from __future__ import annotations

from typing import Any

import pytest

from memory.query.conflicts import Held, conflicts


def held(belief_id: str, direction: int | None, **fields: Any) -> Held:
    known: dict[str, Any] = {
        "belief_id": belief_id,
        "model": "m",
        "statement": f"says {belief_id}",
        "source": "earned",
        "kind": "effect",
        "subject": "head.weight",
        "object": "loss",
        "direction": direction,
        "method": "scale",
        "dose": 1.0,
        "credence": 0.97,
        "effect": None,
        "ci_low": None,
        "ci_high": None,
        "supports": 0,
        "contradicts": 0,
    }
    return Held(**{**known, **fields})


def asserted(belief_id: str, direction: int | None, **fields: Any) -> Held:
    said = {"source": "asserted", "kind": None, "method": None, "dose": None, "credence": 0.9, "model": ""}
    return held(belief_id, direction, **{**said, **fields})


def test_what_someone_says_against_what_the_data_says_is_a_conflict_told_with_its_numbers() -> None:
    earned = held("e", -1, effect=-0.25, ci_low=-0.5, ci_high=-0.125, supports=30, contradicts=2)
    (found,) = conflicts([earned, asserted("a", 1)])
    assert (found.first.belief_id, found.second.belief_id) == ("a", "e")
    assert found.between == ("asserted", "earned")
    assert found.words == (
        "on head.weight and loss of m: “says a” (asserted, up, credence 0.9); “says e” (earned, down, credence 0.97, "
        "effect -0.25 (95 %: -0.5 to -0.125), 30 outcomes for and 2 against)"
    )


def test_an_interval_without_an_end_is_told_as_unbounded() -> None:
    (found,) = conflicts([held("e", -1, effect=-0.25, ci_high=0.5), asserted("a", 1)])
    assert "-∞ to +0.5" in found.words


def test_two_people_can_contradict_each_other_and_the_firmer_comes_first() -> None:
    (found,) = conflicts([asserted("a", 1, credence=0.6), asserted("b", -1, credence=0.8)])
    assert (found.first.belief_id, found.second.belief_id) == ("b", "a")


@pytest.mark.parametrize(
    "different",
    [
        {"direction": 1},
        {"direction": 0},
        {"direction": None},
        {"subject": "other.weight"},
        {"object": "accuracy"},
        {"subject": None},
        {"object": None},
        {"kind": "impact"},
        {"method": "noise"},
        {"dose": 2.0},
        {"model": "n"},
        {"method": None},
    ],
    ids=str,
)
def test_answers_to_different_questions_do_not_contradict_each_other(different: dict[str, Any]) -> None:
    assert conflicts([held("a", 1), held("b", **{"direction": -1, **different})]) == []
    assert len(conflicts([held("a", 1), held("b", -1)])) == 1


def test_an_assertion_that_names_a_kind_contradicts_only_that_kind() -> None:
    earned = [held("e", -1), held("i", -1, kind="impact")]
    assert len(conflicts([*earned, asserted("a", 1)])) == 2
    (found,) = conflicts([*earned, asserted("a", 1, kind="impact")])
    assert found.second.belief_id == "i"


def test_the_order_in_which_beliefs_come_does_not_matter() -> None:
    beliefs = [held("e", -1), asserted("a", 1), asserted("b", 1, credence=0.4), held("i", 1, kind="impact")]
    found = conflicts(beliefs)
    assert [(each.first.belief_id, each.second.belief_id) for each in found] == [("a", "e"), ("b", "e")]
    assert conflicts(beliefs[::-1]) == found
