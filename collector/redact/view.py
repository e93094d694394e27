"""A text as it was before something was done to it, and where its parts stand in the text that is redacted."""

from __future__ import annotations

import re
from bisect import bisect_right
from typing import NamedTuple

#: Signs of no width, and the wide ones that mean what a narrow one does.
_SHOWN = {**dict.fromkeys("\u00ad\u200b\u200c\u200d\u2060\ufeff", ""), "\uff1a": ": ", "\uff1d": "="}
_ESCAPE = re.compile(
    r"\\u([0-9a-fA-F]{4})|\\([\"'\\/nrtbf])|&(?:(quot|apos|amp|lt|gt)|#(\d{2,3})|#x([0-9a-fA-F]{2}));|%([0-7][0-9a-fA-F])"
    r"|\x1b\[[0-9;?]*[A-Za-z]"  # a terminal's colours, of which nothing is left
)
_ESCAPE_OR_UNSEEN = re.compile(f"{_ESCAPE.pattern}|[{''.join(_SHOWN)}]")  # several times slower
#: Signs of which one begins every escape.
_NARROW = ("\\", "&", "%", "\x1b")
_ESCAPES = (*_NARROW, *_SHOWN)
_CONTROL = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}
_ENTITY = {"quot": '"', "apos": "'", "amp": "&", "lt": "<", "gt": ">"}


class View(NamedTuple):
    """A text that is searched: `pieces` says where each part of it stands in the whole text.

    `wide`: one sign of it may stand for several of the whole text, so that a part ends where the next begins.
    """

    text: str
    pieces: tuple[tuple[int, int], ...]  # place in the view, place in the whole text
    wide: bool = False

    def start(self, at: int) -> int:
        """Where the sign at a place lies in the whole text."""
        begin, there = self.pieces[bisect_right(self.pieces, (at, 1 << 62)) - 1]
        return there + at - begin

    def end(self, at: int) -> int:
        """Where what ends before a place ends in the whole text."""
        return self.start(at) if self.wide or at == 0 else self.start(at - 1) + 1


def unescaped(text: str) -> View | None:
    """One layer of escapes of JSON, XML, addresses or terminals taken off, and what one does not see; None where there
    is none."""
    parts: list[str] = []
    pieces, place, length = [(0, 0)], 0, 0
    for escape in (_ESCAPE if text.isascii() else _ESCAPE_OR_UNSEEN).finditer(text):
        sign = _sign(escape)
        parts += (text[place : escape.start()], sign)
        length += escape.start() - place
        pieces += ((length, escape.start()), (length + len(sign), escape.end()))
        length += len(sign)
        place = escape.end()
    return View("".join((*parts, text[place:])), tuple(pieces), wide=True) if parts else None


def _sign(escape: re.Match[str]) -> str:
    if escape[0] in _SHOWN:
        return _SHOWN[escape[0]]
    unicode, plain, entity, decimal, hexadecimal, percent = escape.groups()
    if plain:
        return _CONTROL.get(plain, plain)
    if entity:
        return _ENTITY[entity]
    if not (decimal or unicode or hexadecimal or percent):
        return ""
    return chr(int(decimal) if decimal else int(unicode or hexadecimal or percent, 16))


def lowered(text: str) -> str:
    """In lower case and of the same length: a few signs have two in lower case."""
    lower = text.lower()
    return lower if len(lower) == len(text) else "".join(sign.lower()[:1] for sign in text)


def has_escapes(text: str) -> bool:
    """Whether there may be something behind a layer of escapes."""
    return any(sign in text for sign in (_NARROW if text.isascii() else _ESCAPES))
