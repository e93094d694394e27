"""Any text gets an answer, in bounded time."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.data.noise import is_noise
from collector.diagnose.arm.document import document
from collector.diagnose.arm.escapes import decoded
from collector.diagnose.arm.explain import explained
from collector.diagnose.arm.line import explain_line
from collector.diagnose.arm.lookup import explain_number, number_in
from collector.diagnose.arm.read import Reading, read
from collector.extract.telling import error_score
from tests.diagnose.arm_forms import APT, FORMS

READING = Reading(error_score, is_noise)
#: Pieces of which texts go wrong.
PIECES = [
    *(
        '{"',
        '"}',
        "[",
        "]",
        "{",
        "}",
        "\\",
        '\\"',
        "\\'",
        "'",
        '"',
        "\\n",
        "\\r\\n",
        "\n",
        "\0",
        "\ud800",
        "\x1b[31m",
        "│ ",
    ),
    *(
        '"code":',
        "Code: ",
        "Message: ",
        '"message":',
        "(Code: ",
        "VMExtensionProvisioningError",
        "Conflict",
        "Status: ",
    ),
    *("Error message: '", 'error message: "', "[stdout]", "[stderr]", "exit code: ", "0x80070643", "-1", "C:\\new\\"),
    *("VM has reported a failure when processing extension 'x'.", "Provisioning of VM extension x has timed out."),
    *(
        "Handler 'P.T' has reported failure for VM Extension 'N' with terminal error code '1007'",
        "/resourceGroups/a/providers/",
    ),
    *("2026-01-01T00:00:00Z", "9999-99-99T99:99:99Z", "More information on troubleshooting is available at ", " ", "a"),
]


def answer(text: str) -> str:
    """As the command does it."""
    number = number_in(text)
    if number is not None:
        return json.dumps(document([explain_number(number, "", None)]))
    errors = read(text, READING)
    line = None if errors else explain_line(text, READING)
    return json.dumps(document([explained(error) for error in errors[:20]] + ([line] if line else [])))


@settings(max_examples=150, deadline=2_000)
@given(st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=8)), max_size=40).map("".join))
def test_any_text_gets_an_answer(text: str):
    assert answer(text).startswith('{"errors": [')


@settings(max_examples=100, deadline=2_000)
@given(st.sampled_from(sorted(FORMS)), st.integers(0, 4_000), st.integers(0, 4_000))
def test_a_text_cut_anywhere_gets_an_answer(form: str, start: int, length: int):
    assert answer(FORMS[form][0][start : start + length]).startswith('{"errors": [')


#: As long as texts that people paste by mistake, and as long as is enough to see that time grows with the square.
LONGEST, LONG = 1_000_000, 200_000
HUGE = {
    "brackets": "{" * 10_000,
    "objects": '{"a":' * 10_000 + "1" + "}" * 10_000,
    "lists": "[" * LONGEST,
    "quotes": '"' * LONG,
    "backslashes": "\\" * LONG,
    "escaped quotes": '\\"' * (LONG // 2),
    "zeros": "\0" * LONG,
    "line ends": "\n" * LONGEST + "x",
    "blanks": " " * LONG + "x",
    "beginnings": '{"code":"VMExtensionProvisioningError","message":"' * (LONG // 50),
    "open messages": 'message: "' * (LONG // 10),
    "paths": "C:\\a" * (LONG // 4),
    "sentences": APT * (LONGEST // len(APT)),
    "one long message": json.dumps({"error": {"code": "VMExtensionProvisioningError", "message": APT + "x" * LONG}})[
        :-9
    ],
    "output": APT + "\n[stdout]\n" + "an error of many\n" * (LONG // 17),
}


@pytest.mark.parametrize("text", HUGE.values(), ids=HUGE.keys())
def test_a_million_characters_are_answered_in_bounded_time(text: str):
    began = time.monotonic()
    answer(text)
    assert time.monotonic() - began < 120


def test_deeper_wrapping_than_any_tool_makes_ends():
    text = APT
    for _ in range(14):
        text = json.dumps({"error": {"code": "Conflict", "message": text}})[:1_500_000]
    assert answer(text)


@pytest.mark.parametrize(
    ("escaped", "meant"),
    [
        (r"a\nb", "a\nb"),
        (r"a\\r\\nb", "a\nb"),
        (r"a \\\"b\\\" c", 'a "b" c'),
        (r"see C:\new\table.txt now", r"see C:\new\table.txt now"),
        (r"see C:\\new\\table.txt\r\nnow", "see C:\\new\\table.txt\nnow"),
        (r"\u0041\ud800", "A\ufffd"),
        ("plain", "plain"),
    ],
)
def test_escapes_are_undone_and_paths_are_none(escaped: str, meant: str):
    assert decoded(escaped) == meant
