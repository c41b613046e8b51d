"""What amended events say now: corrections and retractions up to some position, applied to the events before it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from memory.events.amendments import Amendment, Correction, corrected
from memory.events.envelope import StoredEvent
from memory.events.knowledge import ValidationRecorded
from memory.events.plain import tag, untag
from memory.events.registry import Payload


def amends(event: StoredEvent, fields: Mapping[str, Any], *types: str) -> bool:
    """Tell whether an amendment is about an earlier event of one of these types.

    Args:
        event: The amendment.
        fields: What it says.
        types: The event types.
    """
    # What is written past the API may say anything: of events to come there are no rows yet, live or rebuilt.
    return fields["target_type"] in types and fields["position"] < event.position


@dataclass(slots=True)
class _Amended:
    target_type: str
    corrections: list[Any] = field(default_factory=list)
    """Data of each, oldest first."""
    retracted: bool = False


class Amendments:
    """Everything that was amended, by position."""

    def __init__(self) -> None:
        self._amended: dict[int, _Amended] = {}

    def note(self, event: StoredEvent, payload: Amendment) -> bool:
        """Take an amendment; say whether it changes what its target says."""
        amended = self._amended.get(payload.position)
        if payload.position >= event.position or (amended is not None and amended.retracted):
            # Two writers may both have retracted it before either knew of the other: the first one holds.
            return False
        if amended is None:
            amended = self._amended[payload.position] = _Amended(payload.target_type)
        if isinstance(payload, Correction):
            amended.corrections.append(payload.data)
        else:
            amended.retracted = True
        return True

    def applied(self, event: StoredEvent) -> Payload | None:
        """Give what an event says with its amendments; None where it, or what it rests on, was retracted."""
        amended = self._amended.get(event.position)
        if amended is None or amended.target_type != event.event_type:
            payload = event.payload
            return payload if self.stands(payload) else None
        if amended.retracted:
            return None
        payload = event.payload
        for data in amended.corrections:
            payload = corrected(payload, data)
        return payload

    def stands(self, payload: Payload) -> bool:
        """Tell whether what is said rests on no event that was retracted."""
        if not isinstance(payload, ValidationRecorded) or payload.rests_on is None:
            return True
        amended = self._amended.get(payload.rests_on)
        return amended is None or not amended.retracted

    def to_state(self) -> list[Any]:
        """Give everything as plain data, oldest first."""
        return [
            [position, each.target_type, tag(each.corrections), each.retracted]
            for position, each in self._amended.items()
        ]

    @classmethod
    def from_state(cls, state: Sequence[Any]) -> Amendments:
        """Rebuild from `to_state`."""
        amendments = cls()
        for position, target_type, corrections, retracted in state:
            amendments._amended[position] = _Amended(target_type, untag(corrections), retracted)
        return amendments
