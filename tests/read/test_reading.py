"""Bytes to lines: encodings, line ends, packed files, and files that are not what they should be."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.model import Source
from collector.read.lines import LineReader
from collector.read.split import Splitter
from collector.read.state import read_state

TEXT = ["first line", "second: größer é", "", "last one"]
ENCODINGS = {
    "utf-8": ("utf-8", b""),
    "utf-8 with a mark": ("utf-8", b"\xef\xbb\xbf"),
    "utf-16 little with a mark": ("utf-16-le", b"\xff\xfe"),
    "utf-16 big with a mark": ("utf-16-be", b"\xfe\xff"),
    "utf-16 little": ("utf-16-le", b""),
    "utf-16 big": ("utf-16-be", b""),
    "a legacy code page": ("cp1252", b""),
}
PACKINGS = {
    "plain": lambda data: data,
    "gzip": gzip.compress,
    "gzip of several members": lambda data: gzip.compress(data[:20]) + gzip.compress(data[20:]),
    "broken gzip": lambda data: gzip.compress(data + os.urandom(4000))[:-3000],
}


def reader(tmp_path: Path, data: bytes, **options) -> LineReader:
    file = tmp_path / "x.log"
    file.write_bytes(data)
    return LineReader(Source("x.log", file, "log", size=len(data)), **options)


@pytest.mark.parametrize("packing", PACKINGS)
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"], ids=["LF", "CRLF", "CR"])
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_every_encoding_line_end_and_packing(tmp_path: Path, encoding: str, end: str, packing: str):
    name, mark = ENCODINGS[encoding]
    data = mark + end.join(TEXT).encode(name)
    lines = reader(tmp_path, PACKINGS[packing](data))
    texts = [line.text for line in lines]
    if packing == "broken gzip":
        assert lines.outcome in ("truncated", "undecodable")
        assert lines.note
        return
    assert texts == TEXT
    assert (lines.outcome, lines.lines) == ("read", 4)
    assert [line.number for line in reader(tmp_path, data)] == [1, 2, 3, 4]


def test_a_binary_file_is_said_to_be_one(tmp_path: Path):
    lines = reader(tmp_path, bytes(range(256)) * 100)
    assert list(lines) == []
    assert lines.outcome == "undecodable"


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
    assert (lines.outcome, lines.bytes_read <= 1003) == ("truncated", True)


def test_what_is_listed_and_gone(tmp_path: Path):
    lines = LineReader(Source("x.log", tmp_path / "gone", "log"))
    assert (list(lines), lines.outcome) == ([], "vanished")


def test_a_named_pipe_is_never_opened(tmp_path: Path):
    os.mkfifo(tmp_path / "pipe")
    lines = LineReader(Source("x.log", tmp_path / "pipe", "log"))
    assert (list(lines), lines.outcome) == ([], "not-a-file")


def test_a_state_file_with_nuls_and_a_mark(tmp_path: Path):
    file = tmp_path / "s.json"
    file.write_bytes(b"\xef\xbb\xbf{}" + b"\0" * 100)
    text, entry = read_state(Source("s.json", file, "aggregate"))
    assert (text.strip(), entry.outcome) == ("{}", "read")


@pytest.mark.slow
def test_a_line_of_200_megabytes_needs_no_memory_of_that_size(tmp_path: Path):
    file = tmp_path / "huge.log"
    with file.open("wb") as stream:
        for _ in range(200):
            stream.write(b"x" * 1_000_000)
        stream.write(b"\nlast\n")
    script = (
        "from pathlib import Path; from collector.model import Source; from collector.read.lines import LineReader\n"
        f"reader = LineReader(Source('x', Path({str(file)!r}), 'log'), limit_bytes=300_000_000)\n"
        "texts = [line.text[:4] for line in reader]\n"
        "peak = Path('/proc/self/status').read_text().split('VmHWM:')[1].split()[0]\n"
        "print(texts[-1], peak)"
    )
    last, peak = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    ).stdout.split()
    assert last == "last"
    assert int(peak) * 1024 < 64_000_000


@given(text=st.text(alphabet="ab\n\r", max_size=60), sizes=st.lists(st.integers(1, 7), min_size=1, max_size=30))
def test_the_blocks_in_which_text_comes_do_not_matter(text: str, sizes: list[int]):
    """Only for texts whose first block shows their line ends: the rest is the same whatever the blocks."""
    text = "x\n" + text
    whole = Splitter()
    expected = [line.text for line in [*whole.feed(text), *whole.close()]]
    parts, found, at = Splitter(), [], 0
    pieces = [text[:2]]
    at = 2
    while at < len(text):
        size = sizes[len(pieces) % len(sizes)]
        pieces.append(text[at : at + size])
        at += size
    for piece in pieces:
        found += [line.text for line in parts.feed(piece)]
    found += [line.text for line in parts.close()]
    assert found == expected
