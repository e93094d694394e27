"""The text form of an excerpt: a mark, the line's number in its file, the line.

# var/log/waagent.log
# 3 lines, 120 of the window left out; > marks what tells of a failure, ~ a line that was cut
     13  Reading package lists...
>    14  E: Could not get lock
...
     40  done
"""

from __future__ import annotations

import re

from collector.errors import BundleError
from collector.model import Excerpt, Line
from collector.platforms.paths import DEVICE

_HEAD = "# "
_GAP = "..."
_LINE = re.compile(r"([> ]) *(\d+)([ ~]) (.*)", re.DOTALL)
_COUNT = re.compile(r"# \d+ lines, (\d+) of the window left out")
_UNSAFE = re.compile(r'[<>:"|?*\\\x00-\x1f\x7f]')
_LONGEST_PART, _LONGEST_NAME = 100, 200


def render_excerpt(excerpt: Excerpt) -> str:
    """The member's text; line breaks inside a line are shown as ``\\r`` and ``\\n``."""
    head = f"# {len(excerpt.lines)} lines, {excerpt.left_out} of the window left out"
    head += "; > marks what tells of a failure, ~ a line that was cut"
    rows = [_HEAD + _one_line(excerpt.path), head]
    before: int | None = None
    for line in excerpt.lines:
        if before is not None and line.number != before + 1:
            rows.append(_GAP)
        before = line.number
        mark = ">" if line.number in excerpt.failing else " "
        rows.append(f"{mark}{line.number:>6}{'~' if line.cut else ' '} {_one_line(line.text)}")
    return "\n".join(rows) + "\n"


def parse_excerpt(text: str, where: str) -> Excerpt:
    """The inverse of `render_excerpt`; BundleError if `text` is none."""
    rows = text.split("\n")
    left_out = _COUNT.match(rows[1]) if len(rows) > 1 else None
    if not rows[0].startswith(_HEAD) or left_out is None:
        raise BundleError(f"{where} has no excerpt's head")
    lines, failing = [], set()
    for number, row in enumerate(rows[2:], start=3):
        if row in ("", _GAP):
            continue
        parts = _LINE.fullmatch(row)
        if parts is None or len(parts[2]) > 18:
            raise BundleError(f"{where} line {number} is no excerpt's line")
        lines.append(Line(int(parts[2]), parts[4], parts[3] == "~"))
        if parts[1] == ">":
            failing.add(int(parts[2]))
    return Excerpt(rows[0][len(_HEAD) :], tuple(lines), frozenset(failing), int(left_out[1]))


def member_names(paths: list[str]) -> list[str]:
    """A safe member name for each path, on Windows too; no two the same, whatever their case."""
    names: list[str] = []
    taken: set[str] = set()
    for path in paths:
        parts = [_safe(part) for part in path.split("/") if part not in ("", ".", "..")]
        stem = "/".join(parts)[-_LONGEST_NAME:].lstrip("/. ") or "unnamed"
        name, number = f"excerpts/{stem}.txt", 2
        while name.casefold() in taken:
            name, number = f"excerpts/{stem}~{number}.txt", number + 1
        taken.add(name.casefold())
        names.append(name)
    return names


def _safe(part: str) -> str:
    name = _UNSAFE.sub("_", part.encode("utf-8", "replace").decode())[:_LONGEST_PART].rstrip(". ")
    return f"_{name}" if not name or DEVICE.match(name) else name


def _one_line(text: str) -> str:
    return text.replace("\r", "\\r").replace("\n", "\\n")
