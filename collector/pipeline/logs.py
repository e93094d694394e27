"""The second pass over the logs: everything in the window."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta, tzinfo

from collector.discover.rotation import Member, rotated_sets
from collector.extract import window as windows
from collector.extract.excerpts import AFTER, BEFORE, ExcerptKeeper, renumbered
from collector.extract.signals import of_record
from collector.model import LedgerEntry, Record, Source, Window
from collector.pipeline.ledger import entry_of
from collector.pipeline.log import Log, Wanted, first_moment
from collector.pipeline.reading import Reading
from collector.pipeline.request import Progress, Request

#: Of what lies in the window so much is read whole; of the rest, only records that may tell of an operation.
_WHOLE_BYTES = 4_000_000
#: Sequence numbers and goal states are looked for so long before the window.
_CONTEXT = timedelta(hours=1)
#: Extracted records kept for events.jsonl.
_MOST_EVENTS = 5_000
#: The stamps of a log's files may be out of order by so much, as within one file.
_DISORDER = timedelta(minutes=5)


def read_window(
    logs: Sequence[Source], zone: tzinfo | None, window: Window, request: Request, progress: Progress
) -> Reading:
    """The records of the window: their signals, events and excerpts, and the ledger of every log."""
    reading = Reading()
    progress.begin(len(logs))
    for members in rotated_sets(logs):
        for source, reason in _overlapping(members, zone, window):
            progress(source)
            if reason:
                reading.ledger[source.path] = _not_read(source, reason)
            else:
                _read(reading, source, zone, window, request)
    return reading


def _read(reading: Reading, source: Source, zone: tzinfo | None, window: Window, request: Request) -> None:
    start = window.start - _CONTEXT if window.start else None
    log = Log(source, zone, Wanted(start, window.end, None, _WHOLE_BYTES, BEFORE, AFTER), request.bytes_per_source)
    keeper = ExcerptKeeper(source.path)
    total = inside = 0
    events: list[Record] = []
    for record in log:
        total += 1
        signals = of_record(record)
        if not windows.may_hold(window, record):
            reading.keep(signal for signal in signals if signal.kind in ("settings", "goal"))
            continue
        inside += 1
        reading.keep(signals)
        tells = [signal for signal in signals if signal.kind not in ("settings", "goal-end")]
        keeper.add(record, failing=frozenset() if tells else None)
        if tells and len(reading.events) + len(events) < _MOST_EVENTS:
            events.append(record)
    excerpt = keeper.excerpt()
    real = log.real_number() if total else None
    if real is not None:
        reading.number(source.path, real)
        events = [replace(record, line=real(record.line)) for record in events]
        excerpt = renumbered(excerpt, real) if excerpt else None
    reading.events += events
    if excerpt is not None:
        reading.excerpts.append(excerpt)
    reading.ledger[source.path] = entry_of(source, log.reader, total, inside, excerpt, log.format)


def _overlapping(members: Sequence[Member], zone: tzinfo | None, window: Window) -> Iterator[tuple[Source, str]]:
    """Each file of a log, oldest first, with why it is not read; empty for those that can overlap the window."""
    reasons: list[tuple[Source, str]] = []
    over = ""  # why this file and all older ones lie before the window
    for member in reversed(members):
        source = member.source
        if window.start is not None and member.until is not None and member.until + _DISORDER < window.start:
            over = over or "its name tells that it was rotated before the window"
        if over or len(members) == 1:
            reasons.append((source, over))
            continue
        begins = first_moment(source, zone)
        if begins is not None and window.end is not None and begins[0] - _DISORDER > window.end:
            reasons.append((source, "it begins after the window"))
            continue
        reasons.append((source, ""))
        if begins is not None and window.start is not None and begins[1] + _DISORDER < window.start and member.ordered:
            over = f"{source.path.rpartition('/')[2]}, which is newer, begins before the window"
    yield from reversed(reasons)


def _not_read(source: Source, reason: str) -> LedgerEntry:
    return LedgerEntry(
        source.path, source.kind, "outside-window", source.size, format=source.format, note=f"not read: {reason}"
    )
