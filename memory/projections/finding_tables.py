"""The tables and indexes by which rows are found: by tag, by word, and by how many there are of a kind.

What they hold follows from the log like every other table. An index is here, and not beside its table, where only
questions with a limit need it: they must not grow with the record.
"""

from __future__ import annotations

from sqlalchemy import Column, Index, Table
from sqlalchemy.dialects.postgresql import TSVECTOR

from memory.projections.columns import MODEL, OCCURRED, count, flag, position, text
from memory.projections.tables import modifications, observations
from memory.store.bulk import SearchWords
from memory.store.tables import INTERNAL, metadata

IMPORTANT = 0.8
"""Observations from this importance on have an index of their own: they are few, and asked for."""

observation_tags = Table(
    "observation_tags",
    metadata,
    text("tag", "one of its tags", key=True),
    position("position", "the observation", key=True),
    comment="Every tag of every observation: one row per tag.",
    sqlite_with_rowid=False,
)

observation_counts = Table(
    "observation_counts",
    metadata,
    text("model", f"{MODEL}; empty: of none in particular", key=True),
    text("obs_type", "modification, performance, safety_event, introspection, ...", key=True),
    text("category", "the writer's own category", key=True),
    text("status", "active, superseded or obsolete", key=True),
    count("number", "how many observations"),
    comment="How many observations there are of each kind; what was corrected or retracted counts as what it is now.",
)

event_counts = Table(
    "event_counts",
    metadata,
    text("model", "the model its stream belongs to; empty: none", key=True),
    text("event_type", "what kind of event it is", key=True),
    count("number", "how many events"),
    position("first_position", "the first of them"),
    position("last_position", "the last of them"),
    text("last_occurred_at", f"the last of them: {OCCURRED}"),
    comment="How many events there are of each kind, of each model.",
)

search_entries = Table(
    "search_entries",
    metadata,
    position("position", "the event", key=True),
    text("kind", "observation, modification, alert, checkpoint or aborted"),
    text("model", MODEL, null=True),
    flag("retracted", "whether it was retracted"),
    # The words are told apart by us, so that both engines find the same.
    Column(
        "words",
        SearchWords().with_variant(TSVECTOR(), "postgresql"),
        nullable=False,
        comment="its words, in order, as the full-text index of the engine takes them",
    ),
    comment="What events say in words, for full-text search.",
    info=INTERNAL,
)

Index("ix_observations_category", observations.c.category, observations.c.position)
Index("ix_observations_model", observations.c.model, observations.c.position)
Index("ix_observations_occurred_at", observations.c.occurred_at, observations.c.position)
_IMPORTANT = observations.c.importance >= IMPORTANT
Index("ix_observations_important", observations.c.position, sqlite_where=_IMPORTANT, postgresql_where=_IMPORTANT)
Index("ix_modifications_method", modifications.c.method, modifications.c.position)
Index("ix_modifications_model", modifications.c.model, modifications.c.position)
