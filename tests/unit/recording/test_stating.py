"""Theories, predictions, beliefs and outcomes as they are recorded: what is refused, and what a repeat is."""

from __future__ import annotations

import math
from typing import Any

import numpy
import pytest
import torch

from introspection import SharingMap
from memory import MemorySystem
from memory.errors import (
    AmbiguousModel,
    AmendmentError,
    BatchError,
    InvalidArgument,
    InvalidPayload,
    KeyConflict,
    UnknownBelief,
    UnknownModel,
    UnknownTheory,
)
from memory.projections.knowledge import KnowledgeProjection

# To be run once the projection of knowledge folds what is stated (`KnowledgeProjection.stated`, `.forecast_of`).
pytestmark = pytest.mark.skipif(
    not hasattr(KnowledgeProjection, "stated"), reason="the projection of knowledge does not fold what is stated yet"
)

NAMES = ["embed.weight", "head.weight", "other.weight"]
TIED = SharingMap.from_relations(names=NAMES, same=[NAMES[:2]])


def stored(memory: MemorySystem, position: int) -> Any:
    (event,) = memory.store.read(after=position - 1, limit=1)
    return event


def head(memory: MemorySystem) -> int:
    return memory.store.head().position


def test_a_theory_is_an_event_of_its_model_and_its_identity_is_known_at_once(memory: MemorySystem) -> None:
    memory.attach(TIED, name="m")
    recorded = memory.form_theory("scaling the head raises loss", subject="head.weight", object="loss", direction=1)
    event = stored(memory, recorded.position)
    assert (event.event_type, event.stream) == ("theory_proposed", "model-m")
    assert memory.get_theory(recorded.theory_id).hypothesis == "scaling the head raises loss"


def test_all_names_of_one_tensor_are_one_subject(memory: MemorySystem) -> None:
    memory.attach(TIED, name="m")
    first, second, third = (memory.form_theory("it moves", subject=name) for name in NAMES)
    assert first.theory_id == second.theory_id != third.theory_id
    writes = [memory.form_theory("it moves", subject=f"write:{name}") for name in NAMES[:2]]
    assert writes[0].theory_id == writes[1].theory_id
    belief = memory.assert_belief("the head matters", subject="head.weight", object="loss", model="m")
    assert memory.get_belief(belief.belief_id).subject == "embed.weight"
    unknown = memory.assert_belief("so does this", subject="kind:meeting", object="loss", model="m")
    assert memory.get_belief(unknown.belief_id).subject == "kind:meeting"


def test_a_belief_is_about_every_model_unless_one_is_named(memory: MemorySystem) -> None:
    memory.attach(TIED, name="m")
    every = memory.assert_belief("small steps are safer")
    one = memory.assert_belief("small steps are safer", model="m")
    assert (stored(memory, every.position).stream, stored(memory, one.position).stream) == ("memory", "model-m")
    assert every.belief_id != one.belief_id
    with pytest.raises(UnknownModel):
        memory.assert_belief("small steps are safer", model="n")


def test_a_theory_among_several_models_says_which_it_is_about(memory: MemorySystem) -> None:
    memory.attach(TIED, name="m")
    memory.attach(TIED, name="n")
    with pytest.raises(AmbiguousModel):
        memory.form_theory("it rises")
    assert memory.get_theory(memory.form_theory("it rises", model="n").theory_id).model == "n"


@pytest.mark.parametrize("observation", [True, numpy.bool_(True), torch.tensor(True), 1.5, 2, numpy.float32(0.5)])
def test_an_outcome_is_true_false_or_a_number(memory: MemorySystem, observation: Any) -> None:
    theory = memory.form_theory("it rises", direction=1).theory_id
    memory.validate_theory(theory, observation)
    assert (memory.get_theory(theory).predictions, memory.get_theory(theory).hits) == (1, 1)


@pytest.mark.parametrize("observation", ["perplexity doubled, the theory is wrong", None, {"loss": 2}, [True], b"1"])
def test_words_are_no_outcome_since_no_program_knows_what_they_say(memory: MemorySystem, observation: Any) -> None:
    """Wrong before: "perplexity doubled, the theory is wrong" counted as support."""
    theory, belief = memory.form_theory("it rises", direction=1).theory_id, memory.assert_belief("it holds").belief_id
    with pytest.raises(InvalidArgument, match="observation") as refused:
        memory.validate_theory(theory, observation)
    assert "note=" in refused.value.remedy
    with pytest.raises(InvalidArgument, match="outcome"):
        memory.validate_belief(belief, observation)
    assert head(memory) == 2


def test_a_number_is_no_outcome_of_a_belief_or_of_a_theory_that_names_no_side(memory: MemorySystem) -> None:
    theory, belief = memory.form_theory("it changes").theory_id, memory.assert_belief("it holds").belief_id
    with pytest.raises(InvalidArgument, match="observation"):
        memory.validate_theory(theory, 0.5)
    with pytest.raises(InvalidArgument, match="outcome"):
        memory.validate_belief(belief, 1)  # type: ignore[arg-type]
    assert head(memory) == 2


