"""Puts received bundles into the index, many in one transaction: a commit waits for the disk, whoever is in it."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future
from queue import Empty, SimpleQueue

import sqlalchemy as sa

from collector.endpoint import metrics
from collector.endpoint.answers import RefusalError
from collector.endpoint.database.engine import Database
from collector.endpoint.database.tables import BUNDLES, QUEUE
from collector.endpoint.indexing.rows import Row

log = logging.getLogger(__name__)

_MOST = 200
#: How long a transaction waits for company: beginning and ending one costs as much as some ten rows of it.
_GATHER_SECONDS = 0.004


class Commits:
    """One thread that commits; those who wait for it are threads or tasks of this process."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: SimpleQueue[tuple[Row, Future[Row]] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="commits", daemon=True)
        self._thread.start()

    def add(self, row: Row) -> Future[Row]:
        """The bundle's row as it stands in the index once it is on the disk: this one, or that of who came first.

        The future raises OSError where the database can't be written, RefusalError where it can't hold the row.
        """
        future: Future[Row] = Future()
        self._waiting.put((row, future))
        return future

    def close(self) -> None:
        """Ends after what was added."""
        self._waiting.put(None)
        self._thread.join()

    def _run(self) -> None:
        while (first := self._waiting.get()) is not None:
            time.sleep(_GATHER_SECONDS)
            batch = [first]
            ended = False
            while len(batch) < _MOST and not ended:
                try:
                    more = self._waiting.get_nowait()
                except Empty:
                    break
                ended = more is None
                batch += [more] if more is not None else []
            self._commit(batch)
            if ended:
                return

    def _commit(self, batch: Sequence[tuple[Row, Future[Row]]]) -> None:
        try:
            with self._database.writing() as connection:
                known = insert_bundles(self._database, connection, [row for row, _ in batch])
        except OSError as error:
            for _, future in batch:
                future.set_exception(error)
            return
        except sa.exc.SQLAlchemyError as error:
            self._apart(batch, error)
            return
        metrics.COMMITS.inc()
        for row, future in batch:
            if row["id"] in known:
                future.set_result(known[row["id"]])
            else:
                future.set_exception(RefusalError(409, "this bundle is stored under another id"))

    def _apart(self, batch: Sequence[tuple[Row, Future[Row]]], error: sa.exc.SQLAlchemyError) -> None:
        """One row that the tables can't hold keeps the others from nothing."""
        if len(batch) > 1:
            for one in batch:
                self._commit([one])
            return
        log.error("the bundle %s can't be put into the index: %s", batch[0][0]["id"], type(error).__name__)
        batch[0][1].set_exception(RefusalError(400, "the index can't hold what this bundle says of itself"))


def insert_bundles(database: Database, connection: sa.Connection, rows: Sequence[Row]) -> dict[str, Row]:
    """Adds those that are new, each with its place in the queue; the first row of each id."""
    unique = {row["id"]: row for row in reversed(rows)}
    insert = database.insert(BUNDLES).on_conflict_do_nothing().returning(BUNDLES.c.id)
    new = {row.id for row in connection.execute(insert, [unique[name] for name in sorted(unique)])}
    if new:
        connection.execute(
            sa.insert(QUEUE), [{"bundle": name, "due": unique[name]["received"]} for name in sorted(new)]
        )
    known = {name: unique[name] for name in new}
    if others := unique.keys() - new:
        query = sa.select(BUNDLES.c.id, BUNDLES.c.sha256, BUNDLES.c.received).where(BUNDLES.c.id.in_(others))
        known |= {row["id"]: dict(row) for row in connection.execute(query).mappings()}
    return known
