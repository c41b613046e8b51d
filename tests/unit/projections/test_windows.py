"""Which evaluations pair into an outcome, and which never do."""

from __future__ import annotations

import math
from types import ModuleType
from typing import Any

import orjson
import pytest

from memory.projections.knowledge import KnowledgeProjection

BEFORE, AFTER = {"loss": 2.0}, {"loss": 2.5}


@pytest.fixture
def told(histories: ModuleType, history: Any) -> Any:
    """A history of a model with the storages a, b (tied to c) and d, which overlaps e."""
    history.attach(histories.sharing([*"abcde", "free", "g"], "bc", partial=[("d", "e")], derived={"computed": ["g"]}))
    return history


@pytest.fixture
def evidence(histories: ModuleType) -> Any:
    """Give what a history leaves in the table of evidence."""

    def fold(history: Any) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = histories.flushed(histories.fold(KnowledgeProjection(), history.stored()))[
            "evidence"
        ]
        return sorted(rows, key=lambda row: (row["position"], row["pattern_id"]))

    return fold


def test_an_act_with_a_coin_bears_on_the_odd_and_the_even_part(told: Any, evidence: Any) -> None:
    told.experiment("act", "a", -1.0, BEFORE, AFTER)
    rows = evidence(told)
    assert sorted(row["signed_outcome"] for row in rows) == [-0.5, 0.5]
    assert {(row["outcome"], row["act_id"]) for row in rows} == {(0.5, "act")}
    assert {(row["baseline_position"], row["modification_position"], row["position"]) for row in rows} == {(2, 3, 4)}


def test_a_signed_write_without_a_coin_bears_on_effect_alone(told: Any, evidence: Any) -> None:
    told.experiment("act", "a", -1.0, BEFORE, AFTER, coin=False)
    assert [row["signed_outcome"] for row in evidence(told)] == [-0.5]


@pytest.mark.parametrize(("dose", "method"), [(None, "zero_head"), (1.0, "noise"), (-1.0, "noise")])
def test_a_write_whose_sign_means_nothing_bears_on_impact_alone(
    told: Any, evidence: Any, dose: float | None, method: str
) -> None:
    told.experiment("act", "a", dose, BEFORE, AFTER, method=method)
    assert [row["signed_outcome"] for row in evidence(told)] == [0.5]


def test_the_latest_baseline_before_the_write_counts(told: Any, evidence: Any) -> None:
    told.metrics("act", {"loss": 9.0})
    told.metrics("act", BEFORE)
    told.write("act", "a")
    told.metrics("act", AFTER)
    assert {row["baseline_position"] for row in evidence(told)} == {3}


def test_one_act_is_one_outcome_of_a_metric_however_often_it_is_measured(told: Any, evidence: Any) -> None:
    for sample in ("one", "two"):
        told.metrics("act", BEFORE, sample)
    told.write("act", "a")
    for sample in ("one", "two", "one"):
        told.metrics("act", AFTER, sample)
    assert {row["position"] for row in evidence(told)} == {5}


def test_another_sample_is_no_baseline(told: Any, evidence: Any) -> None:
    told.metrics("act", BEFORE, "one")
    told.write("act", "a")
    told.metrics("act", AFTER, "two")
    assert evidence(told) == []


def test_another_act_is_no_baseline(told: Any, evidence: Any) -> None:
    told.metrics("earlier", BEFORE)
    told.metrics(None, BEFORE)
    told.write("act", "a")
    told.metrics("act", AFTER)
    assert evidence(told) == []


def test_an_outcome_that_is_no_number_is_on_record_and_no_evidence(told: Any, evidence: Any) -> None:
    told.metrics("act", BEFORE, "one")
    told.metrics("act", BEFORE, "two")
    told.write("act", "a")
    told.metrics("act", {"loss": math.nan}, "one")
    told.metrics("act", AFTER, "two")
    rows = evidence(told)
    assert {(row["role"], row["outcome"], row["log_e_value"], row["position"]) for row in rows} == {
        ("not_finite", None, 0.0, 5)
    }


BETWEEN = {
    "a write of another act": lambda told: told.write("other", "b"),
    "a write of no act": lambda told: told.write(None, "b"),
    "a write of the same act to another storage": lambda told: told.write("act", "b"),
    "a write of the same act in another way": lambda told: told.write("act", "a", method="rank_one"),
    "a write of the same act that was given no dose": lambda told: told.write("act", "a", None),
    "a write of the same act that undoes the first": lambda told: told.write("act", "a", -1.0),
    "a sweep": lambda told: told.write("act", "a", method="sweep"),
    "a revert": lambda told: told.revert("act", "a"),
    "a revert of another act": lambda told: told.revert("another", "b", by="yet another"),
    "a restore": lambda told: told.restored(),
    "an unannounced write": lambda told: told.unannounced("b"),
    "an edit whose bytes could not be put back": lambda told: told.aborted("act", "a", restored=False),
    "a write to a name no map knows": lambda told: told.write("act", "ghost", known=False, per_name=True),
    "the model attached again": lambda told: told.attach(told.models["m"].sharing),
}


@pytest.mark.parametrize("between", BETWEEN.values(), ids=BETWEEN.keys())
def test_nothing_else_may_have_happened_between_baseline_and_outcome(told: Any, evidence: Any, between: Any) -> None:
    told.metrics("act", BEFORE)
    told.write("act", "a")
    between(told)
    told.metrics("act", AFTER)
    assert evidence(told) == []


