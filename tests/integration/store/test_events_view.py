from __future__ import annotations

import datetime
import json
from collections.abc import Callable
from typing import Any

from memory.events import NewEvent, StoredEvent
from memory.store import EventStore

COLUMNS = (
    "position", "event_id", "stream", "version", "event_type", "schema_version", "occurred_at", "recorded_at",
    "act_id", "correlation_id", "causation_id", "actor", "model", "payload",
)  # fmt: skip
MOMENTS = [
    datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC),
    datetime.datetime(2026, 2, 28, 23, 59, 59, 7, datetime.UTC),
    datetime.datetime(9999, 12, 31, 23, 59, 59, 999999, datetime.UTC),
]


def utc(moment: datetime.datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ").rjust(27, "0")


def as_row(event: StoredEvent) -> tuple[Any, ...]:
    """What the view must say of an event that Python reads."""
    return (
        event.position, event.event_id, event.stream, event.version, event.event_type, event.schema_version,
        utc(event.occurred_at), utc(event.recorded_at), event.act_id, event.correlation_id, event.causation_id,
        event.actor, event.model, json.loads(event.text),
    )  # fmt: skip


def test_the_view_says_what_python_reads_to_the_microsecond(store: EventStore, note: Callable[..., NewEvent]) -> None:
    store.append([note(n, occurred_at=moment, act_id=f"a{n}") for n, moment in enumerate(MOMENTS)], actor="me")
    store.append([note({"ä": 'quote " and \\ and \n'}, model="Qwen/Qwen2", causation_id="c")], correlation_id="r")
    columns, rows = store.database.read_only_rows("SELECT * FROM events ORDER BY position", {})
    assert columns == COLUMNS
    parsed = [(*row[:-1], json.loads(row[-1]) if isinstance(row[-1], str) else row[-1]) for row in rows]
    assert parsed == [as_row(event) for event in store.read()]


def test_payloads_can_be_asked_by_path_on_both_engines(store: EventStore, note: Callable[..., NewEvent]) -> None:
    store.append([note(1), note(2)])
    path = "payload->'data'->>'n'"
    _, rows = store.database.read_only_rows(f"SELECT position FROM events WHERE ({path}) = :n", {"n": "2"})
    found = list(rows)
    if store.database.dialect == "sqlite":
        _, rows = store.database.read_only_rows(f"SELECT position FROM events WHERE ({path}) = :n", {"n": 2})
        found = list(rows)
    assert found == [(2,)]
