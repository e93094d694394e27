"""What a person types into a search, as a question to the tables of words. Pure.

A text must have every word that is told, in any order; of a word that ends with `*` the beginning is enough. What
stands in quotation marks is sought as it stands, and what is one word for a person and several for the index (a path,
an address) word after word. There is no wrong question: what has no letter and no digit asks for nothing.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from collector.endpoint.reading.choice import codes

#: Of a question's characters and parts these many count.
_MOST_LETTERS = 200
_MOST_PARTS = 10
#: With a shorter word too many begin: it is sought as it is.
_SHORTEST_BEGIN = 3
#: Beyond these many scale sets they are no part of the question, and the answers are sifted.
MOST_MARKS = 200

_PART = re.compile(r'"([^"]*)"?|([^\s"]+)')
_WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True)
class Part:
    #: One after the other, in small letters
    words: tuple[str, ...]
    #: whether the last one may go on
    begins: bool
    #: whether it stood in quotation marks
    quoted: bool = False
    #: exit codes that it may stand for
    codes: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Question:
    parts: tuple[Part, ...]
    #: marks of which each row has one, group by group
    marks: tuple[tuple[str, ...], ...] = ()

    def __bool__(self) -> bool:
        return bool(self.parts or self.marks)


def question(text: str | None, *marks: Collection[str] | None) -> Question:
    """`marks`: groups as `scale_sets` and `exit_codes` make; None does not narrow."""
    parts = []
    for found in _PART.finditer((text or "")[:_MOST_LETTERS].replace("\0", " ")):
        quoted, plain = found[1], found[2]
        words = tuple(_WORD.findall((quoted if plain is None else plain).lower()))
        if words:
            begins = (plain or "").endswith("*") and len(words[-1]) >= _SHORTEST_BEGIN
            parts.append(Part(words, begins, plain is None, codes(plain) if plain else ()))
    return Question(tuple(parts[:_MOST_PARTS]), tuple(tuple(group) for group in marks if group is not None))


def begun(asked: Question) -> Question:
    """The same for whoever has not typed all of each word: where no text has the words, those that begin so count."""

    def may_go_on(part: Part) -> bool:
        return part.begins or (not part.quoted and len(part.words[-1]) >= _SHORTEST_BEGIN)

    return replace(asked, parts=tuple(replace(part, begins=may_go_on(part)) for part in asked.parts))


def scale_sets(numbers: Collection[int]) -> list[str] | None:
    """Marks of these scale sets; None where there are too many to ask for."""
    return [f"s{number}" for number in sorted(numbers)] if len(numbers) <= MOST_MARKS else None


def exit_codes(numbers: Collection[int]) -> list[str]:
    return [f"c{number}".replace("-", "n") for number in sorted(numbers)]


def for_fts5(asked: Question) -> str:
    """As FTS5 of SQLite reads it. No word has a quotation mark, so that none needs to be escaped."""
    told = [f"({' OR '.join([_fts5_part(part), *map(_fts5_mark, exit_codes(part.codes))])})" for part in asked.parts]
    told += [f"({' OR '.join(map(_fts5_mark, group))})" for group in asked.marks]
    return " AND ".join(told)


def for_tsquery(asked: Question) -> str:
    """As PostgreSQL reads a `tsquery`."""
    told = []
    for part in asked.parts:
        words = [f"'{word}'" for word in part.words]
        phrase = " <-> ".join(words) + (":*" if part.begins else "")
        told.append(f"({' | '.join([f'({phrase})', *map(_tsquery_mark, exit_codes(part.codes))])})")
    told += [f"({' | '.join(map(_tsquery_mark, group))})" for group in asked.marks]
    return " & ".join(told)


def spans(text: str, asked: Question) -> list[tuple[int, int]]:
    """Where in a text the question's parts stand: from a letter to behind another, in order, none in another."""
    words = [(found.start(), found.end(), found[0].lower()) for found in _WORD.finditer(text)]
    joined: list[tuple[int, int]] = []
    for start, end in sorted(
        (words[first][0], words[first + len(part.words) - 1][1])
        for part in asked.parts
        for first in range(len(words) - len(part.words) + 1)
        if _stands(part, [word for _, _, word in words[first : first + len(part.words)]])
    ):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined


def _stands(part: Part, words: Sequence[str]) -> bool:
    if list(part.words[:-1]) != list(words[:-1]):
        return False
    return words[-1].startswith(part.words[-1]) if part.begins else words[-1] == part.words[-1]


def _fts5_part(part: Part) -> str:
    return f'said : "{" ".join(part.words)}"{" *" if part.begins else ""}'


def _fts5_mark(mark: str) -> str:
    return f'marks : "{mark}"'


def _tsquery_mark(mark: str) -> str:
    return f"'{mark[0]}:{mark[1:]}'"
