"""The views for common questions: the same rows on both engines, described as they are, and cheap with a LIMIT."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import ModuleType
from typing import Any

import pytest
from sqlalchemy import text

from memory.events import registry
from memory.projections.catalogue import PROJECTIONS
from memory.projections.landmarks import LandmarksProjection
from memory.projections.runner import ProjectionRunner
from memory.query.view_columns import View
from memory.query.views import EVENTS, VIEWS
from memory.store import EventStore

Rows = list[dict[str, Any]]
ENGINES = ("sqlite", "postgresql")
EMBED = "model.embed_tokens.weight"
KINDS = {"text": str, "int": int, "float": float, "flag": int}
SMALL = frozenset(
    ("claims", "effects_by_layer", "current_beliefs", "belief_evidence", "dropped_as_architecture", "amendments")
)
"""Views of tables that do not grow with the log, which may be sorted."""


@pytest.fixture(scope="module")
def rows(question_stores: Mapping[str, EventStore]) -> dict[str, dict[str, Rows]]:
    """All that every view says, by engine and view."""
    return {engine: {view.name: everything(store, view) for view in VIEWS} for engine, store in question_stores.items()}


def everything(store: EventStore, view: View) -> Rows:
    return store.database.read_only_rows(f"SELECT * FROM {view.name} ORDER BY {', '.join(view.key)}", {}).mappings()


def only(found: Rows, **where: Any) -> Rows:
    return [row for row in found if all(row[name] == value for name, value in where.items())]


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.name)
def test_a_view_says_the_same_on_both_engines(rows: Mapping[str, Mapping[str, Rows]], view: View) -> None:
    found = rows["sqlite"][view.name]
    assert found
    assert rows["postgresql"][view.name] == found
    assert list(found[0]) == [column.name for column in view.columns]


@pytest.mark.parametrize("engine", ENGINES)
def test_the_columns_hold_what_is_said_of_them_and_the_key_tells_rows_apart(
    rows: Mapping[str, Mapping[str, Rows]], engine: str
) -> None:
    for view in VIEWS:
        found = rows[engine][view.name]
        for column in view.columns:
            values = {row[column.name] for row in found} - {None}
            assert {type(value) for value in values} <= {KINDS[column.kind]}, (view.name, column)
            if column.kind == "flag":
                assert values <= {0, 1}, (view.name, column)
        keys = [tuple(row[name] for name in view.key) for row in found]
        assert len(set(keys)) == len(keys), view.name


def test_every_column_of_every_view_is_told_of_in_the_catalogue(question_stores: Mapping[str, EventStore]) -> None:
    query = (
        "SELECT c.relname, a.attname, col_description(c.oid, a.attnum), obj_description(c.oid) FROM pg_class c "
        "JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 "
        "WHERE c.relkind = 'v' AND c.relnamespace = current_schema()::regnamespace "
        "ORDER BY c.relname, a.attnum"
    )
    with question_stores["postgresql"].database.reading() as connection:
        found = [tuple(row) for row in connection.execute(text(query))]
    assert found == [
        (view.name, column.name, column.comment, view.comment)
        for view in sorted((EVENTS, *VIEWS), key=lambda view: view.name)
        for column in view.columns
    ]


GROWING = [view for view in VIEWS if view.name not in SMALL]


def newest(view: View) -> str:
    return f"SELECT * FROM {view.name} ORDER BY {', '.join(f'{name} DESC' for name in view.key)} LIMIT 20"


@pytest.mark.parametrize("view", GROWING, ids=lambda view: view.name)
def test_a_limit_costs_what_it_gives_on_sqlite(question_stores: Mapping[str, EventStore], view: View) -> None:
    with question_stores["sqlite"].database.reading() as connection:
        steps = [row.detail for row in connection.execute(text(f"EXPLAIN QUERY PLAN {newest(view)}"))]
    assert "USE TEMP B-TREE FOR ORDER BY" not in steps
    walked = [step.split()[1] for step in steps if step.startswith("SCAN")]
    # The table whose order it follows; definitions of metrics, which are few; and what is looked up for a row.
    others = [each for each in walked if each not in ("metric_definitions", "item", "log") and "subquery" not in each]
    assert len(others) <= 1, steps


def test_a_limit_costs_what_it_gives_on_postgresql(question_stores: Mapping[str, EventStore]) -> None:
    few = ("storages_now", "sharing_history", "checkpoint_log", "projection_lag")
    with question_stores["postgresql"].database.reading() as connection:
        # The tables here are so small that sorting them would be cheaper than any index.
        for off in ("enable_seqscan", "enable_sort", "enable_hashjoin", "enable_mergejoin", "enable_hashagg"):
            connection.execute(text(f"SET LOCAL {off} = off"))
        for view in GROWING:
            if view.name in few:
                continue
            steps = "\n".join(connection.execute(text(f"EXPLAIN {newest(view)}")).scalars())
            driven = steps.partition("SubPlan")[0]
            assert "Seq Scan" not in driven, (view.name, steps)
            assert "Disabled: true" not in driven, (view.name, steps)


def test_the_history_of_a_layer_has_writes_made_under_its_other_name(rows: Mapping[str, Mapping[str, Rows]]) -> None:
    names = {EMBED: "lm_head.weight", "lm_head.weight": EMBED}
    history = rows["sqlite"]["layer_history"]
    for name, other in names.items():
        found = only(history, layer_name=name)
        assert {row["primary_layer"] for row in only(found, relation="alias")} == {other}
        assert {row["primary_layer"] for row in only(found, relation="primary")} == {name}
    (unannounced,) = only(history, event_type="unattributed_write")
    assert (unannounced["primary_layer"], unannounced["counted"], unannounced["method"]) == (None, None, None)
    assert unannounced["occurred_at"].startswith("2026-03-02T")


def test_an_act_has_one_row_that_says_whether_it_was_taken_back(rows: Mapping[str, Mapping[str, Rows]]) -> None:
    acts = rows["sqlite"]["act_summary"]
    reverts = {row["reverts"] for row in rows["sqlite"]["layer_history"]} - {None}
    assert {row["act_id"] for row in acts if row["reverted"]} == reverts
    (two,) = only(acts, act_id="two layers 1.0")
    assert (two["writes"], two["storages"], two["coupled_writes"], two["dose"]) == (2, 2, 0, 2.0)
    assert (two["outcomes"], two["randomised"], two["method"]) == (3, 0, "scale")


def test_what_an_act_did_is_what_is_evidence(rows: Mapping[str, Mapping[str, Rows]]) -> None:
    sizes = {(row["position"], round(abs(row["change"]), 9)) for row in rows["sqlite"]["act_outcomes"]}
    evidence = only(rows["sqlite"]["belief_evidence"], method="scale")
    assert len(evidence) > 10
    assert {(row["position"], round(abs(row["outcome"]), 9)) for row in evidence} <= sizes


@pytest.fixture(scope="module")
def odd(histories: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Iterator[EventStore]:
    """One act measured more often than needed, on two samples, with a number that was taken back."""
    history = histories.History()
    history.attach(histories.sharing(["head", "embed", "up"], ["head", "embed"]))
    history.define("loss", better="lower")
    for value in (1.0, 2.0):
        history.metrics("act", {"loss": value}, "a")
    history.metrics("act", {"loss": 7.0}, "b")
    history.write("act", "head", 1.0, per_name=True)
    history.write("act", "embed", 1.0, per_name=True)
    history.metrics("act", {"loss": 99.0}, "a")
    history.retract(history.last)
    for value in (2.5, 9.0):
        history.metrics("act", {"loss": value}, "a")
    history.metrics("act", {"loss": 6.0}, "b")
    history.metrics("act", {"loss": 5.0})
    history.write("act", "up", 1.0)
    history.metrics(None, {"loss": 4.0}, "a")
    history.metrics("no write", {"loss": 3.0}, "a")
    with EventStore.open(tmp_path_factory.mktemp("odd") / "odd.db") as store:
        store.append(history.events)
        ProjectionRunner(store, PROJECTIONS).catch_up()
        yield store


def ask(store: EventStore, query: str) -> list[tuple[Any, ...]]:
    return list(store.database.read_only_rows(query, {}).rows)


def test_an_outcome_is_the_first_after_the_first_write_beside_the_last_before_it_on_its_sample(odd: EventStore) -> None:
    query = "SELECT sample, baseline, outcome, change, verdict FROM act_outcomes ORDER BY position"
    assert ask(odd, query) == [
        ("a", 2.0, 2.5, 0.5, "worse"),
        ("b", 7.0, 6.0, -1.0, "better"),
        (None, None, 5.0, None, None),
    ]


def test_a_write_has_the_outcomes_that_came_after_it(odd: EventStore) -> None:
    query = "SELECT layer_name, sample, alone FROM write_outcomes ORDER BY outcome_position"
    assert ask(odd, query) == [("head", "a", 0), ("head", "b", 0), ("head", None, 0)]


def test_two_records_of_one_write_are_one_write(odd: EventStore) -> None:
    query = "SELECT act_id, writes, storages, coupled_writes, dose, outcomes FROM act_summary"
    assert ask(odd, query) == [("act", 2, 2, 1, 2.0, 1)]
    counted = "SELECT layer_name, sum(counted) FROM layer_history GROUP BY layer_name ORDER BY layer_name"
    assert ask(odd, counted) == [("embed", 1), ("head", 1), ("up", 1)]


def test_a_number_says_where_it_stands_in_its_act(odd: EventStore) -> None:
    query = "SELECT phase, count(*), count(retracted_position) FROM metric_series GROUP BY phase ORDER BY phase"
    assert ask(odd, query) == [(None, 2, 0), ("baseline", 3, 0), ("outcome", 5, 1)]


def test_verdicts_follow_which_way_is_better(rows: Mapping[str, Mapping[str, Rows]]) -> None:
    for row in rows["sqlite"]["act_outcomes"]:
        improved = row["change"] * (-1 if row["metric"] in ("loss", "perplexity") else 1)
        assert row["verdict"] == ("same" if improved == 0 else "better" if improved > 0 else "worse")
    effects = rows["sqlite"]["effects_by_layer"]
    assert {(row["metric"], row["verdict"]) for row in effects if row["kind"] == "effect"} == {
        ("loss", "worse"), ("accuracy", "worse"),
    }  # fmt: skip


def test_what_went_wrong_is_told(rows: Mapping[str, Mapping[str, Rows]]) -> None:
    found = rows["sqlite"]
    denied, failed = found["denied_and_aborted"]
    assert (denied["denied"], denied["denied_by"], denied["actor"]) == (1, "nan", "agent")
    assert (failed["denied"], failed["denied_by"], failed["error"]) == (0, None, "ValueError")
    (restore,) = found["restores"]
    assert (restore["checkpoint"], restore["to_position"], restore["actor"]) == ("before surgery", 5, "mara")
    assert [row["event_type"] for row in found["amendments"]] == ["correction", "retraction", "retraction"]
    assert [(row["level"], row["stops"], row["layers"]) for row in found["alerts"]][-1] == ("emergency", 0, None)
    assert found["alerts"][0]["layers"] == "model.layers.0.mlp.down_proj.weight"
    assert [row["next_position"] for row in found["checkpoint_log"]][-1] is None
    assert {row["behind"] for row in found["projection_lag"]} == {0}


def test_every_kind_of_event_is_a_landmark_or_has_a_table_of_its_own() -> None:
    assert registry.knows("observation")
    own = {"modification", "coupled_modification", "metrics_recorded", "layer_statistics_recorded", "observation"}
    assert {each.event_type for each in LandmarksProjection.folds} == set(registry._PAYLOAD_TYPES) - own
