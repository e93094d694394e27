"""Whether the agent runs, as far as another process can tell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from collector.model import moment_of
from collector.platforms.locks import is_locked
from collector.watch.status import FOLDER, LOCK, STALE_SECONDS, read_status

#: Stale: it holds its lock and has told nothing for a while. Unknown: this user may not ask.
State = Literal["running", "stale", "not running", "unknown"]


@dataclass(frozen=True, slots=True)
class Standing:
    """`document`: what it told last, None where nothing can be read. `age_seconds`: how long ago that was."""

    state: State
    folder: Path
    document: Mapping[str, Any] | None = None
    age_seconds: float | None = None


def standing(folder: Path, now: datetime) -> Standing:
    """By the lock that a running agent holds in its state folder, and by what it wrote there. Never raises."""
    try:
        runs = is_locked(folder / FOLDER / LOCK)
        document = read_status(folder)
    except OSError:
        return Standing("unknown", folder)
    age = _age(document, now)
    if not runs:
        return Standing("not running", folder, document, age)
    is_stale = age is not None and age > STALE_SECONDS
    return Standing("stale" if is_stale else "running", folder, document, age)


def _age(document: Mapping[str, Any] | None, now: datetime) -> float | None:
    """Seconds since it was written, 0 where that lies ahead: a clock was set."""
    written = moment_of((document or {}).get("written"))
    return max(0.0, (now - written).total_seconds()) if written is not None else None
