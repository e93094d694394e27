"""JSON as people write it into templates, and the line on which each place stands. Pure."""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from dataclasses import dataclass, field
from typing import Any

from collector.diagnose.lint.values import Place
from collector.errors import ConfigError

_DECODER = json.JSONDecoder(strict=False)
_BLANK = re.compile(r"[ \t\r\n]*")
#: A string, which may hold what looks like a comment, or a comment.
_COMMENT = re.compile(r'"(?:[^"\\]|\\.)*"|//[^\r\n]*|/\*.*?\*/', re.DOTALL)
_BICEP = re.compile(
    r"^\s*(?:targetScope\s*=|metadata\s+\w+\s*=|(?:param|var|output)\s+\w+|resource\s+\w+\s+'|using\s+')", re.M
)
#: Deeper than any template: more is refused, so that nothing that walks it can run out of stack.
_DEEPEST = 200


@dataclass(slots=True)
class Document:
    """What a file holds. `value` is the parsed JSON; lines are looked up only where a problem is told."""

    value: Any
    text: str
    _line_starts: list[int] = field(default_factory=list)
    _children: dict[int, dict[str | int, tuple[int, int]]] = field(default_factory=dict)

    def line(self, place: Place) -> int | None:
        """The line on which the place stands; of a missing key, the line of what should hold it."""
        if not self.text:
            return None
        offset, shown = _skip(self.text, 0), _skip(self.text, 0)
        for key in place:
            found = self._inside(offset).get(key)
            if found is None:
                break
            shown, offset = found
        if not self._line_starts:
            self._line_starts = [0, *(match.end() for match in re.finditer("\n", self.text))]
        return bisect_right(self._line_starts, shown)

    def _inside(self, offset: int) -> dict[str | int, tuple[int, int]]:
        """For each key of the object or list at `offset`: where it is written, where its value begins."""
        if offset not in self._children:
            self._children[offset] = _children(self.text, offset)
        return self._children[offset]


def read(text: str) -> Document:
    """Raises ConfigError saying what is wrong, and where, if the text is no JSON."""
    if not text.strip():
        raise ConfigError("there is nothing in it", "Give a template, a scale set's model, or an extension's settings.")
    value, text = _parsed(text)
    if _is_too_deep(value):
        raise ConfigError(f"it is nested more than {_DEEPEST} deep, as no template is")
    return Document(value, text)


def _parsed(text: str) -> tuple[Any, str]:
    """The value, and the text with comments blanked, in which all else is where it was."""
    try:
        return _decoded(text), text
    except ValueError as error:
        if "/" in text:
            plain = _COMMENT.sub(_blanked, text)
            try:
                return _decoded(plain), plain
            except ValueError as later:
                raise _refusal(text, later) from later
        raise _refusal(text, error) from error


def _decoded(text: str) -> Any:
    try:
        return json.loads(text, strict=False)
    except RecursionError as error:
        raise ConfigError(f"it is nested more than {_DEEPEST} deep, as no template is") from error


def _refusal(text: str, error: ValueError) -> ConfigError:
    if _BICEP.search(text):
        return ConfigError(
            "this is Bicep source, not JSON", "Build it first: az bicep build --stdout --file FILE | vmext lint -"
        )
    where = f"line {error.lineno}, column {error.colno}: " if isinstance(error, json.JSONDecodeError) else ""
    what = error.msg if isinstance(error, json.JSONDecodeError) else str(error)
    return ConfigError(f"it is not JSON: {where}{what}", "Give JSON; comments are allowed.")


def _blanked(found: re.Match[str]) -> str:
    if found[0][0] == '"':
        return found[0]
    return re.sub(r"[^\r\n]", " ", found[0])


def _is_too_deep(value: Any) -> bool:
    level = [value]
    for _ in range(_DEEPEST):
        level = [
            inner
            for item in level
            if isinstance(item, (dict, list))
            for inner in (item.values() if isinstance(item, dict) else item)
            if isinstance(inner, (dict, list))
        ]
        if not level:
            return False
    return True


def _skip(text: str, offset: int) -> int:
    blank = _BLANK.match(text, offset)
    return blank.end() if blank else offset


def _children(text: str, offset: int) -> dict[str | int, tuple[int, int]]:
    """The text is known to be JSON. Of a key that stands there twice, the last counts, as for any reader."""
    found: dict[str | int, tuple[int, int]] = {}
    opening = text[offset : offset + 1]
    if opening not in ("{", "["):
        return found
    position = _skip(text, offset + 1)
    while text[position] not in "}]":
        key: str | int = len(found)
        start = position
        if opening == "{":
            key, position = _DECODER.raw_decode(text, position)
            position = _skip(text, _skip(text, position) + 1)
        found[key] = (start, position)
        _, position = _DECODER.raw_decode(text, position)
        position = _skip(text, position)
        if text[position] == ",":
            position = _skip(text, position + 1)
    return found
