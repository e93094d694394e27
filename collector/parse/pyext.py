"""extension.log of Python handlers: local time in whole seconds, or UTC with a fraction (VMSnapshot).

A message of several lines is written line by line, each with the stamp and the level, only the first with the
handler's name (Azure/azure-linux-extensions:Common/WALinuxAgent-2.0.16/waagent, Utils/HandlerUtil.py).
"""

from __future__ import annotations

import re
from datetime import timezone

from collector.parse.heads import Format, Head, Unfinished
from collector.parse.stamps import Stamp, iso_stamp, slashed_stamp

_HEAD = re.compile(r"(\d{4}([/-])\d\d\2\d\d \d\d:\d\d:\d\d(?:\.\d{1,9})?)(?: (.*)|$)", re.DOTALL)
_PREFIX = re.compile(
    r"\[(?P<extension>[A-Za-z][\w.]{0,200})-(?P<version>\d{1,9}(?:\.\d{1,9}){1,8})\] ?(?P<rest>.*)", re.DOTALL
)
_LEVEL = re.compile(r"(ERROR|WARNING|INFO|CRITICAL): ?(.*)", re.DOTALL)
_TRACEBACK = "Traceback (most recent call last)"


def head(text: str) -> Head | None:
    found = _HEAD.match(text)
    if found is None:
        return None
    rest = found[3] or ""
    prefix = _PREFIX.match(rest)
    rest = prefix["rest"] if prefix else rest
    level = _LEVEL.match(rest)
    rest = level[2] if level else rest
    if level and not prefix and (prefix := _PREFIX.match(rest)):
        rest = prefix["rest"]
    stamp = slashed_stamp(found[1]) if found[2] == "/" else _unmarked_utc(found[1]) if prefix else None
    if stamp is None:
        return None
    word = level[1] if level else ""
    extension, version = (prefix["extension"], prefix["version"]) if prefix else (None, None)
    return Head(stamp, "ERROR" if word == "CRITICAL" else word, rest, extension, version)


def _unmarked_utc(text: str) -> Stamp | None:
    """VMSnapshot's stamp. Other programs write the same form in local time: the handler's name tells it."""
    stamp = iso_stamp(text)
    return Stamp(stamp.moment.replace(tzinfo=timezone.utc), "utc") if stamp else None


def quick_stamp(text: str) -> Stamp | None:
    found = _HEAD.match(text)
    if found is not None and found[2] == "/":
        return slashed_stamp(found[1])
    told = head(text) if found is not None else None
    return told.stamp if told is not None else None


def belongs(opened: Unfinished, head: Head, text: str) -> str | None:
    """A line with a stamp is a further line of a message if it has the same stamp and level, and no handler's name.

    Lines of a level may be messages of their own; they are not if the record began with a name, or in a traceback.
    """
    before = opened.head
    if head.extension is not None or before.stamp != head.stamp or before.level != head.level:
        return None
    is_further = not head.level or before.extension is not None or _is_indented(head.message)
    return head.message if is_further or _in_traceback(opened) else None


def _in_traceback(opened: Unfinished) -> bool:
    return _is_indented(opened.message[-1]) and any(line.startswith(_TRACEBACK) for line in opened.message)


def _is_indented(text: str) -> bool:
    return text[:1] in (" ", "\t")


FORMAT = Format("python-extension", head, belongs=belongs, quick_stamp=quick_stamp)
VMBACKUP = Format("vmbackup", head, belongs=belongs, quick_stamp=quick_stamp)
