"""Every case that other tailers have a test for, and nine that none of them has, with where it is tested here.

Numbers 1-37 are the cases of the test suites of Vector, Fluent Bit, Filebeat, OpenTelemetry's filelog, Alloy, rsyslog's
imfile, WALinuxAgent's collector and sos; N1-N9 those that no one tests and that happen on an instance.
"""

from __future__ import annotations

import ast
from pathlib import Path

CASES = {
    "01": "renamed while its writer keeps it",
    "02": "several rotations between two looks",
    "03": "rotated with an unfinished line",
    "04": "copied and cut under a writer that keeps its place",
    "05": "copied and cut across a restart",
    "06": "cut and filled beyond the old place",
    "07": "cut while it is open, and while it is closed",
    "08": "moved while the agent is down",
    "09": "moved to where no one looks, and appended",
    "10": "replaced at once, with the same and more, and with other content",
    "11": "deleted and made again",
    "12": "the number of a deleted file is used again",
    "13": "too small to be known by its content, and growing",
    "14": "two files with equal content; a packed file and its plain form",
    "15": "files that share their header",
    "16": "a beginning just as long as what is compared",
    "17": "a state file that is broken, older or newer",
    "18": "a crash before and after the acknowledgement",
    "19": "an unfinished line across a restart",
    "20": "a record half written when the state was saved",
    "21": "lines split over writes, without an end, blank",
    "22": "a line end of several bytes across the edge of what is read",
    "23": "a line longer than the limit, and its neighbours",
    "24": "encodings, marks, surrogate pairs, across restarts",
    "25": "every encoding with every line end and packing",
    "26": "gzip of several members, of one line, huge, broken, being written",
    "27": "links whose targets change, vanish, or are one file",
    "28": "unreadable at first; a folder or a pipe named like a log",
    "29": "looking in turns; lost notifications; a deleted file is let go of",
    "30": "beyond 2 GiB",
    "31": "a noisy file beside quiet ones; more files than may be open",
    "32": "written just when the idle file is closed",
    "33": "times of files that were set",
    "34": "cut while the consumer does not take more",
    "35": "Windows: names of any letters, prefixes, nothing stands in a writer's way",
    "36": "bundle: what vanishes, changes, is too large or was left behind",
    "37": "cleaner: what is not UTF-8, versions, packed in packed, the same names again",
    "n1": "rotation of several files with different clocks at once",
    "n2": "an hour of local time that comes twice",
    "n3": "NULs after a power cut",
    "n4": "paths of more than 260 characters; short names",
    "n5": "the folder of an extension is deleted by an upgrade while it is read",
    "n6": "a full disk",
    "n7": "the clock is set during boot",
    "n8": "stamps out of order",
    "n9": "two writers of one log",
}


def by_case() -> dict[str, list[str]]:
    """The tests of each case, as file::test."""
    found: dict[str, list[str]] = {}
    for file in sorted(Path(__file__).parent.glob("test_cases_*.py")):
        for node in ast.parse(file.read_text("utf-8")).body:
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                found.setdefault(node.name.split("_")[1], []).append(f"{file.name}::{node.name}")
    return found


def test_every_case_has_a_test_and_every_test_is_of_a_case():
    tests = by_case()
    del tests["every"]
    assert sorted(tests) == sorted(CASES)
    numbers = [int(case) for case in CASES if case.isdigit()]
    assert (numbers, [case for case in CASES if case.startswith("n")]) == (
        list(range(1, 38)),
        [f"n{number}" for number in range(1, 10)],
    )
