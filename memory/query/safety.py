"""What the record knows that safety asks for: alerts, beliefs about tensors, what metrics mean and were."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Select, func, or_, select

from memory.events.observations import MetricDefined, MetricsRecorded
from memory.projections.knowledge_tables import beliefs
from memory.projections.tables import metric_definitions, metrics
from memory.projections.tables import projections as positions
from memory.projections.weight_tables import safety_alerts
from memory.store.engine import Database
from memory.store.log import EventStore

_TAIL = 200
"""Evaluations that are read from the log where they are not folded yet."""


def select_alerts(
    database: Database,
    *,
    levels: Sequence[str],
    category: str | None,
    model: str | None,
    within: timedelta | None,
    limit: int | None,
    newest_first: bool,
) -> list[Any]:
    """Give alerts as rows of `safety_alerts`; with a model those of it, and those of every model."""
    columns = safety_alerts.c
    statement = select(safety_alerts)
    if levels:
        statement = statement.where(columns.level.in_(levels))
    if category is not None:
        statement = statement.where(columns.category == category)
    if model is not None:
        statement = statement.where(or_(columns.model == model, columns.model.is_(None)))
    if within is not None:
        since = datetime.now(UTC) - within
        statement = statement.where(columns.occurred_at >= since.strftime("%Y-%m-%dT%H:%M:%S.%fZ"))
    statement = statement.order_by(columns.position.desc() if newest_first else columns.position)
    return _rows(database, statement if limit is None else statement.limit(limit))


def alert_counts(database: Database) -> dict[tuple[str, str], int]:
    """Give how many alerts there are, by level and category."""
    columns = safety_alerts.c
    statement = select(columns.level, columns.category, func.count().label("number"))
    rows = _rows(database, statement.group_by(columns.level, columns.category))
    return {(row.level, row.category): row.number for row in rows}


def beliefs_about(database: Database, model: str, names: Sequence[str]) -> list[Any]:
    """Give the active beliefs whose subject or object is one of some names, or a write to one, firmest first."""
    columns = beliefs.c
    about = [*names, *(f"write:{name}" for name in names)]
    statement = select(beliefs).where(
        columns.status == "active",
        or_(columns.model == model, columns.model == ""),
        or_(columns.subject.in_(about), columns.object.in_(about)),
    )
    return _rows(database, statement.order_by(columns.credence.desc(), columns.importance.desc(), columns.belief_id))


def metric_meanings(store: EventStore) -> dict[tuple[str | None, str], tuple[str | None, float]]:
    """Give which way each metric is better and its smallest effect, by model (None: every one) and name.

    As last defined, also where that is not folded yet.
    """
    rows = _rows(store.database, select(metric_definitions).order_by(metric_definitions.c.position))
    known: dict[tuple[str | None, str], tuple[str | None, float]] = {
        (row.model, row.metric): (row.better, row.smallest_effect) for row in rows
    }
    for event in store.read(after=_folded(store.database, "metrics"), types=(MetricDefined.event_type,)):
        payload = event.payload
        if isinstance(payload, MetricDefined):
            known[payload.model, payload.name] = payload.better, payload.smallest_effect
    return known


def recent_evaluations(store: EventStore, model: str | None) -> list[tuple[int, Mapping[str, float]]]:
    """Give the last evaluations of a model that are not folded yet, with their positions."""
    after, types = _folded(store.database, "metrics"), (MetricsRecorded.event_type,)
    found = store.read(after=after, types=types, model=model, limit=_TAIL, newest_first=True)
    payloads = [(event.position, event.payload) for event in found]
    return [(at, each.metrics) for at, each in payloads if isinstance(each, MetricsRecorded) and each.model == model]


def metric_values(
    database: Database,
    model: str | None,
    metric: str,
    size: int,
    recent: Sequence[tuple[int, Mapping[str, float]]],
) -> list[float]:
    """Give the first and the last finite values of a metric, oldest first.

    Args:
        database: Where the tables are.
        model: The model; None: values of no model in particular.
        metric: The metric.
        size: How many of each.
        recent: Evaluations that are not in the tables.
    """
    columns = metrics.c
    own = columns.model.is_(None) if model is None else columns.model == model
    usable = own, columns.metric == metric, columns.value.is_not(None), columns.retracted_position.is_(None)
    statement = select(columns.position, columns.value).where(*usable).limit(size)
    first = _rows(database, statement.order_by(columns.position))
    last = _rows(database, statement.order_by(columns.position.desc()))
    values = {row.position: row.value for row in (*first, *last)}
    values.update({at: numbers[metric] for at, numbers in recent if math.isfinite(numbers.get(metric, math.nan))})
    return [values[position] for position in sorted(values)]


def _folded(database: Database, projection: str) -> int:
    """Give how far a projection has read the log; 0 where it never ran."""
    rows = _rows(database, select(positions.c.position).where(positions.c.name == projection))
    return int(rows[0].position) if rows else 0


def _rows(database: Database, statement: Select[Any]) -> list[Any]:
    with database.reading() as connection:
        return list(connection.execute(statement))
