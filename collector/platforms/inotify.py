"""Watches of folders on Linux: how many we have, and how many the system gives (Linux, inotify(7))."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from collector.platforms.proc import PROC, text_of


@dataclass(frozen=True, slots=True)
class WatchLimits:
    """What one user may have in all, other programs included; 0 where the system has no inotify."""

    watches: int
    instances: int
    queued_events: int


def watch_limits(proc: Path = PROC) -> WatchLimits:
    """Of this system, as set now."""
    folder = proc / "sys" / "fs" / "inotify"
    return WatchLimits(
        *(_number(folder / f"max_{name}") for name in ("user_watches", "user_instances", "queued_events"))
    )


def own_watches(proc: Path = PROC) -> int:
    """Watches that this process has."""
    try:
        names = [entry.name for entry in (proc / "self" / "fdinfo").iterdir()]
    except OSError:
        return 0
    texts = (text_of(proc / "self" / "fdinfo" / name) for name in names)
    return sum(line.startswith("inotify ") for text in texts for line in text.splitlines())


def _number(file: Path) -> int:
    text = text_of(file).strip()
    return int(text) if text.isdecimal() else 0
