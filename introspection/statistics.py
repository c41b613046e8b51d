"""Statistics of one tensor's values: exact, in bounded memory, and never undone by a NaN."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from introspection.distribution import Distribution, distribution_of
from introspection.errors import InvalidArgument
from introspection.moments import Floats
from introspection.values import Values, values_of

PERCENTILES = (5.0, 25.0, 50.0, 75.0, 95.0)
MOST_BINS = 1_000_000
"""Bins of one histogram: a mistyped number is refused instead of filling the memory."""


@dataclass(frozen=True, slots=True)
class OrderStatistics:
    """What the order of the finite values tells."""

    percentiles: dict[str, float | None]
    """Linear between the two nearest ranks, by percent."""
    zeros: int
    near_zeros: int
    counts: list[int]
    """Values in each bin of one width; the last bin includes its upper edge."""
    edges: list[float]
    """Where the bins begin, and where the last one ends."""
    outside: tuple[int, int] = (0, 0)
    """Values below the first bin and above the last."""
    below: tuple[int, ...] = ()
    """Values below each number asked for."""


def tensor_statistics(
    tensor: torch.Tensor, *, name: str = "tensor", bins: int = 20, near_zero: float = 1e-6
) -> dict[str, Any]:
    """Statistics of a tensor's finite values, as JSON-serialisable numbers; NaN and infinities are counted beside.

    Exact: percentiles and the median are values of the tensor or linear between two, counts are counts, and sums are
    accumulated in float64. Read a chunk at a time, so that no second copy of the tensor is made: once where the dtype
    has at most 16 bits (the bit patterns are counted, and all else follows from the counts), twice for float32, at
    most four times for 64 bits. Beside dense tensors of every dtype torch converts:

    - complex: the magnitudes (`values` says "magnitude");
    - sparse: all elements, zeros that are not stored included;
    - quantised: the numbers that the stored integers stand for;
    - nested: the values of every component;
    - DTensor: what this process holds, never asking the others (`scope` says "shard", or "partial" where a sum over
      processes is pending, and `local_shape` how much that is).

    Args:
        tensor: Any tensor with values.
        name: What to call it in an error.
        bins: Number of histogram bins, all of one width, from the smallest finite value to the largest.
        near_zero: Magnitudes below this count as near zero.

    Returns:
        `values`, `scope`, `num_elements`, `nan_count`, `inf_count`, `finite_count`, `mean`, `std` (of a sample, as
        `torch.std`; 0 for a single value), `min`, `max`, `median`, `abs_mean`, `l1_norm`, `l2_norm`,
        `frobenius_norm`, `zero_share` and `near_zero_share` (of all elements), `percentiles` (5, 25, 50, 75, 95) and
        `histogram` (`counts`, `bin_edges`). What does not exist (the mean of no finite value) is None.

    Raises:
        UnsupportedStorage: The tensor has no values (meta, fake, uninitialised), or none that can be read.
        InvalidArgument: Fewer than one bin, or a negative `near_zero`.

    Example:
        `tensor_statistics(torch.tensor([1.0, 2.0, float("nan")]))["mean"]` is `1.5`.
    """
    check_bins(bins)
    if not near_zero >= 0:
        raise InvalidArgument("near_zero", near_zero, "give a magnitude of 0 or more")
    values = values_of(tensor, name)
    found = distribution_of(values)
    order, moments = order_statistics(found, bins=bins, near_zero=near_zero), found.moments
    elements = values.num_elements
    return {
        **counted(values, found),
        "mean": moments.mean,
        "std": moments.std,
        "min": found.low if moments.count else None,
        "max": found.high if moments.count else None,
        "median": order.percentiles["50"],
        "abs_mean": moments.abs_mean,
        "l1_norm": moments.l1_norm,
        "l2_norm": moments.l2_norm,
        "frobenius_norm": moments.l2_norm,
        "zero_share": order.zeros / elements if elements else None,
        "near_zero_share": order.near_zeros / elements if elements else None,
        "percentiles": order.percentiles,
        "histogram": {"counts": order.counts, "bin_edges": order.edges},
    }


def counted(values: Values, found: Distribution) -> dict[str, Any]:
    """What was read of a tensor, and how many of its values are of which kind."""
    result: dict[str, Any] = {
        "values": "magnitude" if values.dtype.is_complex else "value",
        "scope": values.scope,
        "num_elements": values.num_elements,
        "nan_count": found.nan,
        "inf_count": found.positive_infinite + found.negative_infinite,
        "finite_count": found.moments.count,
    }
    if values.local_shape is not None:
        result["local_shape"] = list(values.local_shape)
    return result


def order_statistics(
    found: Distribution,
    *,
    bins: int,
    near_zero: float = 0.0,
    percents: tuple[float, ...] = PERCENTILES,
    limits: tuple[float, float] | None = None,
    below: Sequence[float] = (),
) -> OrderStatistics:
    """Percentiles, zeros and histogram of a distribution, in one question to it.

    Args:
        found: The distribution.
        bins: Number of histogram bins, at least 1.
        near_zero: Magnitudes below this count as near zero.
        percents: From 0 to 100.
        limits: Where the histogram begins and ends; by default at the smallest and the largest finite value.
        below: Numbers below which to count values.
    """
    count = found.moments.count
    if not count:
        return OrderStatistics(dict.fromkeys(map(_label, percents)), 0, 0, [], [])
    edges = bin_edges(*(limits or (found.low, found.high)), bins)
    zero = [0.0, math.nextafter(0.0, 1.0), math.nextafter(-near_zero, math.inf), near_zero]
    # The upper edge belongs to the last bin: what lies below the next number is what lies at or below the edge.
    thresholds = np.concatenate([zero, edges[:-1], [math.nextafter(edges[-1], math.inf)], below])
    order = np.argsort(thresholds, kind="stable")
    places = {percent: percent / 100 * (count - 1) for percent in percents}
    ranks = sorted({rank for place in places.values() for rank in (math.floor(place), math.ceil(place))})
    sorted_counts, at_ranks = found.answer(thresholds[order], ranks)
    under = np.empty_like(sorted_counts)
    under[order] = sorted_counts
    at_edges = under[4 : 5 + bins]
    at = dict(zip(ranks, at_ranks, strict=True))
    return OrderStatistics(
        percentiles={
            _label(percent): _between(at[math.floor(place)], at[math.ceil(place)], place % 1)
            for percent, place in places.items()
        },
        zeros=int(under[1] - under[0]),
        near_zeros=max(0, int(under[3] - under[2])),
        counts=np.diff(at_edges).tolist(),
        edges=edges.tolist(),
        outside=(int(at_edges[0]), count - int(at_edges[-1])),
        below=tuple(under[5 + bins :].tolist()),
    )


def bin_edges(low: float, high: float, bins: int) -> Floats:
    """The edges of bins of one width, as `numpy.histogram` places them; also where high − low overflows."""
    if low == high:
        low, high = low - 0.5, high + 0.5
    with np.errstate(over="ignore", invalid="ignore"):
        edges = np.linspace(low, high, bins + 1)
    if not np.isfinite(edges).all():
        parts = np.arange(bins + 1) / bins
        edges = low * (1 - parts) + high * parts
    # Between neighbouring numbers there is no room for edges that rise: some bins are then empty.
    return np.minimum(np.maximum.accumulate(edges), high)


def check_bins(bins: int) -> None:
    """Refuses a number of bins that makes no histogram.

    Raises:
        InvalidArgument: Fewer than one, or more than can be counted in memory.
    """
    if not 1 <= bins <= MOST_BINS:
        raise InvalidArgument("bins", bins, f"a histogram needs at least one bin, and {MOST_BINS} at most")


def _between(low: float, high: float, part: float) -> float:
    return low if low == high else low * (1 - part) + high * part


def _label(percent: float) -> str:
    return f"{percent:g}"
