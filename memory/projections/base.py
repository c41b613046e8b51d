"""What a projection is: a deterministic fold of events into tables, that can stop anywhere and go on."""

from __future__ import annotations

import functools
import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Protocol

from sqlalchemy import ColumnElement, Connection, Table

from memory.events.envelope import StoredEvent, from_microseconds
from memory.events.registry import Payload
from memory.store.bulk import insert_rows, update_rows

Row = Mapping[str, Any]


class Contents(Protocol):
    """What events say, decoded as far as a projection asks."""

    def payload(self, event: StoredEvent) -> Payload:
        """Decode an event, once for all projections."""

    def fields(self, event: StoredEvent) -> dict[str, Any]:
        """Give an event's payload as it is stored, lifted to the latest schema version, to be read and not changed."""

    def past(self, position: int, types: tuple[type[Payload], ...], after: int = 0) -> Iterator[StoredEvent]:
        """Yield the events of some payloads before a position, those after another on, in constant memory.

        Those that this version cannot read are passed over, as they are when they are folded.
        """


class Projection(ABC):
    """A fold of events into tables of its own.

    `apply` is pure (no database, no clock, no randomness) and collects what to write; `flush` writes it in the
    transaction that also moves the projection's position; `state` is whatever the fold needs to go on. Folding the
    same events in chunks of any size gives the same rows and the same state.

    `flush` names its tables without a schema: while a projection is rebuilt, these are others than those that are read.
    """

    name: ClassVar[str]
    version: ClassVar[int] = 1
    """Raised when the fold changes: a projection stored under another version is rebuilt."""
    tables: ClassVar[tuple[Table, ...]]
    folds: ClassVar[tuple[type[Payload], ...]]
    """The payloads it looks at: events of all others are not given to it."""

    def fold(self, event: StoredEvent, contents: Contents) -> None:
        """Fold one event in."""
        self.apply(event, contents.payload(event))

    @abstractmethod
    def apply(self, event: StoredEvent, payload: Payload) -> None:
        """Fold one event in."""

    @abstractmethod
    def flush(self, connection: Connection) -> None:
        """Write what was collected since the last flush."""

    def state(self) -> str | None:
        """Give what the fold needs to go on, as text; None for a fold without memory."""
        return None

    def take_up(self, connection: Connection) -> None:  # noqa: B027 - most folds keep what they need in their state
        """Go on from what the fold keeps in tables of its own, after `load`."""

    def load(self, state: str | None) -> None:  # noqa: B027 - a fold without memory has nothing to take up
        """Go on from a state that `state` gave."""


class RowProjection(Projection):
    """A fold without memory: each event gives rows of its own, copied from its fields as they are stored.

    An amendment changes rows that an earlier event gave.
    """

    def __init__(self) -> None:
        self._rows = Rows()
        self._updates = Updates()

    @abstractmethod
    def note(self, event: StoredEvent, fields: Mapping[str, Any]) -> None:
        """Collect an event's rows.

        Args:
            event: The event.
            fields: Its payload as it is stored, lifted to the latest schema version; numbers may be tagged.
        """

    def fold(self, event: StoredEvent, contents: Contents) -> None:
        """Fold one event in, without decoding it."""
        self.note(event, contents.fields(event))

    def apply(self, event: StoredEvent, payload: Payload) -> None:
        """Fold one event in."""
        if isinstance(payload, self.folds):
            self.note(event, event.fields)

    def flush(self, connection: Connection) -> None:
        """Write the collected rows, then what changed in rows."""
        self._rows.flush(connection)
        self._updates.flush(connection)


class Rows:
    """Rows collected for insertion, written table by table in the order the tables were first used."""

    def __init__(self) -> None:
        self._rows: dict[Table, list[Row]] = {}

    def add(self, table: Table, row: Row) -> None:
        """Collect one row, which names every column of the table."""
        found = self._rows.get(table)
        if found is None:
            found = self._rows[table] = []
        found.append(row)

    def flush(self, connection: Connection) -> None:
        """Insert everything collected and forget it."""
        for table, rows in self._rows.items():
            insert_rows(connection, table, rows)
        self._rows = {}


class Updates:
    """Changes of rows, made in the order in which they were collected, once all new rows are there."""

    def __init__(self) -> None:
        self._updates: list[tuple[Table, tuple[ColumnElement[bool], ...], Row]] = []

    def add(self, table: Table, where: tuple[ColumnElement[bool], ...], values: Row) -> None:
        """Collect one change: the values that the rows for which all of `where` holds have from now on."""
        self._updates.append((table, where, values))

    def flush(self, connection: Connection) -> None:
        """Make all changes and forget them."""
        for table, where, values in self._updates:
            update_rows(connection, table, where, values)
        self._updates = []


def number_columns(value: float) -> dict[str, Any]:
    """Give the `value` and `special` columns of a number: SQL has no NaN that both engines agree on."""
    if math.isfinite(value):
        return {"value": value, "special": None}
    return {"value": None, "special": "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"}


def utc_text(event: StoredEvent) -> str:
    """Give when an event happened as UTC ISO text with microseconds, as every table shows it."""
    seconds, microseconds = divmod(event.occurred_microseconds, 1_000_000)
    return f"{_to_the_second(seconds)}.{microseconds:06d}Z"


@functools.lru_cache(maxsize=64)
def _to_the_second(seconds: int) -> str:
    # Formatting a time costs more than all the rest of a row, and one second has many events.
    return from_microseconds(seconds * 1_000_000).strftime("%Y-%m-%dT%H:%M:%S")
