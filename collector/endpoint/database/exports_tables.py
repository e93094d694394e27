"""What waits to go to a log backend."""

from __future__ import annotations

import sqlalchemy as sa

from collector.endpoint.database.tables import METADATA, Moment

#: Indexed bundles whose findings were not taken yet; a claim ends by itself, as that of `queue`.
EXPORTS = sa.Table(
    "exports",
    METADATA,
    sa.Column("bundle", sa.ForeignKey("bundles.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("due", Moment, nullable=False),
    sa.Index("ix_exports_due", "due"),
)
