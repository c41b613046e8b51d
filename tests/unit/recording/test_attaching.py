from __future__ import annotations

import json

import pytest
import torch
from torch import nn

from introspection.errors import NotAModel
from introspection.fingerprint import fingerprint
from introspection.sharing import SharingMap
from memory import MemorySystem
from memory.errors import AmbiguousModel, InvalidArgument, InvalidPayload, NotAttached, UnknownModel

NAMES = ("a", "b", "c")
TIED = SharingMap.from_relations(names=NAMES, same=[("a", "b")])


def test_a_first_attach_records_the_map_and_the_state_of_every_storage(memory, model, events):
    memory.attach(model, name="tied")
    (event,) = events()
    payload = event.payload
    assert (event.event_type, event.model, payload.architecture) == ("model_attached", "tied", "TiedModel")
    assert SharingMap.from_json(json.dumps(payload.sharing)).groups == (frozenset({"embed.weight", "head.weight"}),)
    assert {state.key: state.shape for state in payload.storages} == {
        "embed.weight": (6, 4),
        "middle.weight": (4, 4),
        "middle.bias": (4,),
    }
    assert all(state.fingerprint for state in payload.storages)


def test_an_equal_model_resumes_without_an_event(tmp_path, model, events, memory):
    memory.attach(model, name="tied")
    with MemorySystem(tmp_path / "research.db") as later:
        later.attach(model, name="tied")
    assert len(events()) == 1


def test_a_model_in_an_earlier_state_is_recorded_as_that_state(tmp_path, memory, model, events):
    memory.attach(model, name="tied")
    first = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    for _ in range(2):
        with memory.edit("head.weight") as weight:
            weight.add_(1)
    model.load_state_dict(first)
    with MemorySystem(tmp_path / "research.db") as later:
        later.attach(model, name="tied")
        assert later.verify().ok
    attaches = events("model_attached")
    assert [attach.payload.state_of for attach in attaches] == [None, 1]
    assert not events("unattributed_write")


def test_a_model_in_a_state_the_log_never_saw_is_an_unattributed_write(tmp_path, memory, model, events):
    memory.attach(model, name="tied")
    with torch.no_grad():
        model.middle.bias[0] = 9.0
    with MemorySystem(tmp_path / "research.db") as later:
        later.attach(model, name="tied")
        assert later.verify().ok
    (event,) = events("unattributed_write")
    assert (event.payload.storage_key, event.payload.found_by) == ("middle.bias", "attach")
    assert len(events()) == 2


def test_a_model_untied_since_is_attached_with_its_new_map(tmp_path, memory, model, events):
    memory.attach(model, name="tied")
    model.head.weight = nn.Parameter(model.head.weight.detach().clone())
    with MemorySystem(tmp_path / "research.db") as later:
        assert later.attach(model, name="tied").sharing.groups == ()
        assert later.record_modification("head.weight").event_type == "modification"
    assert [event.event_type for event in events()] == ["model_attached", "model_attached", "modification"]


def test_an_equal_map_resumes_and_another_map_is_a_change_of_sharing(memory, events):
    memory.attach(TIED, name="sim")
    memory.attach(TIED, name="sim")
    memory.attach(SharingMap.from_relations(names=NAMES), name="sim")
    assert [event.event_type for event in events()] == ["model_attached", "sharing_changed"]
    assert events("sharing_changed")[0].payload.untied == (("a", "b"),)
    assert memory.record_modification("a").event_type == "modification"


def test_a_model_whose_bytes_cannot_be_read_says_nothing_about_them(tmp_path, memory, model, events):
    memory.attach(model, name="tied")
    with MemorySystem(tmp_path / "research.db") as later:
        later.attach(type(model)().to("meta"), name="tied")
    assert not events("unattributed_write")


def test_a_model_with_sparse_and_lazy_tensors_can_be_attached(memory, events):
    model = nn.Sequential(nn.LazyLinear(3))
    model.register_buffer("sparse", torch.eye(3).to_sparse())
    model.register_parameter("dense", nn.Parameter(torch.ones(2)))
    memory.attach(model)
    states = {state.key: state.fingerprint for state in events("model_attached")[0].payload.storages}
    assert states["0.weight"] is None
    assert states["sparse"] == fingerprint(model.sparse)
    assert states["dense"] == fingerprint(model.dense)
    with memory.edit("dense") as weight:
        weight.add_(1)
    assert events("modification")[0].payload.changed


def test_several_models_need_naming(memory, attached, events):
    memory.attach(TIED, name="sim")
    with pytest.raises(AmbiguousModel):
        memory.record_modification("a")
    with pytest.raises(AmbiguousModel):
        memory.record_metrics({"loss": 1.0})
    memory.record_modification("a", model="sim")
    memory.record_metrics({"loss": 1.0}, model="tied")
    assert [event.model for event in events()] == ["tied", "sim", "sim", "tied"]


def test_a_model_that_is_not_attached_is_unknown(memory, attached):
    with pytest.raises(UnknownModel) as error:
        memory.record_metrics({"loss": 1.0}, model="tie")
    assert "'tied'" in str(error.value)


def test_without_a_model_writes_are_refused_and_observations_belong_to_none(memory, events):
    for refused in (
        lambda: memory.record_modification("a"),
        lambda: memory.record_layer_statistics("std", {"a": 1.0}),
        memory.record_restore,
    ):
        with pytest.raises(NotAttached):
            refused()
    memory.record_observation("discovery", "c")
    memory.record_metrics({"loss": 1.0})
    assert [event.model for event in events()] == [None, None]


@pytest.mark.parametrize("name", ["", "a\x00b", "x" * 201, None, 3])
def test_a_name_that_cannot_be_stored_attaches_nothing(memory, events, name):
    with pytest.raises(InvalidPayload, match="model"):
        memory.attach(TIED, name=name)
    assert events() == []
    with pytest.raises(NotAttached):
        memory.record_modification("a")


def test_what_is_no_model_and_a_baseline_not_offered_are_refused(memory, model, events):
    with pytest.raises(NotAModel):
        memory.attach(object())
    with pytest.raises(InvalidArgument, match="baseline"):
        memory.attach(model, baseline="some")
    assert events() == []


def test_a_coupling_found_at_scan_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    names = ["lm_head.weight", "model.embed_tokens.weight"]
    with caplog.at_level("INFO", logger="memory"), MemorySystem(":memory:") as memory:
        memory.attach(SharingMap.from_relations(names=[*names, "norm.weight"], same=[names]), name="sim")
    assert [record.getMessage() for record in caplog.records if record.levelname == "INFO"] == [
        "model 'sim': lm_head.weight and model.embed_tokens.weight are one tensor"
    ]
