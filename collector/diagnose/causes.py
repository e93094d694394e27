"""Causes: their few words for people, and whose they are."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import get_args

from collector.data import rows
from collector.errors import DataError
from collector.model import Owner


@dataclass(frozen=True, slots=True)
class Cause:
    title: str
    owner: Owner


@cache
def causes() -> dict[str, Cause]:
    found: dict[str, Cause] = {}
    for row in rows("causes"):
        if row["owner"] not in get_args(Owner) or row["cause"] in found:
            raise DataError(f"causes.tsv: {row['cause']} has an unknown owner or stands there twice")
        found[row["cause"]] = Cause(row["title"], row["owner"])  # type: ignore[arg-type]
    return found
