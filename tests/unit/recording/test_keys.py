# ruff: noqa: PT012 - what raises is a whole block: that is what is tested
from __future__ import annotations

import datetime

import pytest

from introspection.sharing import SharingMap
from memory.errors import BatchError, InvalidPayload, KeyConflict


def test_the_same_key_and_content_append_once(memory, attached, types):
    first = memory.record_metrics({"loss": 1.0}, sample="a", key="k")
    again = memory.record_metrics({"loss": 1.0}, sample="a", key="k")
    assert (again.position, again.event_id, again.replayed) == (first.position, first.event_id, True)
    assert types() == ["metrics_recorded"]


def test_times_and_acts_are_no_content(memory, attached, types):
    memory.record_metrics({"loss": 1.0}, key="k")
    when = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
    assert memory.record_metrics({"loss": 1.0}, key="k", act="other", occurred_at=when).replayed
    assert types() == ["metrics_recorded"]


def test_the_same_key_with_other_content_is_a_conflict(memory, attached, types):
    memory.record_metrics({"loss": 1.0}, key="k")
    with pytest.raises(KeyConflict) as error:
        memory.record_metrics({"loss": 2.0}, key="k")
    assert error.value.position == 2
    assert types() == ["metrics_recorded"]


def test_a_key_works_inside_a_batch(memory, attached, types):
    first = memory.record_metrics({"loss": 1.0}, key="k")
    with memory.batch():
        again = memory.record_metrics({"loss": 1.0}, key="k")
        new = memory.record_metrics({"loss": 3.0}, key="new")
        twice = memory.record_metrics({"loss": 3.0}, key="new")
    assert (again.position, twice.position) == (first.position, new.position)
    assert types() == ["metrics_recorded", "metrics_recorded"]


def test_a_conflict_in_a_batch_leaves_the_whole_batch_out(memory, attached, types):
    memory.record_metrics({"loss": 1.0}, key="k")
    with pytest.raises(KeyConflict), memory.batch():
        other = memory.record_metrics({"loss": 9.0})
        memory.record_metrics({"loss": 2.0}, key="k")
    with pytest.raises(BatchError):
        _ = other.position
    assert types() == ["metrics_recorded"]


def test_one_key_covers_every_storage_of_a_module_path(memory, attached, types):
    first = memory.record_modification("middle", {"op": "zero"}, key="k")
    assert len(first.also) == 1
    again = memory.record_modification("middle", {"op": "zero"}, key="k")
    assert (again.position, again.also[0].position) == (first.position, first.also[0].position)
    assert types() == ["modification", "modification"]


def test_a_reported_write_replays_although_the_live_bytes_have_moved_on(memory, attached, types):
    first = memory.record_modification("head.weight", {"op": "scale"}, key="k")
    with memory.edit("head.weight") as weight:
        weight.add_(1)
    assert memory.record_modification("head.weight", {"op": "scale"}, key="k").position == first.position
    with memory.batch():
        again = memory.record_modification("head.weight", {"op": "scale"}, key="k")
    assert again.position == first.position
    assert types() == ["coupled_modification", "coupled_modification"]


def test_a_replayed_report_takes_no_credit_for_an_unannounced_write(memory, attached, types):
    memory.record_modification("head.weight", key="k")
    attached.embed.weight.data.add_(1)
    memory.record_modification("head.weight", key="k")
    with memory.edit("head.weight") as weight:
        weight.add_(1)
    assert types() == ["coupled_modification", "unattributed_write", "coupled_modification"]


def test_a_reported_restore_replays_although_the_live_bytes_have_moved_on(memory, attached, types):
    first = memory.record_restore("act-1", key="k")
    with memory.edit("head.weight") as weight:
        weight.add_(1)
    assert memory.record_restore("act-1", key="k").position == first.position
    assert types() == ["restored", "coupled_modification"]


def test_a_key_no_engine_can_store_is_refused_and_nothing_is_remembered(memory, attached, types):
    attached.embed.weight.data.add_(1)
    with pytest.raises(InvalidPayload, match="key"):
        memory.record_modification("head.weight", key="")
    with memory.edit("head.weight") as weight:
        weight.add_(1)
    assert types() == ["unattributed_write", "coupled_modification"]


def test_a_key_that_cannot_be_numbered_changes_nothing_in_memory(memory):
    attached = memory.attach(SharingMap.from_relations(names=["m.a", "m.b"]), name="two")
    attached.fingerprints["m.a"] = "held"
    with pytest.raises(InvalidPayload):
        memory.record_modification("m", model="two", key="k" * 1000)
    assert attached.fingerprints["m.a"] == "held"
