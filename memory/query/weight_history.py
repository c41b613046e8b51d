"""What the record kept of a model's weights: which state each storage was in, and what leads from state to state."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, and_, func, or_, select

from memory.errors import RestoreError
from memory.events.weights import CheckpointSaved
from memory.projections.tables import modifications, storage_names, storages, weight_states
from memory.projections.weight_tables import checkpoints, keyframes, weight_deltas
from memory.store.engine import Database
from memory.store.reading import read
from memory.weights.paths import DeltaEdge, Source

KNOWN_HISTORY = frozenset({"sharing", "weight_states", "weight_history", "modifications"})
"""The projections that this module reads the tables of."""

_MOST_EDGES = 4096
"""Deltas of a storage that are all looked at; of more, those around the state wanted and those nearest to now."""
_NEAREST = 512


@dataclass(frozen=True, slots=True)
class StorageThen:
    """One storage as it was at a position."""

    storage_id: int
    key: str
    names: tuple[str, ...]
    """Every name that viewed it, sorted."""
    fingerprint: str | None
    """What it held; None where that was not read."""


@dataclass(frozen=True, slots=True)
class Ways:
    """What can put together the states of one storage."""

    edges: tuple[DeltaEdge, ...]
    sources: tuple[Source, ...]


@dataclass(frozen=True, slots=True)
class SavedCheckpoint:
    """One checkpoint on record."""

    model: str
    checkpoint_id: str
    position: int
    deleted_position: int | None


def storages_at(database: Database, model: str, position: int) -> tuple[StorageThen, ...]:
    """Give every storage of a model as it was after a position, in key order; none before the model was attached."""

    def holds(table: Any) -> Any:
        return and_(
            table.c.model == model,
            table.c.from_position <= position,
            or_(table.c.to_position.is_(None), table.c.to_position > position),
        )

    latest = (
        select(weight_states.c.storage_id, func.max(weight_states.c.position).label("position"))
        .where(weight_states.c.model == model, weight_states.c.position <= position)
        .group_by(weight_states.c.storage_id)
        .subquery()
    )
    held = select(weight_states.c.storage_id, weight_states.c.fingerprint).join(
        latest,
        and_(weight_states.c.storage_id == latest.c.storage_id, weight_states.c.position == latest.c.position),
    )
    names: dict[int, list[str]] = {}
    with database.reading() as connection:
        keys = {row.storage_id: row.key for row in connection.execute(select(storages).where(holds(storages)))}
        for row in connection.execute(select(storage_names).where(holds(storage_names))):
            names.setdefault(row.storage_id, []).append(row.name)
        states = {row.storage_id: row.fingerprint for row in connection.execute(held)}
    found = [
        StorageThen(storage_id, key, tuple(sorted(names.get(storage_id, ()))), states.get(storage_id))
        for storage_id, key in keys.items()
    ]
    return tuple(sorted(found, key=lambda each: each.key))


def lineage(database: Database, model: str, names: Collection[str]) -> tuple[int, ...]:
    """Give every storage that any of these names ever viewed: their states and deltas may be of use to one another."""
    query = (
        select(storage_names.c.storage_id)
        .where(storage_names.c.model == model, storage_names.c.name.in_(sorted(names)))
        .distinct()
    )
    with database.reading() as connection:
        return tuple(sorted(connection.execute(query).scalars()))


def ways(database: Database, storage_ids: Sequence[int], around: int | None = None) -> Ways:
    """Give the deltas and the states kept as a whole of some storages, as far as they were not let go.

    Args:
        database: Where; its projections are caught up.
        storage_ids: The storages: one, and those that its names viewed before.
        around: The position whose state is wanted; None for the latest.
    """
    own = weight_deltas.c.storage_id.in_(storage_ids), weight_deltas.c.pruned_position.is_(None)
    columns = select(
        weight_deltas.c.before_fingerprint,
        weight_deltas.c.after_fingerprint,
        weight_deltas.c.blob,
        weight_deltas.c.size,
        weight_deltas.c.changed_bytes,
    ).where(*own)
    with database.reading() as connection:
        count = connection.execute(select(func.count()).select_from(weight_deltas).where(*own)).scalar_one()
        found = connection.execute(columns).all() if count <= _MOST_EDGES else _near(connection, columns, around)
        kept = connection.execute(
            select(keyframes).where(keyframes.c.storage_id.in_(storage_ids), keyframes.c.pruned_position.is_(None))
        ).all()
    return Ways(
        edges=tuple(dict.fromkeys(DeltaEdge(*row) for row in found)),
        sources=tuple(
            Source(row.fingerprint, "keyframe", row.blob, row.size)
            if row.blob is not None
            else Source(row.fingerprint, "checkpoint", row.checkpoint_id, row.size)
            for row in kept
        ),
    )


def _near(connection: Connection, columns: Select[Any], around: int | None) -> list[Any]:
    """Give the deltas on either side of a position, and the latest ones: no way that is worth going leads elsewhere.

    A keyframe is never farther away than the policy of chains allows, which is far less than is read here.
    """
    newest = weight_deltas.c.position.desc()
    rows = list(connection.execute(columns.order_by(newest).limit(_NEAREST)))
    if around is not None:
        rows += connection.execute(
            columns.where(weight_deltas.c.position <= around).order_by(newest).limit(_NEAREST)
        ).all()
        rows += connection.execute(
            columns.where(weight_deltas.c.position > around).order_by(weight_deltas.c.position).limit(_NEAREST)
        ).all()
    return rows


def first_write_of(database: Database, model: str, act: str) -> int | None:
    """Give the position of the first write an act made to a model; None where it made none."""
    query = select(func.min(modifications.c.position)).where(
        modifications.c.model == model, modifications.c.act_id == act, modifications.c.reverts.is_(None)
    )
    with database.reading() as connection:
        return connection.execute(query).scalar()


def saved_checkpoint(database: Database, model: str, checkpoint_id: str) -> CheckpointSaved:
    """Give what was recorded when a checkpoint was saved.

    Raises:
        RestoreError: There never was one of that name.
    """
    found = find_checkpoint(database, model, checkpoint_id)
    if found is not None:
        event = next(
            read(
                database,
                after=found.position - 1,
                until=found.position,
                stream=None,
                types=None,
                model=None,
                limit=1,
                newest_first=False,
            ),
            None,
        )
        if event is not None and isinstance(event.payload, CheckpointSaved):
            return event.payload
    raise no_checkpoint(model, checkpoint_id)


def no_checkpoint(model: str | None, checkpoint_id: str) -> RestoreError:
    """Say that a model, or any, has no such checkpoint."""
    return RestoreError(
        f"{'no model' if model is None else f'model {model!r}'} has {'a' if model is None else 'no'} "
        f"checkpoint {checkpoint_id!r}",
        remedy="memory.checkpoints.list_checkpoints() lists them",
    )


def find_checkpoint(database: Database, model: str, checkpoint_id: str) -> SavedCheckpoint | None:
    """Give a checkpoint of a model by its name; None where there never was one."""
    query = select(
        checkpoints.c.model, checkpoints.c.checkpoint_id, checkpoints.c.position, checkpoints.c.deleted_position
    ).where(checkpoints.c.model == model, checkpoints.c.checkpoint_id == checkpoint_id)
    with database.reading() as connection:
        row = connection.execute(query).one_or_none()
    return None if row is None else SavedCheckpoint(*row)
