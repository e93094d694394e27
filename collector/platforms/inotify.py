"""Watches of folders on Linux: how many we have, and how many the system gives (Linux, inotify(7))."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from collector.platforms.proc import PROC, text_of

#: What the link of a descriptor of inotify leads to (Linux, fs/notify/inotify).
_DESCRIPTOR = "anon_inode:inotify"


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
    """Watches that this process has. Of its descriptors only those of inotify are read, since this is asked often."""
    folder = f"{proc}/self/fd"
    try:
        names = os.listdir(folder)  # noqa: PTH208 - as below
    except OSError:
        return 0
    watching = (name for name in names if _is_inotify(f"{folder}/{name}"))
    texts = (text_of(proc / "self" / "fdinfo" / name) for name in watching)
    return sum(line.startswith("inotify ") for text in texts for line in text.splitlines())


def _is_inotify(link: str) -> bool:
    try:
        return os.readlink(link) == _DESCRIPTOR  # noqa: PTH115 - a path costs more than the call
    except OSError:
        return False


def _number(file: Path) -> int:
    text = text_of(file).strip()
    return int(text) if text.isdecimal() else 0
