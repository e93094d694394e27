"""A command to paste, and what it is for."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

#: What a command does: looks only, keeps evidence from being lost, stops what makes more failures, collects,
#: repairs, or undoes what "hold" did.
Phase = Literal["look", "hold", "stop", "collect", "repair", "release"]


@dataclass(frozen=True, slots=True)
class Command:
    """`step` is the heading under which it stands. One of many that differ in the instance only has this instance
    as `each`, quoted, and as `template` the command with ``"$i"`` in its place."""

    text: str
    why: str
    phase: Phase
    step: str
    each: str = ""
    template: str = ""


@dataclass(frozen=True, slots=True)
class Advice:
    """In the order in which they should be run."""

    commands: tuple[Command, ...]


def for_each(places: Iterable[str], make: Callable[[str], str], why: str, phase: Phase, step: str) -> Iterator[Command]:
    """The same command for each instance; `make` gets the instance as a shell wants it."""
    template = make('"$i"')
    for place in map(quoted, places):
        yield Command(make(place), why, phase, step, place, template)


def quoted(value: str) -> str:
    """For a POSIX shell; plain names stay as they are."""
    return shlex.quote(value)
