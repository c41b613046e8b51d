"""What is known after a retraction or correction: what the amended record teaches, and nothing that was told unsaid."""

from __future__ import annotations

import random
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

from memory.events.observations import Observation
from memory.projections.knowledge import KnowledgeProjection

NAMES = ["head", "embed", "mlp", "norm"]
NOTHING = Observation(obs_type="behavior", category="nothing", description="in place of what was retracted")
Tables = Callable[[Any], dict[str, list[dict[str, Any]]]]
TOLD = ("first_position", "last_position", "post_retraction")


@pytest.fixture
def tables(histories: ModuleType) -> Tables:
    """Give the tables of knowledge that a history folds into."""
    return lambda history: histories.flushed(histories.fold(KnowledgeProjection(), history.stored()))


@pytest.fixture
def run(histories: ModuleType) -> Any:
    """Write down acts on a tied model; `embed` moves the loss with the sign."""

    def tell(history: Any, acts: int, *, seed: int = 1, size: float = 1.5, model: str = "m") -> None:
        if model not in history.models:
            history.attach(histories.sharing(NAMES, ["head", "embed"]), model)
        draw = random.Random(seed)
        for _ in range(acts):
            name, sign = draw.choice(NAMES), draw.choice((1.0, -1.0))
            before = {"loss": draw.gauss(2.0, 1.0), "accuracy": draw.gauss(0.5, 1.0)}
            after = {metric: value + draw.gauss(0.0, 1.0) for metric, value in before.items()}
            after["loss"] += size * sign if name in ("head", "embed") else 0.0
            history.experiment(f"act {history.last}", name, sign, before, after, model=model)

    return tell


def never_recorded(history: Any, position: int) -> None:
    history.events[position - 1] = type(history.events[position - 1])(NOTHING)


def without(rows: list[dict[str, Any]], *columns: str) -> list[dict[str, Any]]:
    return [{name: value for name, value in row.items() if name not in columns} for row in rows]


def supporting(history: Any, model: str = "m") -> list[dict[str, Any]]:
    """Every outcome of a write to `embed`, with the side it fell on, the strongest last."""
    found = []
    for position, event in enumerate(history.events, start=1):
        name = getattr(event.payload, "primary_layer", None)
        if name in ("head", "embed") and event.payload.model == model:
            before, after = (history.events[at].payload.metrics["loss"] for at in (position - 2, position))
            row = {"position": position + 1, "modification_position": position, "baseline_position": position - 1}
            found.append(row | {"outcome": event.payload.dose * (after - before)})
    return sorted(found, key=lambda row: row["outcome"])


@pytest.mark.parametrize("column", ["position", "modification_position", "baseline_position"])
def test_a_retracted_event_leaves_the_knowledge_of_a_record_without_it(
    history: Any, run: Any, tables: Tables, column: str
) -> None:
    run(history, 120)
    position = tables(history)["evidence"][-1][column]
    history.retract(position)
    amended = tables(history)
    assert position not in {row[column] for row in amended["evidence"]}
    never_recorded(history, position)
    history.events.pop()
    plain = tables(history)
    for table in ("evidence", "predictions", "architectural_facts"):
        assert amended[table] == plain[table]
    for table in ("patterns", "theories", "beliefs"):
        assert without(amended[table], *TOLD) == without(plain[table], *TOLD)
    assert plain["predictions"]


def test_a_corrected_outcome_counts_as_if_it_had_been_right_at_once(history: Any, run: Any, tables: Tables) -> None:
    run(history, 120)
    position = supporting(history)[-1]["position"]
    right = {"loss": history.events[position - 1].payload.metrics["loss"] + 0.125}
    history.correct(position, right)
    amended = tables(history)
    payload = history.events[position - 1].payload
    said = payload.model_copy(update={"metrics": {**payload.metrics, **right}})
    history.events[position - 1] = type(history.events[position - 1])(
        said, stream="model-m", act_id=history.events[position - 1].act_id
    )
    history.events.pop()
    plain = tables(history)
    assert amended["evidence"] == plain["evidence"]
    assert without(amended["patterns"], *TOLD) == without(plain["patterns"], *TOLD)


def test_what_follows_an_amendment_is_learned_on_top_of_it(history: Any, run: Any, tables: Tables) -> None:
    run(history, 60)
    position = history.last
    history.retract(position)
    run(history, 60, seed=2)
    amended = tables(history)
    never_recorded(history, position)
    never_recorded(history, position + 1)
    assert amended["evidence"] == tables(history)["evidence"]


