from __future__ import annotations

import pytest
import torch
from torch import nn

from introspection.errors import UnknownName, UnsupportedStorage
from introspection.sharing import SharingMap
from memory.errors import AmbiguousModel, BatchError, EditError, InvalidArgument, NotAttached, UnknownModel


@pytest.mark.parametrize(("written", "other"), [("head.weight", "embed.weight"), ("embed.weight", "head.weight")])
def test_a_write_to_tied_names_is_one_coupled_modification_whichever_was_named(
    memory, attached, events, written, other
):
    with memory.edit(written) as weight:
        weight.mul_(2)
    (event,) = events("modification", "coupled_modification")
    write = event.payload
    assert event.event_type == "coupled_modification"
    assert (write.primary_layer, write.storage_key, write.coupled_layers) == (written, "embed.weight", (other,))
    assert [(each.name, each.relation) for each in write.affected] == [(written, "primary"), (other, "alias")]
    assert write.tags == ("modification", "coupled", written, other)


def test_a_write_to_a_tensor_of_its_own_is_a_modification(memory, attached, events):
    with memory.edit("middle.weight") as weight:
        weight.zero_()
    (event,) = events("modification", "coupled_modification")
    assert event.event_type == "modification"
    assert [(each.name, each.relation) for each in event.payload.affected] == [("middle.weight", "primary")]


def test_the_block_gets_the_live_bytes_without_autograd(memory, attached):
    with memory.edit("head.weight") as weight:
        assert weight.data_ptr() == attached.embed.weight.data_ptr()
        assert not weight.requires_grad
        weight.fill_(3.0)
    assert torch.equal(attached.embed.weight, torch.full((6, 4), 3.0))


def test_the_event_says_what_changed(memory, attached, events):
    before = attached.embed.weight.detach().clone()
    with memory.edit("head.weight", method="scale", dose=1.0, reason="why", data={"by": 2}) as weight:
        weight[1:3] += 0.5
    write = events("coupled_modification")[0].payload
    assert write.changed
    assert (write.change.elements_changed, write.change.rows_changed, write.change.rows) == (8, 2, 6)
    assert write.change.delta_norm == pytest.approx(0.5 * 8**0.5)
    assert write.change.weight_norm == pytest.approx(float(before.double().norm()))
    assert (write.method, write.dose, write.reason, write.modification) == ("scale", 1.0, "why", {"by": 2})


@pytest.mark.parametrize("dose", [1.0, None])
def test_an_edit_that_changes_no_byte_is_one_event_of_dose_zero(memory, attached, events, dose):
    with memory.edit("head.weight", dose=dose) as weight:
        weight.mul_(1.0)
    (event,) = events("coupled_modification")
    assert event.payload.changed is False
    assert event.payload.dose == 0
    assert event.payload.change.elements_changed == 0


def test_a_module_path_that_names_one_storage_is_that_storage(memory, attached, events):
    with memory.edit("head") as weight:
        weight.add_(1)
    (event,) = events("coupled_modification")
    assert event.payload.primary_layer == "head.weight"


def test_a_module_path_that_names_several_storages_is_one_event_each_in_one_act(memory, attached, events):
    with memory.edit("middle", method="zero") as weights:
        assert sorted(weights) == ["middle.bias", "middle.weight"]
        for weight in weights.values():
            weight.zero_()
    written = events("modification")
    assert sorted(event.payload.primary_layer for event in written) == ["middle.bias", "middle.weight"]
    assert len({event.act_id for event in written}) == 1
    assert written[0].act_id is not None


def test_names_that_share_some_bytes_are_coupled_as_overlaps(memory, overlapping, events):
    with memory.edit("first") as weight:
        weight.add_(1)
    (event,) = events("coupled_modification")
    overlap = event.payload.affected[1]
    assert (overlap.name, overlap.relation, overlap.shared_bytes) == ("second", "overlap", 8)
    assert overlapping.second.tolist() == [5, 6, 6, 7, 8, 9]
    with memory.edit("second") as weight:
        weight.add_(1)
    assert not events("unattributed_write")


def test_an_unannounced_write_beside_the_common_bytes_is_not_swallowed_by_an_edit_of_the_overlap(
    memory, overlapping, events
):
    with torch.no_grad():
        overlapping.second[-1] = 99
    with memory.edit("first") as weight:
        weight.add_(1)
    assert [event.payload.storage_key for event in events("unattributed_write")] == ["second"]


def test_a_write_nobody_announced_is_recorded_at_the_next_edit_as_nobodys(memory, attached, events, types):
    with torch.no_grad():
        attached.embed.weight[0, 0] = 42.0
    with memory.act("scale"), memory.edit("head.weight") as weight:
        weight.mul_(2)
    assert types() == ["unattributed_write", "coupled_modification"]
    found = events("unattributed_write")[0]
    assert found.act_id is None
    assert [each.name for each in found.payload.affected] == ["embed.weight", "head.weight"]
    assert found.payload.fingerprint_found == events("coupled_modification")[0].payload.change.fingerprint_before


