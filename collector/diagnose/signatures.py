"""Message patterns of known failures."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from functools import cache

from collector.data import pattern_of, rows
from collector.errors import DataError
from collector.model import System

#: Causes that only say that something failed; a more telling signature wins over them.
GENERIC_CAUSES = frozenset(
    {"script-failed", "handler-failed", "dependency-failed", "agent-status", "status-file", "timeout"}
)


@dataclass(frozen=True, slots=True)
class Signature:
    id: str
    scope: str  # Publisher.Type, or * for any extension's text
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
        if not pattern_of("signatures/failures.tsv", self.id, self.pattern).search(text):
            return False
        return not (self.not_pattern and pattern_of("signatures/failures.tsv", self.id, self.not_pattern).search(text))


@cache
def signatures() -> tuple[Signature, ...]:
    """All rows; patterns are compiled when they are first tried."""
    known = [field.name for field in fields(Signature)]
    found = []
    for row in rows("signatures/failures"):
        if list(row) != known:
            raise DataError(f"signatures/failures.tsv has the columns {list(row)}, not {known}")
        found.append(Signature(**row))
    return tuple(found)


@cache
def _candidates(extension: str, system: System) -> tuple[Signature, ...]:
    fits = [row for row in signatures() if row.system in (system, "both", "any") and row.scope in (extension, "*")]
    own = [row for row in fits if row.scope != "*"]
    return (*own, *(row for row in fits if row.scope == "*"))


def best(texts: Iterable[str], extension: str, system: System) -> tuple[Signature, int] | None:
    """The signature that explains the texts best, and the number of the text it was found in.

    Earlier texts tell more; within one text a signature of the extension itself goes before a general one,
    and one that names a cause before one that only says that something failed.
    """
    generic: tuple[Signature, int] | None = None
    for number, text in enumerate(texts):
        for row in _candidates(extension, system):
            if not row.found_in(text):
                continue
            if row.cause not in GENERIC_CAUSES:
                return row, number
            generic = generic or (row, number)
    return generic
