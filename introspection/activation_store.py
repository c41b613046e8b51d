"""Captured activations: their names, the bytes they may take, and the hooks that copy them while a model runs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

import torch
from torch import nn
from torch.utils.hooks import RemovableHandle

from introspection.errors import CaptureBudgetExceeded
from introspection.inputs import ModelInputs, token_words
from introspection.parts import parts


@dataclass(frozen=True, slots=True)
class TokenSequence:
    """What is known of the tokens that went into a model."""

    tokens: tuple[tuple[str, ...], ...] | None = None
    """The tokens in words, for each sequence."""
    mask: torch.Tensor | None = None
    """Which are not padding: bool, shape (batch, tokens), on the CPU."""


class Activations(dict[str, torch.Tensor]):
    """Tensors of one run of a model, by name, in the order they appeared.

    A layer's first call is under its path; call k of a layer that is called more often, counted from 0, under
    `path#k`. The first tensor of an output that holds several is under that name; the others under the name and where
    in the output they are: `encoder.layer#2[1]`, `encoder['hidden_states'][0]`.

    Attributes:
        sequence: The tokens the model was given.
        decoder_sequence: Those its decoder was given; None for a model that is no encoder-decoder.
        names: Every name under which something of a layer was captured, by layer: all its calls, all its tensors.
        calls: How often each captured layer was called.
        input_shapes: Shape of the first tensor each call of a layer was given, by layer; under "" the model's.
        kinds: Of attention weights, whether the keys are the queries' own sequence ("self") or another ("cross").
        model_key: What identifies the weights and settings they were computed with; None where nothing can.
    """

    def __init__(self) -> None:
        super().__init__()
        self.sequence = TokenSequence()
        self.decoder_sequence: TokenSequence | None = None
        self.names: dict[str, list[str]] = {}
        self.calls: dict[str, int] = {}
        self.input_shapes: dict[str, list[list[int]]] = {}
        self.kinds: dict[str, str] = {}
        self.model_key: str | None = None

    def put(self, layer: str, name: str, tensor: torch.Tensor) -> None:
        """Adds a tensor of a layer under a name."""
        self[name] = tensor
        self.names.setdefault(layer, []).append(name)

    def sequence_of(self, layer: str) -> TokenSequence:
        """The tokens that the positions in a layer's tensors stand for."""
        if self.decoder_sequence is not None and "decoder" in layer.split("."):
            return self.decoder_sequence
        return self.sequence

    @property
    def nbytes(self) -> int:
        """Bytes of all tensors together; a tensor under several names counts once."""
        return sum(bytes_of(tensor) for tensor in {id(tensor): tensor for tensor in self.values()}.values())


def bytes_of(tensor: torch.Tensor) -> int:
    """Bytes that a copy of a tensor takes: of a tensor expanded from few elements, those of all it shows."""
    return sum(part.numel() * part.element_size() for _, part in parts(tensor))


@dataclass(slots=True)
class ByteBudget:
    """The bytes that may be held; asked before each copy is made."""

    max_bytes: int
    """The most bytes."""
    used: int = 0
    """Bytes of this capture."""
    make_room: Callable[[int], None] | None = None
    """Called with the bytes this capture will hold, so that older captures can be let go."""

    def reserve(self, layer: str, needed: int) -> None:
        """Takes `needed` bytes.

        Raises:
            CaptureBudgetExceeded: They are more than what is left.
        """
        if self.used + needed > self.max_bytes:
            raise CaptureBudgetExceeded(layer, needed, self.used, self.max_bytes)
        self.used += needed
        if self.make_room is not None:
            self.make_room(self.used)


def output_tensors(output: Any) -> Iterator[tuple[str, torch.Tensor]]:
    """Every tensor in what a module returned, with where in it that is; the first under the empty text.

    Tuples, lists, mappings and dataclasses are entered. Other objects, key-value caches among them, are not: they live
    on and change after the call.
    """
    for index, (expression, tensor) in enumerate(_tensors(output, "", set())):
        yield ("" if index == 0 else expression), tensor


