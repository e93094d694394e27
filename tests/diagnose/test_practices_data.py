"""The tables of practices and of their signs: nothing in them is broken, unused, or true of the wrong text."""

from __future__ import annotations

import re

import pytest

from collector import data
from collector.data.practices import EVERY, MACHINE, Sign, practices, signs
from collector.diagnose.practices import _area, _checks
from collector.diagnose.practices.code import code_of, command_code
from collector.errors import DataError

ROWS = list(practices().values())
SIGNS = [sign for rows in signs().values() for sign in rows]
SOURCE = re.compile(r"https://\S+|[\w.-]+/[\w.-]+:[\w./-]+|[\w.-]+/[\w.-]+#\d+")


def test_there_are_as_many_as_were_researched():
    assert len(ROWS) == 99
    assert sum(row.checked == "instance" for row in ROWS) >= 85


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_a_row_says_what_people_need(row):
    assert re.fullmatch(r"[a-z]+(-[a-z0-9]+)+", row.id)
    assert len(row.title) <= 60
    assert not row.title.endswith(".")
    assert row.remedy[0].isupper() or row.remedy.startswith(("-", "az "))
    assert row.confidence in ("documented", "confirmed", "reported", "convention")
    assert all(SOURCE.fullmatch(part) for part in row.source.split("; "))
    assert row.handlers
    assert len(row.handlers & {EVERY, MACHINE}) == 0 or len(row.handlers) == 1


@pytest.mark.parametrize("row", [row for row in ROWS if row.checked == "instance"], ids=lambda row: row.id)
def test_what_is_checked_has_a_check(row):
    extension = "" if MACHINE in row.handlers else "Some.Extension"
    assert row.id in _checks(_area(row, extension)) or row.id in signs()


def test_no_check_stands_for_a_practice_that_is_not_checked():
    areas = ("cse", "dsc", "rc", "vmapp", "vmss", "kv", "gpu", "lp", "every", "ext", "machine")
    named = {name for area in areas for name in _checks(area)} | signs().keys()
    assert {name for name in named if practices()[name].checked != "instance"} == set()


def seen_in(sign: Sign, text: str) -> bool:
    """As the product looks: the words first, then the code where it is a script, then the pattern."""
    if not any(word in text.lower() for word in sign.words):
        return False
    if "script" in sign.places:
        return bool(sign.find(code_of("a.ps1", text)) or sign.find(code_of("a.sh", text)))
    return bool(sign.find(command_code(text) if sign.places == ("command",) else text))


@pytest.mark.parametrize("sign", SIGNS, ids=lambda sign: f"{sign.practice}: {sign.must_match[:30]}")
def test_a_sign_matches_its_example_and_not_its_look_alike(sign: Sign):
    assert seen_in(sign, sign.must_match)
    assert not seen_in(sign, sign.must_not_match)
    assert not sign.detail.endswith(".")
    assert len(sign.detail) <= 100


#: Look-alikes of one sign that are rightly examples of another.
EXPLAINED = {
    ("cse-crlf", "cse-shebang"),  # the line end hides an interpreter that is there
    ("rc-w-amp", "vmapp-shell"),  # cmd.exe says the same of any word that it does not know
    ("cse-w-localsystem", "vmapp-shell"),
}


def test_no_sign_matches_what_another_must_not():
    wrong = {
        (one.practice, other.practice)
        for one in SIGNS
        for other in SIGNS
        if one.practice != other.practice and set(one.places) & set(other.places) and seen_in(one, other.must_not_match)
    }
    assert wrong == EXPLAINED


@pytest.mark.parametrize(
    ("table", "text", "what"),
    [
        ("practices", "id\ttitle\nx\ty\n", "columns"),
        ("practices", None, "twice"),
        ("practice_signs", "practice\nx\n", "columns"),
    ],
)
def test_a_broken_table_is_refused(table: str, text: str | None, what: str, monkeypatch: pytest.MonkeyPatch):
    original = data.text_of
    whole = original(f"{table}.tsv")
    broken = text if text is not None else whole + whole.splitlines()[-1] + "\n"
    monkeypatch.setattr(data, "text_of", lambda name: broken if name == f"{table}.tsv" else original(name))
    reader = practices if table == "practices" else signs
    with pytest.raises(DataError, match=what):
        reader.__wrapped__()


@pytest.mark.parametrize(
    ("name", "text", "code"),
    [
        ("a.sh", "echo a # b\n'x; reboot'\n\"y\nz\"\n", "\n''\n''\n\n"),
        ("a.sh", "cat <<'E'\nreboot\nE\nreboot\n", "cat <<''\n\n\nreboot\n"),
        ("a.sh", "bash -c 'a && reboot'\n", "; a && reboot ;\n"),
        ("a.sh", "x=${a#b}; y=$#\n", "x=${a#b}; y=$#\n"),
        ("a.sh", "x=$((1<<2))\nreboot\n", "x=$((1<<2))\nreboot\n"),
        ("a.ps1", "<# a\nb #>\nc # d\n'e' \"f\"\n", "\n\nc \n'' ''\n"),
        ("a.cmd", "rem reboot\n@echo shutdown /r\nshutdown /r\n", "\n\nshutdown /r\n"),
        ("a.py", "#!/usr/bin/python3\nreboot\n", ""),
        ("run", "#!/bin/bash\nreboot\n", "\nreboot\n"),
    ],
)
def test_code_is_what_is_left_of_a_script(name: str, text: str, code: str):
    assert [line.strip() for line in code_of(name, text).split("\n")] == [line.strip() for line in code.split("\n")]
