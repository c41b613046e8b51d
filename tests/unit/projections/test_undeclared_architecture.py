"""What no map says: names that turn out to be one tensor, pairs that were never seen apart, storages that end."""

from __future__ import annotations

import random
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

from memory.projections.knowledge import KnowledgeProjection

Rows = list[dict[str, Any]]
Tables = Callable[[Any], dict[str, Rows]]


@pytest.fixture
def tables(histories: ModuleType) -> Tables:
    """Give the tables of knowledge that a history folds into."""
    return lambda history: histories.flushed(histories.fold(KnowledgeProjection(), history.stored()))


def facts(found: dict[str, Rows], reason: str) -> Rows:
    return [row for row in found["architectural_facts"] if row["reason"] == reason]


def written(history: Any, draw: random.Random, count: int, choose: Callable[[random.Random], list[str]]) -> None:
    """Tell acts that write what is chosen, each name's write with a coin of its own, and are measured."""
    for _ in range(count):
        act, before = f"act {history.last}", draw.gauss(2.0, 1.0)
        history.metrics(act, {"loss": before}, act)
        moved = draw.gauss(0.0, 0.5)
        for number, name in enumerate(choose(draw), start=1):
            sign = draw.choice((1.0, -1.0))
            history.write(act, name, sign, number=number, known=name in history.models["m"].sharing.names)
            moved += 1.5 * sign if name == "a" else 0.0
        history.metrics(act, {"loss": before + moved}, act)


def read(history: Any, draw: random.Random, count: int, *same: str) -> None:
    """Tell readings of the norm in which some names have one value."""
    for _ in range(count):
        one = draw.gauss(0, 1)
        others = [name for name in "abcd" if name not in same]
        history.statistics("norm", {name: draw.gauss(0, 1) for name in others} | dict.fromkeys(same, one))


def outcomes(histories: ModuleType, history: Any) -> dict[int, int]:
    """Give how many outcomes the effect of each storage that may be claimed has had."""
    projection: Any = histories.fold(KnowledgeProjection(), history.stored())
    (writes,) = [panel for panel in projection.learning.panels() if panel.name.startswith("writes")]
    slots = [slot for slot in range(writes.slots) if writes.part(slot) == "effect"]
    may_be_claimed = [slot for slot in slots if writes.log_weight[slot] > -float("inf")]
    return {writes.asked(slot)[0]: writes.process(slot).n for slot in may_be_claimed}


def test_two_names_that_always_read_the_same_are_one_tensor(
    histories: ModuleType, history: Any, tables: Tables
) -> None:
    history.attach(histories.sharing("abcd"))
    draw = random.Random(1)
    written(history, draw, 80, lambda draw: [draw.choice("abcd")])
    assert {row["subject"] for row in tables(history)["patterns"] if row["kind"] == "effect"} == {"a"}
    # The first reading is no change, and changes have to agree eight times.
    read(history, draw, 8, "c", "b")
    assert facts(tables(history), "undeclared_alias") == []
    read(history, draw, 1, "c", "b")
    (fact,) = facts(tables(history), "undeclared_alias")
    assert (fact["subject"], fact["object"], fact["kind"], fact["first_position"]) == (
        "b",
        "c",
        "cochange",
        history.last,
    )
    assert (fact["strength_kind"], fact["strength"], fact["support"]) == ("correlation", 1.0, 8)
    # From now on both are one storage: the one that was numbered first.
    before = outcomes(histories, history)
    written(history, draw, 40, lambda draw: ["c"])
    after = outcomes(histories, history)
    assert after == before | {2: before[2] + 40}
    assert set(after) == {1, 2, 4}


def test_claims_of_the_name_that_was_another_one_are_weakened(
    histories: ModuleType, history: Any, tables: Tables
) -> None:
    history.attach(histories.sharing("abcd"))
    draw = random.Random(2)
    for _ in range(60):
        sign, before = draw.choice((1.0, -1.0)), draw.gauss(2.0, 1.0)
        history.experiment(
            f"act {history.last}", "c", sign, {"loss": before}, {"loss": before + sign + draw.gauss(0, 0.3)}
        )
    (was,) = tables(history)["patterns"]
    read(history, draw, 9, "b", "c")
    (now,) = tables(history)["patterns"]
    assert (was["status"], was["subject"], was["storage_id"]) == ("active", "c", 3)
    assert (now["status"], now["subject"], now["storage_id"]) == ("weakened", "c", 3)
    assert [row["status"] for row in tables(history)["theories"]] == ["weakened"]


def test_names_that_differ_once_are_two_whatever_came_before(
    histories: ModuleType, history: Any, tables: Tables
) -> None:
    history.attach(histories.sharing("abcd"))
    draw = random.Random(3)
    read(history, draw, 8, "b", "c")
    read(history, draw, 1)
    read(history, draw, 12, "b", "c")
    assert facts(tables(history), "undeclared_alias") == []


