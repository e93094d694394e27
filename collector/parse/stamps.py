"""Stamps of log lines to moments: UTC, with an offset, or local to a zone that may be unknown."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone, tzinfo

from collector.model import TimeBasis

_FRACTION = re.compile(r"([.,]\d+)")
_AGENT_LENGTH = len("2024-02-09T09:29:08.943529Z")
#: A stamp this much before the last one, in the repeated hour, is in its second pass.
_STEP_BACK = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class Stamp:
    """`moment` is aware (UTC) or naive (local, zone unknown); `ambiguous` in the hour that comes twice."""

    moment: datetime
    basis: TimeBasis
    ambiguous: bool = False


def microseconds(digits: str | None) -> int:
    """Two, three, six or seven digits of a fraction to microseconds."""
    return int((digits or "0")[:6].ljust(6, "0"))


def iso_stamp(text: str) -> Stamp | None:
    """``2021-09-14T10:52:10.1234567Z``, ``... +05:30``, or without a mark (naive)."""
    if len(text) == _AGENT_LENGTH and text[-1] == "Z" and text[19] == ".":  # the agent's form, by far the commonest
        try:
            return Stamp(datetime.fromisoformat(text[:-1]).replace(tzinfo=timezone.utc), "utc")
        except ValueError:
            return None
    found = _FRACTION.search(text)
    fraction = microseconds(found[1][1:]) if found else 0
    plain = _FRACTION.sub("", text, count=1).replace("Z", "+00:00").replace(" ", "T", 1)
    try:
        parsed = datetime.fromisoformat(plain).replace(microsecond=fraction)
    except ValueError:
        return None
    if parsed.tzinfo is None:
        return Stamp(parsed, "local")
    basis: TimeBasis = "utc" if plain.endswith("+00:00") else "offset"
    try:
        return Stamp(parsed.astimezone(timezone.utc), basis)
    except OverflowError:
        return None


def local_stamp(moment: datetime, zone: tzinfo | None) -> Stamp:
    """A stamp of a clock on the wall; the first pass of a repeated hour, a skipped hour shifted forward."""
    if zone is None:
        return Stamp(moment, "local")
    first = moment.replace(tzinfo=zone).astimezone(timezone.utc)
    second = moment.replace(tzinfo=zone, fold=1).astimezone(timezone.utc)
    return Stamp(first, "zone", ambiguous=second > first)


class Clock:
    """Walks through the stamps of one file in its order and tells the two passes of a repeated hour apart."""

    def __init__(self, zone: tzinfo | None) -> None:
        self._zone = zone
        self._last: datetime | None = None
        self._shift = timedelta(0)

    def place(self, stamp: Stamp) -> Stamp:
        """The stamp with its place settled: a step back inside the repeated hour is the second pass."""
        if stamp.basis == "local" and self._zone is not None:
            stamp = local_stamp(stamp.moment, self._zone)
        if stamp.basis != "zone":
            return stamp
        moment = stamp.moment
        if (
            stamp.ambiguous and self._zone is not None and self._last is not None and moment < self._last - _STEP_BACK
        ) or (stamp.ambiguous and self._last is not None and self._last.astimezone(self._zone).fold == 1):
            wall = moment.astimezone(self._zone).replace(tzinfo=None)
            moment = wall.replace(tzinfo=self._zone, fold=1).astimezone(timezone.utc)
            stamp = Stamp(moment, "zone")
        self._last = moment
        return stamp
