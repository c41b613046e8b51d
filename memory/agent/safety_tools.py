"""What an agent asks before it writes, and what was found wrong."""

from __future__ import annotations

from typing import Any, Literal

from memory.agent.bounding import Page
from memory.agent.desk import Desk, Name, Offset
from memory.agent.marks import reads

_ASKED = 50


class SafetyTools:
    """Whether a write may be made, what it would reach, and the alerts on record.

    Args:
        desk: The model and the record they are about.
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    @reads(reveals=True)
    def check_modification(self, name: Name) -> dict[str, Any]:
        """Ask before changing a weight: allow, warn or deny, with reasons and every other name that would change too.

        Args:
            name: A weight's name, or a module's path.
        """
        found = self._desk.memory.safety.check_modification(name, model=self._desk.model).to_dict()
        beliefs = [{"statement": each["statement"], "credence": each["credence"]} for each in found["beliefs"]]
        kept = ("verdict", "name", "reasons", "rules", "coupled", "derived", "parameters", "share_of_parameters")
        return {
            **{each: found[each] for each in kept},
            "edits_since_checkpoint": found["edits_since_checkpoint"],
            "beliefs": beliefs,
            "core_principles": found["core_principles"],
        }

    @reads(reveals=True)
    def get_alerts(
        self, level: Literal["", "info", "warning", "critical", "emergency"] = "", offset: Offset = 0
    ) -> dict[str, Any]:
        """Give the safety alerts on record, newest first, and whether the model is stopped.

        Args:
            level: Only of this level; empty for all.
            offset: How many entries to skip.
        """
        desk = self._desk
        safety, model = desk.memory.safety, desk.about
        found = safety.get_recent_alerts(offset + _ASKED + 1, level=level or None, model=model)
        rows = [
            {
                "level": each.level,
                "category": each.category,
                "message": each.message,
                "at": each.timestamp.isoformat(timespec="seconds"),
                "position": each.position,
            }
            for each in found[offset : offset + _ASKED]
        ]
        stops = [stop.message for stop in safety.emergencies.in_force() if model is None or stop.concerns(model)]
        return {"stopped_by": stops, "alerts": Page(rows, offset, more=len(found) > offset + _ASKED)}

    @reads(reveals=True)
    def check_model_health(self) -> dict[str, Any]:
        """Read every weight and say which hold NaN or infinities, dead rows, or norms unlike their siblings'."""
        found = self._desk.memory.safety.check_model_health(model=self._desk.model)
        told = [{"names": each.names, "kind": each.kind, "words": each.words} for each in found.findings]
        return {"healthy": found.healthy, "checked": found.checked, "findings": Page(told)}
