"""Which of several meanings of a code is meant, and how it is named in a few words. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

from collector.diagnose.codes import CodeRow

#: Words that stand in every failure's text.
_COMMON_WORDS = frozenset(
    {"install", "installation", "failed", "failure", "enable", "extension", "handler", "command", "agent", "package"}
)
#: So many words of a meaning must stand in the text before it is taken for the one meant.
_ENOUGH_WORDS = 2


def told_apart(rows: Sequence[CodeRow], text: str) -> list[CodeRow]:
    """Of several meanings of one code those whose words stand in the text; all where none does."""
    lowered = text.lower()

    def score(row: CodeRow) -> int:
        words = {word.strip(".,;:()").lower() for word in f"{row.name} {row.meaning}".split() if len(word) > 5}
        return sum(word in lowered for word in words - _COMMON_WORDS)

    best = max(score(row) for row in rows)
    return [row for row in rows if score(row) == best] if best >= _ENOUGH_WORDS else list(rows)


def code_title(row: CodeRow) -> str:
    """The row's name as words, else the beginning of its meaning."""
    return _words(row.name) or first_words(row.meaning)


def first_words(text: str) -> str:
    """The beginning of a sentence."""
    words = text.strip().split()
    if len(words) <= 9:
        return " ".join(words).rstrip(".,:;")
    title = " ".join(words[:9])
    # what was only begun in brackets says less than nothing
    return (title if title.count("(") == title.count(")") else title.rpartition("(")[0]).rstrip(".,:; ") + " ..."


def _words(name: str) -> str:
    """A name written together as words; a symbol in capitals stays."""
    if "+" in name:
        return ""  # 128+SIGSEGV
    if name.isupper() or "_" in name:
        return name
    if name.endswith(("ErrorCode", "ExitCode", "failExitCode")):
        return ""  # a name of the code, not of what is wrong
    if not re.search("[a-z][A-Z]", name):
        return ""  # one word says too little
    words = re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", name).split()
    return " ".join(word if word.isupper() else word.lower() for word in words)
