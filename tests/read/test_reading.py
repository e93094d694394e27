"""Bytes to lines: encodings, line ends, packed files, and files that are not what they should be."""

from __future__ import annotations

import os
import sys
from datetime import datetime, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.model import Source
from collector.parse.registry import bounds_of
from collector.read.gaps import Effort
from collector.read.lines import LineReader, Selection
from collector.read.normal import Normalizer
from collector.read.sift import Sift
from collector.read.split import Chunk, WholeLines, chunk_of
from collector.read.state import read_state
from collector.read.words import Words


def reader(tmp_path: Path, data: bytes, **options) -> LineReader:
    file = tmp_path / "x.log"
    file.write_bytes(data)
    return LineReader(Source("x.log", file, "log", size=len(data)), **options)


def test_an_empty_file(tmp_path: Path):
    lines = reader(tmp_path, b"")
    assert (list(lines), lines.outcome) == ([], "empty")


def test_nul_padding_after_a_power_cut_is_removed_and_said(tmp_path: Path):
    lines = reader(tmp_path, b"before\n" + b"\0" * 5000 + b"\nafter\n")
    assert [line.text for line in lines if line.text] == ["before", "after"]
    assert "NUL" in lines.note


def test_a_long_line_is_cut_and_said(tmp_path: Path):
    lines = reader(tmp_path, b"x" * 300_000 + b"\nshort\n", line_limit=1000)
    first, second = lines
    assert (len(first.text), first.cut, second.text, second.number) == (1000, True, "short", 2)
    assert "cut" in lines.note


def test_of_a_file_above_the_limit_the_end_is_read_from_a_whole_line_on(tmp_path: Path):
    data = b"".join(b"line %06d\n" % number for number in range(10_000))
    lines = reader(tmp_path, data, limit_bytes=1000)
    texts = [line.text for line in lines]
    assert texts[-1] == "line 009999"
    assert all(len(text) == 11 for text in texts)
    assert 80 <= len(texts) <= 91
    assert (lines.outcome, lines.bytes_read <= 1_000 + 2 * 1_024) == ("truncated", True)


def test_what_is_listed_and_gone(tmp_path: Path):
    lines = LineReader(Source("x.log", tmp_path / "gone", "log"))
    assert (list(lines), lines.outcome) == ([], "vanished")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no named pipes in folders")
def test_a_named_pipe_is_never_opened(tmp_path: Path):
    os.mkfifo(tmp_path / "pipe")
    lines = LineReader(Source("x.log", tmp_path / "pipe", "log"))
    assert (list(lines), lines.outcome) == ([], "not-a-file")


def test_a_state_file_with_nuls_and_a_mark(tmp_path: Path):
    file = tmp_path / "s.json"
    file.write_bytes(b"\xef\xbb\xbf{}" + b"\0" * 100)
    text, entry = read_state(Source("s.json", file, "aggregate"))
    assert (text.strip(), entry.outcome) == ("{}", "read")


@pytest.mark.parametrize("block", [1, 7, 4_096])
@pytest.mark.parametrize("piece", ["漢", "é", "x", "🙂"])
def test_a_long_line_is_cut_at_the_same_place_whatever_the_blocks(tmp_path: Path, piece: str, block: int):
    lines = reader(tmp_path, ("a" + piece * 5_000 + "\nnext").encode(), line_limit=1_000, block=block)
    first, second = lines
    assert (first.text, first.cut) == ("a" + piece * 999, True)
    assert (second.text, second.number) == ("next", 2)


@given(text=st.text(alphabet="ab\n\r\0", max_size=60), sizes=st.lists(st.integers(1, 7), min_size=1, max_size=30))
def test_the_blocks_in_which_text_comes_do_not_matter(text: str, sizes: list[int]):
    data = text.encode()
    for carriage in (False, True):
        whole = Normalizer("utf-8", carriage).feed(data, final=True)
        normal, lines = Normalizer("utf-8", carriage), WholeLines(100, 1)
        chunks, fed, at = [], b"", 0
        for size in sizes * (len(data) + 1):
            piece = normal.feed(data[at : at + size])
            fed += piece
            chunks.append(lines.feed(piece))
            at += size
            if at >= len(data):
                break
        piece = normal.feed(b"", final=True)
        fed += piece
        chunks += [lines.feed(piece), lines.close()]
        assert fed == whole
        found = [chunk for chunk in chunks if chunk is not None]
        assert b"".join(chunk.data for chunk in found) == whole
        assert [chunk.number for chunk in found[1:]] == [chunk.next_number for chunk in found[:-1]]


