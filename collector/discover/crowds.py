"""Folders with very many files of one kind: the newest are read, the older ones are one row of the ledger. Pure.

An extension that writes a status or a log for each run leaves thousands. Only the newest tell of what stands now.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from collector.model import LedgerEntry, Source

#: Files of one kind that are read of one folder, and sources in all, for which fewer are read of each folder.
MOST_ALIKE, LEAST_ALIKE, MOST_SOURCES = 100, 10, 2_500


def without_crowds(sources: Sequence[Source]) -> tuple[list[Source], list[LedgerEntry]]:
    """The sources that are read, in their order, and what stands for the others."""
    groups: dict[tuple[str, str], list[Source]] = {}
    for source in sources:
        groups.setdefault((source.path.rpartition("/")[0], source.kind), []).append(source)
    most = MOST_ALIKE
    while most > LEAST_ALIKE and sum(min(len(group), most) for group in groups.values()) > MOST_SOURCES:
        most = max(LEAST_ALIKE, most // 2)
    left_out: set[str] = set()
    entries = []
    for (folder, kind), group in groups.items():
        if len(group) <= most:
            continue
        older = sorted(group, key=_age)[:-most]
        left_out.update(source.path for source in older)
        entries.append(_entry(folder, kind, older, most))
    return [source for source in sources if source.path not in left_out], entries


def _age(source: Source) -> tuple[int, float, str]:
    """The oldest first: by sequence number, then by the file's time, which is wrong on a copied disk, then by name."""
    return (-1 if source.sequence is None else source.sequence, source.modified, source.path)


def _entry(folder: str, kind: str, older: Iterable[Source], most: int) -> LedgerEntry:
    files = list(older)
    return LedgerEntry(
        f"{folder}/* ({kind})",
        files[0].kind,
        "skipped",
        sum(source.size for source in files),
        note=f"{len(files)} older files beside the {most} newest",
    )
