"""Tables of one's own beside the configuration file: for a person a broken one is a mistake to mend, for the resident
agent's runs an entry of the ledger, since nobody is there to mend it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from collector.discover.catalog import OwnTable, own_files, own_table
from collector.errors import DataError
from collector.model import LedgerEntry


def own_tables(configuration: Path) -> tuple[OwnTable, ...]:
    """Raises DataError naming the file and the row."""
    return tuple(own_table(file) for file in own_files(configuration))


def whole_tables(configuration: Path) -> tuple[Sequence[OwnTable], Sequence[LedgerEntry]]:
    """Those that can be used, and what is told of the others."""
    tables, broken = [], []
    for file in own_files(configuration):
        try:
            tables.append(own_table(file))
        except DataError as error:
            note = f"a broken table of places, what it names was not looked for: {error}"
            broken.append(LedgerEntry(str(file), "log", "undecodable", note=note))
    return tables, broken
