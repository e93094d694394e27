"""A log in pieces says what it says as a whole, and nothing before `safe` is left to say."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import timezone
from pathlib import Path

import pytest

from collector.extract.rules import signal_rules
from collector.extract.signals import Signal
from collector.model import Line, Source
from collector.parse.registry import detect, parse
from collector.read.split import Chunk
from collector.watch.judging import Judge
from collector.watch.notices import ERROR_RULE, HEARTBEAT_RULE, JUDGED, StreamNotices, heartbeats, history, signals_of
from tests.watch.instance import AGENT_LOG, START, piece, pieces

LOGS = sorted((Path(__file__).parents[1] / "logs").glob("*"))
FORMS = {"waagent": "waagent", "CommandExecution": "command-execution", "WaAppAgent": "waapp"}
HEAD = "2026-05-04T03:12:{:02}.000000Z {} ExtHandler ExtHandler {}\n"
EXIT = "Event: name=Acme.Apps, op=Install, message=[ExtensionOperationError] Non-zero exit code: 7, x"


def source_of(file: Path) -> Source:
    form = next((name for word, name in FORMS.items() if word in file.name), "auto")
    return Source(file.name, file, "log", form, None if form != "auto" else "Acme.Apps")


def agent_log(tmp_path: Path) -> Source:
    return Source(AGENT_LOG, tmp_path / "waagent.log", "log", "waagent")


def read(file: Path) -> str:
    data = file.read_bytes()
    wide = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    return data.decode(wide, "replace").replace("\r\n", "\n").replace("\r", "\n").replace("\0", "")


def as_a_whole(source: Source, text: str) -> list[Signal]:
    lines = [Line(number, line) for number, line in enumerate(text.removesuffix("\n").split("\n"), start=1)]
    form = detect(source, lines[:60])
    return [signal for record in parse(lines, source, form, timezone.utc) for signal in signals_of(record)]


def alike(signals: Sequence[Signal]) -> list[tuple[object, ...]]:
    """Those of which something is made; others may be left out."""
    judged = (s for s in signals if s.kind in JUDGED)
    return sorted((s.rule, s.kind, s.line, s.text, str(s.time), s.extension or "", s.exit_code or 0) for s in judged)


def codes(signals: Sequence[Signal]) -> list[int | None]:
    return [signal.exit_code for signal in signals if signal.rule == "agent-nonzero-exit"]


def cuts(text: str, seed: int) -> list[int]:
    dice = random.Random(seed)
    left, found = text.count("\n") + 1, []
    while left > 0:
        found.append(min(left, dice.randint(1, 9)))
        left -= found[-1]
    return found


@pytest.mark.parametrize("file", LOGS, ids=lambda file: file.name)
@pytest.mark.parametrize("seed", range(3))
def test_pieces_say_what_the_whole_says(file: Path, seed: int):
    source, text = source_of(file), read(file)
    stream = StreamNotices(timezone.utc, {"format": detect(source, [Line(0, t) for t in text.split("\n")[:60]])})
    found = [signal for piece in pieces(source, text, cuts(text, seed)) for signal in stream.feed(piece)]
    found += stream.idle()
    assert alike(found) == alike(as_a_whole(source, text))
    assert stream.safe == len(text.encode())


@pytest.mark.parametrize("file", LOGS, ids=lambda file: file.name)
def test_after_a_stop_at_any_place_what_was_not_processed_is_read_again(file: Path):
    source, text = source_of(file), read(file)
    form = {"format": detect(source, [Line(0, t) for t in text.split("\n")[:60]])}
    whole = {row[0:1] + row[3:] for row in alike(as_a_whole(source, text))}
    parts = pieces(source, text, cuts(text, 1))
    for stop in range(len(parts)):
        stream = StreamNotices(timezone.utc, form)
        found = [signal for piece in parts[:stop] for signal in stream.feed(piece)]
        begin = stream.safe if stop else 0
        again = StreamNotices(timezone.utc, form)
        rest = text.encode()[begin:]
        assert begin == 0 or text.encode()[begin - 1 : begin] == b"\n"
        found += again.feed(piece(source, begin, begin + len(rest), Chunk(1, rest, 1 + rest.count(b"\n"))))
        found += again.idle()
        assert {row[0:1] + row[3:] for row in alike(found)} == whole


def test_the_last_record_is_held_until_it_is_whole(tmp_path: Path):
    source = agent_log(tmp_path)
    first, second = HEAD.format(1, "INFO", "hello"), HEAD.format(2, "ERROR", EXIT)
    stream = StreamNotices(timezone.utc)
    parts = pieces(source, f"{first}{second}[stdout]\n[stderr]\nno room\n, duration=0\n", [1, 1, 2, 2])
    assert [stream.feed(part) for part in parts] == [[], [], [], []]
    assert (stream.safe, stream.is_holding) == (len(first), True)
    signal = stream.idle()[0]
    assert (signal.exit_code, signal.extension) == (7, "Acme.Apps")
    assert "no room" in signal.detail
    assert (stream.safe, stream.is_holding, stream.idle()) == (parts[-1].end, False, [])


def test_what_a_script_prints_says_nothing(tmp_path: Path):
    (part,) = pieces(
        Source("stdout", tmp_path / "stdout", "output", "plain", "Acme.Apps"), HEAD.format(1, "ERROR", EXIT)
    )
    stream = StreamNotices(timezone.utc)
    assert (stream.feed(part), stream.idle(), stream.safe) == ([], [], part.end)


def test_a_stream_that_is_over_holds_nothing_back(tmp_path: Path):
    text = HEAD.format(2, "ERROR", EXIT)
    (part,) = pieces(agent_log(tmp_path), text)
    stream = StreamNotices(timezone.utc)
    assert codes(stream.feed(piece(part.source, 0, part.end, part.chunk, final=True))) == [7]
    assert stream.safe == part.end


def test_a_record_without_end_is_not_held_for_ever(tmp_path: Path):
    source = agent_log(tmp_path)
    text = HEAD.format(2, "ERROR", EXIT) + "[stdout]\n" + "a line of output that says nothing\n" * 40_000
    stream = StreamNotices(timezone.utc)
    parts = pieces(source, text, [400] * 101)
    found = []
    for part in parts:
        found += stream.feed(part)
        assert part.end - stream.safe <= 65_536 + 2 * 400 * 40
    assert codes(found) == [7]


def test_offsets_where_bytes_were_left_out_lie_at_the_beginning_of_a_piece(tmp_path: Path):
    """UTF-16 and NULs: raw and normalised bytes differ, so that a record is only known to lie in its piece."""
    source = agent_log(tmp_path)
    first, second = HEAD.format(1, "INFO", "one").encode(), HEAD.format(2, "INFO", "two").encode()
    stream = StreamNotices(timezone.utc)
    stream.feed(piece(source, 2, 2 + 2 * len(first + second), Chunk(1, first + second, 3)))
    assert stream.safe == 2
    begin = 2 + 2 * len(first + second)
    stream.feed(piece(source, begin, begin + 2 * len(second), Chunk(3, second.replace(b":02.", b":03."), 4)))
    assert stream.safe == begin


def test_line_numbers_that_are_none_do_not_part_a_record(tmp_path: Path):
    source = agent_log(tmp_path)
    text = HEAD.format(2, "ERROR", EXIT) + "[stdout]\n[stderr]\nno room\n"
    stream = StreamNotices(timezone.utc)
    for part in pieces(source, text, [1, 1, 2]):
        chunk = Chunk(part.offset + 1, part.chunk.data, part.offset + 1 + part.chunk.data.count(b"\n"))
        assert stream.feed(piece(source, part.offset, part.end, chunk)) == []
    assert stream.idle()[0].detail.endswith("no room")


def test_what_does_not_follow_begins_anew(tmp_path: Path):
    source = agent_log(tmp_path)
    text = HEAD.format(2, "ERROR", EXIT)
    stream = StreamNotices(timezone.utc)
    stream.feed(pieces(source, text)[0])
    gap = piece(source, 9_000, 9_000 + len(text), Chunk(1, text.encode(), 2))
    assert codes(stream.feed(gap)) == [7]
    assert stream.safe == 9_000


def test_a_form_is_found_from_the_beginning_of_a_file_that_is_followed_from_its_end(tmp_path: Path):
    log = tmp_path / "handler.log"
    log.write_text('time=2026-05-04T03:12:14Z version=v2 operation=enable seq=3 event="started"\n' * 80)
    source = Source("var/log/azure/Acme.Apps/handler.log", log, "log", "auto", "Acme.Apps")
    stream = StreamNotices(timezone.utc)
    line = b"a line that says nothing of its form\n"
    stream.feed(piece(source, 1_000, 1_000 + len(line), Chunk(1, line, 2)))
    assert stream.format == "logfmt"
    assert StreamNotices(timezone.utc, stream.state).format == "logfmt"
    assert StreamNotices(timezone.utc, {"format": "no such form"}).format == ""


def test_a_form_that_shows_late_is_found(tmp_path: Path):
    source = Source("x.log", tmp_path / "x.log", "log", "auto", "Acme.Apps")
    lines = "starting\n" + 'time=2026-05-04T03:12:14Z seq=3 event="failed to handle" error="exit status=9"\n' * 3
    stream = StreamNotices(timezone.utc)
    found = [signal for part in pieces(source, lines, [1, 1, 1, 1]) for signal in stream.feed(part)]
    found += stream.idle()
    assert stream.format == "logfmt"
    assert stream.state == {}, "not yet sure"
    assert {signal.rule for signal in found} >= {"go-failed-to-handle"}


def test_heart_beats_and_errors_that_say_nothing_of_an_operation(tmp_path: Path):
    text = HEAD.format(1, "INFO", "[HEARTBEAT] Agent WALinuxAgent-2.15.0.1 is running as the goal state agent [x]")
    text += HEAD.format(2, "ERROR", "something of the agent's own went wrong")
    (part,) = pieces(agent_log(tmp_path), text)
    stream = StreamNotices(timezone.utc)
    found = [*stream.feed(part), *stream.idle()]
    assert [signal.rule for signal in found] == [HEARTBEAT_RULE, ERROR_RULE]
    (moment,) = heartbeats(found, START)
    assert moment == START.replace(second=1)


def test_the_end_of_a_log_tells_what_goes_on(tmp_path: Path):
    log = tmp_path / "waagent.log"
    busy = "".join(HEAD.format(second % 60, "INFO", "nothing") for second in range(20_000))
    log.write_text(busy + HEAD.format(3, "INFO", "Enable extension: [bin/x enable]"))
    found = list(history(Source(AGENT_LOG, log, "log", "waagent"), timezone.utc, most_bytes=10_000))
    assert [signal.rule for signal in found] == ["agent-operation-started"]
    assert list(history(Source("gone", tmp_path / "gone", "log", "auto"), timezone.utc)) == []


@pytest.mark.parametrize("number", ["9" * 5_000, "-" + "9" * 5_000])
def test_a_number_that_is_too_long_to_be_one_stops_nothing(tmp_path: Path, number: str):
    """Python refuses to read more than 4,300 digits; what a log says must not end who reads it."""
    text = HEAD.format(1, "ERROR", EXIT.replace(": 7", f": {number}")) + HEAD.format(2, "ERROR", EXIT)
    notices = StreamNotices(timezone.utc)
    found = [signal for piece in pieces(agent_log(tmp_path), text) for signal in notices.feed(piece)]
    assert codes([*found, *notices.idle()])[-1:] == [7]


def test_of_what_is_not_parsed_nothing_would_be_made(tmp_path: Path):
    """The rules of other kinds than those: the judge makes nothing of what they give."""
    left_out = [rule for rule in signal_rules() if rule.kind not in JUDGED]
    assert left_out
    lines = [HEAD.format(at, "INFO", rule.example) for at, rule in enumerate(left_out)]
    found = [one for one in as_a_whole(agent_log(tmp_path), "".join(lines)) if one.kind not in JUDGED]
    assert {one.rule for one in found} == {rule.id for rule in left_out}
    judge = Judge("linux")
    before = judge.dump()
    assert judge.feed(found, START) == Judge("linux").feed([], START)
    assert judge.dump() == before


def test_what_the_agent_repeats_is_not_parsed(tmp_path: Path):
    source = agent_log(tmp_path)
    said = "Extension status: [('Acme.Apps', 'success')]"
    text = "".join(HEAD.format(at, "INFO", said) for at in range(20)) + HEAD.format(30, "ERROR", EXIT)
    stream = StreamNotices(timezone.utc)
    signals = [signal for one in pieces(source, text) for signal in stream.feed(one)] + stream.idle()
    assert {signal.rule for signal in signals} == {"agent-nonzero-exit", "plain-exit"}
