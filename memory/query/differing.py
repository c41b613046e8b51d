"""Compares what was known at two positions, row by row, and finds the events between that made the difference."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, Table, func, or_, select

from memory.events.amendments import Correction, Retraction
from memory.projections.knowledge_tables import (
    architectural_facts,
    belief_revisions,
    beliefs,
    evidence,
    patterns,
    predictions,
    theories,
)
from memory.projections.tables import projections
from memory.query.knowledge_diff import Cause, KnowledgeChange, KnowledgeDiff, shown_number
from memory.query.told_events import briefly, events_at, iso
from memory.store.engine import Database
from memory.store.log import EventStore

_CAUSES = 4
"""Events that are told of for each change."""
_AMENDMENTS = 20
"""Amendments that are told of."""


@dataclass(frozen=True, slots=True)
class _Kind:
    name: str
    table: Table
    numbers: tuple[str, ...]
    """The columns that say how strong it is, the first of `measure` first."""
    measure: str
    """The number by which it is stronger or weaker."""


_KINDS = (
    _Kind(
        "belief",
        beliefs,
        ("credence", "strength", "status", "effect", "supports", "contradicts", "statement"),
        "credence",
    ),
    _Kind("theory", theories, ("log_e_value", "predictions", "hits", "brier", "status"), "log_e_value"),
    _Kind(
        "pattern",
        patterns,
        ("log_e_value", "support", "effect", "ci_low", "ci_high", "status", "post_retraction"),
        "log_e_value",
    ),
    _Kind("architectural_fact", architectural_facts, ("to_position", "strength", "support"), "to_position"),
)

_FOLDED = select(func.coalesce(func.max(projections.c.position), 0)).where(projections.c.name == "knowledge")

Rows = Mapping[str, Mapping[str, Mapping[str, Any]]]
"""Kind to identity to row."""


def known_rows(database: Database, model: str | None) -> tuple[int, Rows]:
    """Give everything known, of whatever status, and the position that it is as of."""
    with database.reading() as connection:
        position = connection.execute(_FOLDED).scalar_one()
        return position, {kind.name: _rows(connection, kind.table, model) for kind in _KINDS}


def folded_position(database: Database) -> int:
    """Give the position up to which knowledge is folded."""
    with database.reading() as connection:
        return int(connection.execute(_FOLDED).scalar_one())


def difference(first: int, before: Rows, last: int, after: Rows, store: EventStore) -> KnowledgeDiff:
    """Compare two such answers.

    Args:
        first: The position of the one.
        before: What was known there.
        last: The position of the other, which is not before it.
        after: What was known there.
        store: What holds the events between, and the tables as they were at the later position, or later.
    """
    found = [
        (kind, what, identity, before[kind.name].get(identity), row)
        for kind in _KINDS
        for identity, row in after[kind.name].items()
        if (what := _change(kind, before[kind.name].get(identity), row)) is not None
    ]
    # What an amended past does not hold at all has no row any more.
    found += [
        (kind, "retracted", identity, was, was)
        for kind in _KINDS
        for identity, was in before[kind.name].items()
        if identity not in after[kind.name]
    ]
    with store.database.reading() as connection:
        causes = [list(_causes(connection, kind, identity, row, first, last)) for kind, _, identity, _, row in found]
    amended = list(
        store.read(
            after=first,
            until=last,
            types=(Correction.event_type, Retraction.event_type),
            limit=_AMENDMENTS,
            newest_first=True,
        )
    )
    told = events_at(store.database, {position for each in causes for position, _ in each})
    changes = [
        KnowledgeChange(
            what,
            kind.name,
            identity,
            row["model"],
            _statement(kind, row),
            None if was is None else {name: was[name] for name in kind.numbers},
            {name: row[name] for name in kind.numbers},
            tuple(Cause(position, *told[position], words) for position, words in of_it if position in told),
        )
        for (kind, what, identity, was, row), of_it in zip(found, causes, strict=True)
    ]
    amendments = [
        Cause(each.position, each.event_type, iso(each.occurred_at), each.act_id, briefly(each))
        for each in reversed(amended)
    ]
    return KnowledgeDiff(first, last, tuple(changes), tuple(amendments))


def _rows(connection: Connection, table: Table, model: str | None) -> dict[str, Mapping[str, Any]]:
    key = next(iter(table.primary_key.columns))
    statement = select(table).order_by(key)
    if model is not None:
        statement = statement.where(or_(table.c.model == model, table.c.model == ""))
    return {row._mapping[key.name]: dict(row._mapping) for row in connection.execute(statement)}


def _change(kind: _Kind, was: Mapping[str, Any] | None, row: Mapping[str, Any]) -> str | None:
    """Say what became of something; None where nothing did."""
    if kind.table is architectural_facts:
        return _change_of_fact(was, row)
    status = row["status"]
    if was is None:
        return "retracted" if status == "retracted" else "new"
    if all(was[name] == row[name] for name in kind.numbers):
        return None
    if was["status"] != status:
        return {"retracted": "retracted", "weakened": "weakened"}.get(status, "strengthened")
    if status == "retracted" or was[kind.measure] == row[kind.measure]:
        return "changed"
    return "strengthened" if row[kind.measure] > was[kind.measure] else "weakened"


def _change_of_fact(was: Mapping[str, Any] | None, row: Mapping[str, Any]) -> str | None:
    ended = row["to_position"] is not None
    if was is None:
        return "retracted" if ended else "new"
    if (was["to_position"] is not None) != ended:
        return "retracted" if ended else "strengthened"
    return None if (was["strength"], was["support"]) == (row["strength"], row["support"]) else "changed"


def _statement(kind: _Kind, row: Mapping[str, Any]) -> str:
    if kind.name == "belief":
        return str(row["statement"])
    if kind.name == "theory":
        return str(row["hypothesis"])
    if kind.name == "architectural_fact":
        return str(row["relation"])
    way = {1: "up", -1: "down"}.get(row["direction"], "moves")
    ends = " → ".join(end for end in (row["subject"], row["object"]) if end)
    return f"{row['kind'].replace('_', ' ')}: {ends}, {way} ({row['grade']})"


def _causes(
    connection: Connection, kind: _Kind, identity: str, row: Mapping[str, Any], first: int, last: int
) -> Iterator[tuple[int, str]]:
    """Yield (position, what happened there) of the events between that bore on something, oldest first."""

    def between(statement: Select[Any], position: Any) -> Sequence[Any]:
        found = statement.where(position > first, position <= last).order_by(position.desc()).limit(_CAUSES)
        return connection.execute(found).all()[::-1]

    told: dict[int, str] = {}
    if kind.table is beliefs:
        revised = belief_revisions.c
        rows = between(select(belief_revisions).where(revised.belief_id == identity), revised.position)
        told = {each.position: _revised(each) for each in rows}
    elif kind.table is theories:
        scored = predictions.c
        rows = between(select(predictions).where(scored.theory_id == identity), scored.position)
        told = {each.position: _scored(each) for each in rows}
    elif kind.table is patterns:
        bears = evidence.c
        rows = between(select(evidence).where(bears.pattern_id == identity), bears.position)
        told = {each.position: f"{each.role} it: {each.outcome:+.4g}" for each in rows}
    for position, words in _turns(kind, row):
        if position is not None and first < position <= last:
            told.setdefault(position, words)
    yield from sorted(told.items())


def _turns(kind: _Kind, row: Mapping[str, Any]) -> Iterable[tuple[int | None, str]]:
    """Give the positions at which something began, or was last told of, by its own row."""
    if kind.table is architectural_facts:
        return (row["first_position"], "it holds from here"), (row["to_position"], "it ended here")
    if kind.table is beliefs:
        return ((row["first_position"], "it was formed"),)
    began = "it was first claimed" if kind.table is patterns else "it was first said"
    return (row["first_position"], began), (row["last_position"], "the last event that bore on it")


def _revised(row: Any) -> str:
    return f"{row.reason} (credence {shown_number('credence', row.credence)}, {row.status})"


def _scored(row: Any) -> str:
    came = "came as it says" if row.hit else "a tie" if row.hit is None else "came otherwise"
    outcome = "an outcome that is not finite" if row.outcome is None else f"{row.outcome:+.4g}"
    return f"{outcome}, predicted with probability {row.probability:.3g}: {came}"
