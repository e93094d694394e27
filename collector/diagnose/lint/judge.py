"""From a document to the answers: reads its shape, runs all checks, adds the rules' words and the lines. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from collector.diagnose.lint.checks import (
    Check,
    Context,
    commands,
    custom_script,
    downloads,
    handlers,
    machines,
    secrets,
    sequence,
    settings,
)
from collector.diagnose.lint.document import Document
from collector.diagnose.lint.rules import rules
from collector.diagnose.lint.shapes import machines as machines_of
from collector.diagnose.lint.values import PROTECTED_FILE, Machine, Place, Problem

_CHECKS: tuple[Check, ...] = (
    secrets.check,
    downloads.check,
    custom_script.check,
    commands.check,
    settings.check,
    handlers.check,
    sequence.check,
    machines.check,
)
_ORDER = {"error": 0, "warning": 1, "info": 2}
_PLAIN = re.compile(r"[A-Za-z_][\w-]*")


def lint(
    document: Document,
    *,
    now: datetime,
    is_secret: Callable[[str], bool],
    parameters: Mapping[str, Any] | None = None,
    handler: str = "",
    protected: Any = None,
) -> tuple[tuple[Problem, ...], tuple[int, int]]:
    """All problems, the worst first, and how many extensions and how many Run Commands were looked at.

    `is_secret` tells whether a text holds a secret; `parameters` are known values of a template's parameters;
    `handler` and `protected` go with a document that is only an extension's settings.
    Raises ConfigError where the document is of no known kind.
    """
    found = machines_of(document.value, parameters or {}, handler, protected)
    problems = judged(found, document, Context(now, is_secret))
    extensions = sum(len(machine.extensions) for machine in found)
    return problems, (extensions, sum(len(machine.commands) for machine in found))


def judged(found: tuple[Machine, ...], document: Document, context: Context) -> tuple[Problem, ...]:
    known = rules()
    answers: dict[tuple[str, Place], Problem] = {}
    for machine in found:
        for check in _CHECKS:
            for one in check(machine, context):
                rule = known[one.rule]
                place = tuple(part for part in one.place if part != "")
                line = None if PROTECTED_FILE in place[:1] else document.line(place)
                answer = Problem(
                    rule.id, rule.title, rule.severity, path(place), line,
                    one.extension, one.message, rule.meaning, rule.remedy, rule.source,
                )  # fmt: skip
                answers.setdefault((one.rule, one.place), answer)
    return tuple(sorted(answers.values(), key=lambda answer: (_ORDER[answer.severity], answer.line or 0)))


def path(place: Place) -> str:
    """A place as people write it: resources[2].properties.settings."""
    text = f"{PROTECTED_FILE}: " if PROTECTED_FILE in place[:1] else ""
    for part in place[1:] if text else place:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += ("." if text and text[-1] != " " else "") + part if _PLAIN.fullmatch(part) else f'["{part}"]'
    return text or "(the whole file)"
