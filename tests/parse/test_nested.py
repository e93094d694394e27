"""Lines that look like heads inside a record: a command's output that the agent quotes, and what ends it."""

from __future__ import annotations

import pytest

from collector.model import Line
from collector.parse.registry import detect, parse
from tests.parse.making import lines, records, source

EVENT = "2026-01-20T02:08:15.000000Z ERROR ExtHandler ExtHandler Event: name=P.T, op=Install, message=[ExtensionOperationError] x"
LOCAL_EVENT = "2018/02/21 08:01:26.450000 ERROR Event: name=P.T, op=Enable, message=x"
COMMAND = "2026-01-20T02:08:15.000000Z INFO ExtHandler [P.T-1.0] Command: bin/x enable"
OLDER = "2026-01-20T02:08:14.999999Z INFO ExtHandler ExtHandler quoted"
NEWER = "2026-01-20T02:08:15.000001Z INFO ExtHandler ExtHandler next"
OLD_FORM = "2026/01/20 02:08:14.500000 INFO quoted"

#: text -> lines of each record
AGENT = {
    "the same form, older": (f"{EVENT}\n[stdout]\n{OLDER}\n[stderr]\n, duration=7\n{NEWER}", [5, 1]),
    "the old form": (f"{EVENT}\n[stdout]\n{OLD_FORM}\n[stderr]\n, duration=7\n{NEWER}", [5, 1]),
    "in the block of errors": (f"{EVENT}\n[stdout]\n\n[stderr]\n{OLDER}\n, duration=7\n{NEWER}", [6, 1]),
    "a quoted event with its own duration": (f"{EVENT}\n[stdout]\n{OLDER}, duration=3\n{OLDER}\n, duration=7\n{NEWER}", [5, 1]),
    "no end of the event": (f"{COMMAND}\n[stdout]\n{OLDER}\n[stderr]\n{NEWER}", [4, 1]),
    "an event that lost its end": (f"{EVENT}\n[stdout]\nx\n{NEWER}\n{NEWER}", [3, 1, 1]),
    "after the end": (f"{EVENT}\n[stdout]\n[stderr]\n, duration=7\n{OLDER}", [4, 1]),
    "no output": (f"{EVENT}\nx\n{OLDER}", [2, 1]),
    "a record of one line": (f"{EVENT}\n{OLDER}", [1, 1]),
    "output longer than the agent keeps": (f"{EVENT}\n[stdout]\n{'x' * 16_000}\n{OLDER}", [3, 1]),
    "old and older": (f"{LOCAL_EVENT}\n[stdout]\n2018/02/21 08:01:25.000000 INFO x\n, duration=0\n2018/02/21 08:01:27.000000 INFO x", [4, 1]),
    "a new record after an old one": (f"{LOCAL_EVENT}\n[stdout]\n{NEWER}", [2, 1]),
    "python, logfmt and Windows forms": (
        f"{EVENT}\n[stdout]\n2026/01/20 02:08:14 ERROR:x\ntime=2026-01-20T02:08:14Z event=x\n[11/14/2019 05:52:13.44] [INFO]  x\nError 2026/01/20 02:08:14 x\n, duration=1\n{NEWER}",
        [7, 1],
    ),
}  # fmt: skip

COMMANDS = {
    "a script's own stamps in brackets": (f"{COMMAND}\n[stdout]\n[2026-01-20 02:08:14] x\n[2026-01-21T02:08:14Z] x\n{NEWER}", [4, 1]),
    "all that a command printed between the rulers of Windows": (
        "[2022-03-08T06:41:48Z] Execution Complete.\n######\nExecution Output:\n[2022-03-08T06:41:47Z] ERROR: x\n2022-03-08 06:41:47 y\nExecution Error:\n######\n[2022-03-08T06:41:49Z] z",
        [7, 1],
    ),
    "a command that begins before the second ruler came": (
        "[2022-03-08T06:41:48Z] Execution Complete.\n######\nExecution Output:\nx\n[2022-03-08T06:41:49Z] Executing: y",
        [4, 1],
    ),
    "the form of Windows": ("[2022-03-08T06:41:47.881Z] Executing: x\n[2022-03-08T06:41:48Z] y\nz", [1, 2]),
}  # fmt: skip


@pytest.mark.parametrize(("text", "sizes"), AGENT.values(), ids=AGENT)
def test_what_a_record_of_the_agent_quotes(text: str, sizes: list[int]):
    assert [len(record.raw) for record in records(text, "waagent")] == sizes
    assert [len(record.raw) for record in records(text, "command-execution")] == sizes


@pytest.mark.parametrize(("text", "sizes"), COMMANDS.values(), ids=COMMANDS)
def test_what_a_record_of_commands_quotes(text: str, sizes: list[int]):
    assert [len(record.raw) for record in records(text, "command-execution")] == sizes


def test_behind_a_gap_nothing_is_quoted():
    """The lines between were left out because they are of another time: the record before has lost its end."""
    given = [Line(1, EVENT), Line(2, "[stdout]"), Line(9, OLDER)]
    assert [record.line for record in parse(given, source(), "waagent", None)] == [1, 9]


#: text of the first lines -> format
DETECTED = {
    "the form of the first stamp, although its output holds more": (f"x\n{COMMAND}\n[stdout]\n" + "time=2026-01-20T02:08:14Z event=x\n" * 7, "waagent"),
    "a shim's line is no form": ("+ nohup x\ntime=2026-01-20T02:08:14Z event=x", "logfmt"),
    "a trace with a stamp in it": ("+ a\n+ date\n2026-01-20 02:08:14 UTC\n+ b", "shell-trace"),
    "one stamp of the wrong form at the beginning": ("time=2026-01-20T02:08:14Z event=x\n" + "2021/09/23 05:28:23 x\n" * 9, "python-extension"),
    "some lines with a level, more without": ("[2021-01-12T16:35:45Z] x\n[2021-01-12T16:35:45Z] [INFO] x\n[2021-01-12T16:35:45Z] x", "generic"),
    "nothing": ("", "plain"),
    "no stamps": ("a\nb\nc", "plain"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "name"), DETECTED.values(), ids=DETECTED)
def test_the_form_of_a_file_is_that_of_its_records_not_of_what_they_quote(text: str, name: str):
    assert detect(source(), lines(text)) == name
