"""DscExtensionHandler*.log: PowerShell's verbose stream, hard-wrapped at the console's width."""

from __future__ import annotations

import re

from collector.parse.heads import Format, Head, level_of
from collector.parse.stamps import iso_stamp

_HEAD = re.compile(r"(?:VERBOSE|WARNING|ERROR): \[(\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\dZ?)\] ?(.*)", re.DOTALL)
_LEVEL = re.compile(r"\[(ERROR|WARNING|VERBOSE|INFO)\] ?(.*)", re.DOTALL)


def head(text: str) -> Head | None:
    found = _HEAD.match(text)
    stamp = iso_stamp(found[1]) if found else None
    if found is None or stamp is None:
        return None
    inner = _LEVEL.match(found[2])
    if inner:
        return Head(stamp, level_of(inner[1]), inner[2])
    return Head(stamp, "", found[2])


def finish(head: Head, message: str) -> tuple[Head, str]:
    """A wrapped line ends in a blank where it broke between words; elsewhere words run on."""
    return head, re.sub(r"[ \t]*\n", " ", message).strip()


FORMAT = Format("dsc", head, finish)
