"""The ledger: every source that was considered, once, with what became of it; and the verdict of it all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from collector.model import Excerpt, Failure, LedgerEntry, Source, Verdict

if TYPE_CHECKING:
    from collector.read.lines import LineReader

#: The format of Windows' event logs.
EVENTS = "windows-event"
NEVER_COPIED = "settings hold secrets and are never copied"


def entry_of(
    source: Source, reader: LineReader, total: int, inside: int, excerpt: Excerpt | None, form: str = ""
) -> LedgerEntry:
    outcome = "outside-window" if reader.outcome == "read" and not inside else reader.outcome
    return LedgerEntry(
        source.path,
        source.kind,
        outcome,
        bytes_total=reader.size or source.size,
        bytes_read=min(reader.bytes_read, reader.size) if reader.size else reader.bytes_read,  # looks may overlap
        lines=reader.lines,
        records=total,
        records_in_window=inside,
        excerpt_lines=len(excerpt.lines) if excerpt else 0,
        format=form,
        encoding=reader.encoding,
        guarantee=reader.guarantee,
        note=reader.note or source.note,
    )


def note_of(source: Source, note: str) -> str:
    """Why a source was not read, and that its file is gone, if it is."""
    return f"{note}; {source.remains.note}" if source.remains is not None else note


def ledger_of(
    sources: Sequence[Source], unfound: Sequence[LedgerEntry], *read: Mapping[str, LedgerEntry]
) -> tuple[LedgerEntry, ...]:
    """Every source considered, once, with its outcome."""
    entries: dict[str, LedgerEntry] = {entry.path: entry for entry in unfound}
    for source in sources:
        outcome = source.problem or "skipped"
        note = source.note or (NEVER_COPIED if source.kind == "settings" else "listed only")
        entries[source.path] = LedgerEntry(
            source.path, source.kind, outcome, source.size, format=source.format, note=note
        )
    for part in read:
        entries.update(part)
    return tuple(entries[path] for path in sorted(entries))


def marked(excerpts: Iterable[Excerpt], failures: Sequence[Failure]) -> tuple[Excerpt, ...]:
    """Marks the lines that findings quote; keeps state files only where one is quoted."""
    quoted: dict[str, set[int]] = {}
    for failure in failures:
        for evidence in failure.evidence:
            quoted.setdefault(evidence.path, set()).add(evidence.line)
    states = (".status", "HandlerStatus", ".json", ".Json")
    return tuple(
        replace(excerpt, failing=frozenset(quoted.get(excerpt.path, ())))
        for excerpt in excerpts
        if excerpt.path in quoted or not excerpt.path.endswith(states)
    )


def verdict_of(failures: Sequence[Failure], ledger: Sequence[LedgerEntry]) -> Verdict:
    kinds = {failure.kind for failure in failures}
    if "failure" in kinds:
        return "failed"
    if "hang" in kinds:
        return "hanging"
    looked_at = {"read", "outside-window", "empty", "truncated", "undecodable"}
    told = any(
        entry.format != EVENTS  # Windows has event logs whether there is a guest agent or not
        and entry.outcome in looked_at
        and entry.kind in ("log", "status", "handler-status", "aggregate")
        for entry in ledger
    )
    return "healthy" if told else "nothing-found"
