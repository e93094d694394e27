"""What differs from instance to instance in a message, masked: two that then are the same tell the same failure. Pure.

The parts are rows of `collector/data/masks.toml`. Masking a masked text changes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, fields
from functools import cache, lru_cache

from collector.data import pattern_of, table
from collector.errors import DataError

_FILE = "masks.toml"
NAME = "<name>"
#: A mask may make room for another; no text seen needed more than two rounds.
_MOST_ROUNDS = 8
#: Shorter names stand in too many words.
_SHORTEST_NAME = 3
#: Messages repeat over instances; so many masked ones are remembered.
_REMEMBERED = 20_000
_DIGIT = re.compile("[0-9]")
#: Rows that match without one.
_DIGITLESS = frozenset({"pseudonym", "temporary-folder", "temporary"})


@dataclass(frozen=True, slots=True)
class Mask:
    """A row of the table."""

    id: str
    literals: tuple[str, ...]
    pattern: str
    to: str
    reason: str
    examples: tuple[tuple[str, str], ...]

    @property
    def regex(self) -> re.Pattern[str]:
        return pattern_of(_FILE, self.id, f"(?a){self.pattern}")


def masked(text: str, names: Collection[str] = ()) -> str:
    """One line without what differs from instance to instance; `names` are the instance's own.

    Codes stay as they are.
    """
    folded = " ".join(text.split())
    for name in sorted({name.casefold() for name in names if len(name) >= _SHORTEST_NAME}, key=len, reverse=True):
        if name in folded.casefold():
            folded = _name(name).sub(NAME, folded)
    return _without_variables(folded)


@lru_cache(maxsize=_REMEMBERED)
def _without_variables(text: str) -> str:
    for _ in range(_MOST_ROUNDS):
        before, lowered = text, text.lower()
        for literals, regex, to in _rows(bool(_DIGIT.search(text))):
            if any(literal in lowered for literal in literals):
                text = regex.sub(to, text)
        if text == before:
            break
    return text


@lru_cache(maxsize=4096)
def _name(name: str) -> re.Pattern[str]:
    """The name as a word of its own, also before a domain; never inside a mask."""
    return re.compile(rf"(?<![\w<-]){re.escape(name)}(?![\w>-])", re.IGNORECASE)


@cache
def _rows(with_digits: bool) -> tuple[tuple[tuple[str, ...], re.Pattern[str], str], ...]:
    """What to apply; most rows can only match where there is a digit."""
    return tuple((row.literals, row.regex, row.to) for row in masks() if with_digits or row.id in _DIGITLESS)


@cache
def masks() -> tuple[Mask, ...]:
    """All rows in their order; DataError names the row that is broken."""
    known = {field.name for field in fields(Mask)}
    rows: list[Mask] = []
    for row in table("masks")["mask"]:
        name = row.get("id", "a row without id")
        if set(row) != known:
            raise DataError(f"{_FILE}: {name} has the keys {sorted(row)}, not {sorted(known)}")
        if any(one.id == name for one in rows):
            raise DataError(f"{_FILE}: {name} stands there twice")
        if any(len(example) != 2 for example in row["examples"]):
            raise DataError(f"{_FILE}: {name}: an example is a text and what becomes of it")
        lists = {"literals": tuple(row["literals"]), "examples": tuple((raw, to) for raw, to in row["examples"])}
        rows.append(Mask(**{**row, **lists}))
    return tuple(rows)
