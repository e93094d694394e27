"""The tables of who may do what, and who did. None of them can be made again from the bundles.

No table holds a secret: of tokens and sessions the SHA-256 is kept (they have 256 bits of chance, so that nobody
finds them by trying), of passwords what argon2id makes of them.
"""

from __future__ import annotations

import sqlalchemy as sa

from collector.endpoint.database.tables import METADATA, Moment

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

TOKENS = sa.Table(
    "tokens",
    METADATA,
    sa.Column("sha256", sa.String(64), primary_key=True),
    #: What a token is called where it must not be shown.
    sa.Column("id", sa.String(16), nullable=False, unique=True),
    sa.Column("name", sa.String(64), nullable=False),
    sa.Column("scope", sa.String(8), nullable=False),
    #: `[subscription/]group/name` in small letters; None: every scale set.
    sa.Column("scale_set", sa.String(300)),
    sa.Column("created", Moment, nullable=False),
    sa.Column("created_by", sa.String(128), nullable=False, server_default=""),
    sa.Column("expires", Moment),
    sa.Column("revoked", Moment),
    sa.Column("last_used", Moment),
)

ACCOUNTS = sa.Table(
    "accounts",
    METADATA,
    #: In small letters.
    sa.Column("name", sa.String(64), primary_key=True),
    sa.Column("password", sa.String(200), nullable=False),
    sa.Column("scope", sa.String(8), nullable=False),
    sa.Column("created", Moment, nullable=False),
    sa.Column("created_by", sa.String(128), nullable=False, server_default=""),
    #: Wrong passwords since the last right one, and until when none is looked at.
    sa.Column("failed", sa.Integer, nullable=False, server_default="0"),
    sa.Column("locked_until", Moment),
    sa.Column("last_login", Moment),
)

SESSIONS = sa.Table(
    "sessions",
    METADATA,
    sa.Column("sha256", sa.String(64), primary_key=True),
    #: "account NAME", "token ID" or "openid SUBJECT": with it ends the session.
    sa.Column("origin", sa.String(300), nullable=False),
    sa.Column("name", sa.String(128), nullable=False),
    sa.Column("scope", sa.String(8), nullable=False),
    sa.Column("scale_set", sa.String(300)),
    sa.Column("created", Moment, nullable=False),
    sa.Column("last_seen", Moment, nullable=False),
    sa.Column("expires", Moment, nullable=False),
    sa.Index("ix_sessions_origin", "origin"),
    sa.Index("ix_sessions_expires", "expires"),
)

#: People who are on their way to the OpenID provider and back.
SIGN_INS = sa.Table(
    "sign_ins",
    METADATA,
    #: Of `state`, which the browser and the provider bring back.
    sa.Column("sha256", sa.String(64), primary_key=True),
    sa.Column("nonce", sa.String(64), nullable=False),
    sa.Column("verifier", sa.String(128), nullable=False),
    sa.Column("target", sa.String(2000), nullable=False),
    sa.Column("expires", Moment, nullable=False),
    sa.Index("ix_sign_ins_expires", "expires"),
)

#: Who did what. `object` names a bundle, a token or an account.
AUDIT = sa.Table(
    "audit",
    METADATA,
    sa.Column("number", _NUMBER, primary_key=True),
    sa.Column("time", Moment, nullable=False),
    sa.Column("who", sa.String(128), nullable=False),
    sa.Column("action", sa.String(32), nullable=False),
    sa.Column("object", sa.String(128), nullable=False, server_default=""),
    sa.Column("detail", sa.String(300), nullable=False, server_default=""),
    sa.Column("address", sa.String(64), nullable=False, server_default=""),
    sa.Index("ix_audit_time", "time"),
    sa.Index("ix_audit_object", "object"),
)

#: Work that one process at a time does, whichever host it is on: nobody begins it before `due`.
LEASES = sa.Table(
    "leases",
    METADATA,
    sa.Column("name", sa.String(32), primary_key=True),
    sa.Column("holder", sa.String(64), nullable=False),
    sa.Column("due", Moment, nullable=False),
)

#: What every process must know and nobody else.
KEYS = sa.Table(
    "keys",
    METADATA,
    sa.Column("name", sa.String(32), primary_key=True),
    sa.Column("value", sa.String(64), nullable=False),
    sa.Column("created", Moment, nullable=False),
)
