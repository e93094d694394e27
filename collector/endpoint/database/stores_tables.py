"""The tables of watched stores, and of uploads that are under way. They speak of what lies in stores."""

from __future__ import annotations

import sqlalchemy as sa

from collector.endpoint.database.tables import METADATA, NUMBER, Moment

#: Places that are watched for bundles which instances put there themselves.
WATCHED = sa.Table(
    "watched",
    METADATA,
    sa.Column("number", NUMBER, primary_key=True),
    #: its address without a signature
    sa.Column("name", sa.String(1_024), nullable=False, unique=True),
    #: who watches it now, and until when that holds: one of many processes, which another replaces when it dies
    sa.Column("holder", sa.String(64), nullable=False, server_default=""),
    sa.Column("held_until", Moment, nullable=False),
    #: when it was last gone through from end to end; None: never
    sa.Column("listed", Moment),
    #: why it can't be listed now
    sa.Column("problem", sa.String(300), nullable=False, server_default=""),
)

#: What lies in them. A file whose mark is known is not opened again.
WATCHED_FILES = sa.Table(
    "watched_files",
    METADATA,
    sa.Column("place", sa.ForeignKey("watched.number", ondelete="CASCADE"), primary_key=True),
    sa.Column("name", sa.String(1_024), primary_key=True),
    sa.Column("mark", sa.String(120), nullable=False),
    sa.Column("bytes", sa.BigInteger, nullable=False),
    sa.Column("modified", Moment, nullable=False),
    #: bundle; other: no bundle by its first bytes; problem: damaged, foreign or too large (`problem` says what)
    sa.Column("state", sa.String(8), nullable=False),
    sa.Column("problem", sa.String(300), nullable=False, server_default=""),
    #: of a bundle
    sa.Column("sha256", sa.String(64)),
    #: whether it was there when its place was last gone through
    sa.Column("gone", sa.Boolean, nullable=False),
    sa.Index("ix_watched_files_sha256", "sha256"),
    sa.Index("ix_watched_files_place", "place", "state"),
)

#: Bundles that arrive in blocks. The blocks themselves lie in the store.
UPLOADS = sa.Table(
    "uploads",
    METADATA,
    sa.Column("sha256", sa.String(64), primary_key=True),
    sa.Column("bundle", sa.String(16), nullable=False),
    sa.Column("bytes", sa.BigInteger, nullable=False),
    #: how many of them are here
    sa.Column("offset", sa.BigInteger, nullable=False),
    sa.Column("touched", Moment, nullable=False),
    sa.Index("ix_uploads_touched", "touched"),
)

#: Leave that was given to put a bundle into the store without us.
GRANTS = sa.Table(
    "grants",
    METADATA,
    sa.Column("sha256", sa.String(64), primary_key=True),
    sa.Column("bundle", sa.String(16), nullable=False),
    sa.Column("bytes", sa.BigInteger, nullable=False),
    sa.Column("expires", Moment, nullable=False),
    sa.Index("ix_grants_expires", "expires"),
)
