"""Takes stored bundles from the queue, opens them, and writes what they say into the index."""

from __future__ import annotations

import hashlib
import io
import logging
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import BinaryIO

from collector.bundle.reader import Limits, skim_received
from collector.endpoint import metrics
from collector.endpoint.database.engine import Database
from collector.endpoint.exporting import outbox
from collector.endpoint.indexing.queue import CLAIM_SECONDS, Queue, set_aside
from collector.endpoint.indexing.rows import Entry, entry
from collector.endpoint.indexing.writing import write
from collector.endpoint.stores.store import Store
from collector.errors import BundleError

log = logging.getLogger(__name__)

#: Bundles of one transaction: enough that a commit is cheap, few enough that a reader soon sees them.
_BATCH = 50
#: Seconds after which what was read is written and the rest given back, well before the claim ends.
_BATCH_SECONDS = CLAIM_SECONDS / 3
#: How long to wait before looking for work again, in seconds, where nobody calls: another host may have stored some.
_LOOK_SECONDS = 0.25
#: Bytes up to which a bundle is read at once: its members' places in it are then reached without the system.
_SMALL = 1 << 20
#: Seconds between two looks for claims of processes that were killed.
_DEAD_SECONDS = 1.0


class Indexer:
    """One worker; any number may run, in this process and in others."""

    def __init__(self, database: Database, store: Store, limits: Limits, *, exports: bool = False) -> None:
        """`exports`: whether what is indexed goes to a log backend as well."""
        self._exports = exports
        self._database = database
        self._store = store
        self._limits = limits
        self._queue = Queue(database)
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
        looked = -_DEAD_SECONDS
        while not self._stopped.is_set():
            self._called.clear()
            try:
                if time.monotonic() - looked > _DEAD_SECONDS:
                    self._queue.free_the_dead()
                    looked = time.monotonic()
                done = self.turn()
            except OSError as error:
                log.warning("bundles could not be indexed, and will be later: %s", error)
                done = 0
            if not done:
                self._called.wait(_LOOK_SECONDS)

    def turn(self) -> int:
        """Indexes up to one batch and tells how many it took from the queue. Raises OSError."""
        claimed = self._queue.claim(_BATCH)
        if not claimed:
            return 0
        left = {bundle for bundle, _ in claimed}
        try:
            read, damaged = self._read(claimed, time.monotonic() + _BATCH_SECONDS)
            with self._database.writing() as connection:
                for bundle, problem in damaged.items():
                    log.warning("the bundle %s can't be indexed: %s", bundle, problem)
                    set_aside(connection, [bundle], problem)
                done = write(self._database, connection, list(read.values()))
                if self._exports:
                    outbox.add(connection, done)
            metrics.INDEXED.inc(len(read))
            metrics.DAMAGED.inc(len(damaged))
            left -= read.keys() | damaged.keys()
        finally:
            if left:  # a store or a database that is out of reach for a while is no fault of the bundles
                with suppress(OSError):
                    self._queue.give_back(sorted(left))
        return len(claimed) - len(left)

    def _read(self, claimed: Sequence[tuple[str, str]], until: float) -> tuple[dict[str, Entry], dict[str, str]]:
        """What the bundles say, and what is wrong with the others; not all of them where it takes too long."""
        entries: dict[str, Entry] = {}
        damaged: dict[str, str] = {}
        for bundle, sha256 in claimed:
            try:
                entries[bundle] = self._entry(sha256)
            except BundleError as error:
                damaged[bundle] = str(error)
            except FileNotFoundError:
                damaged[bundle] = "the stored file is gone"
            if time.monotonic() > until:
                break
        return entries, damaged

    def _entry(self, sha256: str) -> Entry:
        """Raises BundleError, FileNotFoundError, OSError.

        The stored file has its hash, what is read of it has the manifest's; all other members are unpacked and
        checked by whoever shows them, which spares half of the work here.
        """
        with self._store.opened(sha256, as_stored=True) as stored:
            hashed = hashlib.sha256()
            while piece := stored.read(_SMALL):
                hashed.update(piece)
        if hashed.hexdigest() != sha256:
            raise BundleError("the stored file has changed since it was received")
        with self._store.opened(sha256) as file:
            return entry(skim_received(_at_hand(file), self._limits))


def _at_hand(file: BinaryIO) -> BinaryIO:
    """The same in memory, where it is small."""
    file.seek(0)  # whoever opened it may have looked into it
    begin = file.read(_SMALL)
    if len(begin) < _SMALL:
        return io.BytesIO(begin)
    file.seek(0)
    return file
