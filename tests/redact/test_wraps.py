"""Secrets that a terminal of any width wrapped, at every place."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

import pytest

from collector.redact.redactor import Redactor
from tests.redact.planted import Case, kinds, leaks

KEY = b"k" * 32
LEAD = "Setting up the web role of this machine now, please wait. " * 4
EVERY = 5  # of so many places one is tried


def wrapped(width: int) -> Iterator[Case]:
    """Each kind behind ever longer text, so that the breaks go through every part of it."""
    for planted in kinds(Random(3)):
        if not planted.one_line:
            continue
        for lead in range(1, width, EVERY):
            whole = LEAD[: lead - 1] + " " + planted.text
            rows = [whole[begin : begin + width] for begin in range(0, len(whole), width)]
            if len(rows) > 1:
                text = "before\n" + "\n".join(rows) + "\n\nafter\n"
                yield Case(planted, f"{width} after {lead}", text)


@pytest.mark.parametrize(("width", "most"), [(80, 1.5), (97, 7.0)], ids=["usual", "unusual"])
def test_few_keep_a_piece_wherever_they_were_wrapped(width: int, most: float):
    """What is left is told in docs/redaction.md: tools whose name stands alone on the line before, say."""
    cases = list(wrapped(width))
    redactor = Redactor(KEY)
    leaking = [case.where for case in cases if leaks(case, redactor.text(case.text))]
    assert 100 * len(leaking) / len(cases) <= most, leaking


@pytest.mark.parametrize(
    "lines",
    [
        ["+ mysql --host db --user root --password=hunter2hunter2", "ERROR 1045 (28000): Access denied"],
        ["running setup.exe --role web -Password 'hunter2 hunter2'", "Reading package lists..."],
        ["+ export DATABASE=of-this-machine DATABASE_PASSWORD=hunter2", "/usr/bin/env: node: No such file"],
        ["+ export DATABASE=of-this-machine DATABASE_PASSWORD=hunter2", "E: Unable to locate package nginx"],
    ],
)
def test_the_line_after_a_secret_stays(lines: list[str]):
    first, second = Redactor(KEY).lines(lines)
    assert "hunter2" not in first
    assert second == lines[1]
