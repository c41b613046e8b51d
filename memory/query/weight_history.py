"""What the record kept of a model's weights: which state each storage was in, and what leads from state to state."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, and_, func, or_, select

from memory.errors import RestoreError
from memory.events.weights import CheckpointSaved
from memory.projections.tables import modifications, storage_names, storages, weight_states
from memory.projections.weight_tables import checkpoints, keyframes, weight_deltas
from memory.store.engine import Database
from memory.store.reading import event_at
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


def ways(
    database: Database, model: str, storages_of: Mapping[str, Collection[str]], around: int | None = None
) -> dict[str, Ways]:
    """Give what was kept of the states of storages, and was not let go.

    What was kept of every storage that any of the names ever viewed counts: states are known by their contents.

    Args:
        database: Where; its projections are caught up.
        model: The model.
        storages_of: The names of each storage asked for, by any key.
        around: The position whose states are wanted; None for the latest.
    """
    if not storages_of:
        return {}
    with database.reading() as connection:
        ids_of: dict[str, set[int]] = {}
        viewed = select(storage_names.c.name, storage_names.c.storage_id).where(storage_names.c.model == model)
        if len(storages_of) == 1:
            viewed = viewed.where(storage_names.c.name.in_(sorted(next(iter(storages_of.values())))))
        for name, storage_id in connection.execute(viewed):
            ids_of.setdefault(name, set()).add(storage_id)
        wanted = {key: set().union(*(ids_of.get(name, ()) for name in names)) for key, names in storages_of.items()}
        every = sorted(set().union(*wanted.values()))
        edges = _edges(connection, every, around)
        sources = _sources(connection, every)
    return {
        key: Ways(
            edges=tuple(dict.fromkeys(edge for each in sorted(ids) for edge in edges.get(each, ()))),
            sources=tuple(source for each in sorted(ids) for source in sources.get(each, ())),
        )
        for key, ids in wanted.items()
    }


def _edges(connection: Connection, storage_ids: Sequence[int], around: int | None) -> dict[int, list[DeltaEdge]]:
    """Give the deltas of storages; of those with very many, the ones that can be of use."""
    there = weight_deltas.c.pruned_position.is_(None)
    columns = select(
        weight_deltas.c.storage_id,
        weight_deltas.c.before_fingerprint,
        weight_deltas.c.after_fingerprint,
        weight_deltas.c.blob,
        weight_deltas.c.size,
        weight_deltas.c.changed_bytes,
        weight_deltas.c.codec,
    ).where(there)
    counting = (
        select(weight_deltas.c.storage_id, func.count())
        .where(weight_deltas.c.storage_id.in_(storage_ids), there)
        .group_by(weight_deltas.c.storage_id)
    )
    counts = {row[0]: row[1] for row in connection.execute(counting)}
    few = [storage_id for storage_id, count in counts.items() if count <= _MOST_EDGES]
    rows = list(connection.execute(columns.where(weight_deltas.c.storage_id.in_(few)))) if few else []
    for storage_id in counts.keys() - set(few):
        rows += _near(connection, columns.where(weight_deltas.c.storage_id == storage_id), around)
    found: dict[int, list[DeltaEdge]] = {}
    for storage_id, before, after, blob, size, changed_bytes, codec in rows:
        edge = DeltaEdge(before, after, blob, size, changed_bytes, scattered=codec == "sparse")
        found.setdefault(storage_id, []).append(edge)
    return found


def _sources(connection: Connection, storage_ids: Sequence[int]) -> dict[int, list[Source]]:
    """Give the states of storages that were kept as a whole."""
    kept = select(keyframes).where(keyframes.c.storage_id.in_(storage_ids), keyframes.c.pruned_position.is_(None))
    found: dict[int, list[Source]] = {}
    for row in connection.execute(kept):
        source = (
            Source(row.fingerprint, "keyframe", row.blob, row.size)
            if row.blob is not None
            else Source(row.fingerprint, "checkpoint", row.checkpoint_id, row.size)
        )
        found.setdefault(row.storage_id, []).append(source)
    return found


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
        event = event_at(database, found.position)
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
