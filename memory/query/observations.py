"""Observations by what is asked of them, newest first, in the same time at any length of the record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import ColumnElement, Connection, Select, exists, func, literal_column, select, tuple_, union_all

from memory.errors import UnknownObservation
from memory.events.observations import ObservationType
from memory.projections.finding_tables import (
    IMPORTANT,
    event_counts,
    observation_counts,
    observation_tags,
    search_entries,
)
from memory.projections.observations import LONGEST_TAG
from memory.projections.tables import observations
from memory.query.narrowing import aside, step_by_step, walked
from memory.query.search import has_words, newest
from memory.query.search_terms import Terms
from memory.store.engine import Database
from memory.store.reading import LAST

OBSERVATION_TYPES = tuple(ObservationType)
_COUNTED = 500
"""Rows of a tag that are counted to see which of several is the rarest."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked of observations; what is None or empty is not asked."""

    obs_type: str | None = None
    category: str | None = None
    tags: tuple[str, ...] = ()
    tags_match: Literal["all", "any"] = "all"
    min_importance: float = 0.0
    start_time: str | None = None
    """UTC ISO text, as in the tables."""
    end_time: str | None = None
    terms: Terms | None = None
    include_obsolete: bool = False
    model: str | None = None
    before: int | None = None
    """Only what comes after this observation in the answer."""
    limit: int = 100
    offset: int = 0

    @property
    def by_time(self) -> bool:
        """Whether the answer is in order of when things happened, and not of when they were recorded."""
        return self.start_time is not None or self.end_time is not None


_COLUMNS = observations.c


def query_observations(database: Database, wanted: Wanted) -> list[Any]:
    """Give the observations that are all of what is asked, newest first."""
    with database.reading() as connection:
        step_by_step(connection, along_an_index=wanted.terms is None)
        return list(connection.execute(statement(connection, wanted)))


def statement(connection: Connection, wanted: Wanted) -> Select[Any]:
    """Give the query that answers."""
    tags = tuple(dict.fromkeys(tag[:LONGEST_TAG] for tag in wanted.tags))
    if tags and wanted.tags_match == "any" and len(tags) > 1:
        return _any_of(connection, wanted, tags)
    question = _Question(connection, wanted, select(observations))
    if tags:
        question.tagged(_rarest(connection, tags))
    return question.finished().limit(wanted.limit).offset(wanted.offset)


def _any_of(connection: Connection, wanted: Wanted, tags: Sequence[str]) -> Select[Any]:
    """Ask of each tag as many as are wanted in all, each in order of an index, and put them together."""
    key = (_COLUMNS.occurred_at, _COLUMNS.position) if wanted.by_time else (_COLUMNS.position,)
    branches = []
    for tag in tags:
        question = _Question(connection, wanted, select(*key))
        question.tagged([tag])
        branches.append(select(question.finished().limit(wanted.limit + wanted.offset).subquery()))
    rows = {tuple(row) for row in connection.execute(union_all(*branches))}
    # Cut to the page here: no engine takes as many parameters as all tags together may have observations.
    page = sorted(rows, reverse=True)[wanted.offset : wanted.offset + wanted.limit]
    found = select(observations).where(_COLUMNS.position.in_([row[-1] for row in page]))
    return found.order_by(*_order(wanted))


def _order(wanted: Wanted) -> tuple[ColumnElement[Any], ...]:
    newest = _COLUMNS.position.desc()
    return (_COLUMNS.occurred_at.desc(), newest) if wanted.by_time else (newest,)


