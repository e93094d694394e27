"""Numbers of lines as an editor shows them, for lines of which the reader skipped what is before."""

from __future__ import annotations

from collections.abc import Callable

from collector.model import Source
from collector.read.normal import Normalizer
from collector.read.plan import Ranges
from collector.read.source import ByteSource


def first_number(begin: int, first: int) -> int:
    """The number that the first line of a range is given: 1 in the first line of the file, which begins at `first`;
    else one more than the offset, so that numbers grow and never touch across a gap."""
    return 1 if begin == first else begin + 1


def real_numbers(
    source: Source, block: int, encoding: str, carriage: bool, first: int, ranges: Ranges
) -> Callable[[int], int]:
    """From the numbers that lines of the ranges were given to those in the file. What is before them is read now.

    `first`: the offset of the first line. `block`: bytes asked for in one read.
    """
    counted: list[tuple[int, int]] = []  # given number and real number of the first line of each range
    stream = ByteSource(source, block)
    with stream.opened() as is_open:
        at, lines = first, 1
        for begin, _ in ranges if is_open else ():
            lines += _count(stream, encoding, carriage, at, begin)
            at = begin
            counted.append((first_number(begin, first), lines))

    def real(number: int) -> int:
        for given, true in reversed(counted):
            if number >= given:
                return true + number - given
        return number

    return real


def _count(stream: ByteSource, encoding: str, carriage: bool, begin: int, end: int) -> int:
    """Lines of a part that a line begins after."""
    normal = Normalizer(encoding, carriage)
    lines, last = 0, b"\n"
    for block in stream.blocks(begin, end):
        data = normal.feed(block)
        lines += data.count(b"\n")
        last = data[-1:] or last
    data = normal.feed(b"", final=True)
    return lines + data.count(b"\n") + ((data[-1:] or last) != b"\n")
