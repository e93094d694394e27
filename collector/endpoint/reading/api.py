"""How pages read numbers of an address."""

from __future__ import annotations

PAGE = 50


def number(text: str | None, default: int, most: int) -> int:
    return min(int(text), most) if text and text.isdigit() else default
