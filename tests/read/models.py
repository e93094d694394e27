"""Random logs on a real disk, and what a reader must find in them.

``python -m tests.read.models --examples 5000`` tries many more than the tests do.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from collector.model import Source
from collector.parse.registry import bounds_of, parse
from collector.read.gaps import Effort
from collector.read.lines import LineReader, Selection
from collector.read.words import Words
from tests.read import naive

ZONES: list[tzinfo | None] = [timezone.utc, ZoneInfo("Europe/Berlin"), ZoneInfo("Asia/Tokyo"), None]
#: Berlin's clocks went from 03:00 back to 02:00 at 01:00 UTC of this day.
FOLD = datetime(2024, 10, 27, 0, 0, tzinfo=timezone.utc)
_WRITERS = [zone for zone in ZONES if zone is not None]


def _waagent(moment: datetime, local: datetime, text: str) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S.%fZ} INFO ExtHandler {text}"


def _waagent_old(moment: datetime, local: datetime, text: str) -> str:
    return f"{local:%Y/%m/%d %H:%M:%S.%f} WARNING {text}"


def _logfmt(moment: datetime, local: datetime, text: str) -> str:
    return f'time={local.isoformat(timespec="seconds")} level=info event="{text}"'


def _python(moment: datetime, local: datetime, text: str) -> str:
    prefix = "[Microsoft.Some.Handler-1.2.3] INFO: " if len(text) % 3 else ""
    return f"{local:%Y/%m/%d %H:%M:%S} {prefix}{text}"


def _waapp(moment: datetime, local: datetime, text: str) -> str:
    return f"[00000006] [{local:%m/%d/%Y %H:%M:%S}.{local.microsecond // 10000:02}] [INFO]  {text}"


def _dsc(moment: datetime, local: datetime, text: str) -> str:
    return f"VERBOSE: [{moment:%Y-%m-%d %H:%M:%SZ}] [ERROR] {text}"


def _generic(moment: datetime, local: datetime, text: str) -> str:
    before = "5/6/2024 10:11:12 " if len(text) % 2 else ""
    return f"{before}{moment:%Y-%m-%d %H:%M:%S}Z INFO {text}"


#: Format in `parse.registry`, and how it writes a moment (UTC; as the writer's clock shows it) and a text.
FORMS: dict[str, tuple[str, Callable[[datetime, datetime, str], str]]] = {
    "waagent": ("waagent", _waagent),
    "waagent before 2.2.46": ("waagent", _waagent_old),
    "logfmt with offsets": ("logfmt", _logfmt),
    "python-extension": ("python-extension", _python),
    "waapp": ("waapp", _waapp),
    "dsc": ("dsc", _dsc),
    "generic": ("generic", _generic),
}
#: Encoding, and the mark that the file begins with.
ENCODINGS = {
    "utf-8": ("utf-8", b""),
    "utf-8 with a mark": ("utf-8", b"\xef\xbb\xbf"),
    "utf-16-le": ("utf-16-le", b""),
    "utf-16-be": ("utf-16-be", b""),
    "utf-16-le with a mark": ("utf-16-le", b"\xff\xfe"),
    "utf-16-be with a mark": ("utf-16-be", b"\xfe\xff"),
}


@dataclass(frozen=True)
class Log:
    """One random log: the form and encoding, the moments of its records, its text."""

    form: str
    zone: tzinfo | None  # that the reader is told
    encoding: str
    moments: list[datetime]
    text: str = field(repr=False)

    @property
    def format(self) -> str:
        return FORMS[self.form][0]

    @property
    def data(self) -> bytes:
        name, mark = ENCODINGS[self.encoding]
        return mark + self.text.encode(name)


_LATIN = str.maketrans("\u0100\u0130ß€🙂漢字", "AIseekj")
_CHARACTERS = st.sampled_from("abcde  .:-=\tERxyzäß€漢字🙂\u0130\u0100")
_SHORT = st.text(_CHARACTERS, max_size=30).map(str.lstrip)
_TEXTS = st.one_of(
    _SHORT,
    _SHORT,
    st.sampled_from(["An ERROR here", "it Failed", "no time-out", "TIMEOUT", "panic: x", "exc\rep\rtion", "fatal" * 3]),
    st.builds(lambda one, count: (one or "x") * count, _SHORT, st.integers(40, 150)),
)
_PAUSES = st.sampled_from([0, 0, 1, 1, 20, 59, 130, 420, 2_400, 50_000])
_NULS = st.sampled_from([0] * 12 + [1, 3, 4, 5, 37, 400])


@st.composite
def logs(draw: st.DrawFn, disorder_seconds: int = 300) -> Log:
    """Records whose moments only grow, but for a disorder of so many seconds."""
    form = draw(st.sampled_from(sorted(FORMS)))
    zone = draw(st.sampled_from(ZONES))
    writer = zone or draw(st.sampled_from(_WRITERS))
    end = draw(st.sampled_from(["\n", "\n", "\r\n", "\r"]))
    now = FOLD - timedelta(minutes=draw(st.integers(-180, 200)))
    moments: list[datetime] = []
    parts: list[str] = []
    if draw(st.booleans()):
        parts += draw(st.lists(_TEXTS, max_size=2))
    fraction = draw(st.sampled_from([0, 250_000]))
    for pause, early, text, more in draw(
        st.lists(
            st.tuples(_PAUSES, st.integers(0, disorder_seconds), _TEXTS, st.lists(_TEXTS, max_size=2)), max_size=80
        )
    ):
        now += timedelta(seconds=pause)
        moment = (now - timedelta(seconds=early)).replace(microsecond=fraction)
        moments.append(moment)
        parts.append(FORMS[form][1](moment, moment.astimezone(writer), text))
        parts += more
    if end == "\r":
        parts = [part.replace("\r", "") for part in parts]
    nuls = draw(st.lists(_NULS, min_size=len(parts), max_size=len(parts)))
    if len(moments) < 3:
        nuls = [0] * len(parts)  # of so little text a few NULs may make another encoding
    places = draw(st.integers(0, 2))
    text = ""
    for part, count in zip(parts, nuls, strict=True):
        run = "\0" * count
        text += [run + part + end, part + run + end, part + end + run][places]
    if draw(st.booleans()):
        text = text.removesuffix(end)
    name = draw(st.sampled_from(sorted(ENCODINGS)))
    if len(moments) < 3 and "mark" not in name:
        name = "utf-8"  # nothing tells the encoding of so little
    if "16" in name and "mark" not in name:
        text = text.translate(_LATIN)  # so short a text needs mostly Latin letters to be known
    return Log(form, zone, name, moments, text)


@dataclass(frozen=True)
class Frame:
    start: datetime | None
    end: datetime | None


@st.composite
def frames(draw: st.DrawFn, log: Log) -> Frame:
    """A time frame near the log's records, one-sided, empty, or before or after everything."""
    anchors = log.moments or [FOLD]
    shifts = st.sampled_from([0, 0, 1, -1, 30, -30, 300, -300, 301, 3_600, -3_600, 54_000, -54_000, 10**7, -(10**7)])

    def edge() -> datetime:
        return draw(st.sampled_from(anchors)) + timedelta(seconds=draw(shifts))

    one, other = edge(), edge()
    kind = draw(st.sampled_from(["both", "both", "both", "from", "to", "turned"]))
    if kind == "from":
        return Frame(one, None)
    if kind == "to":
        return Frame(None, one)
    return Frame(max(one, other), min(one, other)) if kind == "turned" else Frame(min(one, other), max(one, other))


