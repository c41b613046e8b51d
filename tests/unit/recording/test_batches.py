# ruff: noqa: PT012 - what raises is a whole block: that is what is tested
from __future__ import annotations

import asyncio
import threading

import pytest

from introspection.sharing import SharingMap
from memory.errors import BatchError, InvalidPayload, NotAttached


def test_what_is_recorded_in_a_batch_is_one_append(memory, attached, events):
    with memory.batch():
        first = memory.record_metrics({"loss": 1.0})
        second = memory.record_modification("head.weight")
    assert (second.position, first.position) == (3, 2)
    assert len({event.recorded_at for event in events("metrics_recorded", "coupled_modification")}) == 1
    rows = memory.query_sql("SELECT count(DISTINCT append_id) AS appends FROM ledger WHERE position IN (2, 3)")
    assert rows == [{"appends": 1}]


def test_a_batch_whose_block_raises_leaves_nothing(memory, attached, types):
    with pytest.raises(ValueError, match="no"), memory.batch():
        recorded = memory.record_metrics({"loss": 1.0})
        raise ValueError("no")
    assert types() == []
    with pytest.raises(BatchError, match="aborted"):
        _ = recorded.position


def test_a_record_in_a_batch_knows_its_layers_at_once_and_its_place_at_the_end(memory, attached):
    with memory.batch():
        recorded = memory.record_modification("head.weight")
        assert recorded.event_type == "coupled_modification"
        assert recorded.affected_layers == ("head.weight", "embed.weight")
        with pytest.raises(BatchError, match="not ended"):
            _ = recorded.position
        with pytest.raises(BatchError, match="not ended"):
            _ = recorded.event_id
    assert recorded.position == 2


def test_batches_do_not_nest(memory, attached, types):
    with memory.batch():
        memory.record_metrics({"loss": 1.0})
        with pytest.raises(BatchError, match="open already"), memory.batch():
            pass
    assert types() == ["metrics_recorded"]


def test_an_empty_batch_appends_nothing(memory, attached, types):
    with memory.batch():
        pass
    assert types() == []


def test_a_record_that_cannot_be_stored_is_refused_where_it_is_made_and_the_batch_goes_on(memory, attached, types):
    with memory.batch():
        memory.record_metrics({"loss": 1.0})
        with pytest.raises(InvalidPayload):
            memory.record_observation("discovery", "c", description="NUL \x00")
        memory.record_metrics({"loss": 2.0})
    assert types() == ["metrics_recorded", "metrics_recorded"]


def test_a_batch_belongs_to_its_thread(memory, attached):
    with memory.batch():
        memory.record_metrics({"loss": 1.0})
        places = []
        thread = threading.Thread(target=lambda: places.append(memory.record_metrics({"loss": 2.0}).position))
        thread.start()
        thread.join()
        assert places == [2]


def test_a_batch_belongs_to_its_task_even_where_tasks_inherit_its_context(memory, attached):
    async def beside() -> int:
        return memory.record_metrics({"loss": 2.0}).position

    async def scenario() -> tuple[int, int]:
        with memory.batch():
            recorded = memory.record_metrics({"loss": 1.0})
            place = await asyncio.create_task(beside())
        return place, recorded.position

    assert asyncio.run(scenario()) == (2, 3)


def test_a_model_attached_in_an_aborted_batch_is_not_attached(memory, events):
    with pytest.raises(ValueError, match="no"), memory.batch():
        memory.attach(SharingMap.from_relations(names=["a"]), name="sim")
        assert memory.record_modification("a").event_type == "modification"
        raise ValueError("no")
    assert events() == []
    with pytest.raises(NotAttached):
        memory.record_modification("a")


def test_a_model_can_be_attached_and_written_in_one_batch(memory, events):
    with memory.batch():
        memory.attach(SharingMap.from_relations(names=["a", "b"], same=[["a", "b"]]), name="sim")
        memory.record_modification("a")
    assert [event.event_type for event in events()] == ["model_attached", "coupled_modification"]


def test_an_aborted_batch_takes_back_what_is_remembered_of_live_bytes(memory, attached, types):
    attached.embed.weight.data.add_(1)
    with pytest.raises(ValueError, match="no"), memory.batch():
        memory.record_modification("head.weight")
        raise ValueError("no")
    with memory.edit("head.weight") as weight:
        weight.add_(1)
    assert types() == ["unattributed_write", "coupled_modification"]


def test_undo_in_a_batch_is_refused(memory, attached):
    with memory.act() as act, memory.edit("head.weight") as weight:
        weight.add_(1)
    with memory.batch(), pytest.raises(BatchError):
        act.undo()
    act.undo()
