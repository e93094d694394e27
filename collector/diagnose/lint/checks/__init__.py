"""The checks by area. Each takes a machine and what it may ask, and yields what it found. All are pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from collector.diagnose.lint.values import Found, Machine


@dataclass(frozen=True, slots=True)
class Context:
    """What the checks can't know by themselves."""

    now: datetime
    is_secret: Callable[[str], bool]  # whether a text holds a secret


Check = Callable[[Machine, Context], Iterator[Found]]
