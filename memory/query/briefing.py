"""What whoever goes on with a record should know first, in few words, and what was learned of late."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Select, literal_column, or_, select

from memory.events.envelope import to_microseconds
from memory.projections.finding_tables import IMPORTANT
from memory.projections.knowledge_tables import architectural_facts, belief_revisions, beliefs, patterns, theories
from memory.projections.tables import modifications, observations
from memory.projections.weight_tables import safety_alerts
from memory.query.html import card_html, list_html, one_line
from memory.query.narrowing import step_by_step, walked
from memory.query.overview import last_metrics
from memory.store.engine import Database
from memory.store.head import read_head
from memory.store.tables import appends


@dataclass(frozen=True, slots=True)
class BriefingItem:
    """One thing worth knowing."""

    kind: str
    """stop, alert, belief, effect, fact, metric, change, observation, write or principle."""
    text: str
    evidence: str
    """The identity of a claim, or the position of an event."""
    position: int


@dataclass(frozen=True, slots=True)
class Briefing:
    """What is worth knowing, the most pressing first: `print` tells it."""

    position: int
    """The event up to which it tells."""
    items: tuple[BriefingItem, ...]

    def to_dict(self) -> dict[str, Any]:
        """Give it as data that JSON has words for."""
        return {"position": self.position, "items": [asdict(item) for item in self.items]}

    def __str__(self) -> str:
        lines = [one_line(f"- {item.kind}: {item.text} [{item.evidence}]") for item in self.items] or [
            "nothing is on record"
        ]
        return "\n".join([f"as of position {self.position}:", *lines])

    def _repr_html_(self) -> str:
        told = [f"{item.kind}: {item.text} [{item.evidence}]" for item in self.items]
        return card_html("Briefing", {"as of position": self.position}, list_html("worth knowing", told))


def briefing(database: Database, max_items: int, model: str | None) -> Briefing:
    """Give what is worth knowing: of each kind in turn as much as there is room for, the most pressing kinds first."""
    with database.reading() as connection:
        step_by_step(connection)
        position = read_head(connection).position
        kinds = [list(items) for items in _kinds(connection, max_items, model)]
    # What presses comes whole; of the others each has its turn, so that much of one leaves room for the rest.
    pressing, *others = kinds
    chosen = pressing[:max_items]
    turns = [items[number] for number in range(max_items) for items in others if number < len(items)]
    kept = {id(item) for item in turns[: max_items - len(chosen)]}
    return Briefing(position, (*chosen, *(item for items in others for item in items if id(item) in kept)))


def _kinds(connection: Connection, most: int, model: str | None) -> Iterator[Iterator[BriefingItem]]:
    yield _stops(connection, most, model)
    yield _alerts(connection, most, model)
    yield _beliefs(connection, most, model)
    yield _effects(connection, most, model)
    yield _facts(connection, most, model)
    yield _metrics(connection, most, model)
    yield _changes(connection, most, model)
    yield _observations(connection, most, model)
    yield _writes(connection, most, model)
    yield _principles(connection, most, model)


def _of(statement: Select[Any], table: Any, model: str | None) -> Select[Any]:
    if model is None:
        return statement
    return statement.where(or_(table.c.model == model, table.c.model == "", table.c.model.is_(None)))


def _stops(connection: Connection, most: int, model: str | None) -> Iterator[BriefingItem]:
    columns = safety_alerts.c
    found = select(safety_alerts).where(columns.level == "emergency", columns.stops.is_(True))
    for row in connection.execute(_of(found, safety_alerts, model).order_by(columns.position.desc()).limit(most)):
        yield BriefingItem("stop", row.message, str(row.position), row.position)


def _alerts(connection: Connection, most: int, model: str | None) -> Iterator[BriefingItem]:
    conditions, order = walked(connection, safety_alerts.c.level, "critical", safety_alerts.c.position)
    found = _of(select(safety_alerts).where(*conditions), safety_alerts, model)
    for row in connection.execute(found.order_by(*order).limit(most)):
        yield BriefingItem("alert", row.message, str(row.position), row.position)


def _beliefs(connection: Connection, most: int, model: str | None) -> Iterator[BriefingItem]:
    columns = beliefs.c
    held = select(beliefs).where(
        columns.status == "active", columns.strength != "absolute", columns.source != "architecture"
    )
    firmest = columns.credence.desc(), columns.importance.desc(), columns.belief_id
    for row in connection.execute(_of(held, beliefs, model).order_by(*firmest).limit(most)):
        told = f"{row.statement} ({row.strength}, {row.credence:.2f})"
        yield BriefingItem("belief", told, row.belief_id, row.last_position)


def _effects(connection: Connection, most: int, model: str | None) -> Iterator[BriefingItem]:
    found = (
        select(theories.c.hypothesis, patterns.c.pattern_id, patterns.c.last_position)
        .join(theories, theories.c.pattern_id == patterns.c.pattern_id)
        .where(patterns.c.status == "active", theories.c.source == "data")
    )
    strongest = patterns.c.log_e_value.desc(), patterns.c.pattern_id
    for row in connection.execute(_of(found, patterns, model).order_by(*strongest).limit(most)):
        yield BriefingItem("effect", row.hypothesis, row.pattern_id, row.last_position)


def _facts(connection: Connection, most: int, model: str | None) -> Iterator[BriefingItem]:
    columns = architectural_facts.c
    found = select(architectural_facts).where(columns.to_position.is_(None))
    newest = columns.first_position.desc(), columns.fact_id
    for row in connection.execute(_of(found, architectural_facts, model).order_by(*newest).limit(most)):
        yield BriefingItem("fact", row.relation, row.fact_id, row.first_position)


def _metrics(connection: Connection, most: int, model: str | None) -> Iterator[BriefingItem]:
    for last in sorted(last_metrics(connection, model), key=lambda each: -each.position)[:most]:
        value = "not finite" if last.value is None else f"{last.value:g}"
        before = "" if last.earlier is None else f", {last.earlier:g} before"
        yield BriefingItem("metric", f"{last.metric} was {value} last{before}", str(last.position), last.position)


def _changes(connection: Connection, most: int, model: str | None) -> Iterator[BriefingItem]:
    for row in connection.execute(_revised(model, 0).limit(most)):
        told = f"{row.statement}: now {row.credence:.2f}, {row.status}: {row.reason}"
        yield BriefingItem("change", told, row.belief_id, row.position)


def _revised(model: str | None, since: int) -> Select[Any]:
    """Select the changes of beliefs after a position, the newest first."""
    revision = belief_revisions.c
    columns = revision.position, revision.belief_id, revision.credence, revision.status, revision.reason
    found = (
        select(*columns, beliefs.c.statement, beliefs.c.first_position)
        .join(beliefs, beliefs.c.belief_id == revision.belief_id)
        .where(revision.position > since)
    )
    return _of(found, beliefs, model).order_by(revision.position.desc(), revision.belief_id)


def _observations(connection: Connection, most: int, model: str | None) -> Iterator[BriefingItem]:
    columns = observations.c
    # Written out, because only then can the engines tell that the index of the important ones will do.
    found = select(observations).where(
        columns.importance >= literal_column(str(IMPORTANT)), columns.status != "obsolete"
    )
    for row in connection.execute(_of(found, observations, model).order_by(columns.position.desc()).limit(most)):
        yield BriefingItem("observation", row.description or row.category, str(row.position), row.position)


def _writes(connection: Connection, most: int, model: str | None) -> Iterator[BriefingItem]:
    columns = modifications.c
    found = select(modifications).where(columns.retracted_position.is_(None))
    if model is not None:
        found = found.where(columns.model == model)
    for row in connection.execute(found.order_by(columns.position.desc()).limit(most)):
        reached = f", with {', '.join(row.coupled_layers)}" if row.coupled_layers else ""
        told = f"{row.method or 'write'} of {row.primary_layer}{reached}{f': {row.reason}' if row.reason else ''}"
        yield BriefingItem("write", told, str(row.position), row.position)


def _principles(connection: Connection, most: int, model: str | None) -> Iterator[BriefingItem]:
    columns = beliefs.c
    held = select(beliefs).where(columns.strength == "absolute", columns.status == "active")
    oldest = columns.first_position, columns.statement
    for row in connection.execute(_of(held, beliefs, model).order_by(*oldest).limit(most)):
        yield BriefingItem("principle", row.statement, row.belief_id, row.first_position)


@dataclass(frozen=True, slots=True)
class Learned:
    """One thing that was learned, or is held otherwise than before."""

    position: int
    kind: str
    """belief, theory, pattern or fact."""
    identity: str
    change: str
    """`new`, or what became of it, and why."""
    text: str
    status: str
    credence: float | None
    """Of a belief, from there on; None for what is no belief."""


def learned_since(database: Database, since: int, limit: int, model: str | None) -> list[Learned]:
    """Give what was learned after a position, the newest first."""
    with database.reading() as connection:
        found = [*_beliefs_since(connection, since, limit, model), *_claims_since(connection, since, limit, model)]
    found.sort(key=lambda each: (-each.position, each.kind, each.identity))
    return found[:limit]


def _beliefs_since(connection: Connection, since: int, limit: int, model: str | None) -> Iterator[Learned]:
    for row in connection.execute(_revised(model, since).limit(limit)):
        new = row.position == row.first_position
        change = "new" if new else f"{row.status}: {row.reason}"
        yield Learned(row.position, "belief", row.belief_id, change, row.statement, row.status, row.credence)


def _claims_since(connection: Connection, since: int, limit: int, model: str | None) -> Iterator[Learned]:
    claims = (
        ("theory", theories, theories.c.theory_id, theories.c.hypothesis),
        ("fact", architectural_facts, architectural_facts.c.fact_id, architectural_facts.c.relation),
    )
    for kind, table, identity, said in claims:
        first = table.c.first_position
        ended = table.c.to_position if kind == "fact" else table.c.status
        found = _of(select(first, identity, said, ended).where(first > since), table, model)
        for position, name, words, end in connection.execute(found.order_by(first.desc(), identity).limit(limit)):
            status = end if kind == "theory" else "active" if end is None else "retracted"
            yield Learned(position, kind, name, "new", words, status, None)


def position_before(database: Database, hours: float, now: datetime) -> int:
    """Give the last position recorded more than so many hours before now: by halving, as appends are in order."""
    moment = to_microseconds(now - timedelta(hours=hours))
    columns = appends.c
    with database.reading() as connection:
        low, high = 0, read_head(connection).append_id
        position = 0
        while low <= high:
            middle = (low + high) // 2
            at = select(columns.recorded_at, columns.last_position, columns.append_id).where(
                columns.append_id >= middle
            )
            row = connection.execute(at.order_by(columns.append_id).limit(1)).one_or_none()
            if row is None or row.recorded_at >= moment:
                high = middle - 1
            else:
                low, position = row.append_id + 1, row.last_position
    return position
