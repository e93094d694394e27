"""Ranges of versions as tables write them: ``>=2.1,<3``."""

from __future__ import annotations

import re
from itertools import zip_longest

_BOUND = re.compile(r"(>=|<=|==|>|<)(\d+(?:\.\d+)*)")


def is_range(text: str) -> bool:
    """Whether it can be understood; the empty range holds every version."""
    return not text or all(_BOUND.fullmatch(bound) for bound in text.split(","))


def holds(text: str, version: str) -> bool:
    """Whether the version lies in the range. Parts that one of two versions lacks count as 0."""
    for bound in text.split(",") if text else ():
        match = _BOUND.fullmatch(bound)
        if match is None:
            raise ValueError(f"{text!r} is no range of versions")
        order = _compared(version, match[2])
        if not {">=": order >= 0, "<=": order <= 0, "==": order == 0, ">": order > 0, "<": order < 0}[match[1]]:
            return False
    return True


def _compared(one: str, other: str) -> int:
    for left, right in zip_longest(_numbers(one), _numbers(other), fillvalue=0):
        if left != right:
            return 1 if left > right else -1
    return 0


def _numbers(version: str) -> list[int]:
    return [int(part) for part in re.findall(r"\d+", version)]
