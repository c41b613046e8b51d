"""Watching real models run: every module that computes, whatever it is called; and no trace once it is over."""

from __future__ import annotations

import copy
import io
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from memory import MemorySystem
from memory.errors import NotAttached, SafetyViolation
from memory.safety.settings import SafetySettings

ROOT = str(Path(__file__).resolve().parents[3])
if ROOT not in sys.path:
    sys.path.insert(0, ROOT)

from tests.real_architectures import bert, gpt2, qwen2, t5  # noqa: E402

IDS = torch.arange(8)[None]
INPUTS = {"input_ids": IDS}
SEQUENCES = {"input_ids": IDS, "decoder_input_ids": IDS}

# By hand, from the code of transformers: an attention module of each, and a weight that feeds it.
ARCHITECTURES: dict[str, tuple[Callable[..., nn.Module], dict[str, Any], str, str]] = {
    "qwen2": (qwen2, INPUTS, "model.layers.1.self_attn", "model.layers.1.self_attn.q_proj.weight"),
    "gpt2": (gpt2, INPUTS, "transformer.h.1.attn", "transformer.h.1.attn.c_attn.weight"),
    "t5": (
        t5,
        SEQUENCES,
        "decoder.block.1.layer.1.EncDecAttention",
        "decoder.block.1.layer.1.EncDecAttention.q.weight",
    ),
    "bert": (bert, INPUTS, "bert.encoder.layer.1.attention.self", "bert.encoder.layer.1.attention.self.query.weight"),
}


@pytest.fixture(params=list(ARCHITECTURES))
def architecture(request: pytest.FixtureRequest) -> tuple[nn.Module, dict[str, Any], str, str]:
    make, inputs, attention, weight = ARCHITECTURES[request.param]
    return make(), inputs, attention, weight


@torch.no_grad()
def run(model: nn.Module, inputs: dict[str, Any] | None = None) -> Any:
    return model(**(INPUTS if inputs is None else inputs))


def messages(memory: MemorySystem) -> list[str]:
    return [alert.message for alert in memory.safety.get_alert_history()]


def test_every_module_that_computes_is_hooked_attention_included(
    memory: MemorySystem, architecture: tuple[nn.Module, dict[str, Any], str, str]
) -> None:
    model, inputs, attention, _ = architecture
    memory.attach(model, name="m")
    hooked = set(memory.safety.register_hooks())
    assert attention in hooked
    called: set[str] = set()
    handles = [
        module.register_forward_hook(lambda *args, path=path: called.add(path))
        for path, module in model.named_modules()
    ]
    run(model, inputs)
    for handle in handles:
        handle.remove()
    assert called <= hooked
    assert len(called) > 20


def test_nan_is_found_with_the_module_it_began_in_and_told_once_for_the_forward(
    memory: MemorySystem, architecture: tuple[nn.Module, dict[str, Any], str, str]
) -> None:
    model, inputs, _, weight = architecture
    memory.attach(model, name="m")
    with memory.safety.context() as safety:
        run(model, inputs)
        assert messages(memory) == []
        model.get_parameter(weight).data[0, 0] = float("nan")
        run(model, inputs)
        (alert,) = safety.get_recent_alerts()
    began = weight.removesuffix(".weight")
    assert (alert.level, alert.category, alert.rule, alert.layers) == (
        "critical",
        "nan",
        "activation_nonfinite",
        (began,),
    )
    assert began in alert.message
    assert alert.details["modules"][0] == began


def test_infinities_are_told_apart_from_nan(memory: MemorySystem) -> None:
    model = nn.Sequential(nn.Linear(2, 2), nn.Identity())
    model[0].bias.data[0] = float("inf")
    memory.attach(model, name="m")
    with memory.safety.context():
        model(torch.ones(1, 2))
    assert messages(memory) == ["0 gave out infinite values, and 2 more after it"]


def test_what_lasts_is_told_when_it_begins_and_when_it_comes_back(memory: MemorySystem) -> None:
    model = nn.Sequential(nn.Linear(2, 2))
    memory.attach(model, name="m")
    bad, good = torch.full((1, 2), float("nan")), torch.ones(1, 2)
    with memory.safety.context() as safety:
        for given in (bad, bad, bad, good, bad):
            model(given)
        assert len(messages(memory)) == 2
        assert safety.get_statistics()["repeated"] == {"activation_nonfinite": 2}
        assert safety.get_statistics()["forwards"] == 5


def test_the_hooks_leave_no_trace(
    memory: MemorySystem,
    architecture: tuple[nn.Module, dict[str, Any], str, str],
    hooks_of: Callable[[nn.Module], int],
) -> None:
    model, inputs, _, _ = architecture
    before, expected = hooks_of(model), run(model, inputs).logits if hasattr(run(model, inputs), "logits") else None
    memory.attach(model, name="m")
    with memory.safety.context():
        assert hooks_of(model) > 40
        watched = run(model, inputs)
    assert hooks_of(model) == before
    assert expected is not None
    assert torch.equal(watched.logits, expected)


@pytest.mark.parametrize("error", [ZeroDivisionError, KeyboardInterrupt])
def test_they_are_removed_however_the_block_ends(
    memory: MemorySystem, error: type[BaseException], hooks_of: Callable[[nn.Module], int]
) -> None:
    model = nn.Linear(2, 2)
    memory.attach(model, name="m")
    with pytest.raises(error), memory.safety.context():
        raise error
    assert hooks_of(model) == 0


