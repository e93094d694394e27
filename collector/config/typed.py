"""Values as a setting's type, whatever form file, environment or command line gave them."""

from __future__ import annotations

import math
from pathlib import Path

from collector.config.values import BOUNDS, KINDS, MAY_BE_ZERO, SECRET, WORDS
from collector.errors import ConfigError

_MOST_SHOWN = 80  # characters of a wrong value
_TRUE, _FALSE = ("true", "yes", "on", "1"), ("false", "no", "off", "0")


def typed(name: str, value: object, where: str, *, is_text: bool) -> object:
    """The value as the type of the setting `name`; `is_text`: it comes from where there are only texts.

    Raises ConfigError naming `where` and the setting.
    """
    kind = KINDS[name]
    if kind == "Path" and isinstance(value, (str, Path)):
        return Path(value).expanduser()
    if kind in ("int", "float"):
        return _number(name, value, where, whole=kind == "int", is_text=is_text)
    if kind.startswith("tuple"):
        return _texts(name, value, where)
    if kind == "bool":
        return _switch(name, value, where, is_text=is_text)
    if not isinstance(value, str):
        raise _wrong(name, value, where, "text")
    if name in WORDS and value not in WORDS[name]:
        raise _wrong(name, value, where, f"one of {', '.join(WORDS[name])}")
    return value


def _number(name: str, value: object, where: str, *, whole: bool, is_text: bool) -> float | int:
    if isinstance(value, bool) or not isinstance(value, (int, float, str) if is_text else (int, float)):
        raise _wrong(name, value, where, "a number")
    try:
        number = float(value)
    except (ValueError, OverflowError) as error:
        raise _wrong(name, value, where, "a number") from error
    if not math.isfinite(number):
        raise _wrong(name, value, where, "a number")
    if number < 0 or (number == 0 and name not in MAY_BE_ZERO):
        raise _wrong(name, value, where, "0 or above" if name in MAY_BE_ZERO else "above 0")
    if whole and number != int(number):
        raise _wrong(name, value, where, "a whole number")
    least, most = BOUNDS.get(name, (0, math.inf))
    if number < least:
        raise _wrong(name, value, where, f"at least {least:g}" if least < 1_000 else f"at least {least:.0f}")
    if number > most:
        raise _wrong(name, value, where, f"at most {most:g}")
    return int(number) if whole else number


def _switch(name: str, value: object, where: str, *, is_text: bool) -> bool:
    if isinstance(value, bool):
        return value
    if is_text and isinstance(value, str) and value.strip().lower() in _TRUE + _FALSE:
        return value.strip().lower() in _TRUE
    raise _wrong(name, value, where, "true or false")


def _texts(name: str, value: object, where: str) -> tuple[str, ...]:
    """A list of texts, or one text of several that are separated by commas or blanks."""
    parts = value.replace(",", " ").split() if isinstance(value, str) else value
    if not isinstance(parts, list | tuple) or not all(isinstance(part, str) for part in parts):
        raise _wrong(name, value, where, "a list of texts")
    return tuple(parts)


def _wrong(name: str, value: object, where: str, wanted: str) -> ConfigError:
    shown = "" if name in SECRET else f", not {repr(value)[:_MOST_SHOWN]}"
    return ConfigError(f"{where}: {name} must be {wanted}{shown}")
