"""From outcomes to patterns, theories and beliefs; and back, when the evidence goes."""

from __future__ import annotations

import math
from types import ModuleType
from typing import Any

import pytest

from memory.inference.theories import forecast
from memory.projections.knowledge import KnowledgeProjection


@pytest.fixture
def tables(histories: ModuleType) -> Any:
    """Give the tables of knowledge that a history folds into."""
    return lambda history: histories.flushed(histories.fold(KnowledgeProjection(), history.stored()))


def odd(storage: str, metric: str, sign: float) -> float:
    return 1.5 * sign if (storage, metric) == ("embed", "loss") else 0.0


def even(storage: str, metric: str, sign: float) -> float:
    return -1.5 if (storage, metric) == ("mlp", "accuracy") else 0.0


def none(storage: str, metric: str, sign: float) -> float:
    return 0.0


def test_a_planted_odd_effect_is_claimed_with_its_direction_and_interval(
    history: Any, run_acts: Any, tables: Any
) -> None:
    found = tables(run_acts(history, 160, odd))
    (pattern,) = found["patterns"]
    assert (pattern["kind"], pattern["subject"], pattern["object"]) == ("effect", "embed", "loss")
    assert (pattern["direction"], pattern["status"], pattern["grade"]) == (1, "active", "randomised")
    assert pattern["ci_low"] < 1.5 < pattern["ci_high"]
    assert 0 < pattern["ci_low"] < pattern["effect"] < pattern["ci_high"]
    assert (pattern["method"], pattern["dose"]) == ("scale", 1.0)


def test_a_planted_even_effect_is_claimed_as_impact(history: Any, run_acts: Any, tables: Any) -> None:
    (pattern,) = tables(run_acts(history, 160, even))["patterns"]
    assert (pattern["kind"], pattern["subject"], pattern["object"]) == ("impact", "mlp", "accuracy")
    assert pattern["direction"] == -1
    assert pattern["ci_low"] < -1.5 < pattern["ci_high"] < 0


def test_nothing_is_claimed_where_there_is_nothing(history: Any, run_acts: Any, tables: Any) -> None:
    found = tables(run_acts(history, 300, none))
    assert found["patterns"] == found["theories"] == found["predictions"] == []


def test_the_evidence_of_a_pattern_is_what_told_most_for_and_against_it(
    history: Any, run_acts: Any, histories: ModuleType
) -> None:
    run_acts(history, 160, odd)
    projection: Any = histories.fold(KnowledgeProjection(), history.stored())
    (claim,) = projection.learning.claims.all()
    settled = _factors(histories, history, claim.panel, claim.slot)
    found = histories.flushed(projection)
    (pattern,) = found["patterns"]
    assert {row["pattern_id"] for row in found["evidence"]} == {pattern["pattern_id"]}
    told = {row["position"]: (row["outcome"], row["log_factor"]) for row in found["evidence"]}
    strongest = sorted(settled, key=lambda position: -abs(settled[position][1]))[:8]
    assert told == {position: settled[position] for position in strongest}
    assert math.fsum(factor for _, factor in settled.values()) == pytest.approx(pattern["log_e_value"])
    assert {row["role"] for row in found["evidence"]} == {"supports"}
    assert {(row["position"] - 1, row["position"] - 2) for row in found["evidence"]} == {
        (row["modification_position"], row["baseline_position"]) for row in found["evidence"]
    }


def test_what_speaks_against_a_claim_is_evidence_too(history: Any, run_acts: Any, tables: Any) -> None:
    run_acts(history, 160, odd)
    history.experiment("against", "embed", 1.0, {"loss": 2.0}, {"loss": -30.0})
    row = next(row for row in tables(history)["evidence"] if row["position"] == history.last)
    assert (row["role"], row["outcome"]) == ("contradicts", -32.0)
    assert row["log_factor"] < 0.0
    assert len(tables(history)["evidence"]) == 8


def test_a_theory_is_scored_only_on_what_came_after_it(history: Any, run_acts: Any, tables: Any) -> None:
    found = tables(run_acts(history, 160, odd))
    (theory,), (pattern,) = found["theories"], found["patterns"]
    assert theory["first_position"] == pattern["first_position"]
    assert min(row["position"] for row in found["predictions"]) > theory["first_position"]
    assert theory["predictions"] == len(found["predictions"]) > 10
    assert theory["hits"] == sum(row["hit"] for row in found["predictions"])
    assert (theory["theory_type"], theory["pattern_id"]) == ("causal_model", pattern["pattern_id"])


