"""Do credences tell what is so from what is not? Scores of forecasts of yes and no, and how chance would have done.

*Guaranteed*: the p-value is exact up to `EXACT` forecasts, under the null that the credences were dealt to the
questions at random. *Measured* only: beyond that number it is a normal approximation.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

__all__ = ["EXACT", "area_under_curve", "brier_score", "dealt_at_random", "log_score"]

EXACT = 80
"""The most forecasts whose p-value is counted out."""


def brier_score(probability: float, came_true: bool) -> float:
    """Return the squared error of a probability: 0 at best, 1 at worst, .25 for one half."""
    return (probability - came_true) ** 2


def log_score(probability: float, came_true: bool) -> float:
    """Return the surprise at what came, in nats: 0 at best, 0.693 for one half, without bound for certainty gone wrong.

    Args:
        probability: strictly between 0 and 1.
        came_true: what happened.

    Raises:
        ValueError: the probability is 0 or 1, or none.
    """
    if not 0.0 < probability < 1.0:
        raise ValueError(f"a probability must be strictly between 0 and 1, not {probability!r}")
    return -math.log(probability if came_true else 1.0 - probability)


def area_under_curve(probabilities: Sequence[float], came_true: Sequence[bool]) -> float:
    """Return how often something that is so was given more credence than something that is not, ties half.

    Returns:
        1 for perfect discrimination, .5 for none; NaN where all, or none, came true.
    """
    ranks, true = _twice_ranks(probabilities), int(sum(map(bool, came_true)))
    false = len(ranks) - true
    if not (true and false):
        return math.nan
    total = sum(rank for rank, came in zip(ranks, came_true, strict=True) if came)
    return (total / 2 - true * (true + 1) / 2) / (true * false)


def dealt_at_random(probabilities: Sequence[float], came_true: Sequence[bool]) -> float:
    """Return the share of all ways of dealing these credences to these questions that tell true from false as well.

    Returns:
        A one-sided p-value; 1 where all, or none, came true: nothing could be told apart.

    Source: Mann, Whitney, "On a Test of Whether one of Two Random Variables is Stochastically Larger than the Other"
    (1947); the count with ties: Streitberg, Röhmel, "Exact Distributions for Permutation and Rank Tests" (1986).
    """
    ranks, true = _twice_ranks(probabilities), int(sum(map(bool, came_true)))
    count = len(ranks)
    if true in (0, count):
        return 1.0
    seen = sum(rank for rank, came in zip(ranks, came_true, strict=True) if came)
    if count > EXACT:
        mean = true * sum(ranks) / count
        spread = sum((rank - sum(ranks) / count) ** 2 for rank in ranks)
        deviation = math.sqrt(true * (count - true) * spread / (count * (count - 1)))
        return 1.0 if deviation == 0 else 0.5 * math.erfc((seen - mean) / (deviation * math.sqrt(2)))
    # ways[m, s]: how many choices of m forecasts have ranks that add up to s.
    ways = np.zeros((true + 1, sum(ranks) + 1))
    ways[0, 0] = 1.0
    for rank in ranks:
        ways[1:, rank:] += ways[:-1, : ways.shape[1] - rank]
    return float(ways[true, seen:].sum() / ways[true].sum())


def _twice_ranks(probabilities: Sequence[float]) -> list[int]:
    """Return twice the mid-rank of each: whole numbers, also where several are equal."""
    order = sorted(probabilities)
    below = {value: order.index(value) for value in set(order)}
    equal = {value: order.count(value) for value in below}
    return [2 * below[value] + equal[value] + 1 for value in probabilities]
