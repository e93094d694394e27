"""Tokens of programs and people: made once, kept as hashes, with a scope, an end, and often one scale set."""

from __future__ import annotations

import hashlib
import logging
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from collector.endpoint.access.audit import Act, now, record
from collector.endpoint.access.caller import SCOPES
from collector.endpoint.access.scale_sets import told_scale_set
from collector.endpoint.database.access_tables import SESSIONS, TOKENS
from collector.endpoint.database.engine import Database
from collector.errors import ConfigError

log = logging.getLogger(__name__)

MOST_DAYS = 3_660
DEFAULT_DAYS = 90
#: What a token begins with, so that scanners for secrets know one.
_MARK = "vmext_"
_NAME = re.compile(r"^[\w][\w .@+-]{0,63}$")
#: The last use is kept to this precision, so that using a token writes almost never.
_USE_PRECISION = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Token:
    """What may be told of a token; it is not the secret."""

    id: str
    name: str
    scope: str
    scale_set: str | None
    created: datetime
    created_by: str
    expires: datetime | None
    revoked: datetime | None
    last_used: datetime | None

    def state(self, at: datetime) -> str:
        """good, expired or revoked"""
        if self.revoked is not None:
            return "revoked"
        return "expired" if self.expires is not None and self.expires <= at else "good"


_TOLD = [TOKENS.c[name] for name in Token.__dataclass_fields__]


class Tokens:
    """Every method raises OSError for faults of the database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(
        self, name: str, scope: str, *, scale_set: str | None, days: float, by: str, address: str = ""
    ) -> tuple[Token, str]:
        """The token and its secret, which nobody can tell again. Raises ConfigError."""
        if not _NAME.match(name):
            raise ConfigError(
                "a token's name has 1 to 64 letters, digits, spaces and . @ + -, and begins with a letter or digit"
            )
        if scope not in SCOPES:
            raise ConfigError(f"the scope {scope[:20]!r} is not known", f"Give one of {', '.join(SCOPES)}.")
        if not 0 < days <= MOST_DAYS:
            raise ConfigError(f"a token lasts up to {MOST_DAYS} days", "Give for example 90.")
        if scale_set is not None:
            scale_set = told_scale_set(scale_set)
            if scope == "admin":
                raise ConfigError("an administrator's token is for every scale set", "Leave out the scale set.")
        secret = new_secret()
        at = now()
        row = token_row(secret, name, scope, at, by) | {"scale_set": scale_set, "expires": at + timedelta(days=days)}
        with self._database.writing() as connection:
            live = sa.select(TOKENS.c.id).where(TOKENS.c.name == name, TOKENS.c.revoked.is_(None))
            if connection.execute(live.where(TOKENS.c.expires.is_(None) | (TOKENS.c.expires > at))).first():
                raise ConfigError(f"there is a token {name!r} already", "Give another name, or revoke that one first.")
            connection.execute(sa.insert(TOKENS), row)
            told = f"{scope} for {scale_set or 'every scale set'}, {days:g} day{'' if days == 1 else 's'}"
            record(connection, Act(by, "token-create", name, f"{row['id']}: {told}", address))
            found = connection.execute(sa.select(*_TOLD).where(TOKENS.c.id == row["id"])).one()
        return Token(**found._mapping), secret

    def all(self) -> Sequence[Token]:
        """Newest first."""
        query = sa.select(*_TOLD).order_by(TOKENS.c.created.desc(), TOKENS.c.id)
        with self._database.reading() as connection:
            return [Token(**row._mapping) for row in connection.execute(query)]

    def some(
        self, at: datetime, *, good: bool, text: str = "", skip: int = 0, most: int = 50
    ) -> tuple[Sequence[Token], int]:
        """Of those that are good, or have ended, the newest first; and how many there are in all. `text`: a part of the
        name or the scale set."""
        is_good = TOKENS.c.revoked.is_(None) & (TOKENS.c.expires.is_(None) | (TOKENS.c.expires > at))
        wanted = [is_good if good else sa.not_(is_good)]
        if text:
            wanted.append(sa.or_(*(TOKENS.c[name].icontains(text, autoescape=True) for name in ("name", "scale_set"))))
        query = sa.select(*_TOLD).where(*wanted).order_by(TOKENS.c.created.desc(), TOKENS.c.id)
        counting = sa.select(sa.func.count()).select_from(TOKENS).where(*wanted)
        with self._database.reading() as connection:
            rows = connection.execute(query.offset(skip).limit(most))
            return [Token(**row._mapping) for row in rows], int(connection.execute(counting).scalar_one())

    def revoked(self, token_id: str) -> str | None:
        """The name of the token that has this id and was revoked."""
        query = sa.select(TOKENS.c.name).where(TOKENS.c.id == token_id, TOKENS.c.revoked.is_not(None))
        with self._database.reading() as connection:
            return connection.execute(query).scalar()

    def revoke(self, which: str, *, by: str, address: str = "") -> Token | None:
        """By id or name; ends the sessions that were begun with it, too. None where there is no such good token."""
        with self._database.writing() as connection:
            query = sa.select(*_TOLD).where((TOKENS.c.id == which) | (TOKENS.c.name == which))
            row = connection.execute(query.where(TOKENS.c.revoked.is_(None)).order_by(TOKENS.c.created.desc())).first()
            if row is None:
                return None
            connection.execute(sa.update(TOKENS).where(TOKENS.c.id == row.id).values(revoked=now()))
            connection.execute(sa.delete(SESSIONS).where(SESSIONS.c.origin == f"token {row.id}"))
            record(connection, Act(by, "token-revoke", row.name, row.id, address))
        return Token(**row._mapping)

    def find(self, secret: str) -> Token | None:
        """The good token of this secret."""
        query = sa.select(*_TOLD).where(TOKENS.c.sha256 == hash_of(secret), TOKENS.c.revoked.is_(None))
        at = now()
        with self._database.reading() as connection:
            row = connection.execute(query.where(TOKENS.c.expires.is_(None) | (TOKENS.c.expires > at))).first()
        if row is None:
            return None
        token = Token(**row._mapping)
        if token.last_used is None or at - token.last_used >= _USE_PRECISION:
            self._used(token, at)
        return token

    def _used(self, token: Token, at: datetime) -> None:
        try:
            with self._database.writing() as connection:
                connection.execute(sa.update(TOKENS).where(TOKENS.c.id == token.id).values(last_used=at))
        except OSError as error:  # whoever sends need not wait for this
            log.warning("the use of the token %s could not be kept: %s", token.id, error)


def token_row(secret: str, name: str, scope: str, at: datetime, by: str) -> dict[str, Any]:
    sha256 = hash_of(secret)
    return {"sha256": sha256, "id": sha256[:16], "name": name, "scope": scope, "created": at, "created_by": by}


def new_secret() -> str:
    """256 bits of chance, in letters that need no quoting."""
    return _MARK + secrets.token_urlsafe(32)


def hash_of(secret: str) -> str:
    """SHA-256 in hexadecimal digits: enough for a secret that nobody can guess."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()
