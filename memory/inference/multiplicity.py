"""Many hypotheses, ever more of them: which may be claimed now, and which may be promoted to belief.

*Guaranteed*, under any dependence between hypotheses: at every settlement the expected false share of what online
weighted e-BH rejects is at most α, if each weight was fixed when its hypothesis was registered (before its evidence),
all weights ever given sum to at most 1, and all e-processes share one filtration (windows settle together; statuses
change only then). Not guaranteed by it: the false share of everything *ever* claimed. For that, promotion feeds the
running maxima through an adjuster, after which every claim once made stays made.

Source: Wang and Ramdas, arXiv 2009.02824 (e-BH); Fischer, Xu and Ramdas, arXiv 2407.20683 (online); Shafer, Shen,
Vereshchagin and Vovk, arXiv 0912.4269, and Tavyrikov, Goeman and de Heide, arXiv 2501.19360 (adjusters, ever claimed).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from memory.inference.state import State, read_count, read_number

__all__ = [
    "ALPHA",
    "EARLY_SHARE",
    "KIND_SHARES",
    "LATE_TOTAL",
    "Family",
    "adjust",
    "family_share",
    "late_weight",
    "reject",
]

ALPHA = 0.05
"""The false share promised."""
EARLY_SHARE = 0.8
"""What the hypotheses existing at a family's first settlement divide equally; those registered later share the rest."""
LATE_TOTAL = 3.38774
"""An upper bound on C = Σ_{j>=0} 1/((j+1)·log²(j+2)).

With f(x) = 1/(x·log²(x+1)), decreasing, C = Σ_{x>=1} f(x) <= Σ_{x<=N} f(x) + ∫_N^∞ f, and x >= N gives
1/x <= (1+1/N)/(x+1), so ∫_N^∞ f <= (1+1/N)·∫_N^∞ dx/((x+1)·log²(x+1)) = (1+1/N)/log(N+1). At N = 10^7 the right side
is 3.3877355380; the tests prove 3.38774 again at a smaller N. (From below: C >= Σ_{x<=N} f(x) + 1/log(N+2).)
"""

_OTHER = 0.4 / 6.0
KIND_SHARES: Mapping[str, float] = {
    "effect": 0.3,
    "impact": 0.3,
    "comodification": _OTHER,
    "cochange": _OTHER,
    "sequence": _OTHER,
    "metric_pair": _OTHER,
    "trend": _OTHER,
    "threshold": _OTHER,
}
"""How the one budget is divided between kinds; the shares sum to at most 1."""


def family_share(kind: str, index: int) -> float:
    """Return the part of the whole budget that belongs to the `index`-th family registered within a kind.

    A family is one method at one dose level. Shares 6/(π²(j+1)²) sum to 1 over all families a kind will ever have.

    Args:
        kind: one of `KIND_SHARES`.
        index: order of registration within the kind, from 0.

    Raises:
        ValueError: the kind is unknown or the index negative.
    """
    if kind not in KIND_SHARES:
        raise ValueError(f"unknown kind of hypothesis {kind!r}; known are {', '.join(KIND_SHARES)}")
    if index < 0:
        raise ValueError(f"families are counted from 0, not {index!r}")
    return KIND_SHARES[kind] * 6.0 / (math.pi**2 * (index + 1) ** 2)


def late_weight(index: int) -> float:
    """Return the part of the late budget that the `index`-th late hypothesis gets; all of them sum to less than 1.

    Falls almost as slowly as any summable sequence can: metrics that arrive one by one are not starved.

    Args:
        index: order of registration after the first settlement, from 0.

    Raises:
        ValueError: the index is negative.
    """
    if index < 0:
        raise ValueError(f"late hypotheses are counted from 0, not {index!r}")
    return 1.0 / (LATE_TOTAL * (index + 1) * math.log(index + 2) ** 2)


