"""Rules: causes that are told by several things at once, and what to do about them.

A rule is a row of `collector/data/rules/*.toml`; docs/knowledge.md describes its keys.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from fnmatch import fnmatchcase
from functools import cache
from typing import Any, Literal, get_args

from collector.data import table
from collector.errors import DataError
from collector.model import Owner, System

#: The tables, in the order in which equally likely causes are told.
AREAS = ("package", "storage", "network", "identity", "settings", "memory", "disk", "windows", "script", "agent",
         "platform", "system", "handler", "dsc", "node")  # fmt: skip

#: What brings the extension back: run it again as it is; correct something first, then run it; take it off and
#: put it on again; make the instance anew; wait; nothing of these.
Repair = Literal["rerun", "correct", "reinstall", "reimage", "wait", "none"]
Severity = Literal["error", "transient"]
Basis = Literal["confirmed", "documented", "reported", "convention"]

_ID = re.compile(r"(?P<area>[a-z]+)-[0-9]{3}-[a-z0-9]+(-[a-z0-9]+)*")


@dataclass(frozen=True, slots=True)
class Rule:
    """One cause, what speaks for it, and what it calls for."""

    id: str  # <area>-<number>-<slug>; never reused for another cause
    title: str  # a few words for people
    owner: Owner
    severity: Severity
    system: Literal["linux", "windows", "any"]
    meaning: str  # where no code or signature says it better
    remedy: str
    healthy: str  # what is so where this cause is not present
    repair: Repair
    source: str
    confidence: Basis
    extensions: tuple[str, ...] = ("*",)  # globs on Publisher.Type
    causes: tuple[str, ...] = ()  # of the signature tables
    codes: tuple[str, ...] = ()  # "scope:code" of the code tables
    decisive: tuple[str, ...] = ()  # observations that are enough by themselves
    possible: tuple[str, ...] = ()  # observations for which it is named as a guess where nothing else speaks for it
    supporting: tuple[str, ...] = ()  # observations that count only beside something else that speaks for it
    forms: tuple[str, ...] = ()  # forms of a failure that it explains where nothing else does
    refines: tuple[str, ...] = ()  # rules that say the same less exactly: where both fit, this one goes first
    dont: str = ""

    def applies(self, extension: str, system: System) -> bool:
        """Whether the rule can be the cause of a failure of this extension on this system."""
        return self.system in ("any", system) and any(fnmatchcase(extension, glob) for glob in self.extensions)


@cache
def rules() -> tuple[Rule, ...]:
    """All rules in the order of `AREAS`. DataError names the table and the rule that is broken."""
    found = tuple(_rule(row, area) for area in AREAS for row in table(f"rules/{area}").get("rule", ()))
    ids = [rule.id for rule in found]
    if twice := {name for name in ids if ids.count(name) > 1}:
        raise DataError(f"rules: the id {', '.join(sorted(twice))} stands there twice")
    if gone := {name for rule in found for name in rule.refines} - set(ids):
        raise DataError(f"rules: {', '.join(sorted(gone))} is refined and not there")
    return found


def rule_for(extension: str, system: System, *, cause: str = "", code: str = "") -> Rule | None:
    """The first rule for which a cause of the signature tables, or a code ("scope:code"), speaks."""
    fits = (rule for rule in rules() if cause in rule.causes or code in rule.codes)
    return next((rule for rule in fits if rule.applies(extension, system)), None)


def rule_of_form(form: str, extension: str, system: System) -> Rule:
    """The rule that explains failures of this form. DataError where there is none."""
    for rule in rules():
        if form in rule.forms and rule.applies(extension, system):
            return rule
    raise DataError(f"rules: no rule explains the form {form}")


def _rule(row: Mapping[str, Any], area: str) -> Rule:
    where = f"rules/{area}.toml: {row.get('id')}"
    if unknown := set(row) - {field.name for field in fields(Rule)}:
        raise DataError(f"{where} has unknown keys: {', '.join(sorted(unknown))}")
    try:
        values: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in row.items()}
        rule = Rule(**values)
    except TypeError as error:
        raise DataError(f"{where}: {error}") from error
    match = _ID.fullmatch(rule.id)
    if match is None or match["area"] != area:
        raise DataError(f"{where}: the id should be {area}-<three digits>-<slug>")
    _among(where, "owner", rule.owner, get_args(Owner))
    _among(where, "severity", rule.severity, get_args(Severity))
    _among(where, "system", rule.system, ("linux", "windows", "any"))
    _among(where, "repair", rule.repair, get_args(Repair))
    _among(where, "confidence", rule.confidence, get_args(Basis))
    if not (rule.causes or rule.codes or rule.decisive or rule.forms):
        raise DataError(f"{where}: nothing can speak for it")
    return rule


def _among(where: str, key: str, value: object, known: tuple[str, ...]) -> None:
    if value not in known:
        raise DataError(f"{where}: {key} is {value!r}, not one of {', '.join(known)}")
