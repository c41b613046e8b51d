from __future__ import annotations

import numpy as np
import pytest
from torch import nn
from torch.nn.utils import parametrizations

from introspection.errors import UnknownName
from introspection.sharing import SharingMap
from memory.errors import InvalidArgument, InvalidPayload

SIM = SharingMap.from_relations(
    names=["x.weight", "y.weight", "z.a", "z.b", "bank[0]", "bank[1]"],
    same=[["x.weight", "y.weight"]],
    partial=[("z.a", "z.b")],
    derived={"merged": ["z.a"]},
)


@pytest.fixture
def sim(memory):
    memory.attach(SIM, name="sim")


def test_every_relation_of_a_write_is_listed_and_derived_names_make_it_not_coupled(memory, sim, events):
    memory.record_modification("z.a", {"op": "scale"})
    write = events("coupled_modification")[0].payload
    assert [(each.name, each.relation) for each in write.affected] == [
        ("z.a", "primary"),
        ("z.b", "overlap"),
        ("merged", "derived"),
    ]
    assert write.coupled_layers == ("z.b",)


def test_a_coupled_write_weighs_at_least_nine_tenths(memory, sim, events):
    memory.record_modification("x", importance=0.2)
    memory.record_modification("bank[0]", importance=0.2)
    assert [event.payload.importance for event in events("coupled_modification", "modification")] == [0.9, 0.2]


def test_the_description_says_what_is_one_tensor_unless_the_writer_does(memory, sim, events):
    memory.record_modification("x")
    memory.record_modification("x", description="mine", tags=["t"])
    first, second = (event.payload for event in events("coupled_modification"))
    assert "y.weight" in first.description
    assert (second.description, second.tags[-1]) == ("mine", "t")


def test_a_path_to_tensors_in_a_list_names_each_of_them(memory, sim, events):
    recorded = memory.record_modification("bank")
    assert (recorded.affected_layers, recorded.also[0].affected_layers) == (("bank[0]",), ("bank[1]",))
    first, second = events("modification")
    assert first.act_id == second.act_id is not None


def test_a_module_path_is_named_by_the_tensor_under_it(memory, sim, events):
    memory.record_modification("y")
    assert events("coupled_modification")[0].payload.primary_layer == "y.weight"


def test_a_log_with_one_record_per_name_keeps_every_record(memory, sim, events):
    for name in ("x.weight", "y.weight", "merged", "no.such.name"):
        memory.record_modification(name, per_name=True, act="import-1", dose=1.0)
    writes = [event.payload for event in events()[1:]]
    assert [write.known for write in writes] == [True, True, True, False]
    assert [write.per_name for write in writes] == [True] * 4
    assert memory.query_sql("SELECT 1 AS one")
    memory.consolidate()
    rows = memory.query_sql("SELECT primary_layer, counted FROM modifications ORDER BY position")
    assert [bool(row["counted"]) for row in rows] == [True, False, False, False]


def test_a_derived_name_of_a_live_model_can_be_reported(memory, events):
    model = parametrizations.weight_norm(nn.Linear(2, 2))
    memory.attach(model)
    memory.record_modification("weight", per_name=True, act="import-1")
    memory.record_modification("weight")
    assert [event.payload.fingerprint for event in events("modification")] == [None, None]


def test_a_log_with_one_record_per_name_needs_its_acts(memory, sim):
    with pytest.raises(InvalidArgument, match="act"):
        memory.record_modification("x.weight", per_name=True)


@pytest.mark.parametrize("name", ["x.wieght", "no.such.name", "", "x.weight.more"])
def test_an_unknown_name_is_refused_with_the_nearest(memory, sim, types, name):
    with pytest.raises(UnknownName) as error:
        memory.record_modification(name)
    assert types() == []
    if name == "x.wieght":
        assert error.value.nearest[0] == "x.weight"


def test_a_name_that_is_no_text_is_refused(memory, sim, types):
    with pytest.raises(InvalidArgument, match="layer_name"):
        memory.record_modification(None)
    assert types() == []


@pytest.mark.parametrize("data", [7, [1, 2], "text", np.float32(0.5)])
def test_data_that_is_no_mapping_is_kept_under_value(memory, sim, events, data):
    memory.record_modification("x", data)
    assert events("coupled_modification")[0].payload.modification == {"value": data}


@pytest.mark.parametrize(
    "wrong",
    [
        {"modification_data": {"f": object()}},
        {"modification_data": {"t": "NUL \x00"}},
        {"description": "\ud800"},
        {"tags": "tag"},
        {"tags": [3]},
        {"importance": 1.5},
        {"importance": float("nan")},
        {"importance": "high"},
        {"method": 3},
        {"key": "x" * 2000},
        {"act": ""},
        {"occurred_at": "yesterday"},
    ],
)
def test_what_cannot_be_stored_is_refused_before_anything_is_written(memory, sim, types, wrong):
    with pytest.raises(InvalidPayload):
        memory.record_modification("x", **wrong)
    assert types() == []


def test_a_live_write_made_elsewhere_is_credited_to_its_report(memory, attached, types):
    attached.embed.weight.data.add_(1)
    memory.record_modification("head.weight")
    with memory.edit("head.weight") as weight:
        weight.add_(1)
    assert types() == ["coupled_modification", "coupled_modification"]


def test_a_restore_made_elsewhere_is_no_unattributed_write(memory, attached, events, types):
    attached.embed.weight.data.add_(1)
    memory.record_restore("act-7")
    with memory.edit("head.weight") as weight:
        weight.add_(1)
    assert types() == ["restored", "coupled_modification"]
    assert events("restored")[0].payload.to_act == "act-7"
