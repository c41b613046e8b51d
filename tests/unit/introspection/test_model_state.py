"""A model that was looked at is exactly what it was: everything is compared, also after exceptions."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from introspection import ArchitectureNavigator, GradientAnalyzer, InvalidArgument, TemporalAnalyzer
from introspection.activations import ActivationMonitor
from introspection.errors import CaptureBudgetExceeded, UnsupportedStorage
from introspection.model_state import preserve_state

torch.set_num_threads(1)

IDS = torch.tensor([[5, 9, 2, 7, 1, 8]])
Tiny = Callable[[str], Any]


def bits(tensor: torch.Tensor) -> bytes:
    return tensor.detach().resolve_conj().contiguous().view(-1).view(torch.uint8).numpy().tobytes()


def plain(value: Any) -> Any:
    """A value by identity where it is one object, and by content where it is a container that is changed in place."""
    if isinstance(value, dict):
        return [(key, id(each)) for key, each in value.items()]
    if isinstance(value, set):
        return sorted(map(repr, value))
    return value if isinstance(value, bool | int | float | str | None) else id(value)


def everything(model: nn.Module) -> dict[str, Any]:
    """All that can be told of a model and of what a run of it draws from."""
    state: dict[str, Any] = {}
    for path, module in model.named_modules(remove_duplicate=False):
        state[f"{path}:order"] = list(vars(module))
        for name, value in vars(module).items():
            state[f"{path}:{name}"] = plain(value)
        config = vars(module).get("config")
        if config is not None:
            state[f"{path}:attention"] = config._attn_implementation
            state[f"{path}:config"] = repr(sorted(vars(config).items(), key=lambda item: item[0]))
    for name, parameter in model.named_parameters(remove_duplicate=False):
        state[f"{name}!"] = (id(parameter), parameter.requires_grad, id(parameter.grad), bits(parameter),
                             None if parameter.grad is None else bits(parameter.grad), parameter.device)  # fmt: skip
    for name, buffer in model.named_buffers(remove_duplicate=False):
        state[f"{name}!"] = (id(buffer), bits(buffer), buffer.device)
    state["generators"] = (bits(torch.get_rng_state()), random.getstate(), repr(np.random.get_state()))
    state["grad"] = torch.is_grad_enabled()
    state["fused"] = torch.backends.mha.get_fastpath_enabled()
    return state


def lived_in(model: nn.Module) -> nn.Module:
    """Makes a model's state one that is easy to lose: mixed modes, frozen weights, gradients, hooks in an order."""
    model.train()
    modules = list(model.modules())
    for module in modules[::3]:
        module.training = False
    for index, parameter in enumerate(model.parameters()):
        parameter.requires_grad_(index % 2 == 0)
        if index % 4 == 0:
            parameter.grad = torch.randn_like(parameter)
    for module in modules[1:4]:
        module.register_forward_hook(lambda module, args, output: None)
        module.register_forward_pre_hook(lambda module, args: None, prepend=True)
    for module in [each for each in modules if isinstance(each, nn.Linear)][1:3]:
        module.register_full_backward_hook(lambda module, given, made: None)
    return model


@pytest.fixture(params=["qwen2", "gpt2", "bert", "t5", "albert"])
def model(request: pytest.FixtureRequest, tiny: Tiny) -> nn.Module:
    return lived_in(tiny(request.param))


def inputs(model: nn.Module) -> dict[str, torch.Tensor]:
    decoder = {"decoder_input_ids": IDS[:, :3]} if "T5" in type(model).__name__ else {}
    return {"input_ids": IDS} | decoder


def test_looking_leaves_everything_as_it_was(model: nn.Module) -> None:
    before = everything(model)
    monitor = ActivationMonitor(model)
    monitor.capture_activations(inputs(model))
    monitor.capture_activations(inputs(model), training=True)
    monitor.capture_attention_weights(inputs(model))
    monitor.trace_token_influence(inputs(model), 2)
    monitor.get_activation_statistics()
    monitor.compare_activations(inputs(model), {key: value.flip(1) for key, value in inputs(model).items()})
    monitor.query_layers()
    assert everything(model) == before


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_an_error_in_the_forward_leaves_everything_as_it_was(model: nn.Module, error: type[BaseException]) -> None:
    def fail(module: nn.Module, args: Any) -> None:
        raise error("on the way")

    last = [module for module in model.modules() if module._parameters][-2]
    last.register_forward_pre_hook(fail)
    before = everything(model)
    monitor = ActivationMonitor(model)
    with pytest.raises(error, match="on the way"):
        monitor.capture_activations(inputs(model))
    with pytest.raises(error, match="on the way"):
        monitor.capture_attention_weights(inputs(model))
    with pytest.raises(error, match="on the way"):
        monitor.trace_token_influence(inputs(model), 1)
    assert everything(model) == before


