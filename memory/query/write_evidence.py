"""Every outcome that an effect or an impact rests on: the acts that wrote a storage in one way, and were evaluated.

Each act is told again to the windows that settled it, from rows of the tables, so that the same rules decide: the
first evaluation of a metric after the act's writes, on the sample of its baseline, with nothing else done to the model
in between. A page of acts is held at a time, however long the log is.
"""

from __future__ import annotations

import heapq
import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from sqlalchemy import func, or_, select

from memory.events.models import ModelAttached, SharingChanged
from memory.events.modifications import (
    REVERTING_METHODS,
    SWEEPING_METHODS,
    EditAborted,
    Restored,
    UnattributedWrite,
    WriteBase,
)
from memory.projections.knowledge.panel import ADJUSTED, FamilyKey
from memory.projections.knowledge.ways import (
    EFFECT,
    IMPACT,
    MOVES,
    Way,
    borne_on,
    grade_of,
    is_clean,
    moving,
    softly,
    way_of,
)
from memory.projections.knowledge.windows import ActWindows, Outcome, Write
from memory.projections.tables import metrics, modifications
from memory.query.bearings import Bearing, Part, role_of
from memory.query.paging import paged
from memory.query.questions import Question
from memory.store.log import EventStore

_ACTS = 100
"""Acts that are held at a time."""
_DISTURBING = tuple(
    each.event_type for each in (ModelAttached, SharingChanged, UnattributedWrite, Restored, EditAborted)
)


