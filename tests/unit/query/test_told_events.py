"""Events in a few words: what each type says, with its numbers."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest

from memory.events.modifications import EditAborted
from memory.events.safety import SafetyAlert
from memory.query.told_events import EventTold, briefly


def last(history: Any) -> Any:
    """Give the event told last, as it is stored."""
    return history.stored()[-1][0]


@pytest.fixture
def told(history: Any, histories: ModuleType) -> Any:
    """A history of a model with two names of one tensor, and one of its own."""
    history.attach(histories.sharing(["a", "b", "c"], ["a", "b"]))
    return history


def test_a_model_is_told_with_its_ties(told: Any) -> None:
    assert briefly(last(told)) == "a model of 3 names; one tensor: a = b"


def test_a_write_is_told_by_its_method_its_dose_and_every_name_it_reaches(told: Any) -> None:
    told.write("x", "a", -1.0)
    assert briefly(last(told)).startswith("scale by -1 of a, which is also b")
    told.write("x", "c", None, coin=False, method=None)
    assert briefly(last(told)).startswith("write of c")


def test_of_many_numbers_the_first_few_are_told(told: Any) -> None:
    told.metrics(None, {f"metric{number}": number + 0.12345 for number in range(6)}, "batch-1")
    words = "metric0 0.1235, metric1 1.123, metric2 2.123, metric3 3.123, and 2 more on batch-1"
    assert briefly(last(told)) == words
    told.statistics("norm", {"a": 1.0})
    assert briefly(last(told)) == "norm: a 1"


def test_what_was_amended_is_told_with_the_reason(told: Any) -> None:
    told.note("seen", "note", model="m")
    told.retract(told.last, reason="a slip")
    assert briefly(last(told)) == "position 2 (observation): a slip"


def test_what_was_stated_is_told_as_it_was_said(told: Any, stating: ModuleType) -> None:
    stated = stating.Told(told)
    belief, theory = stated.hold("it holds", credence=0.7), stated.propose("it falls", direction=-1)
    assert briefly(last(told)) == "it falls"
    assert briefly(told.stored()[1][0]) == "it holds (credence 0.7)"
    stated.predict(theory, 0.8, direction=-1)
    assert briefly(last(told)) == "predicted down with probability 0.8"
    stated.meet(theory, -0.5)
    assert briefly(last(told)) == "it came -0.5"
    for came, words in ((True, "it came as it says: by hand"), (False, "it came otherwise: by hand")):
        stated.meet(belief, came, note="by hand")
        assert briefly(last(told)) == words


def test_what_did_not_happen_or_was_not_announced_is_told_with_why(told: Any) -> None:
    told.aborted("x", "a", restored=True)
    assert briefly(last(told)) == "an edit of a did not happen: ValueError"
    denied = EditAborted(
        model="m", primary_layer="a", storage_key="a", error="SafetyViolation", restored=True, denied_by=("norm",)
    )
    told.add(denied, "m", "x")
    assert briefly(last(told)) == "an edit of a did not happen: denied by norm"
    told.unannounced("c")
    assert briefly(last(told)) == "c holds other bytes than the record says (found by verify)"
    told.add(SafetyAlert(model="m", level="critical", category="norm", message="it grew"), "m")
    assert briefly(last(told)) == "critical: it grew"
    told.restored()
    assert briefly(last(told)) == "an earlier state was put back"


def test_a_row_has_the_events_place_time_and_act(told: Any) -> None:
    told.note("seen", "note", model="m", act="x")
    row = EventTold.of(last(told), "observation", "supports")
    assert row == EventTold(
        2, "observation", "2026-01-01T12:00:00.000000Z", "x", "observation", "note: seen", "supports"
    )
