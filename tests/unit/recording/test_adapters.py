"""Adapters of peft are merged, unmerged and taken out of a model: each is on record, and can be taken back."""

from __future__ import annotations

import pytest
import torch

WRITES = ("modification", "coupled_modification")
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:peft.*", "ignore::FutureWarning:transformers.*")
BASES = {
    "lm_head.base_layer.weight",
    "model.layers.0.mlp.down_proj.base_layer.weight",
    "model.layers.0.self_attn.q_proj.base_layer.weight",
}


@pytest.fixture
def adapted(memory):
    """A tied Qwen2 with an adapter beside three of its weights, one of them the tied one."""
    from peft import LoraConfig, get_peft_model
    from transformers import Qwen2Config, Qwen2ForCausalLM

    torch.manual_seed(0)
    config = Qwen2Config(
        vocab_size=32,
        hidden_size=8,
        intermediate_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        num_key_value_heads=1,
        tie_word_embeddings=True,
    )
    model = Qwen2ForCausalLM(config)
    memory.attach(model, name="qwen")
    found = get_peft_model(model, LoraConfig(r=2, target_modules=["q_proj", "down_proj", "lm_head"]))
    for name, parameter in found.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.1)
    memory.verify_weights()
    return found


def test_a_merge_is_one_act_whose_write_to_a_tied_weight_is_coupled(memory, adapted, events):
    with memory.act("merge") as act, memory.watch("merge", method="lora_merge"):
        adapted.merge_adapter()
    written = [event.payload for event in events(*WRITES) if event.act_id == act.id]
    assert {write.primary_layer for write in written} == BASES
    assert {write.method for write in written} == {"lora_merge"}
    assert all(write.changed for write in written)
    (coupled,) = [write for write in written if write.coupled_layers]
    assert coupled.coupled_layers == ("model.embed_tokens.weight",)
    assert not events("unattributed_write")


def test_a_write_to_a_factor_lists_what_is_derived_from_it_while_it_is_merged(memory, adapted, events):
    factor = "lm_head.lora_A.default.weight"
    for change in (adapted.merge_adapter, adapted.unmerge_adapter):
        with memory.watch("adapter", method="lora"):
            change()
        with memory.edit(factor):
            pass
    merged, unmerged = [event.payload for event in events(*WRITES) if event.payload.primary_layer == factor]
    assert {(each.name, each.relation) for each in merged.affected[1:]} == {
        ("lm_head.base_layer.weight", "derived"),
        ("model.embed_tokens.weight", "derived"),
    }
    assert merged.event_type == "modification"
    assert unmerged.affected[1:] == ()
    memory.consolidate()
    derived = memory.query_sql("SELECT layer_name FROM affected_layers WHERE relation = 'derived' ORDER BY layer_name")
    assert [row["layer_name"] for row in derived] == ["lm_head.base_layer.weight", "model.embed_tokens.weight"]


def test_unmerging_is_on_record_as_inexact_and_a_restore_is_exact(memory, adapted, bits):
    before = bits(adapted)
    with memory.act("merge") as merge, memory.watch("merge", method="lora_merge") as merging:
        adapted.merge_adapter()
    with memory.watch("unmerge", method="lora_unmerge"):
        adapted.unmerge_adapter()
    differing = {name for entry in memory.diff(merging.began).entries for name in entry.names}
    assert (
        {"lm_head.base_layer.weight", "model.embed_tokens.weight"} <= differing <= {*BASES, "model.embed_tokens.weight"}
    )
    assert bits(adapted) != before
    memory.restore(before=merge)
    assert bits(adapted) == before
    assert memory.verify().ok


@pytest.mark.parametrize("deltas", ["each", "end"])
def test_a_merge_that_takes_its_adapter_out_is_put_down_to_the_names_there_are_then(memory, adapted, events, deltas):
    before = adapted.base_model.model.lm_head.base_layer.weight.detach().clone()
    with memory.act("merge") as act, memory.watch("merge", method="lora_merge", deltas=deltas) as merging:
        merged = adapted.merge_and_unload()
    written = [event.payload for event in events(*WRITES) if event.act_id == act.id]
    assert [(write.primary_layer, write.coupled_layers) for write in written] == [
        ("lm_head.weight", ("model.embed_tokens.weight",)),
        ("model.layers.0.mlp.down_proj.weight", ()),
        ("model.layers.0.self_attn.q_proj.weight", ()),
    ]
    assert not events("unattributed_write")
    assert merged.lm_head.weight is merged.model.embed_tokens.weight
    after = merged.lm_head.weight.detach().clone()
    assert torch.equal(memory.at(merging.began)["lm_head.base_layer.weight"], before)
    assert torch.equal(memory.at(memory.store.head().position)["lm_head.weight"], after)
    if deltas == "each":
        act.undo()
        assert torch.equal(merged.lm_head.weight, before)
    assert memory.verify().ok
