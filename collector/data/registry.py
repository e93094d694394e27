"""Which key of Windows' registry tells of handlers, and which of its values say what."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

from collector.data import strict
from collector.errors import DataError


class HandlerKey(NamedTuple):
    """Names are matched without regard to case."""

    key: str  # of HKEY_LOCAL_MACHINE; each key below it is a handler: its name, "_", its version
    hive: str  # the file that holds it, on a disk that is mounted elsewhere
    inside: str  # the key's path in the hive
    state: str  # the value that says in one word what became of the handler
    sequence: str  # the value with the sequence number of its newest settings
    source: str

    @property
    def shown(self) -> str:
        """The key as a path of the ledger."""
        return "HKLM/" + self.key.replace("\\", "/")


@cache
def handler_key() -> HandlerKey:
    """Raises DataError for a broken table, and for one with more than its one row."""
    rows = [row for _, row in strict.load("registry", HandlerKey, filled=HandlerKey._fields)]
    if len(rows) != 1:
        raise DataError(f"registry.tsv has {len(rows)} rows, not one")
    return rows[0]
