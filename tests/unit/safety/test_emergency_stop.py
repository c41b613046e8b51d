"""An emergency stop really stops, wherever the record is open, until a person clears it."""

from __future__ import annotations

import copy
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from memory import MemorySystem
from memory.errors import InvalidArgument, InvalidPayload, SafetyViolation
from memory.events.envelope import StoredEvent
from memory.safety.surroundings import Stop


def refuses(call: Callable[..., Any], *args: Any) -> bool:
    try:
        call(*args)
    except SafetyViolation:
        return True
    return False


def test_forwards_of_the_model_and_of_its_parts_raise(
    memory: MemorySystem, attached: nn.Module, tokens: torch.Tensor
) -> None:
    memory.safety.emergency_stop("it burns")
    with pytest.raises(SafetyViolation, match="it burns") as raised:
        attached(tokens)
    assert (raised.value.rules, raised.value.model) == (("emergency_stop",), "tied")
    assert refuses(attached.middle, torch.ones(1, 4))  # type: ignore[arg-type]
    assert refuses(attached.embed, tokens)  # type: ignore[arg-type]


def test_clearing_it_lets_the_model_run_and_leaves_no_trace(
    memory: MemorySystem, attached: nn.Module, tokens: torch.Tensor, hooks_of: Callable[[nn.Module], int]
) -> None:
    expected = attached(tokens)
    stop = memory.safety.emergency_stop("it burns")
    assert hooks_of(attached) > 0
    assert memory.safety.clear_emergency("it was a candle") == (stop.position,)
    assert torch.equal(attached(tokens), expected)
    assert hooks_of(attached) == 0
    assert memory.safety.clear_emergency("nothing is left") == ()


def test_stop_and_clearance_are_events(memory: MemorySystem, events: Callable[..., list[StoredEvent]]) -> None:
    stop = memory.safety.emergency_stop("it burns")
    memory.safety.clear_emergency("it was a candle")
    alert, cleared = events("safety_alert", "emergency_cleared")
    assert (alert.position, alert.payload.level) == (stop.position, "emergency")  # type: ignore[attr-defined]
    assert (cleared.payload.reason, cleared.payload.alerts) == ("it was a candle", (stop.position,))  # type: ignore[attr-defined]
    (row,) = memory.safety.get_alert_history()
    assert not row.stops


def test_it_is_in_force_again_for_whoever_opens_the_record(path: Path, model: nn.Module, tokens: torch.Tensor) -> None:
    with MemorySystem(path, durability="normal") as memory:
        memory.attach(model, name="tied")
        memory.safety.emergency_stop("it burns")
    assert refuses(model, tokens), "closing the record lets nothing run"
    other = copy.deepcopy(model)
    fresh = type(model)()
    with MemorySystem(path, durability="normal") as memory:
        memory.attach(fresh, name="tied")
        assert refuses(fresh, tokens)
        assert refuses(model, tokens)
        memory.safety.clear_emergency("it was a candle")
        assert not refuses(fresh, tokens)
        assert not refuses(model, tokens)
        assert not refuses(other, tokens)
    with MemorySystem(path, durability="normal") as memory:
        memory.attach(fresh, name="tied")
        assert not refuses(fresh, tokens)


@pytest.mark.usefixtures("attached")
def test_edits_refuse_also_where_another_process_ordered_it(memory: MemorySystem, path: Path, model: nn.Module) -> None:
    gate, attached = memory.safety.gate, memory.attach(model, name="tied")
    gate.before_edit(attached, ["middle.bias"])
    with MemorySystem(path, durability="normal") as elsewhere:
        elsewhere.safety.emergency_stop("seen from afar", model="tied")
        with pytest.raises(SafetyViolation, match="seen from afar"):
            gate.before_edit(attached, ["middle.bias"])
        assert refuses(model, torch.arange(3)), "and from then on forwards too"
        elsewhere.safety.clear_emergency("a false alarm")
    gate.before_edit(attached, ["middle.bias"])
    assert not refuses(model, torch.arange(3))


@pytest.mark.usefixtures("attached")
def test_a_hooked_forward_sees_what_another_process_ordered(memory: MemorySystem, path: Path, model: nn.Module) -> None:
    memory.safety.set_threshold("poll_seconds", 0)
    with memory.safety.context(), MemorySystem(path, durability="normal") as elsewhere:
        assert not refuses(model, torch.arange(3))
        elsewhere.safety.emergency_stop("seen from afar")
        assert refuses(model, torch.arange(3))


def test_only_the_model_that_is_named_stops(memory: MemorySystem, model: nn.Module, tokens: torch.Tensor) -> None:
    other = type(model)()
    memory.attach(model, name="one")
    memory.attach(other, name="other")
    memory.safety.emergency_stop("it burns", model="one")
    assert refuses(model, tokens)
    assert not refuses(other, tokens)
    memory.safety.emergency_stop("all of it burns")
    assert refuses(other, tokens)
    memory.safety.clear_emergency("one is well", model="one")
    assert refuses(model, tokens), "the stop of every model stands"
    memory.safety.clear_emergency("all is well")
    assert not refuses(model, tokens)


