"""The tables that say what was recorded: one row per thing that happened, the same on both engines."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest

from memory.projections.catalogue import PROJECTIONS
from memory.projections.knowledge import KnowledgeProjection
from memory.projections.knowledge_tables import architectural_facts
from memory.projections.runner import ProjectionRunner
from memory.store import EventStore


@pytest.fixture
def tables(histories: ModuleType, database_url: str) -> Iterator[Any]:
    """Record a history and give every table."""
    with EventStore.open(database_url) as store:

        def record(history: Any) -> dict[str, Any]:
            store.append(history.events)
            ProjectionRunner(store, PROJECTIONS).catch_up()
            found: dict[str, Any] = histories.everything(store)
            return found

        yield record


def columns(rows: list[dict[str, Any]], *names: str) -> list[tuple[Any, ...]]:
    return [tuple(row[name] for name in names) for row in rows]


def test_names_and_keys_have_a_beginning_and_an_end(histories: ModuleType, history: Any, tables: Any) -> None:
    history.attach(histories.sharing("abc", "bc"))
    history.note("in between")
    history.change(histories.sharing("abc"), kept={"c": "b", "a": "a"})
    found = tables(history)
    assert columns(found["storages"], "storage_id", "key", "from_position", "to_position") == [
        (1, "a", 1, None),
        (2, "b", 1, 3),
        (2, "c", 3, None),
        (3, "b", 3, None),
    ]
    assert columns(found["storage_names"], "storage_id", "name", "from_position", "to_position") == [
        (1, "a", 1, None),
        (2, "b", 1, 3),
        (2, "c", 1, None),
        (3, "b", 3, None),
    ]
    maps = columns(found["sharing_maps"], "position", "names", "storages", "groups")
    assert maps == [(1, 3, 2, [["b", "c"]]), (3, 3, 3, [])]


def test_a_tied_write_is_one_modification_that_reaches_every_name(
    histories: ModuleType, history: Any, tables: Any
) -> None:
    history.attach(histories.sharing("abcd", "ab", partial=[("a", "c")], derived={"w": ["b"]}))
    history.write("act", "b", -0.5, propensity=0.25)
    found = tables(history)
    (row,) = found["modifications"]
    assert (row["event_type"], row["storage_key"], row["primary_layer"]) == ("coupled_modification", "a", "b")
    assert (row["coupled_layers"], row["act_id"], row["method"]) == (["a", "c"], "act", "scale")
    assert (row["dose"], row["randomised"], row["propensity"], row["counted"]) == (-0.5, True, 0.25, True)
    assert row["occurred_at"] == "2026-01-01T12:00:00.000000Z"
    reached = columns(found["affected_layers"], "layer_name", "storage_key", "relation")
    assert reached == [("a", "a", "alias"), ("b", "a", "primary"), ("c", "c", "overlap"), ("w", None, "derived")]


def test_a_log_with_one_record_per_name_counts_each_write_once(
    histories: ModuleType, history: Any, tables: Any
) -> None:
    history.attach(histories.sharing("abg", "ab", derived={"w": ["g"]}))
    for name in ("a", "b", "g", "w"):
        history.write("act", name, per_name=True)
    history.write("act", "ghost", per_name=True, known=False)
    history.write("another", "b", per_name=True)
    found = columns(tables(history)["modifications"], "primary_layer", "storage_id", "counted")
    assert found == [
        ("a", 1, True),
        ("b", 1, False),
        ("g", 2, True),
        ("w", None, False),
        ("ghost", None, False),
        ("b", 1, True),
    ]


def test_numbers_that_sql_does_not_know_are_told_in_words(histories: ModuleType, history: Any, tables: Any) -> None:
    history.attach(histories.sharing("a"))
    history.metrics("act", {"x": 1.5, "nan": math.nan, "up": math.inf, "down": -math.inf}, "s")
    found = tables(history)
    assert columns(found["metrics"], "metric", "value", "special") == [
        ("down", None, "-Infinity"),
        ("nan", None, "NaN"),
        ("up", None, "Infinity"),
        ("x", 1.5, None),
    ]
    assert columns(found["metrics"], "sample", "act_id")[0] == ("s", "act")


def test_only_names_that_no_map_knows_are_quarantined(histories: ModuleType, history: Any, tables: Any) -> None:
    history.attach(histories.sharing("abg", "ab", derived={"w": ["g"]}))
    history.statistics("norm", {"a": 1.0, "b": 1.0, "w": 2.0, "ghost": 3.0})
    found = columns(tables(history)["layer_statistics"], "layer_name", "storage_id", "quarantined")
    assert found == [("a", 1, False), ("b", 1, False), ("ghost", None, True), ("w", None, False)]


def test_observations_and_definitions_have_a_row_each(histories: ModuleType, history: Any, tables: Any) -> None:
    history.attach(histories.sharing("a"))
    history.note("first")
    history.define("loss", 0.25)
    history.define("perplexity", of=["loss"], model="m")
    found = tables(history)
    assert columns(found["observations"], "position", "model", "obs_type", "description") == [
        (2, None, "behavior", "first")
    ]
    assert columns(found["metric_definitions"], "metric", "model", "smallest_effect", "derived_from") == [
        ("loss", None, 0.25, []),
        ("perplexity", "m", 0.0, ["loss"]),
    ]


def test_an_unannounced_write_reaches_names_and_is_no_modification(
    histories: ModuleType, history: Any, tables: Any
) -> None:
    history.attach(histories.sharing("ab", "ab"))
    history.unannounced("a")
    found = tables(history)
    assert found["modifications"] == []
    assert columns(found["affected_layers"], "position", "layer_name") == [(2, "a"), (2, "b")]
    assert columns(found["weight_states"], "storage_id", "position", "fingerprint") == [(1, 2, "bb")]


def test_more_rows_than_one_statement_can_name_are_written(histories: ModuleType, history: Any) -> None:
    names = [f"flat.{number:04}" for number in range(1200)]
    history.attach(histories.sharing([*names, "a.flat"], partial=[("a.flat", name) for name in names]))
    projection = histories.fold(KnowledgeProjection(), history.stored())
    with EventStore.open(":memory:") as store:
        with store.database.writing("projections") as connection:
            connection.connection.driver_connection.setlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER, 999)
            projection.flush(connection)
        assert len(histories.rows(store, architectural_facts)) == 1200
