"""What goes into and comes out of each layer while a model runs: recorded call by call, on the CPU, within a budget."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import nn

from introspection.errors import InvalidArgument
from introspection.inputs import ModelInputs, model_inputs
from introspection.layer_info import resolve_layers
from introspection.model_state import preserve_state
from introspection.names import named_modules
from introspection.quick_fingerprint import quick_fingerprints

DEFAULT_BYTES = 1 << 30
"""The most memory that recorded activations take unless another budget is given: 1 GiB."""


@dataclass(frozen=True, slots=True)
class LayerCall:
    """One call of one layer: a layer that is used twelve times in a forward has twelve."""

    layer: str
    """Path of the module."""
    call: int
    """Which call of this layer it is, from 0."""
    stack: str | None
    """Path of the list of layers it was found in; None for a layer that was asked for by name."""
    before: torch.Tensor | None
    """The first floating-point tensor that went in; None if there was none."""
    after: torch.Tensor
    """The first floating-point tensor that came out."""
    continues: bool
    """Whether what went in is what came out of the call recorded before it."""
    beside: tuple[str | None, ...] | None = None
    """Fingerprints of the other floating-point tensors that went in; None where they were not asked for."""

    @property
    def label(self) -> str:
        """The layer's path, and which call of it, where there are several: the name of this call in results."""
        return f"{self.layer}#{self.call}" if self.call else self.layer


@dataclass(frozen=True, slots=True)
class Recording:
    """A forward: what was run, every call of the layers asked for, in order, and what came out."""

    inputs: ModelInputs
    """What the model was called with."""
    calls: tuple[LayerCall, ...]
    """Every call, in the order in which the calls ended."""
    output: torch.Tensor | None
    """The logits that came out; for a model without logits, the first floating-point tensor; None without any."""
    is_logits: bool
    """Whether `output` are logits, of which a softmax makes distributions."""
    nbytes: int
    """Memory that the activations take; what is both an output and the next input counts once."""

    def rows(self, call: LayerCall, tensor: torch.Tensor) -> torch.Tensor:
        """The activations of real tokens as a matrix, tokens × units; padding is left out."""
        return as_rows(tensor, token_mask(self.inputs, decoder=in_decoder(self.inputs, call.layer)))

    def rows_of_output(self) -> torch.Tensor:
        """The output as a matrix, one row for each real token of the decoder, or of the only sequence there is."""
        if self.output is None:
            return torch.zeros(0, 0)
        return as_rows(self.output, token_mask(self.inputs, decoder="decoder_input_ids" in self.inputs.kwargs))


@dataclass(slots=True)
class _Last:
    """What the call before gave out, live, and the copy that was kept of it."""

    tensor: torch.Tensor | None = None
    version: int | None = None
    copy: torch.Tensor | None = None


@dataclass(frozen=True, slots=True)
class _Entered:
    """What went into a call that has not ended yet."""

    before: torch.Tensor | None
    continues: bool
    beside: tuple[str | None, ...] | None


@dataclass(slots=True)
class _Recorder:
    max_bytes: int
    stack_of: Mapping[str, str | None]
    fingerprints: bool
    calls: list[LayerCall] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    used: int = 0
    last: _Last = field(default_factory=_Last)

    def entered(self, args: Any, kwargs: Any) -> _Entered:
        """Keeps what goes in, before the layer can write into it; the copy there is serves where nothing changed."""
        before = stream_in(args, kwargs)
        beside: tuple[str | None, ...] | None = None
        if self.fingerprints:
            others = [tensor for tensor in floating((args, kwargs)) if tensor is not before]
            beside = tuple(quick_fingerprints({str(index): tensor for index, tensor in enumerate(others)}).values())
        if before is None:
            return _Entered(None, False, beside)
        if before is self.last.tensor and _version(before) == self.last.version is not None:
            return _Entered(self.last.copy, True, beside)
        return _Entered(self.kept(before), False, beside)

    def left(self, layer: str, entered: _Entered, after: torch.Tensor) -> None:
        """Takes in a call that ended."""
        kept = self.kept(after)
        call = self.counts.get(layer, 0)
        self.counts[layer] = call + 1
        self.calls.append(
            LayerCall(layer, call, self.stack_of[layer], entered.before, kept, entered.continues, entered.beside)
        )
        self.last = _Last(after, _version(after), kept)

    def kept(self, tensor: torch.Tensor) -> torch.Tensor:
        """A copy on the CPU, if the budget allows it."""
        self.used += tensor.numel() * tensor.element_size()
        if self.used > self.max_bytes:
            raise InvalidArgument(
                "max_bytes",
                self.max_bytes,
                "the activations need more: name fewer layers, shorten the inputs, or raise it",
            )
        return tensor.detach().to("cpu", copy=True)


