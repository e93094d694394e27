"""Excerpts as text members: readable, reversible, with names that are safe everywhere."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.bundle.excerpts import member_names, parse_excerpt, render_excerpt
from collector.errors import BundleError
from collector.model import Excerpt, Line
from tests.bundle.samples import EXCERPTS


def test_what_a_person_sees():
    excerpt = Excerpt("var/log/a.log", (Line(9, "before"), Line(14, "failed", cut=True)), frozenset({14}), 120)
    assert render_excerpt(excerpt) == (
        "# var/log/a.log\n"
        "# 2 lines, 120 of the window left out; > marks what tells of a failure, ~ a line that was cut\n"
        "      9  before\n"
        "...\n"
        ">    14~ failed\n"
    )


@pytest.mark.parametrize("excerpt", EXCERPTS)
def test_it_comes_back_as_it_was(excerpt):
    assert parse_excerpt(render_excerpt(excerpt), "member") == excerpt


@settings(derandomize=True, deadline=None)
@given(st.lists(st.text().filter(lambda text: not set(text) & set("\r\n")), max_size=8), st.booleans())
def test_any_text_comes_back(texts, cut):
    lines = tuple(Line(number * 3, text, cut) for number, text in enumerate(texts, start=1))
    excerpt = Excerpt("a path/with spaces", lines, frozenset(line.number for line in lines[::2]), 3)
    assert parse_excerpt(render_excerpt(excerpt), "member") == excerpt


def test_a_line_break_inside_a_line_makes_no_new_line():
    excerpt = Excerpt("a", (Line(1, "one\r>     2  forged"),), frozenset())
    assert parse_excerpt(render_excerpt(excerpt), "a").lines == (Line(1, "one\\r>     2  forged"),)


@pytest.mark.parametrize(
    "text",
    ["", "x", "# a\n", "# a\nno count\n", "# a\n# 1 lines, 0 of the window left out; x\nno number\n",
     "# a\n# 1 lines, 0 of the window left out; x\n>" + "9" * 5_000 + "  x\n"],
)  # fmt: skip
def test_what_is_no_excerpt_is_refused(text):
    with pytest.raises(BundleError, match="member"):
        parse_excerpt(text, "member")


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("var/log/waagent.log", "excerpts/var/log/waagent.log.txt"),
        ("WindowsAzure/Logs/WaAppAgent.log", "excerpts/WindowsAzure/Logs/WaAppAgent.log.txt"),
        ("../../etc/shadow", "excerpts/etc/shadow.txt"),
        ("/var//log/./x", "excerpts/var/log/x.txt"),
        ('a:b*?"<>|\\c\n', "excerpts/a_b_______c_.txt"),
        ("k/aux.log", "excerpts/k/_aux.log.txt"),
        ("ends. /x", "excerpts/ends/x.txt"),
        ("", "excerpts/unnamed.txt"),
    ],
)
def test_a_member_name_is_safe(path, name):
    assert member_names([path]) == [name]


def test_no_two_members_have_the_same_name_whatever_their_case():
    assert member_names(["a/B", "a/b", "a/B"]) == [
        "excerpts/a/B.txt",
        "excerpts/a/b~2.txt",
        "excerpts/a/B~3.txt",
    ]


def test_a_long_path_gives_a_name_of_fair_length():
    names = member_names(["d" * 300 + "/" + "e" * 300, "x/" * 300 + "end"])
    assert all(len(name) <= 220 for name in names)
    assert names[1].endswith("x/end.txt")
