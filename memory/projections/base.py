"""What a projection is: a deterministic fold of events into tables, that can stop anywhere and go on."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import orjson
from sqlalchemy import Connection, Table, insert

from memory.events.envelope import StoredEvent
from memory.events.registry import Payload


class Projection(ABC):
    """A fold of events into tables of its own.

    `apply` is pure (no database, no clock, no randomness) and collects what to write; `flush` writes it in the
    transaction that also moves the projection's position; `state` is whatever the fold needs to go on. Folding the
    same events in chunks of any size gives the same rows and the same state.
    """

    name: ClassVar[str]
    version: ClassVar[int] = 1
    """Raised when the fold changes: a projection stored under another version is rebuilt."""
    tables: ClassVar[tuple[Table, ...]]

    @abstractmethod
    def apply(self, event: StoredEvent, payload: Payload) -> None:
        """Fold one event in."""

    @abstractmethod
    def flush(self, connection: Connection) -> None:
        """Write what `apply` collected since the last flush."""

    def state(self) -> str | None:
        """Give what the fold needs to go on, as text; None for a fold without memory."""
        return None

    def load(self, state: str | None) -> None:  # noqa: B027 - a fold without memory has nothing to take up
        """Go on from a state that `state` gave."""


class Rows:
    """Rows collected for insertion, written table by table in the order the tables were first used."""

    def __init__(self) -> None:
        self._rows: dict[Table, list[dict[str, Any]]] = {}

    def add(self, table: Table, row: Mapping[str, Any]) -> None:
        """Collect one row."""
        self._rows.setdefault(table, []).append(dict(row))

    def extend(self, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
        """Collect several rows."""
        for row in rows:
            self.add(table, row)

    def flush(self, connection: Connection) -> None:
        """Insert everything collected and forget it."""
        for table, rows in self._rows.items():
            connection.execute(insert(table), rows)
        self._rows = {}


def number_columns(value: float) -> dict[str, Any]:
    """Give the `value` and `special` columns of a number: SQL has no NaN that both engines agree on."""
    if math.isfinite(value):
        return {"value": value, "special": None}
    return {"value": None, "special": "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"}


def stored_json(event: StoredEvent) -> dict[str, Any]:
    """Give an event's payload as the JSON it is stored as: what JSON columns hold, tagged numbers included."""
    parsed: dict[str, Any] = orjson.loads(event.text)
    return parsed


def utc_text(event: StoredEvent) -> str:
    """Give when an event happened as UTC ISO text with microseconds, as every table shows it."""
    return event.occurred_at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
