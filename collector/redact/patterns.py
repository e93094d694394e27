"""The table of secrets (`collector/data/redaction/patterns.toml`) as frozen rows."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from functools import cache

from collector.data import table
from collector.errors import DataError


@dataclass(frozen=True, slots=True)
class SecretPattern:
    id: str
    kind: str
    literals: tuple[str, ...]
    pattern: re.Pattern[str]
    reason: str
    matches: tuple[str, ...]
    spares: tuple[str, ...]
    source: str


@cache
def secret_patterns() -> tuple[SecretPattern, ...]:
    """All rows in their order; DataError names the row that is broken."""
    known = {field.name for field in fields(SecretPattern)}
    rows: list[SecretPattern] = []
    for row in table("redaction/patterns")["pattern"]:
        name = row.get("id", "a row without id")
        if set(row) != known:
            raise DataError(f"redaction/patterns.toml: {name} has the keys {sorted(row)}, not {sorted(known)}")
        try:
            pattern = re.compile(row["pattern"])
        except re.error as error:
            raise DataError(f"redaction/patterns.toml: {name}: {error}") from error
        if "secret" not in pattern.groupindex or any(one.id == name for one in rows):
            raise DataError(f"redaction/patterns.toml: {name} has no group 'secret', or stands there twice")
        lists = {key: tuple(row[key]) for key in ("literals", "matches", "spares")}
        rows.append(SecretPattern(**{**row, **lists, "pattern": pattern}))
    return tuple(rows)
