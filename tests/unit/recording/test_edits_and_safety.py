from __future__ import annotations

import pytest
import torch

from memory import MemorySystem
from memory.errors import SafetyViolation
from memory.safety.settings import SafetySettings


@pytest.fixture
def memory(tmp_path):
    with MemorySystem(tmp_path / "research.db", durability="normal", seed=1) as opened:
        yield opened


@pytest.fixture
def strict(tmp_path, model):
    """A memory that denies edits of coupled names nobody acknowledged, and changes of more than half the norm."""
    settings = SafetySettings(deny=("coupled", "norm_ratio"), norm_ratio=0.5)
    with MemorySystem(tmp_path / "strict.db", durability="normal", safety=settings) as memory:
        memory.attach(model, name="tied")
        yield memory


def types(memory):
    return [event.event_type for event in memory.store.read()][1:]


def test_a_new_nan_is_denied_put_back_and_on_record(memory, attached, events, bits):
    before = bits(attached)
    with (
        pytest.raises(SafetyViolation, match="the bytes are put back") as raised,
        memory.edit("middle.weight") as weight,
    ):
        weight[0, 0] = float("nan")
    assert bits(attached) == before
    (aborted,), (alert,) = events("edit_aborted"), events("safety_alert")
    assert (aborted.payload.denied_by, aborted.payload.restored) == (raised.value.rules, True)
    assert (alert.payload.category, alert.payload.layers) == ("nan", ("middle.weight",))
    assert alert.payload.level in ("critical", "emergency")
    assert not events("modification")


def test_a_nan_that_was_there_before_is_no_reason_to_deny(memory, model, events):
    with torch.no_grad():
        model.middle.weight[0, 0] = float("nan")
    memory.attach(model, name="tied")
    with memory.edit("middle.weight") as weight:
        weight[1, 1] = 0.25
    assert len(events("modification")) == 1


def test_what_the_rules_only_warn_of_is_committed_with_its_alert(memory, attached, events):
    with memory.edit("middle.weight") as weight:
        weight.mul_(100)
    (write,) = events("modification")
    (alert,) = events("safety_alert")
    assert (alert.payload.rule, alert.payload.level, alert.position) == ("norm_ratio", "warning", write.position + 1)


def test_a_coupled_write_is_no_alert_beside_its_own_event(memory, attached, events):
    for _ in range(3):
        with memory.edit("head.weight") as weight:
            weight.mul_(1.001)
    assert "coupled" not in [alert.payload.rule for alert in events("safety_alert")]
    assert len(events("coupled_modification")) == 3


def test_an_edit_of_most_of_the_model_is_warned_of_once(memory, attached, events):
    for _ in range(3):
        with memory.edit("head.weight") as weight:
            weight.mul_(1.001)
    assert [alert.payload.rule for alert in events("safety_alert")] == ["share_of_model"]


def test_the_denial_of_an_edit_inside_another_is_recorded_once(memory, attached, events):
    with pytest.raises(SafetyViolation), memory.edit("head.weight"), memory.edit("middle.bias") as bias:
        bias[0] = float("inf")
    aborted = {event.payload.primary_layer: event.payload.denied_by for event in events("edit_aborted")}
    assert aborted == {"middle.bias": ("nonfinite",), "head.weight": ()}
    assert len([event for event in events("safety_alert") if event.payload.rule == "nonfinite"]) == 1


def test_a_stop_ordered_while_the_block_runs_puts_the_edit_back(memory, attached, bits):
    before = bits(attached)

    def stopped_meanwhile() -> None:
        with memory.edit("middle.weight") as weight:
            weight.add_(1)
            memory.safety.emergency_stop("it babbles")

    with pytest.raises(SafetyViolation, match="stop"):
        stopped_meanwhile()
    assert bits(attached) == before


def test_where_asked_a_coupled_write_must_be_acknowledged(strict, model):
    with pytest.raises(SafetyViolation, match="denied before it began"), strict.edit("head.weight"):
        pass
    with strict.edit("head.weight", acknowledged=True) as weight:
        weight.mul_(1.001)
    assert "coupled_modification" in types(strict)


def test_where_asked_a_large_change_is_denied_and_put_back(strict, model):
    before = model.middle.weight.detach().clone()
    with pytest.raises(SafetyViolation, match="norm_ratio"), strict.edit("middle.weight") as weight:
        weight.mul_(2)
    assert torch.equal(model.middle.weight, before)
    assert types(strict) == ["edit_aborted", "safety_alert"]


def test_one_denied_storage_takes_back_every_storage_of_the_edit(strict, model):
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    with pytest.raises(SafetyViolation), strict.edit(["middle.weight", "middle.bias"]) as weights:
        torch._foreach_mul_(list(weights.values()), 9)
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())


def test_a_stopped_model_takes_no_edit_and_can_be_put_back(memory, attached, bits):
    before = bits(attached)
    with memory.act() as act, memory.edit("middle.weight") as weight:
        weight.add_(1)
    memory.safety.emergency_stop("it babbles")
    with pytest.raises(SafetyViolation, match="stop"), memory.edit("middle.weight"):
        pass
    with pytest.raises(SafetyViolation, match="stop"), memory.watch():
        pass
    act.undo()
    assert bits(attached) == before
    memory.restore(1)
    memory.safety.clear_emergency("looked at")
    with memory.edit("middle.weight") as weight:
        weight.add_(1)


def test_a_guarded_block_that_makes_things_worse_is_put_back_bit_for_bit(memory, attached, events, bits):
    before = bits(attached)
    memory.define_metric("loss", better="lower")
    losses = iter([2.0, 2.5])
    with memory.guarded(metric="loss", max_increase=0.2, evaluate=lambda: next(losses)) as guard:
        with memory.edit("head.weight") as weight:
            weight.mul_(3)
        attached.middle.bias.data.add_(1)
        with memory.edit("middle.weight") as weight:
            weight.zero_()
    assert guard.rolled_back
    assert (guard.before, guard.after) == (2.0, 2.5)
    assert bits(attached) == before
    assert "loss" in events("restored")[0].payload.reason