def test_a_write_beside_the_named_storage_is_recorded_as_nobodys(memory, attached, events, types):
    with memory.act("scale"), memory.edit("head.weight") as weight, torch.no_grad():
        weight.mul_(2)
        attached.middle.bias.add_(1)
    assert types() == ["coupled_modification", "unattributed_write"]
    assert events("unattributed_write")[0].payload.storage_key == "middle.bias"
    assert memory.verify().ok


def test_two_edits_in_a_row_leave_nothing_unattributed(memory, attached, types):
    for name in ("head.weight", "embed.weight", "middle.weight", "head.weight"):
        with memory.edit(name) as weight:
            weight.mul_(1.5)
    assert types() == ["coupled_modification", "coupled_modification", "modification", "coupled_modification"]


def test_an_edit_inside_a_batch_is_refused_before_any_byte_changes(memory, attached, types):
    before = attached.embed.weight.detach().clone()
    with memory.batch(), pytest.raises(BatchError, match="rolled back"), memory.edit("head.weight") as weight:
        weight.zero_()
    assert torch.equal(attached.embed.weight, before)
    assert types() == []


def test_an_edit_that_ends_inside_a_batch_puts_the_bytes_back(memory, attached, types):
    before = attached.embed.weight.detach().clone()
    edit = memory.edit("head.weight")
    edit.__enter__().zero_()
    with memory.batch(), pytest.raises(BatchError):
        edit.__exit__(None, None, None)
    assert torch.equal(attached.embed.weight, before)
    assert types() == ["edit_aborted"]


def test_an_edit_of_bytes_that_are_being_edited_is_refused(memory, attached, types):
    with memory.edit("head.weight") as weight:
        weight.add_(1)
        with pytest.raises(EditError, match="being edited"), memory.edit("embed.weight") as again:
            again.add_(1)
        with memory.edit("middle.weight") as other:
            other.add_(1)
    assert types() == ["modification", "coupled_modification"]


def test_a_name_that_does_not_exist_is_refused_with_the_nearest_names(memory, attached, types):
    with pytest.raises(UnknownName, match=r"'head\.weight'") as error, memory.edit("heed.weight"):
        pass
    assert "head.weight" in error.value.nearest
    assert types() == []


def test_an_edit_needs_live_bytes(memory):
    memory.attach(SharingMap.from_relations(names=["a"]), name="map")
    memory.attach(nn.Linear(2, 2, device="meta"), name="meta")
    with pytest.raises(EditError, match="sharing map only"), memory.edit("a", model="map"):
        pass
    with pytest.raises((EditError, UnsupportedStorage), match="meta"), memory.edit("weight", model="meta"):
        pass


def test_an_edit_says_which_model_is_meant(memory, attached):
    memory.attach(nn.Linear(2, 2), name="other")
    with pytest.raises(AmbiguousModel, match="'other', 'tied'"), memory.edit("head.weight"):
        pass
    with pytest.raises(UnknownModel, match="tied"), memory.edit("head.weight", model="tide"):
        pass
    with memory.edit("head.weight", model="tied") as weight:
        weight.add_(1)


def test_without_a_model_nothing_can_be_edited(memory):
    with pytest.raises(NotAttached), memory.edit("head.weight"):
        pass


def test_a_frozen_model_of_any_dtype_can_be_edited(memory, events):
    model = nn.Linear(4, 4).to(torch.bfloat16).requires_grad_(False)
    memory.attach(model)
    with memory.edit("weight") as weight:
        weight.mul_(-1)
    assert events("modification")[0].payload.change.elements_changed == 16


def test_declared_rows_are_on_record(memory, attached, events):
    with memory.edit("head.weight", rows=[4, 1, 1]) as weight:
        weight[1] += 1
    (event,) = events("coupled_modification")
    assert event.payload.rows == (1, 4)
    assert event.payload.change.rows_changed == 1


def test_a_row_that_was_not_declared_takes_the_whole_edit_back(memory, attached, types):
    before = attached.embed.weight.detach().clone()
    with (
        pytest.raises(EditError, match=r"changed row 2 and 1 more outside"),
        memory.edit("head.weight", rows=[0]) as weight,
    ):
        weight[[0, 2, 3]] += 1
    assert torch.equal(attached.embed.weight, before)
    assert types() == ["edit_aborted"]


@pytest.mark.parametrize("rows", [[6], [-1], [True]])
def test_rows_that_do_not_exist_are_refused_before_anything_happens(memory, attached, types, rows):
    with pytest.raises(InvalidArgument, match="rows"), memory.edit("head.weight", rows=rows):
        pass
    assert types() == []