class _Question:
    """A question that is narrowed bit by bit, so that one index leads through it."""

    def __init__(self, connection: Connection, wanted: Wanted, query: Select[Any]) -> None:
        self.connection = connection
        self.wanted = wanted
        self.query = query
        self.led = False
        """Whether it is settled which index leads."""
        self.order = _order(wanted)

    def tagged(self, tags: Sequence[str]) -> None:
        """Ask for all of some tags, the first of which leads."""
        first, *others = tags
        one = observation_tags.alias("first_tag")
        self._lead(one.c.tag, first, one.c.position)
        self.where(one.c.position == _COLUMNS.position)
        for number, tag in enumerate(others):
            other = observation_tags.alias(f"tag_{number}")
            self.where(exists().where(other.c.tag == tag, other.c.position == one.c.position))

    def where(self, *conditions: ColumnElement[bool]) -> None:
        """Narrow it."""
        self.query = self.query.where(*conditions)

    def finished(self) -> Select[Any]:
        """Give it with all that is asked, in order."""
        wanted = self.wanted
        if wanted.terms is not None:
            self._worded(wanted.terms)
        if wanted.by_time:
            self._timed()
        if wanted.min_importance > 0:
            self._important()
        for column, value in (
            (_COLUMNS.category, wanted.category),
            (_COLUMNS.obs_type, wanted.obs_type),
            (_COLUMNS.model, wanted.model),
        ):
            if value is not None:
                self._lead(column, value, _COLUMNS.position)
        if not wanted.include_obsolete:
            self.where(_COLUMNS.status != "obsolete")
        if wanted.before is not None:
            self._below(wanted.before)
        return self.query.order_by(*self.order)

    def _lead(self, column: ColumnElement[Any], value: str, position: ColumnElement[int]) -> None:
        """Ask for a value, by the index of it if none leads yet."""
        if self.led:
            self.where(aside(self.connection, column) == value)
            return
        self.led = True
        if self.wanted.by_time:
            self.where(column == value)
            return
        conditions, self.order = walked(self.connection, column, value, position, self.wanted.before)
        self.where(*conditions)

    def _worded(self, terms: Terms) -> None:
        conditions = has_words(self.connection, terms, "observation")
        self.where(*conditions, search_entries.c.position == _COLUMNS.position)
        if not self.led:
            self.led = True
            if not self.wanted.by_time:
                self.order = (newest(self.connection),)

    def _timed(self) -> None:
        happened = aside(self.connection, _COLUMNS.occurred_at) if self.led else _COLUMNS.occurred_at
        if self.wanted.start_time is not None:
            self.where(happened >= self.wanted.start_time)
        if self.wanted.end_time is not None:
            self.where(happened <= self.wanted.end_time)
        self.led = True

    def _important(self) -> None:
        least = self.wanted.min_importance
        narrow = self.wanted.obs_type is None and self.wanted.category is None
        if not self.led and narrow and least >= IMPORTANT:
            # Written out, because only then can the engines tell that the index of the important ones will do.
            self.where(_COLUMNS.importance >= literal_column(str(IMPORTANT)))
            self.led = True
        self.where(_COLUMNS.importance >= least)

    def _below(self, before: int) -> None:
        if not self.wanted.by_time:
            self.where(_COLUMNS.position < before)
            return
        other = observations.alias("before")
        when = select(other.c.occurred_at).where(other.c.position == before).scalar_subquery()
        self.where(tuple_(_COLUMNS.occurred_at, _COLUMNS.position) < tuple_(when, before))


def _rarest(connection: Connection, tags: Sequence[str]) -> list[str]:
    """Give tags with the rarest first, as far as it pays to look."""
    if len(tags) == 1:
        return list(tags)
    counts = [
        select(func.count())
        .select_from(select(observation_tags.c.tag).where(observation_tags.c.tag == tag).limit(_COUNTED).subquery())
        .scalar_subquery()
        for tag in tags
    ]
    found = connection.execute(select(*counts)).one()
    return [tag for _, tag in sorted(zip(found, tags, strict=True))]


def observation_at(database: Database, position: int) -> Any:
    """Give the observation at a position, whatever became of it.

    Raises:
        UnknownObservation: There is none.
    """
    row = None
    if isinstance(position, int) and not isinstance(position, bool):
        with database.reading() as connection:
            at = _COLUMNS.position == min(position, LAST)
            row = connection.execute(select(observations).where(at)).one_or_none()
    if row is None:
        raise UnknownObservation(position)
    return row


def observation_statistics(database: Database, model: str | None) -> dict[str, Any]:
    """Give how many observations there are, by type, category and status; nobody counts them for that."""
    counts = observation_counts.c
    kinds = select(counts.obs_type, counts.category, counts.status, counts.number).where(counts.number > 0)
    events = select(func.min(event_counts.c.first_position), func.max(event_counts.c.last_position)).where(
        event_counts.c.event_type == "observation"
    )
    if model is not None:
        kinds = kinds.where(counts.model == model)
        events = events.where(event_counts.c.model == model)
    by: dict[str, dict[str, int]] = {"by_type": {}, "by_category": {}, "by_status": {}}
    with database.reading() as connection:
        for row in connection.execute(kinds.order_by(counts.obs_type, counts.category, counts.status)):
            for name, key in (("by_type", row.obs_type), ("by_category", row.category), ("by_status", row.status)):
                by[name][key] = by[name].get(key, 0) + row.number
        first, last = connection.execute(events).one()
    return {"total": sum(by["by_status"].values()), **by, "first_position": first, "last_position": last}