def test_every_forecast_is_made_from_what_was_known_before_its_outcome(
    history: Any, run_acts: Any, histories: ModuleType
) -> None:
    run_acts(history, 160, odd)
    projection = KnowledgeProjection()
    expected: dict[int, tuple[float, float]] = {}
    for event, payload in history.stored():
        live: list[Any] = list(projection.learning.claims.all())
        processes = {each.digest: each.panel.process(each.slot) for each in live}
        told = {each.digest: forecast(processes[each.digest], each.direction, each.score.standing) for each in live}
        settled = {digest: process.n for digest, process in processes.items()}
        projection.apply(event, payload)
        for digest, process in processes.items():
            if process.n > settled[digest]:
                expected[event.position] = (told[digest].mean, told[digest].probability)
    rows = histories.flushed(projection)["predictions"]
    assert rows
    assert {row["position"]: (row["mean"], row["probability"]) for row in rows} == expected


def test_a_theory_that_keeps_predicting_becomes_a_belief(history: Any, run_acts: Any, tables: Any) -> None:
    found = tables(run_acts(history, 160, odd))
    belief = next(row for row in found["beliefs"] if row["belief_type"] == "causal_law")
    assert belief["credence"] >= 0.95
    assert belief["status"] == "active"
    assert belief["theory_id"] == found["theories"][0]["theory_id"]
    assert belief["first_position"] > found["theories"][0]["first_position"]
    assert "embed (one tensor with head)" in belief["statement"]


def test_no_belief_is_formed_before_predictions_alone_have_proven_it(history: Any, run_acts: Any, tables: Any) -> None:
    # In this run everything else that a belief needs is there long before.
    found = tables(run_acts(history, 300, odd, noise=2.0, seed=7))
    belief = next(row for row in found["beliefs"] if row["belief_type"] == "causal_law")
    history.events = history.events[: belief["first_position"]]
    assert tables(history)["theories"][0]["log_e_value"] >= math.log(20.0)


def test_an_effect_that_vanished_is_given_up_and_asked_anew(history: Any, run_acts: Any, tables: Any) -> None:
    run_acts(history, 160, odd)
    run_acts(history, 400, none, seed=2)
    found = tables(history)
    assert [row["status"] for row in found["patterns"]] == ["retracted"]
    assert [row["status"] for row in found["theories"]] == ["retracted"]
    (belief,) = [row for row in found["beliefs"] if row["belief_type"] == "causal_law"]
    assert belief["status"] == "retracted"
    since = found["patterns"][0]["last_position"]
    assert belief["last_position"] == since
    run_acts(history, 200, odd, seed=3)
    later = tables(history)
    first, second = sorted(later["patterns"], key=lambda row: row["first_position"])
    assert first == found["patterns"][0]
    assert (second["subject"], second["object"], second["status"]) == ("embed", "loss", "active")
    anew = [row["position"] for row in later["evidence"] if row["pattern_id"] == second["pattern_id"]]
    assert min(anew) > since
    assert len(anew) == 8 < second["support"]


def test_a_claim_whose_evidence_shrinks_is_weakened_and_its_theory_with_it(
    history: Any, run_acts: Any, tables: Any
) -> None:
    run_acts(history, 39, odd, seed=5)
    (before,) = tables(history)["patterns"]
    assert before["status"] == "active"
    for number in range(5):
        history.experiment(f"late {number}", "embed", 1.0, {"loss": 2.0}, {"loss": 1.2})
    after = tables(history)
    row = next(each for each in after["patterns"] if each["pattern_id"] == before["pattern_id"])
    assert (row["status"], row["first_position"]) == ("weakened", before["first_position"])
    assert [each["status"] for each in after["theories"]] == ["weakened"]


def test_a_claim_that_turned_round_is_withdrawn_instead_of_told_backwards(
    history: Any, run_acts: Any, tables: Any
) -> None:
    run_acts(history, 39, odd, seed=5)
    (before,) = tables(history)["patterns"]
    run_acts(history, 200, lambda *write: -odd(*write), seed=6)
    first, second = sorted(tables(history)["patterns"], key=lambda row: row["first_position"])
    assert (first["pattern_id"], first["direction"], first["status"]) == (before["pattern_id"], 1, "retracted")
    assert (second["object"], second["direction"], second["status"]) == ("loss", -1, "active")
    assert second["effect"] < 0


