"""Proposed theories: scored on what they said before it came, and on nothing else."""

from __future__ import annotations

import math
from types import ModuleType
from typing import Any

import pytest

from memory.projections.knowledge.stated import Stated


def row(told: Any, theory_id: str) -> dict[str, Any]:
    return dict(told.folded()["theories"][theory_id])


def test_a_proposed_theory_is_born_with_no_evidence(told: Any) -> None:
    theory = told.propose("scaling the head lowers loss", model="m", direction=-1, proposed_by="ada")
    found = row(told, theory)
    assert (found["source"], found["proposed_by"], found["model"]) == ("proposed", "ada", "m")
    assert (found["predictions"], found["log_e_value"], found["brier"]) == (0, 0.0, None)
    assert (found["first_position"], found["last_position"], found["status"]) == (1, None, "active")
    assert (found["pattern_id"], found["composed_of"]) == (None, [])


def test_whoever_records_a_theory_proposes_it_unless_another_is_named(told: Any) -> None:
    theory = told.propose()
    ((event, payload),) = told.history.stored()
    stated = Stated()
    stated.apply(event._replace(append=event.append._replace(actor="grace")), payload)
    assert stated.take_rows()["theories", theory]["proposed_by"] == "grace"


def test_a_hit_multiplies_the_evidence_by_twice_its_probability_and_a_miss_by_twice_the_rest(told: Any) -> None:
    theory = told.propose(probability=0.8)
    told.meet(theory, True)
    assert row(told, theory)["log_e_value"] == pytest.approx(math.log(1.6))
    told.meet(theory, False)
    # After one hit the proposer's 0.8, worth four outcomes, has become (3.2 + 1) / 5.
    found = row(told, theory)
    assert found["log_e_value"] == pytest.approx(math.log(1.6) + math.log(2 * 0.16))
    assert found["log_score_gain"] == pytest.approx(math.log(1.6) + math.log(2 * 0.16))
    assert (found["predictions"], found["hits"]) == (2, 1)
    assert found["brier"] == pytest.approx((0.04 + 0.84**2) / 2)


def test_counter_evidence_counts_against_a_theory_until_it_is_weakened(told: Any) -> None:
    """Wrong before: counter-evidence was never counted."""
    theory = told.propose(probability=0.75)
    evidence = []
    for _ in range(3):
        told.meet(theory, False, note="perplexity doubled, the theory is wrong")
        evidence.append(row(told, theory)["log_e_value"])
    assert evidence[0] < 0
    assert evidence == sorted(evidence, reverse=True)
    found = row(told, theory)
    assert (found["status"], found["hits"], found["predictions"]) == ("weakened", 0, 3)


def test_a_theory_never_gains_by_predicting_its_own_failure(told: Any) -> None:
    theory = told.propose(probability=0.1)
    for _ in range(20):
        told.meet(theory, False)
    assert row(told, theory)["log_e_value"] == 0.0


def test_no_forecast_is_so_sure_that_one_miss_is_ruinous(told: Any) -> None:
    theory = told.propose(probability=0.999999)
    told.meet(theory, False)
    assert row(told, theory)["log_e_value"] == pytest.approx(math.log(0.1))


def test_predictions_on_record_are_scored_by_the_first_outcome_after_them(told: Any) -> None:
    """Wrong before: predictions were never scored."""
    theory = told.propose(probability=0.75)
    first = told.predict(theory, 0.9)
    outcome = told.meet(theory, True)
    later = told.predict(theory, 0.6)
    tables = told.folded()
    predictions = tables["registered_predictions"]
    assert (predictions[str(first)]["outcome_position"], predictions[str(first)]["hit"]) == (outcome, True)
    assert (predictions[str(later)]["outcome_position"], predictions[str(later)]["hit"]) == (None, None)
    # What was put on record is what the theory is scored by.
    assert tables["theories"][theory]["log_e_value"] == pytest.approx(math.log(1.8))


def test_of_several_predictions_of_one_outcome_the_last_is_scored_and_all_are_resolved(told: Any) -> None:
    theory = told.propose()
    for probability in (0.9, 0.6):
        told.predict(theory, probability)
    outcome = told.meet(theory, False)
    tables = told.folded()
    assert [each["outcome_position"] for each in tables["registered_predictions"].values()] == [outcome] * 2
    assert tables["theories"][theory]["predictions"] == 1
    assert tables["theories"][theory]["log_e_value"] == pytest.approx(math.log(0.8))


def test_numbers_are_hits_on_the_side_the_theory_names_and_make_a_normal_forecast(told: Any) -> None:
    theory = told.propose(direction=-1)
    stated = Stated()
    for value in (-1.0, -2.0, 0.5):
        told.meet(theory, value)
    tables = told.folded(stated)
    assert (tables["theories"][theory]["hits"], tables["theories"][theory]["predictions"]) == (2, 3)
    forecast = stated.forecast(theory)
    assert forecast is not None
    assert forecast.direction == -1
    assert forecast.mean == pytest.approx(-2.5 / 4)
    assert forecast.sd > 0


