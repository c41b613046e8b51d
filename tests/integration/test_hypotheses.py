"""Hypotheses about sharing, stated before anybody tells, and held against the map that was in force."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import pytest

from introspection import SharingMap
from memory import MemorySystem
from memory.errors import InvalidArgument, UnknownName
from memory.recording.hypotheses import observation_of

NAMES = ["a", "b", "c", "d", "e"]
MAP = SharingMap.from_relations(names=NAMES, same=[["a", "b"]], partial=[("c", "d")], derived={"e": ["a"]})


@pytest.fixture
def memory() -> Iterator[MemorySystem]:
    with MemorySystem(":memory:") as opened:
        yield opened


@pytest.fixture
def known(memory: MemorySystem) -> MemorySystem:
    memory.attach(MAP, name="sim")
    return memory


DECIDED: list[tuple[Any, str, str, bool]] = [
    ("same_tensor", "a", "b", True),
    ("same_tensor", "c", "d", False),
    ("shares_bytes", "d", "c", True),
    ("shares_bytes", "a", "c", False),
    ("independent", "a", "c", True),
    ("independent", "c", "d", False),
    ("independent", "a", "e", False),
    ("derived_from", "e", "a", True),
    ("derived_from", "a", "e", False),
]


def test_each_kind_is_decided_by_the_map(known: MemorySystem) -> None:
    for kind, subject, object_, _ in DECIDED:
        known.state_hypothesis(kind, subject, object_, 0.8)
    rows = known.hypothesis_scores().questions.to_dicts()
    assert [(row["kind"], row["subject"], row["object"], row["truth"]) for row in rows] == DECIDED
    for row in rows:
        assert row["brier"] == pytest.approx((0.8 - row["truth"]) ** 2)
        assert row["log_score"] == pytest.approx(-math.log(0.8 if row["truth"] else 0.2))


def test_stating_one_tells_nothing_of_how_it_is(known: MemorySystem) -> None:
    said = [known.state_hypothesis("same_tensor", "a", other, 0.5) for other in ("b", "c")]
    assert [(each.event_type, each.affected_layers) for each in said] == [("observation", ())] * 2


def test_it_waits_for_a_map_that_knows_both_names(memory: MemorySystem) -> None:
    memory.state_hypothesis("same_tensor", "a", "b", 0.9)
    waiting = memory.hypothesis_scores()
    assert (waiting.scored, waiting.open, waiting.agent) == (0, 1, None)
    assert "wait for a sharing map" in str(waiting)
    memory.attach(SharingMap.from_relations(names=["a"], same=[]), name="sim")
    assert memory.hypothesis_scores().open == 1
    memory.attach(MAP, name="sim")
    assert memory.hypothesis_scores().scored == 1


def test_it_is_held_against_the_map_in_force_when_it_was_stated(known: MemorySystem) -> None:
    known.state_hypothesis("same_tensor", "a", "b", 0.9)
    known.attach(SharingMap.from_relations(names=NAMES, same=[]), name="sim")
    known.state_hypothesis("same_tensor", "a", "b", 0.2)
    scores = known.hypothesis_scores()
    assert [(row["credence"], row["truth"]) for row in scores.questions] == [(0.9, True), (0.2, False)]
    assert scores.ties == ()


def test_a_question_counts_once_by_what_was_stated_last(known: MemorySystem) -> None:
    for credence in (0.2, 0.5, 0.95):
        known.state_hypothesis("same_tensor", "b", "a", credence)
    scores = known.hypothesis_scores()
    (row,) = scores.questions
    assert (scores.scored, row["statements"], row["first_credence"], row["credence"]) == (1, 3, 0.2, 0.95)
    assert scores.agent is not None
    assert scores.agent.brier == pytest.approx(0.05**2)


def test_a_forecast_cannot_be_bettered_afterwards(known: MemorySystem) -> None:
    wrong = known.state_hypothesis("same_tensor", "a", "c", 0.9)
    known.correct(
        wrong.position, data={"kind": "same_tensor", "subject": "a", "object": "c", "credence": 0.01}, reason="-"
    )
    assert known.hypothesis_scores().questions[0]["credence"] == 0.9
    known.retract(wrong.position, reason="it was wrong")
    scores = known.hypothesis_scores()
    assert (scores.scored, scores.retracted) == (0, 1)


def test_what_it_found_is_told_beside_what_chance_would_have_found(known: MemorySystem) -> None:
    pairs = [("a", "b", 0.9), ("c", "d", 0.2), ("a", "c", 0.7), ("b", "c", 0.1), ("d", "e", 0.1)]
    for first, second, credence in pairs:
        known.state_hypothesis("shares_bytes", first, second, credence)
    scores = known.hypothesis_scores(model="sim")
    assert scores.ties == (("a", "b"), ("c", "d"))
    assert scores.found == (("a", "b"),)
    assert scores.mistaken == (("a", "c"),)
    assert scores.discrimination == pytest.approx(5 / 6)
    assert scores.p_value == pytest.approx(2 / 10)
    assert scores.climatology is not None
    assert scores.climatology.brier == pytest.approx(0.4 * 0.6)
    assert scores.base_rate is not None
    assert scores.skill == pytest.approx(1 - scores.agent.brier / scores.base_rate.brier)
    assert "1 of 2 tied pairs found, 1 claimed that are not" in str(scores)
    assert scores.to_dict()["scores"]["coin"]["brier"] == 0.25


def test_what_is_no_one_tensor_may_still_be_held_to_share_bytes(known: MemorySystem) -> None:
    known.state_hypothesis("shares_bytes", "c", "d", 0.9)
    known.state_hypothesis("same_tensor", "c", "d", 0.2)
    assert known.hypothesis_scores().found == (("c", "d"),)
    known.state_hypothesis("shares_bytes", "c", "d", 0.3)
    assert known.hypothesis_scores().found == ()


def test_what_is_held_of_one_model_finds_nothing_of_another(known: MemorySystem) -> None:
    known.attach(SharingMap.from_relations(names=NAMES, same=[["b", "c"]]), name="other")
    known.state_hypothesis("same_tensor", "a", "b", 0.9, model="other")
    known.state_hypothesis("same_tensor", "a", "b", 0.1, model="sim")
    scores = known.hypothesis_scores()
    assert (scores.found, scores.mistaken, len(scores.ties)) == ((), (("a", "b"),), 3)


def test_the_base_rate_is_the_share_of_all_pairs(known: MemorySystem) -> None:
    known.state_hypothesis("same_tensor", "a", "c", 0.5)
    assert known.hypothesis_scores().questions[0]["base_rate"] == pytest.approx((1 + 0.5) / (10 + 1))


@pytest.mark.parametrize("credence", [0, 1, 1.5, -0.1, True, "likely", float("nan")])
def test_a_credence_that_cannot_be_scored_is_refused(credence: Any) -> None:
    with pytest.raises(InvalidArgument, match="credence"):
        observation_of("same_tensor", "a", "b", credence, "")


def test_what_is_about_nothing_is_refused_and_leaves_no_trace(known: MemorySystem) -> None:
    with pytest.raises(InvalidArgument, match="credence"):
        known.state_hypothesis("same_tensor", "a", "b", 1)
    with pytest.raises(InvalidArgument, match="object"):
        known.state_hypothesis("same_tensor", "a", "a", 0.5)
    with pytest.raises(InvalidArgument, match="kind"):
        known.state_hypothesis("alike", "a", "b", 0.5)  # type: ignore[arg-type]
    with pytest.raises(UnknownName):
        known.state_hypothesis("same_tensor", "a", "z", 0.5)
    assert known.store.head().position == 1


def test_other_observations_of_the_category_state_nothing(known: MemorySystem) -> None:
    known.record_observation("hypothesis", "sharing", "by hand", {"subject": "a"})
    assert (known.hypothesis_scores().scored, known.hypothesis_scores().open) == (0, 0)


def test_it_is_the_same_on_each_engine(database_url: str) -> None:
    with MemorySystem(database_url, durability="normal") as memory:
        memory.attach(MAP, name="sim")
        first = memory.state_hypothesis("same_tensor", "a", "b", 0.9, "they moved together", key="once")
        assert memory.state_hypothesis("same_tensor", "a", "b", 0.9, "they moved together", key="once").replayed
        (row,) = memory.hypothesis_scores().questions
        assert (row["position"], row["truth"], row["grounds"]) == (first.position, True, "they moved together")
