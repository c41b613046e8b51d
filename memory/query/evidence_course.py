"""How the evidence of claims grew along the log, exactly as the fold had it, at a bounded number of places.

A short log is folded once more, and looked at on the way. Of a long one the snapshots are looked at that the fold keeps
for amendments: few, and denser towards the end. Either way nothing is estimated.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import cast

from sqlalchemy import select

from memory.inference.multiplicity import ALPHA
from memory.projections.base import Projection
from memory.projections.chunk import Chunk
from memory.projections.knowledge.learning import Learning
from memory.projections.knowledge.panel import Panel
from memory.projections.knowledge.projection import KnowledgeProjection
from memory.projections.knowledge.snapshots import unpacked
from memory.projections.knowledge_tables import inference_snapshots
from memory.projections.runner import ProjectionRunner
from memory.store.log import EventStore

FOLDED = 20_000
"""A log of no more events is folded once more; that takes about a second and a half."""


@dataclass(frozen=True, slots=True)
class CoursePoint:
    """What spoke for one claim just after one event."""

    pattern_id: str
    position: int
    log_e_value: float
    log_bar: float | None
    """What it needed to be claimed then; None where it could not be claimed."""
    prospective: float | None
    """The log e-value of its theory, from predictions alone; None before there was one."""


@dataclass(frozen=True, slots=True)
class _Place:
    """Where the fold keeps the statistics of a claim."""

    pattern_id: str
    panel: str
    slot: int


def evidence_course(
    store: EventStore,
    runner: ProjectionRunner,
    pattern_ids: Sequence[str],
    until: int,
    *,
    points: int = 160,
    folded: int = FOLDED,
) -> Iterator[CoursePoint]:
    """Yield how the log e-values of claims went, oldest first.

    Args:
        store: The log.
        runner: Its projections, caught up.
        pattern_ids: Which claims; those that were withdrawn have no course any more, and are passed over.
        until: The position its projections have reached.
        points: At how many places a log that is folded once more is looked at, at the most.
        folded: A log of more events is looked at where snapshots were kept.
    """
    places: Sequence[_Place] = runner.ask(
        "knowledge", lambda projection: _places(_learning(projection), set(pattern_ids))
    )
    if not places:
        return
    if until <= folded:
        yield from _folding(store, places, until, max(1, points))
        return
    yield from _from_snapshots(store, places, until)
    yield from runner.ask("knowledge", lambda projection: list(_seen(_learning(projection), places, until)))


def _folding(store: EventStore, places: Sequence[_Place], until: int, points: int) -> Iterator[CoursePoint]:
    projection, after = KnowledgeProjection(), 0
    for number in range(1, points + 1):
        position = until * number // points
        events = list(store.read(after=after, until=position))
        if events:
            Chunk(events, store, warn=False).fold(projection)
            projection.learning.take()  # rows that nobody will write
            yield from _seen(projection.learning, places, position)
        after = position


def _from_snapshots(store: EventStore, places: Sequence[_Place], until: int) -> Iterator[CoursePoint]:
    columns = inference_snapshots.c
    with store.database.reading() as connection:
        kept = connection.execute(select(columns.position).order_by(columns.position)).scalars().all()
    for position in kept:
        with store.database.reading() as connection:
            row = select(columns.packed).where(columns.position == position)
            packed = connection.execute(row).scalar()
        if packed is not None and position < until:
            yield from _seen(Learning.from_parts(unpacked(bytes(packed))), places, position)


def _learning(projection: Projection) -> Learning:
    return cast("KnowledgeProjection", projection).learning


def _places(learning: Learning, wanted: set[str]) -> list[_Place]:
    return [
        _Place(identity, claim.panel.name, claim.slot)
        for claim in learning.claims.all()
        if (identity := claim.identity("pattern")) in wanted
    ]


def _seen(learning: Learning, places: Sequence[_Place], position: int) -> Iterator[CoursePoint]:
    panels = {panel.name: panel for panel in learning.panels()}
    held: dict[str, int] = {}
    for claim in learning.claims.all():
        held[claim.panel.model] = held.get(claim.panel.model, 0) + (claim.status == "active")
    for place in places:
        panel = panels.get(place.panel)
        # The same slot may have asked something else before an amendment, or the same before it was asked anew.
        if panel is None or place.slot >= panel.slots or f"pattern-{panel.digest(place.slot)}" != place.pattern_id:
            continue
        made = panel.claims.get(place.slot)
        yield CoursePoint(
            place.pattern_id,
            position,
            float(panel.log_e[place.slot]),
            _bar(panel, place.slot, held.get(panel.model, 0)),
            None if made is None else made.score.log_e,
        )


def _bar(panel: Panel, slot: int, claims: int) -> float | None:
    weight = float(panel.log_weight[slot])
    return -weight - math.log(ALPHA * max(1, claims)) if math.isfinite(weight) else None
