"""Records that are strange, or come twice: nothing breaks, nothing false is claimed, and nothing is dropped quietly."""

from __future__ import annotations

import datetime
import math
import random
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

from memory.projections.knowledge import KnowledgeProjection
from memory.projections.knowledge.metrics import MOST_METRICS

Rows = list[dict[str, Any]]
Tables = Callable[[Any], dict[str, Rows]]


@pytest.fixture
def tables(histories: ModuleType) -> Tables:
    """Give the tables of knowledge that a history folds into, taken up again from its parts on the way."""

    def of(history: Any) -> dict[str, Rows]:
        events = history.stored()
        first = histories.fold(KnowledgeProjection(), events[: len(events) // 2], events)
        resumed = KnowledgeProjection()
        resumed.load_parts(first.parts())
        histories.flushed(first)
        whole = histories.fold(KnowledgeProjection(), events)
        assert histories.fold(resumed, events[len(events) // 2 :], events).parts() == whole.parts()
        found: dict[str, Rows] = histories.flushed(whole)
        return found

    return of


@pytest.fixture
def attached(histories: ModuleType, history: Any) -> Any:
    """A history of a model with four storages."""
    history.attach(histories.sharing("abcd"))
    return history


def told(history: Any, acts: int, values: Callable[[float, random.Random], dict[str, float]], seed: int = 1) -> None:
    """Tell acts on `a` and `b`; what is measured comes from the level and the noise of a metric.

    Args:
        history: Where they are told.
        acts: How many.
        values: Gives what is measured, of what a write to `a` added: 0 before it.
        seed: Which history.
    """
    draw = random.Random(seed)
    for _ in range(acts):
        act, name, sign = f"act {history.last}", draw.choice("ab"), draw.choice((1.0, -1.0))
        history.metrics(act, values(0.0, draw), act)
        history.write(act, name, sign)
        history.metrics(act, values(sign if name == "a" else 0.0, draw), act)


def of_effects(found: dict[str, Rows]) -> set[tuple[Any, ...]]:
    rows = [row for row in found["patterns"] if row["kind"] in ("effect", "impact")]
    return {(row["kind"], row["subject"], row["object"]) for row in rows}


# What comes twice


def test_a_log_that_was_read_in_twice_teaches_what_it_teaches_once(
    histories: ModuleType, attached: Any, tables: Tables
) -> None:
    told(attached, 60, lambda moved, draw: {"loss": 2.0 + 1.5 * moved + draw.gauss(0, 1), "speed": draw.gauss(0, 1)})
    once = tables(attached)
    twice = histories.History(models=attached.models)
    for event in attached.events:
        measured = event.payload.event_type == "metrics_recorded"
        twice.events += [event, event] if measured else [event]
    again = tables(twice)
    shown = ("kind", "subject", "object", "log_e_value", "effect", "ci_low", "ci_high", "support")
    assert [{name: row[name] for name in shown} for row in again["patterns"]] == [
        {name: row[name] for name in shown} for row in once["patterns"]
    ]
    assert once["patterns"]
    (fact,) = [row for row in again["architectural_facts"] if row["reason"] == "repeated_observation"]
    assert (fact["support"], fact["subject"]) == (120, "metrics_recorded")
    assert [row for row in once["architectural_facts"] if row["reason"] == "repeated_observation"] == []


def test_the_same_numbers_at_another_moment_or_of_another_sample_are_news(attached: Any, tables: Tables) -> None:
    later = datetime.datetime(2026, 1, 2, tzinfo=datetime.UTC)
    for number in range(4):
        attached.metrics(None, {"loss": 2.0}, f"sample {number}")
        attached.metrics(None, {"loss": 2.0})
        attached.events[-1] = _at(attached.events[-1], later + number * datetime.timedelta(seconds=1))
    assert tables(attached)["architectural_facts"] == []
    attached.metrics(None, {"loss": 2.0}, "sample 2")
    (fact,) = tables(attached)["architectural_facts"]
    assert (fact["reason"], fact["support"], fact["first_position"]) == ("repeated_observation", 1, attached.last)


def test_an_outcome_that_is_its_baseline_to_the_bit_is_evidence(attached: Any, histories: ModuleType) -> None:
    for number in range(10):
        attached.experiment(f"act {number}", "a", 1.0, {"loss": 2.0}, {"loss": 2.0})
    projection: Any = histories.fold(KnowledgeProjection(), attached.stored())
    (panel,) = [panel for panel in projection.learning.panels() if panel.name.startswith("writes")]
    assert [panel.process(slot).n for slot in range(panel.slots)] == [10, 10]
    assert panel.log_e.tolist() == [0.0, 0.0]


def test_the_same_reading_of_layers_twice_is_one_reading(attached: Any, tables: Tables) -> None:
    draw = random.Random(1)
    for _ in range(40):
        read = {name: draw.gauss(0, 1) for name in "abc"} | {"d": math.nan}
        attached.statistics("norm", read)
        attached.statistics("norm", dict(read))
    (fact,) = tables(attached)["architectural_facts"]
    assert (fact["reason"], fact["support"], fact["subject"]) == ("repeated_observation", 40, "norm of layers")


# Strange numbers


def test_numbers_that_are_none_neither_break_nor_make_a_claim(attached: Any, tables: Tables) -> None:
    strange = (math.nan, math.inf, -math.inf, 1e308, -1e308, 5e-324, 0.0)

    def values(moved: float, draw: random.Random) -> dict[str, float]:
        loss = 2.0 + 1.5 * moved + draw.gauss(0, 1)
        return {
            "loss": draw.choice(strange) if draw.random() < 0.1 else loss,
            "broken": math.nan,
            "mostly": draw.choice(strange),
            "huge": 1e300 * draw.gauss(0, 1),
            "tiny": 1e-300 * draw.gauss(0, 1),
        }

    told(attached, 160, values)
    for _ in range(80):
        draw = random.Random(attached.last)
        attached.statistics("norm", {name: draw.choice((*strange, draw.gauss(0, 1))) for name in "abcd"})
    found = tables(attached)
    assert of_effects(found) == {("effect", "a", "loss")}
    for rows in found.values():
        for row in rows:
            for value in row.values():
                assert not isinstance(value, float) or math.isfinite(value)


def test_a_metric_that_never_moves_is_claimed_to_do_nothing(attached: Any, tables: Tables) -> None:
    told(attached, 120, lambda _, draw: {"constant": 3.0, "zero": 0.0, "speed": draw.gauss(0, 1)})
    assert tables(attached)["patterns"] == []


def test_a_metric_that_changes_its_unit_keeps_its_claims_and_makes_no_others(attached: Any, tables: Tables) -> None:
    def values(moved: float, draw: random.Random) -> dict[str, float]:
        unit = 1000.0 if attached.last > 480 else 1.0
        return {"loss": unit * (2.0 + 1.5 * moved + draw.gauss(0, 1)), "speed": draw.gauss(0, 1)}

    told(attached, 320, values)
    found = tables(attached)
    assert of_effects(found) == {("effect", "a", "loss")}
    assert {row["kind"] for row in found["patterns"]} == {"effect"}


@pytest.mark.parametrize("events", range(1, 5))
def test_a_single_act_is_enough_to_fold_and_to_claim_nothing(
    histories: ModuleType, history: Any, tables: Tables, events: int
) -> None:
    history.attach(histories.sharing("a"))
    history.experiment("act", "a", 1.0, {"loss": 1.0}, {"loss": 100.0})
    history.events = history.events[:events]
    assert tables(history)["patterns"] == []


def test_clocks_that_go_backwards_change_nothing(attached: Any, tables: Tables) -> None:
    told(attached, 80, lambda moved, draw: {"loss": 2.0 + 1.5 * moved + draw.gauss(0, 1)})
    forwards = tables(attached)
    assert forwards["patterns"]
    noon = attached.events[0].occurred_at
    attached.events = [_at(event, noon - at * datetime.timedelta(days=1)) for at, event in enumerate(attached.events)]
    backwards = tables(attached)
    for table in ("patterns", "evidence", "predictions", "beliefs"):
        assert backwards[table] == forwards[table]


NAMES = ("a.b[0].'c'", 'q"uo\\te', "tab\tnew\nline", "ключ", "模型/層", "🙂", "[1,2]", "%s {x} $1", " ", "null")


def test_names_may_have_any_characters(histories: ModuleType, history: Any, tables: Tables) -> None:
    history.attach(histories.sharing(NAMES, NAMES[:2]), "m")
    history.attach(histories.sharing(NAMES[2:]), '["m","n"]')
    draw = random.Random(1)
    for _ in range(120):
        act, sign, before = f"ac't {history.last}", draw.choice((1.0, -1.0)), draw.gauss(2.0, 1.0)
        name = draw.choice(NAMES)
        after = before + draw.gauss(0, 0.5) + (1.5 * sign if name in NAMES[:2] else 0.0)
        history.metrics(act, {"lo'ss\"": before, "模": draw.gauss(0, 1)}, act)
        history.write(act, name, sign, method="sc'a\"le")
        history.metrics(act, {"lo'ss\"": after, "模": draw.gauss(0, 1)}, act)
        history.note("seen", draw.choice(NAMES), model='["m","n"]')
        history.statistics("no'rm", {name: draw.gauss(0, 1) for name in NAMES[2:]}, '["m","n"]')
    found = tables(history)
    assert of_effects(found) == {("effect", min(NAMES[:2]), "lo'ss\"")}


# More than there is room for


def test_of_ten_thousand_metrics_those_without_room_are_counted_and_claim_nothing(
    attached: Any, histories: ModuleType
) -> None:
    draw, count = random.Random(1), 10_000
    names = [f"metric {number:05}" for number in range(count)]

    def acts(some: list[str], acts: int) -> None:
        for _ in range(acts):
            act, sign = f"act {attached.last}", draw.choice((1.0, -1.0))
            before = dict.fromkeys(some, 0.0)
            after = {name: 3.0 * sign + draw.gauss(0, 0.1) for name in some}
            attached.experiment(act, "a", sign, before, after)

    acts(names[:100], 1)
    small = _size(histories, attached)
    acts(names[:100], 14)
    fresh = histories.flushed(histories.fold(KnowledgeProjection(), attached.stored()))
    assert {row["left_out"] for row in fresh["families"]} == {0}
    acts(names, 3)
    found = histories.flushed(histories.fold(KnowledgeProjection(), attached.stored()))
    assert {row["left_out"] for row in found["families"] if row["kind"] in ("effect", "impact")} == {
        count - MOST_METRICS
    }
    claimed = {row["object"] for row in found["patterns"] if row["kind"] == "effect"}
    assert claimed == set(names[:100])
    acts(names[:MOST_METRICS], 20)
    later = histories.flushed(histories.fold(KnowledgeProjection(), attached.stored()))
    assert {row["object"] for row in later["patterns"] if row["kind"] == "effect"} == set(names[:MOST_METRICS])
    # What is kept of those without room is their names, and the values of acts under way.
    assert _size(histories, attached) < small * MOST_METRICS / 100 * 10


def test_categories_without_room_are_counted(attached: Any, tables: Tables) -> None:
    draw = random.Random(2)
    for number in range(700):
        attached.metrics(None, {"loss": draw.gauss(0, 1)}, f"sample {number}")
        attached.note("seen", f"category {draw.randrange(90)}", model="m")
    found = {row["kind"]: row["left_out"] for row in tables(attached)["families"]}
    assert (found["threshold"], found["sequence"], found["trend"]) == (90 - 64, 0, 0)


def _size(histories: ModuleType, history: Any) -> int:
    parts = histories.fold(KnowledgeProjection(), history.stored()).parts()
    return sum(len(each) for name, each in parts.items() if "windows" not in name and name != "metrics")


def _at(event: Any, moment: datetime.datetime) -> Any:
    return type(event)(event.payload, stream=event.stream, act_id=event.act_id, occurred_at=moment)
