"""Work that one process at a time does, whichever host it is on."""

from __future__ import annotations

import os
import secrets
import socket
import time
from datetime import timedelta

import sqlalchemy as sa

from collector.endpoint.access.audit import now
from collector.endpoint.database.access_tables import LEASES
from collector.endpoint.database.engine import Database


class Lease:
    """Held for a span of time, so that a killed holder does not keep it."""

    def __init__(self, database: Database, name: str) -> None:
        self._database, self._name = database, name
        self._asked: float | None = None
        self._holder = f"{socket.gethostname()[:24]} {os.getpid()} {secrets.token_hex(8)}"[:64]

    def take(self, span: timedelta) -> bool:
        """Whether it is this holder's for `span` from now on: it was due, or this one's already. Raises OSError."""
        at = now()
        insert = self._database.insert(LEASES).values(name=self._name, holder=self._holder, due=at + span)
        mine = (LEASES.c.due <= at) | (LEASES.c.holder == self._holder)
        values = {"holder": self._holder, "due": at + span}
        upsert = insert.on_conflict_do_update(index_elements=["name"], set_=values, where=mine)
        with self._database.writing() as connection:
            is_taken = connection.execute(upsert.returning(LEASES.c.name)).first() is not None
        self._asked = time.monotonic() if is_taken else None
        return is_taken

    def keep(self, span: timedelta) -> bool:
        """As `take`, for who asks often: the database is asked when a quarter of `span` is over. Raises OSError."""
        if self._asked is not None and time.monotonic() - self._asked < span.total_seconds() / 4:
            return True
        return self.take(span)

    def leave(self, span: timedelta) -> None:
        """Nobody begins before `span` is over; nothing where another one holds it meanwhile. Raises OSError."""
        self._asked = None
        values = {"holder": "", "due": now() + span}
        mine = (LEASES.c.name == self._name) & (LEASES.c.holder == self._holder)
        with self._database.writing() as connection:
            connection.execute(sa.update(LEASES).where(mine).values(values))
