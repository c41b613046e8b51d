# ruff: noqa: PT012 - what raises is a whole block: that is what is tested
from __future__ import annotations

import pytest
import torch
from sqlalchemy import text
from torch import nn

from memory.errors import EditError, PalimpsestError, RestoreError


def test_undo_puts_every_bit_back_and_is_recorded_as_a_revert(memory, attached, events, bits):
    with torch.no_grad():
        attached.embed.weight[0] = torch.tensor([-0.0, float("nan"), float("inf"), 1e-45])
    memory.attach(attached, name="tied")
    before = bits(attached)
    with memory.act("scale") as act, memory.edit("head.weight", dose=act.flip()) as weight:
        weight.mul_(1.1)
    assert bits(attached) != before
    (revert,) = act.undo()
    assert bits(attached) == before
    assert revert.affected_layers == ("head.weight", "embed.weight")
    write = events("coupled_modification")[-1]
    assert (write.payload.method, write.payload.reverts, write.act_id) == ("revert", act.id, act.id)
    assert write.payload.randomised is False
    assert memory.verify().ok


def test_undo_goes_back_to_before_the_first_of_several_writes(memory, attached, bits):
    before = bits(attached)
    with memory.act() as act:
        for name in ("head.weight", "middle.weight", "embed.weight"):
            with memory.edit(name) as weight:
                weight.add_(1)
    assert len(act.undo()) == 2
    assert bits(attached) == before


def test_undo_after_a_later_write_is_refused(memory, attached, bits):
    with memory.act() as act, memory.edit("head.weight") as weight:
        weight.add_(1)
    with memory.edit("embed.weight") as weight:
        weight.add_(1)
    after = bits(attached)
    with pytest.raises(RestoreError, match="written again"):
        act.undo()
    assert bits(attached) == after


def test_an_act_is_undone_once(memory, attached):
    with memory.act() as act, memory.edit("head.weight") as weight:
        weight.add_(1)
    act.undo()
    with pytest.raises(EditError, match="nothing to undo"):
        act.undo()


def test_an_undo_the_database_refuses_leaves_the_bytes_as_they_were_and_can_be_done_later(memory, attached, bits):
    before = bits(attached)
    with memory.act() as act, memory.edit("head.weight") as weight:
        weight.add_(1)
    after = bits(attached)
    with memory.store.database.writing() as connection:
        connection.execute(text("CREATE TRIGGER full BEFORE INSERT ON ledger BEGIN SELECT RAISE(ABORT, 'full'); END"))
    with pytest.raises(PalimpsestError):
        act.undo()
    assert bits(attached) == after
    with memory.store.database.writing() as connection:
        connection.execute(text("DROP TRIGGER full"))
    act.undo()
    assert bits(attached) == before


def test_undo_takes_back_overlapping_writes_whichever_came_first(memory, overlapping, bits):
    before = bits(overlapping)
    with memory.act() as act:
        for name in ("first", "second", "first"):
            with memory.edit(name) as weight:
                weight.mul_(3).add_(1)
    act.undo()
    assert bits(overlapping) == before
    assert memory.verify().ok


def test_undo_takes_back_the_writes_to_every_model_of_the_act(memory, attached, events, bits):
    other = nn.Linear(2, 2)
    memory.attach(other, name="other")
    before = bits(attached), bits(other)
    with memory.act() as act:
        with memory.edit("head.weight", model="tied") as weight:
            weight.add_(1)
        with memory.edit("weight", model="other") as weight:
            weight.add_(1)
    act.undo()
    assert (bits(attached), bits(other)) == before
    assert [event.payload.model for event in events("modification", "coupled_modification")][-2:] == ["tied", "other"]


def test_undo_is_refused_where_the_name_views_other_memory_now(memory, attached, bits, events):
    with memory.act() as act, memory.edit("embed.weight") as weight:
        weight.add_(1)
    attached.embed.weight = nn.Parameter(attached.embed.weight.detach().clone())
    after = bits(attached)
    with pytest.raises(RestoreError, match="other memory"):
        act.undo()
    assert bits(attached) == after


def test_undo_works_after_the_model_was_attached_again(memory, attached, types, bits):
    before = bits(attached)
    with memory.act() as act, memory.edit("head.weight") as weight:
        weight.add_(1)
    memory.attach(attached, name="tied")
    act.undo()
    with memory.edit("embed.weight") as weight:
        weight.mul_(1)
    assert bits(attached) == before
    assert types() == ["coupled_modification"] * 3


def test_a_later_aborted_edit_of_the_act_does_not_stand_in_the_way(memory, attached, bits):
    before = bits(attached)
    with memory.act() as act:
        with memory.edit("head.weight") as weight:
            weight.add_(1)
        with pytest.raises(ValueError, match="no"), memory.edit("head.weight") as weight:
            weight.zero_()
            raise ValueError("no")
    act.undo()
    assert bits(attached) == before
