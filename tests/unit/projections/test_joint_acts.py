"""Acts that write several storages, and acts without a baseline: what they tell, and how surely."""

from __future__ import annotations

import random
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

from memory.projections.knowledge import KnowledgeProjection

Rows = list[dict[str, Any]]
Patterns = Callable[[Any], Rows]


@pytest.fixture
def patterns(histories: ModuleType) -> Patterns:
    """Give every claim about writes that a history leads to."""

    def of(history: Any) -> Rows:
        rows: Rows = histories.flushed(histories.fold(KnowledgeProjection(), history.stored()))["patterns"]
        return [row for row in rows if row["kind"] in ("effect", "impact")]

    return of


def joint(history: Any, draw: random.Random, acts: int, *, numbers: tuple[int | None, int | None]) -> None:
    """Write `a` and `b` in each act; the loss goes with the sign of `a`'s write alone.

    Args:
        history: Where it is told.
        draw: Where coins and noise come from.
        acts: How many acts.
        numbers: Which coin of the act decided each sign; with one and the same, both fall on one side.
    """
    for _ in range(acts):
        act = f"act {history.last}"
        sign = draw.choice((1.0, -1.0))
        other = sign if numbers[0] == numbers[1] else draw.choice((1.0, -1.0))
        before = draw.gauss(2.0, 1.0)
        history.metrics(act, {"loss": before}, act)
        history.write(act, "a", sign, number=numbers[0])
        history.write(act, "b", other, number=numbers[1])
        history.metrics(act, {"loss": before + 1.5 * sign + draw.gauss(0.0, 0.5)}, act)


def told(rows: Rows, *columns: str) -> list[tuple[Any, ...]]:
    return sorted(tuple(row[column] for column in columns) for row in rows)


@pytest.mark.parametrize("seed", range(3))
def test_two_coins_tell_the_storages_of_one_act_apart(
    histories: ModuleType, history: Any, patterns: Patterns, seed: int
) -> None:
    history.attach(histories.sharing("abc"))
    joint(history, random.Random(seed), 80, numbers=(1, 2))
    (row,) = patterns(history)
    assert [row[name] for name in ("kind", "subject", "object", "direction", "grade")] == [
        "effect",
        "a",
        "loss",
        1,
        "randomised",
    ]
    assert row["ci_low"] < 1.5 < row["ci_high"]
    assert row["support"] == 80


@pytest.mark.parametrize("numbers", [(1, 1), (None, None)], ids=["one coin", "nobody said which coin"])
def test_nothing_is_claimed_as_randomised_where_two_writes_may_share_a_coin(
    histories: ModuleType, history: Any, patterns: Patterns, numbers: tuple[int | None, int | None]
) -> None:
    history.attach(histories.sharing("abc"))
    joint(history, random.Random(1), 120, numbers=numbers)
    assert [row for row in patterns(history) if row["grade"] != "adjusted"] == []
    families = histories.flushed(histories.fold(KnowledgeProjection(), history.stored()))["families"]
    written = [row for row in families if row["kind"] in ("effect", "impact")]
    assert {row["grade"] for row in written} == {"adjusted"}


def test_what_one_write_is_known_to_do_is_not_put_down_to_the_other(
    histories: ModuleType, history: Any, patterns: Patterns
) -> None:
    history.attach(histories.sharing("abc"))
    draw = random.Random(2)
    for _ in range(60):
        act, sign, before = f"act {history.last}", draw.choice((1.0, -1.0)), draw.gauss(2.0, 1.0)
        after = before + 1.5 * sign + draw.gauss(0.0, 0.5)
        history.experiment(act, "a", sign, {"loss": before}, {"loss": after}, number=1)
    joint(history, draw, 100, numbers=(1, 1))
    assert {row["subject"] for row in patterns(history)} == {"a"}


def without_baselines(
    history: Any, acts: int, effect: float, *, coin: bool = True, read: bool = False, drift: float = 0.0, seed: int = 1
) -> None:
    """Write `a` or `b` without a baseline, and take it back; `a` moves the loss with the sign.

    Args:
        history: Where it is told.
        acts: How many acts.
        effect: What a write to `a` does.
        coin: Whether coins decide the signs.
        read: Whether the model as it is is evaluated between acts.
        drift: What happens to the loss from act to act.
        seed: Which history.
    """
    draw = random.Random(seed)
    for number in range(acts):
        act, name, sign = f"act {history.last}", draw.choice("ab"), draw.choice((1.0, -1.0))
        level = 5.0 + drift * number
        if read:
            history.metrics(None, {"loss": level + draw.gauss(0.0, 0.5)}, f"sample {history.last}")
        history.write(act, name, sign, coin=coin)
        history.metrics(act, {"loss": level + (effect * sign if name == "a" else 0.0) + draw.gauss(0.0, 0.5)})
        history.revert(act, name, by=act)


