"""What may be ranked: events and claims that have the words looked for, with the texts in which they have them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, func, or_, select

from memory.projections.knowledge_tables import architectural_facts, beliefs, patterns, theories
from memory.projections.tables import modifications, observations
from memory.projections.weight_tables import checkpoints, safety_alerts
from memory.projections.words import texts_in
from memory.query.search_ranking import Field, has_all
from memory.query.search_terms import Terms
from memory.store.engine import Database
from memory.store.reading import event_at

CANDIDATES = 200
"""Matches of each kind that are ranked: the newest events, and the firmest claims."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """Something that has the words looked for."""

    kind: str
    identity: str
    position: int
    model: str | None
    status: str
    occurred_at: str | None
    fields: list[Field]


def _rows(connection: Connection, source: Table, positions: Sequence[int]) -> Iterator[Any]:
    yield from connection.execute(select(source).where(source.c.position.in_(positions)))


def _observations(connection: Connection, kind: str, positions: Sequence[int]) -> Iterator[Candidate]:
    for row in _rows(connection, observations, positions):
        fields = [
            Field(3.0, row.description or row.category),
            Field(2.5, " ".join([row.category, row.obs_type, *row.tags])),
            Field(1.5, ", ".join(texts_in(row.data))),
        ]
        yield Candidate(kind, str(row.position), row.position, row.model, row.status, row.occurred_at, fields)


def _modifications(connection: Connection, kind: str, positions: Sequence[int]) -> Iterator[Candidate]:
    for row in _rows(connection, modifications, positions):
        fields = [
            Field(3.0, row.description or f"{row.method or 'write'} of {row.primary_layer}"),
            Field(2.5, f"{row.reason or ''}"),
            Field(2.5, f"{row.primary_layer} {row.method or ''}"),
            Field(1.5, ", ".join([*row.tags, *texts_in(row.modification)])),
        ]
        status = "active" if row.retracted_position is None else "retracted"
        yield Candidate(kind, str(row.position), row.position, row.model, status, row.occurred_at, fields)


def _alerts(connection: Connection, kind: str, positions: Sequence[int]) -> Iterator[Candidate]:
    for row in _rows(connection, safety_alerts, positions):
        told = " ".join([row.category, row.rule or "", row.level])
        fields = [Field(3.0, row.message), Field(2.5, told), Field(2.0, ", ".join(row.layers))]
        yield Candidate(kind, str(row.position), row.position, row.model, "active", row.occurred_at, fields)


def _checkpoints(connection: Connection, kind: str, positions: Sequence[int]) -> Iterator[Candidate]:
    for row in _rows(connection, checkpoints, positions):
        fields = [Field(3.0, f"{row.checkpoint_id} {row.description}".strip()), Field(2.5, " ".join(row.tags))]
        status = "active" if row.deleted_position is None else "obsolete"
        yield Candidate(kind, str(row.position), row.position, row.model, status, row.occurred_at, fields)


def aborted(database: Database, positions: Sequence[int]) -> Iterator[Candidate]:
    """Yield aborted edits, which have no table but the log."""
    for position in positions:
        event = event_at(database, position)
        if event is not None:
            said = event.fields
            layer, denied = said["primary_layer"], " ".join(said["denied_by"])
            fields = [
                Field(3.0, f"edit of {layer} aborted: {said['error']}: {said['message']}"),
                Field(2.5, f"{layer} {said['method'] or ''} {denied}"),
            ]
            when = event.occurred_at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
            yield Candidate("aborted", str(position), position, said["model"], "active", when, fields)


EVENTS: Mapping[str, Callable[[Connection, str, Sequence[int]], Iterator[Candidate]]] = {
    "observation": _observations,
    "modification": _modifications,
    "alert": _alerts,
    "checkpoint": _checkpoints,
}


@dataclass(frozen=True, slots=True)
class _Claim:
    """Where claims of a kind are, and what they say: there are few, and their words change with every outcome."""

    table: Table
    texts: tuple[str, ...]
    """Columns that say something, the one that says most first."""
    firmest: str
    """The column by which the firmest come first."""


_CLAIMS = {
    "belief": _Claim(beliefs, ("statement", "belief_type", "subject", "object", "kind"), "credence"),
    "theory": _Claim(theories, ("hypothesis", "theory_type", "source"), "log_e_value"),
    "pattern": _Claim(patterns, ("subject", "object", "kind", "method", "grade"), "log_e_value"),
    "fact": _Claim(architectural_facts, ("relation", "subject", "object", "reason", "kind"), "first_position"),
}


def claims(
    connection: Connection, terms: Terms, kind: str, model: str | None, include_obsolete: bool
) -> Iterator[Candidate]:
    """Yield the claims of a kind that have all the words looked for, firmest first."""
    claim = _CLAIMS[kind]
    columns = claim.table.c
    whole = func.lower(_concatenated([columns[name] for name in claim.texts]))
    statement = select(claim.table)
    for word in {word for term in terms.wanted for word in term.words if word.isascii()}:
        # A word has no sign that LIKE knows; what only looks like one is told apart below.
        statement = statement.where(whole.like(f"%{word}%"))
    if model is not None:
        statement = statement.where(or_(columns.model == model, columns.model == ""))
    if not include_obsolete:
        ended = columns.to_position.is_(None) if kind == "fact" else columns.status != "retracted"
        statement = statement.where(ended)
    key = next(iter(claim.table.primary_key))
    found = 0
    for row in connection.execute(statement.order_by(columns[claim.firmest].desc(), key)):
        candidate = _claimed(kind, claim, key.name, row)
        if has_all(terms, candidate.fields):
            yield candidate
            found += 1
            if found == CANDIDATES:
                return


def _claimed(kind: str, claim: _Claim, key: str, row: Any) -> Candidate:
    texts = [getattr(row, name) or "" for name in claim.texts]
    if kind == "pattern":
        texts[0] = f"{row.kind} of {row.subject} on {row.object}" if row.object else f"{row.kind} of {row.subject}"
        texts[1] = row.method or ""
    fields = [Field(3.0, texts[0]), Field(2.5, " ".join(texts[1:]))]
    if kind == "fact":
        status, position = ("active" if row.to_position is None else "retracted"), row.first_position
    else:
        status, position = row.status, row.last_position or row.first_position
    return Candidate(kind, getattr(row, key), position, row.model or None, status, None, fields)


def _concatenated(columns: Sequence[ColumnElement[Any]]) -> ColumnElement[str]:
    whole: ColumnElement[str] = func.coalesce(columns[0], "")
    for each in columns[1:]:
        whole = whole.concat(" ").concat(func.coalesce(each, ""))
    return whole
