"""Read model: where in the log the events are that are few, so that finding them costs no walk through all of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from memory.events.amendments import Correction, Retraction
from memory.events.continuity import KeysCarried, LogContinued, StreamsCarried
from memory.events.envelope import StoredEvent
from memory.events.knowledge import BeliefAsserted, PredictionRegistered, TheoryProposed, ValidationRecorded
from memory.events.models import ModelAttached, SharingChanged
from memory.events.modifications import EditAborted, Restored, UnattributedWrite
from memory.events.observations import MetricDefined
from memory.events.safety import EmergencyCleared, SafetyAlert
from memory.events.weights import BlobsPruned, CheckpointSaved, CheckpointTagged, StatesRead
from memory.projections.base import Contents, RowProjection, utc_text
from memory.projections.tables import landmarks


class LandmarksProjection(RowProjection):
    """One row per event that is no announced write, evaluation, reading or observation: those have tables of theirs."""

    name = "landmarks"
    folds = (
        ModelAttached,
        SharingChanged,
        EditAborted,
        UnattributedWrite,
        Restored,
        MetricDefined,
        Correction,
        Retraction,
        CheckpointSaved,
        CheckpointTagged,
        BlobsPruned,
        StatesRead,
        PredictionRegistered,
        TheoryProposed,
        BeliefAsserted,
        ValidationRecorded,
        SafetyAlert,
        EmergencyCleared,
        LogContinued,
        StreamsCarried,
        KeysCarried,
    )
    tables = (landmarks,)

    def fold(self, event: StoredEvent, contents: Contents) -> None:
        """Fold one event in: what its envelope says is all there is to know."""
        self.note(event, {})

    def note(self, event: StoredEvent, fields: Mapping[str, Any]) -> None:
        """Give an event its row."""
        self._rows.add(
            landmarks,
            {
                "position": event.position,
                "event_type": event.event_type,
                "model": event.model,
                "act_id": event.act_id,
                "occurred_at": utc_text(event),
            },
        )
