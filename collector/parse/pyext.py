"""extension.log of Python handlers: local time in whole seconds, or UTC with a fraction (VMSnapshot)."""

from __future__ import annotations

import re
from datetime import datetime, timezone

from collector.parse.heads import Format, Head
from collector.parse.stamps import Stamp, microseconds

_HEAD = re.compile(r"(\d{4})([/-])(\d\d)\2(\d\d) (\d\d:\d\d:\d\d)(?:\.(\d+))? ?(.*)", re.DOTALL)
_PREFIX = re.compile(r"\[(?P<extension>[A-Za-z][\w.]*)-(?P<version>\d+(?:\.\d+)+)\] ?(?P<rest>.*)", re.DOTALL)
_LEVEL = re.compile(r"(ERROR|WARNING|INFO|CRITICAL): ?(.*)", re.DOTALL)


def head(text: str) -> Head | None:
    found = _HEAD.match(text)
    if found is None:
        return None
    try:
        moment = datetime.strptime(f"{found[1]}-{found[3]}-{found[4]} {found[5]}", "%Y-%m-%d %H:%M:%S")  # noqa: DTZ007
    except ValueError:
        return None
    moment = moment.replace(microsecond=microseconds(found[6]))
    stamp = Stamp(moment.replace(tzinfo=timezone.utc), "utc") if found[2] == "-" else Stamp(moment, "local")
    rest, extension, version = found[7], None, None
    prefix = _PREFIX.match(rest)
    if prefix:
        rest, extension, version = prefix["rest"], prefix["extension"], prefix["version"]
    level = _LEVEL.match(rest)
    if level:
        return Head(stamp, "ERROR" if level[1] == "CRITICAL" else level[1], level[2], extension, version)
    return Head(stamp, "", rest, extension, version, joins=prefix is None)


FORMAT = Format("python-extension", head)
VMBACKUP = Format("vmbackup", head)
