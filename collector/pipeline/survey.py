"""The first pass over the logs: what they say of operations, to find the window and what came of it later."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, tzinfo

from collector.discover.rotation import Member, rotated_sets
from collector.extract import window as windows
from collector.extract.signals import of_record
from collector.model import Source, Window, order
from collector.pipeline.log import Log, Wanted
from collector.pipeline.reading import Reading
from collector.pipeline.request import Request

#: Formats of the guest agent's own logs: they are read first, to find the window.
AGENT_FORMATS = frozenset({"waagent", "waapp"})
#: So much of a log's end is surveyed at first: more than a day of an agent that writes 150 bytes a second.
_TAIL_BYTES = 16_000_000
#: And so much where the window was asked for: it tells the agent's version.
_SHORT_TAIL_BYTES = 1_000_000
#: A packed log is at least so many times as long when it is unpacked.
_PACKED = 10

#: The window that the signals so far speak for, None where they tell of no failure.
Evidence = Callable[[Reading], "Window | None"]


@dataclass(slots=True)
class Survey:
    """Surveys ever more of the logs until a window is found."""

    logs: Sequence[Source]
    zone: tzinfo | None
    request: Request
    evidence: Evidence
    reading: Reading = field(default_factory=Reading)

    def window(self) -> Window | None:
        """The agent's logs are asked first, then the others, of each the end; then all of them, whole."""
        asked = self.request.window
        agent = [source for source in self.logs if source.format in AGENT_FORMATS]
        others = [source for source in self.logs if source not in agent]
        if asked is not None:
            self._read(agent, _SHORT_TAIL_BYTES)
            return asked
        for logs in (agent, others):
            self._read(logs, _TAIL_BYTES)
            window = self.evidence(self.reading)
            if window is not None:
                return self._with_older(agent, logs, window)
        if not self.reading.oldest:
            return None
        self._again(self.logs, None)
        return self.evidence(self.reading)

    def _with_older(self, agent: Sequence[Source], logs: Sequence[Source], window: Window) -> Window:
        """The window once more, if the ends that were surveyed do not reach back over all that belongs to it."""
        if window.start is None or window.end is None:
            since = None
        else:
            since = min(window.start, window.end - windows.TOGETHER - self.request.margin)
        oldest = self.reading.oldest.values()
        if not any(since is None or order(moment) > since for moment in oldest):
            return window
        self._again([*agent, *(source for source in logs if source not in agent)], since)
        return self.evidence(self.reading) or window

    def _again(self, logs: Sequence[Source], since: datetime | None) -> None:
        self.reading = Reading()
        self._read(logs, self.request.bytes_per_source, since)

    def _read(self, logs: Sequence[Source], most_bytes: int, since: datetime | None = None) -> None:
        for members in rotated_sets(logs):
            chosen = _newest(members, most_bytes, since)
            for position, (source, room) in enumerate(chosen):
                log = self._survey(source, Wanted(since, tail_bytes=room, whole_bytes=0))
                if position == 0 and log.first is not None and (log.reader.is_partial or len(chosen) < len(members)):
                    self.reading.oldest[source.path] = log.first

    def _survey(self, source: Source, wanted: Wanted) -> Log:
        reading = self.reading
        log = Log(source, self.zone, wanted, self.request.bytes_per_source)
        for record in log:
            if record.basis != "file":
                reading.see(record.time)
            if source.format in AGENT_FORMATS:
                reading.agent = reading.agent.learn(record)
            reading.keep(of_record(record))
        reading.number(source.path, log.real_number())
        return log


def _newest(members: Sequence[Member], most_bytes: int, since: datetime | None) -> list[tuple[Source, int]]:
    """The newest files of a set that together have so many bytes, oldest first, and how much of each end."""
    chosen: list[tuple[Source, int]] = []
    room = most_bytes
    for member in reversed(members):
        if room <= 0 or (since is not None and member.until is not None and member.until < since):
            break
        size = member.source.size * (_PACKED if member.source.path.lower().endswith(".gz") else 1)
        chosen.insert(0, (member.source, room))
        room -= size
    return chosen
