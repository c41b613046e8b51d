"""Catches projections up with the log.

Each has a position of its own, moved in the very transaction that writes its rows: exactly once, whatever dies when.
One that cannot fold an event stops before it, and says so in its row; the others go on.
"""

from __future__ import annotations

import functools
import logging
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Concatenate, ParamSpec, TypeVar

from sqlalchemy import Connection, bindparam, select, update

from memory.errors import ProjectionError
from memory.events.envelope import StoredEvent
from memory.projections.base import Projection
from memory.projections.chunk import Chunk, is_of_the_database, stopped
from memory.projections.rebuilding import Factory, begin, rebuild
from memory.projections.tables import projections as positions
from memory.store.forking import ForkSafeLock
from memory.store.log import EventStore

_log = logging.getLogger(__name__)

CHUNK = 1000
"""Events folded per transaction (STORE.md: one commit per 1000 events is 800 times faster than one per event)."""


@dataclass(slots=True)
class _Running:
    projection: Projection
    position: int
    stopped_at: int | None


_P = ParamSpec("_P")
_R = TypeVar("_R")


def _one_thread_at_a_time(
    method: Callable[Concatenate[ProjectionRunner, _P], _R],
) -> Callable[Concatenate[ProjectionRunner, _P], _R]:
    """Keep two threads from folding the same events into the same projection."""

    @functools.wraps(method)
    def alone(self: ProjectionRunner, /, *args: _P.args, **kwargs: _P.kwargs) -> _R:
        with self._lock:
            if self._process != os.getpid():
                # A fork may have copied a fold in the middle of a chunk that another thread was at.
                self._process, self._running = os.getpid(), {}
            return method(self, *args, **kwargs)

    return alone


