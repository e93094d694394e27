"""What is left of a line with escape sequences and carriage returns."""

from __future__ import annotations

import pytest

from collector.parse.terminal import shown

TABLE = [
    ("plain", "plain"),
    ("\x1b[31mred\x1b[0m", "red"),
    ("\x1b[1;38;5;196mred\x1b[m!", "red!"),
    ("a\x1b[2Kb\x1b[10Gc\x1b[?25l", "abc"),
    ("\x1b]0;title\x07text", "text"),
    ("\x1b]8;;https://x.example\x1b\\link\x1b]8;;\x1b\\", "link"),
    ("\x1b(Btext\x1b7\x1b8\x1b=\x1bM", "text"),
    ("an end without a sequence \x1b", "an end without a sequence \x1b"),
    ("10%\r55%\r100%", "10%\n55%\n100%"),
    ("10%\r\r55%\r\n100%\r", "10%\n55%\n100%"),
    ("a\n\rb\r\nc", "a\nb\nc"),
    ("error\r\x1b[Kdone", "error\ndone"),
]


@pytest.mark.parametrize(("text", "expected"), TABLE)
def test_shown(text: str, expected: str):
    assert shown(text) == expected
