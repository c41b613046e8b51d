"""What the record knows of a model's weights: its last map, and what every storage held from which event on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import orjson
from sqlalchemy import select

from introspection.sharing import SharingMap
from memory.projections.tables import sharing_maps, storages, weight_states
from memory.store.engine import Database

KNOWN_MODEL = frozenset({"sharing", "weight_states"})
"""The projections that `known_model` reads the tables of."""


@dataclass(frozen=True, slots=True)
class KnownModel:
    """A model as the record last knew it."""

    sharing: SharingMap
    histories: Mapping[str, tuple[tuple[int, str | None], ...]]
    """Storage key (as it is now) to (position, digest) pairs, oldest first: each holds until the next."""

    def head(self, key: str) -> str | None:
        """Give the digest a storage holds by the log; None where the log never read it."""
        history = self.histories.get(key, ())
        return history[-1][1] if history else None

    def state_of(self, fingerprints: Mapping[str, str | None]) -> int | None:
        """Give the latest position after which all storages held just these bytes, or None if they never did."""
        common: list[tuple[int, float]] = [(0, float("inf"))]
        for key, fingerprint in fingerprints.items():
            history = self.histories.get(key, ())
            ends = [position for position, _ in history[1:]] + [float("inf")]
            spans = [(start, end) for (start, held), end in zip(history, ends, strict=True) if held == fingerprint]
            common = _intersection(common, spans)
        return common[-1][0] or None if common else None


def _intersection(first: Sequence[tuple[int, float]], second: Sequence[tuple[int, float]]) -> list[tuple[int, float]]:
    """Intersect two sequences of half-open spans, each sorted and disjoint; so is the result."""
    common: list[tuple[int, float]] = []
    here = there = 0
    while here < len(first) and there < len(second):
        low = max(first[here][0], second[there][0])
        high = min(first[here][1], second[there][1])
        if low < high:
            common.append((low, high))
        if first[here][1] < second[there][1]:
            here += 1
        else:
            there += 1
    return common


def known_model(database: Database, model: str) -> KnownModel | None:
    """Read what the record knows of a model; None for one it never saw. Projections must be caught up."""
    latest = (
        select(sharing_maps.c.sharing)
        .where(sharing_maps.c.model == model)
        .order_by(sharing_maps.c.position.desc())
        .limit(1)
    )
    keys = select(storages.c.storage_id, storages.c.key).where(
        storages.c.model == model, storages.c.to_position.is_(None)
    )
    states = (
        select(weight_states.c.storage_id, weight_states.c.position, weight_states.c.fingerprint)
        .where(weight_states.c.model == model)
        .order_by(weight_states.c.position)
    )
    with database.reading() as connection:
        sharing = connection.execute(latest).scalar_one_or_none()
        if sharing is None:
            return None
        key_of = {row.storage_id: row.key for row in connection.execute(keys)}
        histories: dict[str, list[tuple[int, str | None]]] = {key: [] for key in key_of.values()}
        for row in connection.execute(states):
            if row.storage_id in key_of:
                histories[key_of[row.storage_id]].append((row.position, row.fingerprint))
    return KnownModel(
        sharing=SharingMap.from_json(orjson.dumps(sharing).decode()),
        histories={key: tuple(history) for key, history in histories.items()},
    )
