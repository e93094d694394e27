"""What it means when `az` ends with an error, and whether to try again. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from collector.bundle.console import cut, to_ascii
from collector.data import pattern_of, rows
from collector.errors import DataError

_TABLE = "az_refusals"
_WAIT = re.compile(r"(?i)(?:retry[- ]after:?|again after) '?(\d+)'?(?: (minute))?")
_ERROR = re.compile(r"^(?:ERROR: ?)?(.*)$", re.S)
_MOST = 160  # characters of az's own words


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why `az` did not do it. `words` are those of az, in one line; `wait` seconds were asked for."""

    name: str
    meaning: str
    remedy: str
    retry: bool
    words: str = ""
    wait: float | None = None


@dataclass(frozen=True, slots=True)
class _Row:
    name: str
    pattern: str
    retry: bool
    meaning: str
    remedy: str
    source: str


def refusal_of(code: int, err: str) -> Refusal:
    """What an `az` that ended with `code` and wrote `err` to standard error means."""
    words = _words(err)
    wait = _wait(err)
    for row in table():
        if pattern_of(f"{_TABLE}.tsv", row.name, row.pattern).search(err):
            return Refusal(row.name, row.meaning, row.remedy, row.retry, words, wait)
    if code < 0 or code in (137, 143):
        return Refusal("killed", "az was killed", "Look at the memory of this machine, and try again.", True, words)
    told = f"az failed with exit code {code}" + ("" if words else " and said nothing")
    return Refusal("failed", told, "Run the command by hand with --debug.", False, words)


@cache
def table() -> Sequence[_Row]:
    """The rows in their order; the first that matches wins. Raises DataError for a broken one."""
    found = []
    for row in rows(_TABLE):
        if row["retry"] not in ("yes", "no") or not all(row.values()):
            raise DataError(f"{_TABLE}.tsv: {row['name']}: every column is needed, retry is yes or no")
        found.append(_Row(**{**row, "retry": row["retry"] == "yes"}))  # type: ignore[arg-type]
    return tuple(found)


def _words(err: str) -> str:
    """az's own first sentence of the error, without warnings before it and repetitions after it."""
    lines = [line for line in err.splitlines() if line.strip() and not line.startswith(("WARNING:", "DEBUG:", "INFO:"))]
    start = next((number for number, line in enumerate(lines) if line.startswith("ERROR")), 0)
    chosen = next(iter(lines[start:]), "")
    match = _ERROR.match(chosen)
    return cut(to_ascii(match[1] if match else chosen), _MOST)


def _wait(err: str) -> float | None:
    match = _WAIT.search(err)
    return float(match[1]) * (60 if match[2] else 1) if match else None
