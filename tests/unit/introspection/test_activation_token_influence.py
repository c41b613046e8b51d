"""How far a token reaches is measured by taking it away: exactly nowhere before it in a causal model."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from introspection.activations import ActivationMonitor
from introspection.errors import InvalidArgument, NothingCaptured, UnknownName
from introspection.token_influence import mean_row

torch.set_num_threads(1)

IDS = torch.tensor([[5, 9, 2, 7, 1, 8]])
Tiny = Callable[[str], Any]


@pytest.mark.parametrize("name", ["gpt2", "qwen2"])
def test_in_a_causal_model_a_token_changes_itself_and_what_follows_and_nothing_before(tiny: Tiny, name: str) -> None:
    found = ActivationMonitor(tiny(name)).trace_token_influence({"input_ids": IDS}, 2)
    assert list(found["layers"]) == [f"{'transformer.h' if name == 'gpt2' else 'model.layers'}.{i}" for i in range(2)]
    for layer in found["layers"].values():
        assert layer["change"][:2] == [0.0, 0.0]
        assert all(change > 0 for change in layer["change"][2:])
        assert layer["at_token"] == layer["change"][2]
        assert layer["elsewhere"] == pytest.approx(sum(layer["change"][3:]) / 5)
        assert layer["strongest"]["position"] in (3, 4, 5)
    json.dumps(found, allow_nan=False)


@pytest.mark.parametrize("name", ["bert", "t5"])
def test_in_a_bidirectional_model_a_token_changes_every_position(tiny: Tiny, name: str) -> None:
    inputs = {"input_ids": IDS} | ({"decoder_input_ids": IDS[:, :3]} if name == "t5" else {})
    found = ActivationMonitor(tiny(name)).trace_token_influence(inputs, 2)
    assert all(change > 0 for change in next(iter(found["layers"].values()))["change"])
    if name == "t5":
        decoder = found["layers"]["decoder.block.1"]
        assert len(decoder["change"]) == 3
        assert decoder["at_token"] is None
        assert all(change > 0 for change in decoder["change"])


def test_the_change_is_that_of_a_run_with_the_embedding_replaced(tiny: Tiny) -> None:
    model = tiny("gpt2")
    found = ActivationMonitor(model).trace_token_influence({"input_ids": IDS}, -3, "transformer.ln_f")
    embedded = model.transformer.wte(IDS).detach().clone()
    with torch.no_grad():
        before = model.transformer(inputs_embeds=embedded).last_hidden_state[0].double()
        embedded[:, 3] = model.transformer.wte.weight.mean(0)
        after = model.transformer(inputs_embeds=embedded).last_hidden_state[0].double()
    expected = (after - before).norm(dim=1) / before.norm(dim=1)
    assert found["index"] == 3
    assert found["layers"]["transformer.ln_f"]["change"] == pytest.approx(expected.tolist(), rel=1e-4)


def test_another_token_can_be_put_there_and_the_same_one_changes_nothing(tiny: Tiny, tokenizer: Any) -> None:
    model = tiny("gpt2")
    monitor = ActivationMonitor(model, tokenizer)
    same = tokenizer.convert_tokens_to_ids("sat")
    found = monitor.trace_token_influence("the cat sat on the mat", 2, replacement=same)
    assert found["token"] == "sat"
    assert all(set(layer["change"]) == {0.0} and layer["strongest"] is None for layer in found["layers"].values())
    other = tokenizer.convert_tokens_to_ids("ran")
    swapped = monitor.trace_token_influence("the cat sat on the mat", 2, "transformer.h.0", replacement=other)
    texts = ["the cat sat on the mat", "the cat ran on the mat"]
    with torch.no_grad():
        states = model(**tokenizer(texts, return_tensors="pt"), output_hidden_states=True).hidden_states[1]
    expected = (states[1] - states[0]).double().norm(dim=1) / states[0].double().norm(dim=1)
    layer = swapped["layers"]["transformer.h.0"]
    assert layer["change"] == pytest.approx(expected.tolist(), rel=1e-4)
    strongest = int(expected[3:].argmax()) + 3
    assert layer["strongest"] == {"position": strongest, "token": texts[0].split()[strongest]}


class Bag(nn.Module):
    """What only reads the last token's embedding."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(10, 4)
        self.mix = nn.Linear(4, 4)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        return self.mix(self.embed(tokens)[:, -1:].expand(-1, tokens.shape[1], -1))


def test_a_token_that_no_computation_uses_has_no_influence() -> None:
    monitor = ActivationMonitor(Bag())
    assert set(monitor.trace_token_influence(IDS, 0, "mix")["layers"]["mix"]["change"]) == {0.0}
    assert all(change > 0 for change in monitor.trace_token_influence(IDS, 5, "mix")["layers"]["mix"]["change"])


def test_the_mean_of_a_table_is_accumulated_in_float64() -> None:
    table = (torch.randn(3000, 4, generator=torch.Generator().manual_seed(0)) + 100).bfloat16()
    torch.testing.assert_close(mean_row(table), table.double().mean(0).bfloat16(), rtol=0, atol=0)


def test_what_cannot_be_traced_is_refused(tiny: Tiny) -> None:
    monitor = ActivationMonitor(tiny("gpt2"))
    for index in (6, -7):
        with pytest.raises(InvalidArgument, match="there are 6 tokens"):
            monitor.trace_token_influence({"input_ids": IDS}, index)
    with pytest.raises(InvalidArgument, match="one sequence"):
        monitor.trace_token_influence({"input_ids": IDS.repeat(2, 1)}, 0)
    with pytest.raises(InvalidArgument, match="replacement"):
        monitor.trace_token_influence({"input_ids": IDS}, 0, replacement=60)
    with pytest.raises(InvalidArgument, match="token ids"):
        ActivationMonitor(nn.Linear(3, 3)).trace_token_influence(torch.randn(1, 3), 0)
    with pytest.raises(UnknownName):
        monitor.trace_token_influence({"input_ids": IDS}, 0, "nowhere")
    with pytest.raises(NothingCaptured, match="no embedding"):
        ActivationMonitor(nn.Sequential(nn.Identity())).trace_token_influence(IDS, 0)
