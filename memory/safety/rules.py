"""The rules: pure functions from what was measured to what is wrong with it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from memory.events.modifications import Change
from memory.events.safety import AlertLevel
from memory.safety.metric_rules import MetricReading, judge_metric
from memory.safety.settings import SafetySettings


@dataclass(frozen=True, slots=True)
class Measurement:
    """One storage of an edit that is about to be made, or was made and is not committed yet."""

    model: str
    name: str
    """The name the write goes through."""
    storage_key: str
    coupled: tuple[str, ...] = ()
    """Every other name whose bytes change with it."""
    acknowledged: bool = False
    """Whether the writer said that they know of the coupled names."""
    change: Change | None = None
    """What was changed; None before the write."""
    nonfinite_before: int = 0
    """NaN and infinite elements before the write."""
    share_of_parameters: float | None = None
    """What share of the model's parameters the storages of the whole edit hold; None where it is not known."""
    edits_since_checkpoint: int | None = None
    """How many edits of the model lie between its last checkpoint (or its first event) and this one."""
    metrics: tuple[MetricReading, ...] = ()
    """What was evaluated before committing, where something was."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a rule found wrong."""

    rule: str
    level: AlertLevel
    category: str
    """What kind of thing: `nan`, `metric`, `norm_ratio`, `coupled`, ..."""
    message: str
    layers: tuple[str, ...] = ()
    details: Mapping[str, Any] = field(default_factory=dict)
    """What was measured, and the bound it was held against."""


EditRuleFunction = Callable[[Measurement, SafetySettings], Finding | None]


def judge_edit(measurement: Measurement, settings: SafetySettings) -> tuple[Finding, ...]:
    """Give what is wrong with a write, by every rule that is not ignored."""
    found = [
        finding
        for rule, judged_by in EDIT_RULE_FUNCTIONS.items()
        if rule not in settings.ignore and (finding := judged_by(measurement, settings)) is not None
    ]
    return (*found, *judge_metrics(measurement.metrics, settings))


def judge_metrics(readings: Iterable[MetricReading], settings: SafetySettings) -> tuple[Finding, ...]:
    """Give what is wrong with some metrics, by every rule that is not ignored."""
    found = (judge_metric(reading, settings.metric_ratio, settings.metric_drop) for reading in readings)
    return tuple(
        Finding(each.rule, "critical", "metric", each.message, details=each.details)
        for each in found
        if each is not None and each.rule not in settings.ignore
    )


def nonfinite(measurement: Measurement, settings: SafetySettings) -> Finding | None:
    """A write that leaves more NaN and infinite elements than there were."""
    change = measurement.change
    if change is None or change.nonfinite_after <= measurement.nonfinite_before:
        return None
    new = change.nonfinite_after - measurement.nonfinite_before
    return _finding(
        measurement,
        "nonfinite",
        f"the edit of {measurement.name} brings in {new} NaN or infinite value{'s' if new > 1 else ''} among "
        f"{change.elements}",
        {"before": measurement.nonfinite_before, "after": change.nonfinite_after, "elements": change.elements},
        level="critical",
        category="nan",
    )


def norm_ratio(measurement: Measurement, settings: SafetySettings) -> Finding | None:
    """A write whose change is large beside the tensor it changes."""
    change = measurement.change
    if change is None or not change.weight_norm > 0:
        return None
    ratio = change.delta_norm / change.weight_norm
    if not math.isfinite(ratio) or ratio <= settings.norm_ratio:
        return None
    return _finding(
        measurement,
        "norm_ratio",
        f"the edit of {measurement.name} changes it by {ratio:.3g} of its norm, more than {settings.norm_ratio:g}",
        {"ratio": ratio, "bound": settings.norm_ratio, "delta_norm": change.delta_norm, "norm": change.weight_norm},
    )


def fraction_changed(measurement: Measurement, settings: SafetySettings) -> Finding | None:
    """A write that reaches many of a tensor's elements."""
    change, bound = measurement.change, settings.fraction_changed
    if change is None or bound is None or change.elements == 0:
        return None
    share = change.elements_changed / change.elements
    if share <= bound:
        return None
    return _finding(
        measurement,
        "fraction_changed",
        f"the edit of {measurement.name} changes {share:.0%} of its elements, more than {bound:.0%}",
        {"share": share, "bound": bound, "elements_changed": change.elements_changed, "elements": change.elements},
    )


def share_of_model(measurement: Measurement, settings: SafetySettings) -> Finding | None:
    """An edit of storages that hold much of the model."""
    share, bound = measurement.share_of_parameters, settings.share_of_model
    if share is None or bound is None or share <= bound:
        return None
    return _finding(
        measurement,
        "share_of_model",
        f"the edit is of {share:.0%} of the parameters of {measurement.model!r}, more than {bound:.0%}",
        {"share": share, "bound": bound},
    )


def coupled(measurement: Measurement, settings: SafetySettings) -> Finding | None:
    """A write to bytes that other names share, by a writer who did not say that they know."""
    if not measurement.coupled or measurement.acknowledged:
        return None
    return _finding(
        measurement,
        "coupled",
        f"a write to {measurement.name} also changes {', '.join(measurement.coupled)}: they share its bytes",
        {"coupled": list(measurement.coupled)},
        layers=measurement.coupled,
    )


def checkpoint(measurement: Measurement, settings: SafetySettings) -> Finding | None:
    """An edit of a model whose last checkpoint lies many edits back."""
    edits, bound = measurement.edits_since_checkpoint, settings.edits_between_checkpoints
    if edits is None or bound is None or edits < bound:
        return None
    return Finding(
        "checkpoint",
        "warning",
        "checkpoint",
        f"{measurement.model!r} was edited {edits} times since its last checkpoint; {bound} are the bound",
        details={"edits": edits, "bound": bound},
    )


EDIT_RULE_FUNCTIONS: Mapping[str, EditRuleFunction] = {
    "nonfinite": nonfinite,
    "coupled": coupled,
    "norm_ratio": norm_ratio,
    "fraction_changed": fraction_changed,
    "share_of_model": share_of_model,
    "checkpoint": checkpoint,
}


def _finding(
    measurement: Measurement,
    rule: str,
    message: str,
    details: Mapping[str, Any],
    *,
    level: AlertLevel = "warning",
    category: str | None = None,
    layers: tuple[str, ...] = (),
) -> Finding:
    names = tuple(sorted({measurement.name, *layers}))
    return Finding(rule, level, category if category is not None else rule, message, names, details)
