"""The table of rules (`collector/data/lint.toml`) as frozen rows."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from functools import cache
from typing import get_args

from collector.data import pattern_of, table
from collector.diagnose.lint.values import HOLE, SECRET, Severity
from collector.errors import DataError
from collector.model import System

_TABLE = "lint.toml"


@dataclass(frozen=True, slots=True)
class Rule:
    id: str
    title: str
    severity: Severity
    meaning: str
    remedy: str
    source: str
    practice: str = ""
    pattern: str = ""
    unless: str = ""
    system: str = ""
    matches: tuple[str, ...] = ()
    spares: tuple[str, ...] = ()

    def found_in(self, command: str) -> bool:
        """Whether the pattern stands in one command; what is not wholly known can't lack what `unless` asks for."""
        if not self._expression("pattern", self.pattern).search(command):
            return False
        if not self.unless:
            return True
        return not (HOLE in command or SECRET in command or self._expression("unless", self.unless).search(command))

    def fits(self, system: System | None) -> bool:
        return bool(self.pattern) and (system is None or self.system in (system, "any"))

    def _expression(self, key: str, text: str) -> re.Pattern[str]:
        return pattern_of(_TABLE, f"{self.id}: {key}", f"(?i){text}")


@cache
def rules() -> dict[str, Rule]:
    """All rows by their id; DataError names the row that is broken."""
    known = {field.name for field in fields(Rule)}
    needed = {"id", "title", "severity", "meaning", "remedy", "source"}
    found: dict[str, Rule] = {}
    for row in table("lint")["rule"]:
        name = row.get("id", "a row without id")
        if not needed <= set(row) <= known:
            raise DataError(
                f"{_TABLE}: {name} has the keys {sorted(row)}, not {sorted(needed)} and some of {sorted(known)}"
            )
        if row["severity"] not in get_args(Severity) or row.get("system", "any") not in (*get_args(System), "any"):
            raise DataError(f"{_TABLE}: {name} has an unknown severity or system")
        if name in found:
            raise DataError(f"{_TABLE}: {name} stands there twice")
        examples = [bool(row.get(key)) for key in ("system", "matches", "spares")]
        if not (all(examples) if row.get("pattern") else not any(examples)):
            raise DataError(
                f"{_TABLE}: {name} needs a system and examples of both kinds with its pattern, and only then"
            )
        lists = {key: tuple(row.get(key, ())) for key in ("matches", "spares")}
        found[name] = Rule(**{**row, **lists})
    return found
