"""What scripts and commands do, by the patterns of the table. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from collector.diagnose.lint.checks import Context
from collector.diagnose.lint.checks.sequence import script_seconds
from collector.diagnose.lint.commands import commands_of
from collector.diagnose.lint.rules import Rule, rules
from collector.diagnose.lint.values import Found, Machine

_WAIT = re.compile(
    r"(?i)^\W*(?:(?:sudo|then|do|else)\W+)*(?:sleep\s+(?P<n>\d{1,9})(?P<unit>[smhd]?)\b"
    r"|Start-Sleep\s+(?:-s\w*\s+)?(?P<seconds>\d{1,9})\b)"
)
_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}
#: No part of a path.
_WORD = re.compile(r"(?<![\w./\\-])[A-Za-z][\w.-]*")
_PROGRAM = re.compile(r"[A-Za-z][\w-]{0,30}(?=\s)")


def check(machine: Machine, _: Context) -> Iterator[Found]:
    rows = [rule for rule in rules().values() if rule.pattern]
    limit = script_seconds(machine)
    for command in commands_of(machine):
        told: set[str] = set()
        for number, part in enumerate(command.parts):
            where = f"command {number + 1}: " if len(command.parts) > 1 else ""
            for rule in rows:
                if rule.id not in told and rule.fits(command.system) and rule.found_in(part):
                    told.add(rule.id)
                    yield Found(rule.id, command.place, f"{where}{_words(part, rule)}", command.extension)
            if "command-too-long" not in told and not command.asynchronous:
                waits = _seconds(part)
                if waits > limit:
                    told.add("command-too-long")
                    said = f"{where}{waits:,} s of {limit:,} s"
                    yield Found("command-too-long", command.place, said, command.extension)


def _words(part: str, rule: Rule) -> str:
    """The first word that the rule's own examples have too: others may be what must not be shown."""
    safe = {word.casefold() for example in rule.matches for word in _WORD.findall(example)}
    program = _PROGRAM.match(part)
    otherwise = program[0] if program else "a command"
    return next((word for word in _WORD.findall(part) if word.casefold() in safe), otherwise)


def _seconds(part: str) -> int:
    found = _WAIT.search(part)
    if not found:
        return 0
    return int(found["n"] or found["seconds"]) * _UNITS[(found["unit"] or "").casefold()]
