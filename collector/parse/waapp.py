"""Logs of the Windows guest agent and of Windows handlers that write in its form."""

from __future__ import annotations

import re

from collector.parse.heads import Format, Head, level_of
from collector.parse.stamps import Stamp, iso_stamp, us_stamp

#: ``[00000006] [11/14/2019 05:52:13.44] [INFO]  x``, ``[00000010] 2021-01-12T16:35:45Z [ERROR] x``,
#: ``[4892+00000001] [03/04/2021 20:49:58.30] [INFO] x``; the first field is missing in some logs.
_HEAD = re.compile(
    r"(?:\[([0-9A-Fa-f+]{1,40})\] )?"
    r"(?:\[(\d\d?/\d\d?/\d{4} \d\d?:\d\d:\d\d(?:\.\d{1,9})?)\]"
    r"|\[?(\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?)\]?)"
    r" \[([A-Za-z]{1,20})\]:? {0,2}(.*)",
    re.DOTALL,
)


def head(text: str) -> Head | None:
    found = _HEAD.match(text)
    if found is None:
        return None
    thread, us, iso, level, rest = found.groups()
    stamp = us_stamp(us) if us else iso_stamp(iso)
    if stamp is None:
        return None
    return Head(stamp, level_of(level), rest.strip(), fields={"thread": thread} if thread else {})


def quick_stamp(text: str) -> Stamp | None:
    found = _HEAD.match(text)
    if found is None:
        return None
    return us_stamp(found[2]) if found[2] else iso_stamp(found[3])


FORMAT = Format("waapp", head, quick_stamp=quick_stamp)
HANDLER = Format("windows-handler", head, quick_stamp=quick_stamp)
