"""Metrics are judged as they are recorded, against what they were when things were well."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import pytest

from memory import MemorySystem
from memory.errors import InvalidArgument
from memory.events.envelope import StoredEvent
from memory.safety.settings import SafetySettings


def collapses(memory: MemorySystem) -> list[str]:
    return [alert.details["metric"] for alert in memory.safety.get_alert_history() if alert.category == "metric"]


def test_a_loss_of_1_to_50_does_not_pass(memory: MemorySystem, events: Callable[..., list[StoredEvent]]) -> None:
    memory.record_metrics({"loss": 1.0})
    memory.record_metrics({"loss": 50.0})
    assert [event.event_type for event in events()] == ["metrics_recorded", "metrics_recorded", "safety_alert"]
    (alert,) = memory.safety.get_critical_alerts()
    assert (alert.rule, alert.details["baseline"], alert.details["value"]) == ("metric_collapse", 1.0, 50.0)


def test_nor_does_it_where_it_is_only_checked(memory: MemorySystem) -> None:
    assert memory.safety.check_performance({"loss": 1.0}) == ()
    (alert,) = memory.safety.check_performance({"loss": 50.0})
    assert alert.level == "critical"


def test_a_collapse_is_told_when_it_begins_and_is_no_baseline(memory: MemorySystem) -> None:
    for loss in (1.0, 1.1, 50.0, 60.0, 55.0):
        memory.record_metrics({"loss": loss})
    assert collapses(memory) == ["loss"]
    memory.record_metrics({"loss": 1.0})
    memory.record_metrics({"loss": 50.0})
    assert collapses(memory) == ["loss", "loss"]


def test_a_definition_says_which_way_is_better_also_against_the_name(memory: MemorySystem) -> None:
    memory.safety.set_threshold("baseline_values", 1)
    memory.record_metrics({"loss": 10.0, "oddness": 1.0})
    memory.define_metric("loss", better="higher")
    memory.define_metric("oddness", better="lower")
    memory.record_metrics({"loss": 100.0, "oddness": 0.01})
    assert collapses(memory) == []
    memory.record_metrics({"loss": 1.0, "oddness": 10.0})
    assert sorted(collapses(memory)) == ["loss", "oddness"]


def test_a_metric_nobody_knows_is_judged_only_for_being_finite(memory: MemorySystem) -> None:
    for value in (1.0, 1e9, -1e9):
        memory.record_metrics({"oddness": value})
    assert collapses(memory) == []
    memory.record_metrics({"oddness": math.nan})
    assert collapses(memory) == ["oddness"]


def test_the_smallest_effect_that_matters_is_a_bound_too(memory: MemorySystem) -> None:
    memory.define_metric("loss", better="lower", smallest_effect=0.5)
    memory.record_metrics({"loss": 0.01})
    memory.record_metrics({"loss": 0.4})
    assert collapses(memory) == []


def test_a_slow_decline_is_noticed(memory: MemorySystem) -> None:
    loss = 1.0
    for _ in range(60):
        loss *= 1.05
        memory.record_metrics({"loss": loss})
    assert collapses(memory) == ["loss"]


def test_a_baseline_that_is_stated_holds(memory: MemorySystem) -> None:
    memory.record_metrics({"loss": 10.0})
    memory.safety.set_baseline({"loss": 1.0})
    memory.record_metrics({"loss": 10.0})
    assert collapses(memory) == ["loss"]
    with pytest.raises(InvalidArgument):
        memory.safety.set_baseline({"loss": math.nan})


@pytest.mark.parametrize("folded", [True, False], ids=["folded", "not folded yet"])
def test_what_was_on_record_before_counts(path: Path, folded: bool) -> None:
    with MemorySystem(path, durability="normal") as memory:
        memory.define_metric("oddness", better="lower")
        memory.record_metrics({"oddness": 1.0})
        if folded:
            memory.consolidate()
    with MemorySystem(path, durability="normal") as memory:
        memory.record_metrics({"oddness": 50.0})
        assert collapses(memory) == ["oddness"]


def test_a_repeat_under_its_key_is_not_judged_again(memory: MemorySystem) -> None:
    memory.record_metrics({"loss": 1.0})
    for _ in range(2):
        memory.record_metrics({"loss": math.nan}, key="evaluation-7")
        memory.record_metrics({"loss": 1.0}, key="evaluation-8")
    assert collapses(memory) == ["loss"]


def test_in_a_batch_the_alert_is_part_of_it(memory: MemorySystem, events: Callable[..., list[StoredEvent]]) -> None:
    with memory.batch():
        memory.record_metrics({"loss": math.nan})
        assert events() == []
    assert [event.event_type for event in events()] == ["metrics_recorded", "safety_alert"]

    def aborted() -> None:
        with memory.batch():
            memory.record_metrics({"accuracy": math.nan})
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        aborted()
    assert len(events()) == 2


def test_the_alert_belongs_to_the_act_of_the_evaluation(memory: MemorySystem) -> None:
    with memory.act("a step") as act:
        memory.record_metrics({"loss": math.nan})
    (alert,) = memory.safety.get_alert_history()
    assert alert.act_id == act.id


def test_a_collapse_can_be_told_to_stop_the_model() -> None:
    with MemorySystem(":memory:", safety=SafetySettings(stop=("metric_collapse",))) as memory:
        memory.record_metrics({"loss": 1.0})
        memory.record_metrics({"loss": 50.0})
        (alert,) = memory.safety.get_critical_alerts()
        assert (alert.level, alert.stops) == ("emergency", True)


def test_what_is_no_number_is_refused(memory: MemorySystem) -> None:
    with pytest.raises(InvalidArgument):
        memory.safety.check_performance({"loss": "high"})  # type: ignore[dict-item]


def test_values_that_lie_apart_from_the_start_are_no_collapse(memory: MemorySystem) -> None:
    for step in range(5):
        memory.record_metrics({"loss": float(step)})
    assert collapses(memory) == []
    memory.record_metrics({"loss": 50.0})
    assert collapses(memory) == ["loss"]
