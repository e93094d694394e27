"""One turn of the resident agent after another: what changed, what it says, what follows from it."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol

from collector.config import WatchConfig
from collector.extract.signals import Signal
from collector.redact.redactor import Redactor
from collector.watch.agent_life import AgentLife
from collector.watch.agent_processes import AgentProcesses
from collector.watch.console import Console
from collector.watch.incident import Incidents, Notice
from collector.watch.judging import Judge
from collector.watch.limits import CpuShare
from collector.watch.notebook import Notebook
from collector.watch.notices import heartbeats
from collector.watch.reports import Reported, Reports
from collector.watch.scheduled import Event
from collector.watch.sources import Sources
from collector.watch.usage import cpu_seconds
from collector.watch.waking import Changes, Waker

log = logging.getLogger(__name__)

#: The longest sleep: signals of the system are answered after it at the latest.
_LONGEST_WAIT = 1.0
#: While a child runs, it is looked at so often.
_CHILD_WAIT = 0.2
#: What was read is kept, and the checkpoint goes on, so often.
SETTLE_SECONDS = 5.0
#: Everything is looked at so often, whatever events tell: some get lost.
_SWEEP_SECONDS = 15.0
_AGENT_SECONDS = 30.0
#: Who is behind for longer tells of hangs all the same.
_LONGEST_BEHIND = 60.0
#: Bytes of each log in one turn, and where memory is short.
_MOST_BYTES, _LEAST_BYTES = 1_048_576, 65_536
_MOST_REPORTED = 20


class Clock(Protocol):
    def monotonic(self) -> float: ...

    def now(self) -> datetime: ...

    def sleep(self, seconds: float) -> None: ...


@dataclass(slots=True)
class Loop:
    """The parts, and `turn`. `announce` is for other threads, everything else for one."""

    clock: Clock
    config: WatchConfig
    sources: Sources
    judge: Judge
    incidents: Incidents
    reports: Reports
    waker: Waker
    agent: AgentLife
    share: CpuShare
    redactor: Redactor
    folders: Callable[[], Mapping[Path, bool]]
    notebook: Notebook
    agent_processes: AgentProcesses | None = None  # None: on a disk of which only the files tell
    console: Console | None = None
    tell: Callable[[str], None] = lambda text: None  # is given redacted text
    reported: deque[Reported] = field(default_factory=lambda: deque(maxlen=_MOST_REPORTED))
    most_bytes: int = _MOST_BYTES
    said: int = 0  # how often something was told
    standing: tuple[str, ...] = ()  # warnings that hold as long as this loop
    _events: deque[Event] = field(default_factory=deque)
    _settled_at: float = 0.0
    _swept_at: float = 0.0
    _agent_at: float = 0.0
    _caught_up_at: float = 0.0
    _is_unsettled: bool = False

    def start(self) -> None:
        """The first look: what is known from before, what is there, and what goes on already."""
        self.notebook.recall()
        self._settled_at = self._swept_at = self._agent_at = self.clock.monotonic()
        self._scan()
        self._swept_at = float("-inf")  # what came while we were away

    def turn(self) -> None:
        owed = self.share.pause(self.clock.monotonic(), *cpu_seconds())
        if owed > 0:
            self.clock.sleep(min(_LONGEST_WAIT, owed))
        else:
            self._look()
        self._look_after_agent(self.clock.monotonic())
        self._report()
        if self._is_unsettled and self.clock.monotonic() - self._settled_at >= SETTLE_SECONDS:
            self.settle()

    def announce(self, event: Event) -> None:
        """What is to be answered in the next turn, which begins at once."""
        self._events.append(event)
        self.waker.wake()

    def settle(self, *, everything: bool = False) -> None:
        """Keeps what was read and noticed on the disk."""
        self.sources.settle(everything=everything, remember=self.notebook.remember)
        self._is_unsettled = False
        self._settled_at = self.clock.monotonic()

    def unsaved(self) -> None:
        """What was written is gone: everything is written again when it is kept next."""
        self.notebook.unsaved()
        self.sources.unsaved()

    def forget(self) -> None:
        """Lets go of what is only remembered."""
        self.settle()
        self.redactor.forget()

    def read_less(self) -> None:
        """A quarter of what was read at a time so far, where memory is short."""
        self.most_bytes = max(_LEAST_BYTES, self.most_bytes // 4)

    def read_as_usual(self) -> None:
        self.most_bytes = _MOST_BYTES

    def stop(self) -> None:
        """Ends with everything that was read kept; what has no bundle yet gets it after the next start."""
        self._read()
        self.settle(everything=True)
        self.reports.stop()
        self.waker.close()
        self.sources.close()

    def warnings(self) -> Iterator[str]:
        """What does not work as it should."""
        yield from self.standing
        yield from self.waker.notes
        if self.sources.ring_problem:
            yield self.sources.ring_problem
        if self.console is not None and self.console.problem:
            yield self.console.problem

    # ---- steps of a turn -------------------------------------------------------------------------------

    def _look(self) -> None:
        """Waits for changes and reads them: what costs most, and what waits while the share is used up."""
        changes = self.waker.wait(self._wait())
        at = self.clock.monotonic()
        self.sources.touch(changes)
        if at - self._swept_at >= _SWEEP_SECONDS:
            self._swept_at = at
            self.sources.touch(Changes(files=None))
        if not self.sources.scan_wait(self.config.scan_seconds) and not self.sources.skips_scan(
            self.waker.is_unchanged
        ):
            self._scan()
        self._read()
        self._hear(self.sources.quiet())

    def _scan(self) -> None:
        going_on = list(self.sources.scan())
        found = self.sources.found
        self.judge.know((source.extension, source.name) for source in found if source.extension)
        now = self.clock.now()
        self.judge.remember(going_on, now)
        for when in heartbeats(going_on, now):
            self.agent.heard(when)
        self.waker.follow(self.folders())

    def _read(self) -> None:
        for piece, signals in self.sources.read(self.most_bytes):
            self._is_unsettled = self._is_unsettled or piece is not None or bool(signals)
            self._hear(signals)

    def _hear(self, signals: Sequence[Signal]) -> None:
        if not signals:
            return
        now = self.clock.now()
        for when in heartbeats(signals, now):
            self.agent.heard(when)
        judged = self.judge.feed(signals, now)
        for key in judged.withdrawn:
            self.incidents.withdraw(key)
        self._notice(judged.notices)

    def _notice(self, notices: Iterable[Notice]) -> None:
        for notice in notices:
            if self.incidents.add(notice, self.clock.monotonic()):
                self._is_unsettled = True
                log.debug("a sign of it: %s %s: %s", notice.kind, notice.extension or "", notice.text)

    def _look_after_agent(self, at: float) -> None:
        if at - self._agent_at < _AGENT_SECONDS:
            return
        self._agent_at = at
        found = self.agent_processes.look() if self.agent_processes is not None else None
        self._notice(self.agent.look(found, self.clock.now()))

    def _report(self) -> None:
        at, now = self.clock.monotonic(), self.clock.now()
        if not self.sources.is_behind or at - self._caught_up_at > _LONGEST_BEHIND:
            self._notice(self.judge.due(now))  # else the end of an operation may be among what is still to be read
        if not self.sources.is_behind:
            self._caught_up_at = at
        while self._events:
            self._going(self._events.popleft(), at, now)
        due = self.incidents.due(at)
        for incident in due:
            self._say(f"noticed: {incident.title}")
            self.reports.add(incident)
        if due:
            self.settle()  # so that a restart knows of them
        done = self.reports.poll(at, may_start=not self.share.child_wait())
        for incident, reported in done:
            self.incidents.finished(incident)
            self.reported.appendleft(reported)
        if done:
            self.settle()  # so that a restart makes no second bundle
        for _, reported in done:
            self._say(_summary(reported))

    def _going(self, event: Event, at: float, now: datetime) -> None:
        """The platform takes the instance away: what there is goes out first, then what goes on is collected."""
        self._say(event.text)
        self.reports.send_now(at)
        if self.incidents.wait(at) is not None or self.judge.wait(now) is not None or self.reports.waiting:
            self._notice([event.notice(now)])

    def _say(self, text: str) -> None:
        redacted = self.redactor.text(text)
        self.said += 1
        log.info("%s", redacted)
        self.tell(redacted)
        if self.console is not None:
            self.console.say(self.redactor.text(f"vmext: {text}"))

    def _wait(self) -> float:
        """Seconds until something is to be done that no event tells."""
        if self.sources.is_behind or self._events:
            return 0.0
        at, now = self.clock.monotonic(), self.clock.now()
        waits = [
            self.sources.quiet_wait,
            self.incidents.wait(at),
            self.judge.wait(now),
            _CHILD_WAIT if self.reports.is_busy else None,
            self.sources.scan_wait(self.config.scan_seconds),
        ]
        return min([_LONGEST_WAIT, *(wait for wait in waits if wait is not None)])


def _summary(reported: Reported) -> str:
    if reported.bundle is None:
        return f"no bundle of this incident: {reported.error or 'the run gave no verdict'} ({reported.title})"
    sent = "delivered"
    if not reported.delivered:
        sent = (
            f"waits to be sent: {reported.error}" if reported.error else "stays in the spool: no receiver is configured"
        )
    return f"{reported.verdict.upper() or 'REPORTED'} bundle {reported.bundle} {sent} ({reported.title})"
