"""Finds out who sends a request; those known a moment ago without a look into the index."""

from __future__ import annotations

import time
from collections.abc import Collection

import sqlalchemy as sa

from collector.endpoint.access.caller import READ, Caller
from collector.endpoint.access.scale_sets import is_of
from collector.endpoint.access.sessions import Sessions, csrf_of
from collector.endpoint.access.tokens import Tokens, hash_of
from collector.endpoint.database.engine import Database
from collector.endpoint.database.tables import SCALE_SETS

#: How long a caller is known without a look: so long does a revoked token go on working in other processes.
KNOWN_SECONDS = 5.0
_MOST_KNOWN = 10_000


class Callers:
    def __init__(self, database: Database, tokens: Tokens, sessions: Sessions) -> None:
        self._database, self._tokens, self._sessions = database, tokens, sessions
        self._known: dict[str, tuple[Caller, float]] = {}

    def known(self, kind: str, secret: str) -> Caller | None:
        """Who was found a moment ago. `kind`: "token" or "session". Never waits."""
        found = self._known.get(kind + hash_of(secret))
        return found[0] if found is not None and found[1] > time.monotonic() else None

    def find(self, kind: str, secret: str) -> Caller | None:
        """Looks into the index. Raises OSError."""
        found = self._by_token(secret) if kind == "token" else self._by_session(secret)
        # a scale set of which nothing has come yet is looked for each time, so that its first bundle is seen at once
        if found is not None and (found.within is None or found.within or not found.may(READ)):
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            self._known[kind + hash_of(secret)] = (found, time.monotonic() + KNOWN_SECONDS)
        return found

    def forget(self) -> None:
        """Somebody may less than before."""
        self._known.clear()

    def _by_token(self, secret: str) -> Caller | None:
        token = self._tokens.find(secret)
        if token is None:
            return None
        return Caller(token.name, frozenset((token.scope,)), self._within(token.scale_set), token.scale_set)

    def _by_session(self, secret: str) -> Caller | None:
        person = self._sessions.find(secret)
        if person is None:
            return None
        within = self._within(person.scale_set)
        return Caller(person.name, frozenset((person.scope,)), within, person.scale_set, csrf_of(secret))

    def _within(self, told: str | None) -> Collection[int] | None:
        """The numbers of the scale sets that a token is for; empty as long as none of them has reported."""
        if told is None:
            return None
        key = SCALE_SETS.c.key
        query = sa.select(SCALE_SETS.c.number, key).where((key == told) | key.endswith(f"/{told}", autoescape=True))
        with self._database.reading() as connection:
            return frozenset(row.number for row in connection.execute(query) if is_of(told, row.key))
