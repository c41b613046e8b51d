"""Which blobs and checkpoints the log points at; what follows from that: sweeping, verifying and taking them along."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, and_, func, literal, select, union_all

from memory.errors import MissingBlob
from memory.projections.weight_tables import checkpoints, keyframes, weight_deltas
from memory.store.blobs import Content
from memory.store.engine import Database
from memory.weights.keeping import BlobKeeper, PointedAt, Swept

WEIGHT_HISTORY = frozenset({"weight_history"})
"""The projection that these tables are of."""

CatchUp = Callable[[Iterable[str] | None], object]
"""Folds every event there is by now; raises where one of the projections named (None: any) cannot go on."""
CheckCheckpoints = Callable[[Sequence[Mapping[str, Any]]], Iterable[str]]
"""Reads all files of checkpoints, given as rows of `checkpoints`; gives what is wrong with them, in words."""

_MANY = 400


@dataclass(frozen=True, slots=True)
class KeptReport:
    """What was reread of what is kept of weights."""

    blobs: int
    """Blobs reread."""
    checkpoints: int
    """Checkpoints reread."""
    problems: tuple[str, ...]


def pointed_at(database: Database) -> PointedAt:
    """Give what events point at and nobody let go; table `weight_deltas` and its siblings must be caught up."""
    # One statement, and so one moment.
    blobs, folders = literal("blob"), literal("checkpoint")
    there = union_all(
        *(select(blobs, table.c.blob).where(_there(table)) for table in (weight_deltas, keyframes)),
        select(folders, checkpoints.c.checkpoint_id).where(checkpoints.c.deleted_position.is_(None)),
    )
    found: dict[str, set[str]] = {"blob": set(), "checkpoint": set()}
    with database.reading() as connection:
        for kind, name in connection.execute(there):
            found[kind].add(name)
    return PointedAt(frozenset(found["blob"]), frozenset(found["checkpoint"]))


def sweep(keeper: BlobKeeper, database: Database, catch_up: CatchUp, *, grace: float) -> Swept:
    """Remove blobs and checkpoints that no event points at; the log is only read.

    Args:
        keeper: Where they are.
        database: The log's.
        catch_up: Brings the tables up to date.
        grace: Seconds since it was written under which a file is left alone.

    Raises:
        ProjectionError: Not every event can be read: what one points at is not known, and nothing was removed.
        DatabaseBusy: Somebody is about to point at a blob, and did not come to an end in time.
        DatabaseUnavailable: Something cannot be removed.
    """
    # Most of it while nobody waits.
    catch_up(WEIGHT_HISTORY)
    return keeper.sweep(lambda: now_pointed_at(database, catch_up), grace=grace)


def now_pointed_at(database: Database, catch_up: CatchUp) -> PointedAt:
    """Give what events point at, every event there is by now included.

    Raises:
        ProjectionError: One cannot be read.
    """
    catch_up(WEIGHT_HISTORY)
    return pointed_at(database)


def verify_kept(
    keeper: BlobKeeper, database: Database, catch_up: CatchUp, check_checkpoints: CheckCheckpoints | None = None
) -> KeptReport:
    """Read every byte of what events point at; what was let go is no problem. Nothing is changed.

    Args:
        keeper: Where the blobs are.
        database: The log's.
        catch_up: Brings the tables up to date.
        check_checkpoints: Reads checkpoints; None: they are not looked at.

    Raises:
        ProjectionError: Not every event can be read.
    """
    expected = now_pointed_at(database, catch_up).blobs
    problems = keeper.verify(expected)
    words: list[str] = []
    if problems:
        # What was let go meanwhile was let go.
        still = problems.keys() & now_pointed_at(database, catch_up).blobs
        positions = _positions(database, sorted(still))
        words = [f"position {positions[each]}: {problems[each]}" for each in still]
    rows: list[Mapping[str, Any]] = []
    if check_checkpoints is not None:
        rows = _checkpoints_there(database)
        wrong = list(check_checkpoints(rows))
        if wrong:
            catch_up(WEIGHT_HISTORY)
            still_there = _checkpoints_there(database)
            # What was let go meanwhile was let go.
            wrong = wrong if len(still_there) >= len(rows) else list(check_checkpoints(still_there))
        words += wrong
    return KeptReport(len(expected), len(rows), tuple(sorted(words)))


def _checkpoints_there(database: Database) -> list[Mapping[str, Any]]:
    query = select(checkpoints).where(checkpoints.c.deleted_position.is_(None)).order_by(checkpoints.c.position)
    with database.reading() as connection:
        return [dict(row) for row in connection.execute(query).mappings()]


def kept_blobs(keeper: BlobKeeper, database: Database, catch_up: CatchUp) -> Iterator[tuple[str, Content]]:
    """Yield digest and bytes of every blob that an event points at, one at a time, verified.

    Raises:
        MissingBlob: One is not there.
        DigestMismatch: One holds other bytes.
        ProjectionError: Not every event can be read.
    """
    for digest in sorted(now_pointed_at(database, catch_up).blobs):
        try:
            content = keeper.get(digest)
        except MissingBlob:
            if digest in now_pointed_at(database, catch_up).blobs:
                raise
            continue  # let go meanwhile
        yield digest, content


def _there(table: Table) -> ColumnElement[bool]:
    return and_(table.c.blob.is_not(None), table.c.pruned_position.is_(None))


def _positions(database: Database, digests: Sequence[str]) -> dict[str, int]:
    """Give the first event that points at each blob."""
    positions: dict[str, int] = {}
    with database.reading() as connection:
        for start in range(0, len(digests), _MANY):
            _note_positions(connection, digests[start : start + _MANY], positions)
    return positions


def _note_positions(connection: Connection, digests: Sequence[str], positions: dict[str, int]) -> None:
    for table in (weight_deltas, keyframes):
        first = select(table.c.blob, func.min(table.c.position)).group_by(table.c.blob)
        for blob, position in connection.execute(first.where(_there(table), table.c.blob.in_(digests))):
            positions[blob] = min(position, positions.get(blob, position))
