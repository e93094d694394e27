"""Patterns of messages with what they mean: rows of the tables in `signatures/`."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from functools import cache
from typing import NamedTuple

from collector.data import pattern_of, strict
from collector.errors import DataError

#: failure: what went wrong; hang: what something waits for, never told of what has ended; noise: a record with it
#: tells of no failure; remark: harmless by itself, in a record that may tell of a failure all the same.
KINDS = {"failures": ("failure", "hang"), "harmless": ("noise", "remark")}
#: The scope of a pattern that counts in the text of any extension.
ANY = "*"


class Signature(NamedTuple):
    scope: str  # Publisher.Type, or * for any extension's text
    id: str
    system: str
    where: str
    pattern: str
    not_pattern: str
    cause: str
    meaning: str
    remedy: str
    severity: str
    kind: str
    source: str
    confidence: str
    must_match: str
    must_not_match: str

    def found_in(self, text: str) -> bool:
        """Whether the text is one that this row explains."""
        if not self._compiled(self.pattern).search(text):
            return False
        return not (self.not_pattern and self._compiled(self.not_pattern).search(text))

    def _compiled(self, pattern: str) -> re.Pattern[str]:
        table = next(name for name, kinds in KINDS.items() if self.kind in kinds)
        return pattern_of(f"signatures/{table}.tsv", self.id, pattern)


@cache
def messages(name: str, scopes: frozenset[str] | None = None) -> tuple[Signature, ...]:
    """The rows of a table, of some scopes (in lower case) or all. Raises DataError naming the line that is wrong.

    Patterns are compiled when they are first tried; `verify` compiles them all.
    """
    return tuple(row for _, row in _placed(name, scopes))


def verify(name: str) -> None:
    """Raises DataError naming the line of a pattern that is none, as well as of all that `messages` refuses."""
    for place, row in _placed(name, None):
        for pattern in filter(None, (row.pattern, row.not_pattern)):
            pattern_of(place, row.id, pattern)


def _placed(name: str, scopes: frozenset[str] | None) -> Iterator[tuple[str, Signature]]:
    ids: dict[object, str] = {}
    tried: dict[object, str] = {}
    filled = {"scope", "id", "where", "pattern", "meaning", "remedy", "source", "must_match", "must_not_match"}
    words = {"kind": KINDS[name]}
    for place, row in strict.load(f"signatures/{name}", Signature, scopes=scopes, words=words, filled=filled):
        strict.once(place, ids, row.id)
        same = (row.scope.lower(), row.pattern, row.not_pattern)
        if (*same, "any") in tried:
            raise DataError(f"{place} is never reached: {tried[(*same, 'any')]} has its pattern")
        strict.once(place, tried, *same, row.system)
        if (name == "failures") != bool(row.cause):
            raise DataError(f"{place}: a failure or a hang has a cause, and nothing else has")
        yield place, row


def scoped(name: str, extension: str, system: Collection[str]) -> tuple[Signature, ...]:
    """What can be tried on an extension's text: its own rows, then those for any; only these are ever split."""
    fits = [row for row in messages(name, frozenset({extension.lower(), ANY})) if row.system in system]
    return (*(row for row in fits if row.scope != ANY), *(row for row in fits if row.scope == ANY))
