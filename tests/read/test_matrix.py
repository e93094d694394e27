"""Every encoding with every line end in every packing, whole and broken: the exact texts, or their exact beginning."""

from __future__ import annotations

import gzip
import random
import zlib
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from pathlib import Path

import pytest

from collector.model import Source
from collector.read.lines import LineReader
from tests.read import models

CHANCE = random.Random(7)
TEXTS = [
    "first line",
    "second: größer é",
    "",
    *(f"{n} Grüße {CHANCE.getrandbits(200):x} ü{n}" for n in range(300)),
    "last",
]
PLAIN = ["first line", "second", *(f"{n} {CHANCE.getrandbits(200):x}" for n in range(300)), "last"]
ESCAPES = [f"\x1b[31m{text}\x1b[0m\x1b]0;title\x07" for text in PLAIN]
ENDS = {"LF": "\n", "CRLF": "\r\n", "CR": "\r", "no final LF": "\n"}
#: Encoding and mark.
ENCODINGS = models.ENCODINGS | {
    "utf-32-le with a mark": ("utf-32-le", b"\xff\xfe\0\0"),
    "utf-32-be with a mark": ("utf-32-be", b"\0\0\xfe\xff"),
    "cp1252": ("cp1252", b""),
}
Content = tuple[bytes, list[str]]


def in_code_page(name: str, end: str) -> Content:
    """A code page that nothing tells is read as Windows-1252: the ASCII is right."""
    lines = [text.encode(name) for text in TEXTS]
    return join(lines, end), [line.decode("cp1252", "replace") for line in lines]


def mixed(end: str) -> Content:
    lines = [text.encode("utf-8" if index % 3 else "cp1252") for index, text in enumerate(TEXTS)]
    return join(lines, end), TEXTS


def padded(where: str, end: str) -> Content:
    half = len(PLAIN) // 2
    first, second = (join([one.encode() for one in part], end) for part in (PLAIN[:half], PLAIN[half:]))
    nuls = b"\0" * (3 * 131_072 if where == "whole blocks" else 5_001)
    if where == "at the end":
        return first + second + nuls, PLAIN
    if where == "in a line":
        return first + b"cut o" + nuls + second, [*PLAIN[:half], "cut o", *PLAIN[half:]]
    return first + nuls + second, PLAIN


def join(lines: list[bytes], end: str) -> bytes:
    return b"".join(line + end.encode() for line in lines)


def encoded(name: str, end: str) -> Content:
    encoding, mark = ENCODINGS[name]
    return mark + "".join(text + end for text in TEXTS).encode(encoding), TEXTS


CONTENTS: dict[str, Callable[[str], Content]] = {
    **{name: partial(encoded, name) for name in ENCODINGS},
    "cp437": lambda end: in_code_page("cp437", end),
    "cp850": lambda end: in_code_page("cp850", end),
    "utf-8 and cp1252 lines": mixed,
    "escape sequences": lambda end: (join([one.encode() for one in ESCAPES], end), ESCAPES),
    **{
        f"NULs {where}": partial(padded, where)
        for where in ("in the middle", "in a line", "at the end", "whole blocks")
    },
}


