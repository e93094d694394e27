"""The record of who did what: what is changed is recorded with the change, what is looked at a moment later."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from queue import Empty, SimpleQueue

import sqlalchemy as sa

from collector.endpoint.database.access_tables import AUDIT
from collector.endpoint.database.engine import Database
from collector.errors import ConfigError

log = logging.getLogger(__name__)

_MOST_AT_ONCE = 500
#: Rows that wait while the database can't be written; beyond them one is lost, which is told in the log.
_MOST_WAITING = 100_000
_AGAIN_SECONDS = 1.0
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


def now() -> datetime:
    return datetime.now(timezone.utc)


@dataclass(frozen=True, slots=True)
class Act:
    """`about`: a bundle's, a token's or an account's name."""

    who: str
    action: str
    about: str = ""
    detail: str = ""
    address: str = ""
    time: datetime = field(default_factory=now)

    def row(self) -> dict[str, object]:
        return {
            "time": self.time,
            "who": _cut(self.who, 128),
            "action": self.action,
            "object": _cut(self.about, 128),
            "detail": _cut(self.detail, 300),
            "address": _cut(self.address, 64),
        }


def record(connection: sa.Connection, *acts: Act) -> None:
    """In the transaction of what is done, so that neither is without the other."""
    connection.execute(sa.insert(AUDIT), [act.row() for act in acts])


def revise(connection: sa.Connection, number: int | None, act: Act) -> int:
    """One act that is done in many transactions: begun with None, and then told anew with the number that it got."""
    if number is None:
        return int(connection.execute(sa.insert(AUDIT).returning(AUDIT.c.number), act.row()).scalar_one())
    connection.execute(sa.update(AUDIT).where(AUDIT.c.number == number).values(act.row()))
    return number


class Audit:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: SimpleQueue[Act | None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()
        self._ending = threading.Event()

    def add(self, act: Act) -> None:
        """Now. Raises OSError."""
        with self._database.writing() as connection:
            record(connection, act)

    def soon(self, act: Act) -> None:
        """Within moments, many in one transaction; never waits."""
        if self._thread is None:
            self._start()
        if self._waiting.qsize() >= _MOST_WAITING:
            log.error("not recorded, too much waits: %s %s %s", act.who, act.action, act.about)
            return
        self._waiting.put(act)

    def close(self) -> None:
        """Ends after what was added."""
        self._ending.set()
        if self._thread is not None:
            self._waiting.put(None)
            self._thread.join()

    def _start(self) -> None:
        with self._starting:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="audit", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        ended = False
        while not ended:
            batch = [self._waiting.get()]
            while len(batch) < _MOST_AT_ONCE:
                try:
                    batch.append(self._waiting.get_nowait())
                except Empty:
                    break
            ended = batch[-1] is None
            self._write([act for act in batch if act is not None])

    def _write(self, acts: Sequence[Act]) -> None:
        while acts:
            try:
                with self._database.writing() as connection:
                    record(connection, *acts)
                return
            except OSError as error:
                log.warning("who did what could not be recorded, and is tried again: %s", error)
                if self._ending.wait(_AGAIN_SECONDS):
                    log.error("%d acts are lost to the record", len(acts))
                    return


#: What is recorded, and how a page says it.
ACTIONS = {
    "open": "opened a bundle",
    "download": "downloaded a bundle",
    "login": "signed in",
    "login-refused": "was not let in",
    "logout": "signed out",
    "token-create": "made a token",
    "token-revoke": "revoked a token",
    "account-add": "added an account",
    "account-password": "changed a password",
    "account-remove": "removed an account",
    "unproven": "sent without proof",
    "retention": "deleted old bundles",
}
#: What the page and the command filter by.
FILTERS = ("who", "action", "object")


def acts(
    connection: sa.Connection,
    filters: Mapping[str, str],
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    before: int | None = None,
    limit: int = 100,
) -> list[sa.Row[tuple[object, ...]]]:
    """Newest first; `before`: only those with a smaller number, for the next page."""
    query = sa.select(AUDIT).order_by(AUDIT.c.number.desc()).limit(limit)
    for name in FILTERS:
        if value := filters.get(name):
            column = AUDIT.c[name]
            query = query.where(column.icontains(value, autoescape=True) if name == "who" else column == value)
    if since is not None:
        query = query.where(AUDIT.c.time >= since)
    if until is not None:
        query = query.where(AUDIT.c.time < until)
    if before is not None:
        query = query.where(AUDIT.c.number < before)
    return list(connection.execute(query).all())


def moment(text: str | None, now: datetime) -> datetime | None:
    """A time in UTC, or as long before `now`. Raises ConfigError."""
    if not text:
        return None
    try:
        if text[-1] in _UNITS and text[:-1].isdecimal():
            return now - timedelta(**{_UNITS[text[-1]]: int(text[:-1])})
        found = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except (ValueError, OverflowError) as error:
        raise ConfigError(
            f"{text[:40]!r} is no time", "Give 2026-11-23T10:00Z, or a time ago: 30m, 12h, 7d."
        ) from error
    return found if found.tzinfo else found.replace(tzinfo=timezone.utc)


def _cut(text: str, most: int) -> str:
    """PostgreSQL refuses NUL and half a surrogate pair."""
    return text.replace("\0", " ").encode("utf-8", "replace").decode()[:most]
