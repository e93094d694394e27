"""Logs of an unknown form: any usual stamp near the line's start; and outputs without stamps."""

from __future__ import annotations

import re
from datetime import datetime

from collector.parse.heads import Format, Head, level_of
from collector.parse.stamps import Stamp, iso_stamp, microseconds
from collector.parse.waapp import us_stamp

_ISO = re.compile(
    r"^(.{0,40}?)(\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?)[\]:,]?\s*(.*)",
    re.DOTALL,
)
_SLASHED = re.compile(r"^(.{0,24}?)(\d{4}/\d\d/\d\d \d\d:\d\d:\d\d)(?:\.(\d+))?\]?:?\s*(.*)", re.DOTALL)
_US = re.compile(r"^(.{0,24}?)(\d\d?/\d\d?/\d{4} \d\d?:\d\d:\d\d)(?:\.(\d+))?(?: ([AP]M))?\]?:?\s*(.*)", re.DOTALL)
_LEVEL = re.compile(r"\b(ERROR|ERR|FATAL|CRITICAL|WARNING|WARN|INFO|INFORMATION|DEBUG|VERBOSE|TRACE)\b", re.IGNORECASE)
#: The level is looked for this near the start of the message, in characters.
_NEAR = 24
#: Go's azure-extension-platform writes the level before the stamp, in UTC without a mark.
_PLATFORM = re.compile(r"^(Error|Warning|Info) (\d{4}/\d\d/\d\d \d\d:\d\d:\d\d) (.*)", re.DOTALL)


def head(text: str) -> Head | None:
    for pattern in (_ISO, _SLASHED, _US):
        found = pattern.match(text)
        if found is None:
            continue
        stamp = _stamp(found)
        if stamp is None:
            continue
        before, rest = found[1], found[found.re.groups]
        word = _LEVEL.search(before) or _LEVEL.search(rest[:_NEAR])
        return Head(
            stamp,
            level_of(word[1]) if word else "",
            (before.strip(" []\t") + " " + rest).strip() if before else rest,
        )
    return None


def _stamp(found: re.Match[str]) -> Stamp | None:
    if found.re is _ISO:
        return iso_stamp(re.sub(r"([+-]\d\d)(\d\d)$", r"\1:\2", found[2]).replace(",", "."))
    if found.re is _SLASHED:
        return _slashed(found[2], found[3])
    if found[4]:
        try:
            moment = datetime.strptime(f"{found[2]} {found[4]}", "%m/%d/%Y %I:%M:%S %p")  # noqa: DTZ007
        except ValueError:
            return None
        return Stamp(moment, "local")
    return us_stamp(found[2], found[3])


def _slashed(text: str, fraction: str | None) -> Stamp | None:
    try:
        moment = datetime.strptime(text, "%Y/%m/%d %H:%M:%S")  # noqa: DTZ007
    except ValueError:
        return None
    return Stamp(moment.replace(microsecond=microseconds(fraction)), "local")


def platform_head(text: str) -> Head | None:
    found = _PLATFORM.match(text)
    stamp = iso_stamp(found[2].replace("/", "-") + "Z") if found else None
    return Head(stamp, level_of(found[1]), found[3]) if found and stamp else None


def plain_head(text: str) -> Head | None:
    """Every line of an output stands alone and has no time."""
    return Head(None, "", text, alone=True)


def command_execution_head(text: str) -> Head | None:
    """CommandExecution.log: of the Linux agent in its own form, of the Windows agent ``[ISO] text``."""
    from collector.parse import waagent

    return waagent.head(text) or (head(text) if text.startswith("[") else None)


ISO = Format("iso", head)
GENERIC = Format("generic", head)
PLATFORM = Format("go-platform", platform_head)
PLAIN = Format("plain", plain_head)
