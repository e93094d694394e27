"""Frightening lines that are no failure. The table is loaded when the first frightening line is met."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collector.data.messages import Signature


@cache
def noise() -> tuple[Signature, ...]:
    """Rows whose records tell of no failure, whoever wrote them."""
    from collector.data.messages import messages

    return tuple(row for row in messages("harmless") if row.kind == "noise")


def is_noise(text: str) -> bool:
    """Whether any row says that the text is harmless."""
    return any(row.found_in(text) for row in noise())


def harmless(text: str) -> tuple[Signature, ...]:
    """Every row that says something harmless of a line; a remark does not clear the rest of the line."""
    from collector.data.messages import messages

    return tuple(row for row in messages("harmless") if row.found_in(text))
