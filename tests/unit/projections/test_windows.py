"""Which evaluations pair into an outcome, and which never do."""

from __future__ import annotations

import math
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import pytest

from memory.inference.paired import Bets
from memory.projections.knowledge import KnowledgeProjection
from memory.projections.knowledge.write_panels import WritePanel

BEFORE, AFTER = {"loss": 2.0}, {"loss": 2.5}


@pytest.fixture
def told(histories: ModuleType, history: Any) -> Any:
    """A history of a model with the storages a, b (tied to c) and d, which overlaps e."""
    history.attach(histories.sharing([*"abcde", "free", "g"], "bc", partial=[("d", "e")], derived={"computed": ["g"]}))
    return history


@dataclass(frozen=True)
class Bet:
    """One outcome as a hypothesis was given it."""

    storage: str
    metric: str
    part: str
    grade: str
    level: float | None
    signed: float
    position: int
    write: int
    baseline: int


@pytest.fixture
def bets(histories: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Give everything that a history lets a hypothesis about writes bet on."""
    made: list[Bet] = []
    update = WritePanel.update

    def listening(panel: WritePanel, bets: Bets) -> None:
        for slot, outcome, write in zip(bets.index.tolist(), bets.outcomes.tolist(), bets.writes.tolist(), strict=True):
            about, key = panel.about(slot), panel.family(slot).key
            asked = (about.subject, about.object, panel.part(slot), key.grade, key.level)
            made.append(Bet(*asked, outcome, bets.position, write, bets.baseline))
        update(panel, bets)

    monkeypatch.setattr(WritePanel, "update", listening)

    def of(history: Any) -> list[Bet]:
        made.clear()
        histories.fold(KnowledgeProjection(), history.stored())
        return list(made)

    return of


def test_an_act_with_a_coin_bears_on_the_odd_and_the_even_part(told: Any, bets: Any) -> None:
    told.experiment("act", "a", -1.0, BEFORE, AFTER)
    assert bets(told) == [
        Bet("a", "loss", "effect", "randomised", 1.0, -0.5, position=4, write=3, baseline=2),
        Bet("a", "loss", "impact", "randomised", 1.0, 0.5, position=4, write=3, baseline=2),
    ]


def test_a_signed_write_without_a_coin_bears_on_effect_alone(told: Any, bets: Any) -> None:
    told.experiment("act", "a", -1.0, BEFORE, AFTER, coin=False)
    assert [(bet.part, bet.grade, bet.signed) for bet in bets(told)] == [("effect", "observational", -0.5)]


@pytest.mark.parametrize(("dose", "method"), [(None, "zero_head"), (1.0, "noise"), (-1.0, "noise")])
def test_a_write_whose_sign_means_nothing_bears_on_impact_alone(
    told: Any, bets: Any, dose: float | None, method: str
) -> None:
    told.experiment("act", "a", dose, BEFORE, AFTER, method=method)
    assert [(bet.part, bet.signed) for bet in bets(told)] == [("impact", 0.5)]


def test_the_latest_baseline_before_the_write_counts(told: Any, bets: Any) -> None:
    told.metrics("act", {"loss": 9.0})
    told.metrics("act", BEFORE)
    told.write("act", "a")
    told.metrics("act", AFTER)
    assert {bet.baseline for bet in bets(told)} == {3}


def test_one_act_is_one_outcome_of_a_metric_however_often_it_is_measured(told: Any, bets: Any) -> None:
    for sample in ("one", "two"):
        told.metrics("act", BEFORE, sample)
    told.write("act", "a")
    for sample in ("one", "two", "one"):
        told.metrics("act", AFTER, sample)
    assert [(bet.part, bet.position, bet.baseline) for bet in bets(told)] == [("effect", 5, 2), ("impact", 5, 2)]


def test_another_sample_is_no_baseline(told: Any, bets: Any) -> None:
    told.metrics("act", BEFORE, "one")
    told.write("act", "a")
    told.metrics("act", AFTER, "two")
    assert bets(told) == []


def test_another_act_is_no_baseline(told: Any, bets: Any) -> None:
    told.metrics("earlier", BEFORE)
    told.metrics(None, BEFORE)
    told.write("act", "a")
    told.metrics("act", AFTER)
    # What it is compared with is a forecast: a coin makes its odd part symmetric, and nothing the even one.
    told_of = [(bet.part, bet.grade, bet.baseline) for bet in bets(told)]
    assert told_of == [("effect", "randomised", 0), ("impact", "adjusted", 0)]


def test_an_outcome_that_is_no_number_is_counted_and_no_evidence(told: Any, bets: Any, histories: ModuleType) -> None:
    told.metrics("act", BEFORE, "one")
    told.metrics("act", BEFORE, "two")
    told.write("act", "a")
    told.metrics("act", {"loss": math.nan}, "one")
    told.metrics("act", AFTER, "two")
    first, second = bets(told)
    assert math.isnan(first.signed)
    assert math.isnan(second.signed)
    assert (first.part, second.part, first.position, second.position) == ("effect", "impact", 5, 5)
    projection: Any = histories.fold(KnowledgeProjection(), told.stored())
    (panel,) = [panel for panel in projection.learning.panels() if isinstance(panel, WritePanel)]
    counted = [(panel.process(slot).n, panel.process(slot).skipped) for slot in range(panel.slots)]
    assert (counted, panel.log_e.tolist()) == ([(0, 1), (0, 1)], [0.0, 0.0])


BETWEEN = {
    "a write of another act": lambda told: told.write("other", "b"),
    "a write of no act": lambda told: told.write(None, "b"),
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
def test_nothing_else_may_have_happened_between_baseline_and_outcome(told: Any, bets: Any, between: Any) -> None:
    told.metrics("act", BEFORE)
    told.write("act", "a")
    between(told)
    told.metrics("act", AFTER)
    assert bets(told) == []


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
def test_what_changes_no_weight_of_the_model_breaks_no_window(told: Any, bets: Any, between: Any) -> None:
    told.metrics("act", BEFORE)
    told.write("act", "a")
    between(told)
    told.metrics("act", AFTER)
    assert [(bet.storage, bet.signed) for bet in bets(told)] == [("a", 0.5), ("a", 0.5)]


def test_reverts_and_sweeps_and_placebos_are_never_evidence(told: Any, bets: Any) -> None:
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
    assert bets(told) == []


def test_after_its_revert_an_act_is_over(told: Any, bets: Any) -> None:
    told.experiment("act", "a", 1.0, BEFORE, AFTER)
    told.revert("act", "a", by="act")
    # The same coin again: by now everybody knows how it fell.
    told.experiment("act", "a", 1.0, BEFORE, AFTER)
    assert {bet.position for bet in bets(told)} == {4}


def test_an_act_that_begins_with_a_revert_may_still_measure_and_write(told: Any, bets: Any) -> None:
    told.metrics("act", {"loss": 9.0})
    told.revert("earlier", "b", by="act")
    told.experiment("act", "a", 1.0, BEFORE, AFTER)
    assert {bet.baseline for bet in bets(told)} == {4}


def test_an_act_id_used_again_is_the_same_act(told: Any, bets: Any) -> None:
    told.experiment("act", "a", 1.0, BEFORE, AFTER)
    told.experiment("act", "a", -1.0, BEFORE, AFTER)
    assert {bet.position for bet in bets(told)} == {4}


def test_doses_of_one_act_and_storage_add_up(told: Any, bets: Any) -> None:
    told.metrics("act", BEFORE)
    told.write("act", "b", 1.0)
    told.write("act", "c", 0.5)
    told.metrics("act", AFTER)
    assert [(bet.storage, bet.part, bet.level) for bet in bets(told)] == [("b", "effect", 1.5), ("b", "impact", 1.5)]


def test_lopsided_coins_do_not_add_up(told: Any, bets: Any) -> None:
    told.metrics("act", BEFORE)
    told.write("act", "a", 1.0, propensity=0.9)
    told.write("act", "a", 1.0, propensity=0.9)
    told.metrics("act", AFTER)
    assert bets(told) == []


def test_one_write_told_under_every_name_counts_once(told: Any, bets: Any) -> None:
    told.metrics("act", BEFORE)
    told.write("act", "b", per_name=True)
    told.write("act", "c", per_name=True)
    told.metrics("act", AFTER)
    assert [(bet.storage, bet.level) for bet in bets(told)] == [("b", 1.0), ("b", 1.0)]


def test_a_derived_metric_has_no_hypotheses(told: Any, bets: Any) -> None:
    told.define("perplexity", of=["loss"])
    told.experiment("act", "a", 1.0, {**BEFORE, "perplexity": 7.4}, {**AFTER, "perplexity": 12.2})
    assert {(bet.metric, bet.signed) for bet in bets(told)} == {("loss", 0.5)}


def test_more_acts_than_are_kept_in_mind_only_forget_the_oldest(told: Any, bets: Any) -> None:
    told.metrics("old", BEFORE)
    for number in range(62):
        told.metrics(f"act {number}", BEFORE)
    told.metrics("young", BEFORE)
    told.metrics("youngest", BEFORE)
    for act in ("old", "young"):
        told.write(act, "a")
        told.metrics(act, AFTER)
    # Of the oldest it is forgotten that it had a baseline; what it wrote spoils the baseline of the other.
    assert {(bet.position, bet.baseline) for bet in bets(told)} == {(told.last - 2, 0)}
    del told.events[-4:-2]
    assert {(bet.position, bet.baseline) for bet in bets(told)} == {(told.last, told.last - 3)}


def test_an_act_given_up_for_lack_of_room_does_not_begin_anew_under_its_name(told: Any, bets: Any) -> None:
    told.experiment("act", "a", 1.0, BEFORE, AFTER)
    for number in range(70):
        told.metrics(f"other-{number}", BEFORE)
    told.experiment("act", "a", 1.0, BEFORE, AFTER)
    assert {bet.position for bet in bets(told)} == {4}
