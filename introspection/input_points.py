"""The points at which a model's input becomes real numbers: its input embeddings, or its floating-point arguments."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import nn

from introspection.errors import InvalidArgument
from introspection.inputs import ModelInputs
from introspection.layer_calls import token_mask, unwrapped
from introspection.names import named_modules
from introspection.shapes import own_parameter


@dataclass(frozen=True, slots=True)
class InputPoint:
    """Where one argument enters: the tensor that gradients are taken with respect to."""

    argument: str
    """`input_ids`, `decoder_input_ids`, or the floating-point argument's name."""
    value: torch.Tensor
    """The embeddings, or the argument itself: a leaf that requires gradients."""
    ids: torch.Tensor | None
    """The token ids that were embedded; None for a floating-point argument."""

    def per_position(self, tensor: torch.Tensor) -> torch.Tensor:
        """A tensor like the value as (batch, positions, units): a position of its own for every feature of a row."""
        return tensor if tensor.ndim == 3 else tensor.reshape(len(tensor), -1, 1)

    def real(self, inputs: ModelInputs) -> torch.Tensor:
        """Which positions are real input and not padding, (batch, positions) on the CPU."""
        batch, positions = self.per_position(self.value).shape[:2]
        mask = token_mask(inputs, decoder=self.argument.startswith("decoder"))
        if mask is not None and mask.shape == (batch, positions):
            return mask
        return torch.ones(batch, positions, dtype=torch.bool)


@dataclass(slots=True)
class _Run:
    """One forward: what to put in place of each embedding, and what was met."""

    given: Sequence[torch.Tensor] | None
    points: list[InputPoint] = field(default_factory=list)

    def enter(self, argument: str, value: torch.Tensor, ids: torch.Tensor | None) -> torch.Tensor:
        """A leaf in the value's place: of the value itself, or of what is given for it."""
        source = value if self.given is None else self.given[len(self.points)]
        leaf = source.detach().to(value.dtype).clone().requires_grad_()
        self.points.append(InputPoint(argument, leaf, ids))
        return leaf


def run_from_points(
    model: nn.Module, inputs: ModelInputs, given: Sequence[torch.Tensor] | None = None
) -> tuple[Any, list[InputPoint]]:
    """Runs a model with its real-valued input cut off as leaves of the graph; gradients must be recorded.

    Args:
        model: The model.
        inputs: What it is called with.
        given: What to put in place of each point, in the order in which they are met; None for their own values.

    Returns:
        What the model returned, and the points.

    Raises:
        InvalidArgument: No embedding that takes the token ids, and no floating-point argument.
    """
    run = _Run(given)
    if inputs.token_ids is None:
        inputs = _with_leaf(inputs, run)
        return inputs.call(model), run.points
    with _cut(model, inputs, run):
        output = inputs.call(model)
    if not run.points:
        raise InvalidArgument(
            "model", type(model).__qualname__, "no embedding takes its token ids: give `inputs_embeds`, or floats"
        )
    return output, run.points


def embedded(model: nn.Module, points: Sequence[InputPoint], token_id: int) -> list[torch.Tensor]:
    """The embedding of one token at every position of every point, as the model's own embedding makes it."""
    found = []
    for point in points:
        if point.ids is None:
            raise InvalidArgument(
                "baseline", token_id, "a token is no baseline for floating-point inputs: give a tensor"
            )
        modules = [module for _, module in _input_embeddings(model)] or [
            module for _, module in named_modules(model) if isinstance(module, nn.Embedding)
        ]
        found.append(modules[0](torch.full_like(point.ids, token_id)).detach())
    return found


def _with_leaf(inputs: ModelInputs, run: _Run) -> ModelInputs:
    for index, value in enumerate(inputs.args):
        if isinstance(value, torch.Tensor) and value.is_floating_point():
            leaf = run.enter(f"argument {index}", value, None)
            return replace(inputs, args=(*inputs.args[:index], leaf, *inputs.args[index + 1 :]))
    for name, value in inputs.kwargs.items():
        if isinstance(value, torch.Tensor) and value.is_floating_point() and not name.endswith("mask"):
            return replace(inputs, kwargs={**inputs.kwargs, name: run.enter(name, value, None)})
    raise InvalidArgument("inputs", [*inputs.kwargs], "there are no token ids and no floating-point tensor among them")


@contextmanager
def _cut(model: nn.Module, inputs: ModelInputs, run: _Run) -> Iterator[None]:
    own = _input_embeddings(model)
    embeddings = own or [(path, module) for path, module in named_modules(model) if isinstance(module, nn.Embedding)]
    handles = []
    try:
        for path, module in embeddings:

            def replaced(module: nn.Module, args: Any, output: Any, *, path: str = path) -> torch.Tensor | None:
                ids = args[0] if args and isinstance(args[0], torch.Tensor) else None
                argument = _argument_of(ids, inputs, path, bool(own))
                return None if argument is None or ids is None else run.enter(argument, output, ids.detach())

            handles.append(module.register_forward_hook(replaced))
        yield
    finally:
        for handle in handles:
            handle.remove()


def _input_embeddings(model: nn.Module) -> list[tuple[str, nn.Module]]:
    """The input embedding that a transformers model names, and every module that embeds with the same weight."""
    model = unwrapped(model)
    named = getattr(type(model), "get_input_embeddings", None)
    if named is None:
        return []
    main = named(model)
    weight = own_parameter(main, "weight")
    found: dict[int, tuple[str, nn.Module]] = {}
    for path, module in named_modules(model):
        alike = isinstance(module, nn.Embedding) and weight is not None and _same_bytes(module.weight, weight)
        if module is main or alike:
            found.setdefault(id(module), (path, module))
    return list(found.values())


def _same_bytes(one: torch.Tensor, other: torch.Tensor) -> bool:
    return one is other or (one.shape == other.shape and one.is_set_to(other))


def _argument_of(ids: torch.Tensor | None, inputs: ModelInputs, path: str, named: bool) -> str | None:
    """Which argument these ids are; None if they are none of them, as positions are not."""
    if ids is None or inputs.token_ids is None:
        return None
    of_decoder = inputs.kwargs.get("decoder_input_ids")
    if named:
        # Ids that the model itself made, as a decoder's from labels, are no argument by value, but they are input.
        in_decoder = isinstance(of_decoder, torch.Tensor) or "labels" in inputs.kwargs
        return "decoder_input_ids" if in_decoder and "decoder" in path.split(".") else "input_ids"
    same_memory = ids is inputs.token_ids or ids.data_ptr() == inputs.token_ids.data_ptr()
    return "input_ids" if same_memory and ids.shape == inputs.token_ids.shape else None
