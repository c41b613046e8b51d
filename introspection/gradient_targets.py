"""What gradients are taken of: one number made from a model's output, and the words for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal

import torch
from torch import nn

from introspection.errors import InvalidArgument
from introspection.inputs import ModelInputs
from introspection.layer_calls import logits_of, token_mask, unwrapped

TargetKind = Literal["logit", "log_probability", "loss"]
Function = Callable[[Any], torch.Tensor]
"""From what the model returned to a tensor of one element that depends on it."""

IGNORED = -100
"""The label that torch's and transformers' losses leave out."""


@dataclass(frozen=True, slots=True)
class Target:
    """A number to take gradients of, fixed: what was the model's own choice stays chosen when its input changes."""

    description: str
    """What it is, in words."""
    tokens: tuple[int, ...] | None
    """The token or class of each sequence; None for a loss or a function."""
    function: Function
    """Computes it from what the model returned."""

    def of(self, output: Any) -> torch.Tensor:
        """The number, a tensor without dimensions.

        Raises:
            InvalidArgument: It is not one real number, or no gradient leads to it.
        """
        value = self.function(output)
        if not isinstance(value, torch.Tensor) or value.numel() != 1 or not value.is_floating_point():
            shown = list(value.shape) if isinstance(value, torch.Tensor) else type(value).__qualname__
            raise InvalidArgument("target", shown, "it must give a floating-point tensor of one element")
        if not value.requires_grad:
            raise InvalidArgument(
                "target", self.description, "it does not depend on what gradients are asked for, or was detached"
            )
        return value.reshape(())


def fixed_target(
    output: Any,
    inputs: ModelInputs,
    target: TargetKind | Function,
    token: int | str | None = None,
    position: int = -1,
    tokenizer: Any = None,
) -> Target:
    """The target that these words mean for this output.

    Args:
        output: What the model returned.
        inputs: What it was called with.
        target: `logit` or `log_probability` (in nats) of a token or class, summed over sequences; `loss`, the model's
            own; or a function from the output to a tensor of one element.
        token: The token or class, as its id or in words; None for the most probable one of each sequence.
        position: The position whose prediction is meant, counted among real tokens; negative from the end. Means
            nothing for a model with one prediction for each sequence.
        tokenizer: Needed for a token in words.

    Raises:
        InvalidArgument: An output without logits or loss; a token or position that does not exist.
    """
    if callable(target):
        return Target(getattr(target, "__name__", "a given function"), None, target)
    if target == "loss":
        if _loss(output) is None:
            raise InvalidArgument("target", target, "the model returns no loss: give labels, or a function as target")
        return Target("the loss in nats per token", None, _required_loss)
    if target not in ("logit", "log_probability"):
        raise InvalidArgument("target", target, "give 'logit', 'log_probability', 'loss' or a function")
    logits = logits_of(output)
    if logits is None or logits.ndim not in (2, 3):
        shape = None if logits is None else list(logits.shape)
        raise InvalidArgument("target", f"{target} of logits {shape}", "give a function from the output to a number")
    places = _places(logits, inputs, position)
    chosen = _chosen(logits.detach(), places, token, tokenizer)
    words = ", ".join(_word(tokenizer, each) for each in dict.fromkeys(chosen))
    where = (
        "" if not places else f" at position {position}" if position >= 0 else f" at position {position} (from the end)"
    )
    return Target(
        f"the {target.replace('_', ' ')} of {words}{where}",
        tuple(chosen),
        _Selected(tuple(places), tuple(chosen), target == "log_probability"),
    )


def with_labels(model: nn.Module, inputs: ModelInputs, labels: Any, tokenizer: Any) -> ModelInputs:
    """The inputs with what the model's loss needs: `labels` as an argument, where its forward takes them.

    Without labels, those of a causal language model are its own input, padding left out: it is scored on each next
    token.

    Args:
        model: The model.
        inputs: What it is called with.
        labels: Ids, shape of the tokens or of the sequences; text (needs a tokenizer); or None.
        tokenizer: A transformers tokenizer.

    Raises:
        InvalidArgument: No labels where the model does not predict its own input; text without a tokenizer.
    """
    model = unwrapped(model)
    encoder_decoder = bool(getattr(vars(model).get("config"), "is_encoder_decoder", False))
    if labels is None and "labels" in inputs.kwargs:
        return inputs
    if labels is None:
        causal = getattr(type(model), "can_generate", bool)() and not encoder_decoder
        if not causal or inputs.token_ids is None:
            raise InvalidArgument("labels", None, "give what the model should have predicted")
        mask = token_mask(inputs)
        labels = inputs.token_ids
        if mask is not None and mask.shape == labels.shape:
            labels = labels.masked_fill(~mask.to(labels.device), IGNORED)
    elif isinstance(labels, str):
        if tokenizer is None:
            raise InvalidArgument("labels", labels, "text needs a tokenizer: give one, or give ids")
        labels = torch.tensor([list(tokenizer(labels)["input_ids"])])
    elif not isinstance(labels, torch.Tensor):
        labels = torch.as_tensor(labels)
    device = inputs.token_ids.device if inputs.token_ids is not None else None
    kwargs = dict(inputs.kwargs)
    started = kwargs.get("decoder_input_ids")
    if isinstance(started, torch.Tensor) and started.shape != labels.shape:
        # A start token alone: with labels, the model makes its decoder's input of them.
        del kwargs["decoder_input_ids"]
    return replace(inputs, kwargs={**kwargs, "labels": labels if device is None else labels.to(device)})


