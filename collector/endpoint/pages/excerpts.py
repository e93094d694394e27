"""The lines of a bundle for a page: around what failed, the rest one link away. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from collector.bundle import words
from collector.model import Excerpt, Line, System

#: Lines shown on either side of one that fails: by default, and at most.
CONTEXT, MOST_CONTEXT = 5, 40
#: What all excerpts of a page may take: lines, characters, and characters of a line.
_MOST_ROWS, _MOST_TEXT, _LONGEST = 120, 16_000, 500
#: So many excerpts are shown, the others are named.
_MOST_SHOWN = 12
#: The same of a page of one excerpt.
PAGE_ROWS, _PAGE_TEXT, _PAGE_LONGEST = 250, 60_000, 4_000
_UNFIT = re.compile(r"[^A-Za-z0-9._]+")
_LONGEST_SLUG = 60


@dataclass(frozen=True, slots=True)
class Row:
    """A line, or (`hidden`) how many are not shown from this number on."""

    number: int
    text: str = ""
    is_failing: bool = False
    is_cut: bool = False
    hidden: int = 0


@dataclass(frozen=True, slots=True)
class Shown:
    """One excerpt on the page of its bundle."""

    number: int  # its place in the bundle, from 0: its address
    slug: str
    path: str  # as its instance writes it
    lines: int
    left_out: int
    failing: int
    is_kept: bool  # from what the resident agent kept
    rows: tuple[Row, ...]


Place = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Lines:
    """What a page shows of the excerpts, and where a line is found."""

    shown: tuple[Shown, ...]
    rest: tuple[Shown, ...]  # without a failing line, or without room: their names only
    bundle: str
    places: Mapping[Place, str]

    def link(self, path: str, line: int) -> str:
        """The address of a line: on this page, on its excerpt's own, or "" where no excerpt has it."""
        return self.places.get((path, line), "")


def lines_of(
    excerpts: Sequence[Excerpt],
    bundle: str,
    system: System,
    kept: frozenset[str],
    context: int = CONTEXT,
    first: str = "",
) -> Lines:
    """`bundle`: its id. Excerpts that tell of a failure come first, in the bundle's order, that of the path `first`
    before all."""
    slugs = _slugs([excerpt.path for excerpt in excerpts])
    rows_left, text_left = _MOST_ROWS, _MOST_TEXT
    shown: list[Shown] = []
    rest: list[Shown] = []
    places: dict[Place, str] = {}
    for number, excerpt in sorted(enumerate(excerpts), key=lambda pair: (pair[1].path != first, pair[0])):
        rows: tuple[Row, ...] = ()
        if excerpt.failing and len(shown) < _MOST_SHOWN:
            rows = _around(excerpt, context, rows_left, text_left)
            rows_left -= len(rows)
            text_left -= sum(len(row.text) for row in rows)
        whole = f"/bundles/{bundle}/excerpts/{number}"
        places |= {(excerpt.path, line.number): f"{whole}?at={line.number}#L{line.number}" for line in excerpt.lines}
        places |= {(excerpt.path, row.number): f"#{slugs[number]}-L{row.number}" for row in rows if not row.hidden}
        one = Shown(
            number=number,
            slug=slugs[number],
            path=words.native(excerpt.path, system),
            lines=len(excerpt.lines),
            left_out=excerpt.left_out,
            failing=len(excerpt.failing),
            is_kept=excerpt.path in kept,
            rows=rows,
        )
        (shown if rows else rest).append(one)
    return Lines(tuple(shown), tuple(rest), bundle, places)


def _slugs(paths: Sequence[str]) -> list[str]:
    """What can stand in an address, from the end of each path; no two the same."""
    taken: dict[str, None] = {}
    for path in paths:
        stem = _UNFIT.sub("-", path)[-_LONGEST_SLUG:].strip("-.") or "lines"
        slug, number = stem, 2
        while slug in taken:
            slug, number = f"{stem}-{number}", number + 1
        taken[slug] = None
    return list(taken)


def _around(excerpt: Excerpt, context: int, most: int, text: int) -> tuple[Row, ...]:
    """The failing lines with those around them, as far as there is room; between, how many are left out."""
    lines = excerpt.lines
    wanted: set[int] = set()
    for place, line in enumerate(lines):
        if line.number in excerpt.failing:
            block = set(range(max(0, place - context), min(len(lines), place + context + 1))) - wanted
            size = sum(min(len(lines[one].text), _LONGEST) for one in block)
            if len(wanted) + len(block) > most or size > text:
                break
            wanted |= block
            text -= size
    return tuple(_with_gaps(lines, sorted(wanted), excerpt.failing))


def _with_gaps(lines: Sequence[Line], wanted: Sequence[int], failing: frozenset[int]) -> list[Row]:
    rows: list[Row] = []
    for before, place in pairwise([-1, *wanted]):
        if place - before > 1:
            rows.append(Row(lines[before + 1].number, hidden=place - before - 1))
        rows.append(_row(lines[place], failing, _LONGEST))
    last = wanted[-1] if wanted else -1
    if last < len(lines) - 1:
        rows.append(Row(lines[last + 1].number, hidden=len(lines) - 1 - last))
    return rows


def _row(line: Line, failing: frozenset[int], longest: int) -> Row:
    text = line.text if len(line.text) <= longest else line.text[:longest] + " …"
    return Row(line.number, text, line.number in failing, line.cut or len(line.text) > longest)


# ---- an excerpt on a page of its own -------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Part:
    """A part of an excerpt. `before` and `after`: the line numbers that lead to the parts beside it."""

    rows: tuple[Row, ...]
    before: int | None
    after: int | None


def part_of(excerpt: Excerpt, at: int | None) -> Part:
    """The part in which a line lies; the first one without `at`, or where no line has this number."""
    starts = _starts(excerpt.lines)
    found = next((place for place, line in enumerate(excerpt.lines) if line.number == at), 0)
    index = max((number for number, start in enumerate(starts) if start <= found), default=0)
    ends = [*starts[1:], len(excerpt.lines)]
    chosen = excerpt.lines[starts[index] : ends[index]] if starts else ()
    return Part(
        tuple(_row(line, excerpt.failing, _PAGE_LONGEST) for line in chosen),
        excerpt.lines[starts[index - 1]].number if index > 0 else None,
        excerpt.lines[starts[index + 1]].number if index + 1 < len(starts) else None,
    )


def _starts(lines: Sequence[Line]) -> list[int]:
    """Where each part begins."""
    starts: list[int] = []
    size = _PAGE_TEXT
    for place, line in enumerate(lines):
        length = min(len(line.text), _PAGE_LONGEST)
        if not starts or place - starts[-1] >= PAGE_ROWS or size + length > _PAGE_TEXT:
            starts.append(place)
            size = 0
        size += length
    return starts
