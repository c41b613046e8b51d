"""No stale answer: a capture is only given again while every bit it depends on is the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from introspection.activations import ActivationMonitor
from introspection.forward_key import ForwardKey
from introspection.scan import SharingScanner

torch.set_num_threads(1)

IDS = torch.tensor([[5, 9, 2, 7, 1, 8]])
Tiny = Callable[[str], Any]


class Plain(nn.Module):
    """Weights, a buffer, an unregistered tensor, a number, and a function, all of which the forward reads."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.inner = nn.Linear(4, 4)
        self.norm = nn.BatchNorm1d(4)
        self.bank = [torch.randn(4)]
        self.scale = 1.0
        self.activation: Callable[[torch.Tensor], torch.Tensor] = torch.tanh
        self.options = {"shift": 0.0, "flip": False}

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        made = self.norm(self.inner(x)) * self.scale + self.bank[0] + self.options["shift"]
        return self.activation(-made if self.options["flip"] else made)


X = torch.linspace(-1, 1, 12).reshape(3, 4)


def by_data(model: Plain) -> None:
    model.inner.weight.data += 1


def by_numpy(model: Plain) -> None:
    model.inner.weight.detach().numpy()[0, 0] += 1


def by_rebinding(model: Plain) -> None:
    model.inner.weight = nn.Parameter(model.inner.weight.detach() * 2)


def one_ulp(model: Plain) -> None:
    values = model.inner.bias.detach().numpy()
    values[3] = np.nextafter(values[3], np.float32(np.inf))


def in_a_buffer(model: Plain) -> None:
    model.norm.running_mean.numpy()[:] = 3


def in_a_plain_tensor(model: Plain) -> None:
    model.bank[0].numpy()[1] = 7


def in_a_plain_number(model: Plain) -> None:
    model.scale = 2.0


def in_a_dictionary(model: Plain) -> None:
    model.options["shift"] = 0.5


def another_function(model: Plain) -> None:
    model.activation = torch.sigmoid


def a_closure(model: Plain) -> None:
    factor = 3.0
    model.activation = lambda value: value * factor


def another_module(model: Plain) -> None:
    model.norm = nn.BatchNorm1d(4, eps=0.1).eval()


def a_steering_hook(model: Plain) -> None:
    model.inner.register_forward_hook(lambda module, args, output: output + 1)


def a_replaced_forward(model: Plain) -> None:
    model.inner.forward = lambda x: x  # type: ignore[method-assign]


EDITS = [
    by_data, by_numpy, by_rebinding, in_a_buffer, in_a_plain_tensor, in_a_plain_number, in_a_dictionary,
    another_function, a_closure, another_module, a_steering_hook, a_replaced_forward,
]  # fmt: skip


@pytest.mark.parametrize("edit", EDITS, ids=lambda edit: edit.__name__)
def test_a_capture_after_an_edit_is_of_the_edited_model(edit: Callable[[Plain], None]) -> None:
    model = Plain().eval()
    monitor = ActivationMonitor(model)
    before = monitor.capture_activations(X, "")
    assert monitor.capture_activations(X, "") is before
    edit(model)
    after = monitor.capture_activations(X, "")
    assert torch.equal(after[""], model(X).detach())
    assert not torch.equal(after[""], before[""])


def test_a_write_of_one_ulp_is_enough() -> None:
    model = Plain().eval()
    monitor = ActivationMonitor(model)
    before = monitor.capture_activations(X)
    one_ulp(model)
    assert monitor.capture_activations(X) is not before


def test_a_method_replaced_on_the_class_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    model = Plain().eval()
    monitor = ActivationMonitor(model)
    before = monitor.capture_activations(X, "")
    monkeypatch.setattr(Plain, "forward", lambda self, x: self.inner(x))
    assert torch.equal(monitor.capture_activations(X, "")[""], model.inner(X).detach())
    assert not torch.equal(before[""], model.inner(X))


