"""The plain way to do what the read stage does: everything in memory, everything parsed, then filtered. The oracle."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta, timezone, tzinfo

from collector.model import WIDEST, Line, Record, Source
from collector.parse.registry import parse
from collector.parse.stamps import before_fold, local_bounds
from collector.read.window import Bounds

_NULS = re.compile("(\0+)")


def lines_of(text: str, line_limit: int = 65_536) -> list[Line]:
    """The lines of a decoded file without its byte-order mark."""
    out = ""
    for part in _NULS.split(text.rstrip("\0")):
        if not part.startswith("\0"):
            out += part
        elif len(part) >= 4 and out and not out.endswith("\n"):
            out += "\n"
    if "\n" not in text and "\r" in text.replace("\0", "")[:-1]:
        out = out.replace("\r\n", "\n").replace("\r", "\n")
    texts = out.split("\n")
    if not texts[-1]:
        texts.pop()
    stripped = (one.rstrip("\r") for one in texts)
    return [Line(number, one[:line_limit], len(one) > line_limit) for number, one in enumerate(stripped, start=1)]


def records_inside(
    lines: Iterable[Line],
    source: Source,
    format_name: str,
    zone: tzinfo | None,
    start: datetime | None,
    end: datetime | None,
) -> list[Record]:
    """Records of the frame; those without a time, and local ones that a zone puts into it, are kept."""
    return [record for record in parse(lines, source, format_name, zone) if is_inside(record.time, start, end)]


def is_inside(moment: datetime | None, start: datetime | None, end: datetime | None) -> bool:
    if moment is None:
        return True
    low = high = moment
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=timezone.utc)
        low, high = moment - WIDEST, moment + WIDEST
    return (start is None or high >= start) and (end is None or low <= end)


def around_folds(
    start: datetime | None, end: datetime | None, zone: tzinfo | None
) -> tuple[datetime | None, datetime | None]:
    """The frame that must be read so that the passes of a repeated hour in it can be told apart."""
    return (before_fold(start, zone) if start else None), (_after_fold(end, zone) if end else None)


def _after_fold(moment: datetime, zone: tzinfo | None) -> datetime:
    for _ in range(4):
        if zone is None:
            break
        first, second = local_bounds(moment.astimezone(zone).replace(tzinfo=None, fold=0), zone)
        if first == second:
            break
        moment = second + timedelta(hours=1)
    return moment


def sifted(lines: list[Line], words: Iterable[str], bounds: Bounds) -> list[Line]:
    """The records (from a line with a stamp to before another stamp) with a word, and the last one."""
    records = list(_grouped(lines, bounds))
    known = [word.lower() for word in words]
    wanted = [any(word in line.text.lower() for line in record for word in known) for record in records]
    return [
        line for index, record in enumerate(records) if wanted[index] or index == len(records) - 1 for line in record
    ]


def _grouped(lines: list[Line], bounds: Bounds) -> Iterator[list[Line]]:
    group: list[Line] = []
    stamp: object = None
    for line in lines:
        found = bounds(line.text)
        if found is not None and found != stamp:
            if group:
                yield group
            group, stamp = [], found
        group.append(line)
    if group:
        yield group
