"""From a belief to the theory it was formed from, the pattern that was composed from, and the events beneath."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Connection, func, or_, select

from memory.errors import InvalidArgument, UnknownBelief, UnknownPattern, UnknownTheory
from memory.inference.multiplicity import ALPHA
from memory.projections.knowledge_tables import (
    architectural_facts,
    belief_revisions,
    beliefs,
    evidence,
    patterns,
    registered_predictions,
    theories,
)
from memory.projections.tables import modifications, storage_names
from memory.query.bearings import Bearing, Part
from memory.query.evidence import Evidence, History, PatternEvidence, RuledOut, Statistics
from memory.query.questions import question_of
from memory.store.log import EventStore

_FACTS = 6
"""Dropped correlations that are told of."""
_REVISIONS = 8
"""Revisions of a belief that are told of, besides the first."""

Weighing = Callable[[str], float | None]
"""Give the log of the part of the budget that a pattern's hypothesis has; None where it has none any more."""


def evidence_of(store: EventStore, identity: object, weighing: Weighing) -> Evidence:
    """Give what a pattern, theory or belief rests on.

    Args:
        store: The log; its projections have been caught up.
        identity: Of a pattern, a theory or a belief.
        weighing: Gives the part of the budget that a pattern's hypothesis has.

    Raises:
        UnknownPattern, UnknownTheory, UnknownBelief: There is none of that identity.
        InvalidArgument: It is the identity of nothing of the three.
    """
    kind = identity.partition("-")[0] if isinstance(identity, str) else ""
    if kind not in _TABLES or not isinstance(identity, str):
        raise InvalidArgument("identity", identity, "it is the identity of a pattern, a theory or a belief")
    with store.database.reading() as connection:
        belief, theory, found = _TABLES[kind](connection, identity)
        proven = tuple(_proven(connection, row, weighing) for row in found)
        theory_id = None if theory is None else theory.theory_id
        waits = registered_predictions.c.theory_id == theory_id, registered_predictions.c.outcome_position.is_(None)
        open_predictions = connection.execute(select(func.count()).where(*waits)).scalar_one()
        history = None if belief is None else _history(connection, belief.belief_id)
        ruled_out = _ruled_out(connection, belief, proven)
    return Evidence(identity, kind, belief, theory, proven, history, open_predictions, ruled_out, store)


_Walk = tuple[Any, Any, Sequence[Any]]


def _from_belief(connection: Connection, belief_id: str) -> _Walk:
    belief = connection.execute(select(beliefs).where(beliefs.c.belief_id == belief_id)).one_or_none()
    if belief is None:
        raise UnknownBelief(belief_id)
    theory = connection.execute(select(theories).where(theories.c.theory_id == belief.theory_id)).one_or_none()
    return belief, theory, _composing(connection, theory)


def _from_theory(connection: Connection, theory_id: str) -> _Walk:
    theory = connection.execute(select(theories).where(theories.c.theory_id == theory_id)).one_or_none()
    if theory is None:
        raise UnknownTheory(theory_id)
    return _formed(connection, theory_id), theory, _composing(connection, theory)


def _from_pattern(connection: Connection, pattern_id: str) -> _Walk:
    found = connection.execute(select(patterns).where(patterns.c.pattern_id == pattern_id)).all()
    if not found:
        raise UnknownPattern(pattern_id)
    of_it = select(theories).where(theories.c.pattern_id == pattern_id).order_by(theories.c.theory_id)
    theory = connection.execute(of_it).first()
    return None if theory is None else _formed(connection, theory.theory_id), theory, found


_TABLES: dict[str, Callable[[Connection, str], _Walk]] = {
    "belief": _from_belief,
    "theory": _from_theory,
    "pattern": _from_pattern,
}


def _formed(connection: Connection, theory_id: str) -> Any:
    of_it = select(beliefs).where(beliefs.c.theory_id == theory_id).order_by(beliefs.c.belief_id)
    return connection.execute(of_it).first()


def _composing(connection: Connection, theory: Any) -> Sequence[Any]:
    if theory is None or not theory.composed_of:
        return ()
    composing = patterns.c.pattern_id.in_(theory.composed_of)
    return connection.execute(select(patterns).where(composing).order_by(patterns.c.pattern_id)).all()


def _proven(connection: Connection, row: Any, weighing: Weighing) -> PatternEvidence:
    question = question_of(connection, row)
    holding = patterns.c.model == row.model, patterns.c.status == "active"
    claims = connection.execute(select(func.count()).select_from(patterns).where(*holding)).scalar_one()
    weight, family = weighing(row.pattern_id), question.family
    statistics = Statistics(
        row.support,
        row.effect,
        row.ci_low,
        row.ci_high,
        row.log_e_value,
        row.grade,
        0 if family is None else family.registered,
        0 if family is None else family.left_out,
        0.0 if family is None else family.share,
        ALPHA,
        claims,
        None if weight is None else -weight - math.log(ALPHA * max(1, claims)),
    )
    return PatternEvidence(row, statistics, _telling(connection, row), question)


def _telling(connection: Connection, pattern: Any) -> tuple[Bearing, ...]:
    acts = select(evidence, modifications.c.act_id).outerjoin(
        modifications, modifications.c.position == evidence.c.modification_position
    )
    rows = connection.execute(acts.where(evidence.c.pattern_id == pattern.pattern_id).order_by(evidence.c.position))
    return tuple(
        Bearing(row.position, _parts(row), row.act_id, row.role, row.outcome, log_factor=row.log_factor) for row in rows
    )


def _parts(row: Any) -> tuple[Part, ...]:
    if row.modification_position is None:
        return Part("from", row.baseline_position), Part("to", row.position)
    # Position 0 stands for a forecast in place of a baseline.
    baseline = (Part("baseline", row.baseline_position),) if row.baseline_position else ()
    return (*baseline, Part("write", row.modification_position), Part("outcome", row.position))


def _history(connection: Connection, belief_id: str) -> History | None:
    of_it, columns = belief_revisions.c.belief_id == belief_id, belief_revisions.c
    extremes = select(func.count(), func.min(columns.credence), func.max(columns.credence)).where(of_it)
    count, lowest, highest = connection.execute(extremes).one()
    if not count:
        return None
    oldest = select(belief_revisions).where(of_it).order_by(columns.position).limit(1)
    latest = select(belief_revisions).where(of_it).order_by(columns.position.desc()).limit(_REVISIONS)
    last = tuple(connection.execute(latest).all()[::-1])
    return History(count, lowest, highest, connection.execute(oldest).one(), last)


def _ruled_out(connection: Connection, belief: Any, proven: Sequence[PatternEvidence]) -> RuledOut:
    storages = {each.row.storage_id for each in proven} | {each.row.object_storage_id for each in proven}
    told = {each.row.subject for each in proven} | {each.row.object for each in proven}
    model = proven[0].row.model if proven else None
    if belief is not None:
        told, model = told | {belief.subject, belief.object}, belief.model
    of_storages = select(storage_names.c.name).distinct().where(storage_names.c.storage_id.in_(storages - {None}))
    names = sorted({*connection.execute(of_storages).scalars(), *(told - {None, ""})})
    columns = architectural_facts.c
    about = columns.model == model, or_(columns.subject.in_(names), columns.object.in_(names))
    count = connection.execute(select(func.count()).select_from(architectural_facts).where(*about)).scalar_one()
    best = select(architectural_facts).where(*about).order_by(columns.support.desc(), columns.fact_id).limit(_FACTS)
    return RuledOut(tuple(connection.execute(best).all()), count)
