"""What was stated, taken back: evidence goes with it, and what was told stays told."""

from __future__ import annotations

from typing import Any

import pytest


def test_a_retracted_validation_takes_its_evidence_back(told: Any) -> None:
    theory, belief = told.propose(), told.hold()
    wrong = [told.meet(theory, False), told.meet(belief, False)]
    told.meet(theory, True)
    told.meet(belief, True)
    for position in wrong:
        told.history.retract(position)
    tables = told.folded()
    assert (tables["theories"][theory]["predictions"], tables["theories"][theory]["hits"]) == (1, 1)
    assert tables["beliefs"][belief]["credence"] == pytest.approx((3.6 + 1) / 5)
    assert (tables["beliefs"][belief]["supports"], tables["beliefs"][belief]["contradicts"]) == (1, 0)


def test_a_retracted_event_takes_back_what_rests_on_it(told: Any) -> None:
    """Wrong before: retracting every observation left the beliefs standing."""
    belief, theory = told.hold(credence=0.4), told.propose()
    seen = []
    for _ in range(6):
        told.history.note("seen")
        seen.append(told.last)
        told.meet(belief, True, rests_on=seen[-1])
        told.meet(theory, True, rests_on=seen[-1])
    assert told.folded()["beliefs"][belief]["status"] == "active"
    for position in seen:
        told.history.retract(position)
    tables = told.folded()
    assert (tables["beliefs"][belief]["credence"], tables["beliefs"][belief]["status"]) == (0.4, "weakened")
    assert tables["theories"][theory]["log_e_value"] == 0.0


def test_what_rests_on_an_event_retracted_before_never_counts(told: Any) -> None:
    belief = told.hold()
    told.history.note("seen")
    seen = told.last
    told.history.retract(seen)
    told.meet(belief, False, rests_on=seen)
    assert told.folded()["beliefs"][belief]["contradicts"] == 0


def test_a_retracted_statement_keeps_its_row_and_its_numbers(told: Any) -> None:
    theory, belief = told.propose(), told.hold(credence=0.96)
    told.meet(theory, True)
    before = told.folded()
    told.history.retract(1)
    told.history.retract(2)
    tables = told.folded()
    assert tables["theories"][theory] == {**before["theories"][theory], "status": "retracted"}
    held = tables["beliefs"][belief]
    assert (held["status"], held["credence"], held["first_position"], held["last_position"]) == (
        "retracted",
        0.96,
        2,
        told.last,
    )


def test_the_history_of_a_belief_tells_of_the_retraction_where_it_stands_and_changes_nothing_before(
    told: Any,
) -> None:
    belief = told.hold()
    wrong = told.meet(belief, False)
    told.meet(belief, True)
    before = told.folded()["belief_revisions"]
    told.history.retract(wrong)
    after = told.folded()["belief_revisions"]
    assert before.items() <= after.items()
    (added,) = (row for key, row in after.items() if key not in before)
    assert (added["position"], added["belief_id"]) == (told.last, belief)
    assert added["credence"] == pytest.approx((3.6 + 1) / 5)
    assert added["reason"] == "what it rested on was retracted"


def test_a_retraction_leaves_the_core_principles_in_place_even_where_nothing_else_was_ever_said(told: Any) -> None:
    told.hold()
    told.history.retract(1)
    shipped = [each for each in told.folded()["beliefs"].values() if each["source"] == "shipped"]
    assert {(each["status"], each["first_position"], each["strength"]) for each in shipped} == {
        ("active", 0, "absolute")
    }


def test_what_is_stated_again_after_a_retraction_is_held_again_with_a_new_count(told: Any) -> None:
    belief, theory = told.hold(), told.propose()
    told.meet(belief, False)
    told.meet(theory, False)
    told.history.retract(1)
    told.history.retract(2)
    told.hold(credence=0.7)
    told.propose()
    tables = told.folded()
    held = tables["beliefs"][belief]
    assert (held["status"], held["credence"], held["contradicts"], held["first_position"]) == ("active", 0.7, 0, 1)
    proposed = tables["theories"][theory]
    assert (proposed["status"], proposed["predictions"], proposed["first_position"]) == ("active", 0, 2)


def test_a_prediction_whose_outcome_was_retracted_is_resolved_by_the_next_one(told: Any) -> None:
    theory = told.propose()
    prediction = told.predict(theory, 0.9)
    wrong = told.meet(theory, False)
    right = told.meet(theory, True)
    told.history.retract(wrong)
    resolved = told.folded()["registered_predictions"][str(prediction)]
    assert (resolved["outcome_position"], resolved["hit"]) == (right, True)
    told.history.retract(right)
    waiting = told.folded()["registered_predictions"][str(prediction)]
    assert (waiting["outcome_position"], waiting["outcome"], waiting["hit"]) == (None, None, None)


def test_of_two_tellings_of_one_event_the_second_counts_when_the_first_is_retracted(told: Any) -> None:
    belief = told.hold()
    told.history.note("seen")
    first = told.meet(belief, False, rests_on=2)
    told.meet(belief, True, rests_on=2)
    assert told.folded()["beliefs"][belief]["contradicts"] == 1
    told.history.retract(first)
    found = told.folded()["beliefs"][belief]
    assert (found["supports"], found["contradicts"]) == (1, 0)


def test_what_was_said_twice_stands_by_the_second_time_and_was_first_told_where_it_was(told: Any) -> None:
    belief, theory = told.hold(), told.propose()
    again = [told.hold(credence=0.7), told.propose(probability=0.6)]
    assert again == [belief, theory]
    told.history.retract(1)
    told.history.retract(2)
    tables = told.folded()
    held, proposed = tables["beliefs"][belief], tables["theories"][theory]
    assert (held["status"], held["credence"], held["first_position"]) == ("active", 0.7, 1)
    assert (proposed["status"], proposed["first_position"]) == ("active", 2)


def test_a_belief_last_changed_where_an_amendment_changed_it_also_after_others_that_did_not(told: Any) -> None:
    belief, other = told.hold(), told.hold("something else")
    told.history.retract(told.meet(belief, False))
    changed = told.last
    told.history.retract(told.meet(other, False))
    assert told.folded()["beliefs"][belief]["last_position"] == changed


def test_a_core_principle_that_nobody_asserts_any_more_is_absolute_no_longer(told: Any) -> None:
    """Wrong before: the strength of a principle that was gone still said "absolute"."""
    principle = told.hold("never on Fridays", core=True, credence=1.0)
    told.history.retract(1)
    tables = told.folded()
    rows = [tables["beliefs"][principle], tables["belief_revisions"][f"{principle}@2"]]
    assert [(row["status"], row["strength"]) for row in rows] == [("retracted", "certain")] * 2
