from __future__ import annotations

import pytest
import torch
from sqlalchemy import text
from torch import nn

from introspection.sharing import SharingMap
from memory import MemorySystem
from memory.errors import (
    BatchError,
    DigestMismatch,
    EditError,
    InvalidArgument,
    MissingBlob,
    NotAttached,
    PalimpsestError,
    RestoreError,
)


@pytest.fixture
def history(memory, attached, bits):
    """The bits after every position of a few edits, the model being at the last."""
    states = {1: bits(attached)}
    for number, name in enumerate(["head.weight", "middle.bias", "embed.weight", "middle.weight", "head.weight"]):
        with memory.act(act_id=f"step {number}"), memory.edit(name, method="m") as weight:
            weight.mul_(-1.5).add_(number)
        states[memory.store.head().position] = bits(attached)
    return states


def test_every_earlier_state_is_put_back_bit_for_bit_under_every_name(memory, attached, history, bits):
    for position in [4, 2, 6, 1, 5, 3]:
        memory.restore(position)
        assert bits(attached) == history[position]
        assert attached.head.weight is attached.embed.weight
    assert memory.verify().ok


def test_a_restore_is_one_event_that_says_what_was_put_back(memory, attached, history, events):
    recorded = memory.restore(2, reason="it went wrong")
    (event,) = events("restored")
    assert (event.payload.to_position, event.payload.reason) == (2, "it went wrong")
    assert event.position == recorded.position
    assert recorded.affected_layers == ("embed.weight", "head.weight", "middle.bias", "middle.weight")
    assert {state.key for state in event.payload.storages} == {"embed.weight", "middle.bias", "middle.weight"}


def test_a_restore_can_itself_be_restored_from(memory, attached, history, bits):
    memory.restore(1)
    after = memory.restore(6)
    assert bits(attached) == history[6]
    memory.restore(after)
    assert bits(attached) == history[6]


def test_the_state_before_an_act_is_put_back(memory, attached, history, bits, events):
    memory.restore(before="step 2")
    assert bits(attached) == history[3]
    assert events("restored")[0].payload.to_act == "step 2"


def test_the_same_tensors_hold_the_earlier_bytes(memory, attached, history):
    tensor, address = attached.embed.weight, attached.embed.weight.data_ptr()
    memory.restore(1)
    assert attached.embed.weight is tensor
    assert tensor.data_ptr() == address


def test_a_restore_of_the_state_now_changes_nothing_and_is_on_record(memory, attached, history, bits, types):
    memory.restore(6)
    assert bits(attached) == history[6]
    assert types()[-1] == "restored"


def test_edits_go_on_from_a_restored_state(memory, attached, history, bits):
    memory.restore(2)
    with memory.edit("middle.weight") as weight:
        weight.add_(7)
    branched, after = bits(attached), memory.store.head().position
    memory.restore(6)
    memory.restore(after)
    assert bits(attached) == branched


def test_unannounced_writes_are_not_written_over_unless_that_is_said(memory, attached, history, bits, types, events):
    attached.middle.weight.data[0, 0] = 42.0
    found = bits(attached)
    with pytest.raises(RestoreError, match=r"middle\.weight hold bytes that nobody announced"):
        memory.restore(1)
    assert bits(attached) == found
    assert types()[-1] == "coupled_modification"
    memory.restore(1, record_unannounced=True)
    assert bits(attached) == history[1]
    assert types()[-2:] == ["unattributed_write", "restored"]
    memory.restore(events("unattributed_write")[0].position)
    assert bits(attached) == found


def test_a_state_that_was_never_kept_is_refused_and_nothing_changes(memory, attached, bits):
    with torch.no_grad():
        attached.middle.bias.add_(1)
    memory.verify_weights()
    with torch.no_grad():
        attached.middle.bias.add_(1)
    found = bits(attached)
    with pytest.raises(RestoreError, match=r"the state of 'middle\.bias' at position 1 cannot be put together"):
        memory.restore(1, record_unannounced=True)
    assert bits(attached) == found


def test_with_a_full_baseline_unannounced_writes_can_be_taken_back_too(memory, model, bits, events):
    memory.attach(model, name="tied", baseline="full")
    before = bits(model)
    model.head.weight.data.mul_(3)
    model.middle.bias.data.zero_()
    memory.restore(1, record_unannounced=True)
    assert bits(model) == before
    assert [event.payload.earlier_restorable for event in events("unattributed_write")] == [True, True]


def test_a_full_baseline_of_a_known_model_keeps_what_is_not_kept_yet(memory, attached, bits, events):
    memory.attach(attached, name="tied", baseline="full")
    before = bits(attached)
    attached.middle.weight.data.zero_()
    memory.restore(2, record_unannounced=True)
    assert bits(attached) == before
    assert len(events("model_attached")) == 2
    memory.attach(attached, name="tied", baseline="full")
    assert len(events("model_attached")) == 2


def test_names_tied_since_that_were_apart_are_refused(memory, bits):
    model = nn.Sequential(nn.Linear(3, 3, bias=False), nn.Linear(3, 3, bias=False))
    memory.attach(model)
    model[1].weight = model[0].weight
    memory.record_metrics({"loss": 1.0})
    now = bits(model)
    with pytest.raises(RestoreError, match="are one tensor now, and held different bytes"):
        memory.restore(1)
    assert bits(model) == now


