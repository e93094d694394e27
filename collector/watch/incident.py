"""Notices to incidents: what happens together is one incident, and nothing is reported twice. Pure.

The loop adds each notice with the monotonic seconds at which it came, and asks for the incidents that are due. What
was reported, what was handed out and is not said to be finished, and what is still held back, can be kept as JSON
values, so that a restart loses and repeats nothing.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Literal

from collector.extract.window import MARGIN
from collector.model import iso, moment_of, moved

NoticeKind = Literal["failure", "hang", "burst", "agent", "going"]

#: Lines of one key that an incident keeps, and notices of one incident.
_LINES_OF_ONE, _MOST_NOTICES = 4, 100
#: Restarts, one soon after another, that may hold an incident up.
_MOST_RESTARTS = 3
#: Characters of a notice's line.
_LONGEST = 400
#: What a handler's error says around the failure that it is about: ``failed to handle: failed to execute ...``.
_CHAIN = re.compile(r"^(?:failed to [^:]{1,40}: )+(?=failed to )")
#: Of what a title has of it.
_LONGEST_TITLE = 200
#: What comes a little later belongs to the incident as well: the handler's last lines, the agent's summary.
_AFTER = timedelta(minutes=1)
#: What is told first where several kinds come together.
_WEIGHT = {"going": 4, "failure": 3, "hang": 2, "agent": 1, "burst": 0}
_MARK = re.compile(r"[0-9a-f]{16}")
_SAID = {"failure": "failed", "hang": "hangs", "burst": "writes many errors"}


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that someone should look at. `text` is one line for people and NOT redacted. Times are UTC; `time` is
    the moment it was seen where nothing tells another."""

    kind: NoticeKind
    key: tuple[str, ...]  # the same key is not reported twice
    text: str
    time: datetime
    since: datetime | None = None  # start of the operation, if known
    extension: str | None = None
    path: str = ""


@dataclass(frozen=True, slots=True)
class Incident:
    """Notices of one moment, the most telling first, and the time frame to collect. `title` is NOT redacted. `mark`:
    16 hexadecimal digits by which its bundle is known; they stay the same after a restart."""

    start: datetime
    end: datetime
    title: str
    notices: tuple[Notice, ...]
    mark: str = ""

    @property
    def kind(self) -> NoticeKind:
        return self.notices[0].kind

    @property
    def keys(self) -> tuple[tuple[str, ...], ...]:
        return tuple(dict.fromkeys(notice.key for notice in self.notices))

    @property
    def hanging(self) -> tuple[str, ...]:
        """What hangs, as ``Publisher.Type`` or ``Publisher.Type/Name``: for ``collect --hanging``, since the state of a
        disk at one moment does not always show it."""
        keys = (one.key for one in self.notices if one.kind == "hang" and one.extension)
        return tuple(dict.fromkeys("/".join(filter(None, key[:2])) for key in keys))

    @property
    def extensions(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(notice.extension for notice in self.notices if notice.extension))


@dataclass(slots=True)
class _Held:
    """An incident that more may come to. `last`: when its last new key came, in monotonic seconds. `restarts`: how
    often one has held it up."""

    first: float
    last: float
    notices: list[Notice] = field(default_factory=list)
    restarts: int = 0