def record_layer_calls(
    model: nn.Module,
    inputs: ModelInputs,
    layers: Sequence[str] | None = None,
    *,
    max_bytes: int = DEFAULT_BYTES,
    fingerprints: bool = False,
) -> Recording:
    """Runs a model once in evaluation mode, without gradients, and keeps what went into and out of its layers.

    The model is put back exactly, hooks included, whatever happens.

    Args:
        model: The model.
        inputs: What it is called with.
        layers: Paths of modules; None for the blocks of its stacks, see `layer_stacks`.
        max_bytes: The most memory the activations may take.
        fingerprints: Whether to fingerprint what else goes into each layer.

    Raises:
        UnknownName: A path that is no module.
        InvalidArgument: The activations need more than `max_bytes`.
    """
    stack_of = chosen_layers(model, layers)
    recorder = _Recorder(max_bytes, stack_of, fingerprints)
    with torch.inference_mode(False), preserve_state(model), _hooked(model, recorder):
        returned = inputs.call(model)
        logits = logits_of(returned)
        result = first_floating(returned) if logits is None else logits
        output = None if result is None else recorder.kept(result)
    return Recording(inputs, tuple(recorder.calls), output, logits is not None, recorder.used)


def chosen_layers(model: nn.Module, layers: Sequence[str] | None) -> dict[str, str | None]:
    """The layers to look at, and the stack each was found in: those asked for, or the blocks of every stack.

    Args:
        model: The model.
        layers: As `resolve_layers` takes them.

    Raises:
        UnknownName: Nothing has this name.
        InvalidArgument: No layers at all.
    """
    if layers is None:
        return {layer: stack for stack, members in layer_stacks(model).items() for layer in members}
    names = [layers] if isinstance(layers, str) else list(layers)
    if not names:
        raise InvalidArgument("layers", layers, "name at least one, or give None for every block")
    return dict.fromkeys(resolve_layers(model, names))


def layer_stacks(model: nn.Module) -> dict[str, tuple[str, ...]]:
    """The lists of layers that a model's stream runs through, by path: the outermost `ModuleList`s and their members.

    Without any, the outermost `Sequential`s; without those, the model's own modules. Which of them really feed each
    other is known once the model runs: see `LayerCall.continues`.
    """
    modules = list(named_modules(model))
    for kind in (nn.ModuleList, nn.Sequential):
        found: dict[str, tuple[str, ...]] = {}
        seen: set[int] = set()
        for path, module in modules:
            within = any(_below(path, outer) for outer in found)
            if isinstance(module, kind) and not within and id(module) not in seen and len(module) > 0:
                seen.add(id(module))
                found[path] = _members(path, module)
        if found:
            return found
    return {"": _members("", model) or ("",)}


def each_input(
    model: nn.Module, given: Any, tokenizer: Callable[..., Any] | None, max_length: int | None
) -> list[ModelInputs]:
    """Model inputs for each member of a list, so that nothing is padded; or for the one that is given.

    Raises:
        InvalidArgument: As `model_inputs`; or an empty list.
    """
    if isinstance(given, list):
        if not given:
            raise InvalidArgument("inputs", given, "give at least one")
        return [model_inputs(model, one, tokenizer, max_length=max_length) for one in given]
    return [model_inputs(model, given, tokenizer, max_length=max_length)]


def unwrapped(model: nn.Module) -> nn.Module:
    """The model inside what `torch.compile`, `DataParallel`, `DistributedDataParallel` and peft put around it.

    Adapters are layers of the model inside. Learned prompts are not: a model with those is not taken apart.
    """
    peft = sys.modules.get("peft")
    if peft is not None and isinstance(model, peft.PeftModel) and not model.active_peft_config.is_prompt_learning:
        return unwrapped(model.get_base_model())
    children = dict(model.named_children())
    inner = children.get("_orig_mod", children.get("module"))
    return unwrapped(inner) if inner is not None and len(children) == 1 else model


def in_decoder(inputs: ModelInputs, layer: str) -> bool:
    """Whether a layer's tokens are those of the decoder of an encoder-decoder model."""
    return "decoder_input_ids" in inputs.kwargs and "decoder" in layer.split(".")


