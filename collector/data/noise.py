"""Frightening lines that are no failure. The table is loaded when the first frightening line is met."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING

from collector.data import pattern_of

if TYPE_CHECKING:
    from collector.data.messages import Signature

Search = Callable[[str], "re.Match[str] | None"]


@cache
def noise() -> tuple[Signature, ...]:
    """Rows whose records tell of no failure, whoever wrote them."""
    from collector.data.messages import messages

    return tuple(row for row in messages("harmless") if row.kind == "noise")


@cache
def _searches() -> tuple[tuple[Search, Search | None], ...]:
    """Of each row what finds its pattern, and what finds the one that must not be there: a log that is full of errors
    is asked about line by line."""
    return tuple(
        (_search(row, row.pattern), _search(row, row.not_pattern) if row.not_pattern else None) for row in noise()
    )


def _search(row: Signature, pattern: str) -> Search:
    return pattern_of("signatures/harmless.tsv", row.id, pattern).search


def is_noise(text: str) -> bool:
    """Whether any row says that the text is harmless."""
    return any(found(text) and not (other is not None and other(text)) for found, other in _searches())


def harmless(text: str) -> tuple[Signature, ...]:
    """Every row that says something harmless of a line; a remark does not clear the rest of the line."""
    from collector.data.messages import messages

    return tuple(row for row in messages("harmless") if row.found_in(text))
