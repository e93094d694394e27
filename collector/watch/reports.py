"""Incidents to bundles, one after another, and what waits in the spool to its receiver."""

from __future__ import annotations

import logging
import random
import shutil
import tempfile
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from collector.deliver.backoff import Backoff
from collector.errors import NOT_DELIVERED, USAGE
from collector.model import iso, moment_of
from collector.watch.children import Child, Ended
from collector.watch.incident import Incident, Notice

log = logging.getLogger(__name__)

#: Incidents that wait for their bundle; of more, the bundle of the newest is also that of the oldest.
_MOST_WAITING = 20
#: A collect that fails without a verdict is tried so often.
_TRIES = 3
_AGAIN_SECONDS = 30.0
#: One whose bundle the spool has no room for, for an hour.
_STRAY_TRIES, _STRAY_SECONDS = 12, 300.0
_URGENT_SECONDS = 600.0
#: The spool is looked into so often.
_LOOK_SECONDS = 10.0
#: How long what could not be delivered waits for the next try.
_SENDING = Backoff(base=30.0, cap=1_800.0)


@dataclass(frozen=True, slots=True)
class Reported:
    """What came of one incident."""

    time: datetime
    title: str
    verdict: str  # "" where no run gave one
    bundle: str | None
    delivered: datetime | None  # UTC, when it was received
    error: str


@dataclass(slots=True)
class _Job:
    incident: Incident
    tries: int = 0
    not_before: float = 0.0


