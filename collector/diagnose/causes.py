"""Causes of the signature tables: their few words for people, and whose they are; a rule's where one is about it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import get_args

from collector.data import strict
from collector.diagnose.rules import rule_for
from collector.model import Owner, System


@dataclass(frozen=True, slots=True)
class Cause:
    cause: str
    title: str
    owner: Owner


@cache
def causes() -> dict[str, Cause]:
    """The causes that no rule is about, by their names. Raises DataError naming the line that is wrong."""
    seen: dict[object, str] = {}
    found: dict[str, Cause] = {}
    for place, row in strict.load("causes", Cause, words={"owner": get_args(Owner)}, filled=("cause", "title")):
        strict.once(place, seen, row.cause)
        found[row.cause] = row
    return found


def words_of(cause: str, extension: str, system: System) -> tuple[str, Owner]:
    """Title and owner of a cause where it stands behind a failure of this extension."""
    known = rule_for(extension, system, cause=cause) or causes().get(cause)
    return (known.title, known.owner) if known else (cause.replace("-", " "), "unknown")
