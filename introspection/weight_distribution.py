"""The shape of one tensor's distribution: histogram, far percentiles, skewness, kurtosis and tails."""

from __future__ import annotations

import math
from typing import Any

import torch

from introspection.distribution import distribution_of
from introspection.errors import InvalidArgument
from introspection.statistics import check_bins, counted, order_statistics
from introspection.values import values_of

PERCENTS = (0.1, 1.0, 5.0, 25.0, 50.0, 75.0, 95.0, 99.0, 99.9)
SIGMAS = (3, 6)
"""Distances from the mean, in standard deviations, beyond which values are counted: six is far out for any layer."""


def tensor_distribution(
    tensor: torch.Tensor, *, name: str = "tensor", bins: int = 50, limits: tuple[float, float] | None = None
) -> dict[str, Any]:
    """How a tensor's finite values are distributed, exactly; read as `tensor_statistics` reads them.

    Args:
        tensor: Any tensor with values.
        name: What to call it in an error.
        bins: Number of histogram bins, all of one width.
        limits: Where the histogram begins and ends; by default at the smallest and the largest finite value.

    Returns:
        `values`, `scope`, `num_elements`, `nan_count`, `inf_count`, `finite_count`, `mean`, `std`, `min`, `max`,
        `skewness` and `excess_kurtosis` (0 for a normal distribution; None without spread), `percentiles` (0.1, 1, 5,
        25, 50, 75, 95, 99, 99.9), `beyond_sigma` (share of the finite values at least 3 and 6 standard deviations from
        the mean), `histogram` (`counts`, `bin_edges`, `density`: counts over their sum and the width), and `outside`
        (finite values below and above the limits).

    Raises:
        UnsupportedStorage: The tensor has no values, or none that can be read.
        InvalidArgument: Fewer than one bin, or limits that are not finite or do not rise.
    """
    check_bins(bins)
    if limits is not None and not (len(limits) == 2 and -math.inf < limits[0] < limits[1] < math.inf):
        raise InvalidArgument("limits", limits, "give two finite numbers, the smaller one first")
    values = values_of(tensor, name)
    found = distribution_of(values)
    moments = found.moments
    beyond: list[float] = []
    if moments.count and moments.mean is not None and moments.std:
        for sigma in SIGMAS:
            # Below the first, or not below the second: at least so far from the mean.
            beyond += [math.nextafter(moments.mean - sigma * moments.std, math.inf), moments.mean + sigma * moments.std]
    order = order_statistics(found, bins=bins, percents=PERCENTS, limits=limits, below=beyond)
    shares = {
        str(sigma): (low + moments.count - high) / moments.count
        for sigma, low, high in zip(SIGMAS, order.below[::2], order.below[1::2], strict=False)
    }
    within = sum(order.counts)
    return {
        **counted(values, found),
        "mean": moments.mean,
        "std": moments.std,
        "min": found.low if moments.count else None,
        "max": found.high if moments.count else None,
        "skewness": moments.skewness,
        "excess_kurtosis": moments.excess_kurtosis,
        "percentiles": order.percentiles,
        "beyond_sigma": shares or {str(sigma): 0.0 if moments.count else None for sigma in SIGMAS},
        "histogram": {
            "counts": order.counts,
            "bin_edges": order.edges,
            "density": [_density(count, within, order.edges) for count in order.counts],
        },
        "outside": [0, 0] if limits is None or not moments.count else list(order.outside),
    }


def _density(count: int, within: int, edges: list[float]) -> float | None:
    width = edges[-1] / (len(edges) - 1) - edges[0] / (len(edges) - 1)
    if not within:
        return 0.0
    density = count / within / width if width > 0 else math.inf
    return density if math.isfinite(density) else None
