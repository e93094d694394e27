"""Rows of the flat tables as frozen values: every column known, every word one of those allowed."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any, TypeVar

from collector.data import lines_of
from collector.errors import DataError

Row = TypeVar("Row")

SYSTEMS = ("linux", "windows", "any")
SEVERITIES = ("error", "transient", "warning", "info")
CONFIDENCES = ("confirmed", "documented", "reported", "convention")
#: Columns that hold one of a few words in every table that has them.
_WORDS: Mapping[str, Collection[str]] = {"system": SYSTEMS, "severity": SEVERITIES, "confidence": CONFIDENCES}
_SOURCE = (
    r"https?://[^\s;]+"  # a page
    r"|[\w.-]+/[\w.-]+(?::[^\s;]+|#\d+|@[\w.]+)"  # owner/repository with a path, an issue, or a release that was run
    r"|man:[\w.+-]+\(\d\)"
)


def load(
    name: str,
    into: type[Row],
    *,
    scopes: Collection[str] | None = None,
    words: Mapping[str, Collection[str]] | None = None,
    filled: Collection[str] = (),
) -> Iterator[tuple[str, Row]]:
    """Each row with the place it stands at, such as ``exit_codes/tools.tsv:17``.

    `words` are the words that a column may hold, `filled` the columns that may not be empty. Raises DataError
    naming the place.
    """
    names = list(into.__annotations__)
    columns, lines = lines_of(name, scopes)
    if columns != names:
        raise DataError(f"{name}.tsv has the columns {', '.join(columns)}, not {', '.join(names)}")
    allowed = [(names.index(key), known) for key, known in {**_WORDS, **(words or {})}.items() if key in names]
    needed = [names.index(column) for column in filled]
    for number, values in lines:
        place = f"{name}.tsv:{number}"
        for column, known in allowed:
            if values[column] not in known:
                raise DataError(f"{place}: {names[column]} is {values[column]!r}, not one of {', '.join(known)}")
        for column in needed:
            if not values[column]:
                raise DataError(f"{place} has no {names[column]}")
        yield place, into(*values)


def once(place: str, seen: dict[Any, str], *key: object) -> None:
    """Refuses a second row of the same key; `seen` holds the places of those before it."""
    if key in seen:
        raise DataError(f"{place} says what {seen[key]} says already")
    seen[key] = place


def is_source(text: str) -> bool:
    """Whether a row's source can be followed: pages, repositories, manual pages, ``; `` between several."""
    return all(re.fullmatch(_SOURCE, part) for part in text.split("; "))
