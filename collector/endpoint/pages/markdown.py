"""Text from other machines as Markdown that says what the text says, and does nothing else. Pure.

What an instance logged may hold Markdown, HTML, mentions and links. In a code block nothing of it means anything, as
long as the fence is longer than any in it; elsewhere each sign that means something is escaped.
"""

from __future__ import annotations

import re

#: Inside a line: what begins a line never does here. An underscore between letters means nothing.
_SIGNS = re.compile(r"([\\`*\[\]<>~&]|(?<![^\W_])_|_(?![^\W_]))")
#: What ticket systems make links of even where it is escaped: parted by a sign without width.
_LINKS = re.compile(r"(?<=@)(?=\w)|(?<=#)(?=\d)|(?<=:)(?=//)|(?i:(?<=www)(?=\.))")
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_WORD_JOINER = "\u2060"


def inline(text: str) -> str:
    """One line of plain text."""
    flat = " ".join(_CONTROLS.sub(" ", text).split())
    return _SIGNS.sub(r"\\\1", _LINKS.sub(_WORD_JOINER, flat))


def span(text: str) -> str:
    """One line as code."""
    flat = " ".join(_CONTROLS.sub(" ", text).split())
    if not flat:
        return ""
    fence = "`" * (_longest_run(flat) + 1)
    pad = " " if flat[0] in "` " or flat[-1] in "` " else ""
    return f"{fence}{pad}{flat}{pad}{fence}"


def block(text: str, kind: str = "text") -> str:
    """Lines as code."""
    lines = _CONTROLS.sub(" ", text.replace("\r\n", "\n").replace("\r", "\n")).strip("\n")
    fence = "`" * max(3, _longest_run(lines) + 1)
    return f"{fence}{kind}\n{lines}\n{fence}"


def _longest_run(text: str) -> int:
    return max((len(run) for run in re.findall(r"`+", text)), default=0)
