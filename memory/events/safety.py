"""What is recorded about safety: alerts, emergency stops, and what ended them."""

from __future__ import annotations

from typing import ClassVar, Literal, get_args

from pydantic import Field

from memory.events.codec import JsonData
from memory.events.knowledge import Words
from memory.events.observations import Label
from memory.events.registry import Payload, register

AlertLevel = Literal["info", "warning", "critical", "emergency"]
"""How serious an alert is; an emergency stops the model until a person clears it."""
ALERT_LEVELS: tuple[str, ...] = get_args(AlertLevel)
"""From the least to the most serious."""


@register
class SafetyAlert(Payload):
    """Something was seen that may be unsafe; at level `emergency` the model is stopped from here on."""

    event_type: ClassVar[str] = "safety_alert"

    model: str | None = None
    level: AlertLevel
    category: Label
    """What kind of thing: `nan`, `metric`, `norm_ratio`, `latency`, `memory`, ..."""
    message: Words
    rule: str | None = None
    """The rule that saw it; None where a person or the monitor itself raised it."""
    layers: tuple[str, ...] = ()
    """The names it is about, sorted."""
    details: JsonData = Field(default_factory=dict)
    """What was measured, and the bound it was held against."""


@register
class EmergencyCleared(Payload):
    """A person says that a stopped model may go on."""

    event_type: ClassVar[str] = "emergency_cleared"

    model: str | None = None
    reason: Words
    alerts: tuple[int, ...] = ()
    """The positions of the emergencies it ends, sorted."""
