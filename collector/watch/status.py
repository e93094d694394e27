"""What the agent tells of itself in a small file, and how others read it."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from collector.model import RedactedText, iso
from collector.redact.redactor import Redactor

log = logging.getLogger(__name__)

FOLDER, _NAME, LOCK = "watch", "status.json", "lock"
SCHEMA = 1
#: Seconds: written so often where something has changed, and in any case so often. Without it for `STALE_SECONDS` the
#: agent hangs.
_EVERY, HEARTBEAT_SECONDS, STALE_SECONDS = 5.0, 30.0, 120.0
_MOST_BYTES = 4_194_304
_MOST_FOLLOWED, MOST_INCIDENTS, _MOST_WARNINGS = 1_000, 20, 20

Mode = Literal["native", "polling", "mixed"]


@dataclass(frozen=True, slots=True)
class Followed:
    """One stream. Sizes in bytes; `lag`: of what was written and is not processed."""

    path: str
    size: int
    offset: int
    lag: int
    problem: str = ""


@dataclass(frozen=True, slots=True)
class SpoolState:
    """What waits to be sent. `oldest`: UTC, when the oldest was made."""

    count: int = 0
    bytes: int = 0
    oldest: datetime | None = None
    last_error: str = ""


@dataclass(frozen=True, slots=True)
class Told:
    """An incident that was reported. `bundle` None where none was made; `delivered`: UTC."""

    time: datetime
    title: str
    bundle: str | None = None
    delivered: datetime | None = None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class OwnUse:
    """What the agent uses. `cpu_percent`: of one core, since its start, children included."""

    cpu_seconds: float = 0.0
    children_cpu_seconds: float = 0.0
    cpu_percent: float = 0.0
    resident_bytes: int = 0
    open_files: int = 0
    threads: int = 0
    watches: int = 0


@dataclass(frozen=True, slots=True)
class Status:
    """Everything that ``vmext status`` tells. Not redacted; `StatusFile` does that. Times are UTC."""

    version: str
    pid: int
    process_started: float  # seconds since the epoch, as the system tells it: a pid comes again
    since: datetime
    config_file: str
    root: str
    mode: Mode
    followed: tuple[Followed, ...] = ()
    spool: SpoolState = field(default_factory=SpoolState)
    incidents: tuple[Told, ...] = ()  # the newest first
    use: OwnUse = field(default_factory=OwnUse)
    warnings: tuple[str, ...] = ()
    scheduled_events: str = "off"  # off, unknown, yes, no: whether the platform answers


class StatusFile:
    """``<state>/watch/status.json``, renamed into place; its owner alone may read it."""

    def __init__(self, state: Path, redactor: Redactor) -> None:
        self._file = state / FOLDER / _NAME
        self._redactor = redactor
        self._written: tuple[float, Status] | None = None
        self._body = ""  # redacted; what changes seldom, as it was written last
        self._failed = False

    def write(self, status: Status, now: float, wall: datetime, *, at_once: bool = False) -> bool:
        """Whether it was written: at most every 5 seconds and only if more than the agent's own use has changed, but
        every 30 seconds in any case. A disk that takes nothing is logged once.

        `now`: seconds of a clock that nobody sets; `wall`: UTC.
        """
        shown = replace(status, use=OwnUse())
        is_same = self._written is not None and shown == self._written[1]
        if self._written is not None and not at_once:
            age = now - self._written[0]
            if age < _EVERY or (age < HEARTBEAT_SECONDS and is_same):
                return False
        self._written = (now, shown)
        if not is_same:
            self._body = self._redacted(_document(shown))
        head = self._redacted({"schema": SCHEMA, "written": iso(wall), "use": asdict(status.use)})
        text = f"{head[:-1]}, {self._body[1:]}"
        temporary = self._file.with_name(f".{_NAME}.{os.getpid()}.partial")
        try:
            self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
                stream.write(text)
            temporary.replace(self._file)
        except OSError as error:
            if not self._failed:
                log.warning("the status can't be written: %s", error.strerror)
            self._failed = True
            return False
        self._failed = False
        return True

    def _redacted(self, document: Mapping[str, Any]) -> RedactedText:
        return self._redactor.dumped(document, lambda cleaned: json.dumps(cleaned, default=_plain))


def read_status(state: Path) -> Mapping[str, Any] | None:
    """The document that the agent wrote last; None where there is none or it is broken.

    Raises PermissionError where this user may not read it.
    """
    file = state / FOLDER / _NAME
    try:
        with file.open("rb") as stream:
            document = json.loads(stream.read(_MOST_BYTES))
    except PermissionError:
        raise
    except (OSError, ValueError, RecursionError):
        return None
    known = isinstance(document, dict) and document.get("schema") == SCHEMA
    return document if known and isinstance(document.get("pid"), int) else None


def _document(status: Status) -> dict[str, Any]:
    """All but the agent's own use. Bounded: of very many streams those that lag most, and how many there are."""
    followed = sorted(status.followed, key=lambda one: (not one.problem, -one.lag, one.path))
    bounded = replace(
        status,
        followed=tuple(followed[:_MOST_FOLLOWED]),
        incidents=status.incidents[:MOST_INCIDENTS],
        warnings=status.warnings[:_MOST_WARNINGS],
    )
    totals = {"followed": len(followed), "lag": sum(one.lag for one in followed)}
    document = asdict(bounded)
    del document["use"]
    return {**document, "totals": totals}


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return iso(value)
    raise TypeError(type(value).__name__)
