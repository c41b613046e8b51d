"""Reading what a decision about an edit rests on: a few rows of a few indexes, however long the record is."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable, Sequence
from typing import Any

import orjson
from sqlalchemy import Connection, Text, and_, cast, false, func, or_, select

from introspection.sharing import SharingMap
from memory.errors import AmbiguousModel
from memory.projections.knowledge.asserted import shipped
from memory.projections.knowledge_tables import beliefs, patterns, theories
from memory.projections.tables import landmarks, modifications, sharing_maps, storages
from memory.projections.weight_tables import checkpoints, safety_alerts
from memory.projections.words import words_of
from memory.query.decision_facts import (
    Coupling,
    DecisionContext,
    Effect,
    Explanation,
    FailedEdit,
    HeldTrue,
    PastEdit,
    SafetyState,
    opposite,
    sides,
)
from memory.query.decision_outcomes import Meaning, meanings_of, outcomes_of
from memory.query.narrowing import aside, check_model, step_by_step, walked
from memory.query.search_terms import Term
from memory.store.tables import ledger

_LOOKED_AT = 200
"""The newest writes to a storage, or by a method, among which like ones are looked for."""
_LIKE, _ELSEWHERE = 12, 6
"""Like edits that are told of: of the same storage, and of others by the same method."""
_FAILED = 100
"""The newest aborted edits that are looked through."""
_FEW = 50
_MANY_STORAGES = 16
"""Storages of a module whose past edits are looked at."""


class Reading:
    """Reads for one decision, in one transaction.

    Args:
        connection: One that reads.
        context: What is thought of.
    """

    def __init__(self, connection: Connection, context: DecisionContext) -> None:
        self.connection = connection
        self.context = context
        self.model = self._model()
        self.map_position, self.sharing = self._map()
        self.meanings = meanings_of(connection, self.model)
        step_by_step(connection)

    def _model(self) -> str | None:
        if self.context.model is not None:
            check_model(self.connection, self.context.model)
            return self.context.model
        known = self.connection.execute(select(sharing_maps.c.model).distinct()).scalars().all()
        if len(known) > 1 and self.context.layer is not None:
            raise AmbiguousModel(known)
        return known[0] if len(known) == 1 else None

    def _map(self) -> tuple[int, SharingMap | None]:
        if self.model is None:
            return 0, None
        columns = sharing_maps.c
        newest = select(columns.position, cast(columns.sharing, Text).label("text")).where(columns.model == self.model)
        row = self.connection.execute(newest.order_by(columns.position.desc()).limit(1)).one_or_none()
        return (0, None) if row is None else (row.position, _parsed(row.text))

    def coupling(self) -> Coupling | None:
        """Say what a write would reach; None where no layer was named, or no map is on record.

        Raises:
            UnknownName: The map has no such tensor or module.
        """
        layer = self.context.layer
        if layer is None or self.sharing is None:
            return None
        keys = self.sharing.resolve(layer)
        under = (layer,) if layer in self.sharing.names else self.sharing.under(layer)
        names = tuple(next(each for each in under if self.sharing.storage_key(each) == key) for key in keys)
        reached = [each for name in names for each in self.sharing.affected(name)]
        coupled = {each.name for each in reached if each.relation in ("alias", "overlap")}
        derived = {each.name for each in reached if each.relation == "derived"}
        return Coupling(self.map_position, names, keys, tuple(sorted(coupled - set(names))), tuple(sorted(derived)))

    def storage_ids(self, coupling: Coupling) -> tuple[int, ...]:
        """Give the storages by the numbers under which the record knows them."""
        columns = storages.c
        now = select(columns.storage_id).where(
            columns.model == self.model, columns.to_position.is_(None), columns.key.in_(coupling.storages)
        )
        return tuple(self.connection.execute(now.order_by(columns.storage_id)).scalars())

    def effects(self, ids: Sequence[int]) -> tuple[Effect, ...]:
        """Give what writes to these storages are claimed to do, the strongest evidence first."""
        columns = patterns.c
        claimed = select(patterns).where(
            columns.storage_id.in_(ids), columns.kind.in_(("effect", "impact")), columns.status != "retracted"
        )
        if self.context.method is not None:
            claimed = claimed.where(columns.method == self.context.method)
        if self.context.metric is not None:
            claimed = claimed.where(columns.object == self.context.metric)
        rows = self.connection.execute(claimed.order_by(columns.log_e_value.desc(), columns.pattern_id).limit(_FEW))
        return tuple(self._effect(row) for row in rows)

    def _effect(self, row: Any) -> Effect:
        meaning = self.meanings.get(row.object, Meaning())
        size, low, high = row.effect, row.ci_low, row.ci_high
        if row.kind == "effect" and self.context.dose is not None and self.context.dose < 0:
            # It turns with the sign of the dose; an impact does not.
            size, low, high = _negative(size), _negative(high), _negative(low)
        turns = row.kind == "effect" and self.context.dose is None
        verdict, matters = sides(low, high, meaning.better, meaning.smallest_effect)
        return Effect(
            pattern_id=row.pattern_id,
            kind=row.kind,
            storage=row.subject,
            metric=row.object,
            method=row.method,
            dose=row.dose,
            effect=size,
            ci_low=low,
            ci_high=high,
            e_value=row.e_value,
            grade=row.grade,
            support=row.support,
            status=row.status,
            better=meaning.better,
            smallest_effect=meaning.smallest_effect,
            # Without a dose nobody knows which way it would go.
            verdict="unclear" if turns else verdict,
            matters=matters and not turns,
        )

    def theories(self, effects: Sequence[Effect]) -> tuple[Explanation, ...]:
        """Give the theories composed from effects, and those proposed about the same tensors, best proven first."""
        columns = theories.c
        composed = columns.pattern_id.in_([each.pattern_id for each in effects])
        said = [words for name in (self.context.layer, self.context.metric) if name and (words := words_of(name))]
        proposed = and_(
            columns.source == "proposed",
            or_(columns.model == self.model, columns.model == ""),
            or_(false(), *(func.lower(columns.hypothesis).like(f"%{_longest(words)}%") for words in said)),
        )
        found = select(theories).where(columns.status != "retracted", or_(composed, proposed))
        rows = self.connection.execute(found.order_by(columns.log_e_value.desc(), columns.theory_id).limit(_FEW))
        return tuple(
            Explanation(row.theory_id, row.hypothesis, row.predictions, row.hits, row.status)
            for row in rows
            # LIKE finds `layers.1` in `layers.11` too.
            if row.source != "proposed" or any(Term(tuple(words)).starts(words_of(row.hypothesis)) for words in said)
        )

    def beliefs(self, coupling: Coupling | None) -> tuple[HeldTrue, ...]:
        """Give the beliefs that bear on it: about the tensors, the metric, in words; core principles always, last."""
        columns = beliefs.c
        names = () if coupling is None else (*coupling.names, *coupling.storages, *coupling.coupled)
        tensor = [*dict.fromkeys(names), *(f"write:{name}" for name in dict.fromkeys(names))]
        asked: list[tuple[str, Any]] = []
        if tensor:
            asked.append(("tensor", or_(columns.subject.in_(tensor), columns.object.in_(tensor))))
        if self.context.metric is not None:
            metric = self.context.metric
            asked.append(("metric", or_(columns.object == metric, columns.subject == metric)))
        said = [word for word in dict.fromkeys(words_of(self._said())) if len(word) > 3 and word.isascii()][:_FEW]
        if said:
            statement = func.lower(columns.statement)
            asked.append(("words", or_(*(statement.like(f"%{word}%") for word in said))))
        asked.append(("core principle", columns.strength == "absolute"))
        found: dict[str, HeldTrue] = {}
        for because, condition in asked:
            asserted = select(beliefs).where(columns.status == "active", condition)
            if self.model is not None:
                asserted = asserted.where(or_(columns.model == self.model, columns.model == ""))
            firmest = columns.credence.desc(), columns.importance.desc(), columns.belief_id
            for row in self.connection.execute(asserted.order_by(*firmest).limit(_FEW)):
                about = because == "words" and row.strength != "absolute" and not _speaks_of(row.statement, said)
                if row.belief_id not in found and not about and not (because == "words" and row.strength == "absolute"):
                    found[row.belief_id] = HeldTrue(
                        row.belief_id, row.belief_type, row.statement, row.credence, row.strength, because
                    )
        if not any(each.because == "core principle" for each in found.values()):
            # A record without an event has no rows yet, and the principles that ship hold there too.
            for held in shipped():
                told = held.belief_id, held.belief_type, held.statement, held.credence, held.strength
                found[held.belief_id] = HeldTrue(*told, "core principle")
        return tuple(found.values())

    def _said(self) -> str:
        context = self.context
        return " ".join(each for each in (context.action, context.method, context.words) if each)

    def past_edits(self, ids: Sequence[int]) -> tuple[PastEdit, ...]:
        """Give the likest edits that were made: of the same storages first, by the same method, at the nearest dose."""
        columns, context = modifications.c, self.context
        same = [row for storage in ids[:_MANY_STORAGES] for row in self._written(columns.storage_id, storage)]
        if context.method is not None:
            same = [row for row in same if row.method == context.method] or same
        same = _of_each_act(sorted(same, key=self._distance))[:_LIKE]
        elsewhere: list[Any] = []
        if context.method is not None and len(same) < _LIKE // 2:
            told = {row.act_id for row in same} - {None}
            others = (
                row
                for row in self._written(columns.method, context.method)
                if row.storage_id not in ids and row.act_id not in told
            )
            elsewhere = _of_each_act(sorted(others, key=self._distance))[:_ELSEWHERE]
        rows = [*same, *elsewhere]
        taken_back = self._taken_back({row.act_id for row in rows if row.act_id is not None})
        wanted = None if context.metric is None else {context.metric}
        better = {name: meaning.better for name, meaning in self.meanings.items()}
        return tuple(
            PastEdit(
                position=row.position,
                act_id=row.act_id,
                layer=row.primary_layer,
                method=row.method,
                dose=row.dose,
                occurred_at=row.occurred_at,
                same_storage=row.storage_id in ids,
                outcomes=outcomes_of(self.connection, row, better, wanted),
                undone_position=taken_back.get(row.act_id),
            )
            for row in rows
        )

    def _written(self, column: Any, value: Any) -> Sequence[Any]:
        columns = modifications.c
        conditions, order = walked(self.connection, column, value, columns.position)
        newest = select(modifications).where(
            *conditions,
            columns.retracted_position.is_(None),
            columns.reverts.is_(None),
            columns.counted.is_(True),
            or_(columns.changed.is_(None), columns.changed.is_(True)),
        )
        if self.model is not None:
            newest = newest.where(aside(self.connection, columns.model) == self.model)
        return self.connection.execute(newest.order_by(*order).limit(_LOOKED_AT)).all()

    def _distance(self, row: Any) -> tuple[bool, float, int]:
        asked = self.context.dose
        far = 0.0 if asked is None else math.inf if row.dose is None else abs(row.dose - asked)
        return opposite(asked, row.dose), far, -row.position

    def _taken_back(self, acts: set[str]) -> dict[str, int]:
        columns = modifications.c
        first = select(columns.reverts, func.min(columns.position)).where(
            columns.reverts.in_(acts), columns.retracted_position.is_(None)
        )
        return {row[0]: row[1] for row in self.connection.execute(first.group_by(columns.reverts))}

    def failed_edits(self, coupling: Coupling | None) -> tuple[FailedEdit, ...]:
        """Give the like edits that were denied or failed, among the newest of all that were."""
        conditions, order = walked(self.connection, landmarks.c.event_type, "edit_aborted", landmarks.c.position)
        newest = select(landmarks.c.position).where(*conditions)
        if self.model is not None:
            newest = newest.where(landmarks.c.model == self.model)
        positions = self.connection.execute(newest.order_by(*order).limit(_FAILED)).scalars().all()
        said = select(ledger.c.position, ledger.c.payload).where(ledger.c.position.in_(positions))
        found = []
        for position, payload in self.connection.execute(said.order_by(ledger.c.position.desc())):
            told = orjson.loads(payload)
            if coupling is None or told["storage_key"] in coupling.storages:
                failed = FailedEdit(
                    position=position,
                    layer=told["primary_layer"],
                    method=told.get("method"),
                    denied_by=tuple(told.get("denied_by") or ()),
                    message=told.get("message") or told["error"],
                )
                if self.context.method in (None, failed.method):
                    found.append(failed)
        return tuple(found)

    def safety(self) -> SafetyState:
        """Give what stops the model, the last critical alerts, and where its last checkpoint is."""
        columns = safety_alerts.c
        concerns = or_(columns.model == self.model, columns.model.is_(None))
        found = self.connection.execute(
            select(safety_alerts)
            .where(columns.level == "emergency", columns.stops.is_(True), concerns)
            .order_by(columns.position)
        )
        stops = tuple((row.position, row.message) for row in found)
        conditions, order = walked(self.connection, columns.level, "critical", columns.position)
        critical = select(safety_alerts).where(*conditions, concerns).order_by(*order).limit(3)
        alerts = tuple((row.position, row.level, row.message) for row in self.connection.execute(critical))
        saved = select(func.max(checkpoints.c.position)).where(
            checkpoints.c.model == self.model, checkpoints.c.deleted_position.is_(None)
        )
        return SafetyState(stops, alerts, self.connection.execute(saved).scalar())


@functools.lru_cache(maxsize=8)
def _parsed(sharing: str) -> SharingMap:
    return SharingMap.from_json(sharing)


def _of_each_act(rows: Iterable[Any]) -> list[Any]:
    """Give the first row of each act: what came of an act is told once, however many writes it was made of."""
    first: dict[Any, Any] = {}
    for row in rows:
        first.setdefault(row.position if row.act_id is None else row.act_id, row)
    return list(first.values())


def _longest(words: Iterable[str]) -> str:
    """Give the longest of some words that LIKE finds whatever the engine; empty where there is none."""
    return max((word for word in words if word.isascii()), key=len, default="")


def _negative(value: float | None) -> float | None:
    return None if value is None else -value


def _speaks_of(statement: str, words: Iterable[str]) -> bool:
    spoken = set(words_of(statement))
    return any(word in spoken for word in words)