def _tensors(value: Any, expression: str, above: set[int]) -> Iterator[tuple[str, torch.Tensor]]:
    if isinstance(value, torch.Tensor):
        yield expression, value
        return
    items: Iterable[tuple[str, Any]]
    if is_dataclass(value) and not isinstance(value, type):
        # Before mappings: the outputs of transformers are both.
        items = [(f"[{field.name!r}]", getattr(value, field.name)) for field in fields(value)]
    elif isinstance(value, tuple) and hasattr(value, "_fields"):
        items = [(f"[{name!r}]", item) for name, item in zip(value._fields, value, strict=True)]
    elif isinstance(value, tuple | list):
        items = [(f"[{index}]", item) for index, item in enumerate(value)]
    elif isinstance(value, Mapping):
        items = [(f"[{key!r}]", item) for key, item in value.items()]
    else:
        return
    if id(value) in above:
        return
    above.add(id(value))
    for suffix, item in items:
        yield from _tensors(item, expression + suffix, above)
    above.discard(id(value))


class ActivationRecorder:
    """Forward hooks that copy what layers return: attached together, and removed together on any exit.

    A hook that fails removes all of them before its error leaves the forward, so that the next forward runs.

    Args:
        layers: What to capture: modules by the name to keep them under; one module may have several names.
        budget: The bytes it may hold.
        device: Where copies are kept; None: where the tensors are.
    """

    def __init__(self, layers: Mapping[str, nn.Module], budget: ByteBudget, device: torch.device | None) -> None:
        self.captured = Activations()
        self._layers = layers
        self._budget = budget
        self._device = device
        self._handles: list[RemovableHandle] = []

    def __enter__(self) -> ActivationRecorder:
        names: dict[int, list[str]] = {}
        modules: dict[int, nn.Module] = {}
        for name, module in self._layers.items():
            names.setdefault(id(module), []).append(name)
            modules[id(module)] = module
        try:
            for key, module in modules.items():
                hook = self._hook(tuple(names[key]))
                self._handles.append(module.register_forward_hook(hook, with_kwargs=True))
        except BaseException:
            self.remove()
            raise
        return self

    def __exit__(self, *exception: object) -> None:
        self.remove()

    def remove(self) -> None:
        """Removes the hooks; harmless when they are gone."""
        for handle in self._handles:
            handle.remove()

    def forget(self) -> None:
        """Drops what was captured; the hooks stay."""
        self.captured = Activations()
        self._budget.used = 0

    def _hook(self, names: tuple[str, ...]) -> Callable[..., None]:
        def keep(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any) -> None:
            try:
                self._keep(names, args, kwargs, output)
            except BaseException:
                self.remove()
                raise

        return keep

    def _keep(self, names: tuple[str, ...], args: tuple[Any, ...], kwargs: dict[str, Any], output: Any) -> None:
        captured = self.captured
        call = captured.calls.get(names[0], 0)
        given = next((tensor for _, tensor in output_tensors((args, kwargs))), None)
        for name in names:
            captured.calls[name] = call + 1
            if given is not None:
                captured.input_shapes.setdefault(name, []).append(list(given.shape))
        for expression, tensor in output_tensors(output):
            self._budget.reserve(names[0], bytes_of(tensor))
            copied = copy_of(tensor, self._device)
            for name in names:
                captured.put(name, call_name(name, call) + expression, copied)


def call_name(layer: str, call: int) -> str:
    """The name of call number `call` of a layer, counted from 0."""
    return f"{layer}#{call}" if call else layer


def copy_of(tensor: torch.Tensor, device: torch.device | None) -> torch.Tensor:
    """A copy outside any graph, with the same dtype, on `device` (None: where it is)."""
    detached = tensor.detach()
    return detached.clone() if device is None else detached.to(device, copy=True)


def describe_inputs(
    captured: Activations, model: nn.Module, inputs: ModelInputs, tokenizer: Callable[..., Any] | None
) -> None:
    """Notes what the model was given: the shape, the tokens, which of them are padding, and the decoder's likewise."""
    first = next((tensor for _, tensor in output_tensors((inputs.args, inputs.kwargs))), None)
    if first is not None:
        captured.input_shapes[""] = [list(first.shape)]
    captured.sequence = TokenSequence(inputs.tokens, _mask(inputs.kwargs.get("attention_mask"), inputs.token_ids))
    if getattr(vars(model).get("config"), "is_encoder_decoder", False):
        ids = inputs.kwargs.get("decoder_input_ids")
        mask = _mask(inputs.kwargs.get("decoder_attention_mask"), ids)
        captured.decoder_sequence = TokenSequence(token_words(ids, tokenizer), mask)


def _mask(mask: Any, ids: Any) -> torch.Tensor | None:
    if isinstance(mask, torch.Tensor) and isinstance(ids, torch.Tensor) and mask.shape == ids.shape:
        return mask.detach().cpu() != 0
    return None
