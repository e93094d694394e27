"""What lines say of an extension's steps: the table `collector/data/steps.toml`, and the values made of it. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, fields
from datetime import datetime
from functools import cache
from typing import Literal, get_args

from collector.data import pattern_of, table
from collector.errors import DataError

#: In the order in which the guest agent takes them.
Step = Literal["goal", "download", "files", "uninstall", "disable", "update", "install", "enable", "status"]
#: failure: the words of whoever ran it, and so the moment in which it ended.
Edge = Literal["start", "end", "failure", "state"]
STEPS: tuple[Step, ...] = get_args(Step)


@dataclass(frozen=True, slots=True)
class Told:
    """What one line says of a step. `extension` None: of the goal state as a whole."""

    time: datetime
    step: Step
    edge: Edge
    extension: str | None = None
    name: str | None = None
    text: str = ""  # of a state: "success", "NotReady"; of a goal state: its number
    path: str = ""
    line: int = 0


@dataclass(frozen=True, slots=True)
class StepRule:
    id: str
    step: Step
    edge: Edge
    literal: str
    pattern: str
    formats: tuple[str, ...]
    example: str
    source: str

    @property
    def regex(self) -> re.Pattern[str]:
        """DataError for a broken pattern."""
        return pattern_of("steps.toml", self.id, self.pattern)


@cache
def step_rules() -> tuple[StepRule, ...]:
    """All rows; DataError names the row that is broken."""
    known = {field.name for field in fields(StepRule)}
    rules: dict[str, StepRule] = {}
    for row in table("steps")["step"]:
        name = row.get("id", "without id")
        if set(row) != known:
            raise DataError(f"steps.toml: {name} has other keys than {', '.join(sorted(known))}")
        if row["step"] not in STEPS or row["edge"] not in ("start", "end") or name in rules:
            raise DataError(f"steps.toml: {name} has an unknown step or edge, or stands there twice")
        rules[name] = StepRule(**{**row, "formats": tuple(row["formats"])})
    return tuple(rules.values())


def steps_in(message: str, format_name: str) -> Iterator[tuple[StepRule, str | None]]:
    """The rows that a record's message matches, with the extension that it names."""
    for rule in step_rules():
        if format_name in rule.formats and rule.literal in message and (found := rule.regex.search(message)):
            yield rule, found.groupdict().get("extension")
