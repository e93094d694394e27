"""Sessions of people's browsers: kept in the index, so that any process knows them and signing out ends them."""

from __future__ import annotations

import hashlib
import hmac
import logging
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from collector.endpoint.access.audit import now
from collector.endpoint.access.tokens import hash_of
from collector.endpoint.database.access_tables import SESSIONS
from collector.endpoint.database.engine import Database

log = logging.getLogger(__name__)

COOKIE = "vmext_session"
#: A session ends when nothing was asked in it for so long, and in any case after `LONGEST`.
IDLE = timedelta(hours=4)
LONGEST = timedelta(hours=12)
_SEEN_PRECISION = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Person:
    """Who signed in. `origin`: "account NAME", "token ID" or "openid SUBJECT"."""

    origin: str
    name: str
    scope: str
    scale_set: str | None = None


class Sessions:
    """Every method raises OSError for faults of the database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(self, connection: sa.Connection, person: Person) -> str:
        """The secret that the cookie holds."""
        secret = secrets.token_urlsafe(32)
        at = now()
        row = {
            "sha256": hash_of(secret),
            "origin": person.origin[:300],
            "name": person.name[:128],
            "scope": person.scope,
            "scale_set": person.scale_set,
            "created": at,
            "last_seen": at,
            "expires": at + LONGEST,
        }
        connection.execute(sa.insert(SESSIONS), row)
        return secret

    def find(self, secret: str) -> Person | None:
        """Whose session has this secret; None where there is none, or it ended. Raises OSError."""
        at = now()
        query = sa.select(SESSIONS).where(
            SESSIONS.c.sha256 == hash_of(secret), SESSIONS.c.expires > at, SESSIONS.c.last_seen > at - IDLE
        )
        with self._database.reading() as connection:
            row = connection.execute(query).first()
        if row is None:
            return None
        if at - row.last_seen >= _SEEN_PRECISION:
            self._seen(row.sha256, at)
        return Person(row.origin, row.name, row.scope, row.scale_set)

    def end(self, secret: str) -> None:
        """Every process forgets it. Raises OSError."""
        with self._database.writing() as connection:
            connection.execute(sa.delete(SESSIONS).where(SESSIONS.c.sha256 == hash_of(secret)))

    def _seen(self, sha256: str, at: datetime) -> None:
        try:
            with self._database.writing() as connection:
                connection.execute(sa.update(SESSIONS).where(SESSIONS.c.sha256 == sha256).values(last_seen=at))
        except OSError as error:
            log.warning("that a session is in use could not be kept: %s", error)


def drop_ended(connection: sa.Connection) -> None:
    """Takes out the sessions that are over."""
    at = now()
    connection.execute(sa.delete(SESSIONS).where((SESSIONS.c.expires <= at) | (SESSIONS.c.last_seen <= at - IDLE)))


def csrf_of(secret: str) -> str:
    """What the forms of a session must send back: other sites can't know it, since it is made from the cookie."""
    return hmac.new(secret.encode(), b"form", hashlib.sha256).hexdigest()