def test_a_model_attached_later_is_stopped_too(memory: MemorySystem, model: nn.Module, tokens: torch.Tensor) -> None:
    memory.safety.emergency_stop("before anything was there")
    assert not refuses(model, tokens)
    memory.attach(model, name="tied")
    assert refuses(model, tokens)


def test_a_stop_is_kept_where_the_batch_around_it_is_aborted(
    memory: MemorySystem, attached: nn.Module, tokens: torch.Tensor
) -> None:
    def batch() -> None:
        with memory.batch():
            memory.safety.emergency_stop("it burns")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        batch()
    assert refuses(attached, tokens)
    assert len(memory.safety.get_critical_alerts()) == 1


def test_a_stop_that_cannot_be_recorded_is_in_force_here(
    memory: MemorySystem, attached: nn.Module, tokens: torch.Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Stop] = []
    memory.safety.on_emergency(told.append)

    def full(*args: Any, **kwargs: Any) -> Any:
        raise OSError(28, "no space left")

    with monkeypatch.context() as patch:
        patch.setattr(memory.store, "append", full)
        with pytest.raises(OSError, match="no space left"):
            memory.safety.emergency_stop("it burns")
    assert refuses(attached, tokens)
    assert [stop.message for stop in told] == ["it burns"]
    memory.safety.clear_emergency("there is space again")
    assert not refuses(attached, tokens)


@pytest.mark.usefixtures("attached")
def test_whoever_wants_to_know_is_called_once_when_it_is_in_force(memory: MemorySystem, model: nn.Module) -> None:
    told: list[tuple[str, bool]] = []
    memory.safety.on_emergency(lambda stop: told.append((stop.message, refuses(model, torch.arange(3)))))
    memory.safety.emergency_stop("it burns")
    memory.safety.check_modification("middle.bias")
    assert told == [("it burns", True)]


def test_a_callback_that_fails_keeps_nobody_from_being_told(
    memory: MemorySystem, attached: nn.Module, tokens: torch.Tensor
) -> None:
    told: list[Stop] = []

    def fails(stop: Stop) -> None:
        raise ZeroDivisionError

    memory.safety.on_emergency(fails)
    memory.safety.on_emergency(told.append)
    with pytest.raises(ExceptionGroup) as raised:
        memory.safety.emergency_stop("it burns")
    assert raised.group_contains(ZeroDivisionError)
    assert len(told) == 1
    assert refuses(attached, tokens)


@pytest.mark.usefixtures("attached")
@pytest.mark.parametrize("reason", ["", "  ", None])
def test_neither_a_stop_nor_its_end_goes_without_a_reason(memory: MemorySystem, model: nn.Module, reason: Any) -> None:
    with pytest.raises(InvalidPayload):
        memory.safety.emergency_stop(reason)
    assert not refuses(model, torch.arange(3))
    memory.safety.emergency_stop("it burns")
    with pytest.raises(InvalidArgument):
        memory.safety.clear_emergency(reason)
    assert refuses(model, torch.arange(3))


def test_a_copy_of_a_stopped_model_is_let_go_with_it_and_a_pickle_of_it_runs(
    memory: MemorySystem, attached: nn.Module, tokens: torch.Tensor
) -> None:
    memory.safety.emergency_stop("it burns")
    copied, buffer = copy.deepcopy(attached), io.BytesIO()
    torch.save(attached, buffer)
    buffer.seek(0)
    assert refuses(copied, tokens)
    assert not refuses(torch.load(buffer, weights_only=False), tokens)
    memory.safety.clear_emergency("it was a candle")
    assert not refuses(copied, tokens)


@pytest.mark.parametrize("which", ["the model", "the compiled one"])
def test_a_model_that_was_compiled_before_stops_and_runs_again(memory: MemorySystem, which: str) -> None:
    # Compiled code of modules like these goes on without hooks that came later.
    model, given = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4)), torch.ones(1, 4)
    compiled = torch.compile(model, backend="eager")
    memory.attach(model if which == "the model" else compiled, name="m")
    for _ in range(2):
        compiled(given)
    memory.safety.emergency_stop("it burns")
    assert refuses(compiled, given)
    memory.safety.clear_emergency("it was a candle")
    assert not refuses(compiled, given)


def test_a_stop_goes_on_in_the_log_that_a_rollover_makes(
    path: Path, tmp_path: Path, model: nn.Module, tokens: torch.Tensor
) -> None:
    with MemorySystem(path, durability="normal") as memory:
        memory.attach(model, name="tied")
        memory.safety.emergency_stop("an old fire")
        memory.safety.clear_emergency("it is out")
        memory.safety.emergency_stop("it burns", model="tied")
        memory.rollover(tmp_path / "next.db")
    fresh = type(model)()
    with MemorySystem(tmp_path / "next.db", durability="normal") as memory:
        memory.attach(fresh, name="tied")
        with pytest.raises(SafetyViolation, match="it burns"):
            fresh(tokens)
        assert len(memory.safety.clear_emergency("it is out too")) == 1
        assert not refuses(fresh, tokens)
