"""How sure the sign of a mean of products is: the forecast of kinds that ask whether two series move together.

Products of two innovations lean: rare large ones lie on the side of their correlation, so that a normal forecast of
their mean is not sure enough. If the innovations are normal with correlation ρ, the sum of k products is
(1+ρ)·χ² − (1−ρ)·χ'² over 2 (k degrees of freedom each, independent), and above 0 as often as F(k, k) > (1−ρ)/(1+ρ).
Half the logarithm of such an F is nearly normal with variance 1/k + 1/k², which is what is used here.

*Measured* only: with heavier tails it is not sure enough, by up to .15 with Student's t of four degrees of freedom
(tests/unit/inference/test_inference_product_signs.py); what a claim's own forecasts met has to make up for that.

Source: Fisher 1924 (z = ½·log F, and atanh of a correlation).
"""

from __future__ import annotations

import math

__all__ = ["chance_above_zero"]

_LARGEST = 0.95
"""No correlation is taken to be larger: its estimate comes from few products."""


def chance_above_zero(mean: float, deviation: float, n: float, size: float) -> float:
    """Return P(the mean of the next `size` products is above 0), from the products so far.

    Args:
        mean: their mean.
        deviation: their standard deviation, above 0.
        n: how many they are.
        size: how many come, about.
    """
    # For normal innovations mean/deviation is ρ/sqrt(1+ρ²), whatever their scales.
    d = mean / deviation
    square = d * d
    correlation = math.copysign(_LARGEST, d)
    if square < _LARGEST * _LARGEST / (1.0 + _LARGEST * _LARGEST):
        correlation = d / math.sqrt(1.0 - square)
    spread = math.sqrt(1.0 / size + 1.0 / (size * size) + 1.0 / n)
    return 0.5 * math.erfc(-math.atanh(correlation) / spread / math.sqrt(2.0))
