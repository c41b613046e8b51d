from __future__ import annotations

import pytest
import torch
from safetensors.torch import load_file
from torch import nn
from transformers import Qwen2Config, Qwen2ForCausalLM

from introspection.sharing import SharingMap
from memory import MemorySystem
from memory.errors import InvalidArgument, RestoreError, UnknownName


@pytest.fixture
def history(memory, attached):
    """What every name held after each position, the model being at the last."""

    def now() -> dict[str, torch.Tensor]:
        return {name: tensor.detach().clone() for name, tensor in attached.state_dict().items()}

    states = {1: now()}
    for number, name in enumerate(["head.weight", "middle", "embed.weight"]):
        with memory.edit(name, method="m") as weight:
            for each in weight.values() if isinstance(weight, dict) else [weight]:
                each.mul_(2).add_(number)
        states[memory.store.head().position] = now()
    return states


def equal(one, other) -> bool:
    return sorted(one) == sorted(other) and all(torch.equal(one[name], other[name]) for name in one)


def test_every_earlier_state_can_be_read_without_touching_the_model(memory, attached, history):
    live = {name: tensor.clone() for name, tensor in attached.state_dict().items()}
    for position, state in history.items():
        assert equal(memory.at(position), state)
    assert equal(attached.state_dict(), live)


def test_tied_names_are_one_tensor_and_writing_to_it_changes_nothing_else(memory, attached, history):
    earlier = memory.at(1)
    assert earlier["head.weight"] is earlier["embed.weight"]
    earlier["head.weight"].zero_()
    assert equal(memory.at(1), history[1])
    assert equal(attached.state_dict(), history[5])


def test_an_earlier_state_is_a_read_only_mapping_of_every_name(memory, attached, history):
    earlier = memory.at(1)
    assert (len(earlier), list(earlier)) == (4, ["embed.weight", "head.weight", "middle.bias", "middle.weight"])
    assert "head.weight" in earlier
    assert "heed.weight" not in earlier
    with pytest.raises(UnknownName, match="head"):
        earlier["heed.weight"]
    with pytest.raises(TypeError):
        earlier["head.weight"] = torch.zeros(1)


def test_it_loads_into_another_model(memory, attached, history):
    other = type(attached)()
    other.load_state_dict(memory.at(4))
    assert equal(other.state_dict(), history[4])


def test_the_record_alone_gives_what_was_kept_and_says_what_was_not(tmp_path, memory, attached, history):
    with memory.edit("middle.bias") as weight:
        weight.add_(1)
    with MemorySystem(tmp_path / "research.db") as alone:
        assert equal(alone.at(4, model="tied"), history[4])
    other = nn.Linear(2, 2)
    memory.attach(other, name="other")
    with memory.edit("weight", model="other") as weight:
        weight.add_(1)
    position = memory.store.head().position
    with MemorySystem(tmp_path / "research.db") as alone:
        earlier = alone.at(position, model="other")
        assert torch.equal(earlier["weight"], other.weight)
        with pytest.raises(RestoreError, match=r"the state of .bias. .* cannot be put together"):
            earlier["bias"]


def test_what_the_live_bytes_tell_is_used_only_while_they_are_what_the_log_says(memory, attached, history):
    other = nn.Linear(2, 2)
    memory.attach(other, name="other")
    position, before = memory.store.head().position, other.bias.detach().clone()
    assert torch.equal(memory.at(position, model="other")["bias"], before)
    other.bias.data.add_(1)
    with pytest.raises(RestoreError, match="'bias'"):
        memory.at(position, model="other")["bias"]


def test_a_difference_has_one_entry_for_tied_names(memory, attached, history):
    difference = memory.diff(1, 2)
    (entry,) = difference.entries
    assert entry.names == ("embed.weight", "head.weight")
    before, after = history[1]["embed.weight"].double(), history[2]["embed.weight"].double()
    assert entry.measured.delta_norm == pytest.approx(float((after - before).norm()))
    assert entry.rows == (0, 1, 2, 3, 4, 5)
    assert str(difference).startswith("embed.weight = head.weight: |change| ")
    assert difference.to_dict()["storages"][0]["names"] == ["embed.weight", "head.weight"]


def test_a_difference_goes_either_way_and_to_the_head(memory, attached, history):
    assert [entry.key for entry in memory.diff(1).entries] == ["embed.weight", "middle.bias", "middle.weight"]
    forth, back = memory.diff(2, 5).entries, memory.diff(5, 2).entries
    assert [each.measured.delta_norm for each in forth] == [each.measured.delta_norm for each in back]


def test_equal_states_differ_in_nothing(memory, attached, history):
    assert not memory.diff(2, 2)
    assert len(memory.diff(2, 2)) == 0
    assert "nothing differs" in str(memory.diff(2, 2))


def test_a_difference_that_cannot_be_measured_is_still_one(memory, attached):
    attached.middle.bias.data.add_(1)
    memory.verify_weights()
    (entry,) = memory.diff(1).entries
    assert (entry.key, entry.kind, entry.measured) == ("middle.bias", "changed", None)
    assert "never kept" in entry.reason
    assert "never kept" in str(entry)


def test_names_that_came_and_went_are_part_of_a_difference(memory, attached, history):
    attached.extra = nn.Parameter(torch.ones(2))
    memory.record_metrics({"loss": 1.0})
    added = memory.store.head().position
    assert [(entry.key, entry.kind) for entry in memory.diff(5, added).entries] == [("extra", "added")]
    assert [(entry.key, entry.kind) for entry in memory.diff(added, 5).entries] == [("extra", "removed")]


def test_an_exported_state_is_loaded_by_plain_transformers_tied_and_bit_equal(memory, tmp_path):
    config = Qwen2Config(
        vocab_size=32, hidden_size=16, intermediate_size=16, num_hidden_layers=1, num_attention_heads=2,
        num_key_value_heads=1, tie_word_embeddings=True,
    )  # fmt: skip
    model = Qwen2ForCausalLM(config)
    memory.attach(model, name="qwen")
    first = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    with memory.edit("lm_head.weight") as weight:
        weight.mul_(3)
    path = memory.export(1, tmp_path / "before")
    loaded = Qwen2ForCausalLM.from_pretrained(path)
    assert equal(loaded.state_dict(), first)
    assert loaded.lm_head.weight is loaded.model.embed_tokens.weight


def test_a_single_file_can_be_exported_and_nothing_is_overwritten(memory, attached, history, tmp_path):
    path = memory.export(1, tmp_path / "before.safetensors")
    held = load_file(path)
    assert sorted(held) == ["embed.weight", "middle.bias", "middle.weight"]
    assert torch.equal(held["embed.weight"], history[1]["embed.weight"])
    with pytest.raises(InvalidArgument, match="path"):
        memory.export(2, path)


def test_a_map_alone_has_no_weights(memory):
    memory.attach(SharingMap.from_relations(names=["a", "b"], same=[["a", "b"]]), name="map")
    with pytest.raises(RestoreError, match="only its sharing map was attached"):
        memory.at(1)["a"]


def test_a_model_the_record_does_not_know_has_no_earlier_state(memory, attached, history):
    with pytest.raises(RestoreError, match="'other' was not attached yet"):
        memory.at(1, model="other")
