"""How alike the representations of layers are, and those of inputs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from introspection.alignment import alignments
from introspection.layer_calls import Recording
from introspection.similarity_measures import mean_cosine, relative_change, widened


def layer_similarity(recordings: Sequence[Recording]) -> dict[str, Any]:
    """Compares layers by the tokens of all recordings; see `TemporalAnalyzer.layer_similarity`."""
    matrices: dict[str, list[torch.Tensor]] = {}
    for recording in recordings:
        for call in recording.calls:
            matrices.setdefault(call.label, []).append(recording.rows(call, call.after))
    joined = [_finite_or_none(parts) for parts in matrices.values()]
    linear, debiased = alignments(joined)
    return {
        "layers": list(matrices),
        "tokens": [sum(map(len, parts)) for parts in matrices.values()],
        "cka": linear,
        "cka_debiased": debiased,
        "cosine": [[_cosine(one, other) for other in joined] for one in joined],
    }


def input_similarity(one: Recording, other: Recording) -> dict[str, Any]:
    """Compares two inputs in every layer both ran through; see `TemporalAnalyzer.input_similarity`."""
    found = {call.label: other.rows(call, call.after) for call in other.calls}
    return {
        "layers": [
            {"layer": call.label, **_likeness(one.rows(call, call.after), found[call.label])}
            for call in one.calls
            if call.label in found
        ]
    }


def _likeness(one: torch.Tensor, other: torch.Tensor) -> dict[str, Any]:
    if one.shape[1:] != other.shape[1:] or not len(one) or not len(other):
        return {
            "mean_pooled_cosine": None,
            "last_token_cosine": None,
            "token_cosines": None,
            "relative_difference": None,
        }
    pooled = [widened(rows).mean(0, keepdim=True) for rows in (one, other)]
    alike = len(one) == len(other)
    return {
        "mean_pooled_cosine": mean_cosine(*pooled),
        "last_token_cosine": mean_cosine(one[-1:], other[-1:]),
        "token_cosines": [mean_cosine(one[row : row + 1], other[row : row + 1]) for row in range(len(one))]
        if alike
        else None,
        "relative_difference": relative_change(one, other) if alike else None,
    }


def _finite_or_none(parts: list[torch.Tensor]) -> torch.Tensor | None:
    if len({part.shape[1] for part in parts}) != 1:
        return None
    rows = torch.cat(parts)
    return rows if bool(rows.isfinite().all()) else None


def _cosine(one: torch.Tensor | None, other: torch.Tensor | None) -> float | None:
    return None if one is None or other is None or one.shape != other.shape else mean_cosine(one, other)