def test_an_outcome_of_exactly_nothing_or_no_number_is_neither_hit_nor_miss(told: Any) -> None:
    theory = told.propose(direction=1)
    positions = [told.predict(theory)]
    told.meet(theory, 0.0)
    positions.append(told.predict(theory))
    told.meet(theory, math.nan)
    tables = told.folded()
    assert [tables["registered_predictions"][str(each)]["hit"] for each in positions] == [None, None]
    assert [tables["registered_predictions"][str(each)]["outcome"] for each in positions] == [0.0, None]
    assert tables["theories"][theory]["predictions"] == 0


def test_a_number_says_nothing_of_a_theory_that_names_no_side(told: Any) -> None:
    theory = told.propose()
    told.meet(theory, 3.0)
    assert row(told, theory)["predictions"] == 0


def test_numbers_at_the_end_of_what_a_double_holds_spoil_no_forecast(told: Any) -> None:
    theory = told.propose(direction=1)
    stated = Stated()
    for value in (1e308, -1e308, 1e308, math.inf, 5e-324, 1e-308):
        told.meet(theory, value)
    tables = told.folded(stated)
    assert all(math.isfinite(tables["theories"][theory][name]) for name in ("log_e_value", "log_score_gain", "brier"))
    assert stated.forecast(theory) is not None


def test_telling_the_same_events_three_times_makes_no_more_of_them(told: Any) -> None:
    """Wrong before: consolidating three times on the same observations made beliefs at confidence 1.0."""
    theory = told.propose()
    seen = []
    for _ in range(14):
        told.history.note("loss fell")
        seen.append(told.last)
    for position in seen:
        told.meet(theory, True, rests_on=position)
    once = row(told, theory)
    for _ in range(2):
        for position in seen:
            told.meet(theory, True, rests_on=position)
    assert row(told, theory) == once
    assert once["predictions"] == 14


def test_what_led_to_a_theory_does_not_count_for_it_again(told: Any) -> None:
    told.history.note("loss fell")
    theory = told.propose()
    told.meet(theory, True, rests_on=1)
    told.meet(theory, True, rests_on=2)
    assert row(told, theory)["predictions"] == 0


def test_an_outcome_that_was_there_before_a_prediction_does_not_resolve_it(told: Any) -> None:
    theory = told.propose()
    told.history.note("loss fell")
    seen = told.last
    prediction = told.predict(theory, 0.9)
    told.meet(theory, True, rests_on=seen)
    tables = told.folded()
    assert tables["registered_predictions"][str(prediction)]["outcome_position"] is None
    assert tables["theories"][theory]["log_e_value"] == pytest.approx(math.log(1.5))


def test_nobody_gets_rid_of_a_bad_score_by_proposing_again(told: Any) -> None:
    theory = told.propose(probability=0.75)
    for _ in range(3):
        told.meet(theory, False)
    before = row(told, theory)
    assert told.propose(probability=0.95) == theory
    after = row(told, theory)
    assert (after["log_e_value"], after["predictions"]) == (before["log_e_value"], before["predictions"])
    assert after["first_position"] == 1
    told.meet(theory, True)
    assert row(told, theory)["log_e_value"] - after["log_e_value"] == pytest.approx(math.log(2 * 3.8 / 7))


def test_other_words_another_side_or_another_model_are_another_theory(told: Any) -> None:
    variants: list[dict[str, Any]] = [{}, {"direction": 1}, {"direction": -1}, {"model": "m"}, {"method": "scale"}]
    assert len({told.propose(**each) for each in variants} | {told.propose("it falls")}) == 6


def test_a_prediction_about_a_theory_of_the_data_waits_for_the_first_outcome_after_it(
    told: Any, stating: ModuleType
) -> None:
    stated = Stated()
    first, later = told.predict("theory-of-data"), told.predict("theory-of-data")
    stated, _ = stating.fold(told.history.stored(), stated)
    assert stated.awaits("theory-of-data")
    stated.resolve("theory-of-data", first, 1.0, hit=True)
    assert stated.take_rows() == {}
    stated.resolve("theory-of-data", later, -0.5, hit=False)
    assert set(stated.take_rows()) == {("registered_predictions", str(first))}
    assert stated.awaits("theory-of-data")
    stated.resolve("theory-of-data", 9, math.inf, hit=None)
    resolved = stated.take_rows()["registered_predictions", str(later)]
    assert (resolved["outcome_position"], resolved["outcome"], resolved["hit"]) == (9, None, None)
    assert not stated.awaits("theory-of-data")
    stated.resolve("theory-of-data", 10, 1.0, hit=True)
    assert stated.take_rows() == {}


def test_an_outcome_of_what_nobody_states_is_left_alone(told: Any) -> None:
    told.meet("theory-unknown", True)
    told.meet("belief-unknown", False)
    tables = told.folded()
    assert not tables["theories"]
    assert {each["source"] for each in tables["beliefs"].values()} == {"shipped"}


def test_an_event_said_to_rest_on_what_is_yet_to_come_rests_on_nothing(told: Any) -> None:
    theory = told.propose()
    told.meet(theory, True, rests_on=99)
    told.meet(theory, True, rests_on=99)
    assert row(told, theory)["predictions"] == 2
