"""Windows' event logs as sources: what the running machine answers is read as a log; of a disk they are not read."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

from collector.data.event_channels import LOGS, EventChannel, event_channels
from collector.discover.scan import Scan
from collector.discover.tree import Tree
from collector.model import LedgerEntry, Outcome, Remains, Source, Window, iso, moved, order
from collector.parse.windows_event import events_in, lines_of, text_of
from collector.pipeline.ledger import EVENTS
from collector.platforms import current
from collector.platforms.host import Host

log = logging.getLogger(__name__)

#: Events asked for of one log, from how far back where no window was asked for, and how much before one.
MOST_EVENTS = 1_000
_BACK, _BEFORE = timedelta(days=7), timedelta(hours=2)
#: Seconds for all logs together; those that are left then are not asked.
_LONGEST = 30.0
#: Errors of Windows (Microsoft, system error codes).
_DENIED, _NO_CHANNEL = 5, 15_007
_NOT_READ = "event logs are read on the running machine alone; Get-WinEvent -Path shows this one"


@dataclass(frozen=True, slots=True)
class _Asked:
    """`text`: the lines of a log, oldest first. `note`: which, and what is not among them."""

    text: str
    is_whole: bool
    note: str


def with_event_logs(
    found: Scan,
    root: Path,
    window: Window | None,
    now: datetime,
    host: Host | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Scan:
    """What was found and the event logs of a Windows disk, each a source or an entry that says why it is none.

    `window`: what was asked for, None where the evidence is to tell it.
    """
    host = host or current()
    tree = Tree(root, fold=True)
    is_own = host.system == "windows" and root.resolve() == host.root().resolve()
    until = clock() + _LONGEST
    sources: list[Source] = []
    entries: list[LedgerEntry] = []
    channels = [channel for channel in event_channels() if _is_there(tree, channel)]
    if not channels:
        none = LedgerEntry(
            f"{LOGS}/*.evtx", "log", "missing", format=EVENTS, note="no event log of the table lies there"
        )
        return replace(found, unfound=(*found.unfound, none))
    for channel in event_channels():
        if channel not in channels:
            entries.append(_entry(channel, "missing", "this machine has no such event log"))
        elif not is_own:
            entries.append(_entry(channel, "skipped", _NOT_READ))
        elif clock() > until:
            entries.append(_entry(channel, "truncated", "not asked: the event logs before it took too long"))
        else:
            told = _ask(channel, window, now, host)
            if isinstance(told, LedgerEntry):
                entries.append(told)
            else:
                sources.append(_source(channel, tree, told, now))
    together = sorted([*found.sources, *sources], key=lambda source: source.path)
    return replace(found, sources=tuple(together), unfound=(*found.unfound, *entries))


def _is_there(tree: Tree, channel: EventChannel) -> bool:
    """A log in a folder that is closed counts: asking for it tells more."""
    file = tree.resolve(channel.path)
    try:
        if file is not None:
            file.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True
    return file is not None


def _ask(channel: EventChannel, window: Window | None, now: datetime, host: Host) -> _Asked | LedgerEntry:
    start, end = _frame(window, now)
    answer = host.event_log(channel.channel, query(channel, start, end), MOST_EVENTS)
    if answer is None:
        return _entry(channel, "denied", "Windows' program for event logs can't be started")
    if answer.code == _NO_CHANNEL:
        return _entry(channel, "missing", "this machine has no such event log")
    if answer.code == _DENIED:
        return _entry(channel, "denied", "no permission to read the event log")
    if answer.code and not answer.data:
        return _entry(
            channel, "denied", f"the event log was not read: Windows' program for it ended with {answer.code}"
        )
    total = broken = 0
    wanted: list[str] = []
    for event in events_in(text_of(answer.data)):
        total += 1
        broken += event is None
        if event is not None and channel.tells(event.message):
            wanted.append(lines_of(event))
    notes = [f"asked of Windows: {len(wanted)} events since {iso(start)}"]
    is_cut = total >= MOST_EVENTS or answer.code is None
    notes += [f"older ones were not asked for: only the newest {total}"] if is_cut else []
    notes += [f"{broken} could not be read"] if broken else []
    return _Asked("".join(reversed(wanted)), not is_cut, "; ".join(notes))


def _source(channel: EventChannel, tree: Tree, told: _Asked, now: datetime) -> Source:
    data = told.text.encode("utf-8", "replace")
    remains = Remains(lambda: data, told.is_whole, told.note)
    return Source(
        channel.path, tree.root / channel.path, "log", EVENTS, size=len(data), modified=now.timestamp(), remains=remains
    )


def _frame(window: Window | None, now: datetime) -> tuple[datetime, datetime | None]:
    start = order(window.start) if window is not None and window.start is not None else None
    end = order(window.end) if window is not None and window.end is not None else None
    return (moved(start, -_BEFORE) if start is not None else moved(now, -_BACK)), end


def query(channel: EventChannel, start: datetime, end: datetime | None) -> str:
    """What is asked of the log, in the XPath that Windows knows (Microsoft, Consuming Events)."""
    return f"*[System[{' and '.join(_conditions(channel, start, end))}]]"


def _conditions(channel: EventChannel, start: datetime, end: datetime | None) -> Iterator[str]:
    if channel.condition:
        yield channel.condition
    until = f" and @SystemTime<='{_stamp(end)}'" if end is not None else ""
    yield f"TimeCreated[@SystemTime>='{_stamp(start)}'{until}]"


def _stamp(moment: datetime) -> str:
    return f"{moment.astimezone(timezone.utc).replace(tzinfo=None, microsecond=0).isoformat()}.000Z"


def _entry(channel: EventChannel, outcome: Outcome, note: str) -> LedgerEntry:
    return LedgerEntry(channel.path, "log", outcome, format=EVENTS, note=note)