class Reports:
    """At most one process collects and one sends at a time. `poll` moves them on; nothing here waits."""

    def __init__(
        self,
        spool: Path,
        collect: Sequence[str],
        upload: Sequence[str],
        environ: Mapping[str, str],
        *,
        sends: bool,
        chance: Callable[[], float] = random.random,
        start: Callable[[str, Sequence[str], Mapping[str, str]], Child] = Child,
    ) -> None:
        """`collect`, `upload`: arguments of these commands; `environ` of both. `sends`: whether there is a receiver."""
        self._spool = spool
        self._collect, self._upload = tuple(collect), tuple(upload)
        self._environ = dict(environ)
        self._sends = sends
        self._chance = chance
        self._start = start
        self._jobs: deque[_Job] = deque()
        self._collecting: tuple[_Job, Child] | None = None
        self._sending: Child | None = None
        self._attempts = 0
        self._send_at = self._urgent_until = 0.0
        self._looked_at = float("-inf")
        self.send_error = ""

    @property
    def waiting(self) -> tuple[Incident, ...]:
        """Incidents that have no bundle yet, the one that is being collected first."""
        current = (self._collecting[0].incident,) if self._collecting else ()
        return (*current, *(job.incident for job in self._jobs))

    @property
    def is_busy(self) -> bool:
        return self._collecting is not None or self._sending is not None

    def add(self, incident: Incident) -> None:
        if len(self._jobs) >= _MOST_WAITING:
            left = self._jobs.popleft().incident
            log.warning("too many incidents at once: %s gets no bundle of its own", left.title)
            told = (*incident.notices, *_one_for_each_key(left))
            incident = replace(incident, start=min(incident.start, left.start), notices=told)
        self._jobs.append(_Job(incident))

    def send_now(self, at: float) -> None:
        """For some minutes nothing waits for anything: what lies in the spool is sent while another is collected."""
        self._send_at, self._urgent_until = 0.0, at + _URGENT_SECONDS
        self._looked_at = float("-inf")

    def poll(self, at: float, *, may_start: bool = True) -> tuple[tuple[Incident, Reported], ...]:
        """Starts what is due, if it may, and tells what ended. `at`: monotonic seconds."""
        may_start = may_start or at < self._urgent_until
        done = self._poll_collector(at)
        self._poll_sender(at)
        if may_start:
            self._start_collector(at)
            self._start_sender(at)
        return done

    def stop(self) -> None:
        """Ends what runs; it is begun anew at the next start."""
        for child in (self._collecting[1] if self._collecting else None, self._sending):
            if child is not None:
                child.stop()
        self._collecting = self._sending = None

    def _start_collector(self, at: float) -> None:
        is_urgent = at < self._urgent_until
        job = next((one for one in self._jobs if is_urgent or one.not_before <= at), None)
        if self._collecting is not None or job is None:
            return
        self._jobs.remove(job)
        since = ["--since", iso(job.incident.start) or ""]
        hanging = [part for name in job.incident.hanging for part in ("--hanging", name)]
        known = ["--incident", job.incident.mark] if job.incident.mark else []
        asked = [*since, *hanging, *known, "--trigger", job.incident.title, "--format", "json"]
        arguments = ["collect", *self._collect, *asked]
        try:
            self._collecting = job, self._start("collect", arguments, self._environ)
        except OSError as error:
            log.warning("no process can be started to collect: %s", error)
            self._put_back(job, at)

    def _poll_collector(self, at: float) -> tuple[tuple[Incident, Reported], ...]:
        if self._collecting is None or (ended := self._collecting[1].ended()) is None:
            return ()
        job = self._collecting[0]
        self._collecting = None
        self._looked_at = float("-inf")
        if not ended.document and ended.exit_code != USAGE and job.tries + 1 < _TRIES:
            log.warning("collecting ended with %s: %s", ended.exit_code, ended.error)
            self._put_back(job, at)
            return ()
        if (stray := self._stray(ended)) is not None and job.tries + 1 < _STRAY_TRIES:
            log.warning("the spool took no bundle; it is made again later: %s", job.incident.title)
            shutil.rmtree(stray, ignore_errors=True)
            self._put_back(job, at, _STRAY_SECONDS)
            return ()
        reported = _reported(job.incident, ended)
        if ended.exit_code == NOT_DELIVERED:
            self._delay_sending(at, reported.error)
        return ((job.incident, reported),)

    def _stray(self, ended: Ended) -> Path | None:
        """The temporary folder in which a bundle lies that was not delivered and that the spool had no room for."""
        bundle, delivery = ended.document.get("bundle"), ended.document.get("delivery")
        if not isinstance(bundle, dict) or not isinstance(delivery, dict) or delivery.get("received"):
            return None
        folder = Path(str(bundle.get("path"))).parent
        is_ours = folder.parent.name.startswith("vmext-") and folder.parent.parent == Path(tempfile.gettempdir())
        return folder.parent if folder != self._spool and is_ours else None

    def _put_back(self, job: _Job, at: float, seconds: float = _AGAIN_SECONDS) -> None:
        job.tries += 1
        job.not_before = at + seconds
        self._jobs.appendleft(job)

    def _poll_sender(self, at: float) -> None:
        if self._sending is None or (ended := self._sending.ended()) is None:
            return
        self._sending = None
        if ended.exit_code == 0:
            self._attempts, self.send_error = 0, ""
        else:
            self._delay_sending(at, ended.error)

    def _start_sender(self, at: float) -> None:
        is_due = self._sends and self._sending is None and at >= self._send_at
        is_free = self._collecting is None or at < self._urgent_until
        if not (is_due and is_free and self._has_waiting(at)):
            return
        try:
            self._sending = self._start("upload", ["upload", *self._upload], self._environ)
        except OSError as error:
            self._delay_sending(at, str(error))

    def _delay_sending(self, at: float, error: str) -> None:
        self._attempts += 1
        self._send_at = at + 1.0 + _SENDING.delay(self._attempts, self._chance)
        self.send_error = error

    def _has_waiting(self, at: float) -> bool:
        """Looked at now and then, and after each collect."""
        if at < self._looked_at + _LOOK_SECONDS:
            return False
        self._looked_at = at
        try:
            return any(file.suffix == ".zip" for file in self._spool.iterdir())
        except OSError:
            return False


def _one_for_each_key(incident: Incident) -> Iterator[Notice]:
    """So that an incident into which many went stays small."""
    return (next(notice for notice in incident.notices if notice.key == key) for key in incident.keys)


def _reported(incident: Incident, ended: Ended) -> Reported:
    document = ended.document
    bundle, delivery = document.get("bundle"), document.get("delivery")
    error = delivery.get("error") if isinstance(delivery, dict) else ended.error
    return Reported(
        time=incident.notices[0].time,
        title=incident.title,
        verdict=str(document.get("verdict", "")),
        bundle=str(bundle.get("id")) if isinstance(bundle, dict) else None,
        delivered=moment_of(delivery.get("received")) if isinstance(delivery, dict) else None,
        error=str(error or ""),
    )