def test_a_claim_that_stays_keeps_its_first_position_and_is_flagged(history: Any, run: Any, tables: Tables) -> None:
    run(history, 120)
    before = tables(history)
    (was,) = before["patterns"]
    early = [row["position"] for row in supporting(history) if row["position"] <= was["first_position"]]
    history.retract(early[-1])
    (now,) = tables(history)["patterns"]
    assert (now["status"], now["first_position"]) == ("active", was["first_position"])
    assert (was["post_retraction"], now["post_retraction"]) == (False, True)
    assert now["support"] == was["support"] - 1
    never_recorded(history, early[-1])
    history.events.pop()
    # Without the outcome that spoke for it most, it would have been claimed at a later settlement.
    assert tables(history)["patterns"][0]["first_position"] > was["first_position"]


def test_a_claim_that_falls_with_its_evidence_is_retracted_and_its_row_stays(
    history: Any, run: Any, tables: Tables
) -> None:
    run(history, 120)
    before = tables(history)
    for row in supporting(history)[4:]:
        history.retract(row["position"])
    after = tables(history)
    for table in ("patterns", "theories"):
        ((was,), (now,)) = before[table], after[table]
        assert (was["status"], now["status"]) == ("active", "retracted")
        assert now["first_position"] == was["first_position"]
    assert after["patterns"][0]["post_retraction"]
    believed = [row for row in before["beliefs"] if row["belief_type"] == "causal_law"]
    assert [row["status"] for row in believed] == ["active"]
    (belief,) = [row for row in after["beliefs"] if row["belief_type"] == "causal_law"]
    assert (belief["status"], belief["first_position"]) == ("retracted", believed[0]["first_position"])
    assert believed[0]["last_position"] <= 361 < belief["last_position"]


def test_a_claim_made_again_later_keeps_its_row_and_its_first_position(history: Any, run: Any, tables: Tables) -> None:
    run(history, 120)
    before = tables(history)
    for row in supporting(history)[4:]:
        history.retract(row["position"])
    run(history, 160, seed=2)
    after = tables(history)
    for table in ("patterns", "theories"):
        ((was,), (now,)) = before[table], after[table]
        assert (now["status"], now["first_position"]) == ("active", was["first_position"])
    assert after["patterns"][0]["post_retraction"]
    assert after["patterns"][0]["last_position"] > 361
    (was,), (now,) = (
        [row for row in found["beliefs"] if row["belief_type"] == "causal_law"] for found in (before, after)
    )
    assert (now["status"], now["first_position"]) == ("active", was["first_position"])


def test_a_claim_that_only_an_amendment_makes_is_first_made_there(
    history: Any, run: Any, tables: Tables, histories: ModuleType
) -> None:
    history.attach(histories.sharing(NAMES, ["head", "embed"]))
    positions = []
    for number in range(5):
        history.experiment(f"opposite {number}", "embed", 1.0, {"loss": 2.0}, {"loss": -3.0})
        positions.append(history.last)
    run(history, 48)
    assert tables(history)["patterns"] == []
    for position in positions:
        history.retract(position)
    (pattern,) = tables(history)["patterns"]
    (theory,) = tables(history)["theories"]
    assert pattern["status"] == theory["status"] == "active"
    assert positions[-1] < pattern["first_position"] == theory["first_position"] <= history.last
    assert pattern["post_retraction"]


def test_what_an_amendment_touched_is_flagged_when_it_is_claimed_later(history: Any, run: Any, tables: Tables) -> None:
    run(history, 120)
    found = tables(history)
    (pattern,) = found["patterns"]
    assert pattern["first_position"] > 61
    first = min(row["position"] for row in supporting(history))
    later = history.events[61:]
    del history.events[61:]
    history.retract(first)
    history.events += later
    assert [row["post_retraction"] for row in tables(history)["patterns"]] == [True]


def test_a_claim_about_another_model_is_not_touched(history: Any, run: Any, tables: Tables) -> None:
    run(history, 120)
    run(history, 120, model="other")
    run(history, 1)
    before = tables(history)
    history.retract(history.last)
    after = tables(history)
    (was,), (now,) = ([row for row in found["patterns"] if row["model"] == "other"] for found in (before, after))
    assert now == was
    assert was["post_retraction"] is False


