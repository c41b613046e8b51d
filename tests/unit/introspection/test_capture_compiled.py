"""Compiled code inside a window: it stays compiled, and what it writes is found."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
import torch._dynamo
from torch import nn
from torch._dynamo.testing import CompileCounterWithBackend

from introspection.capture import WriteCapture

torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def fresh_compiler() -> Iterator[None]:
    torch._dynamo.reset()
    yield
    torch._dynamo.reset()


@pytest.fixture
def model() -> nn.Linear:
    torch.manual_seed(0)
    return nn.Linear(4, 4)


class Counting:
    """A backend that runs the graph as it is and counts how often compiled code is made and run."""

    def __init__(self) -> None:
        self.made = 0
        self.run = 0

    def __call__(self, graph: torch.fx.GraphModule, inputs: list[torch.Tensor]) -> Callable[..., Any]:
        self.made += 1

        def call(*args: Any) -> Any:
            self.run += 1
            return graph(*args)

        return call


@pytest.mark.parametrize("first", ["before", "inside"])
def test_compiled_code_stays_compiled_inside_and_after(model: nn.Linear, first: str) -> None:
    backend = Counting()
    compiled = torch.compile(model, backend=backend)
    inputs = torch.ones(2, 4)
    if first == "before":
        compiled(inputs)
    with WriteCapture(model):
        compiled(inputs)
        compiled(inputs)
    compiled(inputs)
    assert backend.made == 1
    assert backend.run == (4 if first == "before" else 3)


def test_an_ordinary_mode_turns_compiled_code_off_which_is_why_ours_is_none(model: nn.Linear) -> None:
    from torch.utils._python_dispatch import TorchDispatchMode

    class Ordinary(TorchDispatchMode):
        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            return func(*args, **(kwargs or {}))

    backend = Counting()
    compiled = torch.compile(model, backend=backend)
    with Ordinary():
        compiled(torch.ones(2, 4))
    compiled(torch.ones(2, 4))
    assert backend.run == 0


def test_compiled_code_of_operators_is_seen_writing(model: nn.Linear) -> None:
    backend = CompileCounterWithBackend("aot_eager")

    @torch.compile(backend=backend)
    def nudge(weight: torch.Tensor) -> None:
        weight.add_(1)

    with torch.no_grad(), WriteCapture(model) as capture:
        nudge(model.weight)
    assert backend.frame_count == 1
    assert [write.names for write in capture.writes] == [("weight",)]
    assert capture.unattributed == ()


def test_what_runs_between_two_compiled_parts_is_seen(model: nn.Linear) -> None:
    backend = Counting()

    @torch.compile(backend=backend)
    def broken(inputs: torch.Tensor) -> torch.Tensor:
        inputs = inputs + 1
        torch._dynamo.graph_break()
        model.bias.data.add_(1)
        torch._dynamo.graph_break()
        return inputs * 2

    with WriteCapture(model) as capture:
        broken(torch.ones(2))
        runs = backend.run
        broken(torch.ones(2))
    assert backend.run == 2 * runs
    assert [write.names for write in capture.writes] == [("bias",)]


def test_the_handler_itself_is_never_compiled(model: nn.Linear) -> None:
    seen: list[str] = []

    def backend(graph: torch.fx.GraphModule, inputs: list[torch.Tensor]) -> Callable[..., Any]:
        seen.extend(str(node.meta.get("stack_trace")) for node in graph.graph.nodes)
        return graph.forward

    @torch.compile(backend=backend)
    def program(inputs: torch.Tensor) -> torch.Tensor:
        outputs = inputs + 1
        torch._dynamo.graph_break()
        model.bias.data.copy_(torch.ones(4))
        return outputs

    with WriteCapture(model, on_write=lambda keys: None) as capture:
        program(torch.ones(2))
    assert [write.names for write in capture.writes] == [("bias",)]
    assert seen
    assert not any("introspection/capture" in trace for trace in seen)


def test_on_request_compiled_code_runs_eagerly_inside_and_compiled_after(model: nn.Linear) -> None:
    backend = Counting()

    def nudge(weight: torch.Tensor) -> torch.Tensor:
        return weight.add_(1)

    compiled = torch.compile(nudge, backend=backend)
    with torch.no_grad():
        compiled(model.weight)
        with WriteCapture(model, compiled="eager") as capture:
            compiled(model.weight)
        assert (backend.made, backend.run) == (1, 1)
        compiled(model.weight)
    assert (backend.made, backend.run) == (1, 2)
    assert [write.names for write in capture.writes] == [("weight",)]
    assert capture.writes[0].operators == (("aten.add_.Tensor", 1),)


def test_what_inductor_writes_is_found_at_the_end(model: nn.Linear) -> None:
    @torch.compile
    def nudge(weight: torch.Tensor) -> None:
        weight.mul_(2).add_(1).sin_()

    with torch.no_grad():
        nudge(torch.ones(4, 4))
        with WriteCapture(model) as capture:
            nudge(model.weight)
    assert {*capture.unattributed, *(name for write in capture.writes for name in write.names)} == {"weight"}
