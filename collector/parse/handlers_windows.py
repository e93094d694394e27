"""Formats of single Windows handlers, one small head each."""

from __future__ import annotations

import re
from datetime import datetime

from collector.parse.heads import Format, Head, level_of
from collector.parse.stamps import Stamp, iso_stamp

#: JsonADDomainExtension: TABs and seven digits, UTC.
_DOMAIN_JOIN = re.compile(r"(\d{4}-\d\d-\d\dT[\d:.]+Z)\s+\[(\w+)\]:\s*(.*)", re.DOTALL)
#: IaaSDiagnostics: US 12-hour stamp; ``: 0 :`` is a trace id.
_DIAGNOSTICS = re.compile(
    r"(?P<program>\S+\.exe) (?P<level>\w+): \d+ : \[(?P<stamp>\d\d?/\d\d?/\d{4} \d\d?:\d\d:\d\d [AP]M)\] ?(?P<rest>.*)",
    re.DOTALL,
)
#: ManagedIdentityExtensionForWindows.
_MSI = re.compile(r"\[MSIXTN-HANDLER-[^\]]*\](\d{4}/\d\d/\d\d \d\d:\d\d:\d\d) (?:(\w+): ?)?(.*)", re.DOTALL)
#: VmAgentInstaller.xml.
_XML = re.compile(r'\s*<Event time="([^"]+)" category="(\w+)"[^>]*>(.*)', re.DOTALL)


def domain_join(text: str) -> Head | None:
    found = _DOMAIN_JOIN.match(text)
    stamp = iso_stamp(found[1]) if found else None
    return Head(stamp, level_of(found[2]), found[3]) if found and stamp else None


def diagnostics(text: str) -> Head | None:
    found = _DIAGNOSTICS.match(text)
    moment = _parsed(found["stamp"], "%m/%d/%Y %I:%M:%S %p") if found else None
    if found is None or moment is None:
        return None
    return Head(Stamp(moment, "local"), level_of(found["level"]), found["rest"], fields={"program": found["program"]})


def msi(text: str) -> Head | None:
    found = _MSI.match(text)
    moment = _parsed(found[1], "%Y/%m/%d %H:%M:%S") if found else None
    return Head(Stamp(moment, "local"), level_of(found[2] or ""), found[3]) if found and moment else None


def xml_event(text: str) -> Head | None:
    found = _XML.match(text)
    stamp = iso_stamp(found[1]) if found else None
    if found is None or stamp is None:
        return None
    return Head(stamp, level_of(found[2]), re.sub(r"</?[A-Za-z][^>]*>", "", found[3]).strip())


def _parsed(text: str, form: str) -> datetime | None:
    try:
        return datetime.strptime(text, form)  # noqa: DTZ007 - local on purpose
    except ValueError:
        return None


DOMAIN_JOIN = Format("domain-join", domain_join)
DIAGNOSTICS = Format("wad", diagnostics)
MSI = Format("msi", msi)
XML_EVENTS = Format("xml-events", xml_event)
