"""What was kept of weights, checkpoints, safety alerts, and blobs that are rows.

Revision: 0006
Revises: 0005
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

POSITION = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
JSON = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")


def upgrade() -> None:
    op.create_table(
        "blobs",
        sa.Column("digest", sa.Text(), autoincrement=False, nullable=False, comment="blake3 of the whole blob, hex."),
        sa.Column(
            "part",
            sa.Integer(),
            autoincrement=False,
            nullable=False,
            comment="Which piece of it, from 0: big blobs are cut.",
        ),
        sa.Column("content", sa.LargeBinary(), autoincrement=False, nullable=False, comment="The bytes of this piece."),
        sa.PrimaryKeyConstraint("digest", "part", name=op.f("pk_blobs")),
        comment="Blobs that are kept in the database: small ones, and all where there is no folder for them. Not truth: an event says what each is, and pruning is an event too.",
    )
    op.create_table(
        "checkpoints",
        sa.Column("model", sa.Text(), nullable=False, comment="the model's name in this record"),
        sa.Column("checkpoint_id", sa.Text(), nullable=False, comment="its name, and that of its folder"),
        sa.Column(
            "position",
            POSITION,
            autoincrement=False,
            nullable=False,
            comment="the event that saved it: it holds the weights as they were then",
        ),
        sa.Column("description", sa.Text(), nullable=False, comment="what it is, in words"),
        sa.Column("size", sa.BigInteger(), nullable=False, comment="bytes of its files"),
        sa.Column("storages", sa.BigInteger(), nullable=False, comment="how many storages it holds"),
        sa.Column("benchmarks", JSON, nullable=False, comment="what the model scored then"),
        sa.Column("modification_details", JSON, nullable=False, comment="what led to it, as data"),
        sa.Column("tags", JSON, nullable=False, comment="its tags now"),
        sa.Column(
            "automatic",
            sa.Text(),
            nullable=True,
            comment="why it was made where nobody asked for it: modifications or minutes",
        ),
        sa.Column("occurred_at", sa.Text(), nullable=False, comment="when it happened, UTC ISO text with microseconds"),
        sa.Column(
            "deleted_position",
            POSITION,
            autoincrement=False,
            nullable=True,
            comment="the event that let it go; null while it is there",
        ),
        sa.PrimaryKeyConstraint("model", "checkpoint_id", name=op.f("pk_checkpoints")),
        comment="Checkpoints: one row each, those let go too.",
    )
    op.create_index("ix_checkpoints_position", "checkpoints", ["position"], unique=False)
    op.create_table(
        "keyframes",
        sa.Column("storage_id", POSITION, autoincrement=False, nullable=False, comment="the storage"),
        sa.Column("position", POSITION, autoincrement=False, nullable=False, comment="the event that kept it"),
        sa.Column("fingerprint", sa.Text(), nullable=False, comment="digest of the state"),
        sa.Column("model", sa.Text(), nullable=False, comment="the model's name in this record"),
        sa.Column("blob", sa.Text(), nullable=True, comment="blake3 of the blob; null: it is in a checkpoint"),
        sa.Column(
            "checkpoint_id", sa.Text(), nullable=True, comment="the checkpoint that holds it; null: it is in a blob"
        ),
        sa.Column("size", sa.BigInteger(), nullable=False, comment="bytes to read"),
        sa.Column(
            "pruned_position",
            POSITION,
            autoincrement=False,
            nullable=True,
            comment="the event that let it go; null while it is there",
        ),
        sa.PrimaryKeyConstraint("storage_id", "position", "fingerprint", name=op.f("pk_keyframes")),
        comment="States of storages of which all bytes were kept.",
    )
    op.create_index("ix_keyframes_blob", "keyframes", ["blob"], unique=False)
    op.create_table(
        "safety_alerts",
        sa.Column("position", POSITION, autoincrement=False, nullable=False, comment="the alert"),
        sa.Column("model", sa.Text(), nullable=True, comment="the model's name in this record"),
        sa.Column("level", sa.Text(), nullable=False, comment="info, warning, critical or emergency"),
        sa.Column("category", sa.Text(), nullable=False, comment="what kind of thing was seen"),
        sa.Column("message", sa.Text(), nullable=False, comment="what was seen, in words"),
        sa.Column("rule", sa.Text(), nullable=True, comment="the rule that saw it"),
        sa.Column("layers", JSON, nullable=False, comment="the names it is about"),
        sa.Column("details", JSON, nullable=False, comment="what was measured, and the bound it was held against"),
        sa.Column("act_id", sa.Text(), nullable=True, comment="the act it came in"),
        sa.Column("occurred_at", sa.Text(), nullable=False, comment="when it happened, UTC ISO text with microseconds"),
        sa.Column(
            "stops",
            sa.Boolean(),
            nullable=False,
            comment="whether it stops the model: an emergency that nobody cleared yet",
        ),
        sa.Column(
            "cleared_position",
            POSITION,
            autoincrement=False,
            nullable=True,
            comment="the event that ended the emergency; null: none did",
        ),
        sa.PrimaryKeyConstraint("position", name=op.f("pk_safety_alerts")),
        comment="What was seen that may be unsafe: one row per alert.",
    )
    op.create_index("ix_safety_alerts_level", "safety_alerts", ["level", "position"], unique=False)
    op.create_table(
        "weight_deltas",
        sa.Column("storage_id", POSITION, autoincrement=False, nullable=False, comment="the storage"),
        sa.Column("position", POSITION, autoincrement=False, nullable=False, comment="the event that kept it"),
        sa.Column("model", sa.Text(), nullable=False, comment="the model's name in this record"),
        sa.Column("before_fingerprint", sa.Text(), nullable=False, comment="digest of the one state"),
        sa.Column("after_fingerprint", sa.Text(), nullable=False, comment="digest of the other"),
        sa.Column("blob", sa.Text(), nullable=False, comment="blake3 of the blob that holds the difference"),
        sa.Column("size", sa.BigInteger(), nullable=False, comment="bytes of the blob"),
        sa.Column(
            "changed_bytes", sa.BigInteger(), nullable=False, comment="bytes of the storage that using it touches"
        ),
        sa.Column("codec", sa.Text(), nullable=False, comment="rows, sparse or dense"),
        sa.Column(
            "pruned_position",
            POSITION,
            autoincrement=False,
            nullable=True,
            comment="the event that let it go; null while it is there",
        ),
        sa.PrimaryKeyConstraint("storage_id", "position", name=op.f("pk_weight_deltas")),
        comment="How one state of a storage leads to another, back and forth.",
    )
    op.create_index("ix_weight_deltas_blob", "weight_deltas", ["blob"], unique=False)


def downgrade() -> None:
    # An upgrade made again must fold the log into the new tables from its beginning.
    op.execute("DELETE FROM projections WHERE name IN ('weight_history', 'safety')")
    op.drop_index("ix_weight_deltas_blob", table_name="weight_deltas")
    op.drop_table("weight_deltas")
    op.drop_index("ix_safety_alerts_level", table_name="safety_alerts")
    op.drop_table("safety_alerts")
    op.drop_index("ix_keyframes_blob", table_name="keyframes")
    op.drop_table("keyframes")
    op.drop_index("ix_checkpoints_position", table_name="checkpoints")
    op.drop_table("checkpoints")
    op.drop_table("blobs")
