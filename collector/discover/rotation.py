"""Rotated logs: which files are one log, oldest first, and until when a file was written as its name tells. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime, timedelta, timezone
from typing import NamedTuple

from collector.data.rotated import NAME, set_name
from collector.model import WIDEST, Source

#: A date alone may be that of the day before or after, in whatever zone.
_FIRST_YEAR, _LAST_YEAR = 1970, 2200
_LAST_YEAR_SECONDS = datetime(_LAST_YEAR, 1, 1, tzinfo=timezone.utc).timestamp()
_AFTER_DAY = timedelta(days=1) + WIDEST


class Member(NamedTuple):
    """One file of a rotated log. `until`: everything in it is older than that; None where its name does not tell.

    `ordered` is false where the name does not tell whether it is older than its neighbours.
    """

    source: Source
    until: datetime | None = None
    ordered: bool = True


def rotated_sets(logs: Iterable[Source]) -> tuple[tuple[Member, ...], ...]:
    """Every log with its rotated files, oldest first; a log that was never rotated is a set of one."""
    sets: dict[str, list[tuple[tuple[float, ...], Member]]] = {}
    for source in logs:
        key, member = _placed(source, NAME.fullmatch(source.path.rpartition("/")[2]))
        sets.setdefault(set_name(source.path), []).append((key, member))
    return tuple(
        tuple(member for _, member in sorted(members, key=lambda one: (one[0], one[1].source.path)))
        for members in sets.values()
    )


def _placed(source: Source, found: re.Match[str] | None) -> tuple[tuple[float, ...], Member]:
    """A key that sorts the oldest first, and the member."""
    if found is not None and found["date"] and (day := _day(found["date"])) is not None:
        if found["epoch"] and int(found["epoch"]) < _LAST_YEAR_SECONDS:
            until = datetime.fromtimestamp(int(found["epoch"]), timezone.utc)
            return (0, until.timestamp()), Member(source, until)
        last = day + _AFTER_DAY
        was_rotated_then = source.modified <= last.timestamp()  # else the day is another, as that of its beginning
        return (0, day.timestamp()), Member(source, last if was_rotated_then else None)
    if found is not None and found["number"]:
        return (1, -int(found["number"])), Member(source)
    if found is not None and found["kept"]:
        return (1.5, int(found["kept"])), Member(source, ordered=False)
    if found is not None and found["before"]:
        return (1, int(found["before"])), Member(source, ordered=False)
    return (2,), Member(source)


def _day(text: str) -> datetime | None:
    try:
        day = datetime.strptime(text.replace("-", ""), "%Y%m%d").replace(tzinfo=timezone.utc)
        return day if _FIRST_YEAR <= day.year <= _LAST_YEAR else None
    except ValueError:
        return None