class WriteEvidence:
    """The outcomes that bear on a question about writes.

    Args:
        store: The log; its projections have been caught up.
        question: An effect or an impact.
    """

    def __init__(self, store: EventStore, question: Question) -> None:
        self._store = store
        self._database = store.database
        self._question = question
        self._model: str = question.pattern.model
        self._metric: str = question.pattern.object

    def __iter__(self) -> Iterator[Bearing]:
        """Yield them by their acts' first writes."""
        candidates = heapq.merge(*self._candidates(), key=lambda row: int(row.position))
        while page := list(islice(candidates, _ACTS)):
            writes, evaluations = self._acts(sorted({row.act_id for row in page}))
            for row in page:
                written = writes[row.act_id]
                if row.position == next(each.position for each in written if self._wanted(each)):
                    yield from self._of_act(row.act_id, written, evaluations[row.act_id])

    # Acts

    def _candidates(self) -> Iterator[Iterator[Any]]:
        tensor, columns = self._question.subject, modifications.c
        if tensor is None:
            return
        found = select(columns.position, columns.act_id).where(
            columns.model == self._model,
            columns.method.is_not_distinct_from(self._question.key.method),
            columns.act_id.is_not(None),
            columns.retracted_position.is_(None),
        )
        until = self._question.until
        for storage_id, since in tensor.storages.items():
            of_storage = found.where(columns.storage_id == storage_id)
            yield paged(self._database, of_storage, columns.position, since, until)
        for name, since in tensor.names.items():
            of_name = found.where(columns.storage_id.is_(None), columns.primary_layer == name)
            yield paged(self._database, of_name, columns.position, since, until)

    def _acts(self, acts: Sequence[str]) -> tuple[dict[str, list[Any]], dict[str, list[Any]]]:
        """Give what acts wrote, and their evaluations of the metric, each in order."""
        written = select(*_WRITE).where(
            # Not by the model's own index, which would go along the whole log for each page.
            func.coalesce(modifications.c.model, "") == self._model,
            modifications.c.act_id.in_(acts),
            modifications.c.retracted_position.is_(None),
        )
        evaluated = select(*_EVALUATION).where(
            metrics.c.act_id.in_(acts),
            metrics.c.model == self._model,
            # Nor by the metric's own.
            func.coalesce(metrics.c.metric, "") == self._metric,
            metrics.c.retracted_position.is_(None),
        )
        writes: dict[str, list[Any]] = defaultdict(list)
        evaluations: dict[str, list[Any]] = defaultdict(list)
        with self._database.reading() as connection:
            for row in connection.execute(written):
                writes[row.act_id].append(row)
            for row in connection.execute(evaluated):
                evaluations[row.act_id].append(row)
        for rows in (*writes.values(), *evaluations.values()):
            rows.sort(key=lambda row: int(row.position))
        return writes, evaluations

    def _of_act(self, act_id: str, written: Sequence[Any], evaluated: Sequence[Any]) -> Iterator[Bearing]:
        windows, previous = ActWindows(self._model), 0
        seen: dict[tuple[Any, ...], list[int]] = defaultdict(list)
        steps = sorted((*written, *evaluated), key=lambda row: int(row.position))
        several = len(written) > 1
        for step in steps:
            if previous and step.position - previous > 1 and self._disturbed(previous, step.position, act_id):
                windows.disturbance()
            previous = step.position
            if not hasattr(step, "sample"):
                self._write(windows, act_id, step, several)
            elif not self._repeats(step, seen, awaited=windows.awaits(act_id, (self._metric,))):
                outcomes = windows.evaluation(step.position, act_id, step.sample, {self._metric: _number(step)})
                for outcome in outcomes:
                    yield from self._bearings(step.position, outcome, written)

    def _disturbed(self, after: int, before: int, act_id: str) -> bool:
        """Say whether anything but the act may have changed weights between two of its events."""
        columns = modifications.c
        other = select(columns.position).where(
            columns.position > after,
            columns.position < before,
            columns.model == self._model,
            columns.act_id.is_distinct_from(act_id),
            columns.retracted_position.is_(None),
            or_(columns.storage_id.is_(None), columns.counted),
            columns.changed.is_not(False),
        )
        with self._database.reading() as connection:
            if connection.execute(other.limit(1)).scalar() is not None:
                return True
        events = self._store.read(after=after, until=before - 1, types=_DISTURBING, model=self._model)
        return any(event.event_type != EditAborted.event_type or not event.fields["restored"] for event in events)

    def _write(self, windows: ActWindows, act_id: str, row: Any, several: bool) -> None:
        entity, direct = self._entity(row)
        if entity is None:
            if not self._payload(row.position).known:
                windows.write(act_id, None)
        elif row.changed is False or (direct and not row.counted) or (not direct and windows.wrote(act_id, entity)):
            return
        elif row.reverts is not None or row.method in REVERTING_METHODS:
            windows.disturbance()
        elif row.method in SWEEPING_METHODS or row.dose == 0:
            windows.write(act_id, None)
        else:
            randomised = row.randomised and row.dose is not None
            # Which coin it was matters only beside another write.
            coin = self._payload(row.position).coin if several and randomised else None
            odds = 0.5 if row.propensity is None else row.propensity
            windows.write(act_id, Write(row.position, entity, row.method, row.dose, randomised, odds, coin))

    def _entity(self, row: Any) -> tuple[int | None, bool]:
        """Give what a row wrote, and whether the map says so."""
        tensor = self._question.subject
        if tensor is None:
            return row.storage_id, True
        known = tensor.names if row.storage_id is None else tensor.storages
        since = known.get(row.primary_layer if row.storage_id is None else row.storage_id)
        if since is not None and since < row.position:
            return tensor.entity, row.storage_id == tensor.entity
        return row.storage_id, True

    def _wanted(self, row: Any) -> bool:
        tensor = self._question.subject
        return tensor is not None and row.method == self._question.key.method and self._entity(row)[0] == tensor.entity

    def _payload(self, position: int) -> WriteBase:
        event = next(self._store.read(after=position - 1, until=position))
        payload = event.payload
        if not isinstance(payload, WriteBase):
            raise TypeError(f"the event at position {position} is no write: {payload.event_type}")
        return payload

    def _repeats(self, row: Any, seen: dict[tuple[Any, ...], list[int]], *, awaited: bool) -> bool:
        """Say whether an evaluation says again what one of its act said before: that is no second observation.

        Args:
            row: The evaluation.
            seen: Those before it.
            awaited: Whether it may be the act's outcome: that it is what the baseline was is news.
        """
        about = (row.sample, row.occurred_at if row.sample is None else None, row.value)
        repeated = self._said_before(row, seen["evaluation", *about])
        return self._said_before(row, seen["outcome", *about]) if awaited else repeated

    def _said_before(self, row: Any, earlier: list[int]) -> bool:
        if earlier:
            said = self._values(row.position)
            if any(self._values(position) == said for position in earlier):
                return True
        earlier.append(row.position)
        return False

    def _values(self, position: int) -> dict[str, float | None]:
        found = select(metrics.c.metric, metrics.c.value).where(metrics.c.position == position)
        with self._database.reading() as connection:
            return {row.metric: row.value for row in connection.execute(found)}

    # What outcomes bear on

    def _bearings(self, position: int, outcome: Outcome, written: Sequence[Any]) -> Iterator[Bearing]:
        question, tensor = self._question, self._question.subject
        if tensor is None or not question.after < position <= question.until:
            return
        for write in outcome.writes:
            if write.storage_id == tensor.entity and question.key in self._asked(position, outcome, write):
                own = [Part("write", each.position) for each in written if self._wanted(each)]
                before = outcome.baseline_position
                baseline = [] if before is None else [Part("baseline", before)]
                parts = (*baseline, *own, Part("outcome", position))
                yield self._bearing(position, outcome, write, tuple(sorted(parts, key=lambda part: part.position)))

    def _asked(self, position: int, outcome: Outcome, write: Write) -> Iterator[FamilyKey]:
        """Yield the families of what an outcome bears on, as the fold finds them."""
        clean, paired = is_clean(outcome), outcome.baseline_position is not None
        way: Way = way_of(self._model, write, grade_of(outcome.writes, write, paired=paired))
        yield from (way.family(part) for part in borne_on(way, clean=clean))
        family = self._question.family
        # Even parts are estimated too from the first act on that needs it: then their family settles first.
        if len(way.parts) > 1 and family is not None and position >= family.first_position:
            yield softly(self._model, write).family(IMPACT)
        told = self._question.smallest_at(position) > 0.0 and math.isfinite(outcome.changes[0])
        if write.fresh and clean and told:
            yield moving(self._model, write).family(MOVES)

    def _bearing(self, position: int, outcome: Outcome, write: Write, parts: tuple[Part, ...]) -> Bearing:
        question, (change,) = self._question, outcome.changes
        if outcome.baseline_position is None:
            return Bearing(position, parts, outcome.act_id, values=(_finite(change),))
        if question.key.aspect == MOVES:
            change = 1.0 if abs(change) > question.smallest_at(position) else -1.0
        elif question.key.kind == EFFECT:
            change *= write.sign
        finite = _finite(change)
        told = finite is not None and question.key.grade != ADJUSTED
        role = role_of(question.pattern.direction, finite) if told and finite is not None else None
        return Bearing(position, parts, outcome.act_id, role, finite)


_WRITE = tuple(
    modifications.c[name]
    for name in (
        "position",
        "storage_id",
        "primary_layer",
        "act_id",
        "method",
        "dose",
        "randomised",
        "propensity",
        "reverts",
        "changed",
        "counted",
    )
)
_EVALUATION = tuple(metrics.c[name] for name in ("position", "sample", "value", "special", "act_id", "occurred_at"))


def _number(row: Any) -> float:
    return float(row.special if row.value is None else row.value)


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
