"""Goes through a watched place again and again, and takes in what is new there."""

from __future__ import annotations

import logging
import os
import secrets
import socket
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timezone

import sqlalchemy as sa

from collector.bundle.encryption import Identities
from collector.bundle.reader import Limits
from collector.endpoint.stores.cache import Cache
from collector.endpoint.stores.place import Found, Place
from collector.endpoint.watching.ledger import Ledger
from collector.endpoint.watching.taking import Taken, is_looked_at, refused, take

log = logging.getLogger(__name__)

#: Seconds. Who watches says so this often at least; when it dies another process follows after that time.
_HELD_SECONDS = 15.0
#: A look at which nothing was new is followed by a rest of so many times as long as it lasted.
_REST = 5
#: How often the index is told that a place was gone through.
_TOLD_SECONDS = 5.0
#: A damaged file that was written to within so many seconds may be one that is being written: it is not judged yet.
_UNSETTLED_SECONDS = 60.0
_AT_ONCE, _READERS = 50, 8
#: Damaged files that are named in the log; the page and the API name more.
_MOST_TOLD = 20
#: So many bundles may wait for the indexer before no more are taken in: what was fetched is still at hand then.
_MOST_WAITING = 1_000


@dataclass(slots=True)
class Progress:
    """What one process has seen since it began; only for telling people."""

    looked_at: int = 0
    taken: int = 0
    problems: int = 0
    passes: int = 0
    problem: str = ""


@dataclass
class Watcher:
    place: Place
    ledger: Ledger
    cache: Cache
    limits: Limits
    call: Callable[[], None]  # called when there are bundles to index
    holds: Callable[[str], bool]  # whether a bundle of that hash is kept by the endpoint itself too
    identities: Identities | None = None
    every: float | None = None
    progress: Progress = field(default_factory=Progress)

    def __post_init__(self) -> None:
        self._holder = f"{socket.gethostname()[:32]}/{os.getpid()}/{secrets.token_hex(4)}"
        self._held = self._told = 0.0
        self._stopped = threading.Event()

    def stop(self) -> None:
        """`run` ends soon."""
        self._stopped.set()

    def run(self) -> None:
        """Looks until `stop`. What fails is tried again later."""
        every = self.every or self.place.every
        while not self._stopped.is_set():
            began, before, rest = time.monotonic(), self.progress.taken, every
            try:
                if self._hold():
                    self.look()
                    if self.progress.taken == before:
                        rest = max(every, _REST * (time.monotonic() - began))
            except OSError as error:
                self._failed(str(error))
            self._stopped.wait(rest)
        try:
            self.ledger.release(self._holder)
        except OSError as error:
            log.info("%s: %s", self.place.name, error)

    def look(self) -> None:
        """Once through all of it. Raises OSError."""
        seen = 0
        with ThreadPoolExecutor(_READERS, "watched") as readers:
            for chunk in self.place.listing():
                files = [one for one in chunk if is_looked_at(one.name)]
                known = self.ledger.known([one.name for one in files])
                seen += len(known)
                back = [one.name for one in files if one.name in known and known[one.name].gone]
                if back:
                    self.ledger.returned(back)
                new = [one for one in files if one.name not in known or known[one.name].mark != one.mark]
                self.progress.looked_at += len(files) if not self.progress.passes else 0
                for start in range(0, len(new), _AT_ONCE):
                    seen += len(self._take(new[start : start + _AT_ONCE], readers).difference(known))
                if self._stopped.is_set() or not self._hold():
                    return
        if self.ledger.present() > seen:
            self._miss()
        if time.monotonic() - self._told > _TOLD_SECONDS or self.progress.problem:
            self.ledger.passed()
            self._told = time.monotonic()
        self.progress.passes += 1
        self.progress.problem = ""

    def _take(self, files: Sequence[Found], readers: ThreadPoolExecutor) -> set[str]:
        """The names of those whose content was judged."""
        taken: Sequence[Taken] = [one for one in readers.map(self._read, files) if one is not None]
        if taken:
            taken = self._write(taken)
            self.call()
        self.progress.taken += sum(one.bundle is not None for one in taken)
        for one in taken:
            if one.file["state"] == "problem":
                self.progress.problems += 1
                tell = log.warning if self.progress.problems <= _MOST_TOLD else log.info
                tell("%s: %s: %s", self.place.name, one.file["name"], one.file["problem"])
        while self.ledger.waiting() > _MOST_WAITING and not self._stopped.wait(0.1):
            self._hold()
        self._hold()
        return {str(one.file["name"]) for one in taken}

    def _write(self, taken: Sequence[Taken]) -> Sequence[Taken]:
        """As one; where the database refuses what a bundle says, one by one, so that only that bundle is left out."""
        try:
            self.ledger.write(taken)
        except sa.exc.StatementError as error:
            if len(taken) > 1:
                return [told for one in taken for told in self._write([one])]
            log.info("%s", error)
            taken = [refused(taken[0], "the index does not take what it says")]
            self.ledger.write(taken)
        return taken

    def _read(self, found: Found) -> Taken | None:
        """None where it is to be looked at again at the next pass."""
        if self._stopped.is_set():
            return None
        try:
            taken = take(self.place, found, self.cache, self.limits, self.identities)
        except FileNotFoundError:
            return None
        except OSError as error:
            self._failed(f"{found.name}: {error.strerror or error}")
            return None
        age = abs((datetime.now(timezone.utc) - found.modified).total_seconds())
        return None if taken.file["state"] == "problem" and age < _UNSETTLED_SECONDS else taken

    def _miss(self) -> None:
        """Something is not there any more: find out what."""
        there = {one.name for chunk in self.place.listing() for one in chunk}
        for names in self.ledger.names():
            gone = [name for name in names if name not in there]
            if gone:
                keeps = {one for one in self.ledger.hashes(gone) if self.holds(one)}
                self.ledger.gone(gone, keeps)
                log.info("%s: %s files were removed", self.place.name, len(gone))

    def _hold(self) -> bool:
        """Whether this one watches; says so again where it was last said some seconds ago."""
        moment = time.monotonic()
        if moment - self._held > _HELD_SECONDS / 5:
            if not self.ledger.hold(self._holder, _HELD_SECONDS):
                self._held = 0.0
                return False
            self._held = moment
        return True

    def _failed(self, problem: str) -> None:
        self.progress.problem = problem
        log.warning("%s can't be looked at, and will be again: %s", self.place.name, problem)
        try:
            self.ledger.failed(problem)
        except OSError as error:
            log.warning("%s", error)
