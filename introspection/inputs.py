"""What a model is called with: made from text, a tensor, or keyword arguments, on the model's device."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from introspection.errors import InvalidArgument, NotAModel, UnsupportedStorage
from introspection.names import named_modules, named_tensors
from introspection.sample_inputs import configuration

_PER_TOKEN = (
    "input_ids", "attention_mask", "token_type_ids", "position_ids", "inputs_embeds", "special_tokens_mask", "labels"
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class ModelInputs:
    """What a model is called with, and which tokens that is."""

    args: tuple[Any, ...]
    """Positional arguments; tensors are on the model's device."""
    kwargs: dict[str, Any]
    """Keyword arguments; tensors are on the model's device."""
    token_ids: torch.Tensor | None
    """The token ids among them, shape (batch, tokens); None where nothing says what the tokens are."""
    tokens: tuple[tuple[str, ...], ...] | None
    """The tokens in words, for each sequence; None without a tokenizer."""

    def call(self, model: nn.Module) -> Any:
        """Runs the model on these inputs; what it raises is passed on, with a note of what may be the cause."""
        try:
            return model(*self.args, **self.kwargs)
        except Exception as error:
            for note in _possible_causes(model, self.token_ids):
                error.add_note(note)
            raise


def model_inputs(
    model: nn.Module, given: Any, tokenizer: Callable[..., Any] | None = None, *, max_length: int | None = None
) -> ModelInputs:
    """Makes what `model` is called with, on its device; nothing given is changed.

    Text alone gives an encoder-decoder model its start token as the decoder's input.

    Args:
        model: The model the inputs are for.
        given: Text or a list of texts (needs `tokenizer`, and for texts of different length its padding token); a
            mapping of keyword arguments, as tokenizers return; a tensor, the first positional argument; a tuple, all
            positional arguments; or ModelInputs.
        tokenizer: A transformers tokenizer, or a callable that takes its keyword arguments.
        max_length: The most tokens of a sequence; what comes after is cut.

    Raises:
        NotAModel: `model` is no torch.nn.Module.
        InvalidArgument: Text without a tokenizer or without tokens; a `max_length` below 1, or for inputs that are no
            tokens; or something that is none of the above.
        UnsupportedStorage: The model is on the meta device and cannot be run.
    """
    if not isinstance(model, nn.Module):
        raise NotAModel(model)
    if max_length is not None and max_length < 1:
        raise InvalidArgument("max_length", max_length, "a sequence needs at least one token")
    device = input_device(model)
    if isinstance(given, ModelInputs):
        args, kwargs = given.args, dict(given.kwargs)
    elif isinstance(given, str) or _is_texts(given):
        args, kwargs = _from_text(model, given, tokenizer, max_length)
    elif isinstance(given, torch.Tensor):
        args, kwargs = (given,), {}
    elif isinstance(given, tuple):
        args, kwargs = given, {}
    elif isinstance(given, Mapping):
        args, kwargs = (), {str(key): _tokens_as_tensor(str(key), value) for key, value in given.items()}
    else:
        raise InvalidArgument(
            "inputs", given, "give text, a tensor, a tuple of positional arguments, or a mapping of keyword arguments"
        )
    if not args and not kwargs:
        raise InvalidArgument("inputs", given, "give at least one argument to run the model on")
    if max_length is not None:
        args, kwargs = _truncated(args, kwargs, max_length)
    args = tuple(_moved(value, device) for value in args)
    kwargs = {key: _moved(value, device) for key, value in kwargs.items()}
    ids = _token_ids(args, kwargs)
    return ModelInputs(args, kwargs, ids, token_words(ids, tokenizer))


def input_device(model: nn.Module) -> torch.device | None:
    """The device a model takes its inputs on: that of its first tensor; None for a model that holds no tensor.

    For a model that accelerate dispatches, the device its first hook executes on.

    Raises:
        UnsupportedStorage: All the model's tensors are on the meta device, and nothing loads them when it is run.
    """
    for _, module in named_modules(model):
        hook = vars(module).get("_hf_hook")
        for part in (hook, *getattr(hook, "hooks", ())):
            if getattr(part, "execution_device", None) is not None:
                return torch.device(part.execution_device)
    tensors = named_tensors(model)
    for held in tensors:
        if not held.tensor.is_meta:
            return held.tensor.device
    if tensors:
        raise UnsupportedStorage(tensors[0].name, "it is on the meta device: the model cannot be run",
                                 remedy="load the weights first")  # fmt: skip
    return None


def _possible_causes(model: nn.Module, token_ids: torch.Tensor | None) -> Iterator[str]:
    """What is known to make a forward fail that says no more than `index out of range`."""
    config = configuration(model)
    vocabulary, positions = (getattr(config, name, None) for name in ("vocab_size", "max_position_embeddings"))
    if token_ids is None or token_ids.numel() == 0 or token_ids.ndim != 2:
        return
    if isinstance(vocabulary, int) and int(token_ids.max()) >= vocabulary:
        yield f"the token ids reach {int(token_ids.max())}, and the model's vocabulary has {vocabulary} tokens"
    if isinstance(positions, int) and token_ids.shape[1] > positions:
        yield (
            f"the input has {token_ids.shape[1]} tokens, and the model is configured for {positions} positions: "
            "give a max_length"
        )


