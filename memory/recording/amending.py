"""Records that an earlier record was wrong: checked against what is there before anything is written."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from memory.errors import AmendmentError, InvalidArgument
from memory.events.amendments import CORRECTABLE, RETRACTABLE, Amendment, Correction, Retraction, corrected
from memory.events.codec import build
from memory.events.envelope import StoredEvent
from memory.events.modifications import WriteBase
from memory.events.observations import LayerStatisticsRecorded, MetricsRecorded
from memory.events.registry import Payload
from memory.query.keys import recorded_under
from memory.recording.journal import Recorded
from memory.recording.recorder import Envelope, Recorder
from memory.store.log import EventStore


class Amender:
    """Records corrections and retractions.

    Args:
        recorder: What records.
        store: The log they are about.
    """

    def __init__(self, recorder: Recorder, store: EventStore) -> None:
        self._recorder = recorder
        self._store = store

    def correct(self, position: int, data: Any, reason: str, envelope: Envelope) -> Recorded:
        """Record what is right instead of what an event says."""
        target = self._target(position)
        if target.event_type not in CORRECTABLE:
            raise AmendmentError(
                f"a {target.event_type} (position {position}) holds nothing that can be corrected",
                position=position,
                remedy="retract it and record it anew"
                if target.event_type in RETRACTABLE
                else f"only these can be: {', '.join(CORRECTABLE)}",
            )
        right = _as_stored(corrected(target.payload, data), data)
        return self._amend(target, _amendment(Correction, target, reason, data=right), envelope)

    def retract(self, position: int, reason: str, envelope: Envelope) -> Recorded:
        """Record that an event is to count as if it had never been recorded."""
        target = self._target(position)
        if target.event_type not in RETRACTABLE:
            raise AmendmentError(
                f"a {target.event_type} (position {position}) cannot be retracted",
                position=position,
                remedy=f"only these can be: {', '.join(RETRACTABLE)}",
            )
        payload = target.payload
        if isinstance(payload, WriteBase) and payload.change is not None:
            raise AmendmentError(
                f"the write at position {position} was made and measured here: it did happen",
                position=position,
                remedy="undo it (act.undo()), or retract the evaluations that went wrong",
            )
        return self._amend(target, _amendment(Retraction, target, reason), envelope)

    def _target(self, position: int) -> StoredEvent:
        if isinstance(position, bool) or not isinstance(position, int):
            raise InvalidArgument("position", position, "it is the position of an event: a whole number")
        there = 0 < position <= self._store.head().position
        found = next(self._store.read(after=position - 1, limit=1), None) if there else None
        if found is None or found.position != position:
            raise AmendmentError(
                f"there is no event at position {position}",
                position=position,
                remedy="a record made in a batch has its position once the batch has ended; what was recorded before a "
                "rollover stays as it is",
            )
        return found

    def _amend(self, target: StoredEvent, amendment: Amendment, envelope: Envelope) -> Recorded:
        # A call made again under its key is no second retraction: the store says what became of the first.
        if envelope.key is None or not self._known(envelope.key):
            self._refuse_retracted(target)
        handle = Recorded(amendment.event_type)
        envelope = replace(envelope, act=self._recorder.act_of(envelope.act))
        self._recorder.record(target.model, [amendment], [handle], envelope=envelope)
        return handle

    def _known(self, key: str) -> bool:
        pending = any(event.key == key for event in self._recorder.journal.pending())
        return pending or recorded_under(self._store.database, key) is not None

    def _refuse_retracted(self, target: StoredEvent) -> None:
        stored = (event.payload for event in self._store.read(after=target.position, types=(Retraction.event_type,)))
        pending = (event.payload for event in self._recorder.journal.pending())
        for payloads in (stored, pending):
            for payload in payloads:
                if isinstance(payload, Retraction) and payload.position == target.position:
                    raise AmendmentError(
                        f"the {target.event_type} at position {target.position} was retracted already: "
                        f"{payload.reason}",
                        position=target.position,
                        remedy="a retraction is for good: record anew what holds after all",
                    )


def _amendment(cls: type[Amendment], target: StoredEvent, reason: str, **data: Any) -> Amendment:
    about = {"model": target.model, "position": target.position, "target_type": target.event_type}
    return build(cls, **about, reason=reason, **data)


def _as_stored(right: Payload, data: Any) -> Any:
    """Give a correction's data as its target would hold it: numbers as the numbers they are."""
    if isinstance(right, MetricsRecorded):
        return {name: right.metrics[name] for name in data}
    if isinstance(right, LayerStatisticsRecorded):
        return {name: right.values[name] for name in data}
    return data
