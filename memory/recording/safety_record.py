"""What safety needs of the record and of the attached models, put together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import fields
from datetime import datetime
from typing import Any

from memory.events.safety import EmergencyCleared, SafetyAlert
from memory.projections.runner import ProjectionRunner
from memory.query import safety as asked
from memory.query.beliefs import core_principles
from memory.query.results import QueryResult
from memory.query.safety_log import SafetyLog
from memory.recording.attached import AttachedModel
from memory.recording.journal import Recorded
from memory.recording.recorder import Envelope, Recorder
from memory.safety.surroundings import Alert, AlertQuery, HeldBelief, MetricMeaning, Stop
from memory.store.log import EventStore


class SafetyRecord:
    """The surroundings of a `SafetyMonitor` in a memory.

    Args:
        recorder: Knows the models, and records.
        store: The log.
        runner: Catches projections up.
    """

    def __init__(self, recorder: Recorder, store: EventStore, runner: ProjectionRunner) -> None:
        self._recorder = recorder
        self._store = store
        self._runner = runner
        self._log = SafetyLog(store)
        self._recent: dict[str | None, list[tuple[int, Mapping[str, float]]]] = {}

    @property
    def log(self) -> str:
        """Which log it is: equal for all who opened the same one."""
        location = self._store.database.location
        return f"memory {id(self._store)}" if location.in_memory else str(location)

    def model(self, name: str | None) -> AttachedModel:
        """Give the attached model of that name, or the only one, with its sharing looked at anew."""
        attached = self._recorder.model(name)
        self._recorder.note_sharing(attached)
        return attached

    def models(self) -> Sequence[AttachedModel]:
        """Give every attached model."""
        return self._recorder.models()

    def record(
        self, events: Sequence[SafetyAlert | EmergencyCleared], *, at_once: bool = True, act: str | None = None
    ) -> tuple[int | None, ...]:
        """Append events and give their positions; None for those that wait in an open batch."""
        handles = [Recorded(event.event_type) for event in events]
        journal = self._recorder.journal
        waits = not at_once and journal.in_batch
        envelope = Envelope(act=self._recorder.act_of(act))
        # What one process of a distributed run sees, and who stops it, the others do not know.
        with journal.of_its_own(), journal.outside_batch() if at_once else nullcontext():
            self._recorder.record_across([(event.model, event) for event in events], handles, envelope=envelope)
        return tuple(None if waits else handle.position for handle in handles)

    def stops(self) -> Mapping[int, Stop]:
        """Give every emergency that stands by the log, whoever recorded it, by position."""
        standing = self._log.standing()
        return {position: Stop(position, each.model, each.message) for position, each in standing.items()}

    def alerts(self, query: AlertQuery) -> QueryResult:
        """Give alerts on record, as `Alert`."""
        self._runner.catch_up({"safety"})
        rows = asked.select_alerts(
            self._store.database,
            levels=query.levels,
            category=query.category,
            model=query.model,
            within=query.within,
            limit=query.limit,
            newest_first=query.newest_first,
        )
        columns = [field.name for field in fields(Alert)]
        return QueryResult(map(_alert, rows), columns=columns, metadata={"question": "alerts", "model": query.model})

    def alert_counts(self) -> Mapping[tuple[str, str], int]:
        """Give how many alerts there are on record, by level and category."""
        self._runner.catch_up({"safety"})
        return asked.alert_counts(self._store.database)

    def edits_since_checkpoint(self, model: str) -> int:
        """Count the announced writes to a model since its last checkpoint, or its first event."""
        return self._log.edits_since_checkpoint(model)

    def beliefs_about(self, model: str, names: Sequence[str]) -> list[HeldBelief]:
        """Give the active beliefs about some storages or names, firmest first."""
        self._runner.catch_up({"knowledge"})
        return [_belief(row) for row in asked.beliefs_about(self._store.database, model, names)]

    def core_principles(self) -> list[HeldBelief]:
        """Give the beliefs that are held absolutely."""
        self._runner.catch_up({"knowledge"})
        return [_belief(row) for row in core_principles(self._store.database)]

    def metric_meanings(self) -> Mapping[tuple[str | None, str], MetricMeaning]:
        """Give what metrics were defined to mean, by model (None: every one) and name."""
        known = asked.metric_meanings(self._store)
        return {key: MetricMeaning(_better(better), smallest) for key, (better, smallest) in known.items()}

    def metric_values(self, model: str | None, metric: str, size: int) -> list[float]:
        """Give the first and the last values of a metric on record, oldest first, each at most `size` or all."""
        # Once for each model: what is recorded here from then on, the monitor is told.
        if model not in self._recent:
            self._recent[model] = asked.recent_evaluations(self._store, model)
        return asked.metric_values(self._store.database, model, metric, size, self._recent[model])


def _alert(row: Any) -> Alert:
    return Alert(
        level=row.level,
        category=row.category,
        message=row.message,
        timestamp=datetime.fromisoformat(row.occurred_at),
        details=row.details,
        model=row.model,
        rule=row.rule,
        layers=tuple(row.layers),
        act_id=row.act_id,
        position=row.position,
        stops=row.stops,
    )


def _belief(row: Any) -> HeldBelief:
    return HeldBelief(row.belief_id, row.belief_type, row.statement, row.credence, row.strength)


def _better(better: str | None) -> Any:
    return better
