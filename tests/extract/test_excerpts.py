"""Which lines of a log are kept around what tells of an operation."""

from __future__ import annotations

from collector.extract.excerpts import AFTER, BEFORE, FIRST_LINES, LAST_LINES, ExcerptKeeper, renumbered
from collector.model import Excerpt, Record


def kept(telling: set[int], count: int) -> Excerpt | None:
    keeper = ExcerptKeeper("a.log")
    for number in range(1, count + 1):
        record = Record("a.log", number, None, "none", "", "x", (f"line {number}",))
        keeper.add(record, tells=number in telling)
    return keeper.excerpt()


def numbers(excerpt: Excerpt | None) -> list[int]:
    assert excerpt is not None
    return [line.number for line in excerpt.lines]


def test_lines_around_what_tells_are_kept_and_all_others_counted():
    excerpt = kept({100}, 200)
    assert numbers(excerpt) == list(range(100 - BEFORE, 100 + AFTER + 1))
    assert excerpt is not None
    assert excerpt.left_out == 200 - len(excerpt.lines)


def test_a_log_that_tells_nothing_has_no_excerpt():
    assert kept(set(), 50) is None


def test_of_very_many_the_first_and_the_newest_are_kept():
    excerpt = kept(set(range(1, 5_001)), 5_000)
    assert numbers(excerpt) == [*range(1, FIRST_LINES + 1), *range(5_001 - LAST_LINES, 5_001)]
    assert excerpt is not None
    assert excerpt.left_out == 5_000 - FIRST_LINES - LAST_LINES


def test_lines_get_other_numbers():
    excerpt = kept({2}, 3)
    assert excerpt is not None
    assert numbers(renumbered(excerpt, lambda number: number + 1_000)) == [1_001, 1_002, 1_003]
