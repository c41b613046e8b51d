"""From a live model to its dataflow: one forward, of a copy where that is possible, that leaves the model as it was."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode
from torch.utils._pytree import tree_map_only

from introspection.copies import ModelCopy, copied, is_compiled
from introspection.dataflow import Dataflow, Source, dataflow_of
from introspection.errors import NotFollowed
from introspection.names import named_modules, named_tensors
from introspection.operations import operation_graph
from introspection.sample_inputs import inputs_from_configuration
from introspection.tracing import traced_forward
from introspection.untouched import random_state_kept, untouched

Inputs = tuple[tuple[Any, ...], dict[str, Any]]

COPY_LIMIT = 256 * 2**20
"""Bytes of tensors up to which a model is copied whole, rather than run itself, where copies without values fail."""


def follow(model: nn.Module, sample_inputs: Any = None) -> Dataflow:
    """The dataflow of one forward of `model` in evaluation mode; the model is left as it was, bit for bit.

    Tried in this order, until one runs: a copy on tensors that hold no values (any size, any device, meta too, costs
    no memory; fails where the code's path depends on values), as it is and in bfloat16 (some operators know no other
    type without values); a copy with values, up to `COPY_LIMIT`; the model itself, under `untouched`. Hooks of others
    run only in the last case.

    Args:
        model: Any torch module.
        sample_inputs: What to call it with: a mapping of keyword arguments, a tuple of positional ones, or one value.
            None: made from the model's `config` if it has one.

    Raises:
        NotFollowed: There is nothing to call it with, or every attempt failed; says why for each.
    """
    if any(isinstance(module, torch.jit.ScriptModule) for _, module in named_modules(model)):
        raise NotFollowed("TorchScript runs it, where no call is seen: give the model that was scripted or traced")
    reasons: list[str] = []
    candidates = (
        [_arguments(sample_inputs)]
        if sample_inputs is not None
        else [((), dict(keywords)) for keywords in inputs_from_configuration(model)]
    )
    if not candidates:
        raise NotFollowed("no sample input was given, and it has no config to make one from")
    for attempt in (_on_fake_copy, _on_fake_copy_in_bfloat16, _on_real_copy, _on_model):
        for inputs in candidates:
            try:
                return attempt(model, inputs)
            except Exception as error:  # noqa: BLE001 - a model's code may raise anything; every reason is reported
                reasons.append(f"{attempt.__name__.removeprefix('_').replace('_', ' ')}: {_first_line(error)}")
    raise NotFollowed("; ".join(dict.fromkeys(reasons)))


def _on_fake_copy(model: nn.Module, inputs: Inputs, floats: torch.dtype | None = None) -> Dataflow:
    mode = FakeTensorMode(allow_non_fake_inputs=True)

    def fake(tensor: torch.Tensor) -> torch.Tensor:
        # One device for all: where weights are spread over devices, or on meta, nothing has to be moved to run.
        dtype = floats if floats is not None and tensor.is_floating_point() else tensor.dtype
        with mode:
            return torch.empty(tensor.shape, dtype=dtype, device="cpu")

    notes = () if floats is None else ("the copy was in bfloat16",)
    with random_state_kept(), torch.no_grad(), _quiet("torch._subclasses.fake_tensor"):
        copy = copied(model, fake)
        with mode:
            return _traced(copy, tree_map_only(torch.Tensor, fake, inputs), "fake_traced", model, notes)


def _on_fake_copy_in_bfloat16(model: nn.Module, inputs: Inputs) -> Dataflow:
    return _on_fake_copy(model, inputs, torch.bfloat16)


@contextmanager
def _quiet(name: str) -> Iterator[None]:
    """Keeps a logger from writing down an error that we go on from, and report in our own words."""
    logger, thread = logging.getLogger(name), threading.get_ident()

    def of_other_threads(record: logging.LogRecord) -> bool:
        return record.thread != thread

    logger.addFilter(of_other_threads)
    try:
        yield
    finally:
        logger.removeFilter(of_other_threads)


def _on_real_copy(model: nn.Module, inputs: Inputs) -> Dataflow:
    _require_values(model)
    once = {id(held.tensor): held.tensor for held in named_tensors(model, unregistered=True)}
    size = sum(tensor.numel() * tensor.element_size() for tensor in once.values())
    if size > COPY_LIMIT:
        raise NotFollowed(f"its {size:,} bytes are more than are copied for looking ({COPY_LIMIT:,})")
    with random_state_kept(), torch.no_grad():
        copy = copied(model, lambda tensor: tensor.detach().clone())
        return _traced(copy, _on_device(model, inputs), "traced", model)


def _on_model(model: nn.Module, inputs: Inputs) -> Dataflow:
    _require_values(model)
    modules = _once(model)
    if any(is_compiled(module) or vars(module).get("_compiled_call_impl") is not None for module in modules.values()):
        raise NotFollowed("it is compiled: watching its operators would turn the compiled code off")
    tensors = tuple((held.name, held.tensor) for held in named_tensors(model))
    with untouched(model):
        return _traced(
            ModelCopy(model, modules, tensors),
            _on_device(model, inputs),
            "traced",
            model,
            ("the model itself was run, once, in evaluation mode, and put back as it was",),
        )


def _traced(copy: ModelCopy, inputs: Inputs, source: Source, model: nn.Module, notes: tuple[str, ...] = ()) -> Dataflow:
    inside = _parametrizations(model)
    watched = {path: module for path, module in copy.modules.items() if path not in inside}
    if not any(module is copy.model for module in watched.values()):
        watched = {"": copy.model, **watched}
    trace = traced_forward(copy.model, watched, copy.tensors, inputs)
    return dataflow_of(operation_graph(trace), source, watched, notes)


def _parametrizations(model: nn.Module) -> set[str]:
    """Paths of the modules that compute another module's tensor: they are part of how it reads that tensor."""
    return {path for path, _ in named_modules(model) if "parametrizations" in path.split(".")}


def _once(model: nn.Module) -> dict[str, nn.Module]:
    modules: dict[int, tuple[str, nn.Module]] = {}
    for path, module in named_modules(model):
        modules.setdefault(id(module), (path, module))
    return dict(modules.values())


def _require_values(model: nn.Module) -> None:
    for held in named_tensors(model):
        if held.tensor.is_meta or isinstance(held.tensor, FakeTensor):
            raise NotFollowed(f"{held.name} holds no values to compute with")


def _on_device(model: nn.Module, inputs: Inputs) -> Inputs:
    first = next((held.tensor for held in named_tensors(model)), None)
    if first is None:
        return inputs
    moved: Inputs = tree_map_only(torch.Tensor, lambda tensor: tensor.to(first.device), inputs)
    return moved


def _arguments(sample_inputs: Any) -> Inputs:
    if isinstance(sample_inputs, Mapping):
        return (), dict(sample_inputs)
    if isinstance(sample_inputs, tuple):
        return sample_inputs, {}
    return (sample_inputs,), {}


def _first_line(error: Exception) -> str:
    if isinstance(error, NotFollowed):
        return error.reason
    lines = str(error).splitlines()
    return f"{type(error).__name__}: {lines[0][:300]}" if lines else type(error).__name__
