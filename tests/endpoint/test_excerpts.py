"""Lines on a page: those around what failed, the rest one link away, each with an address that leads to it."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.endpoint.pages.excerpts import lines_of, part_of
from collector.model import Excerpt, Line

ID = "0123456789abcdef"


def excerpt(path: str, count: int, failing: tuple[int, ...] = (), first: int = 1, text: str = "x") -> Excerpt:
    lines = tuple(Line(first + number, f"{text} {first + number}") for number in range(count))
    return Excerpt(path, lines, frozenset(failing))


def test_the_failing_line_stands_among_its_neighbours_and_the_rest_is_counted():
    shown = lines_of([excerpt("var/log/a.log", 100, (50,))], ID, "linux", frozenset(), 3).shown[0]
    assert [row.number for row in shown.rows] == [1, 47, 48, 49, 50, 51, 52, 53, 54]
    assert [row.hidden for row in shown.rows if row.hidden] == [46, 47]
    assert [row.number for row in shown.rows if row.is_failing] == [50]


def test_blocks_that_touch_are_one():
    shown = lines_of([excerpt("a", 20, (5, 9))], ID, "linux", frozenset(), 2).shown[0]
    assert [row.number for row in shown.rows if not row.hidden] == [3, 4, 5, 6, 7, 8, 9, 10, 11]


def test_a_line_is_found_on_this_page_or_on_its_excerpts_own():
    lines = lines_of([excerpt("var/log/a.log", 100, (50,))], ID, "linux", frozenset(), 3)
    assert lines.link("var/log/a.log", 50) == "#var-log-a.log-L50"
    assert lines.link("var/log/a.log", 90) == f"/bundles/{ID}/excerpts/0?at=90#L90"
    assert lines.link("var/log/a.log", 101) == lines.link("elsewhere", 1) == ""


def test_what_proves_it_comes_first_and_what_tells_of_no_failure_is_only_named():
    every = [excerpt("a", 5, (1,)), excerpt("b", 5), excerpt("c", 5, (2,))]
    lines = lines_of(every, ID, "linux", frozenset({"c"}), 3, "c")
    assert [(shown.number, shown.path, shown.is_kept) for shown in lines.shown] == [(2, "/c", True), (0, "/a", False)]
    assert [(shown.number, shown.rows) for shown in lines.rest] == [(1, ())]


def test_paths_that_look_alike_have_addresses_of_their_own():
    every = [excerpt("a b", 2, (1,)), excerpt("a-b", 2, (1,)), excerpt("ä", 2, (1,)), excerpt("/", 2, (1,))]
    slugs = [shown.slug for shown in lines_of(every, ID, "linux", frozenset()).shown]
    assert len(set(slugs)) == 4
    assert all(re.fullmatch(r"[\w.-]+", slug, re.ASCII) for slug in slugs)


def test_many_failing_lines_keep_to_the_room_of_a_page():
    every = [excerpt(f"log-{number}", 1_500, tuple(range(1, 1_500, 7)), text="y" * 900) for number in range(20)]
    lines = lines_of(every, ID, "linux", frozenset(), 40)
    assert sum(len(row.text) for shown in lines.shown for row in shown.rows) < 30_000
    assert sum(len(shown.rows) for shown in lines.shown) < 300
    assert all(len(row.text) <= 602 for shown in lines.shown for row in shown.rows)


@pytest.mark.parametrize("length", [1, 500, 9_000])
def test_the_parts_of_an_excerpt_are_all_of_it_each_once(length: int):
    whole = excerpt("a", 1_000, (3,), first=70, text="z" * length)
    seen: list[int] = []
    at: int | None = None
    while True:
        part = part_of(whole, at)
        assert sum(len(row.text) for row in part.rows) < 65_000
        seen += [row.number for row in part.rows]
        if part.after is None:
            break
        assert part_of(whole, part.after).before == part.rows[0].number
        at = part.after
    assert seen == [line.number for line in whole.lines]


@given(st.integers(1, 2_000))
def test_the_part_that_is_asked_for_has_the_line(at: int):
    part = part_of(excerpt("a", 700, first=100), at)
    numbers = [row.number for row in part.rows]
    assert (at in numbers) or not 100 <= at < 800
    assert part_of(Excerpt("a", (), frozenset()), at).rows == ()
