"""A local stamp whose zone nothing tells is settled by a stamp with Z of the same event on the same disk."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta, timezone

from collector.extract.signals import Signal
from collector.model import WIDEST, Record

#: Two stamps tell of one event when they differ by a zone's offset to within this.
_SAME_EVENT = timedelta(seconds=4)
_QUARTER = timedelta(minutes=15)


def offset_between(local: datetime, utc: datetime) -> timedelta | None:
    """The zone's offset if `local` and `utc` can be one event, else None."""
    difference = local.replace(tzinfo=timezone.utc) - utc
    offset = round(difference / _QUARTER) * _QUARTER
    if abs(difference - offset) <= _SAME_EVENT and abs(offset) <= WIDEST:
        return offset
    return None


def settle(signals: Sequence[Signal]) -> Mapping[str, timedelta]:
    """Offsets by path for the logs without a zone, where the status file of the same run tells them.

    The status of a run is written with the last record of the handler's log for it, so the pair that counts
    is (the status file's time, the log's last stamp of that extension and sequence).
    """
    offsets: dict[str, timedelta] = {}
    statuses = [signal for signal in signals if signal.rule == "status-file" and signal.time and signal.time.tzinfo]
    for path in {signal.path for signal in signals if signal.time and signal.time.tzinfo is None}:
        here = [signal for signal in signals if signal.path == path and signal.time and signal.time.tzinfo is None]
        for status in statuses:
            last = _last_of_run(here, status)
            if last is None or last.time is None or status.time is None:
                continue
            offset = offset_between(last.time, status.time)
            if offset is not None:
                offsets[path] = offset
    return offsets


def _last_of_run(signals: Iterable[Signal], status: Signal) -> Signal | None:
    of_run = [
        signal
        for signal in signals
        if signal.extension == status.extension and signal.sequence in (None, status.sequence) and signal.time
    ]
    return max(of_run, key=lambda signal: (signal.time, signal.line), default=None)


def shift(moment: datetime | None, offset: timedelta) -> datetime | None:
    """A local time to UTC by its zone's offset."""
    return moment if moment is None or moment.tzinfo else (moment - offset).replace(tzinfo=timezone.utc)


def settled(signals: Sequence[Signal], offsets: Mapping[str, timedelta]) -> list[Signal]:
    """The signals with the settled times."""
    return [
        replace(signal, time=shift(signal.time, offsets[signal.path])) if signal.path in offsets else signal
        for signal in signals
    ]


def shifted(record: Record, offsets: Mapping[str, timedelta]) -> Record:
    """The record with its time settled."""
    if record.path not in offsets:
        return record
    return replace(record, time=shift(record.time, offsets[record.path]), basis="zone", sure="medium")
