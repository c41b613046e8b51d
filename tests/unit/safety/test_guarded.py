"""Guarded blocks: taken back bit for bit when a metric comes out worse than allowed, or when they raise."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest
import torch
from sqlalchemy import text
from torch import nn

from memory import MemorySystem
from memory.errors import BatchError, InvalidArgument, MissingBlob
from memory.safety.guarded import Bounds, Guard

Guarded = Callable[..., AbstractContextManager[Guard]]


def loss_of(model: nn.Module) -> Callable[[], float]:
    """A loss that is the sum of the middle's bias."""
    return lambda: float(model.middle.bias.detach().sum())  # type: ignore[union-attr, operator]


@pytest.fixture
def guarded(memory: MemorySystem, model: nn.Module) -> Guarded:
    """Guard blocks of a memory that keeps every storage from the beginning."""
    memory.attach(model, name="tied", baseline="full")
    return memory.guarded


def bits(model: nn.Module) -> dict[str, bytes]:
    return {name: tensor.numpy().tobytes() for name, tensor in model.state_dict().items()}


def raise_bias(memory: MemorySystem, by: float) -> None:
    with memory.edit("middle.bias") as weight:
        weight += by


def test_a_change_within_the_bound_stands(memory: MemorySystem, model: nn.Module, guarded: Guarded) -> None:
    with guarded("loss", max_increase=0.2, evaluate=loss_of(model)) as guard:
        raise_bias(memory, 0.01)
    assert (guard.rolled_back, guard.reason) == (False, None)
    assert guard.after == pytest.approx(guard.before + 0.04)
    assert list(memory.store.read(types=("restored",))) == []
    assert "rollback" not in {alert.category for alert in memory.safety.get_alert_history()}


def test_a_breach_puts_the_weights_back_bit_for_bit_and_says_why(
    memory: MemorySystem, model: nn.Module, guarded: Guarded
) -> None:
    before, position = bits(model), memory.store.head().position
    with guarded("loss", max_increase=0.2, evaluate=loss_of(model)) as guard:
        raise_bias(memory, 1.0)
        with torch.no_grad():
            model.middle.weight.mul_(3)  # type: ignore[union-attr, operator]
        assert guard.after is None
    assert bits(model) == before
    assert guard.rolled_back
    assert guard.reason is not None
    assert guard.reason.startswith("loss rose from")
    (restored,) = memory.store.read(types=("restored",))
    assert (restored.payload.to_position, restored.payload.reason) == (position, guard.reason)  # type: ignore[attr-defined]
    assert memory.verify()
    (alert,) = memory.safety.get_critical_alerts()
    assert (alert.rule, alert.category, alert.model) == ("guarded", "rollback", "tied")
    assert guard.reason in alert.message
    assert (alert.details["before"], alert.details["after"]) == (guard.before, guard.after)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_metric_that_is_not_finite_is_a_breach(model: nn.Module, guarded: Guarded, value: float) -> None:
    values = iter([1.0, value])
    with guarded("loss", max_increase=1e9, max_decrease=1e9, evaluate=lambda: next(values)) as guard:
        pass
    assert guard.rolled_back


@pytest.mark.parametrize("error", [ZeroDivisionError, KeyboardInterrupt])
def test_a_block_that_raises_is_put_back_and_goes_on_raising(
    memory: MemorySystem, model: nn.Module, guarded: Guarded, error: type[BaseException]
) -> None:
    before = bits(model)
    guards: list[Guard] = []

    def block() -> None:
        with guarded("loss", max_increase=9.0, evaluate=loss_of(model)) as guard:
            guards.append(guard)
            raise_bias(memory, 1.0)
            raise error

    with pytest.raises(error):
        block()
    assert bits(model) == before
    assert (guards[0].rolled_back, guards[0].after) == (True, None)
    (alert,) = memory.safety.get_critical_alerts()
    assert error.__name__ in alert.message


def test_an_evaluation_that_raises_afterwards_puts_back_too(
    memory: MemorySystem, model: nn.Module, guarded: Guarded
) -> None:
    before, calls = bits(model), []

    def evaluate() -> float:
        calls.append(1)
        return 1.0 / (2 - len(calls))

    with pytest.raises(ZeroDivisionError), guarded("loss", max_increase=9.0, evaluate=evaluate):
        raise_bias(memory, 1.0)
    assert bits(model) == before


