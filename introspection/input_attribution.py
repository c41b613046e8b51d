"""Gradients and contributions of inputs, position by position, as results for people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from introspection.input_points import InputPoint
from introspection.inputs import ModelInputs
from introspection.similarity_measures import number, widened


def sensitivities(
    point: InputPoint, gradient: torch.Tensor, inputs: ModelInputs, tokenizer: Any
) -> list[dict[str, Any]]:
    """Norm of the gradient, and gradient times input, of every real position of every sequence."""
    slopes = widened(point.per_position(gradient)).cpu()
    values = widened(point.per_position(point.value)).cpu()
    norms, products = slopes.norm(dim=2), (slopes * values).sum(2)
    return _by_position(point, inputs, {"gradient_norm": norms, "gradient_x_input": products}, norms, tokenizer)


def attributions(
    point: InputPoint, contribution: torch.Tensor, inputs: ModelInputs, tokenizer: Any
) -> list[dict[str, Any]]:
    """What every real position of every sequence contributes."""
    sums = point.per_position(contribution).sum(2)
    return _by_position(point, inputs, {"attribution": sums}, sums.abs(), tokenizer)


def _by_position(
    point: InputPoint, inputs: ModelInputs, columns: dict[str, torch.Tensor], sizes: torch.Tensor, tokenizer: Any
) -> list[dict[str, Any]]:
    real = point.real(inputs)
    sequences = []
    for row in range(len(sizes)):
        places = real[row].nonzero().squeeze(1).tolist()
        whole = float(sizes[row, places].sum())
        ids = point.ids[row].tolist() if point.ids is not None else None
        tokens = []
        for position, place in enumerate(places):
            entry: dict[str, Any] = {"position": position, "token_id": ids[place] if ids else None}
            entry["token"] = _word(tokenizer, entry["token_id"])
            entry |= {name: number(float(column[row, place])) for name, column in columns.items()}
            entry["share"] = number(float(sizes[row, place]) / whole) if whole > 0 else None
            tokens.append(entry)
        sequences.append({"sequence": row, "argument": point.argument, "tokens": tokens})
    return sequences


def _word(tokenizer: Any, token_id: int | None) -> str | None:
    convert = getattr(tokenizer, "convert_ids_to_tokens", None)
    return None if convert is None or token_id is None else str(convert(token_id))


def ranked(sequences: Sequence[dict[str, Any]], key: str) -> list[dict[str, Any]]:
    """The positions of all sequences, those of the largest magnitude in `key` first."""
    entries = []
    for sequence in sequences:
        scores = [token[key] for token in sequence["tokens"]]
        whole = sum(abs(score) for score in scores if score is not None)
        for token in sequence["tokens"]:
            score = token[key]
            entries.append(
                {
                    "sequence": sequence["sequence"],
                    "argument": sequence["argument"],
                    **{name: token[name] for name in ("position", "token_id", "token")},
                    "score": score,
                    "share": number(abs(score) / whole) if score is not None and whole > 0 else None,
                }
            )
    # A score that is no number is the first thing to see, not the last.
    return sorted(
        entries, key=lambda entry: float("inf") if entry["score"] is None else abs(entry["score"]), reverse=True
    )
