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
_NORMAL_WEIGHT = 8.0
"""How many outcomes the normal forecast of an average is worth; measured on simulated acts."""
_ROOT_TWO = math.sqrt(2.0)


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


def at_once(met: Sequence[Met], hits: int = 0, n: int = 0) -> Met:
    """Return forecasts of numbers of several kinds as one: that they come, on average, as each of them says.

    Each outcome counts by how far beyond its smallest effect it went on the side that was named, in standard deviations
    of its forecast. They are taken to rise and fall together, until hits show that their average is surer than that.

    Args:
        met: At least one; one alone is returned as it is.
        hits: How many forecasts of the same kind came true before.
        n: Of how many.
    """
    if len(met) < 2:
        return met[0]
    told = [each for each in met if math.isfinite(each.outcome) and each.forecast.sd > 0.0]
    if not told:
        return Met(met[0].forecast, met[0].outcome, _average(met))
    mean = outcome = 0.0
    for each in told:
        side, unit, least = each.forecast.direction, each.forecast.sd, each.forecast.smallest_effect
        mean += (side * each.forecast.mean - least) / unit / len(told)
        outcome += (side * each.outcome - least) / unit / len(told)
    return Met(_normal(1, mean, 1.0, 0.0, hits, n), outcome, _average(met))


def in_total(met: Sequence[tuple[Met, int]], total: float) -> Met:
    """Return forecasts of what several causes add to one number as one forecast of the number.

    Args:
        met: What each cause was to add, and what it seemed to, with the side from which it is to be seen; at least one;
            one alone is returned as seen from its side.
        total: What came of all of them.
    """
    if len(met) < 2:
        return turned(*met[0])
    mean = deviation = least = 0.0
    for each, side in met:
        told = each.forecast
        mean += side * told.mean
        # The number has one error of its own, which is in the deviation of every part.
        deviation = max(deviation, told.sd)
        least = max(least, told.smallest_effect)
    forecast = _normal(1 if mean >= 0.0 else -1, mean, deviation, least)
    return Met(forecast, total, _average([each for each, _ in met]))


def _normal(side: int, mean: float, deviation: float, least: float, hits: int = 0, n: int = 0) -> Forecast:
    if deviation == 0.0:
        return Forecast(side, 0.5, mean, 0.0, 0.0, least)
    normal = 0.5 * math.erfc((least - side * mean) / (deviation * _ROOT_TWO))
    probability = (_NORMAL_WEIGHT * _held(normal) + hits) / (_NORMAL_WEIGHT + n)
    return Forecast(side, _held(probability), mean, deviation, math.hypot(deviation, mean), least)


def _held(probability: float) -> float:
    return min(_CERTAINTY, max(1.0 - _CERTAINTY, probability))


def _average(met: Sequence[Met]) -> float:
    """Return the log of the mean of the factors, added in the order given."""
    top = max(each.log_factor for each in met)
    total = 0.0
    for each in met:
        total += math.exp(each.log_factor - top)
    return top + math.log(total / len(met))