@pytest.mark.parametrize("size", [100, 40_000])
@pytest.mark.parametrize("is_framed", [False, True])
def test_of_a_frame_or_a_tail_above_the_limit_the_end_is_read(tmp_path: Path, size: int, is_framed: bool):
    data = b"".join(b"2026-01-01T00:%02d:%02d.000000Z INFO x\n" % divmod(number % 3600, 60) for number in range(3600))
    edges = (None, datetime(2026, 1, 1, 0, 50, tzinfo=timezone.utc)) if is_framed else (None, None)
    lines = reader(
        tmp_path,
        data,
        choose=lambda first: Selection(bounds_of("waagent", None), *edges),
        limit_bytes=size,
        effort=Effort(small=0, grain=100),
        block=512,
    )
    texts = [line.text for line in lines]
    assert all(text.startswith("2026-") for text in texts)
    assert lines.outcome == "truncated"
    assert "only the last" in lines.note
    number = lines.numbers()
    assert number(0) >= 0


def test_a_text_with_cr_alone_keeps_to_its_limit_and_its_frame(tmp_path: Path):
    data = b"".join(b"2026-01-01T00:%02d:%02d.000000Z INFO x\r" % divmod(number, 60) for number in range(3600))
    start = datetime(2026, 1, 1, 0, 30, tzinfo=timezone.utc)
    lines = reader(
        tmp_path,
        data,
        choose=lambda first: Selection(bounds_of("waagent", None), start, start),
        effort=Effort(small=0, grain=100),
        block=512,
    )
    (line,) = lines
    assert line.text.startswith("2026-01-01T00:30:00")
    assert lines.numbers()(line.number) == 30 * 60 + 1
    assert lines.is_partial
    tail = reader(tmp_path, data, limit_bytes=1_000)
    assert 1 < len(list(tail)) < 40
    assert tail.outcome == "truncated"


WORD_TEXTS = st.lists(
    st.sampled_from(["error", "ERR", "or", "Failed", "x", " ", "\n", "é", "\u0130", "time", "out"]), max_size=60
)


@given(WORD_TEXTS)
def test_both_ways_to_find_words_find_the_same(parts: list[str]):
    data = "".join(parts).encode()
    names = ("error", "failed", "timeout")
    expected, at = [], 0
    for line in data.split(b"\n"):
        at += len(line)
        if any(name.encode() in line.lower() for name in names):
            expected.append(at)
        at += 1
    assert Words(names, worth_it=0).lines(data) == expected
    assert Words(names, worth_it=10**9).lines(data) == expected
    begin = data.find(b"\n") + 1
    assert Words(names, worth_it=0).lines(data, begin, len(data)) == [end for end in expected if end >= begin]


def test_the_last_record_of_every_stretch_is_searched_where_lines_are_missing_after_it():
    bounds = bounds_of("waagent", None)
    sift = Sift(Words(["error"]), bounds)
    head = b"2026-01-01T00:00:%02d.000000Z INFO %s\n"
    chunks = [chunk_of(1, head % (1, b"a") + head % (2, b"b")), chunk_of(50, head % (3, b"error") + head % (4, b"c"))]
    chunks.append(chunk_of(90, head % (5, b"error")))
    chunks.append(chunk_of(99, head % (6, b"d")))
    kept = [part for chunk in chunks for part in sift.feed(chunk)] + list(sift.close())
    assert [part.number for part in kept] == [50, 90, 99]


def test_a_record_too_long_to_be_held_is_handed_on_to_its_end():
    bounds = bounds_of("waagent", None)
    sift = Sift(Words(["error"]), bounds)
    head = b"2026-01-01T00:00:%02d.000000Z INFO %s\n"
    chunks = (
        [head % (1, b"a"), head % (2, b"long")]
        + [(b"x" * 99 + b"\n") * 100] * 50
        + [head % (2, b"same"), head % (3, b"b")]
    )
    chunks += [head % (4, b"error"), head % (5, b"c"), head % (6, b"d")]
    kept: list[Chunk] = []
    number = 1
    for data in chunks:
        kept += sift.feed(chunk_of(number, data))
        number += data.count(b"\n")
    kept += sift.close()
    numbers = [number for part in kept for number in range(part.number, part.next_number)]
    assert numbers == [*range(2, 5_004), 5_005, 5_007]


def test_the_record_at_which_the_bytes_that_are_handed_on_whole_end_is_handed_on_whole(tmp_path: Path):
    head = b"2026-01-01T00:00:%02d.000000Z INFO %s\n"
    long = head % (1, b"long") + b"more\n" * 100
    data = long + head % (2, b"b") + b"more\n" * 9 + head % (3, b"error") + head % (4, b"c") + head % (5, b"d")
    selection = Selection(bounds_of("waagent", None), words=Words(["error"]), whole_bytes=50)
    lines = reader(tmp_path, data, choose=lambda first: selection, block=100)
    assert [line.number for line in lines] == [*range(1, 102), 112, 114]
