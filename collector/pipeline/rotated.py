"""Which files of a rotated log can hold records of a time frame. The others are not read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, tzinfo

from collector.discover.rotation import Member
from collector.model import Source, moved
from collector.pipeline.log import first_moment
from collector.read.gaps import DISORDER


def overlapping(
    members: Sequence[Member], zone: tzinfo | None, start: datetime | None, end: datetime | None
) -> Iterator[tuple[Source, str]]:
    """Each file of a log, oldest first, with why it is not read; "" for those that can overlap the frame.

    Of a file that may, the first block is looked at; older ones are not opened once one begins before the frame.
    """
    reasons: list[tuple[Source, str]] = []
    over = ""  # why this file and all older ones lie before the frame
    newer: tuple[datetime, datetime] | None = None  # the first stamp of the next newer file, if that is why
    for member in reversed(members):
        source = member.source
        begins, is_known = None, newer is not None
        if newer is not None:
            begins = first_moment(source, zone)
            if begins is not None and moved(begins[0], -DISORDER) > newer[1]:
                over = ""  # the clock was wrong or set back there
            newer = None
        if start is not None and member.until is not None and moved(member.until, DISORDER) < start:
            over = over or "its name tells that it was rotated before the window"
        if over or len(members) == 1 or (start is None and end is None):
            reasons.append((source, over))
            continue
        if not is_known:
            begins = first_moment(source, zone)
        if begins is not None and end is not None and moved(begins[0], -DISORDER) > end:
            reasons.append((source, "it begins after the window"))
            continue
        reasons.append((source, ""))
        if begins is not None and start is not None and moved(begins[1], DISORDER) < start and member.ordered:
            over = f"{source.path.rpartition('/')[2]}, which is newer, begins before the window"
            newer = begins
    yield from reversed(reasons)
