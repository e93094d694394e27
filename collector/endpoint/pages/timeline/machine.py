"""What happened to the machine as a whole while the steps went on: a restart, memory that ran out. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime

from collector.endpoint.pages.timeline.rows import Lane, Row, Span
from collector.model import SystemEvent, order

_WORDS = {
    "oom-kill": "out of memory",
    "boot": "started",
    "shutdown": "shut down",
    "disk-full": "disk full",
    "read-only": "disk became read-only",
    "clock-step": "clock set anew",
    "agent-stop": "guest agent stopped",
    "agent-start": "guest agent started",
}


def lane_of(events: Sequence[SystemEvent], start: datetime, end: datetime) -> Iterator[Lane]:
    """One row with a mark for each event between the two; none where nothing happened."""
    inside = [event for event in events if event.time is not None and start <= order(event.time) <= end]
    if inside:
        counts = Counter(_WORDS[event.kind] for event in inside)
        told = ", ".join(f"{word}{f' {count} times' if count > 1 else ''}" for word, count in counts.items())
        spans = tuple(Span(event.time, event.time) for event in inside)
        yield Lane("", "point", (Row("Machine", "point", told, spans, None, inside[0].path, inside[0].line),))
