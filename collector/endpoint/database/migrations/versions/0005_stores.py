"""What is known of watched stores, of uploads that are under way, and upload grants."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_MOMENT = sa.BigInteger()


def upgrade() -> None:
    _create_watched()
    op.create_table(
        "uploads",
        sa.Column("sha256", sa.String(64), primary_key=True),
        sa.Column("bundle", sa.String(16), nullable=False),
        sa.Column("bytes", sa.BigInteger, nullable=False),
        sa.Column("offset", sa.BigInteger, nullable=False),
        sa.Column("touched", _MOMENT, nullable=False),
    )
    op.create_index("ix_uploads_touched", "uploads", ["touched"])
    op.create_table(
        "grants",
        sa.Column("sha256", sa.String(64), primary_key=True),
        sa.Column("bundle", sa.String(16), nullable=False),
        sa.Column("bytes", sa.BigInteger, nullable=False),
        sa.Column("expires", _MOMENT, nullable=False),
    )
    op.create_index("ix_grants_expires", "grants", ["expires"])


def _create_watched() -> None:
    op.create_table(
        "watched",
        sa.Column("number", _NUMBER, primary_key=True),
        sa.Column("name", sa.String(1_024), nullable=False),
        sa.Column("holder", sa.String(64), nullable=False, server_default=""),
        sa.Column("held_until", _MOMENT, nullable=False),
        sa.Column("listed", _MOMENT),
        sa.Column("problem", sa.String(300), nullable=False, server_default=""),
        sa.UniqueConstraint("name", name="uq_watched_name"),
    )
    op.create_table(
        "watched_files",
        sa.Column("place", _NUMBER, sa.ForeignKey("watched.number", ondelete="CASCADE"), primary_key=True),
        sa.Column("name", sa.String(1_024), primary_key=True),
        sa.Column("mark", sa.String(120), nullable=False),
        sa.Column("bytes", sa.BigInteger, nullable=False),
        sa.Column("modified", _MOMENT, nullable=False),
        sa.Column("state", sa.String(8), nullable=False),
        sa.Column("problem", sa.String(300), nullable=False, server_default=""),
        sa.Column("sha256", sa.String(64)),
        sa.Column("gone", sa.Boolean, nullable=False),
    )
    op.create_index("ix_watched_files_sha256", "watched_files", ["sha256"])
    op.create_index("ix_watched_files_place", "watched_files", ["place", "state"])
