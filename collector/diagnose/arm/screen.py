"""What a terminal, a tool or a mail program puts around a text, taken off again. Pure."""

from __future__ import annotations

import html
import re
from operator import and_

#: Terraform's box, a reply's mark, a comment's sign.
_MARGIN = re.compile(r"^[ \t]*(?:[│|╷╵>] ?|# ?│ ?)", re.MULTILINE)
_ESCAPE = re.compile(r"\x1b\[[0-?]{0,64}[ -/]{0,8}[@-~]")
_ENTITY = re.compile(r"&(?:quot|apos|#39|#34|#x27);")
_CURLY = str.maketrans({"\u2018": "'", "\u2019": "'", "\u201c": '"', "\u201d": '"', "\u00a0": " ", "\ufeff": ""})
_NARROWEST, _WIDEST = 40, 250
_FOR_A_MARGIN = 0.6


def cleaned(text: str) -> str:
    """Line ends made one kind, colours, margins, curly quotes, entities and NULs gone."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "").translate(_CURLY)
    text = html.unescape(text) if _ENTITY.search(text) else text
    text = _ESCAPE.sub("", text) if "\x1b" in text else text
    marked, lines = len(_MARGIN.findall(text)), text.count("\n") + 1
    return _MARGIN.sub("", text) if marked and (marked >= lines * _FOR_A_MARGIN or "│" in text) else text


def joined(text: str) -> str:
    """Lines that a terminal broke at its width put together again; the text itself where none looks broken."""
    lines = text.split("\n")
    width = max(map(len, lines))
    full = [len(line) == width for line in lines]
    if not _NARROWEST <= width <= _WIDEST or not any(map(and_, full, full[1:])):
        return text
    return "".join(line if len(line) == width else f"{line}\n" for line in lines).removesuffix("\n")
