"""Read models without memory: observations, metrics and the definitions of metrics."""

from __future__ import annotations

from sqlalchemy import Connection

from memory.events.envelope import StoredEvent
from memory.events.observations import MetricDefined, MetricsRecorded, Observation
from memory.events.registry import Payload
from memory.projections.base import Projection, Rows, number_columns, stored_json, utc_text
from memory.projections.tables import metric_definitions, metrics, observations


class ObservationsProjection(Projection):
    """One row per observation event."""

    name = "observations"
    tables = (observations,)

    def __init__(self) -> None:
        self._rows = Rows()

    def apply(self, event: StoredEvent, payload: Payload) -> None:
        """Give an observation its row."""
        if isinstance(payload, Observation):
            self._rows.add(
                observations,
                {
                    "position": event.position,
                    "model": payload.model,
                    "obs_type": payload.obs_type.value,
                    "category": payload.category,
                    "description": payload.description,
                    "data": stored_json(event)["data"],
                    "tags": list(payload.tags),
                    "importance": payload.importance,
                    "act_id": event.act_id,
                    "occurred_at": utc_text(event),
                },
            )

    def flush(self, connection: Connection) -> None:
        """Write the collected rows."""
        self._rows.flush(connection)


class MetricsProjection(Projection):
    """One row per number of every evaluation, and one per definition of a metric."""

    name = "metrics"
    tables = (metrics, metric_definitions)

    def __init__(self) -> None:
        self._rows = Rows()

    def apply(self, event: StoredEvent, payload: Payload) -> None:
        """Give every number its row."""
        if isinstance(payload, MetricsRecorded):
            occurred_at = utc_text(event)
            for metric, value in sorted(payload.metrics.items()):
                row = {
                    "position": event.position,
                    "metric": metric,
                    "model": payload.model,
                    "sample": payload.sample,
                    "act_id": event.act_id,
                    "occurred_at": occurred_at,
                }
                self._rows.add(metrics, row | number_columns(value))
        elif isinstance(payload, MetricDefined):
            self._rows.add(
                metric_definitions,
                {
                    "position": event.position,
                    "model": payload.model,
                    "metric": payload.name,
                    "better": payload.better,
                    "smallest_effect": payload.smallest_effect,
                    "derived_from": list(payload.derived_from),
                },
            )

    def flush(self, connection: Connection) -> None:
        """Write the collected rows."""
        self._rows.flush(connection)
