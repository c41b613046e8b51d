"""Building projections again from the whole log, beside their tables, while writers and readers go on."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sqlalchemy import Connection, delete, insert

from memory.errors import ProjectionError
from memory.events.envelope import StoredEvent
from memory.projections.base import Projection
from memory.projections.chunk import Chunk, is_of_the_database
from memory.projections.tables import projections as positions
from memory.store.log import EventStore
from memory.store.workspace import Workspace, workspace

Factory = Callable[[], Projection]


def rebuild(store: EventStore, factories: Sequence[Factory], size: int) -> dict[str, ProjectionError]:
    """Fold the whole log into twins of the projections' tables, then put these in their place, all at once.

    Args:
        store: The log.
        factories: The projections.
        size: Events folded at a time.

    Returns:
        By name, the projections that could not fold an event or write what it gives: their tables stay as they were.
    """
    failed: dict[str, ProjectionError] = {}
    while folding := [projection for factory in factories if (projection := factory()).name not in failed]:
        tables = [table for projection in folding for table in projection.tables]
        try:
            with workspace(store.database, tables) as beside:
                _build(store, folding, beside, size)
            break
        except _BrokenError as broken:
            # The others are built once more without it: this happens only while somebody mends a fold.
            failed[broken.error.projection] = broken.error
    return failed


def begin(connection: Connection, projection: Projection) -> None:
    """Empty a projection's tables, in the open transaction, and let it stand before the first event."""
    for table in projection.tables:
        connection.execute(delete(table))
    _stand(connection, projection, 0, None)


class _BrokenError(Exception):
    """A projection cannot fold an event, or write what it gives."""

    def __init__(self, error: ProjectionError) -> None:
        self.error = error


def _build(store: EventStore, folding: Sequence[Projection], beside: Workspace, size: int) -> None:
    position = 0
    while len(events := list(store.read(after=position, limit=size))) == size:
        # Before the transaction: a fold may read the log, and a database in memory has one connection.
        position = _fold(store, folding, events)
        with beside.writing() as connection:
            _flush(connection, folding, position)
    # What little is left is folded under the lock, so that no projection goes back behind where it stands.
    with beside.replacing() as connection:
        while events := list(store.read(after=position, limit=size)):
            position = _fold(store, folding, events)
            _flush(connection, folding, position)
        for projection in folding:
            _stand(connection, projection, position, projection.state())


def _fold(store: EventStore, folding: Sequence[Projection], events: Sequence[StoredEvent]) -> int:
    chunk = Chunk(events, store)
    for projection in folding:
        try:
            chunk.fold(projection)
        except ProjectionError as error:
            raise _BrokenError(error) from error
    return chunk.last


def _flush(connection: Connection, folding: Sequence[Projection], position: int) -> None:
    for projection in folding:
        try:
            projection.flush(connection)
        except Exception as error:
            if is_of_the_database(error):
                raise
            reason = getattr(error, "message", None) or f"{type(error).__name__}: {error}"
            broken = ProjectionError(
                f"projection {projection.name!r} could not write what the events up to position {position} give: "
                f"{reason}",
                remedy="its tables are as they were; report this, and rebuild it once it is mended",
                projection=projection.name,
                position=position,
            )
            raise _BrokenError(broken) from error


def _stand(connection: Connection, projection: Projection, position: int, state: str | None) -> None:
    connection.execute(delete(positions).where(positions.c.name == projection.name))
    row = {"name": projection.name, "version": projection.version, "position": position, "state": state}
    connection.execute(insert(positions), row)
