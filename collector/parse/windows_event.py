"""Events of Windows' event logs: from the XML that Windows renders to lines of a log, and from these to records.

    2026-05-04T03:12:25.1234567Z [ERROR] WindowsAzureGuestAgent 9: Exception processing extension Pub.Type
      the other lines of the message

Times are UTC (Microsoft, Event Schema: TimeCreated). The words of a level are translated, its numbers are not: 1
critical, 2 error, 3 warning, 4 information, 5 verbose (Microsoft, LevelType).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from xml.etree import ElementTree

from collector.parse.heads import Format, Head, level_of
from collector.parse.stamps import iso_stamp

_EVENT = re.compile(r"<Event[ >].*?</Event>", re.DOTALL)
_LEVELS = {"1": "CRITICAL", "2": "ERROR", "3": "WARNING", "4": "INFO", "5": "VERBOSE"}
_HEAD = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z) \[([A-Z]{4,8})\] (.{1,200}?) (\d{1,10}): (.*)")
_INDENT = "  "
_LONGEST = 32_768  # characters of a message; Windows allows no longer string


@dataclass(frozen=True, slots=True)
class WindowsEvent:
    time: str  # as the event tells it, UTC
    level: str
    provider: str
    id: str
    message: str


def text_of(data: bytes) -> str:
    """What a program of Windows printed: UTF-16 if it was asked for that, else UTF-8 as far as it is such."""
    is_wide = data[:2] == b"\xff\xfe" or (len(data) > 1 and data[1] == 0)
    return data.decode("utf-16-le" if is_wide else "utf-8", "replace").removeprefix("\ufeff")


def events_in(text: str) -> Iterator[WindowsEvent | None]:
    """The events in their order; None for one that can't be read. What was cut off at the end is left out."""
    for found in _EVENT.finditer(text):
        yield _event(found[0])


def lines_of(event: WindowsEvent) -> str:
    """The event as lines of a log, with their line ends."""
    first, *rest = [line.rstrip() for line in event.message.splitlines() if line.strip()] or [""]
    head = f"{event.time} [{event.level}] {event.provider} {event.id}: {first}"
    return "".join(f"{line}\n" for line in (head, *(_INDENT + line for line in rest)))


def head(text: str) -> Head | None:
    found = _HEAD.match(text)
    stamp = iso_stamp(found[1]) if found else None
    if found is None or stamp is None:
        return None
    return Head(stamp, level_of(found[2]), found[5], fields={"provider": found[3], "event": found[4]})


def _event(xml: str) -> WindowsEvent | None:
    if "<!" in xml:  # a document of its own kind, with entities that may grow without end
        return None
    try:
        root = ElementTree.fromstring(xml)  # noqa: S314 - see above
    except ElementTree.ParseError:
        return None
    system = {_name(one): one for part in root if _name(part) == "System" for one in part}
    created = system.get("TimeCreated")
    time = created.get("SystemTime", "") if created is not None else ""
    if iso_stamp(time) is None or not time.endswith("Z"):
        return None
    provider = system.get("Provider")
    name = provider.get("Name") or provider.get("EventSourceName") or "" if provider is not None else ""
    level = _LEVELS.get(_text(system.get("Level")), "INFO")
    return WindowsEvent(time, level, " ".join(name.split())[:200] or "?", _id(system), _message(root)[:_LONGEST])


def _id(system: dict[str, ElementTree.Element]) -> str:
    number = _text(system.get("EventID"))
    return number if number.isdecimal() and len(number) <= 10 else "0"


def _message(root: ElementTree.Element) -> str:
    """What Windows made of it, or, where it lacks the texts of the one who wrote it, the values alone."""
    for one in root.iter():
        if _name(one) == "Message" and (told := _text(one)):
            return told
    values = []
    for part in root:
        if _name(part) in ("EventData", "UserData"):
            for one in part.iter():
                if value := _text(one):
                    label = one.get("Name") or ("" if _name(one) == "Data" else _name(one))
                    values.append(f"{label}: {value}" if label else value)
    return ", ".join(values)


def _name(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2]


def _text(element: ElementTree.Element | None) -> str:
    return (element.text or "").strip() if element is not None else ""


def without_indent(head: Head, message: str) -> tuple[Head, str]:
    """The message as the event has it."""
    return head, message.replace(f"\n{_INDENT}", "\n")


FORMAT = Format("windows-event", head, without_indent)
