"""Asserted beliefs and core principles: what outcomes do to them, and what they never do."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest

from memory.projections.knowledge.asserted import CORE_PRINCIPLES
from memory.projections.knowledge.stated import Stated


def history_of(told: Any, belief_id: str) -> list[dict[str, Any]]:
    found = [each for each in told.folded()["belief_revisions"].values() if each["belief_id"] == belief_id]
    return sorted(found, key=lambda each: each["position"])


def principles(told: Any) -> list[dict[str, Any]]:
    return [each for each in told.folded()["beliefs"].values() if each["source"] == "shipped"]


def a_principle(told: Any) -> str:
    told.history.note("the first event")
    return str(min(each["belief_id"] for each in principles(told)))


def test_four_core_principles_are_there_from_the_first_event_on(told: Any) -> None:
    told.history.note("whatever it is")
    found = principles(told)
    assert len(found) == len(CORE_PRINCIPLES) == 4
    assert {(each["belief_type"], each["strength"], each["credence"], each["status"]) for each in found} == {
        ("safety_principle", "absolute", 1.0, "active")
    }
    assert {(each["first_position"], each["model"]) for each in found} == {(0, "")}
    said = " ".join(each["statement"].lower() for each in found)
    assert all(word in said for word in ("checkpoint", "nan", "watch", "validate"))


def test_the_principles_are_the_same_beliefs_in_every_record(told: Any, stating: ModuleType, histories: Any) -> None:
    told.history.note("one record")
    other = stating.Told(histories.History())
    other.propose("another record")
    identities = [{each["belief_id"] for each in principles(one)} for one in (told, other)]
    assert identities[0] == identities[1]


def test_the_principles_are_told_once_and_not_again_by_whoever_takes_the_fold_up(
    told: Any, stating: ModuleType
) -> None:
    told.history.note("one")
    told.history.note("two")
    first, second = told.history.stored()
    stated = Stated()
    stated.apply(*first)
    assert len(stated.take_rows()) == 8
    again = stating.stored_and_taken_up(stated)
    again.apply(*second)
    assert again.take_rows() == {}


def test_failed_validations_never_erase_a_core_principle_and_its_strength_fits_its_standing(told: Any) -> None:
    """Wrong before: failed validations erased a core principle while its strength still said "absolute"."""
    principle = a_principle(told)
    for _ in range(50):
        told.meet(principle, False)
        belief = told.folded()["beliefs"][principle]
        assert (belief["status"], belief["strength"], belief["credence"]) == ("active", "absolute", 1.0)
    told.meet(principle, True)
    belief = told.folded()["beliefs"][principle]
    assert (belief["supports"], belief["contradicts"]) == (1, 50)
    history = history_of(told, principle)
    assert len(history) == 52
    assert {each["strength"] for each in history} == {"absolute"}
    assert history[1]["reason"] == "an outcome came otherwise; it is a core principle, and stands"


def test_a_belief_is_held_as_firmly_as_it_was_asserted(told: Any) -> None:
    belief = told.hold("x is y", credence=0.96, importance=0.7, tags=("a", "b"), asserted_by="ada", belief_type="fact")
    found = told.folded()["beliefs"][belief]
    assert (found["credence"], found["strength"], found["status"]) == (0.96, "confident", "active")
    assert (found["source"], found["grade"], found["asserted_by"]) == ("asserted", "asserted", "ada")
    assert (found["importance"], found["tags"], found["belief_type"]) == (0.7, ["a", "b"], "fact")
    (only,) = history_of(told, belief)
    assert (only["position"], only["credence"], only["reason"]) == (1, 0.96, "asserted by ada")


def test_an_asserted_credence_is_worth_four_outcomes(told: Any) -> None:
    belief = told.hold(credence=0.9)
    told.meet(belief, True)
    assert told.folded()["beliefs"][belief]["credence"] == pytest.approx((3.6 + 1) / 5)
    told.meet(belief, False)
    found = told.folded()["beliefs"][belief]
    assert found["credence"] == pytest.approx((3.6 + 1) / 6)
    assert (found["supports"], found["contradicts"]) == (1, 1)


def test_counter_evidence_weakens_a_belief_below_a_half_and_support_brings_it_back(told: Any) -> None:
    """Wrong before: counter-evidence was never counted."""
    belief = told.hold(credence=0.9)
    for _ in range(4):
        told.meet(belief, False)
    found = told.folded()["beliefs"][belief]
    assert (found["status"], found["credence"]) == ("weakened", pytest.approx(0.45))
    told.meet(belief, True)
    assert told.folded()["beliefs"][belief]["status"] == "active"
    assert [each["status"] for each in history_of(told, belief)] == ["active"] * 4 + ["weakened", "active"]


def test_a_belief_asserted_below_a_half_is_weak_from_the_start(told: Any) -> None:
    belief = told.hold(credence=0.3)
    assert told.folded()["beliefs"][belief]["status"] == "weakened"


def test_every_revision_says_what_changed_it(told: Any) -> None:
    belief = told.hold()
    told.history.note("seen")
    told.meet(belief, True, rests_on=told.last, note="run 7")
    *_, last = history_of(told, belief)
    assert last["reason"] == "an outcome came as it says, by the event at position 2: run 7"


def test_asserting_again_supersedes_and_what_was_counted_stays_counted(told: Any) -> None:
    belief = told.hold(credence=0.9, tags=("old",))
    for _ in range(4):
        told.meet(belief, False)
    assert told.hold(credence=0.8, tags=("new",)) == belief
    found = told.folded()["beliefs"][belief]
    assert (found["credence"], found["status"], found["tags"]) == (pytest.approx(0.8), "active", ["new"])
    assert (found["contradicts"], found["first_position"], found["last_position"]) == (4, 1, 6)
    assert history_of(told, belief)[-1]["reason"] == "asserted again"
    told.meet(belief, True)
    assert told.folded()["beliefs"][belief]["credence"] == pytest.approx((3.2 + 1) / 5)


def test_telling_the_same_events_three_times_makes_no_belief_firmer(told: Any) -> None:
    """Wrong before: consolidating three times on the same observations made beliefs at confidence 1.0."""
    belief = told.hold(credence=0.6)
    told.history.note("seen")
    seen = told.last
    told.meet(belief, True, rests_on=seen)
    once = told.folded()["beliefs"][belief]
    for _ in range(2):
        told.meet(belief, True, rests_on=seen)
    assert told.folded()["beliefs"][belief] == once
    reasons = [each["reason"] for each in history_of(told, belief)[-2:]]
    assert reasons == ["not counted: told again of position 2, which counts once"] * 2


def test_asserting_again_does_not_make_the_same_events_count_anew(told: Any) -> None:
    belief = told.hold(credence=0.6)
    told.history.note("seen")
    told.meet(belief, True, rests_on=2)
    told.hold(credence=0.6)
    told.meet(belief, True, rests_on=2)
    found = told.folded()["beliefs"][belief]
    assert (found["supports"], found["credence"]) == (1, pytest.approx(0.6))


def test_what_was_there_before_a_belief_was_asserted_does_not_count_for_it(told: Any) -> None:
    told.history.note("seen")
    belief = told.hold()
    told.meet(belief, True, rests_on=1)
    found = told.folded()["beliefs"][belief]
    assert (found["supports"], found["credence"]) == (0, 0.9)
    assert "was there before" in history_of(told, belief)[-1]["reason"]


def test_the_same_words_about_another_model_are_another_belief(told: Any) -> None:
    assert len({told.hold(), told.hold(model="m"), told.hold(model="n"), told.hold("something else")}) == 4


def test_a_persons_core_principle_stands_until_its_assertion_is_retracted(told: Any) -> None:
    principle = told.hold("never on Fridays", core=True, credence=1.0, belief_type="value")
    for _ in range(9):
        told.meet(principle, False)
    told.hold("never on Fridays", credence=0.2)
    found = told.folded()["beliefs"][principle]
    assert (found["strength"], found["status"], found["credence"]) == ("absolute", "active", 1.0)
    told.history.retract(1)
    found = told.folded()["beliefs"][principle]
    assert (found["strength"], found["status"], found["credence"]) == ("tentative", "weakened", 0.2)
