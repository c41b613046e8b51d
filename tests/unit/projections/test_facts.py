"""What architecture explains: on record with its reason, how strong it looked in the data, and when it ended."""

from __future__ import annotations

import math
import random
from types import ModuleType
from typing import Any

import pytest

from memory.inference.comodification import ComodificationProcess
from memory.projections.knowledge import KnowledgeProjection


@pytest.fixture
def tables(histories: ModuleType) -> Any:
    """Give the tables of knowledge that a history folds into."""
    return lambda history: histories.flushed(histories.fold(KnowledgeProjection(), history.stored()))


def facts(tables: dict[str, Any], **wanted: Any) -> list[dict[str, Any]]:
    found = [row for row in tables["architectural_facts"] if wanted.items() <= row.items()]
    return sorted(found, key=lambda row: (row["first_position"], row["subject"], row["object"]))


def _architectural(tables: dict[str, Any]) -> list[dict[str, Any]]:
    return [row for row in tables["beliefs"] if row["belief_type"] == "architectural_fact"]


def test_every_relation_of_the_map_is_a_fact_with_its_reason(histories: ModuleType, history: Any, tables: Any) -> None:
    history.attach(histories.sharing("abcdg", "ab", partial=[("c", "d")], derived={"w": ["g"]}))
    found = facts(tables(history), kind="identity")
    assert [(row["subject"], row["object"], row["reason"]) for row in found] == [
        ("a", "b", "alias"),
        ("c", "d", "overlap"),
        ("w", "g", "derived"),
    ]
    assert {row["to_position"] for row in found} == {None}
    assert found[0]["relation"] == "a and b are one tensor"


def test_names_of_one_tensor_are_a_certain_belief_until_they_are_cut(
    histories: ModuleType, history: Any, tables: Any
) -> None:
    history.attach(histories.sharing("abc", "ab"))
    (belief,) = _architectural(tables(history))
    assert (belief["belief_type"], belief["credence"], belief["status"]) == ("architectural_fact", 1.0, "active")
    assert belief["statement"] == "a and b are one tensor: a write to one is a write to all"
    history.change(histories.sharing("abc"))
    after = tables(history)
    (belief,) = _architectural(after)
    assert (belief["status"], belief["first_position"], belief["last_position"]) == ("retracted", 1, 2)
    assert [row["to_position"] for row in facts(after, kind="identity")] == [2]


def test_a_tie_cut_and_made_again_is_two_facts_and_two_beliefs(
    histories: ModuleType, history: Any, tables: Any
) -> None:
    tied, cut = histories.sharing("ab", "ab"), histories.sharing("ab")
    history.attach(tied)
    history.change(cut)
    history.change(tied)
    found = tables(history)
    assert [(row["first_position"], row["to_position"]) for row in facts(found, reason="alias")] == [(1, 2), (3, None)]
    beliefs = sorted((row["first_position"], row["status"]) for row in _architectural(found))
    assert beliefs == [(1, "retracted"), (3, "active")]


def test_how_strong_comodification_looked_is_computed_from_the_writes(
    histories: ModuleType, history: Any, tables: Any
) -> None:
    history.attach(histories.sharing("abc", "ab"))
    naive, coin = ComodificationProcess(), random.Random(1)
    for number in range(97):
        name = coin.choice("abc")
        history.write(f"act {number}", name)
        if number < 96:
            naive.update(name != "c", name != "c")
    (fact,) = facts(tables(history), kind="comodification")
    assert (fact["subject"], fact["object"], fact["reason"]) == ("a", "b", "alias")
    assert fact["strength"] == naive.log_e > 30
    assert fact["strength_kind"] == "log_e_value"


def test_writes_from_before_a_tie_are_no_comodification_of_it(histories: ModuleType, history: Any, tables: Any) -> None:
    history.attach(histories.sharing("abc"))
    history.write("before", "a")
    history.change(histories.sharing("abc", "ab"))
    history.write("one", "a")
    history.write("two", "b")
    history.write("under way", "c")
    (fact,) = facts(tables(history), kind="comodification")
    assert (fact["first_position"], fact["support"]) == (3, 2)


def test_a_pair_never_written_leaves_no_comodification(histories: ModuleType, history: Any, tables: Any) -> None:
    history.attach(histories.sharing("abc", "ab"))
    for number in range(40):
        history.write(f"act {number}", "c")
    assert facts(tables(history), kind="comodification") == []


