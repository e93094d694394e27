"""The moments an error's JSON or the log around it tells. Pure."""

from __future__ import annotations

import re
from datetime import datetime, timezone

_STAMP = r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:?\d\d)"
_KEYED = re.compile(
    rf"(?P<key>startTime|endTime|eventTimestamp|timestamp|time)\\*[\"']\s*:\s*\\*[\"'](?P<stamp>{_STAMP})",
    re.IGNORECASE,
)
_LINE = re.compile(rf"^[ \t]{{0,40}}(?P<stamp>{_STAMP})", re.MULTILINE)
#: Keys of the platform's JSON that hold a moment, in lower case.
KEYS = ("starttime", "endtime", "eventtimestamp", "timestamp", "time")


def moment(text: object) -> datetime | None:
    """In UTC and whole seconds; None for what is no stamp with a zone."""
    if not isinstance(text, str) or not re.fullmatch(_STAMP, text.strip()):
        return None
    head, zone = re.fullmatch(r"(.{19})(?:\.\d+)?(.+)", text.strip()).groups()  # type: ignore[union-attr]
    try:
        parsed = datetime.fromisoformat(
            head.replace(" ", "T") + ("+00:00" if zone == "Z" else zone[:3] + ":" + zone[-2:])
        )
        return parsed.astimezone(timezone.utc)
    except (ValueError, OverflowError):
        return None


def times_in(text: str) -> tuple[datetime | None, datetime | None]:
    """The first and the last moment that keys of the text tell, else the stamp of its first line that has one."""
    found = [one for match in _KEYED.finditer(text) if (one := moment(match["stamp"]))]
    if not found and (line := _LINE.search(text)):
        found = [one for one in (moment(line["stamp"]),) if one]
    return (min(found), max(found)) if found else (None, None)
