"""A log whose every line has a number, made so fast that the one who writes it hardly costs anything.

Blocks of so many lines are written once, with marks where the stamp and the block's number belong. As what replaces a
mark is as long as the mark, the places of the lines never move.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path
from random import Random
from typing import Literal

from tests.bench import messages

#: Lines in each block, whatever their length: a line's number is that of its block times this, and its own.
LINES = 4_000
#: Blocks of different texts that take turns; in the last of them one record tells of a failure.
TEMPLATES = 40
#: Bytes that are written at once, at most: whole lines.
_SLICE = 131_072

#: What whoever writes very much writes; or nothing but what an agent writes of its operations.
Text = Literal["chatter", "operations"]

_STAMP = b"\0YYYY-MM-DDTHH:MM:SS.\0"  # the rest differs from line to line
_BLOCK = b"\0BBBBBBB\0"
_NUMBER = re.compile(rb" #(\d{9})\.(\d{5})$", re.M)
#: How long the number at a line's end is, without the line end.
_LENGTH = len(b"#000000000.00000")


class Blocks:
    """Blocks of an agent's log in the order of their numbers."""

    def __init__(self, text: Text = "chatter", templates: int = TEMPLATES) -> None:
        chance = Random(text)
        usual = messages.chatter(chance) if text == "chatter" else messages.usual(chance)
        wrong = messages.wrong(chance)
        self._templates = [
            _template(chance, usual, wrong if place == templates - 1 else []) for place in range(templates)
        ]
        self._cuts = [tuple(_cuts(text)) for text in self._templates]

    def slices(self, number: int, now: datetime) -> Iterator[tuple[int, bytes]]:
        """A block's text in pieces of whole lines, each with the number of the line after it."""
        place = number % len(self._templates)
        text = self._templates[place].replace(_BLOCK, b"%09d" % number)
        text = text.replace(_STAMP, now.strftime("%Y-%m-%dT%H:%M:%S.%f").encode()[: len(_STAMP)])
        begin = 0
        for end, line in self._cuts[place]:
            yield number * LINES + line, text[begin:end]
            begin = end


def _template(chance: Random, usual: list[bytes], wrong: list[bytes]) -> bytes:
    lines: list[bytes] = []
    failing = chance.randrange(LINES // 2) if wrong else LINES
    while len(lines) < LINES:
        if len(lines) >= failing:
            failing, record = LINES, chance.choice(wrong)
        else:
            record = chance.choice(usual)
        lines += (b"%s%04dZ %s" % (_STAMP, len(lines) * 10_000 // LINES, record)).rstrip(b"\n").split(b"\n")
    return b"".join(b"%s #%s.%05d\n" % (line, _BLOCK, place) for place, line in enumerate(lines[:LINES]))


def _cuts(text: bytes) -> Iterator[tuple[int, int]]:
    """Where the pieces end (bytes), and how many lines there are up to there."""
    begin = lines = 0
    while begin < len(text):
        end = len(text) if len(text) - begin <= _SLICE else text.rindex(b"\n", begin, begin + _SLICE) + 1
        lines += text.count(b"\n", begin, end)
        yield end, lines
        begin = end


def numbered(number: int) -> bytes:
    """One line."""
    now = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ").encode()
    return b"%s INFO probe answered #%09d.%05d\n" % (now, *divmod(number, LINES))


def first_number(data: bytes) -> int:
    """The number of the first line of a text."""
    end = data.find(b"\n")
    return _number(data[end - _LENGTH : end])


def last_number(data: bytes) -> int:
    """The number of the last line of a text, whether it ends with a line end or not."""
    end = len(data) - data.endswith(b"\n")
    return _number(data[end - _LENGTH : end])


def numbers(data: bytes) -> list[int]:
    """The numbers of all lines. ValueError where a line has none."""
    found = [int(block) * LINES + int(line) for block, line in _NUMBER.findall(data)]
    if len(found) != data.count(b"\n") + (not data.endswith(b"\n")):
        raise ValueError(f"{data.count(chr(10).encode())} lines, {len(found)} numbers")
    return found


def _number(text: bytes) -> int:
    return int(text[1:10]) * LINES + int(text[11:])


@dataclass(frozen=True, slots=True)
class Arrived:
    """Lines that were processed together."""

    at: float  # monotonic seconds
    stream: int
    offset: int
    end: int
    first: int
    last: int
    lines: int


def trace_line(it: Arrived) -> str:
    return f"{it.at!r}\t{it.stream}\t{it.offset}\t{it.end}\t{it.first}\t{it.last}\t{it.lines}\n"


def read_trace(file: Path) -> list[Arrived]:
    """The whole lines of a trace; what follows the last line end is left out."""
    rows = (line.split("\t") for line in file.read_text(encoding="ascii").split("\n")[:-1])
    return [Arrived(float(row[0]), *map(int, row[1:])) for row in rows]


@dataclass(frozen=True, slots=True)
class Tally:
    """What arrived of the lines from 0 to `expected`."""

    expected: int
    lines: int
    missing: int
    twice: int


def tally(arrived: Iterable[Arrived], expected: int) -> Tally:
    """Bytes of a stream that came again, as after a restart, are known by their offsets and count once."""
    missing = twice = lines = next_number = 0
    for piece in sorted(_once(arrived), key=lambda it: it.first):
        lines += piece.lines
        missing += max(0, piece.first - next_number)
        twice += max(0, min(next_number, piece.last + 1) - piece.first)
        gap = piece.last + 1 - piece.first - piece.lines
        missing += max(0, gap)
        twice += max(0, -gap)
        next_number = max(next_number, piece.last + 1)
    return Tally(expected, lines, missing + max(0, expected - next_number), twice)


def _once(arrived: Iterable[Arrived]) -> Iterator[Arrived]:
    before: Arrived | None = None
    for piece in sorted(arrived, key=lambda it: (it.stream, it.offset, it.end)):
        if before is not None and piece.stream == before.stream and piece.offset < before.end:
            known = before.last + 1 - piece.first
            piece = replace(piece, first=before.last + 1, lines=piece.lines - known)
            if piece.lines <= 0:
                continue
        yield piece
        before = piece


def delays(arrived: Iterable[Arrived], written: Iterable[tuple[int, float]]) -> list[float]:
    """Seconds from the end of each write to the moment at which all its lines had been processed.

    `written`: for each write the number of the line after it, and when it ended (monotonic seconds).
    """
    found = []
    pieces = iter(sorted(arrived, key=lambda it: it.last))
    piece = next(pieces, None)
    for after, at in written:
        while piece is not None and piece.last + 1 < after:
            piece = next(pieces, None)
        if piece is None:
            break
        found.append(max(0.0, piece.at - at))
    return found
