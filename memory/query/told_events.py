"""Events as rows that a person reads: position, type, time, act, and what happened in a few words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from memory.events.amendments import Correction, Retraction
from memory.events.envelope import StoredEvent, from_microseconds
from memory.events.knowledge import BeliefAsserted, PredictionRegistered, TheoryProposed, ValidationRecorded
from memory.events.models import ModelAttached, SharingChanged
from memory.events.modifications import EditAborted, Restored, UnattributedWrite, WriteBase
from memory.events.observations import LayerStatisticsRecorded, MetricDefined, MetricsRecorded, Observation
from memory.events.safety import EmergencyCleared, SafetyAlert
from memory.events.weights import CheckpointSaved
from memory.store.engine import Database
from memory.store.tables import event_types, ledger

_NUMBERS = 4
"""Numbers of one evaluation or reading that are told."""


@dataclass(frozen=True, slots=True)
class EventTold:
    """One event as a row."""

    position: int
    event_type: str
    occurred_at: str
    """UTC, ISO text."""
    act_id: str | None
    what: str
    """What it is where it is told of: `baseline`, `write`, `outcome`, `reading`, `assertion`, ..."""
    happened: str
    """What it says, in a few words."""
    says: str = ""
    """What it says of what it is told of, where it was what completed a piece of evidence."""

    @classmethod
    def of(cls, event: StoredEvent, what: str = "", says: str = "") -> EventTold:
        """Tell an event."""
        return cls(event.position, event.event_type, iso(event.occurred_at), event.act_id, what, briefly(event), says)


def iso(moment: Any) -> str:
    """Give a time as every view shows it."""
    return str(moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ"))


def events_at(database: Database, positions: Iterable[int]) -> dict[int, tuple[str, str, str | None]]:
    """Give the type, time and act of events, by position; those that are not there are left out."""
    wanted, found = sorted(positions), dict[int, tuple[str, str, str | None]]()
    columns = select(ledger.c.position, event_types.c.name, ledger.c.occurred_at, ledger.c.act_id).join_from(
        ledger, event_types, event_types.c.type_id == ledger.c.type_id
    )
    for start in range(0, len(wanted), 500):
        with database.reading() as connection:
            for row in connection.execute(columns.where(ledger.c.position.in_(wanted[start : start + 500]))):
                found[row.position] = row.name, iso(from_microseconds(row.occurred_at)), row.act_id
    return found


def briefly(event: StoredEvent) -> str:
    """Say what an event says, in a few words with its numbers."""
    payload = event.payload
    match payload:
        case WriteBase():
            return _write(payload)
        case MetricsRecorded():
            on = f" on {payload.sample}" if payload.sample is not None else ""
            return f"{_numbers(payload.metrics)}{on}"
        case LayerStatisticsRecorded():
            return f"{payload.statistic}: {_numbers(payload.values)}"
        case MetricDefined():
            return f"{payload.name} defined"
        case Observation():
            return f"{payload.category}: {payload.description}" if payload.description else payload.category
        case Correction() | Retraction():
            return f"position {payload.position} ({payload.target_type}): {payload.reason}"
        case TheoryProposed():
            return payload.hypothesis
        case BeliefAsserted():
            return f"{payload.statement} (credence {payload.credence:.4g})"
        case PredictionRegistered():
            side = "up" if payload.direction > 0 else "down"
            return f"predicted {side} with probability {payload.probability:.3g}"
        case ValidationRecorded():
            return _outcome(payload)
        case SafetyAlert():
            return f"{payload.level}: {payload.message}"
        case EmergencyCleared():
            return payload.reason
        case EditAborted():
            why = f"denied by {', '.join(payload.denied_by)}" if payload.denied_by else payload.error
            return f"an edit of {payload.primary_layer} did not happen: {why} {payload.message}".rstrip()
        case UnattributedWrite():
            return f"{payload.storage_key} holds other bytes than the record says (found by {payload.found_by})"
        case Restored():
            return f"an earlier state was put back{f': {payload.reason}' if payload.reason else ''}"
        case ModelAttached() | SharingChanged():
            return _groups(payload.sharing)
        case CheckpointSaved():
            return f"{payload.checkpoint_id}: {payload.description}" if payload.description else payload.checkpoint_id
        case _:
            return ""


def _write(payload: WriteBase) -> str:
    dose = "" if payload.dose is None else f" by {payload.dose:+.4g}"
    coupled = f", which is also {', '.join(payload.coupled_layers[:3])}" if payload.coupled_layers else ""
    more = f" and {len(payload.coupled_layers) - 3} more" if len(payload.coupled_layers) > 3 else ""
    about = payload.description or payload.reason
    return f"{payload.method or 'write'}{dose} of {payload.primary_layer}{coupled}{more}{f': {about}' if about else ''}"


def _outcome(payload: ValidationRecorded) -> str:
    if payload.value is not None:
        came = f"it came {payload.value:+.4g}"
    else:
        came = "it came as it says" if payload.came_true else "it came otherwise"
    return f"{came}: {payload.note}" if payload.note else came


def _numbers(values: Mapping[str, float]) -> str:
    told = ", ".join(f"{name} {value:.4g}" for name, value in list(values.items())[:_NUMBERS])
    return told if len(values) <= _NUMBERS else f"{told}, and {len(values) - _NUMBERS} more"


def _groups(sharing: Mapping[str, Any]) -> str:
    ties = [" = ".join(group[1:]) for group in sharing.get("same", ())]  # each begins with its bytes
    told = f"; one tensor: {'; '.join(ties[:3])}" if ties else ""
    more = f" and {len(ties) - 3} more" if len(ties) > 3 else ""
    return f"a model of {len(sharing.get('names', ()))} names{told}{more}"
