"""What is recorded about what was seen: observations, metrics and statistics of layers."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from memory.events.codec import JsonData, Number
from memory.events.registry import Payload, register

Label = Annotated[str, StringConstraints(min_length=1, max_length=200)]
"""A short name: not empty, at most 200 characters."""


class ObservationType(StrEnum):
    """The types of observation that every Palimpsest record knows."""

    MODIFICATION = "modification"
    PERFORMANCE = "performance"
    SAFETY_EVENT = "safety_event"
    INTROSPECTION = "introspection"
    USER_INTERACTION = "user_interaction"
    CHECKPOINT = "checkpoint"
    SYSTEM_EVENT = "system_event"
    HYPOTHESIS = "hypothesis"
    BEHAVIOR = "behavior"
    DISCOVERY = "discovery"


@register
class Observation(Payload):
    """Something the agent or a person noticed."""

    event_type: ClassVar[str] = "observation"

    model: str | None = None
    obs_type: ObservationType
    category: Label
    description: str = ""
    data: JsonData = Field(default_factory=dict)
    tags: tuple[str, ...] = ()
    importance: Annotated[float, Field(ge=0, le=1)] = 0.5


@register
class MetricsRecorded(Payload):
    """One evaluation: named numbers measured together."""

    event_type: ClassVar[str] = "metrics_recorded"

    model: str | None = None
    metrics: dict[Label, Number] = Field(min_length=1)
    sample: str | None = None
    """What it was measured on; two evaluations pair only on the same sample."""


@register
class MetricDefined(Payload):
    """What a metric means: which way is better, the smallest change that matters, what it is computed from."""

    event_type: ClassVar[str] = "metric_defined"

    model: str | None = None
    """The model it holds for; None for every model of the record."""
    name: Label
    derived_from: tuple[Label, ...] = ()
    better: Literal["lower", "higher"] | None = None
    smallest_effect: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0
    """In units of the metric, per act at the reference dose."""

    @model_validator(mode="after")
    def _not_of_itself(self) -> Self:
        if self.name in self.derived_from:
            raise ValueError(f"{self.name!r} cannot be computed from itself")
        return self


@register
class LayerStatisticsRecorded(Payload):
    """One statistic read off several layers at one moment."""

    event_type: ClassVar[str] = "layer_statistics_recorded"

    model: str
    statistic: Label
    values: dict[str, Number] = Field(min_length=1)
    """Layer name to value; names the map does not know are kept, and quarantined by the projections."""
