"""What the resident agent tells of itself: its status file, systemd, and whoever reads its output."""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import psutil

from collector import __version__
from collector.config import Config
from collector.discover.processes import told
from collector.model import moment_of
from collector.platforms import current
from collector.platforms.azure import MetadataService
from collector.platforms.memory import give_back
from collector.redact.redactor import Redactor
from collector.watch.incident import Incident
from collector.watch.limits import MemoryCeiling
from collector.watch.loop import Loop
from collector.watch.notify import Supervisor
from collector.watch.order import Order
from collector.watch.reports import Reported
from collector.watch.scheduled import ScheduledEvents
from collector.watch.status import MOST_INCIDENTS, Followed, OwnUse, SpoolState, Status, StatusFile, Told, read_status
from collector.watch.usage import Usage, own_usage

log = logging.getLogger(__name__)

_EVERY_SECONDS = 10.0
#: Below so much of what is allowed there is room again. Idle it takes three quarters.
_ROOM = 0.9


class Teller:
    """To be given a turn after each of the loop's."""

    def __init__(self, loop: Loop, order: Order, config: Config, notifier: Supervisor, redactor: Redactor) -> None:
        self._loop, self._order, self._config, self._notifier = loop, order, config, notifier
        self._redactor = redactor
        self._root = order.root or current().root()
        self._file = StatusFile(config.state_dir, redactor)
        self._before = tuple(told_before(read_status(config.state_dir)))
        self._memory = MemoryCeiling(config.watch.memory_bytes)
        self._told_at = 0.0
        self._said = 0
        self._process_started = told(lambda: psutil.Process().create_time()) or time.time()  # no /proc
        self._events: ScheduledEvents | None = None
        if config.watch.scheduled_events and order.root is None:
            names = [name for name in (order.instance, current().names()[0]) if name]
            self._events = ScheduledEvents(MetadataService(), loop.announce, names)

    def ready(self) -> None:
        """Everything is followed now."""
        if self._events is not None:
            self._events.start()
        count = len(self._loop.sources.followed())
        how = {"native": "", "polling": ", polling", "mixed": ", partly polling"}[self._loop.waker.mode]
        text = self._redactor.text(
            f"vmext {__version__} follows {count} logs below {self._root}{how}; "
            f"state in {self._config.state_dir}; {self._receiver()}"
        )
        self._order.tell(text)
        log.info("%s", text)
        self._notifier.ready(text)
        self._tell(at_once=True)

    def turn(self) -> None:
        now = time.monotonic()
        self._notifier.alive(now)
        if now - self._told_at >= _EVERY_SECONDS or self._loop.said != self._said:
            self._tell(at_once=self._loop.said != self._said)

    def stop(self) -> None:
        if self._events is not None:
            self._events.stop()
        if self._loop.console is not None:
            self._loop.console.wait(2.0)

    def _receiver(self) -> str:
        from collector.deliver.targets import shown

        url = self._config.upload_url
        return f"bundles go to {shown(url)}" if url else "no receiver is configured: bundles stay in the spool"

    def _tell(self, *, at_once: bool = False) -> None:
        now = self._told_at = time.monotonic()
        self._said = self._loop.said
        use = own_usage()
        self._relieve(now, use)
        self._file.write(self._status(use), now, datetime.now(timezone.utc), at_once=at_once)

    def _relieve(self, now: float, use: Usage) -> None:
        most = self._config.watch.memory_bytes
        relief = self._memory.relief(now, use.resident_bytes)
        if relief == "drop":
            self._loop.forget()
            self._redactor.forget()
            give_back()
        elif relief == "shrink":
            self._loop.read_less()
        elif relief == "tell":
            log.warning("resident memory is %d bytes, above the %d that are allowed", use.resident_bytes, most)
        elif use.resident_bytes < most * _ROOM:
            self._loop.read_as_usual()

    def _incidents(self) -> tuple[Told, ...]:
        """The newest first: those without a bundle yet, those reported since the start, those from before."""
        reported = (*map(_told, self._loop.reported), *self._before)
        spool = self._config.state_dir / "spool"
        known = {one.bundle: as_it_is_now(one, spool) for one in reversed(reported[:MOST_INCIDENTS])}
        return (*map(_waits, reversed(self._loop.reports.waiting)), *reversed(known.values()))

    def _status(self, use: Usage) -> Status:
        loop = self._loop
        return Status(
            version=__version__,
            pid=os.getpid(),
            process_started=self._process_started,
            since=datetime.fromtimestamp(self._process_started, timezone.utc),
            config_file=str(self._order.config_file or current().config_file()),
            root=str(self._root),
            mode=loop.waker.mode,
            followed=tuple(
                Followed(one.path, one.size, one.offset, one.lag, one.problem) for one in loop.sources.followed()
            ),
            spool=_spool(self._config.state_dir / "spool", loop.reports.send_error),
            incidents=self._incidents(),
            use=_use(use, time.time() - self._process_started, loop.waker.watches),
            warnings=tuple(loop.warnings()),
            scheduled_events=self._events.answering if self._events is not None else "off",
        )


def _waits(one: Incident) -> Told:
    return Told(one.notices[0].time, one.title, problem="its bundle is being made")


def _told(one: Reported) -> Told:
    return Told(one.time, one.title, one.bundle, one.delivered, one.error)


def told_before(document: Mapping[str, Any] | None) -> Iterator[Told]:
    """What the status file tells of incidents that were reported before this start."""
    rows = (document or {}).get("incidents")
    for row in rows if isinstance(rows, list) else []:
        time = moment_of(row.get("time")) if isinstance(row, dict) else None
        if time is None or not row.get("bundle"):
            continue  # what has no bundle yet is collected anew
        texts = (str(row.get(name) or "") for name in ("title", "bundle", "problem"))
        title, bundle, problem = texts
        yield Told(time, title, bundle, moment_of(row.get("delivered")), problem)


def as_it_is_now(one: Told, spool: Path) -> Told:
    """What could not be delivered at first may have been sent from the spool since, by whatever process: then its
    receipt tells when. What was refused for good, or had to make room, no longer waits."""
    if one.delivered is not None or one.bundle is None or (spool / f"{one.bundle}.zip").exists():
        return one
    try:
        receipt = json.loads((spool / "sent" / f"{one.bundle}.json").read_bytes())
        return replace(one, delivered=moment_of(receipt.get("received")), problem="")
    except (OSError, ValueError, AttributeError):
        return one


def _use(use: Usage, seconds: float, watches: int) -> OwnUse:
    share = 100 * (use.cpu_seconds + use.children_seconds) / seconds if seconds > 0 else 0.0
    return OwnUse(
        cpu_seconds=round(use.cpu_seconds, 2),
        children_cpu_seconds=round(use.children_seconds, 2),
        cpu_percent=round(share, 2),
        resident_bytes=use.resident_bytes,
        open_files=use.open_files,
        threads=use.threads,
        watches=watches,
    )


def _spool(folder: Path, error: str) -> SpoolState:
    found = list(_waiting(folder))
    oldest = min((changed for _, changed in found), default=None)
    since = datetime.fromtimestamp(oldest, timezone.utc) if oldest is not None else None
    return SpoolState(len(found), sum(size for size, _ in found), since, error)


def _waiting(folder: Path) -> Iterator[tuple[int, float]]:
    try:
        for file in folder.glob("*.zip"):
            status = file.stat()
            yield status.st_size, status.st_mtime
    except OSError:
        return
