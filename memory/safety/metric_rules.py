"""Judges metrics: which way is better, what they are held against, and when they have collapsed."""

from __future__ import annotations

import math
import re
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any, Literal

Better = Literal["lower", "higher"]

_LOWER = frozenset(
    {"bpb", "bpc", "cer", "divergence", "err", "error", "kl", "latency", "loss", "mae", "mse", "nll", "perplexity"}
    | {"ppl", "rmse", "toxicity", "wer"}
)
_HIGHER = frozenset(
    {"acc", "accuracy", "auc", "auroc", "bleu", "em", "f1", "meteor", "mrr", "ndcg", "precision", "r2", "recall"}
    | {"reward", "rouge", "score", "scores"}
)


def better_by_name(metric: str) -> Better | None:
    """Give which way is better where a metric's name says it; None where it does not, or says both."""
    words = set(re.split(r"[^a-z0-9]+", metric.lower()))
    lower, higher = bool(words & _LOWER), bool(words & _HIGHER)
    return None if lower == higher else "lower" if lower else "higher"


@dataclass(frozen=True, slots=True)
class MetricReading:
    """One number of an evaluation, with what it is held against."""

    name: str
    value: float
    baseline: float | None = None
    """What it was when things were well; None where nothing is known."""
    better: Better | None = None
    smallest_effect: float = 0.0
    """The smallest change that matters, in the metric's units."""
    uncertainty: float = 0.0
    """How far it can lie from its baseline without that meaning anything: little is known of it yet."""


@dataclass(frozen=True, slots=True)
class MetricFinding:
    """What is wrong with a metric."""

    rule: str
    message: str
    details: Mapping[str, Any]


def judge_metric(reading: MetricReading, ratio: float, drop: float) -> MetricFinding | None:
    """Say what is wrong with one number, None where nothing is known to be.

    A value that is not finite is wrong whatever the metric means. One that should be low has collapsed beyond `ratio`
    times its baseline, one that should be high below its baseline by more than `drop` of it; in both cases by more than
    the smallest change that matters, and than is uncertain.
    """
    value, baseline = reading.value, reading.baseline
    if not math.isfinite(value):
        return MetricFinding("metric_nonfinite", f"{reading.name} is {value}", {"metric": reading.name, "value": value})
    if baseline is None or reading.better is None:
        return None
    share = ratio - 1 if reading.better == "lower" else drop
    allowed = max(share * abs(baseline), reading.smallest_effect, reading.uncertainty)
    worse_by = value - baseline if reading.better == "lower" else baseline - value
    if allowed <= 0 or worse_by <= allowed:
        return None
    details = {
        "metric": reading.name,
        "value": value,
        "baseline": baseline,
        "better": reading.better,
        "bound": baseline + allowed if reading.better == "lower" else baseline - allowed,
    }
    way = "above" if reading.better == "lower" else "below"
    message = f"{reading.name} is {value:.4g}, {way} the bound of {details['bound']:.4g} (baseline {baseline:.4g})"
    return MetricFinding("metric_collapse", message, details)


@dataclass(slots=True)
class MetricHistory:
    """The first and the last values of one metric that were no collapse: what the next is held against.

    The baseline is the better of the median of the first and the median of the last. So neither a slow decline, nor the
    collapse of what was learned since, is taken for usual. While there are few values, the next may also lie outside
    all of them by as much as they lie apart.
    """

    size: int
    stated: float | None = None
    """A baseline that somebody gave: it holds instead."""
    _first: list[float] = field(default_factory=list)
    _last: deque[float] = field(default_factory=deque)

    @classmethod
    def of(cls, size: int, values: Sequence[float]) -> MetricHistory:
        """Give the history that these values, oldest first, leave."""
        history = cls(size)
        for value in values:
            history.note(value)
        return history

    def note(self, value: float) -> None:
        """Take in a value; one that is not finite is passed over."""
        if not math.isfinite(value):
            return
        if len(self._first) < self.size:
            self._first.append(value)
        self._last.append(value)
        if len(self._last) > self.size:
            self._last.popleft()

    def baseline(self, better: Better | None) -> float | None:
        """Give what a value is held against; None before the first."""
        if self.stated is not None:
            return self.stated
        if not self._first:
            return None
        medians = median(self._first), median(self._last)
        return max(medians) if better == "higher" else min(medians)

    def uncertainty(self, better: Better | None) -> float:
        """Give how far the next value may lie from the baseline because there are few values yet."""
        baseline = self.baseline(better)
        if self.stated is not None or baseline is None or len(self._first) >= self.size:
            return 0.0
        low, high = min(self._first), max(self._first)
        worst = low if better == "higher" else high
        return abs(worst - baseline) + (high - low)
