"""The table of secrets (`collector/data/redaction/patterns.toml`) as frozen rows."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from functools import cache
from typing import Any, Literal, NamedTuple, get_args

from collector.data import pattern_of, table
from collector.errors import DataError

_FILE = "redaction/patterns.toml"
#: A literal that stands for a run of 40 and more signs of base64.
LONG = "LONG"
#: A literal that stands for a word of 20 and more signs that holds the mark of a vendor's tokens.
MARKED = "MARKED"
Scope = Literal["line", "text"]
#: What is hidden only where a site asks for it.
Hidden = Literal["ids", "addresses", "hostnames"]
_ANY_CASE = "(?i)"
_CASED = re.compile(r"\\.|\(\?P[<=]|[A-Z]")
HIDDEN: tuple[Hidden, ...] = get_args(Hidden)
_PART = re.compile(r"\{\{([a-z0-9]+)\}\}")


class SecretPattern(NamedTuple):
    id: str
    kind: str
    scope: Scope
    only: Hidden | Literal[""]
    literals: tuple[str, ...]
    pattern: str
    reason: str
    matches: tuple[str, ...]
    spares: tuple[str, ...]
    source: str

    @property
    def is_folded(self) -> bool:
        """Whether the pattern is held against the text in lower case."""
        return self.pattern.startswith(_ANY_CASE)

    @property
    def regex(self) -> re.Pattern[str]:
        """Compiled when a literal was met: most texts meet none. DataError for a broken pattern."""
        return _compiled(self.id, self.pattern)


@cache
def _table() -> dict[str, Any]:
    return table("redaction/patterns")


@cache
def _compiled(name: str, text: str) -> re.Pattern[str]:
    pattern = pattern_of(_FILE, name, _folded(_whole(text, _table()["parts"], name)))
    if "secret" not in pattern.groupindex:
        raise DataError(f"{_FILE}: {name} has no group 'secret'")
    return pattern


def _folded(text: str) -> str:
    """What ignores case is held against the text in lower case, which is several times faster."""
    if not text.startswith(_ANY_CASE):
        return text
    return _CASED.sub(lambda found: found[0] if found[0][0] in "\\(" else found[0].lower(), text[len(_ANY_CASE) :])


def _whole(text: str, parts: Mapping[str, str], name: str) -> str:
    """The pattern with its parts, and theirs, put in."""
    while found := _PART.search(text):
        if found[1] not in parts:
            raise DataError(f"{_FILE}: {name} asks for the part {found[1]!r}, which is not there")
        text = _PART.sub(lambda part: parts.get(part[1], part[0]), text)
    return text


class Search(NamedTuple):
    """The rows that are in force, and each literal with the places of the rows that it calls."""

    rows: tuple[SecretPattern, ...]
    literals: tuple[tuple[str, tuple[int, ...]], ...]
    long: tuple[int, ...]
    marked: tuple[int, ...]
    marks: tuple[str, ...]
    guards: dict[str, str]
    needs: dict[int, str]
    forms: dict[int, str]


@cache
def search(hide: frozenset[Hidden] = frozenset()) -> Search:
    """The rows for a site that hides `hide` as well."""
    rows = tuple(row for row in secret_patterns() if not row.only or row.only in hide)
    called: dict[str, list[int]] = {}
    for number, row in enumerate(rows):
        for literal in row.literals:
            called.setdefault(literal, []).append(number)
    long, marked = tuple(called.pop(LONG, ())), tuple(called.pop(MARKED, ()))
    literals = tuple((literal, tuple(numbers)) for literal, numbers in called.items())
    parts = _table()["parts"]
    guards = {name: _whole(text, parts, f"the guard of {name}") for name, text in _table()["guards"].items()}
    numbers = {row.id: number for number, row in enumerate(rows)}
    needs, forms = (
        {numbers[row]: _whole(text, parts, f"{row} in {name}") for row, text in _table()[name].items()}
        for name in ("needs", "forms")
    )
    forms = {number: _folded(_ANY_CASE + form) for number, form in forms.items()}
    return Search(rows, literals, long, marked, tuple(_table()["marks"]), guards, needs, forms)


@cache
def secret_patterns() -> tuple[SecretPattern, ...]:
    """All rows in their order; DataError names the row that is broken."""
    known = set(SecretPattern._fields)
    rows: list[SecretPattern] = []
    for row in _table()["pattern"]:
        name = row.get("id", "a row without id")
        if set(row) != known:
            raise DataError(f"{_FILE}: {name} has the keys {sorted(row)}, not {sorted(known)}")
        if any(one.id == name for one in rows):
            raise DataError(f"{_FILE}: {name} stands there twice")
        _one_of(row["scope"], get_args(Scope), name)
        _one_of(row["only"], ("", *HIDDEN), name)
        lists = {key: tuple(row[key]) for key in ("literals", "matches", "spares")}
        rows.append(SecretPattern(**{**row, **lists}))
    return tuple(rows)


def _one_of(word: str, words: Collection[str], name: str) -> None:
    if word not in words:
        raise DataError(f"{_FILE}: {name}: {word!r} is none of {', '.join(map(repr, words))}")
