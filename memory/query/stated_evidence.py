"""What a theory that someone proposed, a belief that someone asserted, or a fact of architecture rests on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import select

from memory.events.amendments import Retraction
from memory.events.envelope import StoredEvent
from memory.events.knowledge import STATED, BeliefAsserted, PredictionRegistered, TheoryProposed, ValidationRecorded
from memory.projections.knowledge.stated import belief_identity, theory_identity
from memory.projections.tables import sharing_maps
from memory.query.bearings import CONTRADICTS, NEUTRAL, SUPPORTS, Bearing, Part
from memory.query.paging import paged
from memory.store.engine import Database
from memory.store.log import EventStore


def stated_evidence(store: EventStore, identity: str) -> Iterator[Bearing]:
    """Yield what was said of a theory or belief, and how it turned out, oldest first.

    What was retracted is passed over; kept in mind is one number for each retraction of the log.

    Args:
        store: The log.
        identity: Of a proposed theory, an asserted belief, or a core principle.
    """
    retracted = {event.fields["position"] for event in store.read(types=(Retraction.event_type,))}
    side = 1
    for event in store.read(types=[each.event_type for each in STATED]):
        if event.position in retracted:
            continue
        payload = event.payload
        if isinstance(payload, TheoryProposed) and theory_identity(payload) == identity:
            side = payload.direction or 1
            yield _said(event, "proposal")
        elif isinstance(payload, BeliefAsserted) and belief_identity(payload) == identity:
            yield _said(event, "assertion")
        elif isinstance(payload, PredictionRegistered) and payload.theory_id == identity:
            yield _said(event, "prediction")
        elif isinstance(payload, ValidationRecorded) and payload.target == identity and _stands(payload, retracted):
            yield _validated(event, payload, side)


def map_evidence(database: Database, belief: Any) -> Iterator[Bearing]:
    """Yield the sharing maps of the model since the names of a tensor were first seen to be one.

    Args:
        database: Its projections have been caught up.
        belief: The row of a belief of type `architectural_fact`.
    """
    columns = sharing_maps.c
    maps = select(columns.position).where(columns.model == belief.model)
    for row in paged(database, maps, columns.position, belief.first_position - 1, _ALL):
        ended = belief.status == "retracted" and row.position >= belief.last_position
        yield Bearing(row.position, (Part("map", row.position),), role=CONTRADICTS if ended else SUPPORTS)
        if ended:
            return


_ALL = 2**62


def _stands(payload: ValidationRecorded, retracted: set[int]) -> bool:
    return payload.rests_on is None or payload.rests_on not in retracted


def _said(event: StoredEvent, what: str) -> Bearing:
    return Bearing(event.position, (Part(what, event.position),), event.act_id)


def _validated(event: StoredEvent, payload: ValidationRecorded, side: int) -> Bearing:
    own = Part("validation", event.position)
    parts = (own,) if payload.rests_on is None else (Part("rests on", payload.rests_on), own)
    if payload.value is None:
        role = SUPPORTS if payload.came_true else CONTRADICTS
        return Bearing(event.position, parts, event.act_id, role)
    signed = side * payload.value
    role = SUPPORTS if signed > 0 else CONTRADICTS if signed < 0 else NEUTRAL
    return Bearing(event.position, parts, event.act_id, role, payload.value)