EFFORTS = st.builds(
    Effort,
    small=st.sampled_from([0, 0, 0, 500]),
    grain=st.sampled_from([1, 16, 64, 300]),
    most_scanned=st.just(10**9),
    looks=st.sampled_from([1, 8, 512]),
    most_probes=st.sampled_from([4, 256]),
    nearest=st.sampled_from([1, 64]),
    much=st.sampled_from([0, 10**9]),
)
BLOCKS = st.sampled_from([1, 2, 3, 7, 64, 255, 1_000, 4_096, 131_072])
WORTH_IT = st.sampled_from([0, 10**9])
LINE_LIMITS = st.sampled_from([90, 2_000, 65_536])


def check_frame(folder: Path, log: Log, frame: Frame, effort: Effort, block: int, line_limit: int) -> LineReader:
    """The reader finds exactly the records that the naive one finds, under the same numbers."""
    source = _written(folder, log)
    start, end = naive.around_folds(frame.start, frame.end, log.zone)
    reader = LineReader(
        source,
        choose=lambda first: Selection(bounds_of(log.format, log.zone), start, end),
        line_limit=line_limit,
        block=block,
        effort=effort,
    )
    read = list(parse(reader, source, log.format, log.zone))
    number = reader.numbers()
    found = [
        (number(record.line), record.time, record.raw, record.message)
        for record in read
        if naive.is_inside(record.time, frame.start, frame.end)
    ]
    lines = naive.lines_of(log.text, line_limit)
    inside = naive.records_inside(lines, source, log.format, log.zone, frame.start, frame.end)
    expected = [(record.line, record.time, record.raw, record.message) for record in inside]
    assert found == expected, (reader.guarantee, reader.note, reader.encoding)
    assert reader.guarantee or not log.data
    return reader