@pytest.mark.parametrize("identity", ["theory-0", "belief-0", "", 7, None])
def test_what_nobody_stated_has_no_outcomes_and_predicts_nothing(memory: MemorySystem, identity: Any) -> None:
    memory.record_observation("behavior", "first")
    for ask in (lambda: memory.validate_theory(identity, True), lambda: memory.make_prediction(identity)):
        with pytest.raises(UnknownTheory) as theory:
            ask()
        assert (theory.value.theory_id, theory.value.code) == (identity, "unknown-theory")
    for ask in (lambda: memory.validate_belief(identity, True), lambda: memory.belief_history(identity)):
        with pytest.raises(UnknownBelief) as belief:
            ask()
        assert (belief.value.belief_id, belief.value.code) == (identity, "unknown-belief")
    assert head(memory) == 1


def test_a_theory_is_no_belief_and_a_belief_no_theory(memory: MemorySystem) -> None:
    theory, belief = memory.form_theory("it rises").theory_id, memory.assert_belief("it holds").belief_id
    with pytest.raises(UnknownTheory):
        memory.validate_theory(belief, True)
    with pytest.raises(UnknownBelief):
        memory.validate_belief(theory, True)


def test_what_is_certain_from_the_map_takes_no_outcomes_by_word(memory: MemorySystem) -> None:
    memory.attach(TIED, name="m")
    (fact,) = memory.beliefs("architectural_fact")
    with pytest.raises(InvalidArgument) as refused:
        memory.validate_belief(fact.belief_id, False)
    assert "of the data" in refused.value.remedy


def test_what_was_retracted_takes_no_outcomes_and_predicts_nothing(memory: MemorySystem) -> None:
    theory, belief = memory.form_theory("it rises"), memory.assert_belief("it holds")
    memory.retract(theory.position, reason="a slip")
    memory.retract(belief.position, reason="a slip")
    for ask in (
        lambda: memory.validate_theory(theory.theory_id, True),
        lambda: memory.validate_belief(belief.belief_id, True),
        lambda: memory.make_prediction(theory.theory_id),
    ):
        with pytest.raises(InvalidArgument) as refused:
            ask()
        assert "retracted" in refused.value.remedy
    assert head(memory) == 4


def test_a_prediction_is_on_record_before_its_outcome(memory: MemorySystem) -> None:
    theory = memory.form_theory("it rises", direction=1, probability=0.8).theory_id
    prediction = memory.make_prediction(theory, {"layer": 3, "rate": math.inf})
    assert (prediction.direction, prediction.probability, prediction.mean) == (1, 0.8, None)
    assert prediction.interval() is None
    event = stored(memory, prediction.position)
    assert event.payload.context == {"layer": 3, "rate": math.inf}
    outcome = memory.validate_theory(theory, 0.5)
    (row,) = memory.query_sql("SELECT * FROM registered_predictions")
    assert row["outcome_position"] is None
    memory.consolidate()
    (row,) = memory.query_sql("SELECT * FROM registered_predictions")
    assert (row["outcome_position"], row["outcome"], bool(row["hit"])) == (outcome.position, 0.5, True)


def test_a_prediction_gives_its_interval_once_numbers_have_come(memory: MemorySystem) -> None:
    theory = memory.form_theory("it rises", direction=1).theory_id
    for value in (0.9, 1.1, 1.0):
        memory.validate_theory(theory, value)
    prediction = memory.make_prediction(theory)
    assert prediction.mean == pytest.approx(0.75)
    narrow, wide = prediction.interval(0.5), prediction.interval()
    assert narrow is not None
    assert wide is not None
    assert wide[0] < narrow[0] < 0.75 < narrow[1] < wide[1]
    assert sum(wide) / 2 == pytest.approx(0.75)
    for level in (0.0, 1.0, math.nan):
        with pytest.raises(InvalidArgument, match="level"):
            prediction.interval(level)


def test_a_prediction_cannot_be_taken_back(memory: MemorySystem) -> None:
    prediction = memory.make_prediction(memory.form_theory("it rises").theory_id)
    with pytest.raises(AmendmentError, match="prediction_registered"):
        memory.retract(prediction.position, reason="it looks bad")


def test_a_call_made_again_under_its_key_records_nothing_new(memory: MemorySystem) -> None:
    def state() -> list[Any]:
        theory = memory.form_theory("it rises", direction=1, key="theory")
        prediction = memory.make_prediction(theory.theory_id, {"n": 1}, key="prediction")
        outcome = memory.validate_theory(theory.theory_id, 0.5, key="outcome")
        belief = memory.assert_belief("it holds", key="belief")
        other = memory.validate_belief(belief.belief_id, False, key="other")
        return [theory, prediction.recorded, outcome, belief, other, prediction.probability]

    first = state()
    again = state()
    assert [each.position for each in again[:5]] == [each.position for each in first[:5]]
    assert all(each.replayed for each in again[:5])
    # The theory would say something else by now; what it said under the key stays what it said.
    assert again[5] == first[5]
    assert head(memory) == 5


