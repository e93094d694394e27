"""A marked block of base64 inside whatever Run Command, az, the portal or a ticket has put around it. Pure.

    #vmext-KIND:1:FIELD:...:CHARACTERS:CHECKSUM#
    base64, in lines
    #vmext-KIND-end#

The marks hold no blank, so that a line break inside them does no harm, and are no PEM, which secret scanners take away.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import html
import re
from collections.abc import Sequence
from dataclasses import dataclass

from collector.bundle.console import WIDTH

_VERSION = 1
#: Escapes of JSON, also of JSON within JSON; .NET writes even ``+`` as one.
_ESCAPE = re.compile(r"\\+(?:u00([0-9a-fA-F]{2})|([nrt\"'/]))")
_ESCAPED = {"n": "\n", "r": "\n", "t": " "}
_TAG = re.compile(r"</?[A-Za-z][^<>\n]{0,200}>")
_COLOUR = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
#: What is neither base64 nor a mark: blanks, line ends, quotes, signs of quoting.
_AROUND = re.compile(r"[^A-Za-z0-9+/=#:._-]+")
_RUN = re.compile(r"[A-Za-z0-9+/]+={0,2}")
_NO_BASE64 = re.compile(r"[^A-Za-z0-9+/=]+")


@dataclass(frozen=True, slots=True)
class Block:
    """A block whose checksum holds."""

    fields: tuple[str, ...]
    data: bytes


@dataclass(frozen=True, slots=True)
class Damaged:
    """A block that is there and can't be used, and why."""

    problem: str


def render(kind: str, fields: Sequence[str], data: bytes, digits: int = 16) -> list[str]:
    """The lines of a block. `digits` of the data's SHA-256 stand in its head."""
    text = base64.b64encode(data).decode()
    head = ":".join([f"#vmext-{kind}", str(_VERSION), *fields, str(len(text)), _checksum(data)[:digits]])
    rows = [text[start : start + WIDTH] for start in range(0, len(text), WIDTH)]
    return [f"{head}#", *rows, f"#vmext-{kind}-end#"]


def room(kind: str, fields: Sequence[str], limit: int, digits: int = 16) -> int:
    """How many bytes of data a block of at most `limit` bytes can hold, with the longer of the two line ends."""
    frame = sum(len(line) + 2 for line in render(kind, fields, b"", digits)) + 6  # for the number of characters
    lines, rest = divmod(max(0, limit - frame), WIDTH + 2)
    return (lines * WIDTH + max(0, rest - 2)) // 4 * 3


def find(text: str, kind: str) -> list[Block | Damaged]:
    """Every block of this kind in `text`, in their order, each once; whole ones before what is damaged of the same."""
    plain = _plain(text)
    squeezed = _AROUND.sub("", plain)
    begin = re.compile(rf"#vmext-{kind}:(\d{{1,4}})((?::[A-Za-z0-9._-]*)+)#")
    end = f"#vmext-{kind}-end#"
    heads = list(begin.finditer(squeezed))
    if not heads and end in squeezed:
        return [Damaged("its beginning is cut off")]
    found: dict[Block | Damaged, None] = {}
    for number, head in enumerate(heads):
        until = heads[number + 1].start() if number + 1 < len(heads) else len(squeezed)
        inside, ended, _ = squeezed[head.end() : until].partition(end)
        spare = _behind_prefixes(plain, head[0], end) if ended else ""
        found[_block(head, inside, bool(ended), spare)] = None
    return list(found)


def _block(head: re.Match[str], inside: str, ended: bool, spare: str) -> Block | Damaged:
    if int(head[1]) > _VERSION:
        return Damaged("it was made by a newer version; update vmext here")
    fields = head[2].split(":")[1:]
    if len(fields) < 2 or not re.fullmatch(r"\d{1,9}", fields[-2]) or len(fields[-1]) < 16:
        return Damaged("its first line is damaged")
    *own, count, checksum = fields
    characters = _NO_BASE64.sub("", inside)
    if not ended:
        return Damaged(f"its end is cut off: {min(len(characters), int(count))} of {count} characters are there")
    for candidate in (characters, spare):
        data = _decoded(candidate)
        if len(candidate) == int(count) and data is not None and _checksum(data).startswith(checksum):
            return Block(tuple(own), data)
    if len(characters) != int(count):
        return Damaged(f"it has {len(characters)} characters instead of {count}")
    return Damaged("some of its characters were changed: its checksum does not hold")


def _plain(text: str) -> str:
    """Without the escapes of JSON, of HTML and of terminals."""
    text = html.unescape(_TAG.sub("", text))
    return _COLOUR.sub("", _ESCAPE.sub(_unescaped, text))


def _unescaped(found: re.Match[str]) -> str:
    return chr(int(found[1], 16)) if found[1] else _ESCAPED.get(found[2], found[2])


def _behind_prefixes(plain: str, head: str, end: str) -> str:
    """The last run of each line between the marks: for logs that put a stamp before each line."""
    inside = plain.partition(head)[2].partition(end)[0].rpartition("\n")[0]
    return "".join((_RUN.findall(line) or [""])[-1] for line in inside.split("\n"))


def _decoded(characters: str) -> bytes | None:
    try:
        return base64.b64decode(characters, validate=True)
    except (binascii.Error, ValueError):
        return None


def _checksum(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
