"""The lines around failures as HTML, failing ones marked, each reachable by a link. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from collector.bundle import words
from collector.bundle.html import esc, tag
from collector.model import Excerpt, Line, Report, System

#: Lines shown around a failing line, of one source, and of all; the bundle's excerpts hold the rest.
_AROUND, _MOST_OF_ONE, _MOST = 6, 120, 1_500
_LONGEST = 2_000  # characters of a line


def anchors(excerpts: Sequence[Excerpt]) -> dict[tuple[str, int], str]:
    """Where on the page a line of a file stands, for the lines that are shown."""
    return {
        (excerpt.path, line.number): f"x{number}-{line.number}"
        for number, excerpt in enumerate(excerpts)
        for line in _chosen(excerpt)
    }


def sections(report: Report) -> str:
    """One part for each source in which a line tells of a failure; the telling one first, and those open
    that the first finding names."""
    failure = report.findings[0].failure if report.findings else None
    proof = words.telling(failure) if failure else None
    first = {evidence.path for evidence in failure.evidence} if failure else set()
    parts, room = [], _MOST
    for number, excerpt in enumerate(report.excerpts):
        lines = _chosen(excerpt)[: max(0, room)]
        if lines:
            room -= len(lines)
            opened = excerpt.path in first
            worth = (proof is None or excerpt.path != proof.path, not opened)
            parts.append((worth, _part(number, excerpt, lines, report.identity.system, opened)))
    return "".join(part for _, part in sorted(parts, key=lambda part: part[0]))


def _part(number: int, excerpt: Excerpt, lines: list[Line], system: System, opened: bool) -> str:
    path = words.native(excerpt.path, system)
    whole = len(excerpt.lines) + excerpt.left_out
    count = f"{words.plural(len(excerpt.failing), 'marked line')}, {len(lines)} of {whole} lines shown"
    summary = tag("summary", tag("code", esc(path)), " ", tag("span", esc(count), class_="count"))
    rows = tag("tbody", *_rows(number, excerpt, lines))
    body = tag("table", rows, class_="lines", aria_label=f"Lines of {path}")
    return tag("details", summary, body, class_="card", open="" if opened else None)


def _rows(number: int, excerpt: Excerpt, lines: list[Line]) -> Iterator[str]:
    before: int | None = None
    for line in lines:
        if before is not None and line.number > before + 1:
            gap = f"... {words.plural(line.number - before - 1, 'line')} not shown"
            yield tag("tr", tag("th"), tag("td", gap), class_="gap")
        before = line.number
        bad = line.number in excerpt.failing
        text = esc(line.text[:_LONGEST])
        if line.cut or len(line.text) > _LONGEST:
            text += tag("span", " ... the line is longer", class_="soft")
        shown = tag("mark", text) if bad else text
        head = tag("th", str(line.number), scope="row")
        yield tag("tr", head, tag("td", shown), id=f"x{number}-{line.number}", class_="bad" if bad else None)


def _chosen(excerpt: Excerpt) -> list[Line]:
    """The lines near failing ones; of too many the last, where a failure shows its result."""
    if not excerpt.failing:
        return []
    near = {index for line in excerpt.failing for index in range(line - _AROUND, line + _AROUND + 1)}
    return [line for line in excerpt.lines if line.number in near][-_MOST_OF_ONE:]