WORDS = ("error", "failed", "timeout", "fatal", "exception")


def check_words(folder: Path, log: Log, block: int, worth_it: int) -> None:
    """The sifted lines are exactly those of the naive reader."""
    source = _written(folder, log)
    bounds = bounds_of(log.format, log.zone)
    selection = Selection(bounds, words=Words(WORDS, worth_it))
    reader = LineReader(source, choose=lambda first: selection, block=block)
    found = list(reader)
    lines = naive.lines_of(log.text)
    assert found == naive.sifted(lines, WORDS, bounds)
    assert reader.lines == len(lines)


def check_framed_words(folder: Path, log: Log, frame: Frame, effort: Effort, block: int) -> None:
    """Of the records of the frame, the reader hands on those with a word whole, under the right numbers."""
    source = _written(folder, log)
    start, end = naive.around_folds(frame.start, frame.end, log.zone)
    selection = Selection(bounds_of(log.format, log.zone), start, end, words=Words(WORDS))
    reader = LineReader(source, choose=lambda first: selection, block=block, effort=effort)
    read = list(reader)
    number = reader.numbers()
    found = {number(line.number): line.text for line in read}
    lines = naive.lines_of(log.text)
    texts = {line.number: line.text for line in lines}
    assert all(texts[place] == text for place, text in found.items())
    for record in naive.records_inside(lines, source, log.format, log.zone, frame.start, frame.end):
        if record.time is not None and any(word in line.lower() for line in record.raw for word in WORDS):
            assert {record.line + offset for offset in range(len(record.raw))} <= found.keys()


def _written(folder: Path, log: Log) -> Source:
    file = folder / "random.log"
    file.write_bytes(log.data)
    return Source("random.log", file, "log")


def fuzz(examples: int) -> None:
    """So many random logs, read in both ways; raises at the first that is read wrongly."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        profile = settings(max_examples=examples, deadline=None, database=None, suppress_health_check=list(HealthCheck))

        @profile
        @given(st.data(), logs(), EFFORTS, BLOCKS, LINE_LIMITS)
        def in_frames(data: st.DataObject, log: Log, effort: Effort, block: int, line_limit: int) -> None:
            check_frame(folder, log, data.draw(frames(log)), effort, block, line_limit)

        @profile
        @given(logs(), BLOCKS, WORTH_IT)
        def by_words(log: Log, block: int, worth_it: int) -> None:
            check_words(folder, log, block, worth_it)

        @profile
        @given(st.data(), logs(), EFFORTS, BLOCKS)
        def by_words_in_frames(data: st.DataObject, log: Log, effort: Effort, block: int) -> None:
            check_framed_words(folder, log, data.draw(frames(log)), effort, block)

        by_words_in_frames()
        in_frames()
        by_words()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--examples", type=int, default=2_000)
    fuzz(parser.parse_args().examples)
