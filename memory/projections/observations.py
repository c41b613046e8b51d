"""Read models without memory: observations, metrics and the definitions of metrics."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, select

from memory.events.amendments import Amendment, Correction
from memory.events.envelope import StoredEvent
from memory.events.observations import MetricDefined, MetricsRecorded, Observation
from memory.events.plain import number_from_stored, untag
from memory.projections.amendments import amends
from memory.projections.base import RowProjection, number_columns, utc_text
from memory.projections.counts import add_counts
from memory.projections.finding_tables import observation_counts, observation_tags
from memory.projections.tables import metric_definitions, metrics, observations
from memory.store.bulk import update_rows

LONGEST_TAG = 500
"""Characters by which tags are told apart: an index of PostgreSQL has no room for long ones."""


class ObservationsProjection(RowProjection):
    """One row per observation event, with what is right about it now; its tags, and how many there are of its kind."""

    name = "observations"
    version = 4
    """2: JSON columns hold the text that the log would. 3: corrections and retractions. 4: tags and counts."""
    tables = (observations, observation_tags, observation_counts)
    folds = (Observation, Amendment)

    def __init__(self) -> None:
        super().__init__()
        self._new: Counter[tuple[str, str, str]] = Counter()
        self._amended: list[tuple[int, dict[str, Any]]] = []

    def note(self, event: StoredEvent, fields: Mapping[str, Any]) -> None:
        """Give an observation its row, or change that of an amended one."""
        if event.event_type != Observation.event_type:
            self._amend(event, fields)
            return
        position, tags = event.position, fields["tags"]
        self._rows.add(
            observations,
            {
                "position": position,
                "model": fields["model"],
                "obs_type": fields["obs_type"],
                "category": fields["category"],
                "description": fields["description"],
                "data": fields["data"],
                "tags": tags,
                "importance": fields["importance"],
                "act_id": event.act_id,
                "occurred_at": utc_text(event),
                "status": "active",
                "changed_position": None,
                "change_reason": None,
            },
        )
        for tag in dict.fromkeys(tag[:LONGEST_TAG] for tag in tags) if tags else ():
            self._rows.add(observation_tags, {"tag": tag, "position": position})
        self._new[fields["model"] or "", fields["obs_type"], fields["category"]] += 1

    def _amend(self, event: StoredEvent, fields: Mapping[str, Any]) -> None:
        if not amends(event, fields, Observation.event_type):
            return
        if event.event_type == Correction.event_type:
            changed = {"status": "superseded", "data": fields["data"]}
        else:
            changed = {"status": "obsolete"}
        changed |= {"changed_position": event.position, "change_reason": fields["reason"]}
        self._amended.append((fields["position"], changed))

    def flush(self, connection: Connection) -> None:
        """Write the collected rows and count them, then what changed in rows, and what they count as from then on."""
        super().flush(connection)
        counted = [_counts(*kind, "active", number) for kind, number in self._new.items()]
        add_counts(connection, observation_counts, counted)
        columns = observations.c
        kind = columns.model, columns.obs_type, columns.category, columns.status
        for position, changed in self._amended:
            where = columns.position == position, columns.status != "obsolete"
            found = connection.execute(select(*kind).where(*where)).one_or_none()
            if found is not None:
                model, obs_type, category, status = found
                update_rows(connection, observations, where, changed)
                before = _counts(model or "", obs_type, category, status, -1)
                now = _counts(model or "", obs_type, category, changed["status"], 1)
                for row in (before, now):
                    add_counts(connection, observation_counts, [row])
        self._new, self._amended = Counter(), []


def _counts(model: str, obs_type: str, category: str, status: str, number: int) -> dict[str, Any]:
    return {"model": model, "obs_type": obs_type, "category": category, "status": status, "number": number}


class MetricsProjection(RowProjection):
    """One row per number of every evaluation, and one per definition of a metric."""

    name = "metrics"
    version = 3
    """2: JSON columns hold the text that the log would. 3: corrections and retractions."""
    tables = (metrics, metric_definitions)
    folds = (MetricsRecorded, MetricDefined, Amendment)

    def note(self, event: StoredEvent, fields: Mapping[str, Any]) -> None:
        """Give every number its row."""
        if event.event_type == MetricDefined.event_type:
            self._rows.add(
                metric_definitions,
                {
                    "position": event.position,
                    "model": fields["model"],
                    "metric": fields["name"],
                    "better": fields["better"],
                    "smallest_effect": fields["smallest_effect"],
                    "derived_from": fields["derived_from"],
                },
            )
            return
        if event.event_type != MetricsRecorded.event_type:
            self._amend(event, fields)
            return
        occurred_at = utc_text(event)
        for metric, value in sorted(fields["metrics"].items()):
            self._rows.add(
                metrics,
                {
                    "position": event.position,
                    "metric": metric,
                    "model": fields["model"],
                    **number_columns(number_from_stored(value)),
                    "sample": fields["sample"],
                    "act_id": event.act_id,
                    "occurred_at": occurred_at,
                    "retracted_position": None,
                },
            )

    def _amend(self, event: StoredEvent, fields: Mapping[str, Any]) -> None:
        if not amends(event, fields, MetricsRecorded.event_type):
            return
        where = metrics.c.position == fields["position"], metrics.c.retracted_position.is_(None)
        if event.event_type != Correction.event_type:
            self._updates.add(metrics, where, {"retracted_position": event.position})
            return
        for metric, value in sorted(untag(fields["data"]).items()):
            self._updates.add(metrics, (*where, metrics.c.metric == metric), number_columns(float(value)))
