"""Text for consoles: harmless, or for those that break anything but ASCII transliterated; wrapped, cut. Pure."""

from __future__ import annotations

import textwrap
import unicodedata
from collections.abc import Iterable

#: Signs that have a plain form but no decomposition (Unicode names tell which they are).
_PLAIN = str.maketrans(
    {
        "\u2018": "'", "\u2019": "'", "\u201a": ",", "\u201b": "'", "\u2032": "'",
        "\u201c": '"', "\u201d": '"', "\u201e": '"', "\u2033": '"', "\u00ab": '"', "\u00bb": '"',
        "\u2010": "-", "\u2011": "-", "\u2012": "-", "\u2013": "-", "\u2014": "-", "\u2212": "-",
        "\u2026": "...", "\u2022": "*", "\u00b7": "*", "\u2192": "->", "\u2190": "<-", "\u00d7": "x",
        "\u00df": "ss", "\u00e6": "ae", "\u00c6": "AE", "\u00f8": "o", "\u00d8": "O",
        "\u0142": "l", "\u0141": "L",
        "\u00a9": "(c)", "\u00ae": "(R)", "\u20ac": "EUR", "\u00b0": " deg", "\ufeff": "", "\u200b": "",
    }
)  # fmt: skip
ELLIPSIS = "..."
WIDTH = 100


def harmless(text: str) -> str:
    """Text of another machine for a terminal that it must not steer: what is no printable sign is shown as a code."""
    if text.isprintable():
        return text
    return "".join(sign if sign.isprintable() or sign == "\t" else f"\\x{ord(sign):02x}" for sign in text)


def to_ascii(text: str) -> str:
    """One line of printable ASCII: accents dropped, white space folded, what has no plain form escaped."""
    return " ".join(printable(text).split())


def printable(text: str) -> str:
    """As `to_ascii`, with blanks and line ends as they are: for commands."""
    if not (text.isascii() and text.isprintable()):
        signs = unicodedata.normalize("NFKD", text.translate(_PLAIN))
        text = "".join(sign for sign in signs if not unicodedata.combining(sign))
        text = "".join(map(_shown, text))
        text = text.encode("ascii", "backslashreplace").decode()
    return text


def _shown(sign: str) -> str:
    if sign.isprintable() or sign == "\n":
        return sign
    return " " if sign.isspace() else sign.encode("unicode_escape").decode()


def cut(text: str, length: int) -> str:
    """At most `length` characters; ``...`` at the end tells that some are missing."""
    if len(text) <= length:
        return text
    if length <= len(ELLIPSIS):
        return text[: max(0, length)]
    return text[: length - len(ELLIPSIS)].rstrip() + ELLIPSIS


def cut_middle(text: str, length: int) -> str:
    """At most `length` characters, both ends kept: for paths and ids."""
    if len(text) <= length or length <= len(ELLIPSIS):
        return cut(text, length)
    kept = length - len(ELLIPSIS)
    return text[: kept - kept * 2 // 3] + ELLIPSIS + text[-(kept * 2 // 3) :]


def wrap(text: str, indent: int) -> list[str]:
    """Lines of at most `WIDTH` columns after their indentation; long words such as paths stay whole."""
    return textwrap.wrap(text, WIDTH - indent, break_long_words=False, break_on_hyphens=False) or [""]


def wrap_items(items: Iterable[str], indent: int) -> list[str]:
    """As `wrap`, for things joined by ``; `` that are not broken as long as they fit on a line."""
    rows: list[str] = []
    for item in items:
        if rows and len(rows[-1]) + len(item) + 2 <= WIDTH - indent:
            rows[-1] += f"; {item}"
        else:
            rows[-1:] = [rows[-1] + ";"] if rows else []
            parts = wrap(item, indent)
            rows += parts if all(len(part) <= WIDTH - indent for part in parts) else [item]
    return rows
