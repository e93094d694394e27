"""The table of what a line says (`collector/data/signals.toml`) as frozen rules."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, fields
from functools import cache
from typing import Literal, NamedTuple, get_args

from collector.data import pattern_of, table
from collector.errors import DataError

SignalKind = Literal["failure", "hang", "start", "end", "result", "settings", "goal", "goal-end", "target", "mention"]


@dataclass(frozen=True, slots=True)
class SignalRule:
    id: str
    literal: str
    pattern: str
    kind: SignalKind
    rank: int
    example: str
    source: str
    formats: frozenset[str] = frozenset()  # empty: all
    operation: str | None = None
    extension: str | None = None
    agent: int | None = None
    inner: bool = False
    telling: bool = False
    words: tuple[str, ...] = ()

    @property
    def regex(self) -> re.Pattern[str]:
        """Compiled when its literal was met. DataError for a broken pattern."""
        return pattern_of("signals.toml", self.id, self.pattern)


class Match(NamedTuple):
    rule: SignalRule
    groups: dict[str, str]
    line: str  # the whole line of the text in which the match begins
    offset: int  # number of that line within the text, from 0


@cache
def signal_rules() -> tuple[SignalRule, ...]:
    """All rows; DataError names the row that is broken."""
    known = {field.name for field in fields(SignalRule)}
    rules: dict[str, SignalRule] = {}
    for row in table("signals")["signal"]:
        name = row.get("id", "without id")
        if unknown := set(row) - known:
            raise DataError(f"signals.toml: {name} has unknown keys: {', '.join(sorted(unknown))}")
        if row["kind"] not in get_args(SignalKind):
            raise DataError(f"signals.toml: {name} has the unknown kind {row['kind']}")
        if name in rules:
            raise DataError(f"signals.toml: {name} stands there twice")
        words = tuple(row.get("words", (row["literal"].lower(),)))
        values = {**row, "formats": frozenset(row.get("formats", ())), "words": words}
        try:
            rules[name] = SignalRule(**values)
        except TypeError as error:
            raise DataError(f"signals.toml: {name}: {error}") from error
    return tuple(rules.values())


#: A file of the first agents goes on in the form of their successors (collector/parse/waagent_old.py).
_HOLDS = {"waagent-old": ("waagent",)}


@cache
def _rules_for(format_name: str) -> tuple[SignalRule, ...]:
    names = {format_name, *_HOLDS.get(format_name, ())}
    return tuple(rule for rule in signal_rules() if not rule.formats or names & rule.formats)


#: What stands in a raw line that the parser of a format takes for an error; of other formats, `_ERRORS`.
_ERRORS_OF = {
    "waagent": (" error ",),
    "waagent-old": ("error:", " error "),
    "command-execution": (" error", "[error"),
    "waapp": ("[err", "[fatal", "[critical", "[panic"),
    "windows-handler": ("[err", "[fatal", "[critical", "[panic"),
    "windows-event": ("[error", "[critical"),
    "logfmt": ("error", "failed", "panic: "),
    "slog": ("error", "failed", "panic: "),
    "python-extension": ("error:", "critical:"),
    "vmbackup": ("error:", "critical:"),
}
_ERRORS = ("err", "fatal", "critical", "panic", "failed")
#: The beginning of a message that is not readable in the raw line (collector/parse/waagent.py).
_COMPRESSED = "message=ej"
#: Formats whose parser joins what was wrapped, so that a word may be in two lines.
_WRAPPED = frozenset({"dsc"})


@cache
def words_of(format_name: str, *kinds: SignalKind) -> tuple[str, ...] | None:
    """Lower-case words of which one stands in every record that can give a signal, of some kinds if any are given;
    None where none can be named."""
    if format_name in _WRAPPED:
        return None
    words = {word for rule in _rules_for(format_name) if not kinds or rule.kind in kinds for word in rule.words}
    words |= {*_ERRORS_OF.get(format_name, _ERRORS), _COMPRESSED}
    return tuple(sorted(word for word in words if not any(other in word for other in words if other != word)))


def matches(text: str, format_name: str) -> Iterator[Match]:
    """Every rule that the text matches, once each, in the table's order."""
    for rule in _rules_for(format_name):
        if rule.literal not in text:
            continue
        found = rule.regex.search(text)
        if found is None:
            continue
        begin = text.rfind("\n", 0, found.start()) + 1
        end = text.find("\n", found.start())
        line = text[begin : len(text) if end < 0 else end]
        groups = {key: value for key, value in found.groupdict().items() if value}
        yield Match(rule, groups, line.strip(), text.count("\n", 0, found.start()))