class ProjectionRunner:
    """Keeps a set of projections up to date with one event store.

    Args:
        store: The log to read.
        projections: How to make each projection, empty.
    """

    def __init__(self, store: EventStore, projections: Sequence[Factory]) -> None:
        self._store = store
        self._factories = {factory().name: factory for factory in projections}
        self._running: dict[str, _Running] = {}
        self._failed: dict[str, ProjectionError] = {}
        self._lock = ForkSafeLock()
        self._process = os.getpid()

    @_one_thread_at_a_time
    def catch_up(self, needed: Iterable[str] | None = None) -> int:
        """Fold every event there is by now; return the position all that did not stop have reached.

        What is appended meanwhile may be left for the next time: writers that never rest must not keep it from ending.

        Args:
            needed: Names of the projections whose tables are wanted; None: all of them.

        Raises:
            ProjectionError: One that is needed cannot fold an event. It stands just before it; every other has gone on.
        """
        head = self._store.head().position
        self._load()
        self._failed = {}
        log = _Log(self._store)
        while True:
            going = [running for name, running in self._running.items() if name not in self._failed]
            behind = min((running.position for running in going), default=0)
            group = [running for running in going if running.position == behind]
            # Of what one projection stopped at before, no more is read than what it is tried with again.
            again = any(running.stopped_at == behind + 1 for running in group)
            events = log.after(behind, 1 if again else CHUNK) if going and behind < head else []
            if not events:
                break
            self._advance(group, behind, Chunk(events, self._store))
        for name in self._failed if needed is None else needed:
            if name in self._failed:
                raise self._failed[name]
        return behind

    @_one_thread_at_a_time
    def rebuild(self, name: str | None = None) -> int:
        """Fold the whole log again, beside the tables of one projection (or all), and put the result in their place.

        Writers go on meanwhile, and readers see the old rows until they see the new ones.

        Raises:
            ProjectionError: There is no projection of that name, or it could not fold an event: its tables stay.
        """
        if name is not None and name not in self._factories:
            raise ProjectionError(
                f"there is no projection named {name!r}", remedy=f"the projections are {', '.join(self._factories)}"
            )
        wanted = self._factories if name is None else {name: self._factories[name]}
        failed = rebuild(self._store, list(wanted.values()), CHUNK)
        self._running.clear()
        for error in failed.values():
            raise error
        return self.catch_up()

    @_one_thread_at_a_time
    def projection(self, name: str) -> Projection:
        """Give the running fold of that name, as of the last `catch_up`."""
        self._load()
        return self._running[name].projection

    @_one_thread_at_a_time
    def ask(self, name: str, question: Callable[[Projection], _R]) -> _R:
        """Ask the running fold of that name something, as of the last `catch_up`, while nothing is folded into it."""
        self._load()
        return question(self._running[name].projection)

    def _load(self) -> None:
        """Take up every projection where the database says it stands; start those it does not know."""
        stored = self._stored()
        changed = [
            factory
            for name, factory in self._factories.items()
            if name in stored and stored[name].version != factory().version
        ]
        if changed:
            for name, error in rebuild(self._store, changed, CHUNK).items():
                _log.warning("the new version of a projection cannot be built: %s", error.message)
                self._start(self._factories[name])
            stored = self._stored()
        for name, factory in self._factories.items():
            row, running = stored.get(name), self._running.get(name)
            if row is None:
                self._running[name] = self._start(factory)
            elif running is None or running.position != row.position:
                self._running[name] = self._take_up(factory)

    def _stored(self) -> Mapping[str, Any]:
        with self._store.database.reading() as connection:
            return {row.name: row for row in connection.execute(select(*_WHERE))}

    def _start(self, factory: Factory) -> _Running:
        projection = factory()
        with self._store.database.writing("projections") as connection:
            row = connection.execute(select(*_WHERE).where(positions.c.name == projection.name)).one_or_none()
            # Another process may have started it since it was looked for: then it is only to be taken up.
            if row is None or row.version != projection.version:
                begin(connection, projection)
        return self._take_up(factory)

    def _take_up(self, factory: Factory) -> _Running:
        projection = factory()
        columns = select(positions.c.position, positions.c.state, positions.c.stopped_at)
        with self._store.database.reading() as connection:
            row = connection.execute(columns.where(positions.c.name == projection.name)).one()
            projection.load(row.state)
            projection.take_up(connection)
        return _Running(projection, row.position, row.stopped_at)

    def _advance(self, group: Sequence[_Running], behind: int, chunk: Chunk) -> None:
        """Fold one chunk into the projections that stand at `behind`: together, or one by one where one cannot."""
        try:
            try:
                self._step(group, behind, chunk)
            except _OvertakenError:
                raise
            except Exception as error:
                if is_of_the_database(error):
                    raise
                for running in group:
                    self._advance_alone(running, behind, chunk)
        except _OvertakenError:
            # Another process folded these events first: take up its state instead of writing them twice.
            self._forget(group)
            self._load()
        except BaseException:
            self._forget(group)
            raise

    def _advance_alone(self, running: _Running, behind: int, chunk: Chunk) -> None:
        """Fold as much of a chunk as a projection can, and stop it at the event that it cannot fold."""
        name = running.projection.name
        running = self._running[name] = self._take_up(self._factories[name])
        if running.position != behind:
            raise _OvertakenError
        try:
            self._step([running], behind, chunk)
            return
        except _OvertakenError:
            raise
        except Exception as error:
            if is_of_the_database(error):
                raise
            if len(chunk.all) == 1:
                self._stop(running, behind, chunk, error)
                return
        first, second = chunk.halves()
        self._advance_alone(running, behind, first)
        if name not in self._failed:
            self._advance_alone(self._running[name], first.last, second)

    def _step(self, group: Sequence[_Running], behind: int, chunk: Chunk) -> None:
        """Fold a chunk into projections, write what it gives and move their positions, in one transaction."""
        for running in group:
            chunk.fold(running.projection)
        with self._store.database.writing("projections") as connection:
            to: dict[str, Any] = {"position": chunk.last, "stopped_at": None, "failure": None}
            moves = [(each.projection, to | {"state": each.projection.state()}) for each in group]
            _move(connection, behind, moves)
            for running in group:
                running.projection.flush(connection)
        for running in group:
            running.position, running.stopped_at = chunk.last, None

    def _stop(self, running: _Running, behind: int, chunk: Chunk, error: Exception) -> None:
        name = running.projection.name
        failure = error if isinstance(error, ProjectionError) else stopped(name, chunk.all[0], error)
        if running.stopped_at != chunk.last:
            _log.error("%s", failure.message)
        values = {"stopped_at": chunk.last, "failure": failure.message}
        with self._store.database.writing("projections") as connection:
            _move(connection, behind, [(running.projection, values)])
        self._failed[name] = failure
        self._forget([running])

    def _forget(self, group: Sequence[_Running]) -> None:
        for running in group:
            self._running.pop(running.projection.name, None)


class _Log:
    """Reads the log a few events at a time, by one reading for as long as they follow one another."""

    def __init__(self, store: EventStore) -> None:
        self._store = store
        self._events: Iterator[StoredEvent] = iter(())
        self._at = -1

    def after(self, position: int, limit: int) -> list[StoredEvent]:
        """Give the next events after a position; none at the end of the log."""
        found = list(islice(self._events, limit)) if position == self._at else []
        if not found:
            self._events = self._store.read(after=position)
            found = list(islice(self._events, limit))
        self._at = found[-1].position if found else -1
        return found


_WHERE = positions.c.name, positions.c.version, positions.c.position


class _OvertakenError(Exception):
    """Another process moved the projection first; the transaction rolls back."""


# Made once: it moves every projection with every chunk.
_MOVE = (
    update(positions)
    .where(positions.c.name == bindparam("moved"))
    .where(positions.c.version == bindparam("of_version"))
    .where(positions.c.position == bindparam("behind"))
)


def _move(connection: Connection, behind: int, moves: Sequence[tuple[Projection, Mapping[str, Any]]]) -> None:
    """Change the rows of projections that stand at a position."""
    moving = [
        {"moved": projection.name, "of_version": projection.version, "behind": behind, **values}
        for projection, values in moves
    ]
    if connection.execute(_MOVE, moving).rowcount != len(moving):
        raise _OvertakenError
