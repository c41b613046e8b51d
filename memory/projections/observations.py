"""Read models without memory: observations, metrics and the definitions of metrics."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from memory.events.amendments import Amendment, Correction
from memory.events.envelope import StoredEvent
from memory.events.observations import MetricDefined, MetricsRecorded, Observation
from memory.events.plain import number_from_stored, untag
from memory.projections.amendments import amends
from memory.projections.base import RowProjection, number_columns, utc_text
from memory.projections.tables import metric_definitions, metrics, observations


class ObservationsProjection(RowProjection):
    """One row per observation event, with what is right about it now."""

    name = "observations"
    version = 3
    """2: JSON columns hold the text that the log would. 3: corrections and retractions."""
    tables = (observations,)
    folds = (Observation, Amendment)

    def note(self, event: StoredEvent, fields: Mapping[str, Any]) -> None:
        """Give an observation its row, or change that of an amended one."""
        if event.event_type != Observation.event_type:
            self._amend(event, fields)
            return
        self._rows.add(
            observations,
            {
                "position": event.position,
                "model": fields["model"],
                "obs_type": fields["obs_type"],
                "category": fields["category"],
                "description": fields["description"],
                "data": fields["data"],
                "tags": fields["tags"],
                "importance": fields["importance"],
                "act_id": event.act_id,
                "occurred_at": utc_text(event),
                "status": "active",
                "changed_position": None,
                "change_reason": None,
            },
        )

    def _amend(self, event: StoredEvent, fields: Mapping[str, Any]) -> None:
        if not amends(event, fields, Observation.event_type):
            return
        if event.event_type == Correction.event_type:
            changed = {"status": "superseded", "data": fields["data"]}
        else:
            changed = {"status": "obsolete"}
        where = observations.c.position == fields["position"], observations.c.status != "obsolete"
        changed |= {"changed_position": event.position, "change_reason": fields["reason"]}
        self._updates.add(observations, where, changed)


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
