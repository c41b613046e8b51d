"""Read tables after corrections and retractions: what is right now, and since when, the same on both engines."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import pytest

from memory.events.amendments import Retraction
from memory.projections.catalogue import PROJECTIONS
from memory.projections.runner import ProjectionRunner
from memory.store import EventStore

Tables = Callable[[Any], dict[str, Any]]


@pytest.fixture
def tables(histories: ModuleType, database_url: str) -> Iterator[Tables]:
    """Record a history event by event, looking after each, and give every table; a rebuild gives the same."""
    with EventStore.open(database_url) as store:

        def record(history: Any) -> dict[str, Any]:
            runner = ProjectionRunner(store, PROJECTIONS)
            for event in history.events:
                store.append([event])
                runner.catch_up()
            live: dict[str, Any] = histories.everything(store)
            runner.rebuild()
            assert histories.everything(store) == live
            return live

        yield record


def columns(rows: list[dict[str, Any]], *names: str) -> list[tuple[Any, ...]]:
    return [tuple(row[name] for name in names) for row in rows]


CHANGED = ("data", "status", "changed_position", "change_reason")


def test_a_corrected_observation_shows_the_right_data_and_who_said_so(history: Any, tables: Tables) -> None:
    history.note("first")
    history.note("second")
    history.correct(1, {"b": [1.5, None], "a": {"$float": "NaN"}}, "misread")
    (first, second) = columns(tables(history)["observations"], *CHANGED)
    assert first[1:] == ("superseded", 3, "misread")
    assert first[0]["b"] == [1.5, None]
    assert second == ({}, "active", None, None)


def test_corrected_data_is_stored_as_recorded_data_is(history: Any, histories: ModuleType, database_url: str) -> None:
    data = {"z": 1e300, "a": ["ç", {"$x": None}], "n": float("inf")}
    history.note("to be corrected")
    history.correct(1, data)
    history.add(history.events[0].payload.model_copy(update={"data": data}), None)
    with EventStore.open(database_url) as store:
        store.append(history.events)
        ProjectionRunner(store, PROJECTIONS).catch_up()
        texts = store.database.read_only_rows("SELECT CAST(data AS TEXT) FROM observations ORDER BY position", {}).rows
        first, second = (text for (text,) in texts)
    assert first == second
    assert "$float" in first


def test_an_observation_corrected_to_nothing_holds_nothing(
    history: Any, histories: ModuleType, database_url: str
) -> None:
    history.note("to be corrected")
    history.correct(1, None)
    with EventStore.open(database_url) as store:
        store.append(history.events)
        ProjectionRunner(store, PROJECTIONS).catch_up()
        assert list(store.database.read_only_rows("SELECT data IS NULL FROM observations", {}).rows) == [(True,)]


def test_a_retracted_observation_is_obsolete_and_stays_readable(history: Any, tables: Tables) -> None:
    history.note("first")
    history.correct(1, {"n": 1})
    history.retract(1, "nobody saw it")
    (row,) = columns(tables(history)["observations"], *CHANGED)
    assert row == ({"n": 1}, "obsolete", 3, "nobody saw it")


def test_the_first_of_two_retractions_holds_and_nothing_after_it(history: Any, tables: Tables) -> None:
    # Two writers, neither of whom knew of the other.
    history.note("first")
    history.metrics(None, {"loss": 1.0}, model=None)
    for position in (1, 2):
        history.retract(position, "the first")
        history.retract(position, "the second")
    history.correct(1, {"n": 1})
    history.correct(2, {"loss": 7.0})
    found = tables(history)
    assert columns(found["observations"], *CHANGED) == [({}, "obsolete", 3, "the first")]
    assert columns(found["metrics"], "value", "retracted_position") == [(1.0, 5)]


def test_corrected_numbers_are_shown_and_the_others_stay(history: Any, histories: ModuleType, tables: Tables) -> None:
    history.attach(histories.sharing("ab"))
    history.metrics(None, {"loss": 1.0, "accuracy": 0.5})
    history.statistics("norm", {"a": 1.0, "b": 2.0})
    history.correct(2, {"loss": 2.5})
    history.correct(2, {"accuracy": float("nan")})
    history.correct(3, {"b": float("inf")})
    found = tables(history)
    assert columns(found["metrics"], "metric", "value", "special", "retracted_position") == [
        ("accuracy", None, "NaN", None),
        ("loss", 2.5, None, None),
    ]
    assert columns(found["layer_statistics"], "layer_name", "value", "special") == [
        ("a", 1.0, None),
        ("b", None, "Infinity"),
    ]


def test_a_number_whose_name_looks_like_a_tag_is_corrected(history: Any, tables: Tables) -> None:
    history.metrics(None, {"$float": 1.0}, model=None)
    history.correct(1, {"$float": 2.0})
    assert columns(tables(history)["metrics"], "metric", "value") == [("$float", 2.0)]


def test_retracted_rows_say_since_when(history: Any, histories: ModuleType, tables: Tables) -> None:
    history.attach(histories.sharing("ab"))
    history.metrics(None, {"loss": 1.0, "accuracy": 0.5})
    history.statistics("norm", {"a": 1.0, "b": 2.0})
    history.write("act", "a")
    for position in (4, 3, 2):
        history.retract(position)
    found = tables(history)
    assert columns(found["modifications"], "retracted_position", "counted") == [(5, False)]
    assert columns(found["layer_statistics"], "retracted_position") == [(6,), (6,)]
    assert columns(found["metrics"], "value", "retracted_position") == [(0.5, 7), (1.0, 7)]


def test_another_record_of_the_same_write_counts_where_the_one_that_counted_was_retracted(
    history: Any, histories: ModuleType, tables: Tables
) -> None:
    history.attach(histories.sharing("abc", "ab"))
    history.write("act", "a", per_name=True)
    history.write("act", "b", per_name=True)
    history.write("other", "c", per_name=True)
    history.retract(2)
    history.retract(4)
    history.write("act", "a", per_name=True)
    history.write("other", "c", per_name=True)
    found = columns(tables(history)["modifications"], "position", "counted", "retracted_position")
    assert found == [(2, False, 5), (3, True, None), (4, False, 6), (7, False, None), (8, True, None)]


def test_an_amendment_of_another_type_or_of_what_is_to_come_changes_nothing(history: Any, tables: Tables) -> None:
    # Only somebody who writes past the API can say such things.
    history.note("first")
    history.metrics(None, {"loss": 1.0}, model=None)
    history.add(Retraction(position=2, target_type="observation", reason="a mix-up"), None)
    history.add(Retraction(position=5, target_type="observation", reason="foreseen"), None)
    history.note("second")
    found = tables(history)
    assert columns(found["observations"], "position", "status") == [(1, "active"), (5, "active")]
    assert columns(found["metrics"], "retracted_position") == [(None,)]


def test_what_was_measured_of_a_fact_and_is_retracted_leaves_the_table(
    history: Any, histories: ModuleType, tables: Tables
) -> None:
    history.attach(histories.sharing("ab", "ab"))
    history.statistics("norm", {"a": 1.0, "b": 1.0})
    history.retract(2)
    assert columns(tables(history)["architectural_facts"], "kind") == [("identity",)]
