"""Read model: alerts, and which of them stop a model until a person clears them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from memory.events.envelope import StoredEvent
from memory.events.safety import EmergencyCleared, SafetyAlert
from memory.projections.base import RowProjection, utc_text
from memory.projections.weight_tables import safety_alerts


class SafetyProjection(RowProjection):
    """One row per alert; an emergency stops its model (or every model, where it names none) until it is cleared."""

    name = "safety"
    folds = (SafetyAlert, EmergencyCleared)
    tables = (safety_alerts,)

    def note(self, event: StoredEvent, fields: Mapping[str, Any]) -> None:
        """Give an alert its row, or end the emergencies that a person cleared."""
        if event.event_type == EmergencyCleared.event_type:
            for position in fields["alerts"]:
                where = safety_alerts.c.position == position, safety_alerts.c.stops.is_(True)
                self._updates.add(safety_alerts, where, {"stops": False, "cleared_position": event.position})
            return
        self._rows.add(
            safety_alerts,
            {
                "position": event.position,
                "model": fields["model"],
                "level": fields["level"],
                "category": fields["category"],
                "message": fields["message"],
                "rule": fields["rule"],
                "layers": fields["layers"],
                "details": fields["details"],
                "act_id": event.act_id,
                "occurred_at": utc_text(event),
                "stops": fields["level"] == "emergency",
                "cleared_position": None,
            },
        )
