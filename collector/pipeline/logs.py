"""The second pass over the logs: everything in the window."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta, tzinfo

from collector.discover.rotation import rotated_sets
from collector.extract import window as windows
from collector.extract.events import EventKeeper
from collector.extract.excerpts import ExcerptKeeper, renumbered
from collector.extract.signals import of_record
from collector.model import LedgerEntry, Source, Window, moved
from collector.pipeline.ledger import entry_of, note_of
from collector.pipeline.log import AGENT_LOGS, Log, Wanted
from collector.pipeline.reading import Reading
from collector.pipeline.request import Progress, Request
from collector.pipeline.rotated import overlapping

#: Of what lies in the window so much is read whole; of the rest, only records that may tell of an operation.
_WHOLE_BYTES = 4_000_000
#: A handler tells the sequence number when it starts a script, which may run for 90 minutes before it fails.
_CONTEXT = timedelta(hours=2)
#: What a log of healthy operations says.
_WELL = frozenset({"end", "goal"})


def read_window(
    logs: Sequence[Source], zone: tzinfo | None, window: Window, request: Request, progress: Progress
) -> Reading:
    """The records of the window: their signals, events and excerpts, and the ledger of every log."""
    reading = Reading()
    progress.begin(len(logs))
    for members in rotated_sets(logs):
        for source, reason in overlapping(members, zone, window.start, window.end):
            progress(source)
            if reason:
                reading.ledger[source.path] = _not_read(source, reason)
                reading.not_read.add(source.path)
            else:
                _read(reading, source, zone, window, request)
    return reading


def _read(reading: Reading, source: Source, zone: tzinfo | None, window: Window, request: Request) -> None:
    start = window.start
    if start is not None and (source.format not in AGENT_LOGS or request.window is not None):
        start = moved(start, -_CONTEXT)
    log = Log(source, zone, Wanted(start, window.end, None, _WHOLE_BYTES), request.bytes_per_source)
    keeper = ExcerptKeeper(source.path)
    total = inside = 0
    is_well = True  # nothing but operations that ended well: no one has to read about them
    events = EventKeeper()
    for record in log:
        total += 1
        signals = of_record(record)
        if source.format in AGENT_LOGS:
            reading.agent = reading.agent.learn(record)
        if not windows.may_hold(window, record):
            reading.keep(signal for signal in signals if signal.kind in ("settings", "goal"))
            continue
        inside += 1
        reading.keep(signals)
        tells = [signal for signal in signals if signal.kind not in ("settings", "goal-end")]
        keeper.add(record, tells=bool(tells))
        if tells:
            events.add(record)
            is_well = is_well and all(signal.kind in _WELL for signal in tells)
    told = [] if is_well else events.records()
    excerpt = None if is_well else keeper.excerpt()
    real = reading.number(source.path, log) if total else None
    if real is not None:
        told = [replace(record, line=real(record.line)) for record in told]
        excerpt = renumbered(excerpt, real) if excerpt else None
    reading.events.append(told)
    reading.events_seen += 0 if is_well else events.seen
    if excerpt is not None:
        reading.excerpts.append(excerpt)
    reading.ledger[source.path] = entry_of(source, log.reader, total, inside, excerpt, log.format)


def _not_read(source: Source, reason: str) -> LedgerEntry:
    note = note_of(source, f"not read: {reason}")
    return LedgerEntry(source.path, source.kind, "outside-window", source.size, format=source.format, note=note)
