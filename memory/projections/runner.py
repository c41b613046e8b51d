"""Catches projections up with the log.

Each has a position of its own, moved in the very transaction that writes its rows: exactly once, whatever dies when.
"""

from __future__ import annotations

import functools
import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Concatenate, ParamSpec, TypeVar

from sqlalchemy import Connection, delete, insert, select, update

from memory.errors import ProjectionError, UnknownEventType
from memory.events.envelope import StoredEvent
from memory.events.registry import Payload
from memory.projections.base import Projection
from memory.projections.tables import projections as positions_table
from memory.store.log import EventStore

_log = logging.getLogger(__name__)

CHUNK = 1000
"""Events folded per transaction (STORE.md: one commit per 1000 events is 800 times faster than one per event)."""


@dataclass(slots=True)
class _Running:
    projection: Projection
    position: int


_P = ParamSpec("_P")
_R = TypeVar("_R")


def _one_thread_at_a_time(
    method: Callable[Concatenate[ProjectionRunner, _P], _R],
) -> Callable[Concatenate[ProjectionRunner, _P], _R]:
    """Keep two threads from folding the same events into the same projection."""

    @functools.wraps(method)
    def alone(self: ProjectionRunner, /, *args: _P.args, **kwargs: _P.kwargs) -> _R:
        with self._lock:
            return method(self, *args, **kwargs)

    return alone


class ProjectionRunner:
    """Keeps a set of projections up to date with one event store.

    Args:
        store: The log to read.
        projections: How to make each projection, empty.
    """

    def __init__(self, store: EventStore, projections: Sequence[Callable[[], Projection]]) -> None:
        self._store = store
        self._factories = {factory().name: factory for factory in projections}
        self._running: dict[str, _Running] = {}
        self._lock = threading.RLock()

    @_one_thread_at_a_time
    def catch_up(self) -> int:
        """Fold every event not folded yet; return the position all projections have reached.

        Raises:
            ProjectionError: A projection could not fold an event: nothing of that chunk is in its tables. The others
                went on without it.
        """
        self._load()
        failed: dict[str, ProjectionError] = {}
        while True:
            going = [running for name, running in self._running.items() if name not in failed]
            behind = min((running.position for running in going), default=0)
            group = [running for running in going if running.position == behind]
            chunk = list(self._store.read(after=behind, limit=CHUNK)) if going else []
            if not chunk:
                break
            failed |= self._advance(group, behind, chunk)
        if failed:
            raise next(iter(failed.values()))
        return behind

    @_one_thread_at_a_time
    def rebuild(self, name: str | None = None) -> int:
        """Throw the tables of one projection (or all) away and fold the whole log again.

        Raises:
            ProjectionError: There is no projection of that name, or it could not fold an event.
        """
        if name is not None and name not in self._factories:
            raise ProjectionError(
                f"there is no projection named {name!r}", remedy=f"the projections are {', '.join(self._factories)}"
            )
        with self._store.database.writing("projections") as connection:
            for each in [name] if name is not None else self._factories:
                _start_over(connection, self._factories[each]())
        self._running.clear()
        return self.catch_up()

    @_one_thread_at_a_time
    def projection(self, name: str) -> Projection:
        """Give the running fold of that name, as of the last `catch_up`."""
        self._load()
        return self._running[name].projection

    def _load(self) -> None:
        """Take up every projection where the database says it stopped; start those it does not know."""
        with self._store.database.reading() as connection:
            stored = {row.name: row for row in connection.execute(select(*_WHERE))}
        for name, factory in self._factories.items():
            row, running = stored.get(name), self._running.get(name)
            if row is None or row.version != factory().version:
                self._running[name] = self._start(factory)
            elif running is None or running.position != row.position:
                self._running[name] = self._take_up(factory)

    def _start(self, factory: Callable[[], Projection]) -> _Running:
        projection = factory()
        with self._store.database.writing("projections") as connection:
            row = connection.execute(select(*_WHERE).where(positions_table.c.name == projection.name)).one_or_none()
            # Another process may have started it since it was looked for: then it is only to be taken up.
            if row is None or row.version != projection.version:
                _start_over(connection, projection)
        return self._take_up(factory)

    def _take_up(self, factory: Callable[[], Projection]) -> _Running:
        projection = factory()
        columns = select(positions_table.c.position, positions_table.c.state)
        with self._store.database.reading() as connection:
            row = connection.execute(columns.where(positions_table.c.name == projection.name)).one()
        projection.load(row.state)
        return _Running(projection, row.position)

    def _advance(
        self, group: Sequence[_Running], behind: int, chunk: Sequence[StoredEvent]
    ) -> dict[str, ProjectionError]:
        """Fold one chunk into the projections that stand at `behind`, in one transaction; give those that cannot."""
        decoded = [(event, payload) for event in chunk if (payload := _decode(event)) is not None]
        reached = chunk[-1].position
        failed: dict[str, ProjectionError] = {}
        try:
            for running in group:
                try:
                    _fold(running.projection, decoded)
                except ProjectionError as error:
                    failed[running.projection.name] = error
            folded = [running for running in group if running.projection.name not in failed]
            with self._store.database.writing("projections") as connection:
                for running in folded:
                    if not _move(connection, running.projection, behind, reached):
                        raise _OvertakenError
                    running.projection.flush(connection)
        except _OvertakenError:
            # Another process folded these events first: take up its state instead of writing them twice.
            self._forget(group)
            self._load()
            return {}
        except BaseException:
            self._forget(group)
            raise
        self._forget([running for running in group if running not in folded])
        for running in folded:
            running.position = reached
        return failed

    def _forget(self, group: Sequence[_Running]) -> None:
        for running in group:
            self._running.pop(running.projection.name, None)


_WHERE = positions_table.c.name, positions_table.c.version, positions_table.c.position


class _OvertakenError(Exception):
    """Another process moved the projection first; the transaction rolls back."""


def _start_over(connection: Connection, projection: Projection) -> None:
    for table in projection.tables:
        connection.execute(delete(table))
    connection.execute(delete(positions_table).where(positions_table.c.name == projection.name))
    connection.execute(insert(positions_table), {"name": projection.name, "version": projection.version, "position": 0})


def _move(connection: Connection, projection: Projection, behind: int, reached: int) -> bool:
    moved = connection.execute(
        update(positions_table)
        .where(positions_table.c.name == projection.name)
        .where(positions_table.c.version == projection.version)
        .where(positions_table.c.position == behind)
        .values(position=reached, state=projection.state())
    )
    return moved.rowcount == 1


def _decode(event: StoredEvent) -> Payload | None:
    try:
        return event.payload
    except UnknownEventType as error:
        _log.warning(
            "position %d is kept and passed over (rebuild the projections after upgrading): %s",
            event.position,
            error.message,
        )
        return None


def _fold(projection: Projection, events: Sequence[tuple[StoredEvent, Payload]]) -> None:
    for event, payload in events:
        try:
            projection.apply(event, payload)
        except Exception as error:
            raise ProjectionError(
                f"projection {projection.name!r} stopped at position {event.position} ({event.event_type}): {error}",
                remedy="the log is unharmed; report this with the event, and rebuild the projection once it is mended",
            ) from error
