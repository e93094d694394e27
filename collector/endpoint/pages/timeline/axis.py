"""Where a moment lies on the picture. Pure.

Most of an incident's steps take a second and one takes an hour. Where a true scale would make the short ones
vanish, each stretch between two moments is drawn as long as a power of its length, which keeps the order and shows
which is the long one; the picture says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from collector.model import order

#: On a true scale a step that is drawn narrower than this share of the whole can't be seen.
_NARROW = 0.02
_POWER = 0.35
#: Moments nearer to each other than this are one.
_SAME = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class Axis:
    """Positions from 0 to 1 of sorted moments; what lies between two of them is put between."""

    moments: tuple[datetime, ...]
    places: tuple[float, ...]
    is_true: bool

    def place(self, moment: datetime) -> float:
        at = order(moment)
        if at <= self.moments[0]:
            return 0.0
        for number in range(1, len(self.moments)):
            if at <= self.moments[number]:
                before, after = self.moments[number - 1], self.moments[number]
                share = (at - before) / (after - before) if after > before else 0.0
                low, high = self.places[number - 1], self.places[number]
                return low + (high - low) * share
        return 1.0


def axis_of(moments: Sequence[datetime], lengths: Sequence[timedelta]) -> Axis:
    """`lengths`: of what is to be seen. At least one moment."""
    points = sorted({order(moment) for moment in moments})
    kept = [points[0]]
    kept += [point for before, point in pairwise(points) if point - before >= _SAME]
    whole = kept[-1] - kept[0]
    if not whole:
        return Axis((kept[0],), (0.0,), True)
    seen = [length for length in lengths if length > _SAME]
    is_true = not seen or min(seen) / whole >= _NARROW
    stretches = [(after - before) / whole for before, after in pairwise(kept)]
    drawn = stretches if is_true else [stretch**_POWER for stretch in stretches]
    places, total = [0.0], sum(drawn)
    for stretch in drawn:
        places.append(places[-1] + stretch / total)
    return Axis(tuple(kept), (*places[:-1], 1.0), is_true)