def test_sweeps_reverts_and_second_names_are_no_comodification(
    histories: ModuleType, history: Any, tables: Any
) -> None:
    history.attach(histories.sharing("abc", "ab"))
    history.write("one", "a", per_name=True)
    history.write("one", "b", per_name=True)
    history.write("two", "a", method="sweep")
    history.revert("one", "a")
    history.write("three", "c")
    (fact,) = facts(tables(history), kind="comodification")
    assert fact["support"] == 1


def test_statistics_read_under_two_names_are_one_series_told_twice(
    histories: ModuleType, history: Any, tables: Any
) -> None:
    history.attach(histories.sharing("abc", "ab"))
    for value in (1.0, 4.0, 2.0):
        history.statistics("norm", {"a": value, "b": value, "c": -value, "ghost": value})
    (fact,) = facts(tables(history), kind="cochange")
    assert (fact["subject"], fact["object"], fact["strength"], fact["support"]) == ("a", "b", 1.0, 3)
    assert fact["strength_kind"] == "correlation"


def test_a_constant_statistic_has_no_correlation(histories: ModuleType, history: Any, tables: Any) -> None:
    history.attach(histories.sharing("ab", "ab"))
    history.statistics("norm", {"a": 1.0, "b": math.nan})
    (fact,) = facts(tables(history), kind="cochange")
    assert (fact["strength"], fact["support"]) == (None, 1)


def test_dropped_correlations_are_closed_at_the_cut_and_begin_anew_after_it(
    histories: ModuleType, history: Any, tables: Any
) -> None:
    tied = histories.sharing("ab", "ab")
    history.attach(tied)
    history.statistics("norm", {"a": 1.0, "b": 1.0})
    history.statistics("norm", {"a": 2.0, "b": 2.0})
    history.change(histories.sharing("ab"))
    history.statistics("norm", {"a": 5.0, "b": -7.0})
    history.change(tied)
    history.statistics("norm", {"a": 5.0, "b": 5.0})
    found = facts(tables(history), kind="cochange")
    assert [(row["first_position"], row["to_position"], row["support"]) for row in found] == [(1, 4, 2), (6, None, 1)]
    assert found[0]["strength"] == 1.0


def test_a_third_name_does_not_end_what_two_have_in_common(histories: ModuleType, history: Any, tables: Any) -> None:
    history.attach(histories.sharing("abc", "ab"))
    history.statistics("norm", {"a": 1.0, "b": 1.0})
    history.change(histories.sharing("abc", "abc"))
    history.statistics("norm", {"a": 2.0, "b": 2.0, "c": 2.0})
    found = {(row["object"], row["subject"]): row for row in facts(tables(history), kind="cochange")}
    assert found["b", "a"]["support"] == 2
    assert found["b", "a"]["to_position"] is None
    assert found["c", "a"]["first_position"] == 3


def test_a_derived_metric_restates_what_it_is_computed_from(histories: ModuleType, history: Any, tables: Any) -> None:
    history.attach(histories.sharing("ab", "ab"))
    history.define("perplexity", of=["loss"])
    for number, change in enumerate((0.1, -0.2, 0.4)):
        after = {"loss": 2.0 + change, "perplexity": math.exp(2.0 + change)}
        history.experiment(f"act {number}", "b", 1.0, {"loss": 2.0, "perplexity": math.exp(2.0)}, after)
    (fact,) = facts(tables(history), reason="derived_metric")
    assert (fact["kind"], fact["subject"], fact["object"]) == ("effect", "a", "perplexity")
    assert (fact["relation"], fact["support"], fact["first_position"]) == ("perplexity is computed from loss", 3, 2)
    assert 0.98 < fact["strength"] < 1.0


def test_a_metric_that_is_derived_no_longer_restates_nothing(histories: ModuleType, history: Any, tables: Any) -> None:
    history.attach(histories.sharing("a"))
    history.define("perplexity", of=["loss"])
    both = {"loss": 2.0, "perplexity": 7.0}
    history.experiment("act", "a", 1.0, both, {"loss": 3.0, "perplexity": 20.0})
    history.define("perplexity")
    (fact,) = facts(tables(history), reason="derived_metric")
    assert fact["to_position"] == 6


def test_a_large_group_is_told_as_pairs_with_its_first_name(histories: ModuleType, history: Any, tables: Any) -> None:
    names = [f"n{number:02}" for number in range(40)]
    history.attach(histories.sharing(names, names))
    assert len(facts(tables(history), kind="identity")) == 39
