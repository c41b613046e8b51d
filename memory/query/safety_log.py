"""What the log says now of emergencies and of edits since the last checkpoint: kept up with it, event by event."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, func, select

from memory.events.envelope import StoredEvent, model_of
from memory.events.modifications import CoupledModification, Modification
from memory.events.safety import EmergencyCleared, SafetyAlert
from memory.events.weights import CheckpointSaved
from memory.projections.tables import modifications
from memory.projections.tables import projections as positions
from memory.projections.weight_tables import checkpoints, safety_alerts
from memory.store.driver import fetch
from memory.store.forking import ForkSafeLock
from memory.store.head import read_head
from memory.store.log import EventStore
from memory.store.reading import event_at
from memory.store.tables import event_types, ledger, streams

_EDITS = (Modification.event_type, CoupledModification.event_type)
_STOPS = (SafetyAlert.event_type, EmergencyCleared.event_type)
_NEAR = 1000
"""Events that are looked at one by one; of more, counts are asked for."""
_NEW = (
    "SELECT l.position, t.name, s.name FROM ledger l JOIN event_types t ON t.type_id = l.type_id "
    "JOIN streams s ON s.stream_id = l.stream_id WHERE l.position > ? AND l.position <= ? AND t.name IN ("
    + ", ".join(f"'{kind}'" for kind in (*_EDITS, *_STOPS, CheckpointSaved.event_type))
    + ") ORDER BY l.position"
)
_STARTS_FROM = ("safety", "modifications", "weight_history")
"""The projections whose tables it starts from."""


@dataclass(frozen=True, slots=True)
class StandingEmergency:
    """An emergency that nobody cleared."""

    model: str | None
    """The model it stops; None: every one."""
    message: str


class SafetyLog:
    """Follows one log: each look reads what was appended since the last one, and no table has to be caught up for it.

    Args:
        store: The log.
    """

    def __init__(self, store: EventStore) -> None:
        self._store = store
        self._position: int | None = None
        self._standing: dict[int, StandingEmergency] = {}
        self._edits: dict[str, int] = {}
        self._lock = ForkSafeLock()

    def standing(self) -> Mapping[int, StandingEmergency]:
        """Give the emergencies that stand now, by position, whichever process recorded them."""
        with self._lock:
            self._look()
            return dict(self._standing)

    def edits_since_checkpoint(self, model: str) -> int:
        """Count the announced writes to a model since its last checkpoint, or its first event."""
        with self._lock:
            self._look()
            return self._edits.get(model, 0)

    def _look(self) -> None:
        if self._position is None:
            self._position = self._start()
        with self._store.database.reading() as connection:
            head = read_head(connection).position
            near = self._position <= head <= self._position + _NEAR
            new = fetch(connection, _NEW, (self._position, head)) if near and head > self._position else []
        if near:
            self._note(new)
        else:
            # An import or another history at the same place: begin again.
            if head < self._position:
                self._standing, self._edits = {}, {}
                self._position = self._start()
            self._follow(self._position, head)
        self._position = head

    def _note(self, new: Iterable[tuple[Any, ...]]) -> None:
        """Take note of a few events, given by position, type and stream."""
        for position, kind, stream in new:
            model = model_of(stream)
            if kind in _EDITS and model is not None:
                self._edits[model] = self._edits.get(model, 0) + 1
            elif kind == CheckpointSaved.event_type and model is not None:
                self._edits[model] = 0
            elif kind in _STOPS:
                event = event_at(self._store.database, position)
                if event is not None:
                    self._stands(event)

    def _start(self) -> int:
        """Take over what is folded already; give how far that goes."""
        alerts = safety_alerts.c
        with self._store.database.reading() as connection:
            folded = select(positions.c.position).where(positions.c.name.in_(_STARTS_FROM))
            reached = connection.execute(folded).scalars().all()
            # A projection that never ran has no row: then the log is read from its beginning.
            start = min(reached) if len(reached) == len(_STARTS_FROM) else 0
            if start == 0:
                return 0
            standing = select(alerts.position, alerts.model, alerts.message).where(
                alerts.level == "emergency", alerts.stops.is_(True), alerts.position <= start
            )
            self._standing = {
                row.position: StandingEmergency(row.model, row.message) for row in connection.execute(standing)
            }
            self._edits = self._counted(connection, start)
        return start

    def _counted(self, connection: Connection, until: int) -> dict[str, int]:
        last = (
            select(checkpoints.c.model, func.max(checkpoints.c.position).label("position"))
            .where(checkpoints.c.position <= until)
            .group_by(checkpoints.c.model)
            .subquery()
        )
        counts = (
            select(modifications.c.model, func.count().label("edits"))
            .select_from(modifications.outerjoin(last, last.c.model == modifications.c.model))
            .where(modifications.c.position <= until, modifications.c.position > func.coalesce(last.c.position, 0))
            .group_by(modifications.c.model)
        )
        return {row.model: row.edits for row in connection.execute(counts)}

    def _follow(self, after: int, until: int) -> None:
        for event in self._store.read(after=after, until=until, types=_STOPS):
            self._stands(event)
        with self._store.database.reading() as connection:
            saved = self._by_stream(connection, (CheckpointSaved.event_type,), after, until, func.max)
            edits = self._by_stream(connection, _EDITS, after, until, func.count)
            for stream, position in saved.items():
                edits[stream] = self._by_stream(connection, _EDITS, position, until, func.count).get(stream, 0)
        for stream in {*saved, *edits}:
            model = model_of(stream)
            if model is not None:
                self._edits[model] = edits.get(stream, 0) + (0 if stream in saved else self._edits.get(model, 0))

    def _stands(self, event: StoredEvent) -> None:
        """Take note of what an event says of emergencies."""
        payload = event.payload
        if isinstance(payload, SafetyAlert) and payload.level == "emergency":
            self._standing[event.position] = StandingEmergency(payload.model, payload.message)
        elif isinstance(payload, EmergencyCleared):
            for position in payload.alerts:
                self._standing.pop(position, None)

    def _by_stream(
        self, connection: Connection, types: Iterable[str], after: int, until: int, gather: Callable[[Any], Any]
    ) -> dict[str, int]:
        ids = connection.execute(select(event_types.c.type_id).where(event_types.c.name.in_(types))).scalars().all()
        if not ids:
            return {}
        found = (
            select(streams.c.name, gather(ledger.c.position).label("found"))
            .select_from(ledger.join(streams, streams.c.stream_id == ledger.c.stream_id))
            .where(ledger.c.position > after, ledger.c.position <= until, ledger.c.type_id.in_(ids))
            .group_by(streams.c.name)
        )
        return {row.name: row.found for row in connection.execute(found)}
