"""Message patterns of known failures."""

from __future__ import annotations

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
