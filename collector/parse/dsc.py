"""DscExtensionHandler*.log: PowerShell's verbose stream, hard-wrapped at the console's width."""

from __future__ import annotations

import re

from collector.parse.heads import Format, Head, level_of
from collector.parse.stamps import iso_stamp

_HEAD = re.compile(
    r"(VERBOSE|WARNING|ERROR): \[(\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d{1,9})?Z?)\] ?(?:\[(ERROR|WARNING|VERBOSE|INFO)\] ?)?(.*)",
    re.DOTALL,
)
#: A word of so many characters fills a console's line: the host breaks only such a word.
_LONG_WORD = 40


def head(text: str) -> Head | None:
    found = _HEAD.match(text)
    stamp = iso_stamp(found[2]) if found else None
    if found is None or stamp is None:
        return None
    stream, level = found[1], found[3]
    return Head(stamp, level_of(level or ("" if stream == "VERBOSE" else stream)), found[4])


def finish(head: Head, message: str) -> tuple[Head, str]:
    """One line again: wrapped lines break between words, except in a word that is longer than a line."""
    if "\n" not in message:
        return head, message.strip()
    parts: list[str] = []
    for line in message.split("\n"):
        bare = line.rstrip(" \t")
        parts.append(bare if len(bare) >= _LONG_WORD and bare == line and not _has_blank(bare) else bare + " ")
    return head, "".join(parts).strip()


def _has_blank(text: str) -> bool:
    return " " in text or "\t" in text


FORMAT = Format("dsc", head, finish)