def test_hooking_twice_hooks_once_and_closing_the_memory_unhooks(
    memory: MemorySystem, hooks_of: Callable[[nn.Module], int]
) -> None:
    model = nn.Linear(2, 2)
    memory.attach(model, name="m")
    memory.safety.register_hooks()
    once = hooks_of(model)
    memory.safety.register_hooks()
    assert hooks_of(model) == once
    memory.close()
    assert hooks_of(model) == 0


def test_a_forward_that_raises_leaves_the_watch_whole(memory: MemorySystem) -> None:
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    memory.attach(model, name="m")
    with memory.safety.context() as safety:
        with pytest.raises(RuntimeError):
            model(torch.ones(1, 3))
        model(torch.ones(1, 2))
        model[1](torch.full((1, 2), float("nan")))
        assert safety.get_statistics()["forwards"] == 3
    assert messages(memory) == ["1 gave out NaN"]


def test_a_copy_and_a_pickle_of_a_hooked_model_are_free_of_its_watch(memory: MemorySystem) -> None:
    model, buffer = nn.Linear(2, 2), io.BytesIO()
    memory.attach(model, name="m")
    with memory.safety.context():
        copied = copy.deepcopy(model)
        torch.save(model, buffer)
    buffer.seek(0)
    for each in (copied, torch.load(buffer, weights_only=False)):
        each(torch.full((1, 2), float("nan")))
    assert messages(memory) == []


def test_a_rule_that_stops_lets_the_forward_that_broke_it_give_nothing_out() -> None:
    model = nn.Sequential(nn.Linear(2, 2))
    with MemorySystem(":memory:", safety=SafetySettings(stop=("activation_nonfinite",))) as memory:
        memory.attach(model, name="m")
        with memory.safety.context():
            model(torch.ones(1, 2))
            with pytest.raises(SafetyViolation, match="gave out NaN"):
                model(torch.full((1, 2), float("nan")))
        with pytest.raises(SafetyViolation):
            model(torch.ones(1, 2))
        assert [alert.level for alert in memory.safety.get_alert_history()] == ["emergency"]
        memory.safety.clear_emergency("the input was wrong")
        model(torch.ones(1, 2))


def test_a_compiled_model_is_seen_by_what_it_gives_out(memory: MemorySystem) -> None:
    compiled = torch.compile(nn.Sequential(nn.Linear(2, 2)), backend="eager")
    memory.attach(compiled, name="m")
    with memory.safety.context():
        compiled(torch.full((1, 2), float("nan")))
    assert messages(memory) == ["the model gave out NaN"]


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64, torch.complex64, torch.float8_e4m3fn])
def test_every_floating_dtype_is_read(memory: MemorySystem, dtype: torch.dtype) -> None:
    model = nn.Identity()
    memory.attach(model, name="m")
    good, bad = torch.ones(3).to(dtype), torch.tensor([1.0, float("nan")]).to(dtype)
    with memory.safety.context():
        model({"states": [good]})
        assert messages(memory) == []
        model({"states": [good, bad]})
    assert messages(memory) == ["the model gave out NaN"]


@pytest.mark.parametrize(
    "output", [torch.empty(0), torch.ones(2, device="meta"), torch.ones(2, dtype=torch.int64), None]
)
def test_what_has_no_values_is_passed_over(memory: MemorySystem, output: object) -> None:
    model = nn.Identity()
    memory.attach(model, name="m")
    with memory.safety.context():
        model(output)
    assert messages(memory) == []


def test_a_slow_forward_is_warned_of(memory: MemorySystem) -> None:
    model = nn.Linear(2, 2)
    memory.attach(model, name="m")
    memory.safety.set_threshold("latency_seconds", 1e-9)
    with memory.safety.context() as safety:
        model(torch.ones(1, 2))
    (alert,) = safety.get_recent_alerts(category="latency")
    assert alert.level == "warning"
    assert alert.details["seconds"] > alert.details["bound"]
    assert safety.get_statistics()["inference_seconds"]["count"] == 1


def test_gradients_are_judged_together_once_another_forward_begins(memory: MemorySystem) -> None:
    model = nn.Linear(1, 1, bias=False)
    memory.attach(model, name="m")
    with memory.safety.context():
        (model(torch.full((1, 1), 50.0))).sum().backward()
        model.zero_grad()
        model(torch.ones(1, 1))
        assert messages(memory) == []
        (model(torch.full((1, 1), 101.0))).sum().backward()
        model.zero_grad()
        model(torch.ones(1, 1))
        assert messages(memory) == ["the gradients have norm 101, more than 100"]


def test_a_gradient_that_is_not_finite_names_its_parameter_at_the_end_of_the_block(memory: MemorySystem) -> None:
    model = nn.Linear(2, 1)
    memory.attach(model, name="m")
    with memory.safety.context():
        (model(torch.ones(1, 2)) * float("inf")).sum().backward()
    (alert,) = memory.safety.get_recent_alerts(category="nan", limit=1)
    assert alert.rule == "gradient_nonfinite"
    assert alert.layers == ("bias", "weight")


def test_gradients_can_be_judged_at_once(memory: MemorySystem) -> None:
    model = nn.Linear(1, 1, bias=False)
    memory.attach(model, name="m")
    with memory.safety.context() as safety:
        model(torch.full((1, 1), 200.0)).sum().backward()
        safety.check_gradients()
        assert messages(memory) == ["the gradients have norm 200, more than 100"]


def test_a_map_alone_cannot_be_hooked(memory: MemorySystem) -> None:
    from introspection import SharingMap

    memory.attach(SharingMap.from_relations(names=["a"]), name="sim")
    with pytest.raises(NotAttached):
        memory.safety.register_hooks()
