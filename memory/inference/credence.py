"""Credence: the probability that an effect is real and of the sign claimed, given its whole family.

A spike (no effect) and a slab (standardised effects d = effect/sd, normal about 0 with spread τ); the prior share of
real effects and τ come from the family itself by a fixed number of EM steps, in a fixed order, so that the same data
give the same bits. Effects are standardised because a family holds metrics of different units. Small samples are
guarded by Student's t in place of the normal for both spike and slab.

*Measured* only: a credence is as good as the spike-and-slab picture of the family; nothing is guaranteed. A belief
needs a prospective e-value besides (theories.py), which is.

Source: Efron 2008 (two-groups model); Johnstone and Silverman 2004 (empirical Bayes spike and slab).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["Prior", "credence", "credences", "estimate_prior"]

_Floats = NDArray[np.float64]

_STEPS = 25
_REAL_BOUNDS = (0.01, 0.95)
"""The share of real effects is never thought to be none or all."""
_SLAB_BOUNDS = (0.1, 10.0)
_REAL_PSEUDO = (1.0, 10.0)
"""A family of its own begins with one real effect seen among ten."""
_SLAB_PSEUDO = 2.0
"""... and with two effects of size 1."""
_LARGEST_T = 1e3
"""Deterministic repeats have a standard error of 0: their t is held to this."""


@dataclass(frozen=True, slots=True)
class Prior:
    """What a family says about a hypothesis before its own data."""

    real: float = 0.1
    """Share of real effects."""
    slab: float = 1.0
    """τ: spread of real effects in standard deviations of one outcome."""

    def __post_init__(self) -> None:
        if not 0.0 < self.real < 1.0:
            raise ValueError(f"the prior share of real effects must be strictly between 0 and 1, not {self.real!r}")
        if not 0.0 < self.slab < math.inf:
            raise ValueError(f"the slab must be finite and above 0, not {self.slab!r}")


def _standardised(estimates: ArrayLike, standard_errors: ArrayLike, counts: ArrayLike) -> tuple[_Floats, _Floats]:
    """Return d and n of each hypothesis; n = 0 marks one with too little data to say anything."""
    effects = np.asarray(estimates, dtype=np.float64)
    errors = np.asarray(standard_errors, dtype=np.float64)
    n = np.asarray(counts, dtype=np.float64)
    if effects.ndim != 1 or effects.shape != errors.shape or effects.shape != n.shape:
        raise ValueError(
            f"estimates, standard errors and counts must match: {effects.shape}, {errors.shape}, {n.shape}"
        )
    if (errors < 0.0).any() or (n < 0.0).any():
        raise ValueError("standard errors and counts must be at least 0")
    usable = np.isfinite(effects) & np.isfinite(errors) & (n >= 2.0)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        t = np.where(usable & (effects != 0.0), effects / errors, 0.0)
    n = np.where(usable, n, 0.0)
    return np.clip(t, -_LARGEST_T, _LARGEST_T) / np.sqrt(np.maximum(n, 1.0)), n


def _log_odds(d: _Floats, n: _Floats, prior: Prior) -> _Floats:
    """Return the log odds that an effect is real; Student's t with n − 1 degrees of freedom on both sides."""
    nu = np.maximum(n - 1.0, 1.0)
    noise = 1.0 / np.maximum(n, 1.0)
    wide = noise + prior.slab**2
    spike, slab = np.log1p(d * d / (nu * noise)), np.log1p(d * d / (nu * wide))
    bayes_factor = 0.5 * np.log(noise / wide) + 0.5 * (nu + 1.0) * (spike - slab)
    return np.where(n > 0.0, bayes_factor, 0.0) + math.log(prior.real / (1.0 - prior.real))


def _probability(log_odds: _Floats) -> _Floats:
    return 0.5 * (1.0 + np.tanh(0.5 * log_odds))


def _slab_posterior(d: _Floats, n: _Floats, prior: Prior) -> tuple[_Floats, _Floats]:
    """Return mean and variance of the standardised effect, were it real."""
    size = np.maximum(n, 1.0)
    noise = (1.0 + 2.0 / np.maximum(n - 1.0, 1.0)) / size
    kept = np.where(n > 0.0, prior.slab**2 / (prior.slab**2 + noise), 0.0)
    return d * kept, np.where(n > 0.0, kept * noise, prior.slab**2)


