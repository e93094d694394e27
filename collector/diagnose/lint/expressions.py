"""Resolves a template's expressions as far as their values are known before the deployment. Pure.

What is not known becomes `UNKNOWN`, or a `HOLE` inside a text; what comes from a secure parameter or a function
that lists keys becomes `SECRET`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from collector.diagnose.lint.functions import called
from collector.diagnose.lint.values import HOLE, SECRET, UNKNOWN

_TOKEN = re.compile(r"\s*(?:(?P<text>'(?:[^']|'')*')|(?P<number>-?\d+)|(?P<name>[A-Za-z_][\w]*)|(?P<sign>[()\[\],.?]))")
_DEEPEST = 60  # calls inside each other
_DEEP, _REFERENCE = 100, 6  # values inside each other; a variable costs so many of them


class _Unreadable(Exception):
    """Not an expression that is understood here."""


@dataclass(slots=True)
class Scope:
    """The parameters and variables of one template. `named` holes keep the words of what is not known, as names do."""

    parameters: Mapping[str, Any] = field(default_factory=dict)  # values, UNKNOWN where only the deployment has them
    variables: Mapping[str, Any] = field(default_factory=dict)  # as they are written
    named: bool = False
    _known: dict[str, Any] = field(default_factory=dict)
    _depth: int = 0

    def resolve(self, value: Any) -> Any:
        """The value with every expression in it resolved."""
        if isinstance(value, str):
            return self._text(value)
        self._depth += 1
        try:
            return self._inner(value) if self._depth <= _DEEP else UNKNOWN
        finally:
            self._depth -= 1

    def _inner(self, value: Any) -> Any:
        if isinstance(value, dict):
            if "copy" in value and isinstance(value["copy"], list):  # a loop makes more keys than are written
                return UNKNOWN
            return {key: self.resolve(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [self.resolve(inner) for inner in value]
        return value

    def _text(self, text: str) -> Any:
        if not (text.startswith("[") and text.endswith("]")):
            return text
        if text.startswith("[["):
            return text[1:]
        try:
            value = _Reader(text[1:-1], self).whole()
        except _Unreadable:
            return UNKNOWN
        return UNKNOWN if value == HOLE else value

    def parameter(self, name: str) -> Any:
        return _by_name(self.parameters, name)

    def variable(self, name: str) -> Any:
        key = name.casefold()
        if key not in self._known:
            self._known[key] = UNKNOWN  # what refers to itself is not known
            self._depth += _REFERENCE
            if self._depth <= _DEEP:
                self._known[key] = self.resolve(_by_name(self.variables, name))
            self._depth -= _REFERENCE
        return self._known[key]


def _by_name(values: Mapping[str, Any], name: str) -> Any:
    if name in values:
        return values[name]
    for key, value in values.items():
        if key.casefold() == name.casefold():
            return value
    return UNKNOWN


class _Reader:
    """Reads and evaluates one expression from left to right."""

    def __init__(self, text: str, scope: Scope) -> None:
        self._text, self._scope, self._at, self._depth = text, scope, 0, 0

    def whole(self) -> Any:
        value = self._value()
        if self._text[self._at :].strip():
            raise _Unreadable
        return value

    def _next(self) -> tuple[str, str]:
        found = _TOKEN.match(self._text, self._at)
        if not found or not found.lastgroup:
            raise _Unreadable
        self._at = found.end()
        return found.lastgroup, found[found.lastgroup]

    def _peek(self) -> str:
        while self._text[self._at : self._at + 1].isspace():
            self._at += 1
        return self._text[self._at : self._at + 1]

    def _value(self) -> Any:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise _Unreadable
        start = self._at
        kind, word = self._next()
        if kind == "text":
            value: Any = word[1:-1].replace("''", "'")
        elif kind == "number":
            value = int(word[:20])
        elif kind == "name":
            value = self._call(word)
        else:
            raise _Unreadable
        while self._peek() in (".", "[", "?"):
            value = self._part(value)
        self._depth -= 1
        if value is UNKNOWN and self._scope.named:
            return HOLE + self._text[start : self._at].strip() + HOLE
        return value

    def _call(self, name: str) -> Any:
        if self._next()[1] != "(":
            raise _Unreadable
        arguments: list[Any] = []
        while self._peek() != ")":
            arguments.append(self._value())
            if self._peek() == ",":
                self._next()
            elif self._peek() != ")":
                raise _Unreadable
        self._next()
        return called(name, arguments, self._scope)

    def _part(self, value: Any) -> Any:
        sign = self._next()[1]
        if sign == "?":
            sign = self._next()[1]
        if sign == "[":
            key = self._value()
            if self._next()[1] != "]":
                raise _Unreadable
        else:
            kind, key = self._next()
            if kind != "name":
                raise _Unreadable
        if value == SECRET:
            return SECRET
        if isinstance(value, dict) and isinstance(key, str):
            return _by_name(value, key)
        if isinstance(value, list) and isinstance(key, int) and -1 < key < len(value):
            return value[key]
        return UNKNOWN