def test_an_epoch_that_was_closed_stays_on_record_when_the_reason_to_close_it_is_retracted(
    history: Any, run: Any, tables: Tables
) -> None:
    run(history, 80)
    believed = history.last
    run(history, 40, seed=2, size=-1.5)
    gone = history.last
    assert [row["status"] for row in tables(history)["patterns"]] == ["retracted"]
    run(history, 120, seed=3, size=3.0)
    first, second = sorted(tables(history)["patterns"], key=lambda row: row["first_position"])
    assert second["status"] == "active"
    for number in range(believed + 3, gone + 1, 3):
        if history.events[number - 2].payload.primary_layer in ("head", "embed"):
            history.retract(number)
    again, withdrawn = sorted(tables(history)["patterns"], key=lambda row: row["first_position"])
    assert (again["pattern_id"], again["status"]) == (first["pattern_id"], "active")
    assert (withdrawn["pattern_id"], withdrawn["status"]) == (second["pattern_id"], "retracted")
    assert (again["first_position"], withdrawn["first_position"]) == (first["first_position"], second["first_position"])
    assert again["post_retraction"]
    assert withdrawn["post_retraction"]


def test_a_correlation_that_architecture_explains_loses_what_was_retracted(
    history: Any, histories: ModuleType, tables: Tables
) -> None:
    history.attach(histories.sharing("ab", "ab"))
    readings = []
    for value in (1.0, 2.0):
        history.statistics("norm", {"a": value, "b": value})
        readings.append(history.last)
    (fact,) = [row for row in tables(history)["architectural_facts"] if row["kind"] == "cochange"]
    history.retract(readings[0])
    (less,) = [row for row in tables(history)["architectural_facts"] if row["kind"] == "cochange"]
    assert (fact["support"], less["support"]) == (2, 1)
    history.retract(readings[1])
    assert {row["kind"] for row in tables(history)["architectural_facts"]} == {"identity"}


class Deaf:
    """A log that may not be looked back at."""

    def payload(self, event: Any) -> Any:
        return event.payload

    def past(self, position: int, types: Any, after: int = 0) -> Any:
        raise AssertionError(f"at {position} the past was asked for")


def test_a_retracted_observation_leaves_what_a_record_without_it_teaches(
    history: Any, run: Any, histories: ModuleType
) -> None:
    run(history, 40)
    positions = []
    for number in range(6):
        history.note("seen", f"category {number % 2}", model="m")
        positions.append(history.last)
        run(history, 12, seed=number)
    for position in positions[1::2]:
        history.retract(position)
    amended: Any = histories.fold(KnowledgeProjection(), history.stored())
    del history.events[-3:]
    everything: Any = histories.fold(KnowledgeProjection(), history.stored())
    for position in positions[1::2]:
        never_recorded(history, position)
    plain: Any = histories.fold(KnowledgeProjection(), history.stored())
    # Whether it was amended is kept beside what was learned.
    assert [_learned(each) for each in (amended, plain)] == [_learned(plain)] * 2
    assert _learned(everything) != _learned(plain)


def _learned(projection: Any) -> list[tuple[str, bytes]]:
    panels = [(panel.name, panel.unflagged()) for panel in projection.learning.panels()]
    kept = projection.parts()
    return sorted(panels) + [(name, kept[name]) for name in ("entities", "metrics", "families", "repeats", "dropped")]


def test_a_second_retraction_of_the_same_event_teaches_nothing_anew(
    history: Any, run: Any, histories: ModuleType
) -> None:
    run(history, 3)
    position = history.last
    history.retract(position)
    projection = histories.fold(KnowledgeProjection(), history.stored())
    before = projection.parts()
    history.retract(position, "somebody else's reason")
    history.correct(position, {"loss": 1.0})
    for event, _ in history.stored()[-2:]:
        projection.fold(event, Deaf())
    assert projection.parts() == before


def test_an_amendment_of_what_is_to_come_is_passed_over(history: Any, run: Any, tables: Tables) -> None:
    run(history, 120)
    plain = tables(history)
    event = history.events[0]
    history.retract(history.last)
    foreseen = history.events.pop().payload.model_copy(update={"position": 10_000})
    history.events.append(type(event)(foreseen, stream="model-m"))
    assert tables(history) == plain
