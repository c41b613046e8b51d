"""Theories made of several claims: what they say, when they hold, and how their forecasts fare together."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import ModuleType
from typing import Any

import orjson
import pytest

from memory.projections.knowledge import KnowledgeProjection
from memory.projections.knowledge.composed_words import connected

NAMES = ["head", "embed", "mlp", "norm"]
Effects = Mapping[tuple[str, str], float]
"""(storage, metric) to what the positive side of a write adds to it."""
BOTH = {("embed", "loss"): 2.0, ("mlp", "loss"): -1.5}
Tables = Callable[[Any], dict[str, list[dict[str, Any]]]]


@pytest.fixture
def tables(histories: ModuleType) -> Tables:
    """Give the tables of knowledge that a history folds into."""
    return lambda history: histories.flushed(histories.fold(KnowledgeProjection(), history.stored()))


@pytest.fixture
def run(histories: ModuleType) -> Any:
    """Write down acts that write one storage (or each of several), each by a fair coin of its own."""

    def tell(
        history: Any,
        acts: int,
        effects: Effects,
        *,
        seed: int = 1,
        even: Effects | None = None,
        written: Iterable[Sequence[str]] = (("head",), ("embed",), ("mlp",), ("norm",)),
    ) -> Any:
        if not history.models:
            history.attach(histories.sharing(NAMES, ["head", "embed"]))
        draw, choices = random.Random(seed), list(written)
        for _ in range(acts):
            act, after = f"act {history.last}", {}
            names = draw.choice(choices)
            signs = {"embed" if name == "head" else name: draw.choice((1.0, -1.0)) for name in names}
            before = {"loss": draw.gauss(2.0, 1.0), "accuracy": draw.gauss(0.5, 1.0)}
            for metric, value in before.items():
                odd = sum(sign * effects.get((storage, metric), 0.0) for storage, sign in signs.items())
                whatever = sum((even or {}).get((storage, metric), 0.0) for storage in signs)
                after[metric] = value + odd + whatever + draw.gauss(0.0, 1.0)
            history.metrics(act, before, act)
            for number, name in enumerate(names):
                history.write(act, name, signs["embed" if name == "head" else name], number=number)
            history.metrics(act, after, act)
        return history

    return tell


def composed(found: dict[str, list[dict[str, Any]]], theory_type: str | None = None) -> list[dict[str, Any]]:
    rows = [row for row in found["theories"] if len(row["composed_of"]) > 1]
    return [row for row in rows if theory_type in (None, row["theory_type"])]


def predicted(found: dict[str, list[dict[str, Any]]], theory: dict[str, Any]) -> dict[int, dict[str, Any]]:
    return {row["position"]: row for row in found["predictions"] if row["theory_id"] == theory["theory_id"]}


def test_what_one_way_of_writing_does_to_several_metrics_is_a_causal_model(
    history: Any, run: Any, tables: Tables
) -> None:
    run(history, 200, {("embed", "loss"): 2.0}, even={("embed", "accuracy"): -2.0})
    found = tables(history)
    (theory,) = composed(found)
    about = {row["pattern_id"]: (row["kind"], row["subject"], row["object"]) for row in found["patterns"]}
    assert [about[each] for each in theory["composed_of"]] == [
        ("effect", "embed", "loss"),
        ("impact", "embed", "accuracy"),
    ]
    assert (theory["theory_type"], theory["status"], theory["source"]) == ("causal_model", "active", "data")
    assert theory["pattern_id"] == theory["composed_of"][0]
    assert theory["hypothesis"].startswith("scale on embed (one tensor with head) at dose 1: the positive side moves")
    assert "loss up, the negative side the other way, by +" in theory["hypothesis"]
    assert "lowers accuracy, whichever way it goes, by -" in theory["hypothesis"]


def test_one_claim_alone_composes_no_theory(history: Any, run: Any, tables: Tables) -> None:
    found = tables(run(history, 200, {("embed", "loss"): 2.0}))
    assert len(found["patterns"]) == 1
    assert composed(found) == []


def test_other_ways_of_writing_are_other_theories(history: Any, histories: ModuleType, tables: Tables) -> None:
    history.attach(histories.sharing(NAMES))
    draw = random.Random(2)
    for number in range(120):
        sign, scaled = draw.choice((1.0, -1.0)), number % 2
        before = {"loss": draw.gauss(2.0, 1.0), "accuracy": draw.gauss(2.0, 1.0)}
        after = {metric: value + draw.gauss(0.0, 1.0) for metric, value in before.items()}
        after["loss" if scaled else "accuracy"] += 2.0 * sign
        history.experiment(f"act {number}", "mlp", sign, before, after, method="scale" if scaled else "rank_one")
    found = tables(history)
    assert {(row["method"], row["object"]) for row in found["patterns"]} == {
        ("scale", "loss"),
        ("rank_one", "accuracy"),
    }
    assert composed(found) == []


def test_a_theory_is_born_with_its_second_member_and_what_it_was_found_by_does_not_count_for_it(
    history: Any, run: Any, tables: Tables
) -> None:
    found = tables(run(history, 200, {("embed", "loss"): 2.0}, even={("embed", "accuracy"): -2.0}))
    (theory,) = composed(found)
    assert theory["first_position"] == max(row["first_position"] for row in found["patterns"])
    told = predicted(found, theory)
    assert min(told) > theory["first_position"]
    assert theory["predictions"] == len(told) > 10
    assert theory["hits"] == sum(row["hit"] for row in told.values())
    assert theory["last_position"] == max(told)
    assert theory["brier"] == pytest.approx(
        sum((row["probability"] - row["hit"]) ** 2 for row in told.values()) / len(told)
    )


def test_what_improves_a_metric_is_told_by_the_side_that_does(history: Any, run: Any, tables: Tables) -> None:
    history.define("loss", better="lower")
    run(history, 200, BOTH, even={("norm", "loss"): 2.0, ("mlp", "loss"): -2.0})
    (theory,) = composed(tables(history), "optimization")
    words = theory["hypothesis"]
    assert words.startswith("loss is better lower: improved by ")
    assert "scale on embed (one tensor with head) at dose 1, negative side, -" in words
    assert "scale on mlp at dose 1, positive side, -" in words
    improving, worse = words.split("made worse by ")
    assert "scale on mlp at dose 1, whichever way it goes, -" in improving
    assert worse.startswith("scale on norm at dose 1, whichever way it goes, +")


def test_nothing_is_to_be_improved_until_it_is_said_which_side_is_better(
    history: Any, run: Any, tables: Tables
) -> None:
    run(history, 200, BOTH)
    assert composed(tables(history)) == []
    history.define("loss", better="lower")
    (theory,) = composed(tables(history))
    assert (theory["theory_type"], theory["first_position"], theory["predictions"]) == ("optimization", history.last, 0)


def test_what_is_better_turned_round_is_another_theory_and_the_first_one_is_weakened(
    history: Any, run: Any, tables: Tables
) -> None:
    history.define("loss", better="lower")
    run(history, 200, BOTH)
    (before,) = composed(tables(history))
    history.define("loss", better="higher")
    first, second = sorted(composed(tables(history)), key=lambda row: row["first_position"])
    assert first == before | {"status": "weakened"}
    assert (second["status"], second["predictions"]) == ("active", 0)
    assert "embed (one tensor with head) at dose 1, positive side, +" in second["hypothesis"]
    history.define("loss", better="lower")
    assert {row["theory_id"]: row["status"] for row in composed(tables(history))} == {
        first["theory_id"]: "active",
        second["theory_id"]: "weakened",
    }


def test_of_an_act_that_writes_several_members_the_whole_change_is_forecast(
    history: Any, run: Any, tables: Tables
) -> None:
    history.define("loss", better="lower")
    run(history, 200, BOTH)
    born = tables(history)["theories"]
    assert {row["status"] for row in born} == {"active"}
    history.metrics("both", {"loss": 1.0}, "s")
    history.write("both", "embed", -1.0, number=1)
    history.write("both", "mlp", -1.0, number=2)
    history.metrics("both", {"loss": 0.25}, "s")
    found = tables(history)
    (theory,) = composed(found)
    row = predicted(found, theory)[history.last]
    # Writing embed on its negative side lowers the loss by about 2, mlp on its negative side raises it by about 1.5.
    assert (row["outcome"], row["direction"], row["hit"]) == (0.75, 1, True)
    own = [each for each in found["predictions"] if each["position"] == history.last and each != row]
    means = {each["direction"]: each["mean"] for each in own}
    assert len(own) == 2
    assert row["mean"] == pytest.approx(means[1] + means[-1])
    assert 0.5 < row["probability"] < 0.8


def test_bets_on_what_each_write_did_count_although_all_in_all_nothing_moved(
    history: Any, run: Any, tables: Tables
) -> None:
    history.define("loss", better="lower")
    run(history, 200, BOTH)
    (before,) = composed(tables(history))
    history.metrics("both", {"loss": 1.0}, "s")
    history.write("both", "embed", -1.0, number=1)
    history.write("both", "mlp", -1.0, number=2)
    history.metrics("both", {"loss": 1.0, "accuracy": 0.5}, "s")
    found = tables(history)
    (after,) = composed(found)
    row = predicted(found, after)[history.last]
    assert (row["outcome"], row["hit"]) == (0.0, None)
    assert (after["predictions"], after["last_position"]) == (before["predictions"], history.last)
    assert after["log_e_value"] > before["log_e_value"]


def test_a_member_written_alone_is_forecast_as_by_its_own_theory(history: Any, run: Any, tables: Tables) -> None:
    history.define("loss", better="lower")
    found = tables(run(history, 200, BOTH))
    (theory,) = composed(found)
    told = predicted(found, theory)
    own = {row["position"]: row for row in found["predictions"] if row["theory_id"] != theory["theory_id"]}
    assert len(told) > 20
    for position, row in told.items():
        side = 1.0 if row["direction"] == own[position]["direction"] else -1.0
        assert (row["probability"], row["sd"], row["hit"]) == tuple(
            own[position][name] for name in ("probability", "sd", "hit")
        )
        assert (row["mean"], row["outcome"]) == (side * own[position]["mean"], side * own[position]["outcome"])
        changed = (
            history.events[position - 1].payload.metrics["loss"] - history.events[position - 3].payload.metrics["loss"]
        )
        assert row["outcome"] == -changed


def test_the_bets_of_one_event_are_averaged_and_never_multiplied(history: Any, run: Any, tables: Tables) -> None:
    found = tables(run(history, 200, {("embed", "loss"): 2.0, ("embed", "accuracy"): 2.0}))
    (theory,) = composed(found)
    told = predicted(found, theory)
    members = [each.replace("pattern-", "theory-") for each in theory["composed_of"]]
    expected = 0.0
    for position in told:
        rows = [row for row in found["predictions"] if row["position"] == position and row["theory_id"] in members]
        assert len(rows) == 2
        stakes = [min(0.95, max(0.5, row["probability"])) for row in rows]
        factors = [2.0 * (stake if row["hit"] else 1.0 - stake) for row, stake in zip(rows, stakes, strict=True)]
        expected += math.log(sum(factors) / 2.0)
    assert theory["log_e_value"] == pytest.approx(expected)
    assert theory["predictions"] == len(told) > 10


def test_how_sure_several_forecasts_are_together_is_learned_from_hits_before(
    history: Any, run: Any, tables: Tables
) -> None:
    found = tables(run(history, 200, {("embed", "loss"): 1.0, ("embed", "accuracy"): 1.0}))
    (theory,) = composed(found)
    hits = 0
    for n, (_, row) in enumerate(sorted(predicted(found, theory).items())):
        normal = min(0.95, 0.5 * math.erfc(-row["mean"] / math.sqrt(2.0)))
        assert row["probability"] == pytest.approx(min(0.95, (8.0 * normal + hits) / (8.0 + n)))
        hits += row["hit"]
    assert 10 < hits == theory["hits"]


def test_a_theory_that_loses_its_members_is_weakened_keeps_its_score_and_holds_again(
    history: Any, run: Any, tables: Tables
) -> None:
    effects = {("embed", "loss"): 2.0, ("embed", "accuracy"): 2.0}
    run(history, 120, effects)
    (before,) = composed(tables(history))
    assert (before["status"], before["predictions"] > 5) == ("active", True)
    run(history, 300, {("embed", "loss"): 2.0}, seed=2)
    (lost,) = composed(tables(history))
    assert (lost["status"], lost["composed_of"]) == ("weakened", before["composed_of"])
    assert lost["predictions"] >= before["predictions"]
    run(history, 200, effects, seed=3)
    (again,) = composed(tables(history))
    assert (again["theory_id"], again["status"]) == (before["theory_id"], "active")
    assert again["first_position"] == before["first_position"]
    assert again["composed_of"][0] == before["composed_of"][0]
    assert again["composed_of"] != before["composed_of"]
    assert again["predictions"] > lost["predictions"]


def test_layers_whose_statistics_move_together_are_told_as_connected_groups(
    history: Any, histories: ModuleType, tables: Tables
) -> None:
    history.attach(histories.sharing([*"abcdefg"]))
    draw = random.Random(3)
    for _ in range(320):
        one, other = draw.gauss(0, 1), draw.gauss(0, 1)
        values = {"a": one, "b": one + draw.gauss(0, 0.4), "c": -one + draw.gauss(0, 0.4)}
        values |= {"d": other, "e": other + draw.gauss(0, 0.4), "f": draw.gauss(0, 1), "g": draw.gauss(0, 1)}
        history.statistics("norm", values)
    found = tables(history)
    assert {(row["subject"], row["object"]) for row in found["patterns"]} == {*map(tuple, ("ab", "ac", "bc", "de"))}
    (theory,) = composed(found)
    assert theory["theory_type"] == "structural"
    assert len(theory["composed_of"]) == 4
    words = theory["hypothesis"]
    assert words.startswith("the norm of layers that move together beyond what their own pasts foretell: ")
    assert "c (3 pairs, correlation about -" in words
    assert "d, e (1 pair, correlation about +" in words
    told = predicted(found, theory)
    assert all((row["direction"], row["hit"]) == (1, True) for row in told.values())
    assert len(told) > 5


def test_what_is_written_together_and_what_follows_are_habits(
    history: Any, histories: ModuleType, tables: Tables
) -> None:
    history.attach(histories.sharing([*"abcdef"]))
    draw = random.Random(4)
    for number in range(700):
        names = draw.choice(("ab", "cd", "e", "f", "e", "f", "a", "c"))
        for name in names:
            history.write(f"act {number}", name, draw.choice((1.0, -1.0)))
    found = tables(history)
    assert {(row["subject"], row["object"]) for row in found["patterns"]} >= {("a", "b"), ("c", "d")}
    (theory,) = composed(found)
    assert theory["theory_type"] == "behavioral"
    assert "a and b are written in the same acts more often together" in theory["hypothesis"]
    assert "c and d are written in the same acts more often together" in theory["hypothesis"]
    assert theory["log_e_value"] > 3.0


def test_what_follows_a_high_metric_are_its_constraints(history: Any, histories: ModuleType, tables: Tables) -> None:
    history.attach(histories.sharing(NAMES))
    draw, since = random.Random(5), 9
    for number in range(1500):
        loss = draw.gauss(0, 1)
        history.metrics(f"act {number}", {"loss": loss})
        for category in ("alarm", "pause"):
            if draw.random() < (0.8 if since < 3 else 0.02):
                history.note("as ever", category, model="m", act=f"act {number}")
        since = 1 if loss > 1.6 else since + 1
    found = tables(history)
    claims = [row for row in found["patterns"] if row["kind"] == "threshold" and row["status"] == "active"]
    assert {row["object"] for row in claims} == {"kind:alarm", "kind:pause"}
    (theory,) = composed(found, "constraint")
    assert sorted(theory["composed_of"]) == sorted(row["pattern_id"] for row in claims)
    assert "past a high quantile of loss, kind:alarm comes more often" in theory["hypothesis"]


def test_writes_without_a_coin_are_told_of_one_storage_as_a_habit(
    history: Any, histories: ModuleType, tables: Tables
) -> None:
    history.attach(histories.sharing(NAMES, ["head", "embed"]))
    draw = random.Random(6)
    for number in range(60):
        before = {"loss": draw.gauss(2, 1), "accuracy": draw.gauss(2, 1)}
        after = {metric: value + draw.gauss(2.0, 1.0) for metric, value in before.items()}
        history.experiment(f"act {number}", "embed", 1.0, before, after, coin=False)
    (theory,) = composed(tables(history))
    assert theory["theory_type"] == "behavioral"
    assert "loss went up with the sign, which no coin decided, by" in theory["hypothesis"]
    assert "accuracy went up with the sign, which no coin decided, by" in theory["hypothesis"]


def test_members_that_forecast_no_side_are_told_with_their_latest_numbers(history: Any, histories: ModuleType) -> None:
    history.define("loss", smallest=0.1)
    history.define("accuracy", smallest=0.1)
    history.attach(histories.sharing(NAMES, ["head", "embed"]))
    draw = random.Random(7)

    def noise(acts: int) -> Any:
        first = history.last
        for _ in range(acts):
            before = {"loss": draw.gauss(2, 1), "accuracy": draw.gauss(2, 1)}
            after = {metric: value + draw.gauss(0.0, 3.0) for metric, value in before.items()}
            history.experiment(f"act {history.last}", "embed", 1.0, before, after, coin=False, method="noise")
        return history.stored()[first:]

    projection: Any = histories.fold(KnowledgeProjection(), history.stored())
    histories.fold(projection, noise(60))
    first, _ = projection.learning.take_rows()
    histories.fold(projection, noise(20))
    second, _ = projection.learning.take_rows()
    ((key, told),) = [(key, row) for key, row in first.items() if len(row.get("composed_of", ())) > 1]
    assert (told["theory_type"], told["predictions"], told["brier"]) == ("behavioral", 0, None)
    assert "of 60 outcomes" in told["hypothesis"]
    assert "of 80 outcomes" in second[key]["hypothesis"]


def test_a_theory_whose_members_an_amendment_took_away_stays_told_and_may_come_again(
    history: Any, run: Any, tables: Tables
) -> None:
    history.define("loss", better="lower")
    run(history, 120, BOTH)
    (before,) = composed(tables(history))
    for position, event in enumerate(list(history.events), start=1):
        if getattr(event.payload, "primary_layer", None) == "mlp":
            history.retract(position)
    amended = tables(history)
    (after,) = composed(amended)
    kept = "theory_id", "theory_type", "first_position", "composed_of"
    assert after["status"] == "retracted"
    assert [after[name] for name in kept] == [before[name] for name in kept]
    assert predicted(amended, after) == {}
    run(history, 160, BOTH, seed=2)
    (again,) = composed(tables(history))
    assert (again["theory_id"], again["status"]) == (before["theory_id"], "active")
    assert again["first_position"] == before["first_position"]


def test_an_amended_history_tells_what_it_would_have_told(history: Any, run: Any, tables: Tables) -> None:
    history.define("loss", better="lower")
    run(history, 160, BOTH)
    position = history.last
    history.retract(position)
    amended = tables(history)
    history.events = history.events[: position - 1]
    plain = tables(history)
    assert composed(plain)[0]["predictions"] > 5
    assert composed(amended) == composed(plain)
    assert amended["predictions"] == plain["predictions"]


def test_a_fold_taken_up_anywhere_composes_the_same_theories(history: Any, run: Any, histories: ModuleType) -> None:
    history.define("loss", better="lower")
    effects = {**BOTH, ("embed", "accuracy"): 2.0}
    run(history, 100, effects)
    run(history, 40, effects, seed=2, written=[("embed", "mlp"), ("mlp", "norm")])
    run(history, 100, {("mlp", "loss"): 3.0}, seed=3)
    events = history.stored()
    whole, pieces = KnowledgeProjection(), KnowledgeProjection()
    seen: set[tuple[str, str]] = set()
    for at, event in enumerate(events):
        histories.fold(whole, [event], events)
        histories.fold(pieces, [event], events)
        if at % 23 == 0:
            pieces = _taken_up(pieces)
            assert pieces.parts() == whole.parts()
        seen |= {(row["theory_type"], row["status"]) for row in composed({"theories": _theories(pieces)})}
    assert seen >= {("causal_model", "active"), ("optimization", "active"), ("optimization", "weakened")}
    assert _theories(pieces) == _theories(histories.fold(KnowledgeProjection(), events))
    assert orjson.loads(pieces.parts()["composed"])


def test_groups_are_what_pairs_connect_in_order_of_appearance() -> None:
    assert connected([("a", "b"), ("c", "d"), ("e", "f"), ("d", "b"), ("e", "g"), ("c", "h")]) == [
        (["a", "b", "c", "d", "h"], [0, 1, 3, 5]),
        (["e", "f", "g"], [2, 4]),
    ]


def _taken_up(projection: Any) -> Any:
    resumed: Any = KnowledgeProjection()
    resumed.load_parts(dict(sorted(projection.parts().items(), reverse=True)))
    resumed._snapshots = projection._snapshots
    return resumed


def _theories(projection: Any) -> list[dict[str, Any]]:
    rows = projection.learning.claims.rows()
    return [rows[key] for key in sorted(rows) if key[0] == "theories"]