def estimate_prior(estimates: ArrayLike, standard_errors: ArrayLike, counts: ArrayLike) -> Prior:
    """Return the share of real effects and their spread, as a whole family shows them.

    Give every hypothesis of the family, not only the claimed ones: that is what undoes the winner's curse.

    Args:
        estimates: estimated effects.
        standard_errors: theirs; infinite where unknown.
        counts: outcomes behind each.

    Raises:
        ValueError: the lengths differ, or a standard error or count is negative.
    """
    d, n = _standardised(estimates, standard_errors, counts)
    d, n = d[n > 0.0], n[n > 0.0]
    prior = Prior()
    for _ in range(_STEPS):
        real = _probability(_log_odds(d, n, prior))
        mean, variance = _slab_posterior(d, n, prior)
        found = math.fsum(real)
        squares = math.fsum(real * (mean * mean + variance))
        share = (_REAL_PSEUDO[0] + found) / (_REAL_PSEUDO[1] + d.size)
        slab = math.sqrt((_SLAB_PSEUDO + squares) / (_SLAB_PSEUDO + found))
        prior = Prior(
            real=min(_REAL_BOUNDS[1], max(_REAL_BOUNDS[0], share)),
            slab=min(_SLAB_BOUNDS[1], max(_SLAB_BOUNDS[0], slab)),
        )
    return prior


def credences(
    estimates: ArrayLike, standard_errors: ArrayLike, counts: ArrayLike, prior: Prior
) -> tuple[_Floats, _Floats]:
    """Return, for each hypothesis, P(real and positive) and P(real and negative).

    Args:
        estimates: estimated effects.
        standard_errors: theirs; infinite where unknown.
        counts: outcomes behind each.
        prior: what the family says (`estimate_prior`).

    Raises:
        ValueError: the lengths differ, or a standard error or count is negative.
    """
    d, n = _standardised(estimates, standard_errors, counts)
    real = _probability(_log_odds(d, n, prior))
    mean, variance = _slab_posterior(d, n, prior)
    ratio = mean / np.sqrt(2.0 * variance)
    positive = np.array([0.5 * math.erfc(-float(value)) for value in ratio], dtype=np.float64)
    negative = np.array([0.5 * math.erfc(float(value)) for value in ratio], dtype=np.float64)
    return real * positive, real * negative


def credence(estimate: float, standard_error: float, count: float, prior: Prior, direction: int) -> float:
    """Return P(real and on one side) of one hypothesis: `credences` without its arrays.

    Args:
        estimate: estimated effect.
        standard_error: its standard error; infinite where unknown.
        count: outcomes behind it.
        prior: what the family says (`estimate_prior`).
        direction: the side, +1 or -1.
    """
    usable = math.isfinite(estimate) and math.isfinite(standard_error) and count >= 2.0
    n = max(count, 1.0) if usable else 1.0
    t = 0.0
    if usable and estimate != 0.0:
        t = estimate / standard_error if standard_error > 0.0 else math.copysign(_LARGEST_T, estimate)
    d = min(_LARGEST_T, max(-_LARGEST_T, t)) / math.sqrt(n)
    log_odds = math.log(prior.real / (1.0 - prior.real))
    mean, variance = 0.0, prior.slab**2
    if usable:
        freedom, noise = max(n - 1.0, 1.0), 1.0 / n
        wide = noise + prior.slab**2
        spike, slab = math.log1p(d * d / (freedom * noise)), math.log1p(d * d / (freedom * wide))
        log_odds += 0.5 * math.log(noise / wide) + 0.5 * (freedom + 1.0) * (spike - slab)
        noise *= 1.0 + 2.0 / freedom
        kept = prior.slab**2 / (prior.slab**2 + noise)
        mean, variance = d * kept, kept * noise
    real = 0.5 * (1.0 + math.tanh(0.5 * log_odds))
    return real * 0.5 * math.erfc(-direction * mean / math.sqrt(2.0 * variance))
