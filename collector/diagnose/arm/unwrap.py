"""A pasted text to the codes and messages in it, however deep they are wrapped. Pure.

JSON is decoded wherever it stands in the text, and again in its strings; what is left, and what is no JSON although
it looks like it, is gone through by `loose`.
"""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from collector.diagnose.arm import loose
from collector.diagnose.arm.escapes import one_level
from collector.diagnose.arm.names import split
from collector.diagnose.arm.place import SETS, place_in
from collector.diagnose.arm.times import KEYS, moment, times_in
from collector.diagnose.arm.values import NOWHERE, Place, Quoted

#: Wrappings, pieces of text, values and places where JSON may begin: more are not looked at.
_DEEPEST, _MOST_PIECES, _MOST_VALUES, _MOST_BEGINNINGS = 64, 200, 50_000, 60
_OPENING = re.compile(r"\{\s{0,200}\"|\[\s{0,200}\{\s{0,200}\"")
_ESCAPED_OPENING = re.compile(r"\{(?:\s|\\{1,8}[rnt]){0,200}\\{1,64}\"")
_NESTED = re.compile(r"\\{0,64}[\"'](?:code|error|statusMessage)\\{0,64}[\"']\s*:\s*(?:\\{0,64}[\"'][A-Z]|\{)")
#: Keys by which a JSON value is the platform's; other JSON is what an extension printed and stays in its message.
_PLATFORMS = re.compile(
    r"\"(?:code|message|statusMessage|statuses|formattedMessage)\"\s*:|\"error\"\s*:\s*\{", re.IGNORECASE
)
#: A number of an instance that stands alone.
_INSTANCE = re.compile(r"\d{1,6}")
_STATE = re.compile(r"ProvisioningState/failed(?:/(?P<code>-?\d{1,10}))?")
_DECODER = json.JSONDecoder(strict=False)


@dataclass(frozen=True, slots=True)
class _Piece:
    """Text or a decoded value that is still to be looked at, and what is known around it."""

    value: Any
    depth: int
    place: Place = NOWHERE
    first: datetime | None = None
    last: datetime | None = None
    name: str = ""  # of an extension whose instance view this is
    type: str = ""  # and its Publisher.Type

    def around(self, quoted: Quoted) -> Quoted:
        first, last = quoted.first_time or self.first, quoted.last_time or self.last
        return replace(quoted, place=self.place, first_time=first, last_time=last)


def unwrap(text: str) -> list[Quoted]:
    """Everything that is quoted in the text, from the outermost to the innermost of each wrapping."""
    first, last = times_in(text)
    work = deque([_Piece(text, 0, place_in(text), first, last)])
    found: list[Quoted] = []
    looked = 0
    while work and looked < _MOST_PIECES:
        piece = work.popleft()
        if piece.depth > _DEEPEST:
            continue
        looked += 1
        rest, values = _values(piece.value)
        found += map(piece.around, loose.pairs(rest, piece.depth))
        for value in values:
            quoted, inner = _walk(replace(piece, value=value))
            found += quoted
            work.extend(inner)
    return found


def _values(text: str) -> tuple[str, list[Any]]:
    """The JSON values in a text, and the text without them."""
    values, rest, position = [], [], 0
    for number, opening in enumerate(_OPENING.finditer(text)):
        if number >= _MOST_BEGINNINGS:
            break
        if opening.start() < position:
            continue
        try:
            value, end = _DECODER.raw_decode(text, opening.start())
        except (ValueError, RecursionError):
            continue
        if not _PLATFORMS.search(text, opening.start(), end):
            continue
        values.append(value)
        rest.append(text[position : opening.start()])
        position = end
    rest.append(text[position:])
    if not values and (escaped := _ESCAPED_OPENING.search(text)):
        less = one_level(text[escaped.start() :])
        if less != text and _OPENING.search(less):
            after, values = _values(less)
            if values:
                return text[: escaped.start()] + after, values
    return "".join(rest), values


def _walk(top: _Piece) -> tuple[list[Quoted], list[_Piece]]:
    """Codes and messages of a decoded value, and its strings that hold more."""
    found: list[Quoted] = []
    inner: list[_Piece] = []
    stack, seen = [top], 0
    while stack and seen < _MOST_VALUES:
        piece = stack.pop()
        seen += 1
        value = piece.value
        if isinstance(value, str):
            if _NESTED.search(value):
                inner.append(replace(piece, depth=piece.depth + 1))
            elif loose.is_sentence(value):
                found.append(piece.around(Quoted("", value, piece.depth)))
        elif isinstance(value, list):
            stack += [replace(piece, value=item) for item in reversed(value)]
        elif isinstance(value, dict):
            around = _known(piece, value)
            quoted, rest = _entry(around, value)
            found += quoted
            deeper = around.depth + bool(quoted)
            stack += [replace(around, value=item, depth=deeper) for item in reversed(rest)]
    return found, inner


def _known(piece: _Piece, value: Mapping[str, Any]) -> _Piece:
    """What the keys of an object tell about all that is in it."""
    lower = {key.lower(): item for key, item in value.items()}
    moments = [one for key in KEYS if (one := moment(lower.get(key)))]
    if moments:
        piece = replace(piece, first=min(moments), last=max(moments))
    target = lower.get("targetresource")
    for holder in (lower.get("resourceid"), target.get("id") if isinstance(target, dict) else None, lower.get("id")):
        if isinstance(holder, str) and "/providers/Microsoft.Compute/" in holder:
            piece = replace(piece, place=place_in(holder))
            break
    number = lower.get("target")  # the errors of a scale set's instances name them by their numbers alone
    if isinstance(number, str) and _INSTANCE.fullmatch(number) and "message" in lower and not piece.place.vm:
        piece = replace(piece, place=replace(piece.place, target_type=SETS, instance_id=number))
    if isinstance(lower.get("name"), str) and ("statuses" in lower or "substatuses" in lower):
        piece = replace(piece, name=lower["name"], type=str(lower.get("type") or ""))
    return piece


def _entry(piece: _Piece, value: Mapping[str, Any]) -> tuple[list[Quoted], list[Any]]:
    """The object's own code and message, and its other values."""
    keys = {key.lower(): key for key in value}
    code, message = value.get(keys.get("code", "")), value.get(keys.get("message", ""))
    told = _state(piece, value)
    if told is not None:
        return [piece.around(replace(told, depth=piece.depth))], []
    if not loose.is_code(code) or not isinstance(message, str | None):
        return [], list(value.values())
    rest = [item for key, item in value.items() if key not in (keys["code"], keys.get("message"))]
    nested = isinstance(message, str) and _NESTED.search(message) is not None
    quoted = Quoted(str(code), "" if nested or message is None else message, piece.depth)
    return [piece.around(quoted)], [*([message] if nested else []), *rest]


def _state(piece: _Piece, value: Mapping[str, Any]) -> Quoted | None:
    """A failed state in an instance view, or in a status file, as the sentence the platform makes of it."""
    code, message = value.get("code"), value.get("message")
    name = piece.name
    if not (name and isinstance(code, str) and _STATE.fullmatch(code) and isinstance(message, str)):
        held = value.get("formattedMessage")
        message = held.get("message") if isinstance(held, dict) else None
        name = str(value.get("name") or "")
        if value.get("status") not in ("error", "failed") or not isinstance(message, str):
            return None
    publisher, kind = split(piece.type)
    of = f" (publisher '{publisher}' and type '{kind}')" if publisher else ""
    return Quoted("", f"VM has reported a failure when processing extension '{name}'{of}. Error message: {message}")
