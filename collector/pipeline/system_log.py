"""What the system's own logs tell of the time of a failure: kills for memory, restarts, full disks, clock steps.

Read only where there is a failure, and only the part of each log that the window needs.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone, tzinfo
from pathlib import Path

from collector.discover.agent_conf import agent_folders
from collector.discover.boots import PLACE, boots, record_size
from collector.discover.rotation import rotated_sets
from collector.discover.tree import Tree, shown
from collector.extract.window import may_contain
from collector.model import Line, Source, System, SystemEvent, Window, moved, order
from collector.parse.system_log import WORDS, bounds_near, distinct, event_in, stamp_of
from collector.platforms import current
from collector.read.gaps import DISORDER
from collector.read.lines import LineReader, Selection
from collector.read.words import Words

log = logging.getLogger(__name__)

#: Of one log so many bytes are read at most, and of wtmp so many of its end.
_MOST_BYTES, _MOST_WTMP = 50_000_000, 1_048_576
#: Of events of one kind in one log the first and the last.
_FIRST, _LAST = 10, 10
_SYSTEM_LOGS = ("var/log/syslog", "var/log/messages", "var/log/kern.log")
_CLOUD_INIT = "var/log/cloud-init.log"  # its stamps are UTC (canonical/cloud-init:cloudinit/log)
_FULL = frozenset({"disk-full"})
_AGENT = frozenset({"agent-start", "agent-stop"})
_JOURNALS = ("var/log/journal/*/*.journal", "run/log/journal/*/*.journal")
_ROTATED = ("", ".[0-9]*", "-[0-9]*")


@dataclass(frozen=True, slots=True)
class Told:
    """`note`: why the events may not be all."""

    events: tuple[SystemEvent, ...]
    note: str = ""


@dataclass(slots=True)
class _Kept:
    """The first and the last events of each kind."""

    first: dict[str, list[SystemEvent]] = field(default_factory=dict)
    last: dict[str, deque[SystemEvent]] = field(default_factory=dict)

    def add(self, event: SystemEvent) -> None:
        first = self.first.setdefault(event.kind, [])
        if len(first) < _FIRST:
            first.append(event)
        else:
            self.last.setdefault(event.kind, deque(maxlen=_LAST)).append(event)

    def events(self) -> list[SystemEvent]:
        return [event for group in (*self.first.values(), *self.last.values()) for event in group]


def system_events(
    root: Path,
    system: System,
    window: Window,
    zone: tzinfo | None,
    *,
    live: bool,
    now: datetime,
    asked: Sequence[Source] = (),
) -> Told:
    """The events of the window, in the order of time. `zone`: of stamps without one, None where unknown. `asked`: the
    event logs that Windows was asked for."""
    tree = Tree(root, fold=system == "windows")
    near = order(window.end or window.start or now)
    events: list[SystemEvent] = []
    for members, kinds in (*_logs(tree, system), (asked, _AGENT)):
        for source in members:
            kept = _Kept()
            for event in _read(source, window, timezone.utc if kinds is _FULL else zone, near):
                if kinds is None or event.kind in kinds:
                    kept.add(event)
            events += kept.events()
    note = ""
    if system == "linux":
        events += (event for event in _boots(tree) if may_contain(window, event.time))
        if not any(next(_files(tree, base), None) for base in _SYSTEM_LOGS[:2]):
            told, note = _journal(tree, window, near, live=live)
            events += told
    return Told(tuple(distinct(events)), note)


def _logs(tree: Tree, system: System) -> Iterator[tuple[Sequence[Source], frozenset[str] | None]]:
    """The files of each log, oldest first, with the kinds of events that count there (None: all)."""
    wanted: dict[str, frozenset[str] | None]
    if system == "windows":
        wanted = {"WindowsAzure/Logs/WaAppAgent": _AGENT}
    else:
        wanted = {**dict.fromkeys(_SYSTEM_LOGS), _CLOUD_INIT: _FULL, agent_folders(tree)["agentlog"]: _AGENT}
    for base, kinds in wanted.items():
        for members in rotated_sets(_files(tree, base)):
            yield [member.source for member in members], kinds


def _files(tree: Tree, base: str) -> Iterator[Source]:
    patterns = (f"{base}*.log",) if base.startswith("WindowsAzure") else tuple(base + ending for ending in _ROTATED)
    for pattern in patterns:
        for path in tree.glob(pattern):
            file = tree.resolve(path)
            if file is not None:
                yield Source(shown(path), file, "log")


def _read(source: Source, window: Window, zone: tzinfo | None, near: datetime) -> Iterator[SystemEvent]:
    """The events of a file that lie in the window; nothing where its first stamp lies behind the window."""
    bounds = bounds_near(near, zone)

    def choose(first: Sequence[Line]) -> Selection:
        begins = next((found for line in first if (found := bounds(line.text))), None)
        is_later = begins is not None and window.end is not None and moved(begins[0], -DISORDER) > order(window.end)
        return Selection(
            bounds, _utc(window.start), _utc(window.end), words=Words(WORDS), tail_bytes=0 if is_later else None
        )

    reader = LineReader(source, choose=choose, limit_bytes=_MOST_BYTES)
    events = []
    for line in reader:
        stamp = stamp_of(line.text, near, zone)
        if stamp is not None and may_contain(window, stamp.moment):
            event = event_in(line.text, stamp.moment, source.path, line.number)
            events += [event] if event else []
    if reader.outcome not in ("read", "empty", "outside-window"):
        log.info("%s: %s %s", source.path, reader.outcome, reader.note)
    if events and reader.is_partial:
        real = reader.numbers() if reader.knows_numbers else lambda number: 0
        events = [replace(event, line=real(event.line)) for event in events]
    yield from events


def _utc(moment: datetime | None) -> datetime | None:
    return order(moment) if moment is not None else None


def _boots(tree: Tree) -> Iterator[SystemEvent]:
    """By wtmp, of which a busy machine's may be large: only its end is read."""
    file = tree.resolve(PLACE)
    size = record_size(tree.read(PLACE, 4_096) or b"")
    if file is None or not size:
        return
    try:
        total = file.stat().st_size // size
        skipped = max(0, total - _MOST_WTMP // size)
        with file.open("rb") as stream:
            stream.seek(skipped * size)
            data = stream.read(_MOST_WTMP)
    except OSError as error:
        log.info("%s: %s", PLACE, error)
        return
    yield from boots(data, skipped)


def _journal(tree: Tree, window: Window, near: datetime, *, live: bool) -> tuple[list[SystemEvent], str]:
    """Where the system keeps no log files: its journal, which only a running system can be asked for."""
    is_kept = any(next(tree.glob(pattern), None) for pattern in _JOURNALS)
    if not live:
        place = "var/log/journal" if is_kept else ""
        return [], f"the system's own log is the journal in {place}, which was not read" if place else ""
    answer = current().journal(_utc(window.start), _utc(window.end))
    if answer is None:
        return [], "the system's journal could not be asked" if is_kept else ""
    kept = _Kept()
    for text in answer.splitlines():
        stamp = stamp_of(text, near, None)
        event = event_in(text, stamp.moment if stamp else None) if stamp is not None else None
        if event is not None and may_contain(window, event.time):
            kept.add(event)
    return kept.events(), ""
