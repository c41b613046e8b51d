"""Full-text search, and indexes for questions with a limit.

Revision: 0008
Revises: 0007
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

POSITION = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
WORDS = sa.Text().with_variant(postgresql.TSVECTOR(), "postgresql")
IMPORTANT = sa.text("importance >= 0.8")

# The index holds no text of its own: what was indexed is told again when it goes.
SQLITE_SEARCH = (
    "CREATE VIRTUAL TABLE search_index USING fts5(words, content='search_entries', content_rowid='position', "
    "columnsize=0, tokenize=\"ascii tokenchars '\\:'\")",
    "CREATE TRIGGER search_entries_insert AFTER INSERT ON search_entries BEGIN "
    "INSERT INTO search_index (rowid, words) VALUES (NEW.position, NEW.words); END",
    "CREATE TRIGGER search_entries_update AFTER UPDATE OF position, words ON search_entries BEGIN "
    "INSERT INTO search_index (search_index, rowid, words) VALUES ('delete', OLD.position, OLD.words); "
    "INSERT INTO search_index (rowid, words) VALUES (NEW.position, NEW.words); END",
    "CREATE TRIGGER search_entries_delete AFTER DELETE ON search_entries BEGIN "
    "INSERT INTO search_index (search_index, rowid, words) VALUES ('delete', OLD.position, OLD.words); END",
)


def upgrade() -> None:
    op.create_table(
        "observation_tags",
        sa.Column("tag", sa.Text(), nullable=False, comment="one of its tags"),
        sa.Column("position", POSITION, autoincrement=False, nullable=False, comment="the observation"),
        sa.PrimaryKeyConstraint("tag", "position", name=op.f("pk_observation_tags")),
        comment="Every tag of every observation: one row per tag.",
        sqlite_with_rowid=False,
    )
    op.create_table(
        "observation_counts",
        sa.Column(
            "model", sa.Text(), nullable=False, comment="the model's name in this record; empty: of none in particular"
        ),
        sa.Column(
            "obs_type", sa.Text(), nullable=False, comment="modification, performance, safety_event, introspection, ..."
        ),
        sa.Column("category", sa.Text(), nullable=False, comment="the writer's own category"),
        sa.Column("status", sa.Text(), nullable=False, comment="active, superseded or obsolete"),
        sa.Column("number", sa.BigInteger(), nullable=False, comment="how many observations"),
        sa.PrimaryKeyConstraint("model", "obs_type", "category", "status", name=op.f("pk_observation_counts")),
        comment="How many observations there are of each kind; what was corrected or retracted counts as what it is now.",
    )
    op.create_table(
        "event_counts",
        sa.Column("model", sa.Text(), nullable=False, comment="the model its stream belongs to; empty: none"),
        sa.Column("event_type", sa.Text(), nullable=False, comment="what kind of event it is"),
        sa.Column("number", sa.BigInteger(), nullable=False, comment="how many events"),
        sa.Column("first_position", POSITION, autoincrement=False, nullable=False, comment="the first of them"),
        sa.Column("last_position", POSITION, autoincrement=False, nullable=False, comment="the last of them"),
        sa.Column(
            "last_occurred_at",
            sa.Text(),
            nullable=False,
            comment="the last of them: when it happened, UTC ISO text with microseconds",
        ),
        sa.PrimaryKeyConstraint("model", "event_type", name=op.f("pk_event_counts")),
        comment="How many events there are of each kind, of each model.",
    )
    op.create_table(
        "search_entries",
        sa.Column("position", POSITION, autoincrement=False, nullable=False, comment="the event"),
        sa.Column("kind", sa.Text(), nullable=False, comment="observation, modification, alert, checkpoint or aborted"),
        sa.Column("model", sa.Text(), nullable=True, comment="the model's name in this record"),
        sa.Column("retracted", sa.Boolean(), nullable=False, comment="whether it was retracted"),
        sa.Column(
            "words",
            WORDS,
            nullable=False,
            comment="its words, in order, as the full-text index of the engine takes them",
        ),
        sa.PrimaryKeyConstraint("position", name=op.f("pk_search_entries")),
        comment="What events say in words, for full-text search.",
    )
    if op.get_context().dialect.name == "sqlite":
        for statement in SQLITE_SEARCH:
            op.execute(statement)
    else:
        # What is not sorted in yet is looked through by every search: as little of it as costs writers nothing.
        op.execute("CREATE INDEX search_index ON search_entries USING gin (words) WITH (gin_pending_list_limit = 256)")
    op.create_index("ix_observations_category", "observations", ["category", "position"], unique=False)
    op.create_index("ix_observations_model", "observations", ["model", "position"], unique=False)
    op.create_index("ix_observations_occurred_at", "observations", ["occurred_at", "position"], unique=False)
    op.create_index(
        "ix_observations_important",
        "observations",
        ["position"],
        unique=False,
        sqlite_where=IMPORTANT,
        postgresql_where=IMPORTANT,
    )
    op.create_index("ix_modifications_method", "modifications", ["method", "position"], unique=False)
    op.create_index("ix_modifications_model", "modifications", ["model", "position"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_modifications_model", table_name="modifications")
    op.drop_index("ix_modifications_method", table_name="modifications")
    for name in ("important", "occurred_at", "model", "category"):
        op.drop_index(f"ix_observations_{name}", table_name="observations")
    if op.get_context().dialect.name == "sqlite":
        op.execute("DROP TABLE search_index")
    for table in ("search_entries", "event_counts", "observation_counts", "observation_tags"):
        op.drop_table(table)
    # Whoever upgrades again begins with empty tables: nothing may say that they are filled.
    op.execute("DELETE FROM projections WHERE name IN ('search', 'counts')")
    op.execute("UPDATE projections SET version = 3 WHERE name = 'observations' AND version > 3")
