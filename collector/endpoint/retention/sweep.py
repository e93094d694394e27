"""One sweep: bundles by age and size, and what is kept about people for a time."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import sqlalchemy as sa

from collector.endpoint.access.audit import Act, now, record
from collector.endpoint.access.leases import Lease
from collector.endpoint.access.sessions import drop_ended
from collector.endpoint.access.settings import AccessSettings
from collector.endpoint.database.access_tables import AUDIT, SIGN_INS
from collector.endpoint.database.engine import Database
from collector.endpoint.retention.choosing import Limits, Victim, too_much, too_old
from collector.endpoint.retention.deleting import delete
from collector.endpoint.stores.store import Store
from collector.model import iso

log = logging.getLogger(__name__)

#: Bundles of one transaction: what comes in waits for it in SQLite.
_BATCH = 100
_EVERY, _HELD, _LOOK_SECONDS = timedelta(hours=1), timedelta(minutes=5), 60.0


@dataclass(frozen=True, slots=True)
class Swept:
    bundles: int = 0
    bytes: int = 0
    by_age: int = 0
    by_size: int = 0
    #: When the newest of them was received.
    newest: datetime | None = None

    def plus(self, victims: list[Victim]) -> Swept:
        old = sum(victim.why == "age" for victim in victims)
        newest = max([*(victim.received for victim in victims), *([self.newest] if self.newest else [])], default=None)
        return replace(
            self,
            bundles=self.bundles + len(victims),
            bytes=self.bytes + sum(victim.bytes for victim in victims),
            by_age=self.by_age + old,
            by_size=self.by_size + len(victims) - old,
            newest=newest,
        )


@dataclass(frozen=True, slots=True)
class Retention:
    database: Database
    store: Store
    settings: AccessSettings

    @property
    def limits(self) -> Limits:
        return Limits(self.settings.keep_days, self.settings.keep_bytes)

    def sweep(self, goes_on: Callable[[], bool] = lambda: True) -> Swept:
        """Deletes batch by batch, as long as `goes_on`. Raises OSError.

        A file goes before its row: whatever kills us in between, the row is still the first to go next time. Were the
        row gone first, a start after the kill would take the file for a bundle that was never indexed.
        """
        swept, at = Swept(), now()
        while goes_on():
            victims = self._next(at)
            if not victims:
                break
            for victim in victims:
                self.store.remove(victim.sha256)
            with self.database.writing() as connection:
                gone = delete(self.database, connection, victims)
                victims = [victim for victim in victims if victim.id in gone]  # another sweep may run by hand
                if victims:
                    record(connection, _act(victims))
            swept = swept.plus(victims)
        self._forget(at)
        return swept

    def would(self) -> Swept:
        """What `sweep` would delete, without doing it. Raises OSError."""
        every = 1 << 62
        with self.database.reading() as connection:
            old = too_old(connection, self.limits, now(), every)
            gone = {victim.id for victim in old}
            rest = self.limits
            if rest.keep_bytes is not None:
                rest = replace(rest, keep_bytes=rest.keep_bytes + sum(victim.bytes for victim in old))
            much = [victim for victim in too_much(connection, rest, every) if victim.id not in gone]
        victims = old + much
        return Swept().plus(victims) if victims else Swept()

    def _next(self, at: datetime) -> list[Victim]:
        with self.database.reading() as connection:
            return too_old(connection, self.limits, at, _BATCH) or too_much(connection, self.limits, _BATCH)

    def _forget(self, at: datetime) -> None:
        """What is over: old acts, sessions, and people who went to sign in and never came back."""
        with self.database.writing() as connection:
            old = at - timedelta(days=self.settings.audit_days)
            connection.execute(sa.delete(AUDIT).where(AUDIT.c.time < old))
            connection.execute(sa.delete(SIGN_INS).where(SIGN_INS.c.expires < at))
            drop_ended(connection)


class Sweeper:
    """Sweeps once an hour, in one process of all that work on the index."""

    def __init__(self, retention: Retention) -> None:
        self._retention = retention
        self._lease = Lease(retention.database, "retention")
        self._stopped = threading.Event()

    def stop(self) -> None:
        """`run` ends after the batch that it is at."""
        self._stopped.set()

    def run(self) -> None:
        while not self._stopped.is_set():
            try:
                self.turn()
            except OSError as error:
                log.warning("old bundles could not be deleted, and will be later: %s", error)
            self._stopped.wait(_LOOK_SECONDS)

    def turn(self) -> Swept | None:
        """One sweep where it is due; None where it is not, or another process is at it. Raises OSError."""
        if not self._lease.take(_HELD):
            return None
        swept = self._retention.sweep(lambda: not self._stopped.is_set() and self._lease.take(_HELD))
        if not self._stopped.is_set():
            self._lease.leave(_EVERY)
        return swept


def _act(victims: list[Victim]) -> Act:
    size, newest = sum(victim.bytes for victim in victims), max(victim.received for victim in victims)
    reasons = " and ".join(sorted({victim.why for victim in victims}))
    told = f"{len(victims)} bundles, {size} bytes, by {reasons}; the newest was received {iso(newest)}"
    return Act("retention", "retention", "", told)
