"""Logs of the Windows guest agent and of Windows handlers that write in its form."""

from __future__ import annotations

import re
from datetime import datetime

from collector.parse.heads import Format, Head, level_of
from collector.parse.stamps import Stamp, iso_stamp, microseconds

#: ``[00000006] [11/14/2019 05:52:13.44] [INFO]  x``, ``[00000010] 2021-01-12T16:35:45Z [ERROR] x``,
#: ``[4892+00000001] [03/04/2021 20:49:58.30] [INFO] x``; the first field is missing in some logs.
_HEAD = re.compile(
    r"(?:\[(?P<thread>[0-9A-Fa-f+]+)\] )?"
    r"(?:\[(?P<us>\d\d?/\d\d?/\d{4} \d\d?:\d\d:\d\d)(?:\.(?P<fraction>\d+))?\]|\[?(?P<iso>\d{4}-\d\d-\d\d[T ][\d:.]+Z?)\]?)"
    r" \[(?P<level>[A-Za-z]+)\]:? {0,2}(?P<rest>.*)",
    re.DOTALL,
)


def head(text: str) -> Head | None:
    found = _HEAD.match(text)
    if found is None:
        return None
    stamp = iso_stamp(found["iso"]) if found["iso"] else us_stamp(found["us"], found["fraction"])
    if stamp is None:
        return None
    fields = {"thread": found["thread"]} if found["thread"] else {}
    return Head(stamp, level_of(found["level"]), found["rest"].strip(), fields=fields)


def us_stamp(text: str, fraction: str | None = None) -> Stamp | None:
    """``11/14/2019 05:52:13``, month first; no zone is printed."""
    try:
        moment = datetime.strptime(text, "%m/%d/%Y %H:%M:%S")  # noqa: DTZ007 - local on purpose
    except ValueError:
        return None
    return Stamp(moment.replace(microsecond=microseconds(fraction)), "local")


FORMAT = Format("waapp", head)
HANDLER = Format("windows-handler", head)
