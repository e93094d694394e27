"""The documented practices, and the signs in texts by which some of them are seen to be violated.

Named tuples: they are made on every run, and a frozen dataclass takes ten times as long to define.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Literal, NamedTuple, get_args

from collector.data import lines_of, pattern_of
from collector.errors import DataError
from collector.model import System

Checked = Literal["instance", "template", "no"]
#: Where a sign stands: what a script printed, a handler's log (or what it said since it was last well), the guest
#: agent's log, the status file, a script's own code, the command of the public settings, the text of a failure.
Place = Literal["stdout", "stderr", "log", "log-end", "agent-log", "status", "script", "command", "failure"]
#: When a sign counts: the operation failed or hangs, failed and was not the first, never ended, ended well, has not
#: changed for a day; or when it stands there at least three times.
When = Literal["always", "failed", "rerun", "unfinished", "succeeded", "stale", "often"]
#: `handlers` of what concerns the machine as a whole, and of what concerns every extension.
MACHINE, EVERY = "machine", "*"

_SIGNS = "practice_signs.tsv"
_SYSTEMS = frozenset({"linux", "windows", "both"})
_CHECKED, _PLACES, _WHENS = (frozenset(get_args(kind)) for kind in (Checked, Place, When))


class PracticeRow(NamedTuple):
    id: str
    title: str  # the practice in a few words
    extension: str  # for people
    handlers: frozenset[str]  # Publisher.Type in lower case, or one of MACHINE and EVERY
    system: str  # linux, windows, both
    practice: str
    check: str  # how it is seen on the instance
    checked: Checked
    reason: str  # why it is not checked on the instance
    remedy: str
    source: str
    confidence: str

    def concerns(self, extension: str, system: System) -> bool:
        """Whether it is about an extension (in lower case; "" for the machine) of such a system."""
        wanted = extension or MACHINE
        fits = wanted in self.handlers or (extension != "" and EVERY in self.handlers)
        return fits and self.system in (system, "both")


class Sign(NamedTuple):
    practice: str
    places: tuple[Place, ...]
    when: When
    words: tuple[str, ...]  # in lower case; one of them stands in every text that holds the pattern
    pattern: str
    unless: str  # a pattern of lines that do not count
    detail: str
    must_match: str
    must_not_match: str

    def find(self, text: str) -> list[re.Match[str]]:
        """Where it stands in a text: matches whose line is no exception."""
        found = pattern_of(_SIGNS, self.practice, f"(?im){self.pattern}").finditer(text)
        if not self.unless:
            return list(found)
        but = pattern_of(_SIGNS, self.practice, f"(?im){self.unless}")
        return [match for match in found if not but.search(_line(text, match))]


def _line(text: str, match: re.Match[str]) -> str:
    begin = text.rfind("\n", 0, match.end() - 1) + 1
    end = text.find("\n", match.end())
    return text[min(begin, match.start()) : end if end >= 0 else len(text)]


@cache
def practices() -> Mapping[str, PracticeRow]:
    """All rows by their id. Raises DataError for a row that is not what it should be."""
    columns, lines = lines_of("practices")
    if columns != list(PracticeRow._fields):
        raise DataError(f"practices.tsv has the columns {columns}, not {list(PracticeRow._fields)}")
    found: dict[str, PracticeRow] = {}
    for number, (name, title, extension, handlers, *rest) in lines:
        known = frozenset(handlers.lower().split())
        row = PracticeRow(name, title, extension, known, *rest)  # type: ignore[arg-type]
        if name in found or row.system not in _SYSTEMS:
            raise DataError(f"practices.tsv:{number}: {name} stands there twice or has an unknown system")
        if row.checked not in _CHECKED or (row.checked == "instance") == bool(row.reason):
            raise DataError(f"practices.tsv:{number}: {name} must be checked, or have a reason why not")
        found[name] = row
    return found


@cache
def signs() -> Mapping[str, tuple[Sign, ...]]:
    """The signs of each practice. Patterns are compiled when they are first tried."""
    columns, lines = lines_of("practice_signs")
    if columns != list(Sign._fields):
        raise DataError(f"{_SIGNS} has the columns {columns}, not {list(Sign._fields)}")
    found: dict[str, tuple[Sign, ...]] = {}
    for number, (name, places, when, words, *rest) in lines:
        sign = Sign(name, tuple(places.split(",")), when, tuple(words.split("|")), *rest)  # type: ignore[arg-type]
        if name not in practices() or when not in _WHENS or not _PLACES.issuperset(sign.places):
            raise DataError(f"{_SIGNS}:{number}: {name}: an unknown practice, place or condition")
        found[name] = (*found.get(name, ()), sign)
    return found
