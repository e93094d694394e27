"""Escaped text back to what was meant, whatever number of backslashes it gathered on its way. Pure."""

from __future__ import annotations

import re

#: A path of Windows is no escape, although `\n` stands in `C:\new`; the end of a line may follow it.
_ESCAPES = re.compile(
    r"(?P<path>\b[A-Za-z]:(?:\\{1,16}(?!r\\{1,16}n|n\\|n\[)[\w.$%(){}-]{1,80}(?: [\w.$%(){}-]{1,80}(?=\\))?){1,40})"
    r"|\\{1,64}(?P<quote>[\"'/])"
    r"|\\{1,64}r\\{1,64}n|\\{1,64}(?P<control>[nrt])"
    r"|\\{1,64}u(?P<sign>[0-9a-fA-F]{4})"
    r"|\\{2,64}"
)
_BACKSLASHES = re.compile(r"\\{2,64}")
_ONE_LEVEL = re.compile(r"\\(?:u(?P<sign>[0-9a-fA-F]{4})|(?P<plain>.))", re.DOTALL)
_CONTROLS = {"n": "\n", "r": "", "t": "\t"}


def decoded(text: str) -> str:
    """All levels of escaping at once."""
    return _ESCAPES.sub(_meant, text) if "\\" in text else text


def _meant(found: re.Match[str]) -> str:
    if found["path"]:
        return _BACKSLASHES.sub(r"\\", found["path"])
    if found["quote"]:
        return found["quote"]
    if found["control"]:
        return _CONTROLS[found["control"]]
    if found["sign"]:
        return _sign(found["sign"])
    return "\n" if found[0].endswith("n") else "\\"


def one_level(text: str) -> str:
    """One level of escaping, as JSON has it."""
    return _ONE_LEVEL.sub(
        lambda found: _sign(found["sign"]) if found["sign"] else _CONTROLS.get(found["plain"], found["plain"]), text
    )


def _sign(digits: str) -> str:
    """Half of a pair can't stand alone."""
    number = int(digits, 16)
    return "\ufffd" if 0xD800 <= number <= 0xDFFF else chr(number)
