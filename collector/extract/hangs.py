"""Since when an operation has been running, and whether that is too long."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from collector.extract.signals import Signal
from collector.model import System, order

#: A transition younger than this is work in progress, not a hang: the agent's own limit for enable.
_PATIENCE_SECONDS = 300


def limit_for(system: System, extension: str, operation: str | None) -> int | None:
    """The limit in seconds of an operation, None where no operation is known."""
    from collector.data.time_limits import deciding_for  # a disk on which nothing is open needs no limits

    row = deciding_for(system, extension, operation) if operation else None
    return int(row.seconds) if row else None


def open_start(signals: Sequence[Signal], until: datetime | None = None) -> Signal | None:
    """The start of the operation that had not ended when `until` came (by default, at the end of all logs).

    A handler that forks tells the agent at once that it is done; so its own log is asked first, the agent's
    only if the handler has none open. `signals` are in order of time.
    """
    for by_agent in (False, True):
        opened: Signal | None = None
        for signal in signals:
            if signal.by_agent != by_agent or signal.time is None:
                continue
            if until is not None and order(signal.time) > order(until):
                break
            if signal.kind == "start":
                opened = _later_start(opened, signal)
            elif signal.kind in ("end", "goal-end") or (signal.kind in ("failure", "hang") and until is None):
                opened = None
        if opened is not None:
            return opened
    return None


def _later_start(opened: Signal | None, signal: Signal) -> Signal:
    """Several lines announce one operation: the first says since when, unless another operation begins."""
    if opened is None or opened.path != signal.path:
        return signal if opened is None or not _same(opened, signal) else opened
    return opened if _same(opened, signal) else signal


def _same(one: Signal, other: Signal) -> bool:
    gap = abs((order(other.time) - order(one.time)).total_seconds())
    return gap < 1 and (one.operation == other.operation or None in (one.operation, other.operation))


def capped(seconds: float, hang_seconds: float) -> float:
    """A limit, or the one that was set in its place if that is shorter; 0: none was."""
    return min(seconds, hang_seconds) if hang_seconds > 0 else seconds


def is_stale(since: datetime | None, now: datetime, *, live: bool, hang_seconds: float = 0.0) -> bool:
    """Whether an operation that began at `since` counts as hanging.

    On a disk that no machine runs from, what is not finished never will be.
    """
    if not live:
        return True
    patience = capped(_PATIENCE_SECONDS, hang_seconds)
    return since is None or (order(now) - order(since)).total_seconds() > patience