def test_names_untied_since_get_the_bytes_they_shared(memory, attached, history, bits):
    attached.head.weight = nn.Parameter(attached.embed.weight.detach().clone())
    with memory.edit("head.weight") as weight:
        weight.add_(1)
    memory.restore(2)
    assert bits(attached) == history[2]
    assert attached.head.weight is not attached.embed.weight


def test_names_that_are_new_since_are_left_alone_and_names_that_are_gone_are_refused(memory, attached, history, bits):
    attached.extra = nn.Parameter(torch.full((2,), 5.0))
    memory.restore(3)
    assert {name: value for name, value in bits(attached).items() if name != "extra"} == history[3]
    assert attached.extra.tolist() == [5.0, 5.0]
    now = memory.store.head().position
    del attached.extra
    with pytest.raises(RestoreError, match="'extra' is no name of the model any more"):
        memory.restore(now)


def test_views_that_share_bytes_are_put_back_whichever_was_written(memory, overlapping, bits):
    states = {1: bits(overlapping)}
    for name in ("first", "second", "first", "second"):
        with memory.edit(name) as weight:
            weight.mul_(3).add_(1)
        states[memory.store.head().position] = bits(overlapping)
    for position in (3, 1, 5, 2, 4):
        memory.restore(position)
        assert bits(overlapping) == states[position]
    assert memory.verify().ok


def test_a_model_loaded_anew_is_put_into_any_state_the_record_has(tmp_path, memory, attached, history, bits):
    later_model = type(attached)()
    later_model.load_state_dict(attached.state_dict())
    with MemorySystem(tmp_path / "research.db") as later:
        later.attach(later_model, name="tied")
        for position in (3, 1):
            later.restore(position)
            assert bits(later_model) == history[position]


@pytest.mark.parametrize("target", [0, 99, -1, True, "1.5", 2.0])
def test_what_is_no_position_is_refused(memory, attached, history, target):
    with pytest.raises((InvalidArgument, RestoreError), match=r"positions go from 1 to 6|no checkpoint"):
        memory.restore(target)


def test_a_target_or_an_act_is_named(memory, attached, history):
    with pytest.raises(InvalidArgument, match="target"):
        memory.restore()
    with pytest.raises(InvalidArgument, match="target"):
        memory.restore(1, before="step 1")
    with pytest.raises(RestoreError, match="'step 77' wrote nothing"):
        memory.restore(before="step 77")


def test_a_restore_needs_a_live_model_no_batch_and_no_open_edit(memory, attached, history):
    with pytest.raises(BatchError, match="restore cannot run inside a batch"), memory.batch():
        memory.restore(1)
    with pytest.raises(EditError, match="being edited"), memory.edit("middle.weight"):
        memory.restore(1)
    memory.attach(SharingMap.from_relations(names=["a"]), name="map")
    with pytest.raises(NotAttached):
        memory.restore(1, model="map")


def test_a_position_before_the_attach_is_refused(memory, attached, history):
    memory.attach(nn.Linear(2, 2), name="other")
    with pytest.raises(RestoreError, match="'other' was not attached yet at position 2"):
        memory.restore(2, model="other")


def test_an_event_that_cannot_be_recorded_swaps_every_byte_back(memory, attached, history, bits, types):
    with memory.store.database.writing() as connection:
        connection.execute(text("CREATE TRIGGER full BEFORE INSERT ON ledger BEGIN SELECT RAISE(ABORT, 'full'); END"))
    with pytest.raises(PalimpsestError):
        memory.restore(1)
    assert bits(attached) == history[6]
    with memory.store.database.writing() as connection:
        connection.execute(text("DROP TRIGGER full"))
    memory.restore(1)
    assert bits(attached) == history[1]
    assert "unattributed_write" not in types()


def test_a_damaged_blob_is_gone_round_where_another_way_leads_there(memory, attached, bits, caplog):
    states = {}
    for _ in range(3):
        with memory.edit("middle.weight") as weight:
            weight.mul_(-1.5)
        states[memory.store.head().position] = bits(attached)
    second = sorted(states)[1]
    memory.consolidate()
    (row,) = memory.query_sql("SELECT blob FROM keyframes WHERE position = :p", p=second)
    with memory.store.database.writing() as connection:
        connection.execute(
            text("UPDATE blobs SET content = zeroblob(length(content)) WHERE digest = :d"), {"d": row["blob"]}
        )
    memory.restore(second)
    assert bits(attached) == states[second]
    assert row["blob"][:16] in caplog.text


def test_a_damaged_or_missing_blob_is_refused_before_a_byte_changes(memory, attached, history, bits):
    with memory.store.database.writing() as connection:
        connection.execute(text("UPDATE blobs SET content = zeroblob(length(content))"))
    with pytest.raises(DigestMismatch):
        memory.restore(1)
    assert bits(attached) == history[6]
    with memory.store.database.writing() as connection:
        connection.execute(text("DELETE FROM blobs"))
    with pytest.raises(MissingBlob):
        memory.restore(1)
    assert bits(attached) == history[6]
    assert not memory.verify().ok
