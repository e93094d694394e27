"""The first pass over the logs: what they say of operations, to find the window and what came of it later."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, tzinfo

from collector.discover.rotation import rotated_sets
from collector.extract import window as windows
from collector.extract.rules import SignalKind
from collector.extract.signals import of_record
from collector.model import LAST, Failure, Source, Window, moved, order
from collector.parse.stamps import after_fold
from collector.pipeline.log import AGENT_LOGS, Log, Wanted
from collector.pipeline.reading import Reading
from collector.pipeline.request import Request
from collector.pipeline.rotated import overlapping

#: Where no state file tells of a failure, so much of a log's end is surveyed at first: a day of an agent that writes
#: 150 bytes a second, months of one with little to do.
_TAIL_BYTES = 16_000_000
#: And so much where the window was asked for: it tells the agent's version.
_SHORT_TAIL_BYTES = 1_000_000
#: A packed log is at least so many times as long when it is unpacked.
_PACKED = 10
#: The agent tells the sequence number and the goal state shortly before it starts a handler.
_LEAD = timedelta(minutes=10)
_FAILING: tuple[SignalKind, ...] = ("failure", "hang")
#: The window grows by what is found in it, and is surveyed again; no disk needs more rounds.
_MOST_ROUNDS = 4

#: The failures that the state files and the signals of a reading tell of.
Evidence = Callable[[Reading], Sequence[Failure]]


@dataclass(slots=True)
class Survey:
    """Surveys ever more of the logs until a window is found."""

    logs: Sequence[Source]
    zone: tzinfo | None
    request: Request
    evidence: Evidence
    reading: Reading = field(default_factory=Reading)

    def window(self) -> Window | None:
        """From the state files, then the agent's logs, then the others, of each the end; then from all, whole."""
        agent = [source for source in self.logs if source.format in AGENT_LOGS]
        others = [source for source in self.logs if source not in agent]
        if self.request.window is not None:
            self._read(agent, _SHORT_TAIL_BYTES)
            return self.request.window
        told = windows.standing(self.evidence(self.reading))
        if told and all(failure.last_time is not None for failure in told):
            window = windows.of_evidence(told, self.request.margin)
            return self._settled(agent, window) if window is not None else None
        for logs in (agent, others):
            self._read(logs, _TAIL_BYTES)
            failures = self.evidence(self.reading)
            if logs is agent and not windows.standing(failures):
                continue  # what the agent did well in the end may have failed in the handler's own log
            if (window := self._window_of(failures)) is not None:
                surveyed = agent if logs is agent else [*agent, *others]
                return self._settled(surveyed, window) if self._is_cut(window) else window
        if self.reading.oldest:
            self._again(self.logs, None)
        return self._told()

    def _told(self) -> Window | None:
        return self._window_of(self.evidence(self.reading))

    def _window_of(self, failures: Sequence[Failure]) -> Window | None:
        window = windows.of_evidence(failures, self.request.margin)
        if window is None or window.end is None:
            return window
        return replace(window, end=after_fold(window.end, self.zone))

    def _settled(self, logs: Sequence[Source], window: Window) -> Window:
        """The window after the logs were surveyed from its beginning on; once more if that makes it longer."""
        failures = self.evidence(self.reading)
        for _ in range(_MOST_ROUNDS):
            seen = _held(failures, window)
            self._again(logs, _since(window) if self._fails_before(logs, window) else window.start)
            failures = self.evidence(self.reading)
            if not seen <= _held(failures, window):  # stamps are not in order: it does not lie where they tell
                self._again(self.logs, None)
                return self._told() or window
            found = self._window_of(failures) or window
            if found.start is None or (window.start is not None and found.start >= window.start):
                return found
            window = found
        return window

    def _fails_before(self, logs: Sequence[Source], window: Window) -> bool:
        """Whether the logs tell of a failure in the day before the window: a look for few and rare words."""
        since = _since(window)
        if since is None or window.start is None or since >= window.start:
            return False
        before = Survey(logs, self.zone, self.request, self.evidence)
        before._read(logs, self.request.bytes_per_source, Wanted(since, window.start, whole_bytes=0, kinds=_FAILING))
        return any(signal.kind in _FAILING for signal in before.reading.signals)

    def _is_cut(self, window: Window) -> bool:
        """Whether the ends of the logs that were surveyed do not reach back over the window and the day before."""
        since = _since(window)
        return any(since is None or order(moment) > since for moment in self.reading.oldest.values())

    def _again(self, logs: Sequence[Source], start: datetime | None) -> None:
        since = moved(start, -_LEAD) if start is not None else None
        self.reading = Reading()
        self._read(logs, self.request.bytes_per_source, Wanted(since, whole_bytes=0))

    def _read(self, logs: Sequence[Source], most_bytes: int, wanted: Wanted | None = None) -> None:
        """Surveys what is wanted of the newest files that have so many bytes; unless told, of each set its end."""
        for members in rotated_sets(logs):
            start = wanted.start if wanted else None
            able = [source for source, reason in overlapping(members, self.zone, start, None) if not reason]
            chosen = _newest(able, most_bytes)
            for position, (source, room) in enumerate(chosen):
                log = self._survey(source, wanted or Wanted(tail_bytes=room, whole_bytes=0))
                is_partial = log.reader.is_partial or len(chosen) < len(members)
                if wanted is None and position == 0 and is_partial:
                    # without any stamp nothing tells how far back it reaches
                    self.reading.oldest[source.path] = log.first or LAST

    def _survey(self, source: Source, wanted: Wanted) -> Log:
        reading = self.reading
        log = Log(source, self.zone, wanted, self.request.bytes_per_source)
        for record in log:
            if record.basis != "file":
                reading.see(record.time)
            if source.format in AGENT_LOGS:
                reading.agent = reading.agent.learn(record)
            reading.keep(of_record(record))
        reading.number(source.path, log)
        return log


def _newest(files: Sequence[Source], most_bytes: int) -> list[tuple[Source, int]]:
    """The newest files of a set that together have so many bytes, oldest first, and how much of each end."""
    chosen: list[tuple[Source, int]] = []
    room = most_bytes
    for source in reversed(files):
        if room <= 0:
            break
        chosen.insert(0, (source, room))
        room -= source.size * (_PACKED if source.path.lower().endswith(".gz") else 1)
    return chosen


def _since(window: Window) -> datetime | None:
    """From where on failures may belong to the incident of the window."""
    if window.start is None or window.end is None:
        return window.start
    return min(window.start, moved(window.end, -windows.TOGETHER))


def _held(failures: Sequence[Failure], window: Window) -> set[tuple[str, str | None]]:
    """The extensions of the failures in the window."""
    return {(failure.extension, failure.name) for failure in windows.touching(failures, window)}
