"""Cases 24-26: encodings and packed files, as they grow and across restarts."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import random
import tarfile
import tracemalloc
import zlib
from itertools import pairwise

import pytest

from tests.read import models
from tests.read.tail.driver import Tail, lines, text

CHANCE = random.Random(11)
TEXTS = [
    "first line",
    "größer é",
    "",
    "日本語のログ",
    "🙂🙃 surrogates",
    *(f"{n} ü {CHANCE.getrandbits(99):x}" for n in range(60)),
    "last",
]
ENCODINGS = {**models.ENCODINGS, "utf-32-le with a mark": ("utf-32-le", b"\xff\xfe\0\0")}


def encoded(name: str, end: str = "\n") -> bytes:
    encoding, mark = ENCODINGS[name]
    return mark + "".join(one + end for one in TEXTS).encode(encoding)


@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["LF", "CRLF"])
@pytest.mark.parametrize("name", ENCODINGS)
def test_24_an_encoding_is_known_still_in_the_middle_of_the_file(tail: Tail, name: str, end: str):
    """Each part comes after a restart, at any byte: amid a character, between the two halves of a surrogate pair."""
    data = encoded(name, end)
    cuts = sorted({0, 400, *CHANCE.sample(range(401, len(data)), 25), len(data)})
    for begin, cut in pairwise(cuts):
        tail.write("a.log", data[begin:cut])
        tail.look()
        tail.restart()
    assert tail.lines(tail.pieces) == TEXTS
    assert len({piece.encoding for piece in tail.pieces}) == 1
    assert tail.pieces[-1].end == len(data)
    offsets = [(piece.offset, piece.end) for piece in tail.pieces]
    assert all(end == begin for (_, end), (begin, _) in pairwise(offsets))


@pytest.mark.parametrize("name", [name for name in ENCODINGS if "mark" in name])
def test_24_the_mark_alone_comes_first(tail: Tail, name: str):
    data = encoded(name)
    for begin, end in pairwise([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, len(data)]):
        tail.write("a.log", data[begin:end])
        tail.look()
    assert tail.lines(tail.pieces) == TEXTS


def test_24_a_mark_at_the_beginning_of_every_rotated_file(tail: Tail):
    """As a Windows service writes it. The mark is no part of the first line."""
    for number in range(3):
        tail.write("a.log", f"\ufefffile {number}\r\n".encode())
        assert tail.look() == [f"file {number}"]
        tail.rotate("a.log", keep=5)


def test_24_cut_and_then_written_in_another_encoding(tail: Tail):
    tail.write("a.log", encoded("utf-8"))
    assert tail.look() == TEXTS
    tail.truncate("a.log")
    tail.write("a.log", "\ufeffnew größer\r\n".encode("utf-16-le"))
    assert tail.look() == ["new größer"]


@pytest.mark.parametrize("broken", [b"\xff", b"\xc3", b"\xe2\x82", b"\xf0\x9f\x99", b"\xed\xa0\x80", b"\xfe\xfe\xff"])
def test_24_bytes_that_are_no_utf_8(tail: Tail, broken: bytes):
    """Whatever they become, they are in their line, and the other lines are whole."""
    tail.write("a.log", text(1, 30).encode() + b"before " + broken + b" after\n" + text(31, 33).encode())
    got = tail.look()
    assert got[:30] == lines(1, 30)
    assert got[30].startswith("before ") and got[30].endswith(" after")
    assert got[31:] == lines(31, 33)


def test_24_half_a_surrogate_pair(tail: Tail):
    data = ("\ufeff" + text(1, 30)).encode("utf-16-le") + b"\x3d\xd8" + "x\n".encode("utf-16-le")
    tail.write("a.log", data)
    assert tail.look() == [*lines(1, 30), "\ufffdx"]


PACKED = {
    "plain": lambda data: data,
    "gzip": gzip.compress,
    "gzip of several members": lambda data: b"".join(
        gzip.compress(data[begin:end]) for begin, end in pairwise([0, 1, 2, 3, 17, 18, 400, len(data)])
    ),
    "gzip with padding": lambda data: gzip.compress(data) + b"\0" * 1_000,
}


@pytest.mark.parametrize("packing", PACKED)
@pytest.mark.parametrize("name", ENCODINGS)
@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["LF", "CRLF"])
def test_25_every_encoding_line_end_and_packing(tail: Tail, name: str, end: str, packing: str):
    """Whole files; `tests/read/test_matrix.py` has many more. In small turns, with one restart."""
    tail.write("a.log.1.gz" if packing != "plain" else "a.log.1", PACKED[packing](encoded(name, end)))
    tail.tails.see(tail.sources())
    tail.tails.touch(None)
    tail.turn(most=300)
    tail.save()
    tail.restart()
    tail.look(most=300)
    tail.looks(1, 10)
    assert tail.lines(tail.pieces) == TEXTS


@pytest.mark.parametrize("pack", [bz2.compress, zlib.compress, lzma.compress], ids=["bz2", "zlib", "xz"])
def test_25_a_packing_that_is_not_read(tail: Tail, pack):
    """Nothing of it is given as lines, it is said, and others go on."""
    tail.write("a.log.1", pack(CHANCE.randbytes(5_000)))
    tail.write("b.log", text(1, 3))
    assert tail.look() == lines(1, 3)
    assert tail.state["a.log.1"].problem
    tail.write("b.log", "line 4\n")
    assert tail.look() == ["line 4"]


@pytest.mark.parametrize("members", [1, 2, 50])
def test_26_gzip_of_several_members(tail: Tail, members: int):
    tail.write("a.log.1.gz", b"".join(gzip.compress(text(n * 10 + 1, n * 10 + 10).encode()) for n in range(members)))
    assert tail.look() == lines(1, members * 10)
    tail.restart()
    assert tail.looks(0, 10) == []


def test_26_a_member_is_appended(tail: Tail):
    tail.write("a.log.gz", gzip.compress(text(1, 3).encode()))
    assert tail.look() == lines(1, 3)
    tail.write("a.log.gz", gzip.compress(text(4, 6).encode()))
    assert tail.looks(0, 10) == lines(4, 6)


@pytest.mark.parametrize("content", ["one line\n", "one line", ""])
def test_26_gzip_of_one_line(tail: Tail, content: str):
    """It is over when it is packed, so that its last line needs no end."""
    tail.write("a.log.1.gz", gzip.compress(content.encode()))
    assert tail.looks(0, 1, 10, 100) == content.splitlines()


@pytest.mark.parametrize("restarts", [False, True], ids=["running", "restarted"])
def test_26_being_packed_when_it_is_seen(tail: Tail, restarts: bool):
    """Its plain form is gone already in this story, so that all must come from what is written of the archive."""
    content = "".join(f"{n} {CHANCE.getrandbits(200):x}\n" for n in range(3_000))
    packed = gzip.compress(content.encode())
    cuts = [0, 1, 5, 10, 11, 400, len(packed) // 2, len(packed) - 5, len(packed)]
    for begin, end in pairwise(cuts):
        tail.write("a.log.1.gz", packed[begin:end])
        tail.look(seconds=1, most=10_000)
        if restarts:
            tail.restart()
    tail.looks(1, 10, 100)
    assert tail.lines(tail.pieces) == content.splitlines()


BROKEN = {
    "cut": lambda packed: packed[: len(packed) // 2],
    "cut in its header": lambda packed: packed[:5],
    "garbage amid it": lambda packed: packed[: len(packed) // 2] + b"\xff" * 40 + packed[len(packed) // 2 + 40 :],
    "garbage behind it": lambda packed: packed + b"garbage\n" * 10,
    "a broken checksum": lambda packed: packed[:-8] + b"\0" * 8,
}


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN)
def test_26_a_broken_archive(tail: Tail, broken):
    """What can be had comes once, from its beginning on; others go on; and it is not tried for ever."""
    content = "".join(f"{n} {CHANCE.getrandbits(200):x}\n" for n in range(300))
    tail.write("a.log.1.gz", broken(gzip.compress(content.encode())))
    tail.write("b.log", "b\n")
    got = tail.looks(0, 1, 10, 100)
    got.remove("b")
    if broken is BROKEN["cut in its header"]:
        assert got == []
    else:  # behind the damage there may be half a line, and what the damage unpacks to
        assert got[:100] == content.splitlines()[:100]
    tail.restart()
    assert tail.looks(0, 10, 100) == []


def test_26_a_tar_of_logs_packed(tail: Tail):
    """No log: whatever is made of it, others go on, and nothing comes twice."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        info = tarfile.TarInfo("waagent.log")
        info.size = len(text(1, 50))
        archive.addfile(info, io.BytesIO(text(1, 50).encode()))
    tail.write("a.log.gz", out.getvalue())
    tail.write("b.log", "b 1\n")
    got = tail.looks(0, 10)
    assert "b 1" in got
    assert len(got) == len(set(got))
    tail.write("b.log", "b 2\n")
    assert tail.looks(0, 10) == ["b 2"]


def test_26_a_huge_archive(tail: Tail):
    """100 MB packed to 100 KB: it comes piece by piece, and little of it is in memory at a time."""
    line = b"the same line again and again, 64 bytes long, of one kind only\n"
    chunk = line * 16_384
    with gzip.open(tail.file("a.log.1.gz"), "wb", compresslevel=1) as stream:
        for _ in range(100):
            stream.write(chunk)
    tail.tails.see(tail.sources())
    tail.tails.touch(None)
    count = size = 0
    tracemalloc.start()
    try:
        while True:
            for piece in tail.tails.read(1 << 20):
                assert len(piece.chunk.data) <= 4 << 20
                count += piece.chunk.data.count(b"\n")
                size += len(piece.chunk.data)
                tail.tails.done(piece.stream, piece.end)
            if not tail.tails.is_behind:
                break
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (count, size) == (100 * 16_384, 100 * len(chunk))
    assert peak < 24 << 20