def test_without_a_coin_a_claim_is_observational_and_about_the_sign_alone(
    history: Any, run_acts: Any, tables: Any
) -> None:
    # Every write is positive: odd and even parts cannot be told apart.
    found = tables(run_acts(history, 160, even, coin=False))
    (pattern,) = found["patterns"]
    assert (pattern["kind"], pattern["grade"], pattern["subject"]) == ("effect", "observational", "mlp")
    (theory,) = found["theories"]
    assert theory["theory_type"] == "behavioral"
    assert "accuracy went down with the sign, which no coin decided" in theory["hypothesis"]


def test_methods_doses_and_coins_are_series_of_their_own(history: Any, run_acts: Any, tables: Any) -> None:
    run_acts(history, 60, odd)
    run_acts(history, 60, odd, method="rank_one")
    run_acts(history, 60, odd, coin=False)
    history.experiment("half", "embed", 0.5, {"loss": 1.0}, {"loss": 2.0})
    found = {(row["method"], row["grade"]): row["support"] for row in tables(history)["patterns"]}
    assert max(found.values()) < 60
    assert set(found) <= {("scale", "randomised"), ("rank_one", "randomised"), ("scale", "observational")}


def test_a_metric_that_turns_out_to_be_derived_loses_its_claims_for_good(
    history: Any, run_acts: Any, tables: Any
) -> None:
    run_acts(history, 160, odd)
    (claimed,) = tables(history)["patterns"]
    history.define("loss", of=["entropy"])
    assert [row["status"] for row in tables(history)["patterns"]] == ["retracted"]
    run_acts(history, 160, odd, seed=2)
    withdrawn = tables(history)
    assert len(withdrawn["patterns"]) == 1
    assert {row["position"] for row in withdrawn["evidence"] if row["pattern_id"] == claimed["pattern_id"]} == {
        row["position"] for row in tables(history)["evidence"] if row["pattern_id"] == claimed["pattern_id"]
    }
    # Defined to stand for itself again, it is asked anew, and the withdrawn claim stays on record.
    history.define("loss")
    run_acts(history, 160, odd, seed=3)
    statuses = {row["pattern_id"]: row["status"] for row in tables(history)["patterns"]}
    assert statuses.pop(claimed["pattern_id"]) == "retracted"
    assert list(statuses.values()) == ["active"]


def test_another_smallest_effect_of_interest_starts_the_evidence_again(
    history: Any, run_acts: Any, tables: Any
) -> None:
    run_acts(history, 160, odd)
    history.define("loss", smallest=5.0)
    (pattern,) = tables(history)["patterns"]
    assert pattern["status"] == "retracted"
    run_acts(history, 160, odd, seed=2)
    assert len(tables(history)["patterns"]) == 1


def test_the_same_definition_again_changes_nothing(history: Any, run_acts: Any, tables: Any) -> None:
    history.define("loss", smallest=0.1)
    run_acts(history, 160, odd)
    # Noise in ever new directions moves the loss, and that is asked with the same smallest effect.
    run_acts(history, 60, odd, seed=2, method="noise", noise=3.0)
    before = tables(history)["patterns"]
    assert {(row["kind"], row["direction"]) for row in before} >= {("effect", 1), ("impact", 0)}
    history.define("loss", smallest=0.1)
    assert tables(history)["patterns"] == before


def _factors(histories: ModuleType, history: Any, panel: Any, slot: int) -> dict[int, tuple[float, float]]:
    """Fold a history again; give what each outcome did to the evidence of one hypothesis about writes."""
    projection: Any = KnowledgeProjection()
    settled: dict[int, tuple[float, float]] = {}
    n, log_e = 0, 0.0
    for event, payload in history.stored():
        projection.apply(event, payload)
        (now,) = [each for each in projection.learning.panels() if each.name == panel.name] or [None]
        if now is not None and slot < now.slots and now.process(slot).n > n:
            process = now.process(slot)
            settled[event.position] = (process.scale.window[-1], process.log_e - log_e)
            n, log_e = process.n, process.log_e
    return settled
