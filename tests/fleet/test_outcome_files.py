"""What instances answered, in files that other programs open."""

from __future__ import annotations

import csv
import io

from collector.fleet.ask.outcome import Outcome
from collector.fleet.ask.outcome_table import as_csv, as_markdown

HOSTILE = Outcome("3", "failed", "az failed", problem='=cmd|"/c calc"!A1 [x](javascript:1) <b>')


def test_no_spreadsheet_takes_an_answer_for_a_formula():
    (row,) = csv.DictReader(io.StringIO(as_csv([HOSTILE])))
    assert row["Problem"].startswith("'=cmd")
    assert row["Instance"] == "3"


def test_no_answer_is_a_link_or_another_column_in_markdown():
    head, _, row = as_markdown([HOSTILE]).splitlines()
    assert row.replace("\\|", "").count("|") == head.count("|")
    assert "\\[x\\](javascript:1) \\<b\\>" in row
