"""The incident window: which time frame of the logs is worth reading, and why."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

from collector.errors import ConfigError
from collector.model import WIDEST, Failure, Record, Window, moved, order

if TYPE_CHECKING:
    from collector.extract.signals import Signal

MARGIN = timedelta(minutes=15)
LAST_HOURS = timedelta(hours=2)
#: Failures that stand at the same time are one incident when they lie this close.
TOGETHER = timedelta(hours=24)
#: Files that tell the present state.
_STATE_FILES = (".status", "HandlerStatus", ".json")
_AGO = re.compile(r"^(\d+(?:\.\d+)?)\s*(s|m|h|d|w)$")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def moment(text: str, now: datetime, option: str) -> datetime:
    """A time given by a person: ISO 8601 (UTC unless it has an offset), or ``90m``, ``2h``, ``3d`` ago.

    Raises ConfigError naming the option.
    """
    ago = _AGO.match(text.strip())
    try:
        if ago:
            return now - timedelta(**{_UNITS[ago[2]]: float(ago[1])})
        parsed = datetime.fromisoformat(text.strip().replace("Z", "+00:00"))
        return parsed.astimezone(timezone.utc) if parsed.tzinfo else parsed.replace(tzinfo=timezone.utc)
    except (ValueError, OverflowError) as error:
        raise ConfigError(
            f"{option}: {text!r} is no time",
            "Give ISO 8601 (2026-11-23T10:02:11Z) or a time ago (90m, 2h, 3d).",
        ) from error


def span(text: str, option: str) -> timedelta:
    """A length of time given by a person, such as ``15m``. Raises ConfigError naming the option."""
    length = _AGO.match(text.strip())
    if not length:
        raise ConfigError(f"{option}: {text!r} is no length of time", "Give a number and a unit: 90s, 15m, 2h.")
    try:
        return timedelta(**{_UNITS[length[2]]: float(length[1])})
    except OverflowError as error:
        raise ConfigError(f"{option}: {text!r} is too long", "Give a number and a unit: 90s, 15m, 2h.") from error


def asked(since: datetime | None, until: datetime | None, around: datetime | None, margin: timedelta) -> Window | None:
    """The window that the caller asked for, None where none was."""
    if around is not None:
        reason = f"asked for: {_words(margin)} around the given time"
        return Window(moved(around, -margin), moved(around, margin), reason)
    if since is None and until is None:
        return None
    return Window(since, until, "asked for by --since/--until")


def standing(failures: Sequence[Failure]) -> list[Failure]:
    """Those that no later success overcame."""
    return [failure for failure in failures if failure.kind != "warning"]


def of_evidence(failures: Sequence[Failure], margin: timedelta) -> Window | None:
    """From the newest failure that stands, with what failed beside it and the start of what hung."""
    stand = standing(failures)
    timed = [failure for failure in stand or failures if failure.last_time]
    if stand and not timed:
        return Window(None, None, f"{_reason(stand[0])}, which has no time; everything was read")
    if not timed:
        return None
    newest = max(timed, key=lambda failure: order(failure.last_time))
    together = [f for f in timed if order(newest.last_time) - order(f.last_time) <= TOGETHER]
    moments = [
        order(value)
        for failure in together
        for value in (failure.first_time, failure.last_time, failure.hang_since)
        if value
    ]
    return Window(moved(min(moments), -margin), moved(max(moments), margin), _reason(newest))


def last_hours(newest: datetime | None, now: datetime, *, live: bool) -> Window:
    """Without evidence: the last two hours, on a disk before the newest stamp that stands on it."""
    if live or newest is None:
        return Window(now - LAST_HOURS, now + timedelta(minutes=5), "no failure in any state file; the last 2 hours")
    end = order(newest)
    return Window(end - LAST_HOURS, end, "no failure in any state file; the last 2 hours on the disk")


def contains(window: Window, when: datetime | None) -> bool:
    """Whether a moment lies in the window; what has no time always does."""
    if when is None:
        return True
    at = order(when)
    return (window.start is None or at >= window.start) and (window.end is None or at <= window.end)


def touching(failures: Iterable[Failure], window: Window) -> tuple[Failure, ...]:
    """The failures that lie in the window, and those that stand now by a state file, however long ago they began."""
    return tuple(
        failure
        for failure in failures
        if contains(window, failure.last_time)
        or contains(window, failure.first_time)
        or (failure.kind != "warning" and any(one.path.endswith(_STATE_FILES) for one in failure.evidence))
    )


def may_contain(window: Window, when: datetime | None) -> bool:
    """As `contains`, but a local time whose zone is not known yet lies in the window if any zone puts it there."""
    if when is None or when.tzinfo is not None:
        return contains(window, when)
    wide = Window(
        moved(window.start, -WIDEST) if window.start else None,
        moved(window.end, WIDEST) if window.end else None,
        window.reason,
    )
    return contains(wide, when)


def may_hold(window: Window, record: Record) -> bool:
    """Whether a record may be of the window. One that has its file's time is not newer than that, but may be older."""
    if record.basis == "file" and record.time is not None:
        return window.start is None or record.time >= window.start
    return may_contain(window, record.time)


def inside(signals: Iterable[Signal], window: Window) -> list[Signal]:
    """The signals of the window; those that only give context (sequence numbers, versions, goal states) always stay."""
    return [s for s in signals if s.kind in ("settings", "target", "goal") or contains(window, s.time)]


def _reason(failure: Failure) -> str:
    """The file that told it, as people name it: ``3.status``."""
    paths = [evidence.path for evidence in failure.evidence]
    status = next((path for path in paths if path.endswith(".status")), None)
    source = (status or (paths[0] if paths else "")).rsplit("/", 1)[-1]
    return f"{failure.kind} in {source}" if source else failure.kind


def _words(length: timedelta) -> str:
    minutes = length.total_seconds() / 60
    return f"{minutes:g} minutes"
