"""A projection that cannot fold an event says so in the table of positions.

Revision: 0003
Revises: 0002
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

POSITION = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column(
        "projections",
        sa.Column(
            "stopped_at",
            POSITION,
            autoincrement=False,
            nullable=True,
            comment="the event it could not fold, and stopped before; null while it goes on",
        ),
    )
    op.add_column("projections", sa.Column("failure", sa.Text(), nullable=True, comment="why it stopped"))


def downgrade() -> None:
    op.drop_column("projections", "failure")
    op.drop_column("projections", "stopped_at")
