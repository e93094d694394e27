"""The table of secrets (`collector/data/redaction/patterns.toml`) as frozen rows."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from functools import cache

from collector.data import pattern_of, table
from collector.errors import DataError


@dataclass(frozen=True, slots=True)
class SecretPattern:
    id: str
    kind: str
    literals: tuple[str, ...]
    pattern: str
    reason: str
    matches: tuple[str, ...]
    spares: tuple[str, ...]
    source: str

    @property
    def regex(self) -> re.Pattern[str]:
        """Compiled when a literal was met: most texts meet none. DataError for a broken pattern."""
        return _compiled(self.id, self.pattern)


@cache
def _compiled(name: str, text: str) -> re.Pattern[str]:
    pattern = pattern_of("redaction/patterns.toml", name, text)
    if "secret" not in pattern.groupindex:
        raise DataError(f"redaction/patterns.toml: {name} has no group 'secret'")
    return pattern


@cache
def literals() -> tuple[tuple[str, int], ...]:
    """Each row's literals with the place of the row: one flat list, since every text is held against it."""
    return tuple((literal, number) for number, row in enumerate(secret_patterns()) for literal in row.literals)


@cache
def secret_patterns() -> tuple[SecretPattern, ...]:
    """All rows in their order; DataError names the row that is broken."""
    known = {field.name for field in fields(SecretPattern)}
    rows: list[SecretPattern] = []
    for row in table("redaction/patterns")["pattern"]:
        name = row.get("id", "a row without id")
        if set(row) != known:
            raise DataError(f"redaction/patterns.toml: {name} has the keys {sorted(row)}, not {sorted(known)}")
        if any(one.id == name for one in rows):
            raise DataError(f"redaction/patterns.toml: {name} stands there twice")
        lists = {key: tuple(row[key]) for key in ("literals", "matches", "spares")}
        rows.append(SecretPattern(**{**row, **lists}))
    return tuple(rows)