def _is_texts(given: object) -> bool:
    return isinstance(given, list | tuple) and len(given) > 0 and all(isinstance(text, str) for text in given)


def _from_text(
    model: nn.Module, text: str | Sequence[str], tokenizer: Callable[..., Any] | None, max_length: int | None
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    if tokenizer is None:
        raise InvalidArgument(
            "tokenizer", None, "text needs a tokenizer: give one, or give the model's inputs as tensors"
        )
    if not callable(tokenizer):
        raise InvalidArgument(
            "tokenizer", tokenizer, "give a transformers tokenizer, or a callable that works like one"
        )
    texts = [text] if isinstance(text, str) else list(text)
    options: dict[str, Any] = {"return_tensors": "pt", "padding": len(texts) > 1}
    if max_length is not None:
        options |= {"truncation": True, "max_length": max_length}
    if len(texts) > 1 and getattr(tokenizer, "pad_token", "") is None:
        raise InvalidArgument(
            "inputs", text, "several texts need padding: set tokenizer.pad_token, or give one text at a time"
        )
    encoded = dict(tokenizer(texts, **options))
    ids = encoded.get("input_ids")
    if not isinstance(ids, torch.Tensor) or ids.ndim != 2:
        raise InvalidArgument("tokenizer", tokenizer, "it must return `input_ids` of shape (texts, tokens)")
    if ids.shape[1] == 0:
        raise InvalidArgument("inputs", text, "it has no tokens: give some text")
    return _accepted(model, encoded)


def _accepted(model: nn.Module, encoded: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """What of a tokenizer's output the model's forward takes: tokenizers add what only some models know."""
    known = inspect.signature(model.forward).parameters
    if "input_ids" not in known:
        if not any(each.kind is inspect.Parameter.VAR_KEYWORD for each in known.values()):
            # A plain module: its first argument is the tokens.
            return (encoded["input_ids"].long(),), {
                key: value for key, value in encoded.items() if key in list(known)[1:]
            }
        # A wrapper that passes everything on.
        kept = {key: value for key, value in encoded.items() if key in ("input_ids", "attention_mask")}
    else:
        kept = {key: value for key, value in encoded.items() if key in known}
    config = vars(model).get("config")
    start = getattr(config, "decoder_start_token_id", None)
    if getattr(config, "is_encoder_decoder", False) and start is not None:
        kept["decoder_input_ids"] = torch.full((len(encoded["input_ids"]), 1), start)
    return (), kept


def _tokens_as_tensor(key: str, value: Any) -> Any:
    """Token ids as tokenizers return them when not asked for tensors: lists."""
    if key not in _PER_TOKEN or not isinstance(value, list) or not value:
        return value
    try:
        tensor = torch.tensor(value)
    except (ValueError, TypeError) as error:
        raise InvalidArgument(key, value, "rows of different length need padding: give a tensor") from error
    return tensor if tensor.ndim > 1 else tensor.unsqueeze(0)


def _truncated(
    args: tuple[Any, ...], kwargs: dict[str, Any], max_length: int
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    per_token = {
        key: value
        for key, value in kwargs.items()
        if key in _PER_TOKEN and isinstance(value, torch.Tensor) and value.ndim >= 2
    }
    first = args[0] if args else None
    if isinstance(first, torch.Tensor) and first.ndim == 2 and _is_integer(first):
        args = (first[:, :max_length], *args[1:])
    elif not per_token:
        raise InvalidArgument("max_length", max_length, "only tokens can be cut: shorten these inputs yourself")
    return args, kwargs | {key: value[:, :max_length] for key, value in per_token.items()}


def _moved(value: Any, device: torch.device | None) -> Any:
    if device is None:
        return value
    if isinstance(value, torch.Tensor):
        return value.to(device)
    if isinstance(value, list | tuple) and type(value) in (list, tuple):
        return type(value)(_moved(item, device) for item in value)
    if type(value) is dict:
        return {key: _moved(item, device) for key, item in value.items()}
    return value


def _token_ids(args: tuple[Any, ...], kwargs: dict[str, Any]) -> torch.Tensor | None:
    candidate = kwargs.get("input_ids", args[0] if args else None)
    if isinstance(candidate, torch.Tensor) and candidate.ndim == 2 and _is_integer(candidate):
        return candidate
    return None


def token_words(ids: torch.Tensor | None, tokenizer: Callable[..., Any] | None) -> tuple[tuple[str, ...], ...] | None:
    """The tokens in words, for each sequence; None without ids of shape (batch, tokens) or without a tokenizer."""
    convert = getattr(tokenizer, "convert_ids_to_tokens", None)
    if ids is None or convert is None:
        return None
    return tuple(tuple(str(token) for token in convert(row)) for row in ids.tolist())


def _is_integer(tensor: torch.Tensor) -> bool:
    return not tensor.is_floating_point() and not tensor.is_complex() and tensor.dtype != torch.bool
