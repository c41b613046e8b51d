"""The scenario Palimpsest was made for: `lm_head.weight` and `model.embed_tokens.weight` of Qwen2 are one tensor.

A memory that keeps one series per name learns from editing one that the two "move together". Here that is a fact of
the architecture, and never a pattern, theory or belief.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import nn
from transformers import Qwen2Config, Qwen2ForCausalLM

from introspection import WeightInspector
from memory import MemorySystem

torch.set_num_threads(1)

HEAD, EMBEDDING = "lm_head.weight", "model.embed_tokens.weight"
PLAIN = "model.layers.0.mlp.down_proj.weight"

RELATED = """
SELECT p.pattern_id AS id FROM patterns p WHERE p.subject IN (:head, :embedding) AND p.object IN (:head, :embedding)
UNION ALL
SELECT t.theory_id FROM theories t JOIN patterns p ON p.pattern_id = t.pattern_id
WHERE p.subject IN (:head, :embedding) AND p.object IN (:head, :embedding)
UNION ALL
SELECT b.belief_id FROM beliefs b LEFT JOIN theories t ON t.theory_id = b.theory_id
LEFT JOIN patterns p ON p.pattern_id = t.pattern_id
WHERE b.belief_type <> 'architectural_fact' AND b.source <> 'shipped'
AND (p.pattern_id IS NULL OR p.subject IN (:head, :embedding) AND p.object IN (:head, :embedding))
"""
"""Every pattern, theory and belief that relates the two names, whatever its status."""

KEYS = "SELECT key, storage_id FROM storages WHERE to_position IS NULL"


@pytest.fixture
def model() -> Qwen2ForCausalLM:
    torch.manual_seed(0)
    config = Qwen2Config(
        vocab_size=64,
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=64,
        tie_word_embeddings=True,
    )
    return Qwen2ForCausalLM(config).eval()


@pytest.fixture
def memory(database_url: str, model: Qwen2ForCausalLM) -> Iterator[MemorySystem]:
    with MemorySystem(database_url, durability="normal", seed=1) as opened:
        opened.attach(model, name="qwen")
        yield opened


def measured(model: Qwen2ForCausalLM, sample: int) -> dict[str, float]:
    tokens = torch.randint(0, 64, (2, 16), generator=torch.Generator().manual_seed(sample))
    with torch.no_grad():
        output = model(input_ids=tokens, labels=tokens, output_hidden_states=True)
    return {
        "loss": float(output.loss),
        "entropy": float(torch.distributions.Categorical(logits=output.logits).entropy().mean()),
        "input_size": float(output.hidden_states[0].norm()),
    }


def research(memory: MemorySystem, model: Qwen2ForCausalLM, names: list[str], first: int = 0) -> None:
    """Scale each name by a coin, measure before and after, read statistics under both names, undo; look each time."""
    for number, name in enumerate(names, start=first):
        with memory.act(f"scale {name}") as act:
            sign = act.flip()
            memory.record_metrics(measured(model, number), sample=str(number))
            with memory.edit(name, method="scale", dose=sign) as weight:
                weight.mul_(1 + 0.5 * sign)
            memory.record_metrics(measured(model, number), sample=str(number))
            inspector = WeightInspector(model)
            read = {each: inspector.get_weight_statistics(each)["std"] for each in (HEAD, EMBEDDING)}
            memory.record_layer_statistics("std", read)
        act.undo()
        memory.consolidate()
        assert related(memory) == []


def related(memory: MemorySystem) -> list[Any]:
    return list(memory.query_sql(RELATED, head=HEAD, embedding=EMBEDDING))


@pytest.mark.parametrize("name", [HEAD, EMBEDDING])
def test_one_edit_is_one_event_that_lists_both_names_and_changes_both_by_the_same(memory, model, name):
    head, embedding = model.lm_head.weight.detach().clone(), model.model.embed_tokens.weight.detach().clone()
    update = 1e-3 * torch.outer(torch.randn(64), torch.randn(32))
    with memory.edit(name, method="rank_one", reason="look") as weight:
        weight += update

    delta = model.lm_head.weight.detach() - head
    assert torch.count_nonzero(delta) > 0
    assert torch.equal(delta, model.model.embed_tokens.weight.detach() - embedding)
    memory.consolidate()
    assert memory.query_sql("SELECT event_type, count(*) AS events FROM events GROUP BY event_type ORDER BY 1") == [
        {"event_type": "coupled_modification", "events": 1},
        {"event_type": "model_attached", "events": 1},
    ]
    rows = memory.query_sql("SELECT layer_name, storage_key, relation FROM affected_layers ORDER BY layer_name")
    assert [(row["layer_name"], row["storage_key"]) for row in rows] == [(HEAD, HEAD), (EMBEDDING, HEAD)]
    assert {row["relation"] for row in rows if row["layer_name"] == name} == {"primary"}
    assert {row["relation"] for row in rows if row["layer_name"] != name} == {"alias"}


def test_statistics_are_the_same_under_either_name_and_warn(memory, model):
    with memory.edit(HEAD) as weight:
        weight.mul_(1.25)
    inspector = WeightInspector(model)
    head, embedding = (inspector.get_weight_statistics(name) for name in (HEAD, EMBEDDING))
    assert (head["shared_with"], embedding["shared_with"]) == ([EMBEDDING], [HEAD])
    assert EMBEDDING in head["warning"]
    assert HEAD in embedding["warning"]
    own = {"name", "shared_with", "warning"}
    assert {key: value for key, value in head.items() if key not in own} == {
        key: value for key, value in embedding.items() if key not in own
    }


def test_that_the_two_are_one_tensor_is_known_for_certain_from_the_start(memory):
    (belief,) = memory.beliefs("architectural_fact")
    assert (belief.belief_type, belief.credence, belief.strength, belief.first_position) == (
        "architectural_fact",
        1.0,
        "certain",
        1,
    )
    assert HEAD in belief.statement
    assert EMBEDDING in belief.statement


def test_however_often_they_are_edited_nothing_learned_relates_the_two_and_untied_they_are_two(memory, model):
    research(memory, model, [HEAD, EMBEDDING, PLAIN] * 24)

    # What is to be learned is learned: of the one storage, under its one key.
    learned = {(each.subject, each.object) for each in memory.patterns("effect")}
    assert {(HEAD, "entropy"), (HEAD, "input_size")} <= learned
    assert EMBEDDING not in {each.subject for each in memory.patterns(status=None)}
    assert memory.query_sql("SELECT DISTINCT storage_id FROM modifications WHERE primary_layer <> :p", p=PLAIN) == [
        {"storage_id": memory.patterns("effect")[0].storage_id}
    ]

    # What a log with one series per name would have "learned" is on record, as what it is.
    dropped = {(fact.kind, fact.reason): fact for fact in memory.architectural_facts()}
    assert set(dropped) == {("identity", "alias"), ("comodification", "alias"), ("cochange", "alias")}
    for fact in dropped.values():
        assert {fact.subject, fact.object} == {HEAD, EMBEDDING}
    assert dropped["comodification", "alias"].strength > 10
    assert dropped["cochange", "alias"].strength == pytest.approx(1.0)

    # Untied, they can be two series.
    model.lm_head.weight = nn.Parameter(model.lm_head.weight.detach().clone())
    research(memory, model, [HEAD, EMBEDDING] * 30, first=1000)
    of_storage = {storage["key"]: storage["storage_id"] for storage in memory.query_sql(KEYS)}
    assert of_storage[HEAD] != of_storage[EMBEDDING]
    learned = {(each.storage_id, each.object) for each in memory.patterns("effect")}
    assert {(of_storage[HEAD], "entropy"), (of_storage[EMBEDDING], "input_size")} <= learned
    written = memory.query_sql(
        "SELECT primary_layer, event_type, count(DISTINCT storage_id) AS storages FROM modifications "
        "WHERE position > :p AND reverts IS NULL GROUP BY primary_layer, event_type ORDER BY primary_layer",
        p=next(event.position for event in memory.store.read(types=["sharing_changed"])),
    )
    assert [tuple(row.values()) for row in written] == [
        (HEAD, "modification", 1),
        (EMBEDDING, "modification", 1),
    ]
    assert [belief.status for belief in memory.beliefs("architectural_fact", status=None)] == ["retracted"]
    assert memory.verify().ok
