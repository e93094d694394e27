"""Bundles whose findings are to go out: a table, so that no kill and no fault of the backend loses one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta, timezone

import sqlalchemy as sa

from collector.endpoint.database.engine import Database
from collector.endpoint.database.exports_tables import EXPORTS

#: A claim that nobody ended is given to another exporter after this many seconds: longer than a request may take.
CLAIM_SECONDS = 120
#: More do not wait: a backend that is gone for good must not fill the disk. The oldest go first.
MOST_WAITING = 100_000


def add(connection: sa.Connection, bundles: Sequence[str]) -> None:
    """In the transaction that indexes them."""
    if bundles:
        now = datetime.now(timezone.utc)
        connection.execute(sa.insert(EXPORTS), [{"bundle": bundle, "due": now} for bundle in sorted(bundles)])


class Outbox:
    """Every method raises OSError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def claim(self, most: int) -> list[str]:
        """Up to `most` bundles, for this caller alone for `CLAIM_SECONDS`."""
        now = datetime.now(timezone.utc)
        due = sa.select(EXPORTS.c.bundle).where(EXPORTS.c.due <= now).order_by(EXPORTS.c.due).limit(most)
        with self._database.reading() as connection:  # whoever has nothing to do keeps no writer waiting
            if connection.execute(due.limit(1)).first() is None:
                return []
        if self._database.is_postgresql:
            due = due.with_for_update(skip_locked=True)
        claim = sa.update(EXPORTS).where(EXPORTS.c.bundle.in_(due)).values(due=now + timedelta(seconds=CLAIM_SECONDS))
        with self._database.writing() as connection:
            return sorted(connection.execute(claim.returning(EXPORTS.c.bundle)).scalars())

    def done(self, bundles: Sequence[str]) -> None:
        """Forgets bundles that the backend has, or has refused for good. Raises OSError."""
        with self._database.writing() as connection:
            connection.execute(sa.delete(EXPORTS).where(EXPORTS.c.bundle.in_(bundles)))

    def later(self, bundles: Sequence[str], seconds: float) -> None:
        """They may be claimed again after so many seconds, by any process. Raises OSError."""
        due = datetime.now(timezone.utc) + timedelta(seconds=seconds)
        with self._database.writing() as connection:
            connection.execute(sa.update(EXPORTS).where(EXPORTS.c.bundle.in_(bundles)).values(due=due))

    def waiting(self) -> int:
        """How many bundles are not sent yet. Raises OSError."""
        with self._database.reading() as connection:
            return int(connection.execute(sa.select(sa.func.count()).select_from(EXPORTS)).scalar_one())

    def trim(self, most: int = MOST_WAITING) -> int:
        """Gives up the oldest beyond `most`; tells how many."""
        beyond = self.waiting() - most
        if beyond <= 0:
            return 0
        oldest = sa.select(EXPORTS.c.bundle).order_by(EXPORTS.c.due).limit(beyond)
        with self._database.writing() as connection:
            return connection.execute(sa.delete(EXPORTS).where(EXPORTS.c.bundle.in_(oldest))).rowcount
