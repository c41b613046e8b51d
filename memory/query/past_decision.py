"""An edit that was made: what was believed about it just before, what safety said, and what followed."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Connection, or_, select

from memory.errors import InvalidArgument
from memory.events.modifications import EditAborted
from memory.projections.knowledge_tables import patterns, predictions, theories
from memory.projections.tables import modifications, storage_names
from memory.projections.weight_tables import safety_alerts
from memory.query.decision_facts import Outcome
from memory.query.decision_outcomes import meanings_of, outcomes_of
from memory.query.html import card_html, one_line, table_html
from memory.query.safety import beliefs_about
from memory.query.told_events import EventTold
from memory.store.engine import Database
from memory.store.log import EventStore
from memory.store.reading import LAST

WRITE_KINDS = ("effect", "impact")


@dataclass(frozen=True, slots=True)
class HeldThen:
    """A belief, or a pattern without one, that spoke of what was written, as it was just before."""

    identity: str
    statement: str
    credence: float | None
    """Of a belief."""
    log_e_value: float | None
    """Of a pattern."""
    status: str


@dataclass(frozen=True, slots=True)
class Foretold:
    """What a theory had predicted of an outcome, before it came."""

    theory_id: str
    hypothesis: str
    position: int
    """The outcome."""
    direction: int
    probability: float
    outcome: float | None
    hit: bool | None
    """Whether it came as said; None: a tie, or not finite."""


@dataclass(frozen=True, slots=True)
class DecisionExplained:
    """A decision to write, and what there is to say about it: `print` tells it."""

    act_id: str | None
    model: str
    position: int
    """Its first write."""
    as_of: int
    """Where the record stood just before: what was believed is told as of there."""
    writes: tuple[EventTold, ...]
    """What was written, and what was tried and put back."""
    believed: tuple[HeldThen, ...]
    """Firmest first."""
    alerts: tuple[EventTold, ...]
    """What safety said of it; none: it said nothing."""
    outcomes: tuple[Outcome, ...]
    """What metrics did, from before it to after it on the same sample."""
    foretold: tuple[Foretold, ...]
    undone_position: int | None
    """The first write that took it back; None where none did."""

    def to_dict(self) -> dict[str, Any]:
        """Give it as data that JSON has words for."""
        return asdict(self)

    def to_json(self) -> str:
        """Give the same as JSON."""
        return json.dumps(self.to_dict(), ensure_ascii=False, allow_nan=False)

    def to_html(self) -> str:
        """Give it as a fragment of HTML."""
        facts = {
            "act": self.act_id,
            "model": self.model,
            "first write": self.position,
            "undone at": self.undone_position,
        }
        columns = "position", "event_type", "occurred_at", "happened"
        return card_html(
            f"Decision at position {self.position}",
            facts,
            table_html(self.writes, caption="What was done", columns=columns),
            table_html(self.believed, caption=f"What was believed (as of position {self.as_of})"),
            table_html(self.alerts, caption="What safety said", columns=columns),
            table_html(self.outcomes, caption="What followed"),
            table_html(self.foretold, caption="What had been foretold"),
        )

    def _repr_html_(self) -> str:
        return self.to_html()

    def __str__(self) -> str:
        return "\n".join(map(one_line, self._lines()))

    def _lines(self) -> Iterator[str]:
        of_act = f"act {self.act_id}" if self.act_id else "a write outside of acts"
        yield f"At position {self.position}, {of_act} of {self.model}:"
        yield from (f"  {each.position}  {each.happened}" for each in self.writes)
        yield f"What was believed about it just before (as of position {self.as_of}):"
        yield from (f"  {_held(each)}" for each in self.believed)
        if not self.believed:
            yield "  nothing"
        yield "What safety said:"
        yield from (f"  {each.position}  {each.happened}" for each in self.alerts)
        if not self.alerts:
            yield "  nothing"
        yield "What followed:"
        for each in self.outcomes:
            yield (
                f"  {each.metric} {each.before:.4g} → {each.after:.4g} ({each.change:+.4g}, {each.verdict}), "
                f"positions {each.baseline_position} and {each.outcome_position}"
            )
        if not self.outcomes:
            yield "  no outcome was recorded on the sample of a baseline"
        yield from (f"  {_foretold(each)}" for each in self.foretold)
        if self.undone_position is not None:
            yield f"It was taken back at position {self.undone_position}."


def explained_decision(store: EventStore, then: EventStore, act: str | None, writes: list[Any]) -> DecisionExplained:
    """Put together what there is to say about a decision.

    Args:
        store: The log; its projections have been caught up.
        then: The log as it was just before the first write, folded.
        act: The act; None: the one write is outside of acts.
        writes: Its rows of `modifications`, oldest first.
    """
    first = writes[0]
    with store.database.reading() as connection:
        better = {name: meaning.better for name, meaning in meanings_of(connection, first.model).items()}
        outcomes = tuple(
            {
                (each.metric, each.outcome_position): each
                for write in (writes if act is None else writes[:1])
                for each in outcomes_of(connection, write, better, None)
            }.values()
        )
        foretold = tuple(_predicted(connection, {each.outcome_position for each in outcomes}, writes))
        undone = None if act is None else connection.execute(_undoing(act)).scalar()
        alerts = connection.execute(_alerts(act, writes)).scalars().all()
    return DecisionExplained(
        act_id=act,
        model=first.model,
        position=first.position,
        as_of=first.position - 1,
        writes=_told(store, [*(row.position for row in writes), *_aborted(store, act, writes)]),
        believed=tuple(_believed(then.database, first.model, writes)),
        alerts=_told(store, alerts),
        outcomes=outcomes,
        foretold=foretold,
        undone_position=undone,
    )


def writes_of(database: Database, act: str | int) -> tuple[str | None, list[Any]]:
    """Give the act that is meant, by its name or by the position of a write, and its rows of `modifications`.

    Raises:
        InvalidArgument: There is no announced write of that act, or at that position.
    """
    columns = modifications.c
    with database.reading() as connection:
        if isinstance(act, int) and not isinstance(act, bool):
            one = connection.execute(select(modifications).where(columns.position == min(act, LAST))).one_or_none()
            if one is None:
                raise InvalidArgument("act", act, "there is no announced write at that position")
            if one.act_id is None:
                return None, [one]
            act = str(one.act_id)
        if isinstance(act, str):
            found = select(modifications).where(columns.act_id == act).order_by(columns.position)
            rows = list(connection.execute(found))
            if rows:
                return act, rows
    raise InvalidArgument("act", act, "no announced write belongs to that act; `palimpsest log` shows acts")


def _believed(database: Database, model: str, writes: list[Any]) -> Iterator[HeldThen]:
    storages = {row.storage_id for row in writes} - {None}
    names = {name for row in writes for name in (row.storage_key, row.primary_layer, *row.coupled_layers) if name}
    with database.reading() as connection:
        of_storages = select(storage_names.c.name).where(storage_names.c.storage_id.in_(storages))
        names |= set(connection.execute(of_storages).scalars())
        about = or_(patterns.c.storage_id.in_(storages), patterns.c.subject.in_(names))
        joined = select(patterns, theories.c.hypothesis).outerjoin(
            theories, theories.c.pattern_id == patterns.c.pattern_id
        )
        claimed = connection.execute(
            joined.where(
                patterns.c.model == model, patterns.c.kind.in_(WRITE_KINDS), patterns.c.status == "active", about
            ).order_by(patterns.c.log_e_value.desc(), patterns.c.pattern_id)
        ).all()
    held = beliefs_about(database, model, sorted(names))
    yield from (HeldThen(row.belief_id, row.statement, row.credence, None, row.status) for row in held)
    believed = {row.belief_id.partition("-")[2] for row in held}
    for row in claimed:
        if row.pattern_id.partition("-")[2] not in believed:
            yield HeldThen(row.pattern_id, row.hypothesis or row.kind, None, row.log_e_value, row.status)


def _predicted(connection: Connection, positions: set[int], writes: list[Any]) -> Iterator[Foretold]:
    storages = {row.storage_id for row in writes} - {None}
    columns = predictions.c
    found = (
        select(predictions, theories.c.hypothesis)
        .join(theories, theories.c.theory_id == columns.theory_id)
        .join(patterns, patterns.c.pattern_id == theories.c.pattern_id)
        .where(columns.position.in_(positions), patterns.c.storage_id.in_(storages))
        .order_by(columns.position, columns.theory_id)
    )
    for row in connection.execute(found):
        yield Foretold(
            row.theory_id, row.hypothesis, row.position, row.direction, row.probability, row.outcome, row.hit
        )


def _undoing(act: str) -> Any:
    columns = modifications.c
    taken_back = columns.reverts == act, columns.retracted_position.is_(None)
    return select(columns.position).where(*taken_back).order_by(columns.position).limit(1)


def _alerts(act: str | None, writes: list[Any]) -> Any:
    """Give the positions of the alerts of an act, or of those right after a write outside of acts."""
    columns = safety_alerts.c
    found = select(columns.position).order_by(columns.position)
    if act is not None:
        return found.where(columns.act_id == act)
    (write,) = writes
    return found.where(columns.act_id.is_(None), columns.position.in_((write.position - 1, write.position + 1)))


def _aborted(store: EventStore, act: str | None, writes: list[Any]) -> Iterable[int]:
    if act is None:
        return ()
    # Events have no index by act: those near its writes are looked at.
    first, last = writes[0].position, writes[-1].position
    near = store.read(after=max(0, first - _NEAR), until=last + _NEAR, types=(EditAborted.event_type,))
    return [event.position for event in near if event.act_id == act]


_NEAR = 200


def _told(store: EventStore, positions: Iterable[int]) -> tuple[EventTold, ...]:
    return tuple(
        EventTold.of(event) for each in sorted(set(positions)) for event in store.read(after=each - 1, until=each)
    )


def _held(held: HeldThen) -> str:
    if held.credence is not None:
        return f"{held.statement} (credence {held.credence:.4g}, {held.status}; {held.identity})"
    return f"{held.statement} (claimed, not believed yet; {held.identity})"


def _foretold(told: Foretold) -> str:
    side = "up" if told.direction > 0 else "down"
    came = "it came as said" if told.hit else "it came otherwise" if told.hit is not None else "it came to neither side"
    return (
        f"foretold at position {told.position} by {told.theory_id}: {side}, probability {told.probability:.3g}; {came}"
    )