def test_a_reading_that_never_changes_makes_no_two_names_one(
    histories: ModuleType, history: Any, tables: Tables
) -> None:
    history.attach(histories.sharing("abcd"))
    draw = random.Random(3)
    for _ in range(30):
        # Norms of what is never written stay as they are, and biases all begin at 0.
        history.statistics("norm", {"a": draw.gauss(0, 1), "b": 0.0, "c": 0.0, "d": 0.0})
    assert facts(tables(history), "undeclared_alias") == []


def test_an_unknown_name_is_in_quarantine_until_it_is_seen_to_be_another(
    histories: ModuleType, history: Any, tables: Tables
) -> None:
    history.attach(histories.sharing("abcd"))
    draw = random.Random(4)

    def acts() -> None:
        for _ in range(40):
            history.write(f"act {history.last}", "stray", draw.choice((1.0, -1.0)), known=False, per_name=True)

    def asked() -> set[Any]:
        projection: Any = histories.fold(KnowledgeProjection(), history.stored())
        panels = {panel.name.split()[0]: panel for panel in projection.learning.panels()}
        return {tuple(panels["cochange"].pair(slot)) for slot in range(panels["cochange"].slots)}

    acts()
    for _ in range(9):
        one = draw.gauss(0, 1)
        history.statistics("norm", {"a": draw.gauss(0, 1), "b": one, "stray": one})
    (fact,) = facts(tables(history), "undeclared_alias")
    assert (fact["subject"], fact["object"]) == ("b", "stray")
    assert asked() == {(0, 1)}
    history.experiment("told under it", "stray", 1.0, {"loss": 1.0}, {"loss": 2.0}, known=False, per_name=True)
    projection: Any = histories.fold(KnowledgeProjection(), history.stored())
    (writes,) = [panel for panel in projection.learning.panels() if panel.name.startswith("writes")]
    assert {writes.about(slot).subject for slot in range(writes.slots)} == {"b"}


def test_an_unknown_name_that_reads_like_no_other_is_a_tensor_of_its_own(
    histories: ModuleType, history: Any, tables: Tables
) -> None:
    history.attach(histories.sharing("abcd"))
    draw = random.Random(5)
    for number in range(9):
        assert (number < 9) == (facts(tables(history), "unknown_name") == [])
        history.statistics("norm", {"a": draw.gauss(0, 1), "b": draw.gauss(0, 1), "stray": draw.gauss(0, 1)})
    (fact,) = facts(tables(history), "unknown_name")
    assert (fact["subject"], fact["object"], fact["kind"]) == ("stray", "stray", "identity")
    written(history, draw, 60, lambda draw: ["stray"])
    for _ in range(60):
        act, sign, before = f"act {history.last}", draw.choice((1.0, -1.0)), draw.gauss(2.0, 1.0)
        after = {"loss": before + sign + draw.gauss(0, 0.3)}
        history.experiment(act, "stray", sign, {"loss": before}, after, known=False, per_name=True)
    (row,) = [row for row in tables(history)["patterns"] if row["kind"] == "effect"]
    assert (row["subject"], row["storage_id"]) == ("stray", -1)


def test_storages_never_written_apart_are_no_pair_until_they_are(
    histories: ModuleType, history: Any, tables: Tables
) -> None:
    history.attach(histories.sharing("abcd"))
    draw = random.Random(6)
    written(history, draw, 130, lambda draw: ["b", "c"] if draw.random() < 0.4 else [draw.choice("ad")])
    found = tables(history)
    assert [row for row in found["patterns"] if row["kind"] == "comodification"] == []
    (fact,) = facts(found, "functional_dependence")
    assert (fact["kind"], fact["subject"], fact["object"], fact["to_position"]) == ("comodification", "b", "c", None)
    assert fact["strength_kind"] == "log_e_value"
    assert fact["strength"] > 10
    # Written apart, they are two: what was held back is claimed, and what was noted ends.
    written(history, draw, 70, lambda draw: ["b", "c"] if draw.random() < 0.4 else [draw.choice("abd")])
    after = tables(history)
    (row,) = [row for row in after["patterns"] if row["kind"] == "comodification" and row["direction"] > 0]
    assert (row["subject"], row["object"], row["status"]) == ("b", "c", "active")
    (ended,) = facts(after, "functional_dependence")
    assert (ended["fact_id"], ended["to_position"]) == (fact["fact_id"], row["first_position"])


