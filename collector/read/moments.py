"""Sums of moments that stop at the calendar's ends."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

FIRST = datetime.min.replace(tzinfo=timezone.utc)
LAST = datetime.max.replace(tzinfo=timezone.utc)


def moved(moment: datetime, by: timedelta) -> datetime:
    try:
        return moment + by
    except OverflowError:
        return FIRST if by < timedelta(0) else LAST
