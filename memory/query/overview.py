"""What a record holds, at a glance, without counting anything: in the same time at any length of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Connection, Table, func, or_, select, text

from memory.projections.finding_tables import event_counts, observation_counts
from memory.projections.knowledge_tables import architectural_facts, beliefs, patterns, theories
from memory.projections.tables import metrics, projections, sharing_maps
from memory.projections.weight_tables import checkpoints, safety_alerts
from memory.query.html import card_html, one_line, table_html
from memory.store.engine import Database
from memory.store.head import read_head

_MOST_METRICS = 50
"""Metrics that are told of."""


@dataclass(frozen=True, slots=True)
class KnownModel:
    """A model, by its newest sharing map."""

    name: str
    names: int
    """Names of parameters and buffers."""
    storages: int
    """How many storages they view."""
    tied: tuple[tuple[str, ...], ...]
    """Names of identical bytes."""
    position: int
    """The event that brought the map."""


@dataclass(frozen=True, slots=True)
class LastMetric:
    """What a metric was last."""

    metric: str
    value: float | None
    """None where it was not finite."""
    position: int
    earlier: float | None
    """What it was the time before; None where that was not finite, of another model, or there was none."""


@dataclass(frozen=True, slots=True)
class MemoryOverview:
    """What a record holds: `print` tells it."""

    events: int
    """All there are, of whatever model."""
    first_position: int | None
    last_position: int | None
    last_occurred_at: str | None
    by_event_type: Mapping[str, int]
    models: tuple[KnownModel, ...]
    observations: Mapping[str, int]
    """Number by type; retracted ones are left out."""
    modifications: int
    """Events of writes; those that were retracted or undone since are among them."""
    coupled_modifications: int
    """Of these, those that changed other names too."""
    metrics: tuple[LastMetric, ...]
    patterns: Mapping[str, int]
    """Active ones by kind."""
    theories: Mapping[str, int]
    """Active ones by type."""
    beliefs: Mapping[str, int]
    """Active ones by type."""
    strengths: Mapping[str, int]
    """Active beliefs by strength."""
    core_principles: tuple[str, ...]
    architectural_facts: Mapping[str, int]
    """What holds now, by reason."""
    checkpoints: int
    alerts: Mapping[str, int]
    """Number by level."""
    stops: tuple[str, ...]
    """Emergencies that nobody cleared."""

    def to_dict(self) -> dict[str, Any]:
        """Give it as data that JSON has words for."""
        return asdict(self) | {"models": [asdict(model) for model in self.models]}

    def __str__(self) -> str:
        return "\n".join(one_line(f"{name:22} {told}") for name, told in self._told())

    def _told(self) -> Iterator[tuple[str, str]]:
        if self.stops:
            yield "EMERGENCY STOP", "; ".join(self.stops)
        yield "events", f"{self.events:,}" + ("" if self.events == 0 else f", the last at {self.last_occurred_at}")
        for model in self.models:
            tied = f", tied: {'; '.join(' = '.join(group) for group in model.tied)}" if model.tied else ""
            yield f"model {model.name}", f"{model.names} names of {model.storages} storages{tied}"
        yield "observations", _numbers(self.observations)
        yield "writes", f"{self.modifications:,}, {self.coupled_modifications:,} of them coupled"
        for last in self.metrics:
            before = "" if last.earlier is None else f", before {last.earlier:g}"
            yield f"metric {last.metric}", f"{'not finite' if last.value is None else f'{last.value:g}'}{before}"
        yield "patterns", _numbers(self.patterns)
        yield "theories", _numbers(self.theories)
        yield "beliefs", _numbers(self.beliefs)
        yield "architecture explains", _numbers(self.architectural_facts)
        yield "checkpoints", str(self.checkpoints)
        yield "alerts", _numbers(self.alerts)

    def _repr_html_(self) -> str:
        return card_html("What this memory holds", dict(self._told()), table_html(map(asdict, self.metrics)))


def _numbers(numbers: Mapping[str, int]) -> str:
    total = sum(numbers.values())
    return f"{total:,} ({', '.join(f'{name} {number:,}' for name, number in numbers.items())})" if total else "none"


def overview(database: Database, model: str | None) -> MemoryOverview:
    """Give what a record holds; with a model, what is about it."""
    with database.reading() as connection:
        counts = event_counts.c
        found = select(counts.event_type, counts.number, counts.last_position, counts.last_occurred_at)
        if model is not None:
            found = found.where(counts.model == model)
        by_type: dict[str, int] = {}
        last: tuple[int, str] | None = None
        for row in connection.execute(found.order_by(counts.event_type)):
            by_type[row.event_type] = by_type.get(row.event_type, 0) + row.number
            if last is None or row.last_position > last[0]:
                last = row.last_position, row.last_occurred_at
        coupled = by_type.get("coupled_modification", 0)
        first = connection.execute(_about(select(func.min(counts.first_position)), event_counts, model)).scalar()
        standing = select(safety_alerts.c.message).where(
            safety_alerts.c.level == "emergency", safety_alerts.c.stops.is_(True)
        )
        return MemoryOverview(
            events=sum(by_type.values()),
            first_position=first,
            last_position=None if last is None else last[0],
            last_occurred_at=None if last is None else last[1],
            by_event_type=by_type,
            models=_models(connection, model),
            observations=_observations(connection, model),
            modifications=by_type.get("modification", 0) + coupled,
            coupled_modifications=coupled,
            metrics=last_metrics(connection, model),
            patterns=_counted(connection, patterns, "kind", model),
            theories=_counted(connection, theories, "theory_type", model),
            beliefs=_counted(connection, beliefs, "belief_type", model),
            strengths=_counted(connection, beliefs, "strength", model),
            core_principles=_principles(connection, model),
            architectural_facts=_counted(connection, architectural_facts, "reason", model),
            checkpoints=_checkpoints(connection, model),
            alerts=_alerts(connection, model),
            stops=tuple(
                connection.execute(_about(standing, safety_alerts, model).order_by(safety_alerts.c.position)).scalars()
            ),
        )


def _about(statement: Any, table: Table, model: str | None) -> Any:
    """Narrow a statement to what is about a model, or about every one."""
    if model is None:
        return statement
    return statement.where(or_(table.c.model == model, table.c.model == "", table.c.model.is_(None)))


def _models(connection: Connection, model: str | None) -> tuple[KnownModel, ...]:
    columns = sharing_maps.c
    newest = select(func.max(columns.position)).group_by(columns.model)
    if model is not None:
        newest = newest.where(columns.model == model)
    told = select(columns.model, columns.names, columns.storages, columns.groups, columns.position)
    rows = connection.execute(told.where(columns.position.in_(newest)).order_by(columns.model))
    return tuple(
        KnownModel(row.model, row.names, row.storages, tuple(tuple(group) for group in row.groups), row.position)
        for row in rows
    )


def _observations(connection: Connection, model: str | None) -> dict[str, int]:
    columns = observation_counts.c
    counted = select(columns.obs_type, func.sum(columns.number)).where(columns.status != "obsolete")
    if model is not None:
        counted = counted.where(columns.model == model)
    return {row[0]: int(row[1]) for row in connection.execute(counted.group_by(columns.obs_type)) if row[1]}


def metric_names(connection: Connection) -> Iterator[str]:
    """Yield the names of metrics, by one step along the index for each."""
    columns, last = metrics.c, ""
    for _ in range(_MOST_METRICS):
        found = connection.execute(select(func.min(columns.metric)).where(columns.metric > last)).scalar()
        if found is None:
            return
        yield found
        last = found


def last_metrics(connection: Connection, model: str | None) -> tuple[LastMetric, ...]:
    """Give the last value of each metric, and the one before."""
    columns = metrics.c
    found = []
    for name in list(metric_names(connection)):
        newest = select(columns.position, columns.value, columns.model).where(
            columns.metric == name, columns.retracted_position.is_(None)
        )
        if model is not None:
            newest = newest.where(or_(columns.model == model, columns.model.is_(None)))
        rows = connection.execute(newest.order_by(columns.position.desc()).limit(2)).all()
        if rows:
            earlier = rows[1].value if len(rows) > 1 and rows[1].model == rows[0].model else None
            found.append(LastMetric(name, rows[0].value, rows[0].position, earlier))
    return tuple(found)


def _counted(connection: Connection, table: Table, by: str, model: str | None) -> dict[str, int]:
    holds = table.c.to_position.is_(None) if table is architectural_facts else table.c.status == "active"
    counted = _about(select(table.c[by], func.count()).where(holds), table, model)
    return {row[0]: row[1] for row in connection.execute(counted.group_by(table.c[by]).order_by(table.c[by]))}


def _principles(connection: Connection, model: str | None) -> tuple[str, ...]:
    columns = beliefs.c
    held = _about(
        select(columns.statement).where(columns.strength == "absolute", columns.status == "active"), beliefs, model
    )
    return tuple(connection.execute(held.order_by(columns.first_position, columns.statement)).scalars())


def _checkpoints(connection: Connection, model: str | None) -> int:
    saved = select(func.count()).select_from(checkpoints).where(checkpoints.c.deleted_position.is_(None))
    return int(connection.execute(_about(saved, checkpoints, model)).scalar_one())


def _alerts(connection: Connection, model: str | None) -> dict[str, int]:
    columns = safety_alerts.c
    counted = _about(select(columns.level, func.count()), safety_alerts, model)
    return {row[0]: row[1] for row in connection.execute(counted.group_by(columns.level).order_by(columns.level))}


def statistics(database: Database) -> dict[str, Any]:
    """Give numbers about a record: its events by model and type, its size, and how far each projection has come."""
    with database.reading() as connection:
        head = read_head(connection)
        counts = event_counts.c
        by_model: dict[str, dict[str, int]] = {}
        for row in connection.execute(select(event_counts).order_by(counts.model, counts.event_type)):
            by_model.setdefault(row.model, {})[row.event_type] = row.number
        folded = select(projections.c.name, projections.c.position).order_by(projections.c.name)
        return {
            "events": sum(number for numbers in by_model.values() for number in numbers.values()),
            "position": head.position,
            "events_by_model": by_model,
            "observations": _observations(connection, None),
            "bytes": _size(database, connection),
            "projections": {row.name: row.position for row in connection.execute(folded)},
        }


def _size(database: Database, connection: Connection) -> int:
    """Give the bytes that the database takes, blobs beside it left out."""
    if database.dialect == "postgresql":
        return int(connection.execute(text("SELECT pg_database_size(current_database())")).scalar_one())
    pages = connection.execute(text("PRAGMA page_count")).scalar_one()
    return int(pages) * int(connection.execute(text("PRAGMA page_size")).scalar_one())
