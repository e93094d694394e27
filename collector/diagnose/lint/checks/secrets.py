"""Secrets in settings that anyone can read. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from collector.diagnose.lint.checks import Context
from collector.diagnose.lint.commands import unpacked
from collector.diagnose.lint.texts import is_secret_name, leaves
from collector.diagnose.lint.values import HOLE, SECRET, Found, Machine, Place

#: Tells only where the secret is: in the protected settings, as older DSC settings have it, or in a key vault.
_POINTER = re.compile(r"(?i)^(?:PrivateSettingsRef:|https://[\w.-]+\.vault\.[\w.-]+/)")
_VARIABLE = re.compile(r"\$\{[^}]*\}|\$\([^()]*\)|(?<![^\s\"'=:,p])\$\w+(?::\w+)?|%\w+%")
_SAS = re.compile(r"(?i)[?&]sig=")
_LINK = "has a link with a signature in it"
_COMMANDS = ("commandToExecute", "script")


def check(machine: Machine, context: Context) -> Iterator[Found]:
    for extension in machine.extensions:
        for place, text in leaves(extension.body.get("settings"), extension.place("settings")):
            name = extension.name or extension.handler
            yield from _one(place, text, name, context, len(extension.at))
    for command in machine.commands:
        for place, text in leaves(command.body.get("source"), (*command.at, "source")):
            yield from _one(place, text, command.name, context, len(command.at))
        given = command.body.get("parameters")
        for number, one in enumerate(given if isinstance(given, list) else ()):
            if isinstance(one, dict):
                why = _why(str(one.get("name")), one.get("value"), context)
                if why:
                    place = (*command.at, "parameters", number, "value")
                    yield Found("secret-in-settings", place, f"{one.get('name')} {why}", command.name)


def _one(place: Place, text: Any, extension: str, context: Context, depth: int) -> Iterator[Found]:
    key = next((part for part in reversed(place[depth:]) if isinstance(part, str)), "")
    why = _why(key, text, context)
    if not why:
        return
    if key in _COMMANDS:
        yield Found("secret-in-command", place, f"{key} {why}", extension)
    elif why == _LINK or key.casefold() in ("fileuris", "url", "scripturi"):
        yield Found("sas-in-settings", place, f"{key} {why}", extension)
    else:
        yield Found("secret-in-settings", place, f"{key} {why}", extension)


def _is_secret(text: str, context: Context) -> bool:
    """A variable's name is no secret, although redaction, which would rather drop too much, may take it for one."""
    return context.is_secret(text) and context.is_secret(_VARIABLE.sub("", text))


def _why(key: str, text: Any, context: Context) -> str:
    if not isinstance(text, str) or not text:
        return ""
    if SECRET in text:
        return "is made with a secret parameter, or with a function that lists keys; the result stands there in clear"
    if is_secret_name(key):
        return "" if _POINTER.match(text) else "is a secret by its name"
    plain = text.replace(HOLE, "$x")
    if _SAS.search(plain) and HOLE not in text.partition("sig=")[2][:8]:
        return _LINK
    if any(_is_secret(inner, context) for inner in (plain, *unpacked(key, text))):
        return "holds what looks like a password, key or token"
    return ""
