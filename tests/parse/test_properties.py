"""What holds for any input: no line is lost or doubled, nothing raises, and what was written is read back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from collector.model import Line
from collector.parse.registry import FORMATS, bounds_of, detect, parse
from tests.parse.making import LOGS, lines, sample, source

BERLIN = ZoneInfo("Europe/Berlin")
ZONES = st.sampled_from([None, timezone.utc, BERLIN, ZoneInfo("Asia/Kolkata"), ZoneInfo("Australia/Lord_Howe")])
SAMPLED = sorted({line for file in LOGS.iterdir() for line in sample(file.name).split("\n")})
#: Lines of all samples, mixed with any text, and with texts of the characters that forms are made of.
LINES = st.lists(
    st.one_of(
        st.sampled_from(SAMPLED),
        st.text(max_size=60).map(lambda text: text.replace("\n", " ")),
        st.text(alphabet="0123456789:-/+.TZ []=\"\\\r\x1b<>", max_size=40),
        st.builds(lambda line, at, put: line[:at] + put + line[at:], st.sampled_from(SAMPLED), st.integers(0, 60), st.text(max_size=3)).map(
            lambda text: text.replace("\n", " ")
        ),
    ),
    max_size=30,
)  # fmt: skip


@given(texts=LINES, name=st.sampled_from(list(FORMATS)), zone=ZONES, gaps=st.sets(st.integers(0, 29)))
@example(
    texts=["2018/10/28 02:10:00.0 INFO a", "2018/10/28 02:10:00.0 INFO b"], name="waagent", zone=BERLIN, gaps=set()
)
def test_every_line_is_in_exactly_one_record_in_order(texts, name, zone, gaps):
    numbers = [number + 100 * sum(gap <= number for gap in gaps) for number in range(1, len(texts) + 1)]
    given_lines = [Line(number, text) for number, text in zip(numbers, texts, strict=True)]
    found = list(parse(given_lines, source(modified=1.7e9), name, zone))
    assert [line for record in found for line in record.raw] == texts
    begins = [sum(len(record.raw) for record in found[:number]) for number in range(len(found))]
    assert [record.line for record in found] == [numbers[begin] for begin in begins]
    assert all((record.time is None) == (record.basis == "none") for record in found)
    assert all((record.time is not None and record.time.tzinfo is None) <= (record.sure == "low") for record in found)
    assert all("\r" not in record.message for record in found)
    for record in found:
        record.message.encode()


@given(texts=LINES, name=st.sampled_from(["auto", *FORMATS]), extension=st.sampled_from([None, "Pub.Type"]))
def test_some_form_is_found_for_any_file(texts, name, extension):
    assert detect(source(name, extension=extension), lines("\n".join(texts))) in FORMATS


@given(text=LINES.map(lambda texts: texts[0] if texts else ""), name=st.sampled_from(list(FORMATS)), zone=ZONES)
def test_the_record_of_a_line_lies_in_the_bounds_of_its_stamp(text, name, zone):
    bounds = bounds_of(name, zone)(text)
    (record,) = parse([Line(1, text)], source(), name, zone)
    assert (bounds is None) == (record.time is None)
    if bounds is not None and record.time is not None:
        moment = record.time if record.time.tzinfo else record.time.replace(tzinfo=timezone.utc)
        assert bounds[0] <= moment <= bounds[1]


def us(moment: datetime, digits: int) -> str:
    fraction = f".{moment.microsecond:06}"[: digits + 1] if digits else ""
    return f"{moment:%m/%d/%Y %H:%M:%S}{fraction}"


def iso(moment: datetime, digits: int) -> str:
    fraction = f".{moment.microsecond:06}000"[: digits + 1] if digits else ""
    return f"{moment:%Y-%m-%dT%H:%M:%S}{fraction}"


#: format -> head line, the stamp's finest part in digits, whether the moment is UTC, levels by their words
Writer = tuple[Callable[[datetime, str, str], str], int, bool, dict[str, str]]
AGENT = {"ERROR": "ERROR", "WARNING": "WARNING", "INFO": "INFO", "VERBOSE": "DEBUG"}
WINDOWS = {"ERROR": "ERROR", "WARN": "WARNING", "INFO": "INFO", "HEART": "INFO"}
SLOG = {"ERROR": "ERROR", "WARN": "WARNING", "INFO": "INFO", "DEBUG": "DEBUG"}
PYTHON = {"": "", "ERROR:": "ERROR", "WARNING:": "WARNING"}
WRITERS: dict[str, list[Writer]] = {
    "waagent": [
        (lambda at, level, text: f"{iso(at, 6)}Z {level} ExtHandler ExtHandler {text}", 6, True, AGENT),
        (lambda at, level, text: f"{iso(at, 6)}Z {level} Daemon {text}", 6, True, AGENT),
        (lambda at, level, text: f"{at:%Y/%m/%d %H:%M:%S.%f} {level} ExtHandler {text}", 6, False, AGENT),
        (lambda at, level, text: f"{at:%Y/%m/%d %H:%M:%S.%f} {level} [Pub.Type-1.2] {text}", 6, False, AGENT),
    ],
    "waagent-old": [(lambda at, level, text: f"{at:%Y/%m/%d %H:%M:%S} {level}{text}", 0, False, PYTHON)],
    "command-execution": [(lambda at, level, text: f"{iso(at, 6)}Z {level} ExtHandler [Pub.Type-1.2.3] {text}", 6, True, AGENT)],
    "python-extension": [(lambda at, level, text: f"{at:%Y/%m/%d %H:%M:%S} {level}[Pub.Type-3.0] {text}", 0, False, PYTHON)],
    "vmbackup": [(lambda at, level, text: f"{at:%Y-%m-%d %H:%M:%S.%f} [Pub.Type-1.0.9] {text}", 6, True, {"": ""})],
    "logfmt": [(lambda at, level, text: f'time={iso(at, 0)}Z operation=enable seq=0 event="{text}"', 0, True, {"": "INFO"})],
    "slog": [(lambda at, level, text: f'time={iso(at, 3)}Z level={level} event="{text}"', 3, True, SLOG)],
    "go-platform": [
        (lambda at, level, text: f"{level} {at:%Y/%m/%d %H:%M:%S} {text}", 0, True, {"Error": "ERROR", "Warning": "WARNING", "Info": "INFO"})
    ],
    "windows-event": [(lambda at, level, text: f"{iso(at, 7)}Z [{level}] Windows Azure Guest Agent 9: {text}", 6, True, SLOG)],
    "waapp": [
        (lambda at, level, text: f"[00000006] [{us(at, 2)}] [{level}]  {text}", 2, False, WINDOWS),
        (lambda at, level, text: f"[00000010] {iso(at, 0)}Z [{level}] {text}", 0, True, WINDOWS),
    ],
    "windows-handler": [(lambda at, level, text: f"[4892+00000001] [{us(at, 2)}] [{level}] {text}", 2, False, WINDOWS)],
    "domain-join": [(lambda at, level, text: f"{iso(at, 7)}Z\t[{level}]:\t{text}", 6, True, {"Info": "INFO", "Error": "ERROR"})],
    "dsc": [
        (lambda at, level, text: f"VERBOSE: [{at:%Y-%m-%d %H:%M:%S}Z] {level}{text}", 0, True, {"": "", "[ERROR] ": "ERROR"}),
        (lambda at, level, text: f"VERBOSE: [{iso(at, 0)}] {text}", 0, False, {"": ""}),
    ],
    "wad": [
        (
            lambda at, level, text: f"DiagnosticsPlugin.exe {level}: 0 : [{at.month}/{at.day}/{at.year} {at.hour % 12 or 12}:{at:%M:%S} {'AM' if at.hour < 12 else 'PM'}] {text}",
            0, False, {"Information": "INFO", "Warning": "WARNING", "Error": "ERROR"},
        )
    ],
    "msi": [(lambda at, level, text: f"[MSIXTN-HANDLER-0.9.0-beta]{at:%Y/%m/%d %H:%M:%S} {level}: {text}", 0, False, {"INFO": "INFO", "ERROR": "ERROR"})],
    "iso": [(lambda at, level, text: f"{iso(at, 7)}+00:00: {level}{text}", 6, True, {"": ""})],
    "generic": [
        (lambda at, level, text: f"{iso(at, 9)}+0000 {level}{text}", 6, True, {"": ""}),
        (lambda at, level, text: f"{us(at, 3)} {level}{text}", 3, False, {"": ""}),
        (lambda at, level, text: f"{at:%m/%d/%Y %I:%M:%S %p} {text}", 0, False, {"": ""}),
        (lambda at, level, text: f"{at:%a %b %e %H:%M:%S} UTC {at:%Y} {text}", 0, True, {"": ""}),
    ],
    "xml-events": [
        (lambda at, level, text: f'<Event time="{iso(at, 3)}Z" category="{level}" source="GuestAgent">{text}</Event>', 3, True, SLOG)
    ],
}  # fmt: skip

#: Words that no form takes for a level, a prefix, a stamp or an escape.
WORDS = st.lists(
    st.sampled_from(["the", "disk", "is", "full", "é", "code", "127", "(1)", "0x1d", "of", "/var"]),
    min_size=1,
    max_size=6,
)
YEAR_ONE = datetime(1, 1, 1)
MOMENTS = st.datetimes(datetime(2013, 1, 1), datetime(2035, 1, 1))


def test_there_is_a_writer_of_every_form_with_stamps():
    assert set(WRITERS) == {name for name, format_ in FORMATS.items() if not format_.stampless}


@pytest.mark.parametrize(
    ("name", "number"), [(name, number) for name, writers in WRITERS.items() for number in range(len(writers))]
)
@given(data=st.data())
def test_what_was_written_is_read_back(name: str, number: int, data: st.DataObject):
    write, digits, is_utc, levels = WRITERS[name][number]
    times = data.draw(st.lists(MOMENTS, min_size=1, max_size=6, unique=True))
    words = [data.draw(st.sampled_from(list(levels))) for _ in times]
    messages = [" ".join(data.draw(WORDS)) for _ in times]
    text = "\n".join(write(at, word, message) for at, word, message in zip(times, words, messages, strict=True))
    found = list(parse(lines(text), source(), name, None))
    grain = timedelta(microseconds=10 ** (6 - digits))
    exact = [at - (at - YEAR_ONE) % grain for at in times]
    expected = [at.replace(tzinfo=timezone.utc) if is_utc else at for at in exact]
    assert [record.time for record in found] == expected
    assert [record.level for record in found] == [levels[word] for word in words]
    assert [record.message for record in found] == messages
    assert {record.sure for record in found} == {"high" if is_utc else "low"}
