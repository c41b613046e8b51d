"""Read models without memory: observations, metrics and the definitions of metrics."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from memory.events.envelope import StoredEvent
from memory.events.observations import MetricDefined, MetricsRecorded, Observation
from memory.events.plain import number_from_stored
from memory.projections.base import RowProjection, number_columns, utc_text
from memory.projections.tables import metric_definitions, metrics, observations


class ObservationsProjection(RowProjection):
    """One row per observation event."""

    name = "observations"
    version = 2
    """2: JSON columns hold the text that the log would."""
    tables = (observations,)
    folds = (Observation,)

    def note(self, event: StoredEvent, fields: Mapping[str, Any]) -> None:
        """Give an observation its row."""
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
            },
        )


class MetricsProjection(RowProjection):
    """One row per number of every evaluation, and one per definition of a metric."""

    name = "metrics"
    version = 2
    """2: JSON columns hold the text that the log would."""
    tables = (metrics, metric_definitions)
    folds = (MetricsRecorded, MetricDefined)

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
                },
            )
