"""The gate: what may begin, what may be committed, and what is told with it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from introspection import SharingMap
from memory import MemorySystem
from memory.errors import SafetyViolation
from memory.events.envelope import StoredEvent
from memory.events.modifications import Change
from memory.recording.journal import Recorded
from memory.recording.recorder import Envelope
from memory.safety.gate import Judgement, Written
from memory.safety.metric_rules import MetricReading
from memory.safety.settings import SafetySettings


def written(name: str, before: Tensor, after: Tensor) -> Written:
    """Measure what a write did, as the editor does."""
    changed = before.view(torch.int32) != after.view(torch.int32)
    rows = changed.reshape(len(before), -1).any(1)
    change = Change(
        fingerprint_before=hashlib.sha256(before.numpy().tobytes()).hexdigest(),
        fingerprint_after=hashlib.sha256(after.numpy().tobytes()).hexdigest(),
        delta_norm=float((after - before).norm()),
        weight_norm=float(before.norm()),
        max_change=float((after - before).abs().max()),
        elements_changed=int(changed.sum()),
        elements=before.numel(),
        rows_changed=int(rows.sum()),
        rows=len(before),
        nonfinite_after=int((~after.isfinite()).sum()),
    )
    return Written(name, change, int((~before.isfinite()).sum()))


@pytest.fixture
def judge(memory: MemorySystem, model: nn.Module) -> Callable[..., Judgement]:
    """Judge an edit that multiplies the weight under a name by a factor."""
    attached = memory.attach(model, name="tied")

    def judged(name: str, factor: float, **more: Any) -> Judgement:
        before = attached.tensor(name).detach().clone()
        gate = memory.safety.gate
        gate.before_edit(attached, [name], acknowledged=more.get("acknowledged", False))
        return gate.judge(gate.measurements(attached, [written(name, before, before * factor)], **more))

    return judged


def rules(judgement: Judgement) -> list[str | None]:
    return [alert.rule for alert in judgement.alerts]


@pytest.fixture
def strict(path: Path) -> Iterator[Callable[..., MemorySystem]]:
    """Open memories with settings of their own."""
    opened: list[MemorySystem] = []

    def open_with(**settings: Any) -> MemorySystem:
        opened.append(MemorySystem(path, durability="normal", safety=SafetySettings(**settings)))
        return opened[-1]

    yield open_with
    for memory in opened:
        memory.close()


def test_a_small_edit_is_committed_without_a_word(judge: Callable[..., Judgement]) -> None:
    judgement = judge("middle.weight", 1.01)
    assert (judgement.denied_by, judgement.alerts, judgement.message) == ((), (), "")


def test_new_nan_is_denied_by_default_whether_or_not_anything_is_watched(judge: Callable[..., Judgement]) -> None:
    judgement = judge("middle.weight", float("nan"))
    assert judgement.denied_by == ("nonfinite",)
    (alert,) = judgement.alerts
    assert (alert.level, alert.details["denied"], alert.model) == ("critical", True, "tied")
    error = judgement.violation()
    assert isinstance(error, SafetyViolation)
    assert (error.rules, error.model) == (("nonfinite",), "tied")
    assert "middle.weight brings in 16 NaN" in error.message


def test_a_large_change_is_warned_of_and_committed(judge: Callable[..., Judgement]) -> None:
    judgement = judge("middle.weight", 2.0)
    assert (judgement.denied_by, rules(judgement)) == ((), ["norm_ratio"])
    assert judgement.alerts[0].level == "warning"
    assert rules(judge("middle.weight", 2.0)) == ["norm_ratio"], "each write is a fact of its own"


def test_coupling_is_no_alert_unless_it_denies_and_denies_nobody_who_knows(
    judge: Callable[..., Judgement], memory: MemorySystem
) -> None:
    memory.safety.set_threshold("share_of_model", None)
    assert rules(judge("head.weight", 1.01)) == []
    memory.safety.set_threshold("deny", ("coupled",))
    with pytest.raises(SafetyViolation, match=r"a write to head\.weight also changes") as denied:
        judge("head.weight", 1.01)
    assert denied.value.rules == ("coupled",)
    assert judge("embed.weight", 1.01, acknowledged=True).denied_by == ()


def test_whoever_asked_before_knows_what_is_coupled(judge: Callable[..., Judgement], memory: MemorySystem) -> None:
    memory.safety.set_threshold("share_of_model", None)
    memory.safety.set_threshold("deny", ("coupled",))
    memory.safety.check_modification("embed.weight")
    assert judge("head.weight", 1.01).denied_by == ()


def test_an_edit_that_names_both_names_knows(memory: MemorySystem) -> None:
    sharing = SharingMap.from_relations(names=["a", "b", "c"], partial=[("a", "b")])
    attached = memory.attach(sharing, name="sim")
    memory.safety.set_threshold("deny", ("coupled",))
    gate = memory.safety.gate
    before = torch.ones(2, 2)
    both = [written(name, before, before * 1.01) for name in ("a", "b")]
    assert gate.judge(gate.measurements(attached, both)).alerts == ()
    assert gate.judge(gate.measurements(attached, both[:1])).denied_by == ("coupled",)


def test_a_model_without_a_checkpoint_is_told_of_every_so_many_edits(
    judge: Callable[..., Judgement], memory: MemorySystem
) -> None:
    memory.safety.set_threshold("edits_between_checkpoints", 2)
    told = []
    for _ in range(6):
        told.append(rules(judge("middle.weight", 1.01)))
        memory.record_modification("middle.weight")
    assert told == [[], [], ["checkpoint"], [], ["checkpoint"], []]


def test_what_is_known_beforehand_is_denied_before_the_edit_begins_and_recorded(
    strict: Callable[..., MemorySystem], model: nn.Module
) -> None:
    memory = strict(deny=("coupled",))
    attached = memory.attach(model, name="tied")
    with pytest.raises(SafetyViolation, match="before it began") as raised:
        memory.safety.gate.before_edit(attached, ["head.weight"])
    assert raised.value.rules == ("coupled",)
    (alert,) = memory.safety.get_critical_alerts()
    assert alert.details["denied"] is True
    memory.safety.gate.before_edit(attached, ["head.weight"], acknowledged=True)
    memory.safety.gate.before_edit(attached, ["middle.weight"])
    memory.safety.check_modification("head.weight")
    memory.safety.gate.before_edit(attached, ["head.weight"])


def test_any_rule_can_deny_where_somebody_asks(strict: Callable[..., MemorySystem], model: nn.Module) -> None:
    memory = strict(deny=("norm_ratio", "metric_collapse"))
    attached, gate = memory.attach(model, name="tied"), memory.safety.gate
    before = torch.ones(2, 2)
    large = gate.measurements(attached, [written("middle.weight", before, before * 2)])
    assert gate.judge(large).denied_by == ("norm_ratio",)
    worse = [MetricReading("loss", 50.0, 1.0, "lower")]
    collapsed = gate.measurements(attached, [written("middle.weight", before, before * 1.01)], metrics=worse)
    assert gate.judge(collapsed).denied_by == ("metric_collapse",)
    nan = gate.measurements(attached, [written("middle.weight", before, before * float("nan"))])
    assert gate.judge(nan).denied_by == (), "what is asked for replaces the default"


def test_a_rule_that_stops_denies_and_stops_once_its_alert_is_on_record(
    strict: Callable[..., MemorySystem], model: nn.Module
) -> None:
    memory = strict(stop=("nonfinite",))
    attached, gate = memory.attach(model, name="tied"), memory.safety.gate
    before = torch.ones(2, 2)
    judgement = gate.judge(gate.measurements(attached, [written("middle.weight", before, before * float("nan"))]))
    assert (judgement.denied_by, judgement.alerts[0].level) == (("nonfinite",), "emergency")
    model(torch.arange(3))
    # The editor appends the alerts beside `edit_aborted`, in one append.
    handles = [Recorded(alert.event_type) for alert in judgement.alerts]
    memory._recorder.record("tied", judgement.alerts, handles, envelope=Envelope())
    gate.settle(judgement.alerts)
    with pytest.raises(SafetyViolation):
        model(torch.arange(3))
    with pytest.raises(SafetyViolation):
        gate.before_edit(attached, ["middle.weight"])


def test_judging_records_nothing(judge: Callable[..., Judgement], events: Callable[..., list[StoredEvent]]) -> None:
    judge("head.weight", float("nan"))
    assert [event.event_type for event in events()] == ["model_attached"]
