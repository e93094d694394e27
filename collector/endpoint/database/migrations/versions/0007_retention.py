"""Incidents that have lost bundles, and were not counted anew yet."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    key = sa.ForeignKey("incidents.number", ondelete="CASCADE", name="fk_unsettled_incident_incidents")
    op.create_table("unsettled", sa.Column("incident", number, key, primary_key=True))
