"""Every event that a claim settled in blocks was read from: acts, readings, evaluations, observations.

What one of them says alone is not told: the statistic is that of its block, over what was to be expected. A few of
them count for nothing (in the first part of a block that was under way when an end of the pair was born; readings of
what was just written): the pattern's `support` says how many blocks or readings did.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator
from itertools import groupby
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, func, literal, or_, select

from memory.events.modifications import REVERTING_METHODS, SWEEPING_METHODS
from memory.projections.tables import layer_statistics, metrics, modifications, observations
from memory.query.bearings import CONTRADICTS, SUPPORTS, Bearing, Part
from memory.query.paging import paged
from memory.query.questions import Question, Tensor
from memory.store.engine import Database

_NO_EVIDENCE = tuple(sorted(REVERTING_METHODS | SWEEPING_METHODS))
_KIND = "kind:"


def block_evidence(database: Database, question: Question) -> Iterator[Bearing]:
    """Yield what a pattern that is settled in blocks was read from, oldest first.

    Args:
        database: Its projections have been caught up.
        question: One of neither effect nor impact.
    """
    return _OF_KIND[question.key.kind](database, question)


def _comodification(database: Database, question: Question) -> Iterator[Bearing]:
    """Yield the acts that wrote either storage: both in one act speaks for a pair that goes together, one against."""
    ends = _writes(database, question, question.subject, 0), _writes(database, question, question.object, 1)
    written = heapq.merge(*ends, key=_position)
    for act_id, rows in groupby(written, key=lambda row: row.act_id):
        together = list(rows) if act_id is not None else []
        for cycle in [together] if together else ([row] for row in rows):
            both = len({row.end for row in cycle}) == 2
            side = 1 if both else -1
            yield Bearing(
                cycle[-1].position,
                tuple(Part("write", row.position) for row in cycle),
                act_id,
                SUPPORTS if side * question.pattern.direction > 0 else CONTRADICTS,
                float(both),
            )


def _cochange(database: Database, question: Question) -> Iterator[Bearing]:
    """Yield the readings of both storages."""
    one, other = layer_statistics.alias("one"), layer_statistics.alias("other")
    both = (
        select(one.c.position, func.min(one.c.value).label("first"), func.min(other.c.value).label("second"))
        .join(other, other.c.position == one.c.position)
        .where(
            one.c.statistic == question.key.method,
            one.c.retracted_position.is_(None),
            _read_of(one, question.pattern.model, question.subject),
            _read_of(other, question.pattern.model, question.object),
        )
        .group_by(one.c.position)
    )
    for row in paged(database, both, one.c.position, question.after, question.until):
        yield Bearing(row.position, (Part("reading", row.position),), values=(row.first, row.second))


def _metric_pair(database: Database, question: Question) -> Iterator[Bearing]:
    """Yield the evaluations of both metrics, of the model as it was."""
    other = metrics.alias("other")
    both = (
        _evaluations(question, question.pattern.subject)
        .add_columns(other.c.value.label("second"))
        .join(other, (other.c.position == metrics.c.position) & (other.c.metric == question.pattern.object))
    )
    for row in paged(database, both, metrics.c.position, question.after, question.until):
        yield Bearing(row.position, (Part("evaluation", row.position),), row.act_id, values=(row.value, row.second))


def _trend(database: Database, question: Question) -> Iterator[Bearing]:
    """Yield the evaluations of a metric, of the model as it was."""
    evaluated = _evaluations(question, question.pattern.subject)
    for row in paged(database, evaluated, metrics.c.position, question.after, question.until):
        yield Bearing(row.position, (Part("evaluation", row.position),), row.act_id, values=(row.value,))


def _sequence(database: Database, question: Question) -> Iterator[Bearing]:
    """Yield the events of the two ends, in the order in which they came."""
    pattern = question.pattern
    ends = _actor(database, question, pattern.subject, question.subject, 0)
    following = _actor(database, question, pattern.object, question.object, 1)
    for row in heapq.merge(ends, following, key=_position):
        yield Bearing(row.position, (Part(row.what, row.position),), row.act_id)


def _threshold(database: Database, question: Question) -> Iterator[Bearing]:
    """Yield the evaluations of the metric and the observations of the category, in the order in which they came."""
    pattern = question.pattern
    about = metrics.c.metric == pattern.subject, metrics.c.model == pattern.model
    evaluated = select(
        metrics.c.position, metrics.c.act_id, metrics.c.value, literal("evaluation").label("what")
    ).where(*about, metrics.c.retracted_position.is_(None))
    values = paged(database, evaluated, metrics.c.position, question.after, question.until)
    for row in heapq.merge(values, _actor(database, question, pattern.object, None, 1), key=_position):
        read = (row.value,) if row.what == "evaluation" else ()
        yield Bearing(row.position, (Part(row.what, row.position),), row.act_id, values=read)


_OF_KIND: dict[str, Callable[[Database, Question], Iterator[Bearing]]] = {
    "comodification": _comodification,
    "cochange": _cochange,
    "metric_pair": _metric_pair,
    "trend": _trend,
    "sequence": _sequence,
    "threshold": _threshold,
}


def _position(row: Any) -> int:
    return int(row.position)


def _actor(database: Database, question: Question, called: str, tensor: Tensor | None, end: int) -> Iterator[Any]:
    if tensor is not None:
        return _writes(database, question, tensor, end)
    columns = observations.c
    noticed = select(columns.position, columns.act_id, literal("observation").label("what")).where(
        columns.model == question.pattern.model,
        columns.category == called.removeprefix(_KIND),
        columns.status != "obsolete",
    )
    return paged(database, noticed, columns.position, question.after, question.until)


def _writes(database: Database, question: Question, tensor: Tensor | None, end: int) -> Iterator[Any]:
    """Yield the writes to a tensor that belong to its acts, by position."""
    columns = modifications.c
    written = select(columns.position, columns.act_id, literal("write").label("what"), literal(end).label("end")).where(
        columns.model == question.pattern.model,
        columns.retracted_position.is_(None),
        columns.reverts.is_(None),
        columns.changed.is_not(False),
        or_(columns.method.is_(None), columns.method.not_in(_NO_EVIDENCE)),
    )
    streams = []
    for storage_id, since in (tensor.storages if tensor is not None else {}).items():
        of_storage = written.where(columns.storage_id == storage_id, columns.counted)
        streams.append(_since(database, of_storage, question, since))
    for name, since in (tensor.names if tensor is not None else {}).items():
        of_name = written.where(columns.storage_id.is_(None), columns.primary_layer == name)
        streams.append(_since(database, of_name, question, since))
    return heapq.merge(*streams, key=_position)


def _since(database: Database, statement: Select[Any], question: Question, since: int) -> Iterator[Any]:
    return paged(database, statement, modifications.c.position, max(question.after, since), question.until)


def _read_of(read: Any, model: str, tensor: Tensor | None) -> ColumnElement[bool]:
    if tensor is None:
        return literal(False)
    of_tensor = [
        (read.c.storage_id == storage_id) & (read.c.position > since) for storage_id, since in tensor.storages.items()
    ]
    of_tensor += [(read.c.layer_name == name) & (read.c.position > since) for name, since in tensor.names.items()]
    return and_(read.c.model == model, or_(*of_tensor))


def _evaluations(question: Question, metric: str) -> Select[Any]:
    """Select the evaluations of a metric that came before anything was written in their act."""
    written = modifications.c
    already = exists().where(
        written.act_id == metrics.c.act_id,
        written.model == metrics.c.model,
        written.position < metrics.c.position,
        written.retracted_position.is_(None),
        written.reverts.is_(None),
        written.changed.is_not(False),
        or_(written.storage_id.is_(None), written.counted),
    )
    return select(metrics.c.position, metrics.c.act_id, metrics.c.value).where(
        metrics.c.metric == metric,
        metrics.c.model == question.pattern.model,
        metrics.c.retracted_position.is_(None),
        ~already,
    )
