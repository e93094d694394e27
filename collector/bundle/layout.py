"""Which lines and records go into a bundle of a given size. What does not fit is counted, never forgotten."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from collector.bundle.words import plural
from collector.model import Excerpt, Failure, LedgerEntry, Line, Record, Report

#: Share of the text that events.jsonl may take; the rest is for excerpts.
_EVENTS_SHARE = 0.25
#: No member of a bundle may be larger, in bytes of text: readers bound single members.
MEMBER_BYTES = 3_000_000
#: A failure's whole text beyond this many characters is cut; the excerpts hold it anyway.
DETAIL_CHARACTERS = 65_536
#: What a line costs beyond its own bytes (mark, number, line end), and a record (its names and resource).
_LINE_OVERHEAD = 12
_EVENT_OVERHEAD = 700


@dataclass(frozen=True, slots=True)
class LeftOut:
    """What did not fit: lines of excerpts, records of events.jsonl, sources of which no line fits."""

    lines: int = 0
    events: int = 0
    sources: int = 0


@dataclass(frozen=True, slots=True)
class Plan:
    """What of a report goes into the bundle. `report` holds only that, with its ledger corrected."""

    report: Report
    left_out: LeftOut = LeftOut()


def plan(report: Report, text_bytes: int, detail_characters: int = DETAIL_CHARACTERS) -> Plan:
    """Fits `report` into about `text_bytes` bytes of excerpts and events, before compression."""
    events = newest_events(report.events, min(int(text_bytes * _EVENTS_SHARE), MEMBER_BYTES))
    excerpts = share(report.excerpts, text_bytes - int(text_bytes * _EVENTS_SHARE))
    kept = tuple(excerpt for excerpt in excerpts if excerpt.lines)
    lines_before = sum(len(excerpt.lines) for excerpt in report.excerpts)
    lines_after = sum(len(excerpt.lines) for excerpt in kept)
    fitted = replace(
        report,
        events=events,
        excerpts=kept,
        ledger=_ledger(report.ledger, report.excerpts, excerpts),
        failures=tuple(_shorter(failure, detail_characters) for failure in report.failures),
        findings=tuple(replace(f, failure=_shorter(f.failure, detail_characters)) for f in report.findings),
    )
    lost_events = report.events_left_out + len(report.events) - len(events)
    left_out = LeftOut(lines_before - lines_after, lost_events, len(excerpts) - len(kept))
    return Plan(fitted, left_out)


def share(excerpts: Sequence[Excerpt], text_bytes: int) -> tuple[Excerpt, ...]:
    """Every source gets the same room; what a small one does not need goes to the others."""
    costs = [sum(cost(line) for line in excerpt.lines) for excerpt in excerpts]
    room = max(0, text_bytes)
    allotted: dict[int, int] = {}
    for done, index in enumerate(sorted(range(len(excerpts)), key=lambda index: costs[index])):
        allotted[index] = min(costs[index], room // (len(excerpts) - done), MEMBER_BYTES)
        room -= allotted[index]
    return tuple(fit(excerpt, allotted[index]) for index, excerpt in enumerate(excerpts))


def fit(excerpt: Excerpt, text_bytes: int) -> Excerpt:
    """The lines of one source that fit: failing ones first, then those next to them, newest first."""
    kept: set[int] = set()
    room = text_bytes
    for index in _by_worth(excerpt):
        price = cost(excerpt.lines[index])
        if price <= room:
            kept.add(index)
            room -= price
    if len(kept) == len(excerpt.lines):
        return excerpt
    lines = tuple(line for index, line in enumerate(excerpt.lines) if index in kept)
    return replace(excerpt, lines=lines, left_out=excerpt.left_out + len(excerpt.lines) - len(lines))


def newest_events(records: tuple[Record, ...], text_bytes: int) -> tuple[Record, ...]:
    """The last records that fit, in their order."""
    room = text_bytes
    for index in range(len(records) - 1, -1, -1):
        record = records[index]
        room -= _EVENT_OVERHEAD + 2 * sum(_size(text) for text in record.raw)
        if room < 0:
            return records[index + 1 :]
    return records


def cost(line: Line) -> int:
    """Bytes that a line takes in its member."""
    return _size(line.text) + _LINE_OVERHEAD


def _size(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


def _by_worth(excerpt: Excerpt) -> list[int]:
    """Indexes of the lines: by distance to the nearest failing line, then newest first."""
    far = len(excerpt.lines) + 1
    distance = [far] * len(excerpt.lines)
    for indexes in (range(len(excerpt.lines)), range(len(excerpt.lines) - 1, -1, -1)):
        nearest = far
        for index in indexes:
            nearest = 0 if excerpt.lines[index].number in excerpt.failing else min(far, nearest + 1)
            distance[index] = min(distance[index], nearest)
    return sorted(range(len(excerpt.lines)), key=lambda index: (distance[index], -index))


def _ledger(
    ledger: Iterable[LedgerEntry], before: Sequence[Excerpt], after: Sequence[Excerpt]
) -> tuple[LedgerEntry, ...]:
    """The ledger with what the budget took away: a source none of whose lines fit is "dropped"."""
    pairs = zip(before, after, strict=True)
    lost = {old.path: (len(new.lines), len(old.lines) - len(new.lines)) for old, new in pairs}
    corrected = []
    for entry in ledger:
        kept, dropped = lost.get(entry.path, (entry.excerpt_lines, 0))
        corrected.append(_without(entry, kept, dropped) if dropped else entry)
    return tuple(corrected)


def _without(entry: LedgerEntry, kept: int, dropped: int) -> LedgerEntry:
    note = f"{plural(dropped, 'line')} left out for the bundle's budget"
    entry = replace(entry, excerpt_lines=kept, note=f"{entry.note}; {note}" if entry.note else note)
    return replace(entry, outcome="dropped") if not kept and entry.outcome == "read" else entry


def _shorter(failure: Failure, characters: int) -> Failure:
    if len(failure.detail) <= characters:
        return failure
    lost = len(failure.detail) - characters
    return replace(failure, detail=f"{failure.detail[:characters]}\n... {lost} characters left out")
