"""Message patterns of known failures."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from collector.data.messages import Signature as Signature
from collector.data.messages import messages, scoped
from collector.model import System

#: Causes that only say that something failed ("the tail says why"); a more telling signature wins over them.
GENERIC_CAUSES = frozenset(
    {"script-failed", "handler-failed", "dependency-failed", "agent-status", "status-file", "timeout", "dsc-config"}
)


def signatures() -> tuple[Signature, ...]:
    """All rows, whatever extension they are for."""
    return messages("failures")


@cache
def candidates(extension: str, system: System, kind: str | None = None) -> tuple[Signature, ...]:
    """What can be tried on the texts of a failure of this extension: its own signatures, then the general ones.

    `kind` is the failure's: one that has ended is explained by no row of a hang, and a hang is by those first.
    """
    fits = scoped("failures", extension, (system, "any"))
    if kind == "hang":
        return tuple(sorted(fits, key=lambda row: row.kind != "hang"))
    return tuple(row for row in fits if kind is None or row.kind == "failure")


def best(texts: Iterable[str], extension: str, system: System, kind: str | None = None) -> tuple[Signature, int] | None:
    """The signature that explains the texts best, and the number of the text it was found in.

    Earlier texts tell more; within one text a signature of the extension itself goes before a general one,
    and one that names a cause before one that only says that something failed.
    """
    generic: tuple[Signature, int] | None = None
    for number, text in enumerate(texts):
        for row in candidates(extension, system, kind):
            if not row.found_in(text):
                continue
            if row.cause not in GENERIC_CAUSES:
                return row, number
            generic = generic or (row, number)
    return generic
