"""What retention has begun and not ended."""

from __future__ import annotations

import sqlalchemy as sa

from collector.endpoint.database.tables import METADATA

#: Incidents that have lost bundles, and whose counts and times are to be made anew from what is left of them.
UNSETTLED = sa.Table(
    "unsettled",
    METADATA,
    sa.Column("incident", sa.ForeignKey("incidents.number", ondelete="CASCADE"), primary_key=True),
)