def test_weights_that_cannot_be_put_back_say_so(memory: MemorySystem, attached: nn.Module) -> None:
    guards: list[Guard] = []

    def block() -> None:
        with memory.guarded("loss", max_increase=0.2, evaluate=loss_of(attached)) as guard:
            guards.append(guard)
            with torch.no_grad():
                attached.middle.bias.add_(1)  # type: ignore[union-attr, operator]
            with memory.store.database.writing() as connection:
                connection.execute(text("DELETE FROM blobs"))

    with pytest.raises(MissingBlob):
        block()
    assert not guards[0].rolled_back
    assert memory.safety.get_critical_alerts() == []


def test_what_was_written_before_the_block_stays(memory: MemorySystem, model: nn.Module, guarded: Guarded) -> None:
    with torch.no_grad():
        model.middle.weight.mul_(2)  # type: ignore[union-attr, operator]
    before = bits(model)
    with guarded("loss", max_increase=0.2, evaluate=loss_of(model)) as guard:
        raise_bias(memory, 1.0)
    assert guard.rolled_back
    assert bits(model) == before


@pytest.mark.parametrize(
    ("bounds", "before", "after", "better", "breach"),
    [
        (Bounds(max_increase=0.2), 1.0, 1.2, None, False),
        (Bounds(max_increase=0.2), 1.0, 1.21, None, True),
        (Bounds(max_increase=0.2), 1.0, -9.0, None, False),
        (Bounds(max_decrease=0.2), 1.0, 0.7, None, True),
        (Bounds(max_decrease=0.2), 1.0, 9.0, None, False),
        (Bounds(max_worsening=0.2), 1.0, 1.3, "lower", True),
        (Bounds(max_worsening=0.2), 1.0, 0.0, "lower", False),
        (Bounds(max_worsening=0.2), 1.0, 0.7, "higher", True),
        (Bounds(max_worsening=0.2), 1.0, 9.0, "higher", False),
        (Bounds(max_increase=0.2, relative=True), 10.0, 11.9, None, False),
        (Bounds(max_increase=0.2, relative=True), 10.0, 12.1, None, True),
        (Bounds(max_increase=0.2, relative=True), -10.0, -8.1, None, False),
        (Bounds(max_increase=0.0), 1.0, 1.0, None, False),
    ],
)
def test_bounds_are_kept_or_broken(bounds: Bounds, before: float, after: float, better: Any, breach: bool) -> None:
    assert (bounds.breach("m", before, after, better) is not None) is breach


@pytest.mark.parametrize(
    "arguments",
    [{}, {"max_increase": -1.0}, {"max_increase": math.nan}, {"max_decrease": "much"}],
)
def test_bounds_that_bound_nothing_are_refused(guarded: Guarded, arguments: dict[str, Any]) -> None:
    with pytest.raises(InvalidArgument), guarded("loss", evaluate=lambda: 1.0, **arguments):
        pytest.fail("the block must not begin")


def test_worsening_needs_to_know_which_way_is_better(memory: MemorySystem, guarded: Guarded) -> None:
    with (
        pytest.raises(InvalidArgument, match="max_worsening"),
        guarded("oddness", max_worsening=0.1, evaluate=lambda: 1.0),
    ):
        pytest.fail("the block must not begin")
    memory.define_metric("oddness", better="higher")
    values = iter([1.0, 0.5])
    with guarded("oddness", max_worsening=0.1, evaluate=lambda: next(values)) as guard:
        pass
    assert guard.rolled_back


def test_an_evaluation_may_give_several_metrics(guarded: Guarded) -> None:
    with guarded("loss", max_increase=0.1, evaluate=lambda: {"loss": torch.tensor(1.0), "accuracy": 0.5}) as guard:
        pass
    assert (guard.before, guard.after) == (1.0, 1.0)
    with (
        pytest.raises(InvalidArgument, match="accuracy"),
        guarded("loss", max_increase=1.0, evaluate=lambda: {"accuracy": 1}),
    ):
        pytest.fail("the block must not begin")


@pytest.mark.parametrize("value", [math.nan, "low", None])
def test_a_metric_that_is_no_finite_number_before_is_refused(guarded: Guarded, value: Any) -> None:
    with pytest.raises(InvalidArgument), guarded("loss", max_increase=0.1, evaluate=lambda: value):
        pytest.fail("the block must not begin")


def test_weights_cannot_be_guarded_inside_a_batch(memory: MemorySystem, guarded: Guarded) -> None:
    with memory.batch(), pytest.raises(BatchError):
        guarded("loss", max_increase=0.1, evaluate=lambda: 1.0)
