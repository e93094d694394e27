"""waagent.log and CommandExecution.log of the Linux guest agent, of all its versions (Azure/WALinuxAgent)."""

from __future__ import annotations

import base64
import binascii
import re
import zlib
from dataclasses import replace
from datetime import datetime

from collector.parse.heads import Format, Head, level_of
from collector.parse.stamps import Stamp, iso_stamp, microseconds

#: From 2.2.46: UTC with Z, then level, from 2.2.47 a thread, a prefix. Before: local time.
_HEAD = re.compile(
    r"(?:(?P<iso>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z)|(?P<local>\d{4}/\d\d/\d\d \d\d:\d\d:\d\d)\.(?P<fraction>\d+))"
    r" (?P<level>VERBOSE|INFO|WARNING|ERROR|DEBUG)(?: |$)(?P<rest>.*)",
    re.DOTALL,
)
_PREFIX = re.compile(
    r"(?:(?P<thread>[A-Za-z]\w*) )??(?:(?P<part>ExtHandler|Daemon|LogCollector|CollectLogs)(?: |$)"
    r"|\[(?P<extension>[A-Za-z][\w.]*[\w])-(?P<version>\d+(?:\.\d+)+)\] ?)(?P<rest>.*)",
    re.DOTALL,
)
_EVENT = re.compile(
    r"Event: name=(?P<name>[^,]*), op=(?P<op>[^,]*), message=(?P<message>.*?)(?:, duration=\d+)?\s*$",
    re.DOTALL,
)
_ENCODED = re.compile(r"^eJ[A-Za-z0-9+/\s]{8,}={0,2}$")
_LONGEST_DECODED = 262_144  # bytes


def head(text: str) -> Head | None:
    found = _HEAD.match(text)
    if found is None:
        return None
    stamp = _stamp(found)
    if stamp is None:
        return None
    rest, extension, version, thread = found["rest"], None, None, ""
    prefix = _PREFIX.match(rest)
    if prefix:
        rest, extension, version = prefix["rest"], prefix["extension"], prefix["version"]
        thread = prefix["thread"] or ""
        if prefix["part"] and not thread and (again := _PREFIX.match(rest)) and not again["thread"]:
            # "ExtHandler ExtHandler msg": the first word was the thread
            thread, rest = prefix["part"], again["rest"]
            extension, version = again["extension"], again["version"]
    fields = {"thread": thread} if thread else {}
    return Head(stamp, level_of(found["level"]), rest, extension, version, fields=fields)


def _stamp(found: re.Match[str]) -> Stamp | None:
    if found["iso"]:
        return iso_stamp(found["iso"])
    try:
        moment = datetime.strptime(found["local"], "%Y/%m/%d %H:%M:%S")  # noqa: DTZ007 - local on purpose
    except ValueError:
        return None
    return Stamp(moment.replace(microsecond=microseconds(found["fraction"])), "local")


def finish(head: Head, message: str) -> tuple[Head, str]:
    """Takes events apart, and decodes what agents of about 2.2.31 to 2.2.5x wrote compressed."""
    event = _EVENT.search(message) if "Event: " in message else None
    if event is None:
        return head, message
    fields = {**head.fields, "name": event["name"], "op": event["op"]}
    text = event["message"]
    decoded = decode(text)
    if decoded is not None:
        fields["encoded"] = "zlib"
        text = decoded
    return replace(head, extension=event["name"] or head.extension, operation=event["op"], fields=fields), text.strip()


def decode(text: str) -> str | None:
    """The text behind base64 of zlib data, None if it is none."""
    if not _ENCODED.match(text):
        return None
    try:
        unpacked = zlib.decompressobj().decompress(base64.b64decode(text), _LONGEST_DECODED)
    except (binascii.Error, zlib.error, ValueError):
        return None
    return unpacked.decode("utf-8", "replace")


FORMAT = Format("waagent", head, finish)
