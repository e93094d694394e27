"""Bytes to text in blocks: finds the encoding, forgives what does not fit it, removes NULs.

A log may hold text of several encodings (a script's output among the handler's own lines), so text that
is not UTF-8 is decoded line by line.
"""

from __future__ import annotations

import codecs
import re
from typing import Protocol

#: Bytes of a file's beginning that decide its encoding.
SAMPLE = 16_384

#: Text without a line end is handed on in pieces of so many bytes.
PENDING = 65_536

_MARKS = (  # the 32-bit marks begin with the 16-bit ones
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_NUL_RUN = re.compile(rb"(?:\0\0){4,}")
_WORD_BYTES = bytes(range(32, 127)) + b"\t\n\r"
#: Control bytes that no text log holds (bell, backspace, tabs, form feed, escape are found in terminal output).
_CONTROLS = bytes([*sorted(set(range(32)) - set(b"\a\b\t\n\v\f\r\x1b")), 127])


class Decoder(Protocol):
    """Takes bytes in any blocks, gives text; `final` ends it."""

    encoding: str

    def feed(self, data: bytes, final: bool = False) -> str: ...


def find_encoding(sample: bytes) -> tuple[str, int] | None:
    """Name of the encoding and length of the byte-order mark; None if the sample is not text."""
    for mark, name in _MARKS:
        if sample.startswith(mark) and (name != "utf-32-le" or len(sample) % 4 == 0 or len(sample) > 64):
            return name, len(mark)
    rest = _NUL_RUN.sub(b"", sample)
    if not rest:
        return "utf-8", 0
    wide = _wide(rest)
    if wide:
        return wide, 0
    controls = len(rest) - len(rest.translate(None, _CONTROLS))
    nuls = rest.count(0)
    if controls - nuls > len(rest) // 20 or controls > len(rest) // 3:
        return None
    return "utf-8", 0


def _wide(sample: bytes) -> str | None:
    """UTF-16 without a mark: the high bytes of Latin letters are NULs, all in even or all in odd places."""
    pairs = len(sample) // 2
    if pairs < 2:
        return None
    even, odd = sample[0 : pairs * 2 : 2], sample[1 : pairs * 2 : 2]
    if odd.count(0) * 4 > pairs and even.count(0) * 50 <= pairs and _letters(even, odd):
        return "utf-16-le"
    if even.count(0) * 4 > pairs and odd.count(0) * 50 <= pairs and _letters(odd, even):
        return "utf-16-be"
    return None


def _letters(low: bytes, high: bytes) -> bool:
    """Whether the places beside NULs hold letters, as they do in text and not in tables of numbers."""
    beside = bytes(a for a, b in zip(low, high, strict=True) if b == 0)
    return len(beside.translate(None, _WORD_BYTES)) * 10 <= len(beside)


def decoder(encoding: str) -> Decoder:
    """A fresh decoder for one of the names that `find_encoding` gives."""
    if encoding.startswith(("utf-16", "utf-32")):
        return WideDecoder(encoding)
    return LineDecoder(encoding)


class WideDecoder:
    """UTF-16 and UTF-32; a damaged character becomes the replacement character."""

    def __init__(self, encoding: str) -> None:
        self.encoding = encoding
        self._inner = codecs.getincrementaldecoder(encoding)("replace")

    def feed(self, data: bytes, final: bool = False) -> str:
        return self._inner.decode(data, final)


class LineDecoder:
    """UTF-8; a line that is not UTF-8 is taken for Windows-1252, the commonest code page of old scripts."""

    def __init__(self, encoding: str) -> None:
        self.encoding = encoding
        self._held = b""

    def feed(self, data: bytes, final: bool = False) -> str:
        data = self._held + data if self._held else data
        end = len(data) if final else self._whole(data)
        self._held = data[end:]
        data = data[:end]
        try:
            return data.decode("utf-8")
        except UnicodeDecodeError:
            return "".join(map(self._line, data.splitlines(keepends=True)))

    @staticmethod
    def _whole(data: bytes) -> int:
        """Where whole lines end; in a very long line where whole characters end."""
        end = max(data.rfind(b"\n"), data.rfind(b"\r")) + 1
        if end or len(data) < PENDING:
            return end
        end = len(data)
        while end > len(data) - 4 and data[end - 1] & 0xC0 == 0x80:
            end -= 1
        return end - 1 if data[end - 1] >= 0xC0 else len(data)

    def _line(self, line: bytes) -> str:
        try:
            return line.decode("utf-8")
        except UnicodeDecodeError:
            pass
        text = line.decode("utf-8", "replace")
        broken = text.count("\ufffd")
        wide = sum(character > "\x7f" for character in text) - broken
        if wide > broken:  # UTF-8 cut in the middle of a character, as by a limit of so many bytes
            return text
        self.encoding = "utf-8, windows-1252"
        return line.decode("cp1252", "replace")


class NulFilter:
    """Takes NULs out. A run of them, as a power cut or a truncated log leaves it, ends a line."""

    #: So many NULs in a row are padding; fewer are stray.
    RUN = 4

    def __init__(self) -> None:
        self.removed = 0
        self._pending = 0  # NULs at the end of the text so far
        self._last = "\n"

    def feed(self, text: str) -> str:
        if "\0" not in text and not self._pending:
            self._last = text[-1:] or self._last
            return text
        kept = text.rstrip("\0")
        pending = len(text) - len(kept)
        self.removed += text.count("\0")
        if not kept:
            self._pending += pending
            return ""
        kept = "\0" * min(self._pending, self.RUN) + kept
        self._pending = pending
        out: list[str] = []
        for part in re.split("(\0+)", kept):
            if not part.startswith("\0"):
                out.append(part)
                self._last = part[-1:] or self._last
            elif len(part) >= self.RUN and self._last not in "\r\n":
                out.append("\n")
                self._last = "\n"
        return "".join(out)
