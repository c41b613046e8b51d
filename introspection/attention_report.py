"""Answers about captured attention weights by the name of a layer: patterns, specialisation, tokens; all JSON."""

from __future__ import annotations

from typing import Any

import torch

from introspection.activation_store import Activations, TokenSequence
from introspection.attention import check_index, head_patterns, head_specialisation, row_entropy, token_attention
from introspection.errors import InvalidArgument, NothingCaptured, UnknownName
from introspection.similarity_measures import number


def patterns_of(captured: Activations | None, name: str, head: int | None, window: int) -> dict[str, Any]:
    """What the heads of a layer do, or one of them row by row; see `ActivationMonitor.get_attention_patterns`."""
    weights, sequence, kind = _weights(captured, name)
    if head is None:
        heads = head_patterns(weights, sequence.mask, kind=kind, window=window)
        known = [each["entropy"] for each in heads if each["entropy"] is not None]
        mean = sum(known) / len(known) if known else None
        return {"name": name, "kind": kind, "shape": list(weights.shape), "entropy": mean, "heads": heads}
    check_index("head", head, weights.shape[1])
    one = weights[:, head : head + 1]
    entropies = row_entropy(one[:, 0])
    if sequence.mask is not None:
        entropies = entropies.masked_fill(~sequence.mask.to(entropies.device), torch.nan)
    described = head_patterns(one, sequence.mask, kind=kind, window=window)[0]
    rows = [[number(value) for value in row] for row in entropies.tolist()]
    return {"name": name, "kind": kind, **described, "head": head, "row_entropy": rows}


def specialisation_of(captured: Activations | None, name: str) -> dict[str, Any]:
    """How far the heads of a layer do different things; see `head_specialisation`."""
    weights, sequence, kind = _weights(captured, name)
    return {"name": name, "kind": kind, **head_specialisation(weights, sequence.mask)}


def tokens_of(captured: Activations | None, name: str, sequence: int, head: int | None) -> dict[str, Any]:
    """What each token attends to and receives; see `token_attention`."""
    weights, known, kind = _weights(captured, name)
    if kind == "cross":
        raise InvalidArgument("name", name, "its keys are another sequence: name a layer with self-attention")
    check_index("sequence", sequence, weights.shape[0])
    words = known.tokens[sequence] if known.tokens is not None and sequence < len(known.tokens) else None
    tokens = token_attention(weights, known.mask, sequence=sequence, tokens=words, head=head)
    return {"name": name, "sequence": sequence, "head": head, "tokens": tokens}


def _weights(captured: Activations | None, name: str) -> tuple[torch.Tensor, TokenSequence, str]:
    """The weights a name means, what is known of the queries' tokens, and whether the keys are the same tokens."""
    if not captured:
        raise NothingCaptured((name,), "no attention weights were captured yet", "call capture_attention_weights first")
    layers = {each: layer for layer, names in captured.names.items() for each in names}
    if name not in captured:
        raise UnknownName(name, captured, where="the last capture of attention weights")
    weights = captured[name]
    kind = captured.kinds.get(name, "self" if weights.shape[-1] == weights.shape[-2] else "cross")
    sequence = captured.sequence_of(layers[name])
    fits = sequence.mask is not None and tuple(sequence.mask.shape) == (weights.shape[0], weights.shape[2])
    return weights, sequence if fits else TokenSequence(sequence.tokens, None), kind