def test_a_metric_that_is_a_function_of_another_is_no_pair_with_it(
    histories: ModuleType, history: Any, tables: Tables
) -> None:
    history.attach(histories.sharing("abcd"))
    draw = random.Random(7)
    for _ in range(120):
        loss = draw.gauss(3, 1)
        history.metrics(None, {"loss": loss, "nats": 2.0 - 1.4427 * loss, "speed": draw.gauss(0, 1)}, str(history.last))
    found = tables(history)
    assert [row for row in found["patterns"] if row["kind"] == "metric_pair"] == []
    (fact,) = facts(found, "functional_dependence")
    assert (fact["kind"], fact["subject"], fact["object"]) == ("metric_pair", "loss", "nats")
    assert (fact["strength_kind"], round(fact["strength"], 3)) == ("correlation", -1.0)


def test_overlapping_storages_are_a_fact_with_a_strength_and_never_a_claim(
    histories: ModuleType, history: Any, tables: Tables
) -> None:
    history.attach(histories.sharing("abcd", partial=[("b", "c")]))
    draw = random.Random(8)
    # Both are written, once apart, and read: all of it looks like two that go together.
    written(history, draw, 1, lambda draw: ["b"])
    written(history, draw, 200, lambda draw: ["b", "c"] if draw.random() < 0.4 else [draw.choice("abd")])
    for _ in range(80):
        one = draw.gauss(0, 1)
        history.statistics("norm", {"a": draw.gauss(0, 1), "b": one, "c": one + draw.gauss(0, 0.3)})
    found = tables(history)
    pairs = [{row["subject"], row["object"]} for row in found["patterns"]]
    assert {"b", "c"} not in pairs
    assert {"write:b", "write:c"} not in pairs
    strengths = {row["kind"]: (row["strength_kind"], row["strength"]) for row in facts(found, "overlap")}
    assert strengths["comodification"][0] == "log_e_value"
    assert strengths["comodification"][1] > 10
    assert strengths["cochange"][0] == "correlation"
    assert strengths["cochange"][1] > 0.9


def test_claims_of_storages_that_come_to_share_bytes_are_weakened(
    histories: ModuleType, history: Any, tables: Tables
) -> None:
    history.attach(histories.sharing("abcd"))
    draw = random.Random(9)
    written(history, draw, 200, lambda draw: ["b", "c"] if draw.random() < 0.4 else [draw.choice("abcd")])
    (was,) = [row for row in tables(history)["patterns"] if {row["subject"], row["object"]} == {"b", "c"}]
    history.change(histories.sharing("abcd", partial=[("b", "c")]))
    (now,) = [row for row in tables(history)["patterns"] if {row["subject"], row["object"]} == {"b", "c"}]
    assert (was["kind"], was["status"], now["status"]) == ("comodification", "active", "weakened")


def test_a_claim_about_a_storage_that_ended_is_weakened_and_never_comes_back(
    histories: ModuleType, history: Any, tables: Tables
) -> None:
    history.attach(histories.sharing("abcd"))
    draw = random.Random(10)
    written(history, draw, 200, lambda draw: ["a", "b"] if draw.random() < 0.4 else [draw.choice("abcd")])
    before = {row["pattern_id"]: row for row in tables(history)["patterns"]}
    kinds = {(row["kind"], row["subject"], row["object"]) for row in before.values()}
    assert {("effect", "a", "loss"), ("comodification", "a", "b")} <= kinds
    # `a` is bound to the tensor of `d` from now on: the one it named is no more.
    history.change(histories.sharing("abcd", "ad"), {"a": "gone", "d": "kept"})
    after = {row["pattern_id"]: row for row in tables(history)["patterns"]}
    told = [({"effect": "a", "comodification": "a"}[row["kind"]], row["status"]) for row in after.values()]
    assert set(after) == set(before)
    assert {status for _, status in told} == {"weakened"}
    for pattern, row in after.items():
        same = ("subject", "object", "storage_id", "object_storage_id", "first_position", "log_e_value")
        assert [row[name] for name in same] == [before[pattern][name] for name in same]
    written(history, draw, 120, lambda draw: ["a", "b"] if draw.random() < 0.4 else [draw.choice("bc")])
    later = {row["pattern_id"]: row for row in tables(history)["patterns"]}
    assert {later[pattern]["status"] for pattern in before} == {"weakened"}
    assert 1 not in {row["storage_id"] for pattern, row in later.items() if pattern not in before}


def test_names_of_one_tensor_that_read_differently_were_not_read(
    histories: ModuleType, history: Any, tables: Tables
) -> None:
    history.attach(histories.sharing("abcz", "az"))
    draw = random.Random(11)
    for _ in range(160):
        one = draw.gauss(0, 1)
        history.statistics("norm", {"a": one, "z": -one, "b": one + draw.gauss(0, 0.3), "c": draw.gauss(0, 1)})
    projection: Any = histories.fold(KnowledgeProjection(), history.stored())
    (panel,) = [panel for panel in projection.learning.panels() if panel.name.startswith("cochange")]
    assert {tuple(panel.asked(slot)) for slot in range(panel.slots)} == {(2, 3)}
    assert tables(history)["patterns"] == []