def members(data: bytes) -> bytes:
    """Cut in the middle of a line and, a few bytes later, of whatever character stands there."""
    cuts = [0, 1, 2, 3, 17, 18, 19, 20, 21, len(data) // 2 + 1, len(data)]
    return b"".join(gzip.compress(data[begin:end]) for begin, end in pairwise(cuts))


WHOLE = {
    "plain": lambda data: data,
    "gzip": gzip.compress,
    "gzip of several members": members,
    "gzip and zero padding": lambda data: gzip.compress(data) + b"\0" * 1_000,
    "members with padding between": lambda data: gzip.compress(data[:99]) + b"\0" * 512 + gzip.compress(data[99:]),
}
BROKEN = {
    "cut": lambda packed: packed[: len(packed) * 2 // 3],
    "cut in the trailer": lambda packed: packed[:-3],
    "a bit flipped": lambda packed: flipped(packed, len(packed) // 2),
    "a bit of the checksum flipped": lambda packed: flipped(packed, len(packed) - 6),
    "trailing garbage": lambda packed: packed + b"garbage",
    "cut to its header": lambda packed: packed[:10],
}


def flipped(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 0x10]) + data[at + 1 :]


def unpackable(packed: bytes) -> bytes:
    """All that can be had of a broken archive, found byte by byte."""
    unpacker, out = zlib.decompressobj(wbits=31), []
    for at in range(len(packed)):
        try:
            out.append(unpacker.decompress(packed[at : at + 1]))
        except zlib.error:
            break
    return b"".join(out)


def reader(tmp_path: Path, data: bytes, **options) -> LineReader:
    file = tmp_path / "x.log"
    file.write_bytes(data)
    return LineReader(Source("x.log", file, "log", size=len(data)), **options)


@pytest.mark.parametrize("packing", WHOLE)
@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("content", CONTENTS)
def test_the_texts_are_exact(tmp_path: Path, content: str, end: str, packing: str):
    data, texts = CONTENTS[content](ENDS[end])
    if end == "no final LF":
        data = without_end(content, data)
    lines = reader(tmp_path, WHOLE[packing](data))
    found = list(lines)
    assert [line.text for line in found] == texts
    assert [line.number for line in found] == list(range(1, len(texts) + 1))
    assert (lines.outcome, lines.lines) == ("read", len(texts))
    assert ("NUL" in lines.note) == ("NUL" in content)


def without_end(content: str, data: bytes) -> bytes:
    if content.startswith("NULs"):
        return data if content == "NULs at the end" else data[:-1]
    return data[: -len("\n".encode(ENCODINGS.get(content, ("utf-8", b""))[0]))]


@pytest.mark.parametrize("damage", BROKEN)
@pytest.mark.parametrize("end", ["LF", "CR"])
@pytest.mark.parametrize("content", CONTENTS)
def test_of_a_broken_archive_what_can_be_had_is_read(tmp_path: Path, content: str, end: str, damage: str):
    data, texts = CONTENTS[content](ENDS[end])
    packed = BROKEN[damage](gzip.compress(data, mtime=0))
    rest = unpackable(packed)
    lines = reader(tmp_path, packed)
    found = [line.text for line in lines]
    assert lines.outcome == "truncated"
    assert "archive" in lines.note
    assert found == [line.text for line in reader(tmp_path, rest)]
    if not data.startswith(rest):
        assert damage == "a bit flipped"
        return  # unpacks to something else until the damage shows
    assert found[:-1] == texts[: len(found[:-1])]
    if found:
        assert texts[len(found) - 1].startswith(found[-1].rstrip("\ufffdÃÂ"))


def test_text_that_is_wide_without_a_mark_and_mostly_not_latin(tmp_path: Path):
    """Stamps, blanks and line ends tell it. Where not even these are Latin it is called binary, or its letters are
    wrong; nothing fails."""
    texts = ["2024-05-06T07:08:09Z " + "扩展程序安装失败" * 8] * 50
    lines = reader(tmp_path, "\n".join(texts).encode("utf-16-le"))
    assert [line.text for line in lines] == texts
    lines = reader(tmp_path, ("扩展程序安装失败" * 5_000).encode("utf-16-le"))
    list(lines)
    assert lines.outcome in ("undecodable", "read")
    assert lines.outcome == "read" or lines.note == "binary content"


def test_binary_content(tmp_path: Path):
    lines = reader(tmp_path, bytes(range(256)) * 100)
    assert (list(lines), lines.outcome, lines.note) == ([], "undecodable", "binary content")


@pytest.mark.parametrize(
    "data", [b"", gzip.compress(b"", mtime=0), b"\xff\xfe", b"\xef\xbb\xbf", b"\0" * 10, b"\x1f\x8b", b"\x1f"]
)
def test_next_to_nothing(tmp_path: Path, data: bytes):
    lines = reader(tmp_path, data)
    assert [line.text for line in lines if line.text.strip("\x1f")] == []
    assert lines.outcome in ("read", "empty", "undecodable", "truncated")