def token_mask(inputs: ModelInputs, *, decoder: bool = False) -> torch.Tensor | None:
    """Which tokens are real, (batch, tokens) on the CPU, of the model's input or of its decoder's; None: all."""
    mask = inputs.kwargs.get("decoder_attention_mask" if decoder else "attention_mask")
    return mask.detach().cpu() != 0 if isinstance(mask, torch.Tensor) and mask.ndim == 2 else None


def as_rows(tensor: torch.Tensor, mask: torch.Tensor | None = None) -> torch.Tensor:
    """A matrix of activations, one row for each token: (batch, tokens, units) and (batch, units) are known.

    Of tensors with more dimensions, each sample is one row.

    Args:
        tensor: Activations with the batch first.
        mask: Which tokens are real, (batch, tokens); not applied to tensors of other dimensions.
    """
    if tensor.ndim == 3:
        if mask is not None and mask.shape == tensor.shape[:2]:
            return tensor[mask]
        return tensor.flatten(0, 1)
    if tensor.ndim < 2:
        return tensor.reshape(1, -1)
    return tensor.flatten(1)


def copied_inputs(inputs: ModelInputs) -> ModelInputs:
    """The inputs in memory of their own, which nobody else writes into and every graph can use."""
    args, kwargs = _copied(inputs.args), _copied(inputs.kwargs)
    ids = None if inputs.token_ids is None else kwargs.get("input_ids", args[0] if args else None)
    return replace(inputs, args=args, kwargs=kwargs, token_ids=ids)


def _copied(value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        return value.detach().clone()
    if isinstance(value, dict):
        return {name: _copied(each) for name, each in value.items()}
    return tuple(map(_copied, value)) if type(value) is tuple else value


def floating(value: Any) -> Iterator[torch.Tensor]:
    """Every floating-point tensor in what a module takes or returns, in order, at any depth."""
    if isinstance(value, torch.Tensor):
        if value.is_floating_point():
            yield value
    elif isinstance(value, Mapping | list | tuple):
        for item in value.values() if isinstance(value, Mapping) else value:
            yield from floating(item)


def first_floating(value: Any) -> torch.Tensor | None:
    """The first floating-point tensor in what a module takes or returns; None without any."""
    return next(floating(value), None)


def logits_of(output: Any) -> torch.Tensor | None:
    """The logits in what a model returned: `logits` by name, or a tensor that is returned alone; None without."""
    if isinstance(output, torch.Tensor):
        return output if output.is_floating_point() and output.ndim > 1 and output.shape[-1] > 1 else None
    found = output.get("logits") if isinstance(output, Mapping) else None
    return found if isinstance(found, torch.Tensor) else None


@contextmanager
def _hooked(model: nn.Module, recorder: _Recorder) -> Iterator[None]:
    handles = []
    try:
        for layer, module in once_each(model, recorder.stack_of):
            # A list, since a module can be entered again before it is left.
            pending: list[_Entered] = []

            def enter(module: nn.Module, args: Any, kwargs: Any, *, pending: list[_Entered] = pending) -> None:
                pending.append(recorder.entered(args, kwargs))

            def leave(
                module: nn.Module,
                args: Any,
                kwargs: Any,
                output: Any,
                *,
                layer: str = layer,
                pending: list[_Entered] = pending,
            ) -> None:
                entered, after = pending.pop(), first_floating(output)
                if after is not None:
                    recorder.left(layer, entered, after)

            handles.append(module.register_forward_pre_hook(enter, with_kwargs=True))
            handles.append(module.register_forward_hook(leave, with_kwargs=True))
        yield
    finally:
        for handle in handles:
            handle.remove()


def once_each(model: nn.Module, layers: Iterable[str]) -> Iterator[tuple[str, nn.Module]]:
    """The modules at these paths, each once, under the first of its paths."""
    modules = dict(named_modules(model))
    seen: set[int] = set()
    for layer in layers:
        if id(modules[layer]) not in seen:
            seen.add(id(modules[layer]))
            yield layer, modules[layer]


def stream_in(args: Any, kwargs: Any) -> torch.Tensor | None:
    """What goes through a layer: its first floating-point argument, or `hidden_states` where that is given by name."""
    found = first_floating(args)
    return found if found is not None else first_floating(kwargs.get("hidden_states", kwargs))


def _version(tensor: torch.Tensor) -> int | None:
    """Torch's count of writes to a tensor; None where it keeps none."""
    return None if tensor.is_inference() else tensor._version


def _members(path: str, module: nn.Module) -> tuple[str, ...]:
    return tuple(f"{path}.{key}" if path else key for key, child in module._modules.items() if child is not None)


def _below(path: str, outer: str) -> bool:
    return path != outer and (outer == "" or path.startswith(f"{outer}."))
