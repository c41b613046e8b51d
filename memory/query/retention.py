"""What the record says about the ways to earlier states, for those who let some of them go."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import and_, func, or_, select

from memory.events.weights import BlobsPruned
from memory.projections.tables import storage_names, storages, weight_states
from memory.projections.weight_tables import keyframes, weight_deltas
from memory.store.engine import Database
from memory.store.log import EventStore
from memory.store.reading import event_at
from memory.weights.retention import KeptDelta, KeptWhole, Wanted

_MANY = 400


@dataclass(frozen=True, slots=True)
class KeptOfModel:
    """Everything that was kept of a model's states and not let go."""

    deltas: tuple[KeptDelta, ...]
    wholes: tuple[KeptWhole, ...]


@dataclass(frozen=True, slots=True)
class LetGo:
    """How a state came to be let go."""

    position: int
    reason: str


def kept_of(database: Database, model: str) -> KeptOfModel:
    """Give every delta and every whole state of a model that is there."""
    edges = select(
        weight_deltas.c.storage_id,
        weight_deltas.c.position,
        weight_deltas.c.before_fingerprint,
        weight_deltas.c.after_fingerprint,
        weight_deltas.c.blob,
        weight_deltas.c.size,
    ).where(weight_deltas.c.model == model, weight_deltas.c.pruned_position.is_(None))
    states = select(
        keyframes.c.storage_id,
        keyframes.c.position,
        keyframes.c.fingerprint,
        keyframes.c.blob,
        keyframes.c.checkpoint_id,
        keyframes.c.size,
    ).where(keyframes.c.model == model, keyframes.c.pruned_position.is_(None))
    with database.reading() as connection:
        return KeptOfModel(
            tuple(KeptDelta(*row) for row in connection.execute(edges)),
            tuple(KeptWhole(*row) for row in connection.execute(states)),
        )


def wanted_from(database: Database, model: str, position: int) -> tuple[Wanted, ...]:
    """Give the states that each storage of a model was in at a position and after it."""
    own = storages.c.model == model
    lives = (
        select(storages.c.storage_id, storages.c.to_position)
        .where(own, or_(storages.c.to_position.is_(None), storages.c.to_position > position))
        .order_by(storages.c.from_position)
    )
    latest = (
        select(weight_states.c.storage_id, func.max(weight_states.c.position).label("position"))
        .where(weight_states.c.model == model, weight_states.c.position <= position)
        .group_by(weight_states.c.storage_id)
        .subquery()
    )
    held = select(weight_states).join(
        latest, and_(weight_states.c.storage_id == latest.c.storage_id, weight_states.c.position == latest.c.position)
    )
    later = select(weight_states).where(weight_states.c.model == model, weight_states.c.position > position)
    ever = (
        select(weight_states.c.storage_id, func.count(func.distinct(weight_states.c.fingerprint)).label("number"))
        .where(weight_states.c.model == model)
        .group_by(weight_states.c.storage_id)
    )
    # Let go of or not: that it was once kept is the promise that it can be had without the live weights.
    once = select(keyframes.c.storage_id).where(keyframes.c.model == model, keyframes.c.blob.is_not(None)).distinct()
    with database.reading() as connection:
        ends: dict[int, int | None] = {row.storage_id: row.to_position for row in connection.execute(lives)}
        number = {row.storage_id: row.number for row in connection.execute(ever)}
        kept_once = set(connection.execute(once).scalars())
        names = list(connection.execute(select(storage_names).where(storage_names.c.model == model)))
        states = [*connection.execute(held), *connection.execute(later.order_by(weight_states.c.position))]
    viewed: dict[str, set[int]] = defaultdict(set)
    begins: dict[int, int] = {}
    for row in names:
        viewed[row.name].add(row.storage_id)
        begins[row.storage_id] = min(row.from_position, begins.get(row.storage_id, row.from_position))
    families: dict[int, set[int]] = {storage_id: {storage_id} for storage_id in ends}
    for row in names:
        # Only a name that the storage had all the while finds the others, whatever position is asked for.
        if row.storage_id in ends and row.from_position <= max(position, begins[row.storage_id]):
            families[row.storage_id] |= viewed[row.name] if row.to_position == ends[row.storage_id] else set()
    found: dict[int, dict[tuple[int, str], None]] = {storage_id: {} for storage_id in ends}
    for row in states:
        if row.storage_id in found and row.fingerprint is not None:
            found[row.storage_id][max(row.position, position), row.fingerprint] = None
    return tuple(
        Wanted(
            storage_id,
            frozenset(families[storage_id]),
            tuple(held),
            ends[storage_id] is None and number.get(storage_id) == 1 and kept_once.isdisjoint(families[storage_id]),
        )
        for storage_id, held in sorted(found.items())
    )


def boundary_of(store: EventStore, model: str) -> int:
    """Give the first position whose state nobody let go of: what is before it is not wanted any more."""
    events = store.read(types=(BlobsPruned.event_type,), model=model)
    pruned = [event.payload for event in events]
    return max((each.before or 1 for each in pruned if isinstance(each, BlobsPruned)), default=1)


def keys_now(database: Database, model: str) -> dict[int, str]:
    """Give the key of every storage that a model has now."""
    now = select(storages.c.storage_id, storages.c.key).where(
        storages.c.model == model, storages.c.to_position.is_(None)
    )
    with database.reading() as connection:
        return {row.storage_id: row.key for row in connection.execute(now)}


def still_used(database: Database, blobs: Collection[str], model: str, until: int) -> frozenset[str]:
    """Give those of some blobs that anything else points at than what a model kept up to a position."""
    used: set[str] = set()
    wanted = sorted(blobs)
    with database.reading() as connection:
        for start in range(0, len(wanted), _MANY):
            for table in (weight_deltas, keyframes):
                query = select(table.c.blob).where(
                    table.c.blob.in_(wanted[start : start + _MANY]),
                    table.c.pruned_position.is_(None),
                    or_(table.c.model != model, table.c.position > until),
                )
                used.update(connection.execute(query.distinct()).scalars())
    return frozenset(used)


def let_go(database: Database, storage_ids: Collection[int], fingerprint: str) -> LetGo | None:
    """Say which event let go what led to a state; None where none did."""
    edges = select(func.max(weight_deltas.c.pruned_position)).where(
        weight_deltas.c.storage_id.in_(storage_ids),
        or_(weight_deltas.c.before_fingerprint == fingerprint, weight_deltas.c.after_fingerprint == fingerprint),
    )
    states = select(func.max(keyframes.c.pruned_position)).where(
        keyframes.c.storage_id.in_(storage_ids), keyframes.c.fingerprint == fingerprint
    )
    with database.reading() as connection:
        found = [connection.execute(query).scalar() for query in (edges, states)]
    position = max((each for each in found if each is not None), default=None)
    return None if position is None else LetGo(position, reason_of(database, position))


def reason_of(database: Database, position: int) -> str:
    """Give the reason that the event at a position gives for letting go."""
    event = event_at(database, position)
    return event.payload.reason if event is not None and isinstance(event.payload, BlobsPruned) else ""
