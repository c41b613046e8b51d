"""Following a forward leaves the model as it was: its bytes, modes, hooks, attributes and every random state."""

from __future__ import annotations

import copy
import random
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode

import introspection.follow
from introspection.errors import NotFollowed
from introspection.fingerprint import fingerprint
from introspection.follow import follow
from introspection.untouched import untouched

ROOT = str(Path(__file__).resolve().parents[3])
if ROOT not in sys.path:
    sys.path.insert(0, ROOT)

from tests.real_architectures import ALL, qwen2  # noqa: E402

torch.set_num_threads(1)


class DependsOnValues(nn.Module):
    """Its path depends on what it computes; it counts its calls, keeps a list, and writes a buffer and a weight."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Embedding(4, 4, max_norm=0.5)
        self.norm = nn.BatchNorm1d(4)
        self.drop = nn.Dropout(0.5)
        self.count = 0
        self.register_buffer("seen", torch.zeros(4))
        with torch.no_grad():
            self.table.weight.fill_(3.0)

    def forward(self, indices: torch.Tensor) -> torch.Tensor:
        self.count += 1
        x = self.drop(self.norm(self.table(indices)))
        self.seen += x.sum(0)
        if x.sum().item() > 0:
            x = x * torch.rand(4)
        self.seen = self.seen + random.random() + float(np.random.rand())
        return x


def state(model: nn.Module) -> dict[str, Any]:
    """Everything about a model that looking at it could change."""
    return {
        "bytes": {name: fingerprint(tensor) for name, tensor in model.state_dict(keep_vars=True).items()},
        "objects": {name: id(tensor) for name, tensor in model.state_dict(keep_vars=True).items()},
        "gradients": [parameter.grad for parameter in model.parameters()],
        "modes": [module.training for module in model.modules()],
        "requires": [parameter.requires_grad for parameter in model.parameters()],
        "hooks": [
            (len(module._forward_hooks), len(module._forward_pre_hooks), len(module._forward_hooks_with_kwargs))
            for module in model.modules()
        ],
        "attributes": [
            {key: value for key, value in vars(module).items() if isinstance(value, int | float | str | bool)}
            for module in model.modules()
        ],
        "random": (
            torch.get_rng_state().tolist(),
            random.getstate(),
            str(np.random.get_state()),
        ),
    }


@pytest.mark.parametrize("name", ["qwen2", "gpt2", "bert", "t5", "albert"])
def test_a_model_in_training_is_as_it_was(name: str) -> None:
    model = ALL[name]().train()
    before = state(model)
    assert follow(model).source == "fake_traced"
    assert state(model) == before


def test_a_model_whose_path_depends_on_values_is_copied_with_them() -> None:
    model = DependsOnValues().train()
    before = state(model)
    flow = follow(model, torch.tensor([1, 2]))
    assert flow.source == "traced"
    assert flow.notes == ()
    assert {edge.target: edge.source for edge in flow.edges}["norm#1"] == "table#1"
    assert state(model) == before


def test_a_model_too_large_to_copy_is_run_and_put_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(introspection.follow, "COPY_LIMIT", 16)
    model = DependsOnValues().train()
    before = state(model)
    flow = follow(model, torch.tensor([1, 2]))
    assert flow.source == "traced"
    assert len(flow.notes) == 1
    assert state(model) == before


def test_a_model_is_put_back_when_its_forward_raises(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(introspection.follow, "COPY_LIMIT", 0)

    class Raises(DependsOnValues):
        def forward(self, indices: torch.Tensor) -> torch.Tensor:
            super().forward(indices)
            raise KeyError("in the middle")

    model = Raises().train()
    before = state(model)
    with pytest.raises(NotFollowed, match="in the middle"):
        follow(model, torch.tensor([1, 2]))
    assert state(model) == before


def test_untouched_puts_back_what_was_written_and_bound() -> None:
    model = DependsOnValues().train()
    before = state(model)

    def written_in_the_middle() -> None:
        with untouched(model):
            assert not model.training
            model(torch.tensor([0]))
            assert model.count == 1
            assert fingerprint(model.table.weight) != before["bytes"]["table.weight"]
            raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        written_in_the_middle()
    assert state(model) == before


def test_hooks_somebody_put_on_the_model_are_not_set_off() -> None:
    model, fired = qwen2(), []
    model.lm_head.register_forward_hook(lambda *_: fired.append("after"))
    model.model.register_forward_pre_hook(lambda *_: fired.append("before"))
    assert follow(model).source == "fake_traced"
    assert fired == []


def test_a_meta_model_is_followed_without_memory() -> None:
    with torch.device("meta"):
        model = qwen2(hidden_size=8192, intermediate_size=65536, num_attention_heads=64, vocab_size=200_000)
    assert sum(parameter.numel() for parameter in model.parameters()) > 3e9
    flow = follow(model)
    assert flow.source == "fake_traced"
    assert [node.path for node in flow.nodes if node.kind == "output"] == ["logits"]


def test_a_fake_model_is_followed() -> None:
    with FakeTensorMode():
        model = nn.Sequential(nn.Linear(4, 4), nn.ReLU())
    assert follow(model, torch.ones(2, 4)).calls == {"0": 1, "1": 1}


def test_a_meta_model_whose_path_depends_on_values_is_not_followed() -> None:
    model = copy.deepcopy(DependsOnValues()).to("meta")
    with pytest.raises(NotFollowed, match="holds no values"):
        follow(model, torch.tensor([1, 2]))


def test_an_uninitialised_model_is_not_initialised_by_looking() -> None:
    model = nn.Sequential(nn.LazyLinear(4))
    with pytest.raises(NotFollowed, match="not initialised"):
        follow(model, torch.ones(2, 4))
    assert nn.parameter.is_lazy(model[0].weight)


def test_an_attribute_that_cannot_be_copied_is_shared() -> None:
    import threading

    model = nn.Sequential(nn.Linear(4, 4))
    model.lock = threading.Lock()
    assert follow(model, torch.ones(2, 4)).source == "fake_traced"


def test_a_model_under_torch_compile_is_followed_without_compiling() -> None:
    model = nn.Sequential(torch.compile(nn.Linear(4, 4), backend="eager"), nn.ReLU())
    flow = follow(model, torch.ones(2, 4))
    assert flow.calls == {"0": 1, "1": 1}
    whole = torch.compile(nn.Sequential(nn.Linear(4, 4), nn.ReLU()), backend="eager")
    assert set(follow(whole, torch.ones(2, 4)).calls) == {"_orig_mod.0", "_orig_mod.1"}


def test_a_forward_replaced_by_a_function_that_holds_the_original_is_run_on_the_original() -> None:
    model = nn.Sequential(nn.Linear(4, 4), nn.ReLU())
    original = model.forward
    model.forward = lambda x: original(x) * 2
    before = state(model)
    flow = follow(model, torch.ones(2, 4))
    assert (flow.source, len(flow.notes)) == ("traced", 1)
    assert {edge.target for edge in flow.edges if edge.source == "1#1"} == {"output:output"}
    assert state(model) == before