class Incidents:
    """`quiet`: seconds without another failure after which an incident is complete; `held`: seconds after its first
    notice after which it is reported in any case. `remembered`: keys that are known as reported."""

    def __init__(
        self, quiet: float = 3.0, held: float = 8.0, margin: timedelta = MARGIN, remembered: int = 2_000
    ) -> None:
        self._quiet = quiet
        self._longest = held
        self._margin = margin
        self._most = remembered
        self._reported: dict[tuple[str, ...], None] = {}  # the oldest first
        self._held: list[_Held] = []
        self._open: list[Incident] = []  # handed out, not finished
        self._again: list[Incident] = []  # handed out before a restart

    def add(self, notice: Notice, at: float) -> bool:
        """Whether the notice is news: not reported before, and no second line of what is held back."""
        if notice.key in self._reported:
            return False
        notice = replace(notice, text=notice.text[:_LONGEST])
        for held in self._held:  # another line of the same failure never begins an incident
            alike = sum(1 for one in held.notices if one.key == notice.key)
            if alike:
                if alike < _LINES_OF_ONE and len(held.notices) < _MOST_NOTICES:
                    held.notices.append(notice)
                return False
        last = self._held[-1] if self._held else None
        if last is None or at > self._end(last) or len(last.notices) >= _MOST_NOTICES:
            last = _Held(at, at)
            self._held.append(last)
        last.notices.append(notice)
        last.last = at
        return True

    def withdraw(self, key: tuple[str, ...]) -> None:
        """Takes back what turned out to be no failure, where it is not reported yet."""
        for held in self._held:
            held.notices = [notice for notice in held.notices if notice.key != key]
        self._held = [held for held in self._held if held.notices]

    def due(self, at: float) -> tuple[Incident, ...]:
        """The incidents that are complete; they count as reported from now on. An instance that is taken away does
        not wait."""
        ready = [held for held in self._held if at >= self._end(held) or _is_urgent(held)]
        self._held = [held for held in self._held if held not in ready]
        incidents = (*self._again, *(self._incident(held) for held in ready))
        self._again.clear()
        for incident in incidents:
            self._remember(incident.keys)
        self._open += incidents
        return incidents

    def finished(self, incident: Incident) -> None:
        """To be called when an incident has its bundle: only then a restart does not hand it out again, nor what went
        into it."""
        done = set(incident.keys)
        self._open = [one for one in self._open if not done.issuperset(one.keys)]

    def wait(self, at: float) -> float | None:
        """Seconds until the next incident is due; None where nothing is held back."""
        if self._again:
            return 0.0
        return min((max(0.0, self._end(held) - at) for held in self._held), default=None)

    def dump(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "reported": [list(key) for key in self._reported],
            "held": [_written(notice) for held in self._held for notice in held.notices],
            "restarts": max((held.restarts for held in self._held), default=0),
            "open": [[_written(notice) for notice in one.notices] for one in (*self._open, *self._again)],
            "marks": [one.mark for one in (*self._open, *self._again)],
        }

    def load(self, state: Mapping[str, Any], at: float) -> None:
        """What was dumped before a restart; values that make no sense are left out. What was held back is held for
        the time of quiet anew: the rest of it may be read only now."""
        self._remember(_keys(state.get("reported")))
        if notices := _notices(state.get("held")):
            restarts = state.get("restarts")
            times = restarts + 1 if isinstance(restarts, int) else 1
            since = at - self._longest if times > _MOST_RESTARTS else at
            self._held.append(_Held(since, since, notices, times))
        handed_out, marks = state.get("open"), state.get("marks")
        given = marks if isinstance(marks, list) else []
        for number, rows in enumerate(handed_out if isinstance(handed_out, list) else []):
            if notices := _notices(rows):
                incident = self._incident(_Held(at, at, notices))
                mark = str(given[number]) if number < len(given) else ""
                self._again.append(replace(incident, mark=mark) if _MARK.fullmatch(mark) else incident)

    def _end(self, held: _Held) -> float:
        return min(held.last + self._quiet, held.first + self._longest)

    def _remember(self, keys: Iterable[tuple[str, ...]]) -> None:
        self._reported.update(dict.fromkeys(keys))
        while len(self._reported) > self._most:
            del self._reported[next(iter(self._reported))]

    def _incident(self, held: _Held) -> Incident:
        notices = sorted(held.notices, key=lambda notice: -_WEIGHT[notice.kind])
        start = min(min(notice.since or notice.time, notice.time) for notice in notices)
        end = max(notice.time for notice in notices)
        told = tuple(notices)
        return Incident(moved(start, -self._margin), moved(end, _AFTER), title_of(notices), told, _mark(told))


def title_of(notices: Sequence[Notice]) -> str:
    """A few words for people: whom it hit, and the line that tells it."""
    first = notices[0]
    said = _SAID.get(first.kind, "")
    short = (first.extension or "").rsplit(".", 1)[-1] or first.extension
    text = _CHAIN.sub("", _cut(first.text))
    whom = f"{short} {said}: " if said and short else ""
    if whom and first.kind == "failure" and text.startswith("failed to "):
        whom = f"{short} "
    more = len({notice.key for notice in notices}) - 1
    return f"{whom}{text}{f' (and {more} more)' if more else ''}"


def _mark(notices: Iterable[Notice]) -> str:
    """Of what it is made of, and when: a notebook that is lost begins to count anew."""
    rows = [[*one.key, iso(one.time)] for one in notices]
    return hashlib.sha256(json.dumps(rows).encode("utf-8", "backslashreplace")).hexdigest()[:16]


def _cut(text: str) -> str:
    """On one line, and no longer than a line for people should be."""
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST_TITLE else line[: _LONGEST_TITLE - 3] + "..."


def _is_urgent(held: _Held) -> bool:
    return any(notice.kind == "going" for notice in held.notices)


def _keys(rows: object) -> list[tuple[str, ...]]:
    given = rows if isinstance(rows, list) else []
    return [tuple(str(part) for part in row) for row in given if isinstance(row, list)]


def _notices(rows: object) -> list[Notice]:
    given = rows if isinstance(rows, list) else []
    return [notice for row in given[:_MOST_NOTICES] if (notice := _read(row))]


def _written(notice: Notice) -> dict[str, Any]:
    times = {"time": iso(notice.time), "since": iso(notice.since)}
    rest = {"kind": notice.kind, "text": notice.text, "extension": notice.extension, "path": notice.path}
    return {**rest, **times, "key": list(notice.key)}


def _read(row: object) -> Notice | None:
    if not isinstance(row, dict) or str(row.get("kind")) not in _WEIGHT or not isinstance(row.get("key"), list):
        return None
    time = moment_of(row.get("time"))
    if time is None:
        return None
    return Notice(
        row["kind"],
        tuple(str(part) for part in row["key"]),
        str(row.get("text", ""))[:_LONGEST],
        time,
        moment_of(row.get("since")),
        str(row["extension"]) if row.get("extension") else None,
        str(row.get("path", "")),
    )