def test_a_capture_over_the_budget_leaves_everything_as_it_was(model: nn.Module) -> None:
    before = everything(model)
    monitor = ActivationMonitor(model, max_bytes=300)
    for look in (monitor.capture_activations, monitor.capture_attention_weights):
        with pytest.raises(CaptureBudgetExceeded):
            look(inputs(model))
    assert everything(model) == before
    model(**inputs(model))


class Writing(nn.Module):
    """Its forward writes, binds, registers and draws."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(3)
        self.words = nn.Embedding(10, 3, max_norm=0.1)
        self.register_buffer("seen", torch.zeros(1).expand(4))
        self.register_buffer("table", torch.randn(3, dtype=torch.complex64).conj())
        self.register_buffer("flag", torch.tensor(False))
        self.calls = 0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.calls += 1
        self.last = x
        self.flag.fill_(True)
        self.table.mul_(2)
        self.seen.as_strided((1,), (1,)).add_(1)
        self.register_buffer("fresh", torch.zeros(2))
        self.register_forward_hook(lambda module, args, output: output)
        random.random()
        np.random.rand()
        return self.norm(x) + self.words(torch.arange(5)).sum() + torch.randn(3)


def test_what_a_forward_writes_binds_registers_and_draws_is_put_back() -> None:
    model = Writing().train()
    before = everything(model)
    with preserve_state(model, training=True):
        model(torch.randn(6, 3))
        assert everything(model) != before
    assert everything(model) == before


def test_gradients_are_taken_inside_and_do_not_stay() -> None:
    model = nn.Sequential(nn.Linear(3, 3), nn.BatchNorm1d(3))
    model(torch.randn(4, 3)).sum().backward()
    kept = model[0].weight.grad
    before = everything(model)
    with torch.no_grad(), preserve_state(model, grad=True):
        assert model[0].weight.grad is None
        model(torch.ones(4, 3)).square().sum().backward()
        assert model[0].weight.grad is not None
    assert model[0].weight.grad is kept
    assert everything(model) == before


def test_a_block_that_changes_settings_and_fails_is_undone(tiny: Tiny) -> None:
    model = tiny("qwen2")
    before = everything(model)

    def block() -> Iterator[None]:
        with preserve_state(model, attention="eager", grad=True):
            assert model.config._attn_implementation == "eager"
            model.requires_grad_(False)
            model.model.layers[0] = nn.Identity()
            model.lm_head.weight = nn.Parameter(torch.zeros(60, 32))
            torch.manual_seed(3)
            yield

    running = block()
    next(running)
    with pytest.raises(KeyboardInterrupt):
        running.throw(KeyboardInterrupt())
    assert everything(model) == before


def test_what_transformers_installs_to_record_outputs_does_not_stay(tiny: Tiny) -> None:
    model = tiny("bert")
    before = everything(model)
    with preserve_state(model):
        model(IDS, output_hidden_states=True)
        assert any(module._forward_hooks for module in model.modules())
    assert everything(model) == before
    assert model(IDS, output_hidden_states=True).hidden_states is not None


class Merging(nn.Linear):
    """Merges an adapter into its weight when it is told to evaluate, as loralib does."""

    def train(self, mode: bool = True) -> Merging:
        if not mode:
            self.weight.data += 1
        return super().train(mode)


def test_changing_the_mode_runs_no_code_of_the_model() -> None:
    model = nn.Sequential(Merging(2, 2))
    before = everything(model)
    with preserve_state(model, training=False):
        assert not model[0].training
    assert everything(model) == before


def test_a_model_that_a_forward_would_initialise_is_refused() -> None:
    model = nn.Sequential(nn.LazyLinear(3))
    with pytest.raises(UnsupportedStorage, match=r"0\.weight"), preserve_state(model):
        pass


def test_a_scripted_model_is_refused_in_words_and_untouched() -> None:
    model = torch.jit.script(nn.Sequential(nn.Linear(3, 3), nn.Dropout())).train()
    x = torch.randn(2, 3)
    for ask in (
        ActivationMonitor(model).capture_activations,
        ActivationMonitor(nn.Sequential(model)).capture_attention_weights,
        GradientAnalyzer(model).input_sensitivity,
        TemporalAnalyzer(model).layer_flow,
    ):
        with pytest.raises(InvalidArgument, match="RecursiveScriptModule"):
            ask(x)
    assert model.training
    assert ArchitectureNavigator(model, x).get_architecture_summary()["parameters"]["elements"] == 12
    assert model.training
