"""The table of frightening lines that are no failure."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cache

from collector.data import pattern_of, table
from collector.errors import DataError


@dataclass(frozen=True, slots=True)
class NoiseRule:
    id: str
    pattern: str
    reason: str
    example: str
    other: str
    source: str
    unless: str = ""

    def matches(self, text: str) -> bool:
        """Whether a record's message or a line of output is this harmless one."""
        if pattern_of("noise.toml", self.id, self.pattern).search(text) is None:
            return False
        return not self.unless or pattern_of("noise.toml", self.id, self.unless).search(text) is None


@cache
def noise() -> tuple[NoiseRule, ...]:
    """All rows; DataError names the row that is broken."""
    known = {field.name for field in fields(NoiseRule)}
    rules = []
    for row in table("noise")["noise"]:
        if unknown := set(row) - known:
            raise DataError(f"noise.toml: {row.get('id')} has unknown keys: {', '.join(sorted(unknown))}")
        try:
            rules.append(NoiseRule(**row))
        except TypeError as error:
            raise DataError(f"noise.toml: {row.get('id')}: {error}") from error
    return tuple(rules)


def is_noise(text: str) -> bool:
    """Whether any row says that the text is harmless."""
    return any(rule.matches(text) for rule in noise())
