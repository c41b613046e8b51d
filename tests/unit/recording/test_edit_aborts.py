# ruff: noqa: PT012 - what raises is a whole block: that is what is tested
from __future__ import annotations

import os
import signal

import pytest
import torch
from sqlalchemy import text
from torch import nn

from memory.errors import EditError, InvalidPayload, PalimpsestError


@pytest.mark.parametrize("error", [ValueError("no"), KeyboardInterrupt(), SystemExit(3)])
@pytest.mark.parametrize("name", ["head.weight", "embed.weight", "middle"])
def test_an_exception_puts_every_byte_back_under_every_alias_and_is_recorded(
    memory, attached, events, types, bits, error, name
):
    before = bits(attached)
    with pytest.raises(type(error)), memory.edit(name, method="noise") as weight:
        for each in weight.values() if isinstance(weight, dict) else [weight]:
            each.fill_(float("nan"))
        raise error
    assert bits(attached) == before
    assert set(types()) == {"edit_aborted"}
    for event in events("edit_aborted"):
        assert (event.payload.error, event.payload.restored) == (type(error).__name__, True)
        assert event.payload.method == "noise"


def test_nothing_is_unattributed_after_an_aborted_edit(memory, attached, types):
    with pytest.raises(ValueError, match="no"), memory.edit("head.weight") as weight:
        weight.zero_()
        raise ValueError("no")
    with memory.edit("embed.weight") as weight:
        weight.add_(1)
    assert types() == ["edit_aborted", "coupled_modification"]


def test_an_abort_names_its_act(memory, attached, events):
    with memory.act("try") as act, pytest.raises(ValueError, match="no"), memory.edit("head.weight"):
        raise ValueError("no")
    assert events("edit_aborted")[0].act_id == act.id


def test_a_write_beside_the_named_storage_is_not_put_back_and_recorded_as_nobodys(memory, attached, types):
    with pytest.raises(ValueError, match="no"), memory.edit("head.weight"), torch.no_grad():
        attached.middle.bias.add_(1)
        raise ValueError("no")
    assert types() == ["edit_aborted", "unattributed_write"]
    assert memory.verify().ok


def test_a_message_no_engine_can_store_is_recorded_readably(memory, attached, events):
    with pytest.raises(ValueError, match="bad"), memory.edit("head.weight"):
        raise ValueError("bad \x00 and \ud800 text")
    assert "bad" in events("edit_aborted")[0].payload.message


def test_data_that_cannot_be_stored_puts_the_bytes_back(memory, attached, bits, types):
    before = bits(attached)
    with (
        pytest.raises(InvalidPayload, match="modification"),
        memory.edit("head.weight", data={"f": object()}) as weight,
    ):
        weight.zero_()
    assert bits(attached) == before
    assert types() == ["edit_aborted"]


def test_an_event_the_database_refuses_puts_the_bytes_back(memory, attached, bits, types):
    before = bits(attached)
    refuse = "CREATE TRIGGER full BEFORE INSERT ON ledger BEGIN SELECT RAISE(ABORT, 'disk full'); END"
    with memory.store.database.writing() as connection:
        connection.execute(text(refuse))
    with pytest.raises(PalimpsestError) as raised, memory.edit("head.weight") as weight:
        weight.zero_()
    assert bits(attached) == before
    assert any("edit_aborted could not be recorded" in note for note in raised.value.__notes__)
    with memory.store.database.writing() as connection:
        connection.execute(text("DROP TRIGGER full"))
    with memory.edit("head.weight") as weight:
        weight.add_(1)
    assert types() == ["coupled_modification"]


def test_a_name_bound_to_another_tensor_inside_is_no_edit(memory, attached, events):
    old = attached.middle.weight
    before = old.detach().clone()
    with pytest.raises(EditError, match="bound to another tensor"), memory.edit("middle.weight") as weight:
        weight.zero_()
        attached.middle.weight = nn.Parameter(torch.ones(4, 4))
    assert torch.equal(old, before)
    assert events("edit_aborted")[0].payload.restored is False


def test_a_square_weight_turned_inside_is_no_edit(memory, attached, types):
    with pytest.raises(EditError, match="bound to another tensor"), memory.edit("middle.weight"):
        attached.middle.weight.data = attached.middle.weight.data.t()
    assert types() == ["edit_aborted"]


def test_a_name_deleted_inside_is_an_aborted_edit(memory, attached, events):
    with pytest.raises(EditError, match="bound to another tensor"), memory.edit("middle.weight"):
        del attached.middle.weight
    assert events("edit_aborted")[0].payload.restored is False


def test_an_interrupt_while_the_event_is_written_leaves_weight_and_record_in_step(memory, attached, types, monkeypatch):
    append = memory.store.append

    def interrupted(*args, **kwargs):
        result = append(*args, **kwargs)
        os.kill(os.getpid(), signal.SIGINT)
        return result

    monkeypatch.setattr(memory.store, "append", interrupted)
    with pytest.raises(KeyboardInterrupt), memory.edit("head.weight") as weight:
        weight.fill_(7.0)
    monkeypatch.undo()
    assert types() == ["coupled_modification"]
    assert torch.equal(attached.embed.weight, torch.full((6, 4), 7.0))
    assert memory.verify().ok


def test_a_model_made_in_inference_mode_is_put_back_too(memory, events, bits):
    with torch.inference_mode():
        model = nn.Linear(2, 2)
    memory.attach(model)
    before = bits(model)
    with pytest.raises(ValueError, match="no"), memory.edit("weight") as weight:
        weight.zero_()
        raise ValueError("no")
    assert bits(model) == before
    assert events("edit_aborted")[0].payload.restored is True
