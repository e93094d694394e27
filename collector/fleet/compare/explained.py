"""What a group of the same failures is said to mean, over all its instances. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from collector.fleet.compare.grouping import Group
from collector.model import Cause, Confidence


@dataclass(frozen=True, slots=True)
class Explanation:
    """A cause, on how many of the group's instances it comes first, and how sure it is there."""

    cause: Cause
    first: int
    sureness: tuple[tuple[Confidence, int], ...]  # the most frequent first
    other: int  # instances on which another cause comes first, and this one is possible


def explanations(group: Group) -> tuple[Explanation, ...]:
    """Every cause that fits on some instance, the one that most have first."""
    first: Counter[str] = Counter()
    other: Counter[str] = Counter()
    sure: dict[str, Counter[Confidence]] = {}
    known: dict[str, Cause] = {}
    for _, told in group.members:
        for place, cause in enumerate(told.causes):
            known.setdefault(cause.id, cause)
            (first if place == 0 else other)[cause.id] += 1
            if place == 0:
                sure.setdefault(cause.id, Counter())[cause.confidence] += 1
    made = [
        Explanation(cause, first[name], tuple(sure.get(name, Counter()).most_common()), other[name])
        for name, cause in known.items()
    ]
    return tuple(sorted(made, key=lambda one: (-one.first, -one.other)))
