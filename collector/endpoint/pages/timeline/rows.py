"""What is drawn: lanes, their rows, and the stretch in which the time went. Pure values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from collector.endpoint.pages.timeline.steps import Step
from collector.model import order

#: missing: it never began; point: only a moment of it is told.
Outcome = Literal["done", "failed", "hanging", "missing", "point"]


@dataclass(frozen=True, slots=True)
class Span:
    """From when to when. `start` None: not told; `end` None: not told, or there was none."""

    start: datetime | None
    end: datetime | None

    @property
    def length(self) -> timedelta | None:
        return order(self.end) - order(self.start) if self.start and self.end else None


@dataclass(frozen=True, slots=True)
class Row:
    """One step of one extension, or all steps of one that is well."""

    label: str
    outcome: Outcome
    words: str  # what became of it: "exit 20 after 4.0 s"
    spans: tuple[Span, ...] = ()
    step: Step | None = None
    path: str = ""  # of a line that tells it
    line: int = 0


@dataclass(frozen=True, slots=True)
class Lane:
    """An extension, or the goal state."""

    label: str  # "" where its only row says it
    outcome: Outcome
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Gap:
    """Where the time went. `end` None: to the end of what is known."""

    start: datetime
    end: datetime | None
    words: str


@dataclass(frozen=True, slots=True)
class Timeline:
    """All moments are of one kind: in UTC, or (`is_local`) local ones of an unknown zone."""

    start: datetime
    end: datetime
    lanes: tuple[Lane, ...]
    gap: Gap | None = None
    is_local: bool = False
    left_out: int = 0  # extensions that are not drawn


def lasting(length: timedelta) -> str:
    """``41 ms``, ``0.3 s``, ``4.0 s``, ``37 s``, ``14 min 5 s``, ``3 h 20 min``."""
    seconds = max(0.0, length.total_seconds())
    if seconds < 0.095:
        return f"{seconds * 1_000:.0f} ms"
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 120:
        return f"{whole} s"
    if whole < 7_200:
        return f"{whole // 60} min {whole % 60} s" if whole % 60 else f"{whole // 60} min"
    hours, minutes = whole // 3_600, whole % 3_600 // 60
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"
