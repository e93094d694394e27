"""What waits to go to a log backend."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.create_table(
        "exports",
        sa.Column("bundle", sa.String(16), sa.ForeignKey("bundles.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("due", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_exports_due", "exports", ["due"])