HARMLESS = {
    "an edit that was put back": lambda told: told.aborted("act", "b", restored=True),
    "an edit that changed no byte": lambda told: told.write("act", "b", changed=False),
    "a write to another model": lambda told: (
        told.attach(told.models["m"].sharing, "n"),
        told.write("x", "a", model="n"),
    ),
    "an evaluation of another act": lambda told: told.metrics("other", {"loss": 7.0}),
    "an observation": lambda told: told.note("hm"),
    "the derived name of what was written": lambda told: told.write("act", "computed", per_name=True),
}


@pytest.mark.parametrize("between", HARMLESS.values(), ids=HARMLESS.keys())
def test_what_changes_no_weight_of_the_model_breaks_no_window(told: Any, evidence: Any, between: Any) -> None:
    told.metrics("act", BEFORE)
    told.write("act", "a")
    between(told)
    told.metrics("act", AFTER)
    assert len(evidence(told)) == 2


def test_reverts_and_sweeps_and_placebos_are_never_evidence(told: Any, evidence: Any) -> None:
    for number, write in enumerate(
        [
            {"dose": 1.0, "method": "revert"},
            {"dose": 1.0, "method": "scale", "reverts": "act 0"},
            {"dose": 1.0, "method": "sweep"},
            {"dose": 0.0, "method": "scale"},
            {"dose": 0.0, "method": "scale", "changed": False},
        ]
    ):
        act = f"act {number}"
        told.metrics(act, BEFORE)
        told.write(act, "a", write.pop("dose"), **write)
        told.metrics(act, AFTER)
    assert evidence(told) == []


def test_after_its_revert_an_act_is_over(told: Any, evidence: Any) -> None:
    told.experiment("act", "a", 1.0, BEFORE, AFTER)
    told.revert("act", "a", by="act")
    # The same coin again: by now everybody knows how it fell.
    told.experiment("act", "a", 1.0, BEFORE, AFTER)
    assert {row["position"] for row in evidence(told)} == {4}


def test_an_act_that_begins_with_a_revert_may_still_measure_and_write(told: Any, evidence: Any) -> None:
    told.metrics("act", {"loss": 9.0})
    told.revert("earlier", "b", by="act")
    told.experiment("act", "a", 1.0, BEFORE, AFTER)
    assert {row["baseline_position"] for row in evidence(told)} == {4}


def test_an_act_id_used_again_is_the_same_act(told: Any, evidence: Any) -> None:
    told.experiment("act", "a", 1.0, BEFORE, AFTER)
    told.experiment("act", "a", -1.0, BEFORE, AFTER)
    assert {row["position"] for row in evidence(told)} == {4}


def test_doses_of_one_act_and_storage_add_up(told: Any, histories: ModuleType) -> None:
    told.metrics("act", BEFORE)
    told.write("act", "b", 1.0)
    told.write("act", "c", 0.5)
    told.metrics("act", AFTER)
    state = orjson.loads(histories.fold(KnowledgeProjection(), told.stored()).state())
    assert {(family[0][1], family[0][3]) for family in state["learning"]["claims"]["families"]} == {
        ("effect", 1.5),
        ("impact", 1.5),
    }


def test_lopsided_coins_do_not_add_up(told: Any, evidence: Any) -> None:
    told.metrics("act", BEFORE)
    told.write("act", "a", 1.0, propensity=0.9)
    told.write("act", "a", 1.0, propensity=0.9)
    told.metrics("act", AFTER)
    assert evidence(told) == []


def test_one_write_told_under_every_name_counts_once(told: Any, evidence: Any) -> None:
    told.metrics("act", BEFORE)
    told.write("act", "b", per_name=True)
    told.write("act", "c", per_name=True)
    told.metrics("act", AFTER)
    assert len(evidence(told)) == 2


def test_a_derived_metric_has_no_hypotheses(told: Any, evidence: Any) -> None:
    told.define("perplexity", of=["loss"])
    told.experiment("act", "a", 1.0, {**BEFORE, "perplexity": 7.4}, {**AFTER, "perplexity": 12.2})
    assert {row["signed_outcome"] for row in evidence(told)} == {0.5}


def test_more_acts_than_are_kept_in_mind_only_forget_the_oldest(told: Any, evidence: Any) -> None:
    told.metrics("old", BEFORE)
    for number in range(62):
        told.metrics(f"act {number}", BEFORE)
    told.metrics("young", BEFORE)
    told.metrics("youngest", BEFORE)
    for act in ("old", "young"):
        told.write(act, "a")
        told.metrics(act, AFTER)
    assert {row["act_id"] for row in evidence(told)} == set()
    told.events = told.events[:-4] + told.events[-2:]
    assert {row["act_id"] for row in evidence(told)} == {"young"}


def test_an_act_given_up_for_lack_of_room_does_not_begin_anew_under_its_name(told: Any, evidence: Any) -> None:
    told.experiment("act", "a", 1.0, BEFORE, AFTER)
    for number in range(70):
        told.metrics(f"other-{number}", BEFORE)
    told.experiment("act", "a", 1.0, BEFORE, AFTER)
    assert {row["position"] for row in evidence(told)} == {4}
