"""Secrets behind escapes that stand inside them or beside them."""

from __future__ import annotations

import pytest

from collector.redact.redactor import Redactor

SECRET = "HIDDEN12x"


@pytest.mark.parametrize(
    "line",
    [
        f"\x1b[31mpassword\x1b[0m=\x1b[1m{SECRET}\x1b[0m",
        f"+ curl -u bob:\x1b[1m{SECRET}\x1b[0m https://x",
        f"\x1b[36mPassword\x1b[0m: \x1b[33m{SECRET}",
        f'{{"message":"\\u001b[31mpassword\\u001b[0m={SECRET}"}}',
    ],
)
def test_a_terminals_colours_hide_no_secret(line: str):
    text = Redactor(b"k" * 32).text(f"before\n{line}\nafter")
    assert SECRET not in text
    assert text.startswith("before\n")
    assert text.endswith("\nafter")


@pytest.mark.parametrize(
    "line",
    [
        f"pass\u200bword: {SECRET}",
        f"password\u200b={SECRET}",
        f"setup.exe --pass\u00adword {SECRET}",
        f"password\uff1a{SECRET}",
        f"db_password\uff1d{SECRET}",
    ],
)
def test_signs_of_no_width_and_wide_ones_hide_no_secret(line: str):
    assert SECRET not in Redactor(b"k" * 32).text(f"before\n{line}\nafter")


def test_wide_signs_of_ordinary_lines_stay():
    line = "\u5bc6\u7801\uff1a ok, value\uff1d\u200b12"
    assert Redactor(b"k" * 32).text(line) == line


def test_colours_of_ordinary_lines_stay():
    line = "\x1b[32mok\x1b[0m all well, code \x1b[1m0\x1b[0m"
    assert Redactor(b"k" * 32).text(line) == line
