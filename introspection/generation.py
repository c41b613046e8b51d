"""Activations of every layer at every step while a transformers model generates, greedily and with its own cache."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn

from introspection.errors import InvalidArgument
from introspection.inputs import ModelInputs, model_inputs
from introspection.layer_calls import chosen_layers, first_floating, once_each, stream_in, unwrapped
from introspection.model_state import preserve_state
from introspection.similarity_measures import entropy, mean_cosine, number, relative_change, widened

# Everything that makes generation other than: the most probable token, one at a time, from the model's own logits.
# Explicit, since transformers fills what is not given from the model's own defaults.
_GREEDY: dict[str, Any] = {
    "do_sample": False,
    "num_beams": 1,
    "num_return_sequences": 1,
    "temperature": 1.0,
    "top_k": 50,
    "top_p": 1.0,
    "repetition_penalty": 1.0,
    "encoder_repetition_penalty": 1.0,
    "no_repeat_ngram_size": 0,
    "encoder_no_repeat_ngram_size": 0,
    "min_length": 0,
    "use_cache": True,
    "return_dict_in_generate": True,
    "output_logits": True,
    "output_attentions": False,
    "output_hidden_states": False,
}


@dataclass(slots=True)
class _Steps:
    """What is seen while generating: which step it is, and what each layer did to the last position in it."""

    layers: list[list[dict[str, Any]]] = field(default_factory=list)
    calls: dict[str, int] = field(default_factory=dict)
    previous: dict[str, torch.Tensor] = field(default_factory=dict)

    def begin(self) -> None:
        """A forward of the whole model: the next token."""
        self.layers.append([])
        self.calls = {}

    def see(self, layer: str, came: torch.Tensor | None, row: torch.Tensor) -> None:
        """Takes in a call of a layer; what runs before the first step, as an encoder does, belongs to none."""
        if not self.layers:
            return
        call = self.calls.get(layer, 0)
        self.calls[layer] = call + 1
        label = f"{layer}#{call}" if call else layer
        earlier = self.previous.get(label)
        self.previous[label] = row
        self.layers[-1].append(
            {
                "layer": label,
                "norm": number(float(row.norm())),
                "relative_update": None if came is None else relative_change(came, row),
                "cosine": None if came is None else mean_cosine(came, row),
                "cosine_to_previous_step": None
                if earlier is None or earlier.shape != row.shape
                else mean_cosine(earlier, row),
                "non_finite": int((~row.isfinite()).sum()),
            }
        )


def trace_generation(
    model: nn.Module,
    given: Any,
    tokenizer: Callable[..., Any] | None = None,
    max_new_tokens: int = 20,
    layers: Sequence[str] | None = None,
    max_length: int | None = None,
) -> dict[str, Any]:
    """Generates greedily with `model.generate` and describes each layer at each step; see `TemporalAnalyzer`.

    The most probable token is taken whatever the model's generation config says of sampling, beams and penalties; its
    special tokens are heeded. Nothing of the activations is kept but numbers.

    Raises:
        UnknownName: A path that is no module.
        InvalidArgument: A model that cannot generate, or whose decoder has no token to begin with; several sequences;
            fewer than one new token.
    """
    if max_new_tokens < 1:
        raise InvalidArgument("max_new_tokens", max_new_tokens, "ask for at least one token")
    prepared = model_inputs(model, given, tokenizer, max_length=max_length)
    inner = unwrapped(model)
    if not callable(getattr(type(inner), "generate", None)) or not getattr(type(inner), "can_generate", bool)():
        raise InvalidArgument("model", type(inner).__qualname__, "give a transformers model that can generate text")
    arguments = _arguments(prepared)
    _check_start(inner)
    steps = _Steps()
    watched = _hooked(model, inner, chosen_layers(model, layers), steps)
    with torch.inference_mode(False), preserve_state(model), watched:
        generated: Any = inner.generate(**arguments, **_GREEDY, max_new_tokens=max_new_tokens)  # type: ignore[operator]
    logits = torch.stack(generated.logits).squeeze(1)
    chosen = generated.sequences[0, -len(logits) :].to(logits.device)
    scores = widened(logits).log_softmax(-1).gather(1, chosen.unsqueeze(1).to(logits.device))
    entropies = entropy(logits)
    token_ids = chosen.tolist()
    return {
        "text": _text(tokenizer, token_ids),
        "token_ids": token_ids,
        "steps": [
            {
                "step": step,
                "token_id": token,
                "token": _word(tokenizer, token),
                "log_probability": number(float(scores[step])),
                "entropy": number(float(entropies[step])),
                "layers": steps.layers[step],
            }
            for step, token in enumerate(token_ids)
        ],
    }


def _arguments(prepared: ModelInputs) -> dict[str, Any]:
    """What `generate` takes by name; ids that were given as the first positional argument are `input_ids`."""
    arguments = {name: value for name, value in prepared.kwargs.items() if name not in ("labels", "use_cache")}
    if prepared.args:
        arguments["input_ids"] = prepared.args[0]
    batch = first_tensor(arguments)
    if batch is None or len(batch) != 1:
        raise InvalidArgument(
            "inputs",
            "no tensor" if batch is None else f"{len(batch)} sequences",
            "generate from one sequence at a time",
        )
    ids = arguments.get("input_ids")
    if isinstance(ids, torch.Tensor) and "attention_mask" not in arguments:
        # Without one, transformers guesses padding from the ids.
        arguments["attention_mask"] = torch.ones_like(ids)
    return arguments


def _check_start(model: nn.Module) -> None:
    settings = getattr(model, "generation_config", None)
    begins = (getattr(settings, name, None) for name in ("decoder_start_token_id", "bos_token_id"))
    if getattr(vars(model).get("config"), "is_encoder_decoder", False) and all(token is None for token in begins):
        raise InvalidArgument(
            "model",
            f"{type(model).__qualname__} without decoder_start_token_id",
            "set model.generation_config.decoder_start_token_id: what the decoder begins with",
        )


def first_tensor(arguments: dict[str, Any]) -> torch.Tensor | None:
    """The first tensor among keyword arguments."""
    return next((value for value in arguments.values() if isinstance(value, torch.Tensor)), None)


@contextmanager
def _hooked(model: nn.Module, inner: nn.Module, layers: dict[str, str | None], steps: _Steps) -> Iterator[None]:
    """Watches layers by their names in the model that was given, and the model inside it for when a step begins."""
    handles = [inner.register_forward_pre_hook(lambda module, args: steps.begin())]
    try:
        for layer, module in once_each(model, layers):
            entering: list[tuple[torch.Size, torch.Tensor] | None] = []

            def enter(module: nn.Module, args: Any, kwargs: Any, *, entering: list[Any] = entering) -> None:
                before = stream_in(args, kwargs)
                # Before the layer runs, since it may write into what it is given.
                entering.append(None if before is None else (before.shape, _last_position(before)))

            def leave(
                module: nn.Module,
                args: Any,
                kwargs: Any,
                output: Any,
                *,
                layer: str = layer,
                entering: list[Any] = entering,
            ) -> None:
                entered, after = entering.pop(), first_floating(output)
                if after is not None:
                    alike = entered is not None and entered[0] == after.shape
                    steps.see(layer, entered[1] if alike and entered is not None else None, _last_position(after))

            handles.append(module.register_forward_pre_hook(enter, with_kwargs=True))
            handles.append(module.register_forward_hook(leave, with_kwargs=True))
        yield
    finally:
        for handle in handles:
            handle.remove()


def _last_position(tensor: torch.Tensor) -> torch.Tensor:
    """A copy of the last position of the first sequence, as a matrix of one row, in float64 on the CPU."""
    row = tensor[0, -1] if tensor.ndim == 3 else tensor[0]
    return widened(row.reshape(1, -1).clone()).cpu()


def _text(tokenizer: Any, token_ids: list[int]) -> str | None:
    decode = getattr(tokenizer, "decode", None)
    return None if decode is None else str(decode(token_ids))


def _word(tokenizer: Any, token_id: int) -> str | None:
    convert = getattr(tokenizer, "convert_ids_to_tokens", None)
    return None if convert is None else str(convert(token_id))
