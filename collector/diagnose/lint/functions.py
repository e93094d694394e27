"""The functions of template expressions that can be computed before the deployment. Pure."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from typing import Any, Protocol

from collector.diagnose.lint.values import HOLE, SECRET, UNKNOWN

_FORMAT = re.compile(r"\{(\d{1,3})(?::[^}]*)?\}|\{\{|\}\}")
_LONGEST = 1_000_000  # characters of a computed text
_MOST = 10_000  # items of a computed list, and values that are looked through for a secret
#: Functions whose answer still holds the secret that was put in.
_PASSING = frozenset(
    {"base64tojson", "base64tostring", "coalesce", "first", "join", "last", "skip", "string", "take", "tolower"}
    | {"toupper", "trim", "uricomponent", "dataurl", "array", "split", "items"}
)
_Function = Callable[["Known", list[Any]], Any]


class Known(Protocol):
    """Where the values of parameters and variables come from."""

    def parameter(self, name: str) -> Any: ...

    def variable(self, name: str) -> Any: ...


def called(name: str, arguments: list[Any], scope: Known) -> Any:
    word = name.casefold()
    if word.startswith("list") and word != "list":  # listKeys, listAccountSas, listCredentials
        return SECRET
    function = _FUNCTIONS.get(word)
    if function:
        return function(scope, arguments)
    if word in _PASSING and any(holds_secret(argument) for argument in arguments):
        return SECRET
    return UNKNOWN


def holds_secret(value: Any) -> bool:
    """Whether a resolved value has a secret anywhere in it."""
    waiting, seen = [value], 0
    while waiting and seen < _MOST:
        item = waiting.pop()
        seen += 1
        if isinstance(item, str) and SECRET in item:
            return True
        if isinstance(item, (dict, list)):
            waiting += item.values() if isinstance(item, dict) else item
    return False


def _words(value: Any) -> str:
    if value is UNKNOWN:
        return HOLE
    if isinstance(value, bool):
        return str(value)
    if isinstance(value, (str, int, float)):
        return str(value)
    return SECRET if holds_secret(value) else HOLE


def _concat(_: Known, arguments: list[Any]) -> Any:
    if arguments and all(isinstance(argument, list) for argument in arguments):
        return [item for argument in arguments for item in argument] if sum(map(len, arguments)) <= _MOST else UNKNOWN
    if any(isinstance(argument, (list, dict)) for argument in arguments):
        return SECRET if holds_secret(arguments) else UNKNOWN
    return _bounded("".join(_words(argument) for argument in arguments))


def _format(_: Known, arguments: list[Any]) -> Any:
    if not arguments or not isinstance(arguments[0], str):
        return UNKNOWN

    def filled(found: re.Match[str]) -> str:
        if not found[1]:
            return found[0][0]
        number = int(found[1]) + 1
        return _words(arguments[number]) if number < len(arguments) else HOLE

    return _bounded(_FORMAT.sub(filled, arguments[0]))


def _bounded(text: str) -> Any:
    if len(text) <= _LONGEST:
        return text
    return SECRET if SECRET in text else UNKNOWN


def _base64(_: Known, arguments: list[Any]) -> Any:
    text = _words(arguments[0]) if len(arguments) == 1 else HOLE
    if SECRET in text or HOLE in text:
        return SECRET if SECRET in text else UNKNOWN
    return base64.b64encode(text.encode("utf-8", "surrogatepass")).decode()


def _if(_: Known, arguments: list[Any]) -> Any:
    """Both ways are possible as long as the condition is not known."""
    if len(arguments) != 3:
        return UNKNOWN
    if isinstance(arguments[0], bool):
        return arguments[1] if arguments[0] else arguments[2]
    if isinstance(arguments[1], str) and arguments[1] == arguments[2]:
        return arguments[1]
    return SECRET if holds_secret(arguments[1:]) else UNKNOWN


def _create_object(_: Known, arguments: list[Any]) -> Any:
    keys = arguments[::2]
    if len(arguments) % 2 or not all(isinstance(key, str) for key in keys):
        return UNKNOWN
    return dict(zip(keys, arguments[1::2], strict=True))


def _union(_: Known, arguments: list[Any]) -> Any:
    if not arguments or not all(isinstance(argument, dict) for argument in arguments):
        return SECRET if holds_secret(arguments) else UNKNOWN
    return {key: value for argument in arguments for key, value in argument.items()}


def _json(_: Known, arguments: list[Any]) -> Any:
    text = arguments[0] if len(arguments) == 1 else None
    if not isinstance(text, str) or SECRET in text or HOLE in text:
        return SECRET if holds_secret(arguments) else UNKNOWN
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return UNKNOWN


def _replace(_: Known, arguments: list[Any]) -> Any:
    if len(arguments) == 3 and all(isinstance(part, str) for part in arguments) and HOLE not in arguments[1]:
        return _bounded(arguments[0].replace(arguments[1], arguments[2])) if arguments[1] else arguments[0]
    return SECRET if holds_secret(arguments) else UNKNOWN


def _plain(change: Callable[[str], str]) -> _Function:
    def made(_: Known, arguments: list[Any]) -> Any:
        return change(arguments[0]) if len(arguments) == 1 and isinstance(arguments[0], str) else UNKNOWN

    return made


def _uri(_: Known, arguments: list[Any]) -> Any:
    if len(arguments) != 2 or not all(isinstance(part, str) for part in arguments):
        return SECRET if holds_secret(arguments) else UNKNOWN
    return (
        _bounded(arguments[0].rstrip("/") + "/" + arguments[1].lstrip("/"))
        if arguments[0].endswith("/")
        else (_bounded(arguments[0].rpartition("/")[0] + "/" + arguments[1].lstrip("/")))
    )


def _named(read: Callable[[Known, str], Any]) -> _Function:
    def made(scope: Known, arguments: list[Any]) -> Any:
        return read(scope, arguments[0]) if len(arguments) == 1 and isinstance(arguments[0], str) else UNKNOWN

    return made


_FUNCTIONS: dict[str, _Function] = {
    "parameters": _named(lambda scope, name: scope.parameter(name)),
    "variables": _named(lambda scope, name: scope.variable(name)),
    "concat": _concat,
    "format": _format,
    "base64": _base64,
    "if": _if,
    "createobject": _create_object,
    "createarray": lambda _, arguments: list(arguments),
    "union": _union,
    "json": _json,
    "string": lambda _, arguments: _words(arguments[0]) if arguments else UNKNOWN,
    "tolower": _plain(str.lower),
    "toupper": _plain(str.upper),
    "trim": _plain(str.strip),
    "replace": _replace,
    "uri": _uri,
    "true": lambda _, __: True,
    "false": lambda _, __: False,
    "null": lambda _, __: None,
}
