"""When who is sent away may come again: one after the other, as fast as they can be served. Pure."""

from __future__ import annotations

import math

#: Served in a second, until more is known, and at least; the longest wait, since senders give up after a minute.
_FIRST_RATE, _LEAST_RATE, _LONGEST_SECONDS = 200.0, 20.0, 40.0
#: How much of the rate is what the last seconds were like.
_NEW = 0.3


class Turns:
    """Everyone told the same moment would come at the same moment. `now` is any clock, in seconds."""

    def __init__(self) -> None:
        self._rate = _FIRST_RATE
        self._since = 0.0
        self._served = 0
        self._next = 0.0
        self._late = 0

    def served(self, now: float) -> None:
        """Someone was."""
        self._served += 1
        if now - self._since >= 1.0:
            rate = self._served / (now - self._since)
            # a quiet second says nothing of how many could have been served
            self._rate = max(_LEAST_RATE, rate if rate > self._rate else self._rate + _NEW * (rate - self._rate))
            self._since, self._served = now, 0

    def next(self, now: float) -> int:
        """Whole seconds until the next free turn, at least one."""
        self._next = max(self._next, now + 0.5) + 1.0 / self._rate
        wait = self._next - now
        if wait > _LONGEST_SECONDS:  # no turn is free in time: they are spread over the later half
            self._next = now + _LONGEST_SECONDS
            self._late += 1
            wait = _LONGEST_SECONDS * (1 + self._late * 7 % 20 / 20) / 2
        return math.ceil(wait)
