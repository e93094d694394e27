"""Time limits: whose they are, what they limit, what happens when they pass."""

from __future__ import annotations

from fnmatch import fnmatchcase
from functools import cache
from typing import NamedTuple

from collector.data import strict
from collector.errors import DataError


class TimeLimit(NamedTuple):
    id: str
    who: str  # sets it: "Linux agent", "Platform"
    system: str
    extension: str  # glob on Publisher.Type
    operation: str  # those it limits, with commas; empty: something else than a handler's operation
    seconds: str  # empty: no fixed number
    hang: str  # "yes": an operation that takes longer counts as hung
    limits: str  # what it limits, in words
    terms: str  # where one number does not say it all
    expiry: str  # what happens then
    trace: str  # what is logged then
    source: str
    confidence: str


@cache
def time_limits() -> tuple[TimeLimit, ...]:
    """All rows. Raises DataError naming the line that is wrong."""
    seen: dict[object, str] = {}
    decided: dict[object, str] = {}
    found = []
    filled = ("id", "who", "extension", "limits", "source")
    for place, row in strict.load("time_limits", TimeLimit, words={"hang": ("yes", "no")}, filled=filled):
        strict.once(place, seen, row.id)
        if row.seconds and not row.seconds.isdecimal():
            raise DataError(f"{place}: {row.seconds!r} is no number of seconds")
        if row.hang == "yes":
            if not (row.seconds and row.operation):
                raise DataError(f"{place}: what decides about a hang needs an operation and seconds")
            strict.once(place, decided, row.system, row.extension, row.operation)
        found.append(row)
    return tuple(found)


@cache
def deciding() -> tuple[TimeLimit, ...]:
    """The limits after which an operation counts as hung; an extension's own, then those for longer globs first."""
    rows = [row for row in time_limits() if row.hang == "yes"]
    return tuple(sorted(rows, key=lambda row: ("*" in row.extension, -len(row.extension))))


def deciding_for(system: str, extension: str, operation: str) -> TimeLimit | None:
    """The limit of this operation of an extension."""
    fits = (row for row in deciding() if row.system in (system, "any") and operation in row.operation.split(","))
    return next((row for row in fits if fnmatchcase(extension, row.extension)), None)
