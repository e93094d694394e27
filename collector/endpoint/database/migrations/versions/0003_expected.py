"""Which instances a scale set should have, and what a person has seen."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "lists",
        sa.Column("scale_set", _NUMBER, sa.ForeignKey("scale_sets.number", ondelete="CASCADE"), primary_key=True),
        sa.Column("listed", sa.BigInteger, nullable=False),
        sa.Column("by", sa.String(128), nullable=False),
        sa.Column("orchestration", sa.String(8), nullable=False),
        sa.Column("upgrade_policy", sa.String(16)),
    )
    op.create_table(
        "expected",
        sa.Column("scale_set", _NUMBER, sa.ForeignKey("lists.scale_set", ondelete="CASCADE"), primary_key=True),
        sa.Column("instance_id", sa.String(128), primary_key=True),
        sa.Column("name", sa.String(128)),
        sa.Column("computer_name", sa.String(128)),
        sa.Column("zone", sa.String(8)),
        sa.Column("state", sa.String(24)),
        sa.Column("power", sa.String(24)),
        sa.Column("latest_model", sa.Boolean),
        sa.Column("extensions", sa.Text, nullable=False),
    )
    op.create_table(
        "visits",
        sa.Column("person", sa.String(128), primary_key=True),
        sa.Column("before", sa.BigInteger),
        sa.Column("latest", sa.BigInteger, nullable=False),
    )
