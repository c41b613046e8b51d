# ruff: noqa: PT012 - what raises is a whole block: that is what is tested
from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import _get_current_dispatch_mode_stack

from memory import MemorySystem
from memory.errors import BatchError, EditError, InvalidArgument, NotAttached, SafetyViolation

WRITES = ("modification", "coupled_modification")


def loss_of(model: nn.Module) -> Tensor:
    return model.head(model.middle(model.embed(torch.tensor([0, 1, 2, 3])))).square().mean()


@pytest.fixture
def optimizer(attached):
    return torch.optim.SGD(attached.parameters(), lr=0.1)


@pytest.fixture
def train(attached, optimizer, bits):
    """Take steps under a watch of steps; give the bits after each."""

    def run(steps, number: int) -> list:
        states = []
        for _ in range(number):
            optimizer.zero_grad()
            loss_of(attached).backward()
            with steps.step():
                optimizer.step()
            states.append(bits(attached))
        return states

    return run


def test_only_the_steps_are_looked_at_and_each_is_one_event_for_every_storage(memory, attached, events, train):
    with memory.watch_steps("mine", deltas="each") as steps:
        train(steps, 2)
        assert _get_current_dispatch_mode_stack() == []
    written = [event.payload for event in events(*WRITES)]
    assert [(write.modification["step"], write.storage_key) for write in written] == [
        (step, key) for step in (1, 2) for key in ("embed.weight", "middle.bias", "middle.weight")
    ]
    assert [write.coupled_layers for write in written[:2]] == [("head.weight",), ()]
    assert all(write.change.elements_changed for write in written)
    assert not events("unattributed_write")


def test_steps_are_numbered_from_one_and_every_read_one_comes_back_bit_for_bit(memory, attached, bits, train):
    before = bits(attached)
    with memory.watch_steps("mine", deltas=2) as steps:
        states = train(steps, 5)
    watching = steps.watching
    assert (watching.steps, sorted(watching.positions)) == (5, [2, 4, 5])
    for step in (4, 2, 5):
        memory.restore(watching.positions[step])
        assert bits(attached) == states[step - 1]
    memory.restore(watching.began)
    assert bits(attached) == before


def test_steps_can_be_counted_elsewhere(memory, attached, events, optimizer):
    steps = memory.watch_steps("mine", deltas="each")
    loss_of(attached).backward()
    for number in (11, 15):
        with steps.step(number):
            optimizer.step()
    assert sorted(steps.watching.positions) == [11, 15]
    with pytest.raises(InvalidArgument, match="step 15"), steps.step(15):
        pass


def test_several_steps_make_one_act_where_that_is_asked_for(memory, attached, events, train):
    with memory.watch_steps("mine", steps_per_act=2) as steps:
        train(steps, 5)
    acts: dict[str, set[int]] = {}
    for event in events(*WRITES):
        acts.setdefault(event.act_id, set()).add(event.payload.modification["step"])
    assert list(acts.values()) == [{1, 2}, {3, 4}, {5}]
    assert steps.watching.act == list(acts)[-1]


def test_an_act_around_a_step_is_the_act_of_the_step(memory, attached, events, train, bits):
    before = bits(attached)
    with memory.act("tune") as act, memory.watch_steps("mine", deltas="each", steps_per_act=2) as steps:
        train(steps, 3)
    assert {event.act_id for event in events(*WRITES)} == {act.id}
    act.undo()
    assert bits(attached) == before


@pytest.mark.parametrize("deltas", ["each", 3, "end"])
def test_an_exception_between_two_steps_leaves_nothing_open_and_what_was_made_on_record(
    memory, attached, bits, events, train, deltas
):
    before = bits(attached)
    steps = memory.watch_steps("mine", deltas=deltas)
    states = train(steps, 2)
    with pytest.raises(RuntimeError):
        attached(None)
    assert _get_current_dispatch_mode_stack() == []
    with memory.edit("middle.bias") as bias:
        bias.add_(1)
    assert memory.verify().ok
    assert not events("unattributed_write")
    memory.restore(steps.watching.positions[2])
    assert bits(attached) == states[1]
    memory.restore(steps.watching.began)
    assert bits(attached) == before


@pytest.mark.parametrize("deltas", ["each", "end"])
def test_an_exception_in_a_step_leaves_what_it_wrote_on_record_as_that_step(memory, attached, bits, events, deltas):
    steps = memory.watch_steps("mine", deltas=deltas)
    with pytest.raises(ValueError, match="enough"), steps.step(), torch.no_grad():
        attached.middle.bias.add_(1)
        raise ValueError("enough")
    assert _get_current_dispatch_mode_stack() == []
    assert [event.payload.storage_key for event in events(*WRITES)] == ["middle.bias"]
    assert memory.verify_weights() == ()
    after = bits(attached)
    memory.restore(steps.watching.began)
    memory.restore(steps.watching.positions[1])
    assert bits(attached) == after


