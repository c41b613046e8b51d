"""Several forecasts that meet their outcomes at one moment, taken as one: what a theory made of several predicts.

The bets on them are averaged. *Guaranteed*: where none of the forecasts has anything in it, each factor has a mean of
at most 1 given the past, and so has their average, whatever the forecasts have to do with one another: they may hang
on one coin, or be about one number. It takes that average to 20 with probability at most 1/20, ever; it grows where
some of the forecasts are right, and does not say which.

*Measured* only: the probability and the normal forecast of what comes of all of them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from memory.inference.theories import Forecast

__all__ = ["Met", "at_once", "in_total", "turned"]

_CERTAINTY = 0.95
"""No forecast of a side is surer than this."""


@dataclass(frozen=True, slots=True)
class Met:
    """A forecast, its outcome, and what the bet on it came to."""

    forecast: Forecast
    outcome: float
    log_factor: float = 0.0


def turned(met: Met, side: int) -> Met:
    """Return the same forecast and outcome as seen from a side, +1 or -1."""
    if side > 0:
        return met
    told = met.forecast
    return Met(replace(told, direction=-told.direction, mean=-told.mean), -met.outcome, met.log_factor)


def at_once(met: Sequence[Met]) -> Met:
    """Return forecasts of numbers of several kinds as one: that they come, on average, as each of them says.

    Each outcome counts by how far beyond its smallest effect it went on the side that was named, in standard deviations
    of its forecast. They are taken to rise and fall together: where they do not, their average is surer than is said.

    Args:
        met: At least one; one alone is returned as it is.
    """
    told = [each for each in met if math.isfinite(each.outcome) and each.forecast.sd > 0.0]
    if len(met) < 2 or not told:
        return _alone(met)
    mean = outcome = 0.0
    for each in told:
        side, unit, least = each.forecast.direction, each.forecast.sd, each.forecast.smallest_effect
        mean += (side * each.forecast.mean - least) / unit / len(told)
        outcome += (side * each.outcome - least) / unit / len(told)
    return Met(_normal(1, mean, 1.0, 0.0), outcome, _average(met))


def in_total(met: Sequence[Met], total: float) -> Met:
    """Return forecasts of what several causes add to one number as one forecast of the number.

    Args:
        met: What each cause was to add, and what it seemed to; at least one; one alone is returned as it is.
        total: What came of all of them.
    """
    if len(met) < 2:
        return _alone(met)
    mean = 0.0
    for each in met:
        mean += each.forecast.mean
    # The number has one error of its own, which is in the deviation of every part.
    deviation = max(each.forecast.sd for each in met)
    least = max(each.forecast.smallest_effect for each in met)
    return Met(_normal(1 if mean >= 0.0 else -1, mean, deviation, least), total, _average(met))


def _alone(met: Sequence[Met]) -> Met:
    return Met(met[0].forecast, met[0].outcome, _average(met))


def _normal(side: int, mean: float, deviation: float, least: float) -> Forecast:
    if deviation == 0.0:
        return Forecast(side, 0.5, mean, 0.0, 0.0, least)
    probability = 0.5 * math.erfc((least - side * mean) / (deviation * math.sqrt(2.0)))
    probability = min(_CERTAINTY, max(1.0 - _CERTAINTY, probability))
    return Forecast(side, probability, mean, deviation, math.hypot(deviation, mean), least)


def _average(met: Sequence[Met]) -> float:
    """Return the log of the mean of the factors, added in the order given."""
    top = max(each.log_factor for each in met)
    total = 0.0
    for each in met:
        total += math.exp(each.log_factor - top)
    return top + math.log(total / len(met))