def test_a_key_used_for_another_statement_is_a_conflict(memory: MemorySystem) -> None:
    theory = memory.form_theory("it rises", key="theory").theory_id
    memory.make_prediction(theory, key="prediction")
    memory.validate_theory(theory, True, key="outcome")
    for other in (
        lambda: memory.form_theory("it falls", key="theory"),
        lambda: memory.make_prediction(theory, {"n": 2}, key="prediction"),
        lambda: memory.validate_theory(theory, False, key="outcome"),
    ):
        with pytest.raises(KeyConflict):
            other()
    assert head(memory) == 3


def test_a_repeat_under_a_key_is_answered_also_after_the_theory_was_retracted(memory: MemorySystem) -> None:
    theory = memory.form_theory("it rises")
    first = memory.validate_theory(theory.theory_id, True, key="outcome")
    memory.retract(theory.position, reason="a slip")
    assert memory.validate_theory(theory.theory_id, True, key="outcome").position == first.position


def test_what_is_stated_in_a_batch_can_be_met_and_asked_in_it(memory: MemorySystem) -> None:
    with memory.batch():
        theory = memory.form_theory("it rises", direction=1, probability=0.8)
        prediction = memory.make_prediction(theory.theory_id)
        memory.validate_theory(theory.theory_id, 0.5)
        belief = memory.assert_belief("it holds")
        memory.validate_belief(belief.belief_id, True)
        with pytest.raises(BatchError):
            _ = prediction.position
    assert (prediction.position, prediction.probability) == (2, 0.8)
    assert memory.get_theory(theory.theory_id).hits == 1
    assert memory.get_belief(belief.belief_id).supports == 1


def test_a_record_of_anything_at_all_has_the_core_principles(memory: MemorySystem) -> None:
    memory.record_observation("behavior", "the first event")
    assert len(memory.get_core_principles()) == 4
    assert len(memory.belief_history(memory.get_core_principles()[0].belief_id)) == 1


def test_an_aborted_batch_states_nothing(memory: MemorySystem) -> None:
    def abort() -> None:
        with memory.batch():
            memory.form_theory("it rises")
            memory.assert_belief("it holds")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        abort()
    memory.record_observation("behavior", "after")
    assert memory.theories(status=None) == []
    assert {belief.source for belief in memory.beliefs(status=None)} == {"shipped"}


def test_what_an_outcome_rests_on_is_on_record_after_the_statement_and_not_retracted(memory: MemorySystem) -> None:
    memory.record_observation("behavior", "before")
    belief = memory.assert_belief("it holds").belief_id
    seen = memory.record_observation("behavior", "after").position
    wrong = memory.record_observation("behavior", "wrong").position
    memory.retract(wrong, reason="another run")
    for position, remedy in ((0, "position"), (99, "position"), (True, "position"), ("3", "position"), (1, "led to")):
        with pytest.raises(InvalidArgument, match="rests_on") as refused:
            memory.validate_belief(belief, True, rests_on=position)  # type: ignore[arg-type]
        assert remedy in refused.value.remedy
    with pytest.raises(InvalidArgument) as refused:
        memory.validate_belief(belief, True, rests_on=wrong)
    assert "retracted" in refused.value.remedy
    memory.validate_belief(belief, True, rests_on=seen)
    assert memory.get_belief(belief).supports == 1


@pytest.mark.parametrize(
    "fields",
    [
        {"hypothesis": ""},
        {"hypothesis": None},
        {"theory_type": "astrology"},
        {"probability": 1.5},
        {"direction": 2},
        {"kind": "magic"},
        {"dose": math.nan},
        {"occurred_at": "yesterday"},
        {"key": ""},
    ],
    ids=str,
)
def test_what_is_no_theory_is_refused_before_anything_is_written(memory: MemorySystem, fields: dict[str, Any]) -> None:
    with pytest.raises(InvalidPayload):
        memory.form_theory(**{"hypothesis": "it rises", **fields})
    assert head(memory) == 0


@pytest.mark.parametrize(
    "fields",
    [
        {"statement": "\ud800"},
        {"belief_type": "architectural_fact"},
        {"credence": 2},
        {"importance": "high"},
        {"tags": "one"},
        {"core": True, "credence": 0.5},
    ],
    ids=ascii,
)
def test_what_is_no_belief_is_refused_before_anything_is_written(memory: MemorySystem, fields: dict[str, Any]) -> None:
    with pytest.raises(InvalidPayload):
        memory.assert_belief(**{"statement": "it holds", **fields})
    assert head(memory) == 0
