"""Logs of users of Azure/azure-extension-platform: the level before the stamp, in UTC without a mark.

An ``Error`` is followed by the stack of the goroutine.
"""

from __future__ import annotations

import re
from datetime import timezone

from collector.parse.heads import Format, Head, level_of
from collector.parse.stamps import Stamp, slashed_stamp

_HEAD = re.compile(r"(Error|Warning|Info) (\d{4}/\d\d/\d\d \d\d:\d\d:\d\d(?:\.\d{1,9})?) (.*)", re.DOTALL)


def head(text: str) -> Head | None:
    found = _HEAD.match(text)
    stamp = slashed_stamp(found[2]) if found else None
    if found is None or stamp is None:
        return None
    return Head(Stamp(stamp.moment.replace(tzinfo=timezone.utc), "utc"), level_of(found[1]), found[3])


FORMAT = Format("go-platform", head)
