from __future__ import annotations

import pytest
import torch
from torch import nn


def untie(model):
    model.head.weight = nn.Parameter(model.embed.weight.detach().clone())


def tie(model):
    model.head.weight = model.embed.weight


def test_untying_by_hand_is_recorded_before_the_next_write_which_is_no_longer_coupled(memory, attached, events, types):
    untie(attached)
    with memory.edit("head.weight") as weight:
        weight.add_(1)
    assert types() == ["sharing_changed", "modification"]
    change = events("sharing_changed")[0].payload
    assert change.untied == (("embed.weight", "head.weight"),)
    assert change.kept == {
        "embed.weight": "embed.weight",
        "middle.bias": "middle.bias",
        "middle.weight": "middle.weight",
    }
    assert [state.key for state in change.storages] == ["head.weight"]


def test_the_name_whose_memory_is_kept_keeps_the_storage_though_the_other_name_sorts_first(memory, attached, events):
    attached.embed.weight = nn.Parameter(attached.embed.weight.detach().clone())
    memory.record_modification("head.weight")
    change = events("sharing_changed")[0].payload
    assert change.kept["head.weight"] == "embed.weight"
    assert "embed.weight" not in change.kept
    memory.consolidate()
    rows = memory.query_sql("SELECT storage_id, key FROM storages WHERE key LIKE '%head%' OR key LIKE '%embed%'")
    assert sorted((row["storage_id"], row["key"]) for row in rows) == [
        (1, "embed.weight"),
        (1, "head.weight"),
        (4, "embed.weight"),
    ]


def test_tying_by_hand_is_recorded_and_the_next_write_is_coupled(memory, attached, events, types):
    untie(attached)
    memory.record_metrics({"loss": 1.0})
    memory.record_modification("head.weight")
    tie(attached)
    with memory.edit("head.weight") as weight:
        weight.add_(1)
    assert types() == [
        "sharing_changed",
        "metrics_recorded",
        "modification",
        "sharing_changed",
        "coupled_modification",
    ]
    change = events("sharing_changed")[1].payload
    assert change.tied == (("embed.weight", "head.weight"),)
    assert change.kept["embed.weight"] == "embed.weight"


def test_tying_inside_an_edit_is_recorded_after_it(memory, attached, types):
    untie(attached)
    with memory.edit("embed.weight") as weight:
        weight.add_(1)
        tie(attached)
    assert types() == ["sharing_changed", "modification", "sharing_changed"]
    assert memory.verify().ok


def test_names_added_and_removed_are_recorded(memory, attached, events):
    attached.register_buffer("steps", torch.zeros(1))
    del attached.middle.bias
    memory.record_modification("head.weight")
    change = events("sharing_changed")[0].payload
    assert (change.added, change.removed) == (("steps",), ("middle.bias",))


def test_a_model_whose_sharing_is_the_same_has_no_event(memory, attached, types):
    attached.middle.weight = nn.Parameter(attached.middle.weight.detach().clone())
    memory.record_modification("head.weight")
    assert types() == ["coupled_modification"]


def test_freed_memory_taken_by_another_name_is_not_mistaken_for_its_storage(memory, events):
    pool = torch.zeros(12)
    model = nn.Module()
    model.register_buffer("a", pool[:4])
    model.register_buffer("b", pool[4:8])
    memory.attach(model)
    model.a, model.b = pool[4:8], pool[8:]
    model.register_buffer("c", torch.ones(2))
    memory.record_modification("c")
    kept = events("sharing_changed")[0].payload.kept
    assert kept == {"a": "a", "b": "b"}


def test_a_storage_whose_first_name_has_another_form_is_not_taken_for_written(memory, types):
    model = nn.Module()
    whole = torch.randn(3, 3)
    model.register_buffer("b", whole)
    memory.attach(model)
    model.register_buffer("a", whole.t())
    with memory.edit("b") as weight:
        weight.add_(1)
    assert types() == ["sharing_changed", "coupled_modification"]
    assert memory.verify().ok


def test_an_unannounced_write_before_untying_is_still_found(memory, attached, types):
    with torch.no_grad():
        attached.embed.weight.add_(1)
    untie(attached)
    with memory.edit("embed.weight") as weight:
        weight.add_(1)
    assert types() == ["sharing_changed", "unattributed_write", "modification"]


def test_verify_reports_sharing_nobody_recorded_and_appends_nothing(memory, attached, types):
    del attached.middle.bias
    untie(attached)
    report = memory.verify()
    assert not report.ok
    assert any("sharing" in problem for problem in report.problems)
    assert types() == []


@pytest.mark.parametrize("act", [None, "mine"])
def test_a_change_of_sharing_belongs_to_no_act(memory, attached, events, act):
    with memory.act(act_id=act):
        untie(attached)
        memory.record_modification("head.weight")
    assert events("sharing_changed")[0].act_id is None


class TwoHeads(nn.Module):
    """A tie through `.data`, of which torch itself knows nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(6, 4)
        self.head = nn.Linear(4, 6, bias=False)
        self.head.weight.data = self.embed.weight.data


def cast(model):
    model.to(torch.float64)


def move_without_values(model):
    model.to_empty(device="cpu")


def assign(model):
    model.load_state_dict({name: tensor.clone() for name, tensor in model.state_dict().items()}, assign=True)


@pytest.mark.parametrize("moved", [cast, move_without_values, assign])
def test_a_tie_lost_by_code_that_does_not_know_of_it_is_warned_of_and_on_record(memory, events, caplog, moved):
    model = TwoHeads()
    memory.attach(model, name="two")
    moved(model)
    memory.record_modification("head.weight")
    assert events("sharing_changed")[0].payload.vanished == (("embed.weight", "head.weight"),)
    warned = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert len(warned) == 1
    assert "the tie between embed.weight and head.weight is gone" in warned[0]


@pytest.mark.parametrize("name", ["embed", "head"])
def test_untying_by_hand_is_not_warned_of(memory, attached, events, caplog, name):
    module = getattr(attached, name)
    module.weight = nn.Parameter(module.weight.detach().clone())
    memory.record_modification("head.weight")
    assert events("sharing_changed")[0].payload.vanished == ()
    assert not [record for record in caplog.records if record.levelname == "WARNING"]


def test_attaching_a_model_that_lost_a_tie_the_record_knows_is_warned_of(memory, attached, caplog):
    untie(attached)
    memory.attach(attached, name="tied")
    warned = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert len(warned) == 1
    assert "embed.weight and head.weight" in warned[0]