@pytest.mark.parametrize(
    ("coin", "read", "grade"), [(True, True, "randomised"), (True, False, "randomised"), (False, True, "adjusted")]
)
def test_an_act_without_a_baseline_is_compared_with_a_forecast(
    histories: ModuleType, history: Any, patterns: Patterns, coin: bool, read: bool, grade: str
) -> None:
    history.attach(histories.sharing("abc"))
    without_baselines(history, 160, 2.0, coin=coin, read=read)
    found = patterns(history)
    (row,) = [row for row in found if row["kind"] == "effect"]
    assert [row[name] for name in ("subject", "object", "direction", "grade")] == ["a", "loss", 1, grade]
    assert row["ci_low"] < 2.0 < row["ci_high"]
    # No coin makes the even part of what is compared with a forecast symmetric.
    assert {row["grade"] for row in found if row["kind"] == "impact"} <= {"adjusted"}


@pytest.mark.parametrize("drift", [0.0, 0.02])
@pytest.mark.parametrize("read", [0, 2, 40])
def test_a_level_that_was_never_read_since_it_was_put_back_makes_nothing_an_impact(
    histories: ModuleType, history: Any, patterns: Patterns, read: int, drift: float
) -> None:
    # Whatever the level is off by, every act is off by: unless a coin decides, that looks like what all writes do.
    history.attach(histories.sharing("abc"))
    draw = random.Random(3)
    for _ in range(read):
        history.metrics(None, {"loss": 5.0 + draw.gauss(0.0, 0.5)}, f"sample {history.last}")
    without_baselines(history, 120, 0.0, drift=drift, seed=read)
    without_baselines(history, 120, 0.0, coin=False, drift=drift, seed=read + 1)
    assert patterns(history) == []


def test_without_baseline_and_without_effect_nothing_is_claimed(
    histories: ModuleType, history: Any, patterns: Patterns
) -> None:
    history.attach(histories.sharing("abc"))
    draw = random.Random(5)
    for number in range(250):
        history.write(f"act {number}", draw.choice("ab"), draw.choice((1.0, -1.0)), coin=number % 2 == 0)
        history.metrics(f"act {number}", {"loss": 5.0 + draw.gauss(0.0, 1.0)})
    assert patterns(history) == []


def test_a_baseline_that_was_spoiled_is_not_replaced_by_a_forecast(
    histories: ModuleType, history: Any, patterns: Patterns
) -> None:
    history.attach(histories.sharing("abc"))
    draw = random.Random(6)
    for number in range(120):
        act, sign = f"act {number}", draw.choice((1.0, -1.0))
        history.metrics(act, {"loss": 5.0}, act)
        history.write(f"{act} of somebody else", "b", 1.0, coin=False)
        history.write(act, "a", sign)
        history.metrics(act, {"loss": 5.0 + 2.0 * sign}, act)
    assert patterns(history) == []


def moving(history: Any, acts: int, size: float, *, smallest: float, seed: int = 1) -> None:
    """Add noise in ever new directions to `a`: the loss moves by about so much, either way."""
    history.define("loss", smallest)
    draw = random.Random(seed)
    for _ in range(acts):
        act, before = f"act {history.last}", draw.gauss(2.0, 1.0)
        after = {"loss": before + size * draw.choice((1.0, -1.0)) * draw.uniform(0.5, 1.5)}
        history.experiment(act, "a", 1.0, {"loss": before}, after, coin=False, method="noise")


def test_noise_that_moves_a_metric_by_more_than_matters_is_an_impact_without_direction(
    histories: ModuleType, history: Any, patterns: Patterns
) -> None:
    history.attach(histories.sharing("abc"))
    moving(history, 60, 1.0, smallest=0.2)
    (row,) = patterns(history)
    assert [row[name] for name in ("kind", "subject", "object", "direction", "method", "grade", "support")] == [
        "impact",
        "a",
        "loss",
        0,
        "noise",
        "observational",
        60,
    ]
    assert (row["effect"], row["status"]) == (1.0, "active")


@pytest.mark.parametrize(("size", "smallest"), [(1.0, 2.0), (0.0, 0.2), (1.0, 0.0)])
def test_noise_that_moves_nothing_that_matters_is_not_claimed(
    histories: ModuleType, history: Any, patterns: Patterns, size: float, smallest: float
) -> None:
    history.attach(histories.sharing("abc"))
    moving(history, 80, size, smallest=smallest)
    assert patterns(history) == []


def test_an_outcome_that_is_exactly_its_baseline_speaks_against_moving(
    histories: ModuleType, history: Any, patterns: Patterns
) -> None:
    history.attach(histories.sharing("abc"))
    history.define("loss", 0.2)
    # Half of all acts move the loss, the others leave it where it was, to the bit.
    for number in range(80):
        after = {"loss": 2.0 + (number % 2) * (1.0 if number % 4 == 1 else -1.0)}
        history.experiment(f"act {number}", "a", 1.0, {"loss": 2.0}, after, coin=False, method="noise")
    assert patterns(history) == []
