"""One sweep: bundles by age and size, and what is kept about people for a time."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import sqlalchemy as sa

from collector.endpoint.access.audit import Act, now, revise
from collector.endpoint.access.leases import Lease
from collector.endpoint.access.sessions import drop_ended
from collector.endpoint.access.settings import AccessSettings
from collector.endpoint.database.access_tables import AUDIT, SIGN_INS
from collector.endpoint.database.engine import Database
from collector.endpoint.retention.choosing import Limits, Victim, chosen
from collector.endpoint.retention.deleting import delete
from collector.endpoint.retention.pace import Pace
from collector.endpoint.retention.settling import drop_empty, settle
from collector.endpoint.stores.store import Store
from collector.model import iso

log = logging.getLogger(__name__)

_EVERY, _HELD, _LOOK_SECONDS = timedelta(hours=1), timedelta(minutes=5), 60.0
#: Who deletes says so this often at least; when it is killed another one may after that time.
_ALONE, _ASK_SECONDS = timedelta(seconds=15), 1.0
#: Rows of one transaction, where a row costs little.
_ROWS = 500


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
        """Deletes some at a time, as long as `goes_on`; others may write and read in between. Raises OSError.

        Waits while another process is at it: one that chose before the other one deleted, and removes a file after it
        came anew, would take what somebody has a receipt for.

        A file goes before its row: whatever kills us in between, the row is still the first to go next time. Were the
        row gone first, a start after the kill would take the file for a bundle that was never indexed.
        """
        lease = Lease(self.database, "deleting")
        while not lease.take(_ALONE):
            if not goes_on():
                return Swept()
            time.sleep(_ASK_SECONDS)
        try:
            return self._sweep(lambda: goes_on() and lease.keep(_ALONE))
        finally:
            lease.leave(timedelta(0))

    def would(self) -> Swept:
        """What `sweep` would delete, without doing it. Raises OSError."""
        swept = Swept()
        for victims in chosen(self.database, self.limits, now()):
            swept = swept.plus(victims)
        return swept

    def _sweep(self, goes_on: Callable[[], bool]) -> Swept:
        swept, at, pace = Swept(), now(), Pace()
        number: int | None = None  # of the record of this sweep
        for victims in self._some(pace, at):
            if not goes_on():
                break
            self.store.remove([victim.sha256 for victim in victims])
            if not goes_on():
                break
            with pace.step(), self.database.writing() as connection:
                pace.begun()
                gone = delete(self.database, connection, victims)
                swept = swept.plus([victim for victim in victims if victim.id in gone])
                if swept.bundles:
                    number = revise(connection, number, _act(swept))
        while goes_on():
            with pace.step(), self.database.writing() as connection:
                pace.begun()
                if settle(self.database, connection, pace.most) < pace.most:
                    break
        self._forget(at, goes_on)
        return swept

    def _some(self, pace: Pace, at: datetime) -> Iterator[list[Victim]]:
        """As many as one transaction bears."""
        for victims in chosen(self.database, self.limits, at):
            while victims:
                some, victims = victims[: pace.most], victims[pace.most :]
                yield some

    def _forget(self, at: datetime, goes_on: Callable[[], bool]) -> None:
        """What is over: scale sets that nothing is left of, old acts, sessions, and people who went to sign in and
        never came back."""
        pace = Pace()
        while goes_on():
            with pace.step():
                if not drop_empty(self.database, _ROWS):
                    break
        old = sa.select(AUDIT.c.number).where(AUDIT.c.time < at - timedelta(days=self.settings.audit_days))
        old_acts = sa.delete(AUDIT).where(AUDIT.c.number.in_(old.order_by(AUDIT.c.time).limit(_ROWS)))
        while goes_on():
            with pace.step(), self.database.writing() as connection:
                if connection.execute(old_acts).rowcount < _ROWS:
                    break
        with self.database.writing() as connection:
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
        swept = self._retention.sweep(lambda: not self._stopped.is_set() and self._lease.keep(_HELD))
        if not self._stopped.is_set():
            self._lease.leave(_EVERY)
        return swept


def _act(swept: Swept) -> Act:
    reasons = " and ".join(why for why, count in (("age", swept.by_age), ("size", swept.by_size)) if count)
    told = f"{swept.bundles} bundles, {swept.bytes} bytes, by {reasons}"
    newest = f"; the newest was received {iso(swept.newest)}" if swept.newest else ""
    return Act("retention", "retention", "", told + newest)
