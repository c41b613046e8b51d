"""Views for the common questions; landmarks, and the indexes these views need.

Every view has the same columns, types and rows on both engines: truth values are 0 and 1, lists are text. Nothing is
grouped: each view walks one table in order of its key and looks the rest up, so that a LIMIT costs what it gives.

Revision: 0007
Revises: 0006
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

FOLDER = Path(__file__).parents[1] / "views" / revision
"""The views, frozen: a file each, which says in remarks what the view and its columns mean, then its query."""
POSITION = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
REVERTS = sa.text("reverts IS NOT NULL")
COUPLED = sa.text("event_type = 'coupled_modification'")


def upgrade() -> None:
    op.create_table(
        "landmarks",
        sa.Column("position", POSITION, autoincrement=False, nullable=False, comment="the event"),
        sa.Column("event_type", sa.Text(), nullable=False, comment="what kind of event it is"),
        sa.Column("model", sa.Text(), nullable=True, comment="the model its stream belongs to, if any"),
        sa.Column("act_id", sa.Text(), nullable=True, comment="the act it is part of, if any"),
        sa.Column("occurred_at", sa.Text(), nullable=False, comment="when it happened, UTC ISO text with microseconds"),
        sa.PrimaryKeyConstraint("position", name=op.f("pk_landmarks")),
        comment="Where the events are that are few: all but writes, evaluations, readings and observations.",
    )
    op.create_index("ix_landmarks_event_type_position", "landmarks", ["event_type", "position"], unique=False)
    op.drop_index("ix_modifications_act_id", table_name="modifications")
    op.create_index("ix_modifications_act_id_position", "modifications", ["act_id", "position"], unique=False)
    op.create_index(
        "ix_modifications_reverts", "modifications", ["reverts"], unique=False,
        sqlite_where=REVERTS, postgresql_where=REVERTS,
    )  # fmt: skip
    op.create_index(
        "ix_modifications_coupled", "modifications", ["position"], unique=False,
        sqlite_where=COUPLED, postgresql_where=COUPLED,
    )  # fmt: skip
    op.drop_index("ix_metrics_act_id", table_name="metrics")
    op.create_index("ix_metrics_act_id_metric_position", "metrics", ["act_id", "metric", "position"], unique=False)
    op.create_index("ix_predictions_position", "predictions", ["position"], unique=False)
    op.create_index("ix_belief_revisions_position", "belief_revisions", ["position"], unique=False)
    sqlite = op.get_context().dialect.name == "sqlite"
    for view in frozen():
        op.execute(f"CREATE VIEW {view.name} AS\n{_in_dialect(view.query, sqlite)}")
        if not sqlite:
            op.execute(f"COMMENT ON VIEW {view.name} IS '{_escaped(view.comment)}'")
            for column, comment in view.columns.items():
                op.execute(f"COMMENT ON COLUMN {view.name}.{column} IS '{_escaped(comment)}'")


def downgrade() -> None:
    # An upgrade made again must fold the log into the new table from its beginning.
    op.execute("DELETE FROM projections WHERE name = 'landmarks'")
    for view in reversed(frozen()):
        op.execute(f"DROP VIEW {view.name}")
    op.drop_index("ix_belief_revisions_position", table_name="belief_revisions")
    op.drop_index("ix_predictions_position", table_name="predictions")
    op.drop_index("ix_metrics_act_id_metric_position", table_name="metrics")
    op.create_index("ix_metrics_act_id", "metrics", ["act_id"], unique=False)
    op.drop_index("ix_modifications_coupled", table_name="modifications")
    op.drop_index("ix_modifications_reverts", table_name="modifications")
    op.drop_index("ix_modifications_act_id_position", table_name="modifications")
    op.create_index("ix_modifications_act_id", "modifications", ["act_id"], unique=False)
    op.drop_index("ix_landmarks_event_type_position", table_name="landmarks")
    op.drop_table("landmarks")


class View(NamedTuple):
    """One view as its file says."""

    name: str
    comment: str
    columns: dict[str, str]
    query: str


def frozen() -> list[View]:
    """Read the views, in the order in which they build on each other."""
    views = []
    for file in sorted(FOLDER.glob("*.sql")):
        lines = file.read_text(encoding="utf-8").splitlines()
        remarks = [line.removeprefix("-- ") for line in lines if line.startswith("-- ")]
        columns = dict(remark.split(": ", 1) for remark in remarks[1:])
        query = "\n".join(line for line in lines if not line.startswith("-- "))
        views.append(View(file.stem.split("_", 1)[1], remarks[0], columns, query))
    return views


def _escaped(words: str) -> str:
    """Give a comment as SQL: a colon would be a parameter."""
    return words.replace("'", "''").replace(":", "\\:")


def _in_dialect(query: str, sqlite: bool) -> str:
    """Write what the engines call differently as the one or the other does."""
    for word, (on_sqlite, on_postgresql) in DIALECT.items():
        query = query.replace(word, on_sqlite if sqlite else on_postgresql)
    return query


# What the files say, and how each engine does: lists in an order that no locale changes.
DIALECT = {
    "{names of}": (
        "(SELECT group_concat(name, ', ') FROM (SELECT name FROM",
        "(SELECT string_agg(name, ', ' ORDER BY name COLLATE \"C\") FROM (SELECT name FROM",
    ),
    "{layers of}": (
        "(SELECT group_concat(layer_name, ', ') FROM (SELECT layer_name FROM",
        "(SELECT string_agg(layer_name, ', ' ORDER BY layer_name COLLATE \"C\") FROM (SELECT layer_name FROM",
    ),
    "{in order of name})": ("ORDER BY name))", ") AS these)"),
    "{in order of layer})": ("ORDER BY layer_name))", ") AS these)"),
    "{items of}": (
        "(SELECT group_concat(item.value, ', ') FROM json_each",
        "(SELECT string_agg(item.value, ', ' ORDER BY item.place) FROM jsonb_array_elements_text",
    ),
    "{items})": (" AS item)", " WITH ORDINALITY AS item (value, place))"),
    "{composed of}": (
        "(SELECT part.value FROM json_each(theories.composed_of) AS part)",
        "(SELECT part.value FROM jsonb_array_elements_text(theories.composed_of) AS part (value))",
    ),
    "{length of}": ("json_array_length", "jsonb_array_length"),
}
