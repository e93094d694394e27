"""waagent.log and CommandExecution.log of the Linux guest agent, of all its versions (Azure/WALinuxAgent)."""

from __future__ import annotations

import base64
import binascii
import re
import zlib
from dataclasses import replace

from collector.parse.heads import Format, Head, Unfinished, level_of
from collector.parse.stamps import Stamp, iso_stamp, slashed_stamp
from collector.parse.terminal import shown

#: From 2.2.46: UTC with Z, then level, from 2.2.47 a thread, a prefix. Before: local time.
_STAMP = re.compile(
    r"(?:(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z)|(\d{4}/\d\d/\d\d \d\d:\d\d:\d\d\.\d{1,9}))"
    r" (VERBOSE|INFO|WARNING|ERROR|DEBUG)(?: |$)"
)
_PREFIX = re.compile(
    r"(?:(?P<thread>[A-Za-z][\w-]{0,60}) )??(?:(?P<part>ExtHandler|Daemon|LogCollector|CollectLogs)(?: |$)"
    r"|\[(?P<extension>[A-Za-z][\w.]{0,200})-(?P<version>\d{1,9}(?:\.\d{1,9}){1,8})\] ?)(?P<rest>.*)",
    re.DOTALL,
)
_EVENT = re.compile(r"Event: name=([^,]{0,300}), op=([^,]{0,100}), message=")
#: Where an event may begin in a message, in characters.
_NEAR = 100
_DURATION = re.compile(r", duration=\d{1,20}\s{0,9}$")
#: What an event's last words look like, so much of its end is looked at.
_TAIL = 64
#: The agent keeps 3,200 characters of a command's output, each of which it may write as four (``\\xe9``).
_LONGEST_OUTPUT = 16_000
_ENCODED = re.compile(r"(eJ[A-Za-z0-9+/]{8,})={0,2}(?:\.\.\.)?(?:\[TRUNCATED\])?")
_LONGEST_DECODED = 262_144  # bytes
#: Of a message that was cut, so many characters must come out readable.
_SHORTEST_CUT = 8


def head(text: str) -> Head | None:
    found = _STAMP.match(text)
    stamp = _stamp(found)
    if found is None or stamp is None:
        return None
    level, rest = found[3], text[found.end() :]
    prefix = _PREFIX.match(rest)
    if prefix is None:
        return Head(stamp, level_of(level), rest)
    thread, part, extension, version, rest = prefix.groups()
    if part and not thread and (again := _PREFIX.match(rest)) and not again["thread"]:
        # "ExtHandler ExtHandler msg": the first word was the thread
        thread = part
        _, _, extension, version, rest = again.groups()
    return Head(stamp, level_of(level), rest, extension, version, fields={"thread": thread} if thread else {})


def quick_stamp(text: str) -> Stamp | None:
    return _stamp(_STAMP.match(text))


def _stamp(found: re.Match[str] | None) -> Stamp | None:
    if found is None:
        return None
    return iso_stamp(found[1]) if found[1] else slashed_stamp(found[2])


def belongs(opened: Unfinished, head: Head, text: str) -> str | None:
    """Whether a head is only quoted in the output of a command that an unfinished record holds.

    What a command printed is older than the record that tells of it. A line of the old local form among the new is
    printed by the command as well: the agent writes a record at once.
    """
    if len(opened.message) < 2 or opened.size > _LONGEST_OUTPUT:
        return None
    if "[stdout]" not in opened.message and "[stderr]" not in opened.message:
        return None
    if _DURATION.search(opened.message[-1][-_TAIL:]) and _STAMP.match(opened.raw[-1]) is None:
        return None
    outer, inner = opened.head.stamp, head.stamp
    if outer is None or inner is None:
        return None
    is_quoted = inner.basis == "local" if outer.basis != inner.basis else inner.moment < outer.moment
    return text if is_quoted else None


def finish(head: Head, message: str) -> tuple[Head, str]:
    """Takes events apart, and decodes what agents of about 2.2.31 to 2.2.5x wrote compressed."""
    begin = message.find("Event: name=", 0, _NEAR)
    event = _EVENT.match(message, begin) if begin >= 0 else None
    if event is None:
        return head, message
    name, operation = event.groups()
    fields = {**head.fields, "name": name, "op": operation}
    text = message[event.end() :]
    if duration := _DURATION.search(text, max(0, len(text) - _TAIL)):
        text = text[: duration.start()]
    decoded = decode(text)
    if decoded is not None:
        fields["encoded"] = "zlib"
        text = shown(decoded)
    return replace(head, extension=name or head.extension, operation=operation, fields=fields), text.strip()


def decode(text: str) -> str | None:
    """The text behind base64 of zlib data, as far as it goes if its end is missing; None if it is none."""
    found = _ENCODED.fullmatch("".join(text.split())) if text.startswith("eJ") else None
    if found is None:
        return None
    packed = found[1]
    packed = packed[: len(packed) - (len(packed) % 4 == 1)]
    unpacker = zlib.decompressobj()
    try:
        unpacked = unpacker.decompress(base64.b64decode(packed + "=" * (-len(packed) % 4)), _LONGEST_DECODED)
    except (binascii.Error, zlib.error, ValueError):
        return None
    decoded = unpacked.decode("utf-8", "replace")
    if unpacker.eof or len(unpacked) == _LONGEST_DECODED:
        return decoded
    is_text = len(decoded) >= _SHORTEST_CUT and all(char.isprintable() or char in "\r\n\t" for char in decoded)
    return decoded if is_text else None


FORMAT = Format("waagent", head, finish, belongs, quick_stamp=quick_stamp)