def test_inputs_layers_and_kind_each_make_a_capture_of_their_own(tiny: Tiny, tokenizer: Any) -> None:
    monitor = ActivationMonitor(tiny("gpt2"), tokenizer)
    one = monitor.capture_activations("the cat sat", "lm_head")
    assert monitor.capture_activations("the cat sat", "lm_head") is one
    assert monitor.capture_activations("the cat ran", "lm_head") is not one
    assert monitor.capture_activations("the cat sat", "transformer") is not one
    assert monitor.capture_activations("the cat sat", "lm_head", max_length=2) is not one
    weights = monitor.capture_attention_weights("the cat sat")
    assert weights is not one
    assert monitor.capture_attention_weights("the cat sat") is weights


@pytest.mark.parametrize("name", ["qwen2", "gpt2", "bert", "t5", "albert"])
def test_transformers_models_are_answered_again_until_edited_anywhere(tiny: Tiny, name: str) -> None:
    model = tiny(name)
    monitor = ActivationMonitor(model)
    inputs = {"input_ids": IDS, **({"decoder_input_ids": IDS} if name == "t5" else {})}
    before = monitor.capture_activations(inputs)
    assert monitor.capture_activations(inputs) is before
    for parameter in list(model.parameters())[::4]:
        kept = parameter.detach().clone()
        parameter.data.view(-1)[-1] += 1
        assert ForwardKey(SharingScanner(model, unregistered=True)).of_model() != before.model_key
        parameter.data.copy_(kept)
    assert monitor.capture_activations(inputs) is before


def test_a_config_that_changed_is_noticed(tiny: Tiny) -> None:
    model = tiny("qwen2")
    monitor = ActivationMonitor(model)
    inputs = {"input_ids": IDS}
    before = monitor.capture_activations(inputs)
    model.set_attn_implementation("eager")
    assert monitor.capture_activations(inputs) is not before


def test_what_the_user_wrote_into_captured_tensors_is_not_given_out_again() -> None:
    model = Plain().eval()
    monitor = ActivationMonitor(model)
    captured = monitor.capture_activations(X, "")
    captured[""].zero_()
    assert torch.equal(monitor.capture_activations(X, "")[""], model(X).detach())


class Noisy(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Linear(4, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.inner(x) + torch.randn(4)


class Opaque:
    def __init__(self) -> None:
        self.__secret = iter((1.0, 2.0))

    def next(self) -> float:
        return next(self.__secret)


class Stateful(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Linear(4, 4)
        self.source = Opaque()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.inner(x) * self.source.next()


def test_what_draws_random_numbers_is_never_answered_from_before() -> None:
    monitor = ActivationMonitor(Noisy())
    before = monitor.capture_activations(X, "")
    torch.manual_seed(123)
    assert not torch.equal(monitor.capture_activations(X, "")[""], before[""])


def test_what_cannot_be_told_to_be_the_same_is_never_answered_from_before() -> None:
    model = Stateful()
    monitor = ActivationMonitor(model)
    before = monitor.capture_activations(X, "")
    assert before.model_key is None
    torch.testing.assert_close(monitor.capture_activations(X, "")[""], before[""] * 2)
    assert monitor.get_activation_statistics("")["model_changed"] is None


def test_training_runs_are_never_answered_from_before() -> None:
    monitor = ActivationMonitor(nn.Sequential(nn.Linear(4, 4)))
    assert monitor.capture_activations(X, training=True) is not monitor.capture_activations(X, training=True)


def test_statistics_say_whether_the_model_has_changed_since() -> None:
    model = Plain().eval()
    monitor = ActivationMonitor(model)
    monitor.capture_activations(X, "inner")
    assert monitor.get_activation_statistics("inner")["model_changed"] is False
    by_data(model)
    assert monitor.get_activation_statistics("inner")["model_changed"] is True


def test_everything_captured_is_let_go_when_asked() -> None:
    monitor = ActivationMonitor(Plain().eval())
    before = monitor.capture_activations(X)
    monitor.clear_activations()
    assert not monitor.activations
    assert monitor.capture_activations(X) is not before


def test_recurrent_models_are_answered_again_too() -> None:
    model = nn.Sequential(nn.LSTM(4, 3))
    monitor = ActivationMonitor(model)
    before = monitor.capture_activations(X)
    assert list(before) == ["0", "0[1][0]", "0[1][1]"]
    assert monitor.capture_activations(X) is before
    model[0].weight_hh_l0.data[0, 0] += 1
    assert monitor.capture_activations(X) is not before
