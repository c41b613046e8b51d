"""Full-text search over everything a record says in words, the same on both engines.

The engine's index finds, newest first; what it found is ranked here. However long the record is, no more than the
newest matches of each kind are looked at: a word that is in everything costs no more than one that is nowhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, cast, column, literal_column, select, table
from sqlalchemy.dialects.postgresql import TSQUERY

from memory.errors import InvalidArgument
from memory.projections.finding_tables import search_entries
from memory.projections.search import KINDS as EVENT_KINDS
from memory.query.narrowing import texts
from memory.query.search_candidates import CANDIDATES, EVENTS, Candidate, aborted, claims
from memory.query.search_ranking import score, snippet
from memory.query.search_terms import Terms
from memory.store.engine import Database

CLAIM_KINDS = ("belief", "theory", "pattern", "fact")
KINDS = (*EVENT_KINDS, *CLAIM_KINDS)
"""What can be found."""


@dataclass(frozen=True, slots=True)
class Found:
    """One thing that was found."""

    kind: str
    """observation, modification, alert, checkpoint, aborted, belief, theory, pattern or fact."""
    identity: str
    """Its identity; of an event its position, as text."""
    position: int
    """The event; of a claim where it last changed."""
    model: str | None
    text: str
    """What it says."""
    snippet: str
    """The part that tells what was looked for, the words found in [brackets]."""
    score: float
    """How well it tells it: to be compared within one answer."""
    status: str
    """Of an observation active, superseded (corrected) or obsolete (retracted); of a claim active, weakened or
    retracted; retracted for another event that was."""
    occurred_at: str | None
    """When it happened; None for a claim."""


def search(
    database: Database,
    text: str,
    *,
    limit: int,
    kinds: Sequence[str] | None,
    model: str | None,
    include_obsolete: bool,
) -> list[Found]:
    """Give what says something of what is looked for, best first.

    Raises:
        InvalidArgument: There is no word to look for, or no such kind.
    """
    terms = Terms.of(text)
    wanted = _kinds(kinds)
    found: list[Candidate] = []
    failed: list[int] = []
    with database.reading() as connection:
        for kind in wanted:
            if kind in CLAIM_KINDS:
                found += claims(connection, terms, kind, model, include_obsolete)
                continue
            positions = matches(connection, terms, kind=kind, model=model, include_obsolete=include_obsolete)
            if kind in EVENTS:
                found += EVENTS[kind](connection, kind, positions)
            else:
                failed = positions
    found += aborted(database, failed)
    if not include_obsolete:
        found = [each for each in found if each.status not in ("obsolete", "retracted")]
    ranked = [(score(terms, each.fields), each) for each in found]
    ranked.sort(key=lambda pair: (-pair[0], -pair[1].position, pair[1].kind, pair[1].identity))
    return [
        Found(
            kind=each.kind,
            identity=each.identity,
            position=each.position,
            model=each.model,
            text=each.fields[0].text,
            snippet=snippet(terms, each.fields),
            score=value,
            status=each.status,
            occurred_at=each.occurred_at,
        )
        for value, each in ranked[:limit]
    ]


def _kinds(kinds: Sequence[str] | None) -> tuple[str, ...]:
    if kinds is None:
        return KINDS
    asked = texts("kinds", kinds)
    for kind in asked:
        if kind not in KINDS:
            raise InvalidArgument("kinds", kind, f"each is one of {', '.join(KINDS)}")
    return asked


def matches(
    connection: Connection,
    terms: Terms,
    *,
    kind: str,
    model: str | None = None,
    include_obsolete: bool = False,
    limit: int = CANDIDATES,
) -> list[int]:
    """Give the positions of the newest entries of a kind that have the words looked for, newest first."""
    statement = matching(connection, terms, kind, select(search_entries.c.position))
    if not include_obsolete:
        statement = statement.where(search_entries.c.retracted.is_(False))
    if model is not None:
        statement = statement.where(search_entries.c.model == model)
    return list(connection.execute(statement.limit(limit)).scalars())


_INDEX = table("search_index", column("rowid"))
_MATCHED: ColumnElement[Any] = literal_column("search_index")
"""FTS5 calls the whole of an index by the name of its table."""


def matching(connection: Connection, terms: Terms, kind: str, statement: Select[Any]) -> Select[Any]:
    """Narrow a statement on `search_entries` to those with the words looked for, the newest first."""
    return statement.where(*has_words(connection, terms, kind)).order_by(newest(connection))


def has_words(connection: Connection, terms: Terms, kind: str) -> tuple[ColumnElement[bool], ...]:
    """Give what must hold of a row of `search_entries` that has the words looked for."""
    if connection.dialect.name == "sqlite":
        return (
            _MATCHED.op("MATCH", is_comparison=True)(terms.for_sqlite(kind)),
            search_entries.c.position == _INDEX.c.rowid,
        )
    return (search_entries.c.words.op("@@", is_comparison=True)(cast(terms.for_postgresql(kind), TSQUERY)),)


def newest(connection: Connection) -> ColumnElement[Any]:
    """Give the order in which the index itself gives the newest first."""
    return (_INDEX.c.rowid if connection.dialect.name == "sqlite" else search_entries.c.position).desc()
