"""Lines that name a tool and the code it ended with, such as ``curl: (7)``."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from collector.data import pattern_of, strict
from collector.errors import DataError

_TABLE = "exit_codes/named"
#: So much of a text is looked at, from its end.
_LONGEST = 20_000


@dataclass(frozen=True, slots=True)
class NamedBy:
    """How a tool's end is told. The group `code` is the number, the group `tool` the tool where `scope` is empty."""

    scope: str
    pattern: str
    must_match: str
    must_not_match: str
    tells: str  # the scope and code of `must_match`
    source: str


@cache
def named_by() -> tuple[NamedBy, ...]:
    """All rows. Raises DataError naming the line that is wrong."""
    seen: dict[object, str] = {}
    found = []
    for place, row in strict.load(
        _TABLE, NamedBy, filled=("pattern", "must_match", "must_not_match", "tells", "source")
    ):
        strict.once(place, seen, row.pattern)
        groups = pattern_of(place, row.scope or "any tool", row.pattern).groupindex
        if "code" not in groups or ("tool" in groups) == bool(row.scope):
            raise DataError(f"{place}: the pattern needs a group code, and a group tool where no scope is named")
        found.append(row)
    return tuple(found)


#: Commands that are known under another name in the tables of codes.
_ALSO = {"apt-get": "apt", "pip3": "pip", "python3": "python", "pwsh": "powershell", "powershell.exe": "powershell",
         "chef-client": "chef", "ansible-playbook": "ansible", "wusa.exe": "wusa", "robocopy.exe": "robocopy",
         "e2fsck": "fsck", "docker-compose": "docker"}  # fmt: skip


def tool_named(text: str) -> tuple[tuple[str, int], ...]:
    """Scope and code of every tool whose end the text clearly tells, in the order of the text, each once.

    The scopes are those of `codes.of_tool`.
    """
    part = text[-_LONGEST:]
    found: dict[tuple[str, int], int] = {}
    for row in named_by():
        for match in pattern_of(f"{_TABLE}.tsv", row.scope or "any tool", row.pattern).finditer(part):
            tool = row.scope or match["tool"].lower()
            key = (_ALSO.get(tool, tool), _number(match["code"]))
            found[key] = min(found.get(key, match.start()), match.start())
    return tuple(sorted(found, key=found.__getitem__))


def _number(text: str) -> int:
    return int(text, 16) if text.lower().startswith("0x") else int(text)
