"""Folders with very many files of one kind: the newest are read, the older ones are one row of the ledger. Pure.

An extension that writes a status or a log for each run leaves thousands. Only the newest tell of what stands now.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import get_args

from collector.model import LedgerEntry, Source, SourceKind

_NUMBERS = re.compile(r"(\d{1,18})")
#: Files of one kind that are read of one folder, and sources in all, for which fewer are read of each folder.
MOST_ALIKE, LEAST_ALIKE, MOST_SOURCES = 100, 10, 2_000


class Crowds:
    """Thins out sources, and remembers what was left out."""

    def __init__(self) -> None:
        self._left_out: dict[tuple[str, str], tuple[int, int]] = {}  # folder and kind: files, bytes

    def thinned(self, sources: Sequence[Source], most: int = MOST_ALIKE) -> list[Source]:
        """The sources in their order, of each folder and kind the newest."""
        groups: dict[tuple[str, str], list[Source]] = {}
        for source in sources:
            groups.setdefault((source.path.rpartition("/")[0], source.kind), []).append(source)
        older: set[str] = set()
        for key, group in groups.items():
            if len(group) > most:
                gone = _oldest_first(group)[:-most]
                older.update(source.path for source in gone)
                files, size = self._left_out.get(key, (0, 0))
                self._left_out[key] = files + len(gone), size + sum(source.size for source in gone)
        return [source for source in sources if source.path not in older]

    def within_bounds(self, sources: Sequence[Source]) -> list[Source]:
        """At most about `MOST_SOURCES` of them: where there are more, fewer of each folder."""
        kept, most = list(sources), MOST_ALIKE
        while len(kept) > MOST_SOURCES and most > LEAST_ALIKE:
            most = max(LEAST_ALIKE, most // 2)
            kept = self.thinned(kept, most)
        return kept

    def entries(self) -> Iterator[LedgerEntry]:
        """A row for each folder and kind of which files were left out."""
        kinds: dict[str, SourceKind] = {kind: kind for kind in get_args(SourceKind)}
        for (folder, kind), (files, size) in self._left_out.items():
            note = f"{files} older files were not read, only the newest of the folder"
            yield LedgerEntry(f"{folder}/* ({kind})", kinds[kind], "truncated", size, note=note)


def _oldest_first(group: Sequence[Source]) -> list[Source]:
    """By age within each name, so that a name with many runs does not push out one with few; the sequence numbers of
    two names have nothing to do with each other."""
    named: dict[str | None, list[Source]] = {}
    for source in sorted(group, key=lambda one: (_sequence(one), *_age(one)), reverse=True):
        named.setdefault(source.name, []).append(source)
    places = [(place, source) for sources in named.values() for place, source in enumerate(sources)]
    return [source for _, source in sorted(places, key=lambda one: (-one[0], *_age(one[1])))]


def _sequence(source: Source) -> int:
    return -1 if source.sequence is None else source.sequence


def _age(source: Source) -> tuple[float, list[tuple[int, str]]]:
    """The oldest first: by the file's time, which is wrong on a copied disk, then by name, numbers in it as numbers."""
    parts = _NUMBERS.split(source.path)
    return source.modified, [(int(part), "") if part.isdecimal() else (-1, part) for part in parts]
