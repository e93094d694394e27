"""Which lines and records go into a bundle of a given size. What does not fit is counted, never forgotten."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from collector.bundle.words import plural
from collector.model import Excerpt, Failure, LedgerEntry, Line, Record, Report

#: Share of the text that events.jsonl may take; the rest is for excerpts.
_EVENTS_SHARE = 0.25
#: No member of a bundle may be larger, in bytes of text: readers bound single members.
MEMBER_BYTES = 3_000_000
#: Sources of which lines are kept, at most: readers bound the number of members too.
MOST_SOURCES = 1_900
#: A failure's whole text beyond this many characters is cut; the excerpts hold it anyway.
DETAIL_CHARACTERS = 65_536
#: What a line costs beyond its own bytes (mark, number, line end), and a record (its names and resource).
_LINE_OVERHEAD = 12
_EVENT_OVERHEAD = 700
#: A failing line that does not fit as a whole is cut, but not to less than so many bytes.
_LEAST_OF_LINE = 80


@dataclass(frozen=True, slots=True)
class LeftOut:
    """What did not fit: lines of excerpts, records of events.jsonl, sources of which no line fits."""

    lines: int = 0
    events: int = 0
    sources: int = 0


class Plan(NamedTuple):
    """What of a report goes into the bundle. `report` holds only that, with its ledger corrected."""

    report: Report
    left_out: LeftOut = LeftOut()


def plan(report: Report, text_bytes: int, detail_characters: int = DETAIL_CHARACTERS) -> Plan:
    """Fits `report` into about `text_bytes` bytes of excerpts and events, before compression."""
    telling = {(evidence.path, evidence.line) for failure in report.failures for evidence in failure.evidence}
    events = fair_events(report.events, min(int(text_bytes * _EVENTS_SHARE), MEMBER_BYTES), telling)
    excerpts = share(report.excerpts, text_bytes - int(text_bytes * _EVENTS_SHARE))
    kept = tuple(excerpt for excerpt in excerpts if excerpt.lines)
    lines_before = sum(len(excerpt.lines) for excerpt in report.excerpts)
    lines_after = sum(len(excerpt.lines) for excerpt in kept)
    fitted = replace(
        report,
        events=events,
        excerpts=kept,
        ledger=_ledger(report.ledger, report.excerpts, excerpts, _lost(report.events, events)),
        failures=tuple(_shorter(failure, detail_characters) for failure in report.failures),
        findings=tuple(replace(f, failure=_shorter(f.failure, detail_characters)) for f in report.findings),
    )
    lost_events = report.events_left_out + len(report.events) - len(events)
    left_out = LeftOut(lines_before - lines_after, lost_events, len(excerpts) - len(kept))
    return Plan(fitted, left_out)


def allot(costs: Sequence[int], room: int) -> list[int]:
    """Every one gets the same room; what a small one does not need goes to the others. In the order of `costs`."""
    left = max(0, room)
    allotted = [0] * len(costs)
    for done, index in enumerate(sorted(range(len(costs)), key=lambda index: costs[index])):
        allotted[index] = min(costs[index], left // (len(costs) - done))
        left -= allotted[index]
    return allotted


def share(excerpts: Sequence[Excerpt], text_bytes: int) -> tuple[Excerpt, ...]:
    """The excerpts within `text_bytes`, each source with the same room. Of too many sources those that hold no
    failing line go first; what is left of one without room has no lines."""
    by_worth = sorted(range(len(excerpts)), key=lambda index: (not excerpts[index].failing, index))
    chosen = sorted(by_worth[:MOST_SOURCES])
    costs = [min(MEMBER_BYTES, sum(cost(line) for line in excerpts[index].lines)) for index in chosen]
    rooms = dict(zip(chosen, allot(costs, text_bytes), strict=True))
    return tuple(fit(excerpt, rooms.get(index, 0)) for index, excerpt in enumerate(excerpts))


def fit(excerpt: Excerpt, text_bytes: int) -> Excerpt:
    """The lines of one source that fit: failing ones first, then those next to them, newest first."""
    kept: dict[int, Line] = {}
    room = text_bytes
    for index in _by_worth(excerpt):
        line = excerpt.lines[index]
        if cost(line) > room and line.number in excerpt.failing:
            line = _cut(line, room)
        if cost(line) <= room:
            kept[index] = line
            room -= cost(line)
    lines = tuple(kept[index] for index in sorted(kept))
    if lines == excerpt.lines:
        return excerpt
    return replace(excerpt, lines=lines, left_out=excerpt.left_out + len(excerpt.lines) - len(lines))


def fair_events(
    records: Sequence[Record], text_bytes: int, telling: Collection[tuple[str, int]] = ()
) -> tuple[Record, ...]:
    """The records that fit, in their order, each source with the same room: first those that tell of a failure
    (`telling`: path and line), then the newest."""
    by_source: dict[str, list[int]] = {}
    for index, record in enumerate(records):
        by_source.setdefault(record.path, []).append(index)
    costs = [sum(_price(records[index]) for index in indexes) for indexes in by_source.values()]
    kept: list[int] = []
    for indexes, room in zip(by_source.values(), allot(costs, text_bytes), strict=True):
        left = room
        for index in sorted(indexes, key=lambda i: ((records[i].path, records[i].line) not in telling, -i)):
            if (price := _price(records[index])) <= left:
                kept.append(index)
                left -= price
    return tuple(records[index] for index in sorted(kept))


def cost(line: Line) -> int:
    """Bytes that a line takes in its member."""
    return _size(line.text) + _LINE_OVERHEAD


def _price(record: Record) -> int:
    return _EVENT_OVERHEAD + 2 * sum(_size(text) for text in record.raw)


def _cut(line: Line, text_bytes: int) -> Line:
    """As much of it as fits, if that is enough to tell something; else the line as it is."""
    room = text_bytes - _LINE_OVERHEAD
    if room < _LEAST_OF_LINE:
        return line
    return replace(line, text=line.text.encode("utf-8", "replace")[:room].decode("utf-8", "ignore"), cut=True)


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


def _lost(before: Iterable[Record], after: Iterable[Record]) -> Counter[str]:
    """How many records of each source did not fit."""
    return Counter(record.path for record in before) - Counter(record.path for record in after)


def _ledger(
    ledger: Iterable[LedgerEntry], before: Sequence[Excerpt], after: Sequence[Excerpt], lost_records: Counter[str]
) -> tuple[LedgerEntry, ...]:
    """The ledger with what the budget took away: a source none of whose lines fit is "dropped"."""
    pairs = zip(before, after, strict=True)
    lost = {old.path: (len(new.lines), len(old.lines) - len(new.lines)) for old, new in pairs}
    corrected = []
    for entry in ledger:
        kept, dropped = lost.get(entry.path, (entry.excerpt_lines, 0))
        corrected.append(_without(entry, kept, dropped, lost_records[entry.path]))
    return tuple(corrected)


def _without(entry: LedgerEntry, kept: int, lines: int, records: int) -> LedgerEntry:
    gone = " and ".join(plural(number, word) for number, word in ((lines, "line"), (records, "record")) if number)
    if not gone:
        return entry
    note = f"{gone} left out for the bundle's budget"
    entry = replace(entry, excerpt_lines=kept, note=f"{entry.note}; {note}" if entry.note else note)
    return replace(entry, outcome="dropped") if lines and not kept and entry.outcome == "read" else entry


def _shorter(failure: Failure, characters: int) -> Failure:
    if len(failure.detail) <= characters:
        return failure
    lost = len(failure.detail) - characters
    return replace(failure, detail=f"{failure.detail[:characters]}\n... {lost} characters left out")
