"""The order in which people expect names: web_2 before web_10. Pure."""

from __future__ import annotations

import re

#: Longer numbers are put in order in parts: none of a name is that long.
_NUMBER = re.compile("([0-9]{1,18})")


def natural(name: str) -> tuple[str | int, ...]:
    """A key to sort by: texts and numbers in turn, a text first."""
    parts = _NUMBER.split(name)
    return tuple(int(part) if place % 2 else part for place, part in enumerate(parts))
