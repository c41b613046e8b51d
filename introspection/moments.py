"""Mean, spread, shape and norms of many numbers from what was gathered of each part of them."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import torch

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]

_ZERO = -2000
"""The exponent of zeros: below that of every other number, so that these decide."""


@dataclass(frozen=True, slots=True)
class Moments:
    """What is known of finite numbers as a whole; None where there are none, or where float64 has no such number."""

    count: int
    """How many there are."""
    mean: float | None = None
    std: float | None = None
    """Of a sample (divided by count − 1, as `torch.std`); 0 for a single number."""
    abs_mean: float | None = None
    l1_norm: float | None = None
    l2_norm: float | None = None
    skewness: float | None = None
    """Third standardised central moment of the numbers themselves (not of a population); None without spread."""
    excess_kurtosis: float | None = None
    """Fourth standardised central moment less 3: 0 for a normal distribution; None without spread."""


@dataclass(slots=True)
class MomentSums:
    """Gathers chunks, each by its count, its mean and its central sums, and joins them at the end.

    Each chunk is first divided by a power of two near its largest magnitude, which rounds nothing, so that no power
    of it overflows. Chunks are joined by means and central sums: sums of plain squares would cancel far from zero.

    Source: Pébay, "Formulas for Robust, One-Pass Parallel Computation of Covariances and Arbitrary-Order Statistical
    Moments", Sandia report SAND2008-6212 (2008).
    """

    _parts: list[tuple[int, int, float, float, float, float, float]] = field(default_factory=list)

    def add(self, values: torch.Tensor, low: float, high: float, times: int = 1) -> None:
        """Takes in a chunk.

        Args:
            values: Finite numbers, one-dimensional, not empty, float64, and this call's own: they are overwritten.
            low: The smallest of them.
            high: The largest of them.
            times: How often each counts.
        """
        scale, exponent = _scale(max(abs(low), abs(high)))
        if scale != 1:
            values /= scale
            low, high = low / scale, high / scale
        count = values.numel()
        absolute = float(values.abs().sum())
        # Rounding must not push the mean out of the range: a constant has no spread.
        mean = min(max(float(values.sum()) / count, low), high)
        values -= mean
        squared = values.square()
        second, third, fourth = float(squared.sum()), float(squared.dot(values)), float(squared.dot(squared))
        self._parts.append(
            (count * times, exponent, mean, absolute * times, second * times, third * times, fourth * times)
        )

    def total(self) -> Moments:
        """The moments of everything taken in."""
        if not self._parts:
            return Moments(0)
        columns = list(zip(*self._parts, strict=True))
        counts, exponents = (np.array(column, dtype=np.int64) for column in columns[:2])
        largest = int(exponents.max())
        mean, absolute, second, third, fourth = (
            np.ldexp(np.array(column, dtype=np.float64), (exponents - largest) * power)
            for column, power in zip(columns[2:], (1, 1, 2, 3, 4), strict=True)
        )
        return _joined(counts, mean, absolute, (second, third, fourth), largest)


def moments_of_counts(values: Floats, counts: Counts) -> Moments:
    """The moments of finite numbers that are given once each, with how often they occur.

    Args:
        values: Finite numbers.
        counts: How often each occurs, at least once.
    """
    if not len(values):
        return Moments(0)
    scale, exponent = _scale(float(np.abs(values).max()))
    scaled = values / scale
    none = np.zeros(len(values))
    return _joined(counts, scaled, counts.astype(np.float64) * np.abs(scaled), (none, none, none), exponent)


def _joined(
    counts: Counts, means: Floats, absolute: Floats, central: tuple[Floats, Floats, Floats], exponent: int
) -> Moments:
    """Joins parts of known count, mean, sum of magnitudes and central sums, all divided by powers of 2**exponent."""
    count = int(counts.sum())
    mean = min(max(math.fsum(counts * means) / count, float(means.min())), float(means.max()))
    away = means - mean
    second = float((central[0] + counts * away**2).sum())
    third = float((central[1] + 3 * away * central[0] + counts * away**3).sum())
    fourth = float((central[2] + 4 * away * central[1] + 6 * away**2 * central[0] + counts * away**4).sum())
    absolute_sum = math.fsum(absolute)
    variance = second / count
    return Moments(
        count=count,
        mean=_scaled(mean, exponent),
        std=_scaled(math.sqrt(second / max(1, count - 1)), exponent),
        abs_mean=_scaled(absolute_sum / count, exponent),
        l1_norm=_scaled(absolute_sum, exponent),
        l2_norm=_scaled(math.sqrt(second + count * mean * mean), exponent),
        skewness=_finite(third / count / variance / math.sqrt(variance)) if variance > 0 else None,
        excess_kurtosis=_finite(fourth / count / variance / variance - 3) if variance > 0 else None,
    )


def _scale(largest: float) -> tuple[float, int]:
    """A power of two near a magnitude, and its exponent; 1 where no fourth power comes near the limits of float64."""
    if largest == 0:
        return 1.0, _ZERO
    exponent = math.frexp(largest)[1] - 1
    # Between these, fourth powers of 2**40 numbers, and of their last bits, stay inside float64.
    if -150 < exponent < 240:
        return 1.0, 0
    return math.ldexp(1.0, exponent), exponent


def _scaled(value: float, exponent: int) -> float | None:
    try:
        return math.ldexp(value, exponent)
    except OverflowError:
        return None


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