def cross_entropy(labels: torch.Tensor) -> Function:
    """The mean negative log probability in nats that the logits give these labels, those of -100 left out."""

    def loss(output: Any) -> torch.Tensor:
        logits = logits_of(output)
        if logits is None or logits.shape[:-1] != labels.shape:
            shape = None if logits is None else list(logits.shape)
            raise InvalidArgument("labels", list(labels.shape), f"they do not fit logits of shape {shape}")
        flat = logits.flatten(0, -2)
        return nn.functional.cross_entropy(flat, labels.to(flat.device).flatten(), ignore_index=IGNORED)

    loss.__name__ = "the cross-entropy in nats"
    return loss


@dataclass(frozen=True, slots=True)
class _Selected:
    """Picks one logit, or its log probability, of every sequence, and adds them up."""

    places: tuple[int, ...]
    tokens: tuple[int, ...]
    log_probability: bool

    def __call__(self, output: Any) -> torch.Tensor:
        logits = logits_of(output)
        if logits is None:
            raise InvalidArgument("target", "logits", "the model no longer returns them")
        rows = torch.arange(len(self.tokens), device=logits.device)
        if self.places:
            logits = logits[rows, torch.tensor(self.places, device=logits.device)]
        if self.log_probability:
            logits = logits.log_softmax(-1)
        return logits[rows, torch.tensor(self.tokens, device=logits.device)].sum()


def _places(logits: torch.Tensor, inputs: ModelInputs, position: int) -> list[int]:
    """The place in the logits that is meant, for every sequence; none where there is one prediction for each."""
    if logits.ndim == 2:
        return []
    batch, length = logits.shape[:2]
    mask = token_mask(inputs, decoder="decoder_input_ids" in inputs.kwargs)
    real = mask if mask is not None and mask.shape == (batch, length) else torch.ones(batch, length, dtype=torch.bool)
    places = []
    for row in real:
        known = row.nonzero().squeeze(1).tolist()
        if not -len(known) <= position < len(known):
            raise InvalidArgument("position", position, f"the sequence has {len(known)} tokens")
        places.append(known[position])
    return places


def _chosen(logits: torch.Tensor, places: list[int], token: int | str | None, tokenizer: Any) -> list[int]:
    batch, classes = len(logits), logits.shape[-1]
    if token is None:
        at = logits[torch.arange(batch), torch.tensor(places)] if places else logits
        return [int(each) for each in at.argmax(-1)]
    number = _token_id(token, tokenizer) if isinstance(token, str) else token
    if not 0 <= number < classes:
        raise InvalidArgument("token", token, f"the model tells {classes} tokens or classes apart, counted from 0")
    return [number] * batch


def _token_id(token: str, tokenizer: Any) -> int:
    if tokenizer is None:
        raise InvalidArgument("token", token, "a token in words needs a tokenizer: give one, or give its id")
    found = tokenizer.convert_tokens_to_ids(token)
    if found is not None and found != getattr(tokenizer, "unk_token_id", None):
        return int(found)
    ids = tokenizer(token, add_special_tokens=False)["input_ids"]
    if len(ids) != 1 or ids[0] == getattr(tokenizer, "unk_token_id", None):
        raise InvalidArgument("token", token, f"the tokenizer makes {len(ids)} tokens of it: give one it knows")
    return int(ids[0])


def _word(tokenizer: Any, token: int) -> str:
    convert = getattr(tokenizer, "convert_ids_to_tokens", None)
    return f"{token}" if convert is None else f"{convert(token)!r}"


def _loss(output: Any) -> torch.Tensor | None:
    found = output.get("loss") if isinstance(output, dict) else None
    return found if isinstance(found, torch.Tensor) else None


def _required_loss(output: Any) -> torch.Tensor:
    found = _loss(output)
    if found is None:
        raise InvalidArgument("target", "loss", "the model no longer returns it")
    return found
