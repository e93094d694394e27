"""Bundles that are stored and wait to be indexed: a table, so that no kill and no other host loses or repeats one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta, timezone

import sqlalchemy as sa

from collector.endpoint.database.engine import Database
from collector.endpoint.database.tables import BUNDLES, QUEUE
from collector.endpoint.indexing.holders import dead, holder

#: A claim of another host's process that nobody ended is given to another indexer after this many seconds.
CLAIM_SECONDS = 30
#: A bundle whose indexing was begun this often and never ended is set aside: it may be what ends the indexer.
MOST_TRIES = 5


class Queue:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._holder = holder()

    def claim(self, most: int) -> Sequence[tuple[str, str]]:
        """Up to `most` (id, SHA-256), oldest first, for this caller alone for `CLAIM_SECONDS`.

        One whose indexing did not end before comes alone, so that it takes no other ones with it.
        Raises OSError.
        """
        now = datetime.now(timezone.utc)
        # nothing is put off for longer than a claim: where it seems so, the clock was set back
        is_due = (QUEUE.c.due <= now) | (QUEUE.c.due > now + timedelta(seconds=2 * CLAIM_SECONDS))
        with self._database.reading() as connection:  # who finds nothing to do keeps no writer waiting
            oldest = sa.select(QUEUE.c.tries).where(is_due).order_by(QUEUE.c.due, QUEUE.c.bundle).limit(1)
            tries = connection.execute(oldest).scalar()
        if tries is None:
            return []
        due = sa.select(QUEUE.c.bundle).where(is_due, QUEUE.c.tries > 0 if tries else QUEUE.c.tries == 0)
        due = due.order_by(QUEUE.c.due, QUEUE.c.bundle).limit(1 if tries else most)
        if self._database.is_postgresql:
            due = due.with_for_update(skip_locked=True)
        claim = (
            sa.update(QUEUE)
            .where(QUEUE.c.bundle.in_(due))
            .values(due=now + timedelta(seconds=CLAIM_SECONDS), tries=QUEUE.c.tries + 1, holder=self._holder)
            .returning(QUEUE.c.bundle, QUEUE.c.tries)
        )
        with self._database.writing() as connection:
            claimed = {row[0]: row[1] for row in connection.execute(claim)}
            spent = [bundle for bundle, tries in claimed.items() if tries > MOST_TRIES]
            if spent:
                set_aside(connection, spent, f"indexing it was begun {MOST_TRIES} times and never ended")
            query = sa.select(BUNDLES.c.id, BUNDLES.c.sha256)
            rows = connection.execute(query.where(BUNDLES.c.id.in_(claimed.keys() - set(spent))))
            return [(row[0], row[1]) for row in rows]

    def give_back(self, bundles: Sequence[str]) -> None:
        """What was claimed and not begun: it is due again, and that was no try. Raises OSError."""
        back = sa.update(QUEUE).where(QUEUE.c.bundle.in_(bundles), QUEUE.c.holder == self._holder)
        with self._database.writing() as connection:
            connection.execute(back.values(due=datetime.now(timezone.utc), tries=QUEUE.c.tries - 1, holder=None))

    def free_the_dead(self) -> int:
        """Ends the claims of processes of this host that do not run any more, and tells how many.

        What they were at counts as begun: it may be what ended them. Raises OSError.
        """
        now = datetime.now(timezone.utc)
        with self._database.reading() as connection:
            claimed = sa.select(QUEUE.c.holder).where(QUEUE.c.due > now, QUEUE.c.holder.is_not(None)).distinct()
            gone = dead(connection.scalars(claimed).all())
        if not gone:
            return 0
        free = sa.update(QUEUE).where(QUEUE.c.holder.in_(gone))
        with self._database.writing() as connection:
            return connection.execute(free.values(due=now, holder=None)).rowcount


def set_aside(connection: sa.Connection, bundles: Sequence[str], problem: str) -> None:
    """These stay stored, and are shown as damaged with the reason."""
    values = {"state": "damaged", "problem": problem[:300]}
    connection.execute(sa.update(BUNDLES).where(BUNDLES.c.id.in_(bundles)).values(values))
    connection.execute(sa.delete(QUEUE).where(QUEUE.c.bundle.in_(bundles)))
