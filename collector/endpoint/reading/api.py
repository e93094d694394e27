"""How pages read numbers of an address. Pure."""

from __future__ import annotations

#: With more digits Python would refuse some numbers, and no list is that long.
_MOST_DIGITS = 18


def number(text: str | None, default: int, most: int) -> int:
    """`default` where the text is no whole number from 0 on, or one of very many digits."""
    return min(int(text), most) if text and text.isdecimal() and len(text) <= _MOST_DIGITS else default
