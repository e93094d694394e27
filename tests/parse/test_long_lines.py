"""No line is so long or so strange that a parser takes more than a moment: its patterns are anchored and bounded."""

from __future__ import annotations

import base64
import time
import zlib

import pytest

from collector.model import Line
from collector.parse import logfmt, waagent
from collector.parse.registry import FORMATS, bounds_of, parse
from collector.parse.terminal import shown
from tests.parse.making import source

#: Characters of a line, far more than the reader hands on.
LONG = 1_000_000
#: Seconds. A pattern that goes back and forth over the line takes minutes.
BOUND = 1.0

#: What is repeated up to the length.
REPEATED = [
    "a", "a ", "[", "]", " ", "\t", "2026-", "0/0/", "1:23:45", "2026-01-20 ", "01/20/2026 ", "+", "+ ", "=", 'a="', 'a=\\"', "a=b ", "\\",
    "\x1b", "\x1b[", "\x1b[0;", "\x1b]", "\x1b]0;a", "\r", "\r\n", "<", "<a", "</", "&", "&amp", ".exe", "a.exe ", "1.", "-1.", "[a-1.", "ERROR:",
    "Event: name=", ", op=", ", duration=", ", duration=1", "eJ", "eJ ", "goroutine 1 [", "panic: ", "é", "٢", "\u2028", "\ufffd",
]  # fmt: skip
#: Heads of all forms, to which the repeated part is appended.
HEADS = [
    "",
    "2026-01-20T02:08:15.970762Z ERROR ExtHandler ExtHandler ",
    "2026-01-20T02:08:15.970762Z ERROR ExtHandler Event: name=P.T, op=Install, message=",
    "2026-01-20T02:08:15.970762Z ERROR ExtHandler Event: name=P.T, op=Install, message=eJ",
    "2018/02/21 08:01:21.912345 INFO [P.T-",
    "2021/09/23 05:28:23 ERROR:",
    "time=2023-10-23T16:30:26Z ",
    'time=2023-10-23T16:30:26Z event="',
    "[00000006] [11/14/2019 05:52:13.44] [INFO] ",
    "VERBOSE: [2019-02-19 06:52:17Z] ",
    "x.exe Error: 0 : [4/16/2016 6:24:15 AM] ",
    '<Event time="2019-12-12T12:49:05.163Z" category="ERROR" source="x">',
    '<Event time="2019-12-12T12:49:05.163Z" category="ERROR" ',
    "Mon foo 2021-01-12 16:35:45 ",
]


def filled(part: str, length: int) -> str:
    return part * (length // len(part))


@pytest.mark.parametrize("name", FORMATS)
def test_a_very_long_line_is_looked_at_at_once(name: str):
    bounds = bounds_of(name, None)
    for part in REPEATED:
        text = filled(part, LONG)
        begin = time.perf_counter()
        bounds(text)
        assert time.perf_counter() - begin < BOUND, part


@pytest.mark.parametrize("begin_of_line", HEADS)
def test_a_head_with_a_very_long_message_is_parsed_at_once(begin_of_line: str):
    for part in REPEATED:
        text = begin_of_line + filled(part, LONG // 8) + "!"
        for name, format_ in FORMATS.items():
            if format_.head(text) is None:
                continue
            begin = time.perf_counter()
            (record,) = parse([Line(1, text)], source(), name, None)
            assert time.perf_counter() - begin < BOUND, (name, part)
            assert record.raw == (text,)


@pytest.mark.parametrize("part", REPEATED)
def test_the_single_readers_of_a_message_take_no_time(part: str):
    text = filled(part, LONG)
    begin = time.perf_counter()
    shown(text)
    waagent.decode(text)
    waagent.decode("eJ" + text)
    waagent.decode("eJ" + text + "!")
    logfmt.pairs(text)
    assert time.perf_counter() - begin < 2 * BOUND


def test_very_many_lines_are_cut_into_records_that_can_be_held():
    lines = [Line(number, "a line of an endless output") for number in range(1, 30_001)]
    found = list(parse(lines, source(), "waagent", None))
    assert max(len(record.raw) for record in found) == 5_000
    assert sum(len(record.raw) for record in found) == 30_000


def test_a_message_that_unpacks_to_very_much_is_cut():
    packed = base64.b64encode(zlib.compress(b"a" * 50_000_000)).decode()
    begin = time.perf_counter()
    assert len(waagent.decode(packed) or "") == 262_144
    assert time.perf_counter() - begin < BOUND
