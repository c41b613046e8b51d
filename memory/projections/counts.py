"""Read model: how many events there are of each kind, so that nobody counts them when asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import Column, Connection, Table
from sqlalchemy.dialects import postgresql, sqlite

from memory.events.envelope import StoredEvent
from memory.events.registry import Payload
from memory.projections.base import Contents, Projection, Row, utc_text
from memory.projections.finding_tables import event_counts


class CountsProjection(Projection):
    """One row per model and event type."""

    name = "counts"
    tables = (event_counts,)
    folds = (Payload,)

    def __init__(self) -> None:
        self._seen: dict[tuple[str, str], list[Any]] = {}

    def fold(self, event: StoredEvent, contents: Contents) -> None:
        """Count one event: what its envelope says is all there is to know."""
        self._count(event)

    def apply(self, event: StoredEvent, payload: Payload) -> None:
        """Count one event."""
        self._count(event)

    def _count(self, event: StoredEvent) -> None:
        key = event.stream, event.event_type
        seen = self._seen.get(key)
        if seen is None:
            self._seen[key] = [1, event, event]
        else:
            seen[0] += 1
            seen[2] = event

    def flush(self, connection: Connection) -> None:
        """Add what was counted to what there is."""
        rows: dict[tuple[str, str], dict[str, Any]] = {}
        for (_, event_type), (number, first, last) in self._seen.items():
            model = last.model or ""
            row = rows.get((model, event_type))
            if row is None:
                row = rows[model, event_type] = _row(model, event_type, first)
            row["number"] += number
            row["first_position"] = min(row["first_position"], first.position)
            if last.position >= row["last_position"]:
                row |= {"last_position": last.position, "last_occurred_at": utc_text(last)}
        add_counts(connection, event_counts, list(rows.values()))
        self._seen = {}


def _row(model: str, event_type: str, first: StoredEvent) -> dict[str, Any]:
    return {
        "model": model,
        "event_type": event_type,
        "number": 0,
        "first_position": first.position,
        "last_position": 0,
        "last_occurred_at": "",
    }


def add_counts(connection: Connection, table: Table, rows: Sequence[Row]) -> None:
    """Add rows of counts to those of the same key; all but `number` and `first_position` is what the new row says."""
    if not rows:
        return
    make: Callable[[Table], Any] = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    statement = make(table)
    new = statement.excluded
    key = [column.name for column in table.primary_key]
    kept: Mapping[str, Column[Any]] = {
        column.name: new[column.name]
        for column in table.columns
        if column.name not in (*key, "number", "first_position")
    }
    changed = {**kept, "number": table.c.number + new.number}
    connection.execute(statement.on_conflict_do_update(index_elements=key, set_=changed), rows)
