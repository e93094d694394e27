"""Limits that the agent keeps by itself: its share of the processor, its memory. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

#: Of what may be used, this part is for children even where reading alone takes all of it.
_FOR_CHILDREN = 0.25
#: What is owed never asks for a longer pause, in seconds, but a second of CPU is always owed in full: it slows down, it
#: does not stop for good.
_LONGEST_PAUSE, _LONGEST_WAIT, _OWED_IN_FULL = 60.0, 600.0, 1.0

#: What to do about memory: give up what is only remembered, read less at a time, tell people.
Relief = Literal["drop", "shrink", "tell"]
_STEPS: tuple[Relief, ...] = ("drop", "shrink", "tell")


@dataclass(slots=True)
class CpuShare:
    """Says how long to pause so that over any time t at most ``percent / 100 * t + burst_seconds`` seconds of CPU are
    used, plus what was begun before the pause was asked for.

    Own threads wait by `pause`, called before each piece of work. What children used (collecting, sending) is counted
    apart, since an incident must not stop the reading: it delays the next child (`child_wait`). Both come out of one
    share: what own threads leave of it, and a quarter in any case, pays for children.
    """

    percent: float  # of one core; 0: no limit
    burst_seconds: float = 3.0  # of CPU, own threads
    child_burst_seconds: float = 30.0  # of CPU, children
    _credit: float = field(init=False)
    _child_credit: float = field(init=False)
    _now: float | None = field(init=False, default=None)
    _used: float = field(init=False, default=0.0)
    _children: float = field(init=False, default=0.0)

    def __post_init__(self) -> None:
        self._credit, self._child_credit = self.burst_seconds, self.child_burst_seconds

    def pause(self, now: float, used: float, children: float = 0.0) -> float:
        """Seconds to pause now, 0.0 for none.

        `now`: a clock that nobody sets; `used`, `children`: seconds of CPU that own threads, and children that have
        ended, have used since the agent's start. What was used before the first call does not count.
        """
        if self.percent <= 0:
            return 0.0
        rate = self.percent / 100
        if self._now is None:
            self._now, self._used, self._children = now, used, children
        earned = rate * max(0.0, now - self._now)
        spent, spent_by_children = max(0.0, used - self._used), max(0.0, children - self._children)
        self._now, self._used, self._children = now, used, children
        for_children = min(_FOR_CHILDREN * earned, max(0.0, self.child_burst_seconds - self._child_credit))
        self._credit += earned - for_children
        over = max(0.0, self._credit - self.burst_seconds)
        self._credit = max(min(self._credit, self.burst_seconds) - spent, -max(_LONGEST_PAUSE * rate, _OWED_IN_FULL))
        self._child_credit = min(self._child_credit + for_children + over, self.child_burst_seconds)
        self._child_credit = max(self._child_credit - spent_by_children, -_LONGEST_WAIT * rate * _FOR_CHILDREN)
        if self._credit >= 0:
            return 0.0
        return -self._credit / (rate * (1 - _FOR_CHILDREN if self._child_credit < self.child_burst_seconds else 1))

    def child_wait(self) -> float:
        """Seconds, at most ten minutes, until the next child should be started, as of the last `pause`."""
        if self.percent <= 0 or self._child_credit >= 0:
            return 0.0
        return -self._child_credit / (self.percent / 100 * _FOR_CHILDREN)


@dataclass(slots=True)
class MemoryCeiling:
    """Says what to do while the resident memory is above a ceiling: one step after another, each given time to work."""

    most_bytes: int
    settle_seconds: float = 30.0
    tell_seconds: float = 3_600.0  # between two of the last step
    _step: int = field(init=False, default=0)
    _until: float | None = field(init=False, default=None)

    def relief(self, now: float, resident_bytes: int) -> Relief | None:
        """The step to take now, None where nothing is to be done. `now`: seconds of a clock that nobody sets."""
        if self._until is not None and now < self._until:
            return None
        if resident_bytes <= self.most_bytes:
            self._step, self._until = 0, None
            return None
        step = _STEPS[self._step]
        self._step = min(self._step + 1, len(_STEPS) - 1)
        self._until = now + (self.tell_seconds if step == "tell" else self.settle_seconds)
        return step
