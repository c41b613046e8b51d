"""Which of many tensors is most like one of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, get_args

import torch

from introspection.errors import InvalidArgument, UnsupportedStorage
from introspection.shapes import shape_of
from introspection.values import Values, ordered_values
from introspection.weight_comparison import PairSums, pair_sums

Metric = Literal["correlation", "cosine", "l2"]
"""`correlation`, `cosine`: from −1 to 1, larger is more alike; `l2`: norm of the difference, smaller is more alike."""


def check_metric(metric: str) -> None:
    """Refuses a metric that does not exist.

    Raises:
        InvalidArgument: It is none of `Metric`.
    """
    if metric not in get_args(Metric):
        raise InvalidArgument("metric", metric, f"choose one of {', '.join(get_args(Metric))}")


def rank_by_similarity(
    reference: tuple[str, torch.Tensor], candidates: Mapping[str, torch.Tensor], metric: Metric
) -> tuple[list[dict[str, Any]], list[dict[str, str]]]:
    """Orders tensors of the reference's shape by how much they are like it, the most alike first.

    Values that are not finite in either are left out of a pair. Equal scores are ordered by name.

    Args:
        reference: A name and its tensor, dense or quantised, or a DTensor of which this process holds a shard.
        candidates: Tensors by name.
        metric: See `Metric`.

    Returns:
        One dict for each candidate that has a score (`name`, `score`, `compared`: places where both are finite), and
        one for each that has none (`name`, `reason`): another shape or kind of number is no reason, and not listed.

    Raises:
        UnsupportedStorage: The reference has no values, or none in an order.
    """
    name, tensor = reference
    values, shape = ordered_values(tensor, name), shape_of(tensor)
    scored: list[dict[str, Any]] = []
    without: list[dict[str, str]] = []
    for key, candidate in candidates.items():
        if shape_of(candidate) != shape:
            continue
        try:
            other = ordered_values(candidate, key)
        except UnsupportedStorage as error:
            without.append({"name": key, "reason": error.message})
            continue
        if _kind(other.dtype) != _kind(values.dtype):
            continue
        if (other.local_shape, other.placement) != (values.local_shape, values.placement):
            without.append({"name": key, "reason": "this process holds another part of it than of the reference"})
            continue
        score, compared = _score(values, other, metric)
        if score is None:
            reason = "nothing of it can be compared" if not compared else f"one of the two has no {metric}"
            without.append({"name": key, "reason": reason})
        else:
            scored.append({"name": key, "score": score, "compared": compared})
    scored.sort(key=lambda entry: (entry["score"] if metric == "l2" else -entry["score"], entry["name"]))
    return scored, without


def _score(values: Values, other: Values, metric: Metric) -> tuple[float | None, int]:
    sums: PairSums = pair_sums(values, other)
    by_metric = {"correlation": sums.correlation, "cosine": sums.cosine, "l2": sums.distance}
    return by_metric[metric], sums.compared


def _kind(dtype: torch.dtype) -> str:
    if dtype.is_complex:
        return "complex"
    return "real" if dtype.is_floating_point else "whole"
