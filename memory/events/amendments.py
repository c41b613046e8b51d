"""What is recorded about records: that one was wrong, and what is right instead. The record itself never changes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, StringConstraints

from memory.errors import InvalidPayload
from memory.events.codec import JsonData, build
from memory.events.observations import LayerStatisticsRecorded, MetricsRecorded, Observation
from memory.events.plain import short
from memory.events.registry import Payload, register

CORRECTABLE = ("observation", "metrics_recorded", "layer_statistics_recorded")
"""The event types of which what was seen or measured can be corrected."""
RETRACTABLE = (
    *CORRECTABLE,
    "modification",
    "coupled_modification",
    "theory_proposed",
    "belief_asserted",
    "validation_recorded",
)
"""The event types that can be retracted; of writes, those that were only reported. A prediction stays."""


class Amendment(Payload):
    """The fields that a correction and a retraction have in common."""

    model: str | None = None
    """The model of the amended event's stream; None for one that belongs to no model."""
    position: Annotated[int, Field(ge=1)]
    """The amended event."""
    target_type: Literal[
        "observation",
        "metrics_recorded",
        "layer_statistics_recorded",
        "modification",
        "coupled_modification",
        "theory_proposed",
        "belief_asserted",
        "validation_recorded",
    ]
    """Its event type, so that a fold knows without looking whether it is concerned."""
    reason: Annotated[str, StringConstraints(min_length=1)]
    """Why, in words."""


@register
class Correction(Amendment):
    """An event said something wrong, and this is right."""

    event_type: ClassVar[str] = "correction"

    target_type: Literal["observation", "metrics_recorded", "layer_statistics_recorded"]
    """The event type of the corrected event."""
    data: JsonData
    """For an observation its whole data; for metrics and layer statistics the numbers that were wrong, by name."""


@register
class Retraction(Amendment):
    """An event is to count as if it had never been recorded."""

    event_type: ClassVar[str] = "retraction"


def corrected(payload: Payload, data: Any) -> Payload:
    """Give what an event says with the data of a correction in it.

    Args:
        payload: What it said.
        data: For an observation its whole data; for metrics and layer statistics the right numbers, by name. Only
            numbers that were recorded can be corrected: what was measured is not changed, what it showed is.

    Raises:
        InvalidPayload: The event cannot hold this.
    """
    fields = dict(payload)
    if isinstance(payload, MetricsRecorded):
        return build(MetricsRecorded, **fields | {"metrics": _replaced(payload.metrics, data)})
    if isinstance(payload, LayerStatisticsRecorded):
        return build(LayerStatisticsRecorded, **fields | {"values": _replaced(payload.values, data)})
    if isinstance(payload, Observation):
        return build(Observation, **fields | {"data": data})
    raise InvalidPayload("position", f"a {payload.event_type} holds nothing that can be corrected")


def _replaced(recorded: Mapping[str, float], data: Any) -> dict[str, Any]:
    if not isinstance(data, Mapping) or not data:
        remedy = "pass data={name: the right value} with the numbers that were wrong"
        raise InvalidPayload("data", "a correction of numbers names them", value=short(data), remedy=remedy)
    unknown = [name for name in data if name not in recorded]
    if unknown:
        remedy = f"it holds {', '.join(sorted(recorded))}; record what was not measured then as an event of its own"
        raise InvalidPayload(f"data[{unknown[0]!r}]", "the event holds no number of this name", remedy=remedy)
    return {**recorded, **data}
