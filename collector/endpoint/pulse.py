"""How the endpoint is: what waits, and what room there is; looked at now and then, so that no request has to."""

from __future__ import annotations

import logging
import shutil
import threading
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

import sqlalchemy as sa

from collector.endpoint.database.engine import Database
from collector.endpoint.database.tables import BUNDLES, QUEUE

log = logging.getLogger(__name__)

_SECONDS = 1.0
#: What stays free on a disk: one part in so many, and not more bytes than that.
_SPARED, _MOST_SPARED = 20, 500_000_000


@dataclass(frozen=True, slots=True)
class Beat:
    #: Bundles that wait to be indexed, and since when the oldest of them does, in seconds.
    waiting: int = 0
    oldest: float = 0.0
    #: Bytes that may still be written to the fullest of the disks, before it is so full that all suffers.
    room: int | None = None


def _room(folder: Path) -> int:
    usage = shutil.disk_usage(folder)
    return usage.free - min(_MOST_SPARED, usage.total // _SPARED)


class Pulse:
    def __init__(self, database: Database, folders: Collection[Path]) -> None:
        """`folders`: on whose disks there must be room."""
        self._database = database
        self._folders = folders
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="pulse", daemon=True)
        self.last = Beat()

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join()

    def look(self) -> Beat:
        """Raises OSError."""
        received = sa.select(sa.func.count(), sa.func.min(BUNDLES.c.received))
        with self._database.reading() as connection:
            waiting, first = connection.execute(received.select_from(QUEUE.join(BUNDLES))).one()
        age = (datetime.now(timezone.utc) - first).total_seconds() if first else 0.0
        return Beat(waiting, max(0.0, age), min((_room(one) for one in self._folders), default=None))

    def _run(self) -> None:
        while True:
            try:
                self.last = self.look()
            except OSError as error:
                log.warning("the endpoint can't see how it is: %s", error)
            if self._stopped.wait(_SECONDS):
                return
