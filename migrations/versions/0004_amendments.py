"""Rows that a correction or retraction changed say so.

Revision: 0004
Revises: 0003
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

POSITION = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
RETRACTED = ("metrics", "layer_statistics", "modifications")


def upgrade() -> None:
    op.add_column(
        "observations",
        sa.Column(
            "status",
            sa.Text(),
            server_default="active",
            nullable=False,
            comment="active, superseded (corrected: its data is the right one now) or obsolete (retracted)",
        ),
    )
    op.add_column(
        "observations",
        sa.Column(
            "changed_position",
            POSITION,
            autoincrement=False,
            nullable=True,
            comment="the last correction, or the retraction, of it; null while it is active",
        ),
    )
    op.add_column(
        "observations",
        sa.Column("change_reason", sa.Text(), nullable=True, comment="the reason given there; null while it is active"),
    )
    for table in RETRACTED:
        op.add_column(
            table,
            sa.Column(
                "retracted_position",
                POSITION,
                autoincrement=False,
                nullable=True,
                comment="the event that retracted it; null where it stands",
            ),
        )


def downgrade() -> None:
    for table in reversed(RETRACTED):
        op.drop_column(table, "retracted_position")
    op.drop_column("observations", "change_reason")
    op.drop_column("observations", "changed_position")
    op.drop_column("observations", "status")
