"""What may be recorded of what someone states, and that it comes back as it was."""

from __future__ import annotations

import math
from typing import Any

import pytest

from memory.errors import InvalidPayload
from memory.events import Payload, build, decode, encode, knows
from memory.events.amendments import RETRACTABLE
from memory.events.knowledge import STATED, BeliefAsserted, PredictionRegistered, TheoryProposed, ValidationRecorded

THEORY = {"theory_type": "causal_model", "hypothesis": "it rises"}
BELIEF = {"belief_type": "value", "statement": "it holds", "credence": 0.9}
PREDICTION = {"theory_id": "theory-1", "direction": 1, "probability": 0.7}
VALIDATION = {"target_kind": "theory", "target": "theory-1", "came_true": True}


def test_the_types_are_found_by_name() -> None:
    names = {cls.event_type for cls in STATED}
    assert names == {"theory_proposed", "prediction_registered", "belief_asserted", "validation_recorded"}
    assert all(knows(name) for name in names)


def test_statements_and_outcomes_can_be_retracted_and_predictions_never() -> None:
    assert {"theory_proposed", "belief_asserted", "validation_recorded"} <= set(RETRACTABLE)
    assert "prediction_registered" not in RETRACTABLE


@pytest.mark.parametrize(
    ("cls", "fields"),
    [
        (TheoryProposed, THEORY | {"kind": "effect", "subject": "a", "object": "loss", "method": "scale", "dose": 0.5}),
        (TheoryProposed, THEORY | {"direction": -1, "probability": 0.99, "proposed_by": "ada", "model": "m"}),
        (BeliefAsserted, BELIEF | {"tags": ("a", "b"), "direction": 0, "importance": 1, "asserted_by": "ada"}),
        (BeliefAsserted, BELIEF | {"core": True, "credence": 1}),
        (PredictionRegistered, PREDICTION | {"context": {"lr": math.inf, "n": 2**70}, "mean": -0.5, "sd": 1e-300}),
        (ValidationRecorded, VALIDATION | {"rests_on": 3, "note": "seen"}),
        (ValidationRecorded, VALIDATION | {"came_true": None, "value": -math.inf}),
    ],
)
def test_what_is_stated_comes_back_as_it_was(cls: type[Payload], fields: dict[str, Any]) -> None:
    payload = build(cls, **fields)
    assert decode(cls.event_type, 1, encode(payload)) == payload


@pytest.mark.parametrize(
    ("cls", "fields"),
    [
        (TheoryProposed, THEORY | {"theory_type": "astrology"}),
        (TheoryProposed, THEORY | {"hypothesis": " "}),
        (TheoryProposed, THEORY | {"probability": 1.0}),
        (TheoryProposed, THEORY | {"probability": 0.0}),
        (TheoryProposed, THEORY | {"probability": math.nan}),
        (TheoryProposed, THEORY | {"direction": 0}),
        (TheoryProposed, THEORY | {"dose": math.inf}),
        (TheoryProposed, THEORY | {"kind": "magic"}),
        (TheoryProposed, THEORY | {"mood": "good"}),
        (BeliefAsserted, BELIEF | {"belief_type": "architectural_fact"}),
        (BeliefAsserted, BELIEF | {"statement": ""}),
        (BeliefAsserted, BELIEF | {"credence": 1.1}),
        (BeliefAsserted, BELIEF | {"credence": math.nan}),
        (BeliefAsserted, BELIEF | {"importance": -0.1}),
        (BeliefAsserted, BELIEF | {"core": True}),
        (BeliefAsserted, BELIEF | {"tags": "core"}),
        (BeliefAsserted, BELIEF | {"statement": "a\0b"}),
        (PredictionRegistered, PREDICTION | {"direction": 0}),
        (PredictionRegistered, PREDICTION | {"mean": 1.0}),
        (PredictionRegistered, PREDICTION | {"mean": 1.0, "sd": 0.0}),
        (PredictionRegistered, PREDICTION | {"mean": math.inf, "sd": 1.0}),
        (ValidationRecorded, VALIDATION | {"value": 1.0}),
        (ValidationRecorded, VALIDATION | {"came_true": None}),
        (ValidationRecorded, VALIDATION | {"came_true": "yes"}),
        (ValidationRecorded, VALIDATION | {"came_true": None, "value": 1.0, "target_kind": "belief"}),
        (ValidationRecorded, VALIDATION | {"rests_on": 0}),
        (ValidationRecorded, VALIDATION | {"target_kind": "pattern"}),
    ],
    ids=str,
)
def test_what_says_nothing_that_can_be_kept_is_refused(cls: type[Payload], fields: dict[str, Any]) -> None:
    with pytest.raises(InvalidPayload):
        encode(build(cls, **fields))


def test_white_space_around_words_makes_no_other_statement() -> None:
    assert build(BeliefAsserted, **BELIEF | {"statement": " it holds\n"}) == build(BeliefAsserted, **BELIEF)
