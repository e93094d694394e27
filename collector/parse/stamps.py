"""Stamps of log lines to moments: UTC, with an offset, or local to a zone that may be unknown.

A stamp that no calendar has (the 30th of February, month 13, year 1) is None, and its line begins no record.
A leap second (``:60``) is read as the last microsecond of its minute: its line still begins a record.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from typing import Literal

from collector.model import WIDEST, Confidence, TimeBasis

_ISO = re.compile(
    r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:)(\d\d)(?:[.,](\d{1,12}))?"
    r" ?(?:([Zz]|UTC|GMT)|([+-]\d\d(?::?\d\d)?))?",
    re.ASCII,
)
_US = re.compile(
    r"(\d\d?)/(\d\d?)/(\d{4}),? (\d\d?):(\d\d):(\d\d)(?:\.(\d{1,12}))?(?:[ \u202f]?([AaPp])[Mm])?", re.ASCII
)
_SLASHED = re.compile(r"(\d{4})/(\d\d)/(\d\d),? (\d\d:\d\d:)(\d\d)(?:[.,](\d{1,12}))?", re.ASCII)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_DATE = re.compile(
    rf"[A-Z][a-z][a-z] ({'|'.join(_MONTHS)}) {{1,2}}(\d\d?) (\d\d):(\d\d):(\d\d)(?: ([AP])M)? ([A-Z]{{3,5}}) (\d{{4}})",
    re.ASCII,
)
_AGENT_LENGTH = len("2024-02-09T09:29:08.943529Z")
#: Years of clocks that were set; what is outside (.NET's and Go's year 1) is no time at all.
_FIRST_YEAR, _LAST_YEAR = 1970, 2200
#: A stamp this much before the last one, in the repeated hour, is in its second pass. Less is the disorder of threads;
#: the shortest repeated "hour" (Lord Howe Island) has 30 minutes.
_STEP_BACK = timedelta(minutes=5)

#: Why a local stamp of a known zone is not sure: the clock showed it twice, or never.
Doubt = Literal["", "repeated", "skipped"]
_NO_OFFSET = timedelta(0)
_RANKS: tuple[Confidence, ...] = ("low", "medium", "high")


@dataclass(slots=True)
class Stamp:
    """`moment` is aware (UTC) or naive (local, zone unknown)."""

    moment: datetime
    basis: TimeBasis
    doubt: Doubt = ""

    @property
    def sure(self) -> Confidence:
        """How far the moment can be trusted."""
        if self.basis == "local":
            return "low"
        return "medium" if self.doubt else "high"


def at_most(sure: Confidence, limit: Confidence) -> Confidence:
    """The lesser of two confidences."""
    return min(sure, limit, key=_RANKS.index)


def iso_stamp(text: str) -> Stamp | None:
    """``2021-09-14T10:52:10.1234567Z``, ``... +05:30``, ``+0530``, ``+05``, or without a mark (naive)."""
    if len(text) == _AGENT_LENGTH and text[-1] == "Z" and text[19] == ".":  # the agent's form, by far the commonest
        try:
            moment = datetime.fromisoformat(text[:-1] + "+00:00")
        except ValueError:
            moment = None
        if moment is not None and _FIRST_YEAR <= moment.year <= _LAST_YEAR:
            return Stamp(moment, "utc")
    found = _ISO.fullmatch(text)
    if found is None:
        return None
    date, time, second, fraction, mark, zone = found.groups()
    is_local = not mark and not zone
    moment = _moment(f"{date}T{time}", second, fraction, "" if is_local else "+00:00")
    if moment is None:
        return None
    if is_local:
        return Stamp(moment, "local")
    offset = _offset(zone) if zone else _NO_OFFSET
    if offset is None:
        return None
    return Stamp(moment - offset, "offset") if offset else Stamp(moment, "utc")


@lru_cache(maxsize=64)
def _offset(text: str) -> timedelta | None:
    """``+05:30``, ``+0530``, ``-05``; None if no place is so far from UTC."""
    minutes = int(text[-2:]) if len(text) > 3 else 0
    offset = timedelta(hours=int(text[1:3]), minutes=minutes)
    if offset > WIDEST or minutes > 59:
        return None
    return -offset if text[0] == "-" else offset


def slashed_stamp(text: str) -> Stamp | None:
    """``2018/02/21 08:01:21.912345``, year first; local, for no zone is printed."""
    found = _SLASHED.fullmatch(text)
    if found is None:
        return None
    year, month, day, time, second, fraction = found.groups()
    moment = _moment(f"{year}-{month}-{day}T{time}", second, fraction)
    return Stamp(moment, "local") if moment else None


def us_stamp(text: str) -> Stamp | None:
    """``11/14/2019 05:52:13.44`` or ``4/16/2016 6:24:15 AM``, month first; local, for no zone is printed."""
    found = _US.fullmatch(text)
    if found is None:
        return None
    month, day, year, hour, minute, second, fraction, half = found.groups()
    hours = int(hour)
    if half:
        if hours > 12:
            return None
        hours = hours % 12 + (12 if half in "Pp" else 0)
    moment = _moment(f"{year}-{month:0>2}-{day:0>2}T{hours:02}:{minute}:", second, fraction)
    return Stamp(moment, "local") if moment else None


def date_stamp(text: str) -> Stamp | None:
    """``Sun Nov 17 00:03:18 UTC 2019``, ``Sun Nov 17 12:03:18 AM UTC 2019``: what date(1) prints where no language is
    set. Local for any zone but UTC, for letters name no zone."""
    found = _DATE.fullmatch(text)
    if found is None:
        return None
    month, day, hour, minute, second, half, zone, year = found.groups()
    hours = int(hour) % 12 + (12 if half == "P" else 0) if half else int(hour)
    number = _MONTHS.index(month) + 1
    is_utc = zone in ("UTC", "GMT")
    moment = _moment(f"{year}-{number:02}-{day:0>2}T{hours:02}:{minute}:", second, None, "+00:00" if is_utc else "")
    return Stamp(moment, "utc" if is_utc else "local") if moment else None


def _moment(to_minute: str, second: str, fraction: str | None, zone: str = "") -> datetime | None:
    """A moment from ``2021-09-14T10:52:`` and the rest; None if there is no such moment."""
    if second == "60":
        second, fraction = "59", "999999"
    part = f".{fraction[:6]:0<6}" if fraction else ""
    try:
        moment = datetime.fromisoformat(f"{to_minute}{second}{part}{zone}")
    except ValueError:
        return None
    return moment if _FIRST_YEAR <= moment.year <= _LAST_YEAR else None


# ---- local time ----------------------------------------------------------------------------------------


def _passes(moment: datetime, zone: tzinfo) -> tuple[datetime, datetime]:
    """What a wall clock's moment is in UTC before and after a change of the offset; the second is later in a repeated
    hour and earlier in a skipped one."""
    first = moment.replace(tzinfo=zone).astimezone(timezone.utc)
    return first, moment.replace(tzinfo=zone, fold=1).astimezone(timezone.utc)


def local_stamp(moment: datetime, zone: tzinfo | None) -> Stamp:
    """A stamp of a clock on the wall; the first pass of a repeated hour, a skipped hour shifted forward."""
    if zone is None:
        return Stamp(moment, "local")
    first, second = _passes(moment, zone)
    return Stamp(first, "zone", "" if first == second else "repeated" if second > first else "skipped")


def local_bounds(moment: datetime, zone: tzinfo) -> tuple[datetime, datetime]:
    """The two moments of a clock on the wall in an hour that comes twice; else the same one twice."""
    first, second = _passes(moment, zone)
    return first, max(first, second)


def before_fold(moment: datetime, zone: tzinfo | None) -> datetime:
    """From where on stamps must be seen so that the two passes of a repeated hour can be told apart."""
    if not _FIRST_YEAR <= moment.year <= _LAST_YEAR:
        return moment
    for _ in range(4):
        local = moment.astimezone(zone) if zone else moment
        first, second = local_bounds(local.replace(tzinfo=None, fold=0), zone) if zone else (moment, moment)
        if first == second:
            break
        moment = first - timedelta(hours=1)
    return moment


def after_fold(moment: datetime, zone: tzinfo | None) -> datetime:
    """The same place in the second pass, where the clock on the wall shows this moment twice."""
    if zone is None or not _FIRST_YEAR <= moment.year <= _LAST_YEAR:
        return moment
    first, second = local_bounds(moment.astimezone(zone).replace(tzinfo=None, fold=0), zone)
    return moment + (second - first)


def in_second_pass(moment: datetime, zone: tzinfo) -> bool:
    """Whether the wall clock showed this moment (UTC) for the second time."""
    return moment.astimezone(zone).fold == 1


class Clock:
    """Walks through the stamps of one file in its order and tells the two passes of a repeated hour apart."""

    def __init__(self, zone: tzinfo | None) -> None:
        self._zone = zone
        self._last: datetime | None = None
        self._minute: datetime | None = None  # of the wall clock, of which the offset is remembered
        self._offset: timedelta | None = None  # None: this minute must be looked at

    def place(self, stamp: Stamp) -> Stamp:
        """The stamp with its place settled: a step back inside the repeated hour is the second pass."""
        if self._zone is None:
            return stamp
        if stamp.basis == "local":
            stamp = self._placed(stamp.moment, self._zone)
        self._last = stamp.moment
        return stamp

    def _placed(self, wall: datetime, zone: tzinfo) -> Stamp:
        minute = wall.replace(second=0, microsecond=0)
        if minute == self._minute and self._offset is not None:
            return Stamp((wall - self._offset).replace(tzinfo=timezone.utc), "zone")
        stamp = local_stamp(wall, zone)
        self._minute = minute
        self._offset = None if stamp.doubt else wall - stamp.moment.replace(tzinfo=None)
        if stamp.doubt == "repeated" and self._last is not None:
            is_back = stamp.moment < self._last - _STEP_BACK
            if is_back or in_second_pass(self._last, zone):
                return replace(stamp, moment=_passes(wall, zone)[1], doubt="")
        return stamp