def test_whoever_wants_the_model_has_what_is_unread_read_first(memory, attached, bits, events, train):
    def edit() -> None:
        with memory.edit("head.weight"):
            pass

    def watch() -> None:
        with memory.watch("another"):
            pass

    for number, look in enumerate((edit, watch, memory.verify_weights, memory.record_restore, memory.checkpoint)):
        steps = memory.watch_steps("mine")
        states = train(steps, 2)
        assert len(events("states_read")) == number
        look()
        with torch.no_grad():
            attached.middle.bias.add_(1)
        memory.restore(steps.watching.positions[2], record_unannounced=True)
        assert bits(attached) == states[1]


@pytest.mark.parametrize("look", ["restore", "close"])
def test_what_is_unread_is_read_before_it_is_gone(memory, attached, bits, train, look):
    steps = memory.watch_steps("mine")
    states = train(steps, 2)
    if look == "restore":
        memory.restore(steps.watching.began)
    else:
        memory.close()
        memory = MemorySystem(memory.store.database.location.path)
        memory.attach(attached, name="tied")
        memory.restore(steps.watching.began)
    memory.restore(steps.watching.positions[2])
    assert bits(attached) == states[1]


def test_metrics_between_two_steps_do_not_have_the_bytes_read(memory, attached, types, train):
    with memory.watch_steps("mine") as steps:
        train(steps, 1)
        memory.record_metrics({"loss": 1.0})
        train(steps, 1)
        assert "states_read" not in types()
    assert types().count("states_read") == 1


def test_it_is_read_when_that_is_asked_for(memory, attached, bits, train):
    with memory.watch_steps("mine") as steps:
        assert steps.read() is None
        (state,) = train(steps, 1)
        position = steps.read()
        assert steps.read() == position
        train(steps, 1)
    assert steps.watching.positions[1] == position
    memory.restore(position)
    assert bits(attached) == state


def test_an_edit_between_two_steps_is_an_event_of_its_own(memory, attached, bits, types, events, train):
    with memory.watch_steps("mine") as steps:
        train(steps, 1)
        with memory.edit("middle.bias") as bias:
            bias.add_(1)
        edited = bits(attached)
        position = memory.store.head().position
        train(steps, 1)
    assert not events("unattributed_write")
    memory.restore(position)
    assert bits(attached) == edited


def test_a_write_between_two_steps_that_nobody_announced_is_told_from_the_steps(memory, attached, events, train):
    with memory.watch_steps("mine", deltas="each") as steps:
        train(steps, 1)
        attached.middle.bias.data += 1
        train(steps, 1)
    (found,) = [event.payload for event in events("unattributed_write")]
    assert found.storage_key == "middle.bias"


def test_nothing_else_edits_the_model_inside_a_step(memory, attached):
    steps = memory.watch_steps("mine")
    with steps.step():
        with pytest.raises(EditError, match="being edited"), memory.edit("head.weight"):
            pass
        with pytest.raises(EditError, match="being edited"), memory.watch_steps("another").step():
            pass


def test_a_step_is_refused_inside_a_batch_of_a_stopped_model_and_after_the_end(memory, attached):
    steps = memory.watch_steps("mine")
    with memory.batch(), pytest.raises(BatchError), steps.step():
        pass
    memory.safety.emergency_stop("no more")
    with pytest.raises(SafetyViolation), steps.step():
        pytest.fail("the block ran")
    memory.safety.clear_emergency("again")
    with steps.step():
        pass
    steps.end()
    steps.end()
    with pytest.raises(InvalidArgument, match="ended"), steps.step():
        pass


def test_what_makes_no_sense_is_refused(memory, attached):
    for wrong in ({"deltas": 0}, {"steps_per_act": 0}, {"steps_per_act": True}, {"tags": "a"}):
        with pytest.raises(InvalidArgument):
            memory.watch_steps("mine", **wrong)


def test_a_model_of_which_only_the_map_is_attached_has_no_steps(memory):
    from introspection.sharing import SharingMap

    memory.attach(SharingMap.from_relations(names=["a"]), name="sim")
    with pytest.raises(NotAttached):
        memory.watch_steps("mine")


# What other code put back


def test_a_state_on_record_that_other_code_put_back_is_recorded_with_its_position(memory, attached, events, train):
    with memory.watch_steps("mine", deltas="each") as steps:
        train(steps, 1)
        kept = {name: tensor.clone() for name, tensor in attached.state_dict().items()}
        train(steps, 1)
    attached.load_state_dict(kept)
    memory.record_restore(reason="the best one")
    attached.middle.bias.data += 1
    memory.record_restore()
    found, unknown = [event.payload for event in events("restored")]
    assert (found.to_position, found.reason) == (steps.watching.positions[1], "the best one")
    assert unknown.to_position is None
    assert not events("unattributed_write")


def test_a_restore_reported_twice_under_one_key_is_one(memory, attached, events):
    first = memory.record_restore(key="k")
    with memory.edit("middle.bias") as bias:
        bias.add_(1)
    assert memory.record_restore(key="k").position == first.position
    assert len(events("restored")) == 1
