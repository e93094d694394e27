"""The zone of this machine as its own clock functions know it, where no name of it is at hand (Windows)."""

from __future__ import annotations

import time
from datetime import datetime, timedelta, timezone, tzinfo


class MachineZone(tzinfo):
    """Asks the running system for each moment, so that summer time counts; without a database of zones."""

    def utcoffset(self, dt: datetime | None) -> timedelta:
        """The offset at a local time; today's where the system knows none for it."""
        if dt is not None:
            try:
                offset = dt.replace(tzinfo=None).astimezone().utcoffset()
            except (OSError, OverflowError, ValueError):
                offset = None
            if offset is not None:
                return offset
        return timedelta(seconds=time.localtime().tm_gmtoff)

    def dst(self, dt: datetime | None) -> timedelta | None:
        return None

    def tzname(self, dt: datetime | None) -> str:
        return str(timezone(self.utcoffset(dt)))

    def fromutc(self, dt: datetime) -> datetime:
        """Local time, `fold` set in the second pass of a repeated hour. `dt` is UTC with this zone."""
        utc = dt.replace(tzinfo=timezone.utc)
        try:
            local = utc.astimezone()
        except (OSError, OverflowError, ValueError):
            local = utc.astimezone(timezone(self.utcoffset(None)))
        wall = local.replace(tzinfo=self, fold=0)
        return wall if self.utcoffset(wall) == local.utcoffset() else wall.replace(fold=1)

    def name(self) -> str:
        """Its offset now, such as UTC+02:00."""
        return str(timezone(self.utcoffset(None)))