@dataclass(slots=True)
class Family:
    """Who registered when, and so the weight γ of each hypothesis of one family; weights never change once given."""

    share: float
    """The family's part of the whole budget (`family_share`)."""
    registered: int = 0
    """Hypotheses registered so far."""
    early: int = 0
    """Those that existed at the first settlement; 0 until then."""

    def __post_init__(self) -> None:
        if not 0.0 < self.share <= 1.0:
            raise ValueError(f"a family's share must be above 0 and at most 1, not {self.share!r}")
        if not 0 <= self.early <= self.registered:
            raise ValueError(f"of {self.registered!r} hypotheses {self.early!r} cannot be early")

    def register(self) -> int:
        """Return the ordinal of a new hypothesis, from 0; register before its first evidence."""
        self.registered += 1
        return self.registered - 1

    def settle(self) -> None:
        """Fix the early hypotheses at the family's first settlement; later calls change nothing."""
        if self.early == 0:
            self.early = self.registered

    def weight(self, ordinal: int) -> float:
        """Return γ of the hypothesis with this ordinal.

        Raises:
            ValueError: no such hypothesis is registered, or the family has not settled once.
        """
        if not 0 <= ordinal < self.registered:
            raise ValueError(f"no hypothesis {ordinal!r} among the {self.registered} registered")
        if self.early == 0:
            raise ValueError("weights are fixed at the family's first settlement: call settle() first")
        if ordinal < self.early:
            return self.share * EARLY_SHARE / self.early
        return self.share * (1.0 - EARLY_SHARE) * late_weight(ordinal - self.early)

    def to_state(self) -> State:
        """Return the state as plain data."""
        return {"share": self.share, "registered": self.registered, "early": self.early}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        """Return the family that `to_state` described.

        Raises:
            ValueError: the data does not describe one.
        """
        return cls(
            share=read_number(state, "share"),
            registered=read_count(state, "registered"),
            early=read_count(state, "early"),
        )


def reject(log_e: ArrayLike, weights: ArrayLike, alpha: float = ALPHA) -> NDArray[np.bool_]:
    """Return which hypotheses online weighted e-BH rejects: E_i >= 1/(k·α·γ_i) for the largest such k.

    Order plays no part: hypotheses equal in E·γ are rejected together, so any permutation gives the same set.

    Args:
        log_e: log e-values; of running e-processes for live claims, adjusted running maxima for promotion.
        weights: γ of each, fixed at registration.
        alpha: the false share promised.

    Raises:
        ValueError: shapes differ, a value is NaN, a weight is negative, the weights sum to more than 1, or alpha is not
            strictly between 0 and 1.
    """
    logs = np.asarray(log_e, dtype=np.float64)
    gamma = np.asarray(weights, dtype=np.float64)
    if logs.ndim != 1 or logs.shape != gamma.shape:
        raise ValueError(f"one weight per e-value is needed: shapes are {logs.shape} and {gamma.shape}")
    if not 0.0 < alpha < 1.0:
        raise ValueError(f"alpha must be strictly between 0 and 1, not {alpha!r}")
    if np.isnan(logs).any() or not (np.isfinite(gamma).all() and (gamma >= 0.0).all()):
        raise ValueError("log e-values must be numbers, and weights finite and at least 0")
    if math.fsum(gamma) > 1.0 + 1e-9:
        raise ValueError(f"the weights sum to {math.fsum(gamma)!r}: more than the whole budget of 1")
    if logs.size == 0:
        return np.zeros(0, dtype=np.bool_)
    with np.errstate(divide="ignore"):
        scores = np.where(gamma > 0.0, logs + np.log(gamma), -np.inf)
    ordered = np.sort(scores)[::-1]
    passes = ordered + np.log(np.arange(1, logs.size + 1)) >= -math.log(alpha)
    if not passes.any():
        return np.zeros(logs.size, dtype=np.bool_)
    # Equal scores pass together, since log(k) grows with k: the cut never falls within a tie.
    return np.asarray(scores >= ordered[np.flatnonzero(passes)[-1]], dtype=np.bool_)


def adjust(log_peaks: ArrayLike) -> NDArray[np.float64]:
    """Return log((E* − 1 − log E*)/(log E*)²) of running maxima E*: e-values still, though the best moment was picked.

    Args:
        log_peaks: log of the running maximum of each e-process, at least 0 since every one starts at 1.

    Raises:
        ValueError: a value is not finite or below 0.
    """
    peaks = np.asarray(log_peaks, dtype=np.float64)
    if not (np.isfinite(peaks).all() and (peaks >= 0.0).all()):
        raise ValueError("running maxima of e-processes are at least 1: their logs must be finite and at least 0")
    small = peaks < 0.01
    x = np.where(small, 1.0, peaks)
    # The series where the closed form cancels; its error there is below 1e-11.
    near = np.log(0.5 + peaks / 6.0 + peaks**2 / 24.0 + peaks**3 / 120.0) if small.any() else np.zeros_like(peaks)
    return np.where(small, near, x + np.log1p(-(1.0 + x) * np.exp(-x)) - 2.0 * np.log(x))
