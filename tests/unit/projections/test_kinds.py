"""Every kind of pattern that is no effect of a write: found where it was planted, and nowhere else."""

from __future__ import annotations

import random
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

from memory.projections.knowledge import KnowledgeProjection

Rows = list[dict[str, Any]]
Tables = Callable[[Any], dict[str, Rows]]
SEEDS = pytest.mark.parametrize("seed", range(3))


@pytest.fixture
def tables(histories: ModuleType) -> Tables:
    """Give the tables of knowledge that a history folds into."""
    return lambda history: histories.flushed(histories.fold(KnowledgeProjection(), history.stored()))


@pytest.fixture
def attached(histories: ModuleType, history: Any) -> Any:
    """A history of a model with five storages: `a` is tied to `z`, and numbered first."""
    history.attach(histories.sharing([*"abcde", "z"], "az"))
    return history


def told(row: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(row[name] for name in ("kind", "subject", "object", "direction", "storage_id", "object_storage_id"))


def acts(
    history: Any, draw: random.Random, count: int, writes: Callable[[int, random.Random], list[str]], **notes: Any
) -> None:
    """Tell acts that write some storages and are taken back; nothing is evaluated."""
    for number in range(count):
        act = f"act {history.last}"
        for name in writes(number, draw):
            history.write(act, name, draw.choice((1.0, -1.0)))
        category = notes.get("notes", lambda *_: None)(number, draw)
        if category is not None:
            history.note("seen", category, model="m")


@SEEDS
def test_storages_written_in_the_same_acts_are_found(attached: Any, tables: Tables, seed: int) -> None:
    def by_habit(number: int, draw: random.Random) -> list[str]:
        names = [name for name in "bc" if draw.random() < 0.3]
        # `z` is another name of `a`: the pair is of storages, whatever they are called.
        chance = draw.random()
        together, apart = ["d", draw.choice("az")], [draw.choice("ad")]
        return [*names, *(together if chance < 0.3 else apart if chance < 0.4 else [])]

    acts(attached, random.Random(seed), 320, by_habit)
    (row,) = tables(attached)["patterns"]
    assert told(row) == ("comodification", "a", "d", 1, 1, 4)
    assert (row["grade"], row["method"], row["dose"]) == ("observational", None, None)
    # Blocks of 32 acts that wrote anything, the last of them being under way.
    assert row["support"] == (len({event.act_id for event in attached.events if event.act_id}) - 1) // 32


@SEEDS
def test_storages_written_by_independent_chance_are_no_pair(attached: Any, tables: Tables, seed: int) -> None:
    acts(attached, random.Random(seed), 640, lambda _, draw: [name for name in "abcde" if draw.random() < 0.3])
    found = tables(attached)
    assert found["patterns"] == []
    assert {row["kind"] for row in found["families"]} == {"comodification", "sequence"}


@SEEDS
def test_what_follows_a_write_is_found_with_its_order(attached: Any, tables: Tables, seed: int) -> None:
    due: dict[int, str] = {}

    def writes(number: int, draw: random.Random) -> list[str]:
        first = draw.random() < 0.15
        if first:
            due[number + draw.randint(1, 3)] = "b"
        names = [due.pop(number, ""), "a" if first else "", "c" if draw.random() < 0.3 else ""]
        return [name for name in names if name] + ["e"]

    acts(attached, random.Random(seed), 1920, writes)
    found = [told(row) for row in tables(attached)["patterns"] if row["kind"] == "sequence"]
    assert found == [("sequence", "write:a", "write:b", 1, 1, 2)]


@SEEDS
def test_a_kind_of_observation_that_follows_a_write_is_found(attached: Any, tables: Tables, seed: int) -> None:
    last: list[bool] = []

    def writes(_: int, draw: random.Random) -> list[str]:
        last.append(draw.random() < 0.2)
        return ["a"] if last[-1] else ["b"]

    def notes(number: int, draw: random.Random) -> str | None:
        follows = number > 1 and last[number - 1] and draw.random() < 0.9
        return "surprise" if follows or draw.random() < 0.05 else None

    acts(attached, random.Random(seed), 1920, writes, notes=notes)
    found = [told(row) for row in tables(attached)["patterns"]]
    assert ("sequence", "write:a", "kind:surprise", 1, 1, None) in found
    assert ("sequence", "kind:surprise", "write:a", 1, None, 1) not in found


@SEEDS
def test_what_happens_in_no_order_is_no_sequence(attached: Any, tables: Tables, seed: int) -> None:
    def notes(_: int, draw: random.Random) -> str | None:
        return draw.choice(("surprise", "calm", None))

    acts(attached, random.Random(seed), 960, lambda _, draw: [draw.choice("abcde")], notes=notes)
    assert [row for row in tables(attached)["patterns"] if row["kind"] == "sequence"] == []


def evaluations(
    history: Any, draw: random.Random, count: int, values: Callable[[int, random.Random], dict[str, float]], **more: Any
) -> None:
    """Tell evaluations of the model as it is, and what is noticed after each."""
    for number in range(count):
        read = values(number, draw)
        history.metrics(None, read, f"sample {history.last}")
        category = more.get("notes", lambda *_: None)(read, draw)
        if category is not None:
            history.note("seen", category, model="m")


@SEEDS
def test_what_follows_a_metric_above_a_high_level_is_found(attached: Any, tables: Tables, seed: int) -> None:
    was = {"high": False}

    def notes(read: dict[str, float], draw: random.Random) -> str | None:
        alarmed = was["high"] or draw.random() < 0.03
        was["high"] = read["loss"] > 6.0
        return "alarm" if alarmed else None

    def values(_: int, draw: random.Random) -> dict[str, float]:
        return {"loss": 5.0 + draw.gauss(0, 1), "speed": draw.gauss(0, 1)}

    evaluations(attached, random.Random(seed), 1600, values, notes=notes)
    (row,) = tables(attached)["patterns"]
    assert told(row) == ("threshold", "loss", "kind:alarm", 1, None, None)


@SEEDS
def test_alarms_that_know_nothing_of_a_metric_follow_no_level_of_it(attached: Any, tables: Tables, seed: int) -> None:
    evaluations(
        attached,
        random.Random(seed),
        1600,
        lambda _, draw: {"loss": draw.gauss(0, 1), "speed": draw.gauss(0, 1)},
        notes=lambda _, draw: "alarm" if draw.random() < 0.2 else None,
    )
    found = tables(attached)
    assert found["patterns"] == []
    assert {row["kind"] for row in found["families"]} == {"sequence", "threshold", "trend", "metric_pair"}


@SEEDS
@pytest.mark.parametrize(("step", "direction"), [(-0.05, -1), (0.05, 1)])
def test_a_metric_that_drifts_is_a_trend_in_its_own_units(
    attached: Any, tables: Tables, seed: int, step: float, direction: int
) -> None:
    def values(number: int, draw: random.Random) -> dict[str, float]:
        return {"loss": 5.0 + step * number + draw.gauss(0, 1), "speed": draw.gauss(0, 1)}

    evaluations(attached, random.Random(seed), 1200, values)
    (row,) = tables(attached)["patterns"]
    assert told(row) == ("trend", "loss", "", direction, None, None)
    assert row["effect"] == pytest.approx(32 * step, rel=0.3)
    assert row["ci_low"] < 32 * step < row["ci_high"]


@SEEDS
def test_metrics_that_move_together_are_a_pair(attached: Any, tables: Tables, seed: int) -> None:
    def values(_: int, draw: random.Random) -> dict[str, float]:
        shared = draw.gauss(0, 1)
        return {"loss": shared + draw.gauss(0, 0.7), "speed": draw.gauss(0, 1), "error": 3.0 - shared}

    evaluations(attached, random.Random(seed), 160, values)
    (row,) = tables(attached)["patterns"]
    assert told(row) == ("metric_pair", "error", "loss", -1, None, None)
    assert row["effect"] < 0


def readings(
    history: Any, draw: random.Random, count: int, values: Callable[[int, random.Random], dict[str, float]]
) -> None:
    """Tell readings of the norm of layers."""
    for number in range(count):
        history.statistics("norm", values(number, draw))


@SEEDS
def test_statistics_of_layers_that_move_together_are_a_cochange(attached: Any, tables: Tables, seed: int) -> None:
    def values(_: int, draw: random.Random) -> dict[str, float]:
        shared, apart = draw.gauss(0, 1), draw.gauss(0, 0.7)
        read = {name: draw.gauss(5, 1) for name in "bce"}
        return read | {"d": 5 + shared, "a": 5 - shared + apart, "z": 5 - shared + apart}

    readings(attached, random.Random(seed), 160, values)
    (row,) = tables(attached)["patterns"]
    assert told(row) == ("cochange", "a", "d", -1, 1, 4)
    assert (row["method"], row["grade"]) == ("norm", "observational")


@SEEDS
def test_what_moves_on_its_own_is_neither_a_pair_nor_a_trend(attached: Any, tables: Tables, seed: int) -> None:
    draw = random.Random(seed)
    evaluations(attached, draw, 400, lambda _, draw: {name: draw.gauss(0, 1) for name in ("loss", "speed", "error")})
    readings(attached, draw, 300, lambda _, draw: {name: draw.gauss(0, 1) for name in "abcde"})
    found = tables(attached)
    assert found["patterns"] == []
    assert {row["kind"] for row in found["families"]} == {"sequence", "trend", "metric_pair", "cochange"}


def test_a_write_is_no_change_of_its_own_layer_together_with_others(attached: Any, tables: Tables) -> None:
    draw, norms = random.Random(4), dict.fromkeys("abcde", 5.0)
    for _ in range(200):
        # Whoever writes two layers moves both norms: that says what was done, not what moves with what.
        act = f"act {attached.last}"
        for name in "bd":
            attached.write(act, name, draw.choice((1.0, -1.0)))
            norms[name] += draw.gauss(3.0, 1.0)
        attached.statistics("norm", {name: value + draw.gauss(0, 0.1) for name, value in norms.items()})
    assert [row for row in tables(attached)["patterns"] if row["kind"] == "cochange"] == []
