"""Corrections and retractions as they are recorded: what is refused, and that the amended event stays as it is."""

from __future__ import annotations

import math
from typing import Any

import pytest

from introspection import SharingMap
from memory import MemorySystem
from memory.errors import AmendmentError, BatchError, InvalidArgument, InvalidPayload, KeyConflict
from memory.events.amendments import Correction, Retraction, corrected
from memory.events.envelope import NewEvent
from memory.events.observations import MetricDefined

NAMES = ["a", "b"]


@pytest.fixture
def told(memory: MemorySystem) -> MemorySystem:
    """A memory with one record of every kind that can be amended, at positions 2 to 5."""
    memory.attach(SharingMap.from_relations(names=NAMES, same=[]), name="m")
    memory.record_observation("behavior", "c", "seen", {"n": 1})
    memory.record_metrics({"loss": 2.0, "accuracy": 0.5}, sample="s")
    memory.record_layer_statistics("norm", {"a": 1.0})
    memory.record_modification("a", {"by": "hand"})
    return memory


def stored(memory: MemorySystem, position: int) -> Any:
    (event,) = memory.store.read(after=position - 1, limit=1)
    return event


def test_a_retraction_is_an_event_of_the_same_stream_that_names_its_target(told: MemorySystem) -> None:
    recorded = told.retract(3, reason="the sample was mixed up")
    event = stored(told, recorded.position)
    assert (recorded.event_type, event.stream) == ("retraction", "model-m")
    assert event.payload == Retraction(
        model="m", position=3, target_type="metrics_recorded", reason="the sample was mixed up"
    )


@pytest.mark.parametrize("position", [2, 3, 4, 5])
def test_every_kind_of_report_can_be_retracted_and_stays_in_the_log_as_it_was(
    told: MemorySystem, position: int
) -> None:
    before = stored(told, position)
    told.retract(position, reason="wrong")
    assert stored(told, position) == before
    assert told.verify().ok


def test_a_correction_holds_numbers_as_numbers_nan_included(told: MemorySystem) -> None:
    recorded = told.correct(3, data={"loss": 1, "accuracy": math.nan}, reason="misread")
    payload = stored(told, recorded.position).payload
    assert isinstance(payload, Correction)
    assert (payload.data["loss"], type(payload.data["loss"])) == (1.0, float)
    assert math.isnan(payload.data["accuracy"])


def test_what_belongs_to_no_model_is_amended_in_its_own_stream(memory: MemorySystem) -> None:
    memory.record_observation("behavior", "c")
    event = stored(memory, memory.retract(1, reason="wrong").position)
    assert (event.stream, event.payload.model) == ("memory", None)


@pytest.mark.parametrize("position", [0, -1, 6, 2**70])
def test_a_position_without_an_event_is_refused(told: MemorySystem, position: int) -> None:
    with pytest.raises(AmendmentError, match="no event at position") as refused:
        told.retract(position, reason="wrong")
    assert refused.value.position == position
    assert told.store.head().position == 5


@pytest.mark.parametrize("position", ["3", 3.0, None, True])
def test_what_is_no_position_is_refused(told: MemorySystem, position: Any) -> None:
    with pytest.raises(InvalidArgument, match="position"):
        told.correct(position, data={}, reason="wrong")


def test_what_is_no_record_of_something_seen_cannot_be_amended(told: MemorySystem) -> None:
    with pytest.raises(AmendmentError, match="a model_attached"):
        told.retract(1, reason="wrong")
    with pytest.raises(AmendmentError, match="a model_attached"):
        told.correct(1, data={}, reason="wrong")
    told.retract(2, reason="wrong")
    with pytest.raises(AmendmentError, match="a retraction"):
        told.retract(6, reason="it was right")
    assert told.store.head().position == 6


def test_a_write_is_retracted_and_told_anew_never_corrected(told: MemorySystem) -> None:
    with pytest.raises(AmendmentError, match="nothing that can be corrected") as refused:
        told.correct(5, data={"dose": 2.0}, reason="wrong")
    assert "retract it" in refused.value.remedy


def test_a_write_made_and_measured_here_cannot_be_talked_away(memory: MemorySystem, attached: Any) -> None:
    with memory.edit("middle.weight", method="scale", dose=1.0) as weight:
        weight.mul_(1.5)
    position = memory.store.head().position
    with pytest.raises(AmendmentError, match="it did happen"):
        memory.retract(position, reason="wrong")
    assert memory.store.head().position == position


def test_what_was_retracted_can_be_neither_retracted_nor_corrected_again(told: MemorySystem) -> None:
    told.retract(3, reason="a typing error")
    for again in (lambda: told.retract(3, reason="w"), lambda: told.correct(3, data={"loss": 1.0}, reason="w")):
        with pytest.raises(AmendmentError, match="retracted already: a typing error"):
            again()
    assert told.store.head().position == 6


def test_what_is_retracted_in_the_open_batch_is_retracted(told: MemorySystem) -> None:
    with told.batch():
        told.retract(3, reason="first")
        with pytest.raises(AmendmentError, match="retracted already: first"):
            told.retract(3, reason="second")
    assert told.store.head().position == 6


def test_an_amendment_in_an_aborted_batch_never_was(told: MemorySystem) -> None:
    recorded = []

    def abort() -> None:
        with told.batch():
            recorded.append(told.retract(3, reason="first"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        abort()
    with pytest.raises(BatchError):
        _ = recorded[0].position
    assert told.retract(3, reason="second").position == 6


def test_a_call_made_again_under_its_key_repeats_nothing(told: MemorySystem) -> None:
    first = told.retract(3, reason="wrong", key="k")
    again = told.retract(3, reason="wrong", key="k")
    assert (again.position, again.replayed) == (first.position, True)
    with pytest.raises(KeyConflict):
        told.retract(2, reason="wrong", key="k")
    assert told.store.head().position == 6


@pytest.mark.parametrize(
    ("position", "data", "path"),
    [
        (3, {"perplexity": 7.0}, "perplexity"),
        (3, {"loss": "low"}, "metrics.loss"),
        (3, {}, "data"),
        (3, 2.0, "data"),
        (4, {"b": 1.0}, "b"),
        (4, {"a": None}, "values.a"),
        (2, {"n": object()}, "data.n"),
    ],
)
def test_what_the_event_cannot_hold_is_refused_before_anything_is_written(
    told: MemorySystem, position: int, data: Any, path: str
) -> None:
    with pytest.raises(InvalidPayload) as refused:
        told.correct(position, data=data, reason="wrong")
    assert path in refused.value.path
    assert told.store.head().position == 5


@pytest.mark.parametrize("reason", ["", None, 7])
def test_an_amendment_gives_its_reason(told: MemorySystem, reason: Any) -> None:
    with pytest.raises(InvalidPayload, match="reason"):
        told.retract(3, reason=reason)


def test_corrections_of_one_event_add_up(told: MemorySystem) -> None:
    payload = stored(told, 3).payload
    payload = corrected(corrected(payload, {"loss": 1.0}), {"accuracy": 0.7})
    assert payload == stored(told, 3).payload.model_copy(update={"metrics": {"loss": 1.0, "accuracy": 0.7}})


def test_a_payload_that_holds_nothing_seen_has_nothing_to_correct() -> None:
    with pytest.raises(InvalidPayload, match="nothing that can be corrected"):
        corrected(NewEvent(MetricDefined(name="loss")).payload, {"name": "x"})
