"""Takes stored bundles from the queue, opens them, and writes what they say into the index."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence

from collector.bundle.reader import Limits, open_received
from collector.endpoint.database.engine import Database
from collector.endpoint.indexing.queue import Queue, set_aside
from collector.endpoint.indexing.rows import Entry, entry
from collector.endpoint.indexing.writing import write
from collector.endpoint.stores.store import Store
from collector.errors import BundleError

log = logging.getLogger(__name__)

#: Bundles of one transaction: enough that a commit is cheap, few enough that a reader soon sees them.
_BATCH = 50
#: How long to wait before looking for work again, in seconds, where nobody calls: another host may have stored some.
_LOOK_SECONDS = 1.0


class Indexer:
    """One worker; any number may run, in this process and in others."""

    def __init__(self, database: Database, store: Store, limits: Limits) -> None:
        self._database = database
        self._store = store
        self._limits = limits
        self._queue = Queue(database)
        self._claimed: Sequence[tuple[str, str]] = ()  # what could not be written is tried before anything else
        self._called = threading.Event()
        self._stopped = threading.Event()

    def call(self) -> None:
        """There may be work."""
        self._called.set()

    def stop(self) -> None:
        """`run` ends after the batch that it is at."""
        self._stopped.set()
        self._called.set()

    def run(self) -> None:
        """Works until `stop`. What fails is tried again later."""
        while not self._stopped.is_set():
            self._called.clear()
            try:
                done = self.turn()
            except OSError as error:
                log.warning("bundles could not be indexed, and will be later: %s", error)
                done = 0
            if not done:
                self._called.wait(_LOOK_SECONDS)

    def turn(self) -> int:
        """Indexes up to one batch and tells how many it took from the queue. Raises OSError."""
        claimed = self._claimed = self._claimed or self._queue.claim(_BATCH)
        entries: list[Entry] = []
        damaged: dict[str, str] = {}
        for bundle, sha256 in claimed:
            try:
                with self._store.opened(sha256) as file:
                    entries.append(entry(open_received(file, self._limits)))
            except BundleError as error:
                damaged[bundle] = str(error)
            except FileNotFoundError:
                damaged[bundle] = "the stored file is gone"
        with self._database.writing() as connection:
            for bundle, problem in damaged.items():
                log.warning("the bundle %s can't be indexed: %s", bundle, problem)
                set_aside(connection, [bundle], problem)
            write(self._database, connection, entries)
        self._claimed = ()
        return len(claimed)
