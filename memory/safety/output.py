"""Looks at what a model gives out: whether its distributions are distributions, and how much they leave open."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch

from introspection.layer_calls import logits_of
from memory.errors import InvalidArgument

_CHUNK_ELEMENTS = 1 << 22


@dataclass(frozen=True, slots=True)
class OutputSeen:
    """What logits are like."""

    positions: int
    """How many distributions they hold."""
    not_finite: int
    """Positions with a NaN, a positive infinity, or no possible outcome at all."""
    entropy: float | None
    """Mean entropy of the others, in nats; None without any."""


def look_at_output(output: Any) -> OutputSeen:
    """Give what logits, or a model's output with logits, are like, position by position.

    A negative infinity is an outcome that is ruled out, and is none of what is wrong.

    Raises:
        InvalidArgument: There are no logits in it.
    """
    logits = output if isinstance(output, torch.Tensor) else logits_of(output)
    if logits is None and not isinstance(output, Mapping):
        logits = logits_of({"logits": getattr(output, "logits", None)})
    if logits is None or not logits.is_floating_point() or logits.ndim == 0:
        shown = type(output).__name__ if logits is None else f"a tensor of {logits.dtype}"
        raise InvalidArgument("output", shown, "give logits, or a model's output that has logits")
    rows = logits.detach().reshape(-1, logits.shape[-1])
    total, count = 0.0, 0
    step = max(1, _CHUNK_ELEMENTS // max(1, rows.shape[1]))
    for start in range(0, len(rows), step):
        log_probabilities = torch.log_softmax(rows[start : start + step].float(), dim=-1)
        entropies = torch.special.entr(log_probabilities.exp()).sum(dim=-1)
        known = entropies.isfinite()
        total += float(entropies[known].double().sum())
        count += int(known.sum())
    return OutputSeen(len(rows), len(rows) - count, total / count if count else None)
