"""Which encoding bytes are in, and bytes to text, forgiving what does not fit it."""

from __future__ import annotations

import codecs
import re

#: Bytes of a file's beginning that decide its encoding.
SAMPLE = 16_384

_MARKS = (  # the 32-bit marks begin with the 16-bit ones
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_NUL_RUN = re.compile(rb"(?:\0\0){4,}")
#: One character in so many must be Latin, to tell UTF-16 from other bytes.
_RARE = 12
#: Runs of so many NULs are padding in any text; single ones in a short text are damage.
_PADDING = re.compile(rb"\0{4,}")
_FEW_NULS = 16
_WORD_BYTES = bytes(range(32, 127)) + b"\t\n\r"
_LATIN = bytes(range(0xA0, 0x100))
#: Control bytes that no text log holds (bell, backspace, tabs, form feed, escape are found in terminal output).
_CONTROLS = bytes([*sorted(set(range(32)) - set(b"\a\b\t\n\v\f\r\x1b")), 127])


def find_encoding(sample: bytes) -> tuple[str, int] | None:
    """Name of the encoding and length of the byte-order mark; None if the sample is not text."""
    for mark, name in _MARKS:
        if sample.startswith(mark) and (name != "utf-32-le" or _is_utf_32(sample)):
            return name, len(mark)
    rest, runs = _NUL_RUN.subn(b"", sample)
    if not rest:
        return "utf-8", 0
    wide = _wide(rest, strays=runs)
    if wide:
        return wide, 0
    rest = _PADDING.sub(b"", rest)
    controls = len(rest) - len(rest.translate(None, _CONTROLS))
    nuls = rest.count(0)
    if controls - nuls > len(rest) // 20 or nuls > max(len(rest) // 3, _FEW_NULS):
        return None
    return "utf-8", 0


def _is_utf_32(sample: bytes) -> bool:
    """Tells little-endian UTF-32 from UTF-16 whose mark is followed by a NUL: no character is above U+10FFFF."""
    return not sample[3::4].strip(b"\0") and max(sample[2::4], default=0) <= 0x10


def _wide(sample: bytes, strays: int) -> str | None:
    """UTF-16 without a mark: the high bytes of Latin letters are NULs, all in even or all in odd places.

    Digits, blanks and line ends are Latin in a log of any language. `strays`: NULs that may be left of padding.
    """
    pairs = len(sample) // 2
    if pairs < 2:
        return None
    even, odd = sample[0 : pairs * 2 : 2], sample[1 : pairs * 2 : 2]
    in_even, in_odd = even.count(0), odd.count(0)
    if max(in_even, in_odd) <= 2 * strays + 1:
        return None
    if in_odd * _RARE > pairs and in_even * _RARE <= in_odd and _letters(even, odd) and not _is_narrow(even, odd):
        return "utf-16-le"
    if in_even * _RARE > pairs and in_odd * _RARE <= in_even and _letters(odd, even) and not _is_narrow(even, odd):
        return "utf-16-be"
    return None


def _letters(low: bytes, high: bytes) -> bool:
    """Whether the places beside NULs hold letters, as they do in text and not in tables of numbers."""
    beside = bytes(a for a, b in zip(low, high, strict=True) if b == 0)
    others = beside.translate(None, _WORD_BYTES)
    return len(others) * 6 <= len(beside) * 5 and len(others.translate(None, _LATIN)) * 10 <= len(beside)


def _is_narrow(even: bytes, odd: bytes) -> bool:
    """Whether the pairs without a NUL are mostly two ASCII characters, between which a few NULs got."""
    pairs = [a < 128 and b < 128 for a, b in zip(even, odd, strict=True) if a and b]
    return len(pairs) * 4 > len(even) * 3 and sum(pairs) * 2 > len(pairs)


def width(encoding: str) -> int:
    """Bytes of the smallest character."""
    return 4 if encoding.startswith("utf-32") else 2 if encoding.startswith("utf-16") else 1


def text_of(data: bytes) -> tuple[str, bool]:
    """Text of lines that should be UTF-8, and whether some are not.

    A log may hold text of several encodings (a script's output among the handler's own lines), so what is
    not UTF-8 is decoded line by line.
    """
    try:
        return data.decode("utf-8"), False
    except UnicodeDecodeError:
        pass
    legacy = False
    texts = []
    for line in data.split(b"\n"):
        text, is_legacy = _line(line)
        texts.append(text)
        legacy = legacy or is_legacy
    return "\n".join(texts), legacy


def _line(line: bytes) -> tuple[str, bool]:
    """A line that is not UTF-8 is taken for Windows-1252, the commonest code page of old scripts."""
    try:
        return line.decode("utf-8"), False
    except UnicodeDecodeError:
        pass
    text = line.decode("utf-8", "replace")
    broken = text.count("\ufffd")
    wide = sum(character > "\x7f" for character in text) - broken
    if wide > broken:  # UTF-8 cut in the middle of a character, as by a limit of so many bytes
        return text, False
    return line.decode("cp1252", "replace"), True
