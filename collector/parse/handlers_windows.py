"""Formats of single Windows handlers, one small head each."""

from __future__ import annotations

import html
import re

from collector.parse.heads import Format, Head, level_of
from collector.parse.stamps import iso_stamp, slashed_stamp, us_stamp

#: JsonADDomainExtension: TABs and seven digits, UTC.
_DOMAIN_JOIN = re.compile(
    r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z)\s{1,8}\[(\w{1,20})\]:\s{0,8}(.*)", re.DOTALL
)
#: IaaSDiagnostics: US 12-hour stamp; ``: 0 :`` is a trace id.
_DIAGNOSTICS = re.compile(
    r"(\S{1,100}\.exe) (\w{1,20}): \d{1,9} : \[(\d\d?/\d\d?/\d{4} \d\d?:\d\d:\d\d(?: [AP]M)?)\] ?(.*)", re.DOTALL
)
#: ManagedIdentityExtensionForWindows.
_MSI = re.compile(
    r"\[MSIXTN-HANDLER-(\d[\d.]{0,20})?[^\]]{0,60}\](\d{4}/\d\d/\d\d \d\d:\d\d:\d\d) (?:([A-Z]{1,20}): ?)?(.*)",
    re.DOTALL,
)
#: VmAgentInstaller.xml.
_XML = re.compile(r'\s{0,40}<Event time="([^"]{19,40})" category="(\w{1,20})"[^<>]{0,400}>(.*)', re.DOTALL)
_TAG = re.compile(r"</?[A-Za-z][^<>]{0,400}>")


def domain_join(text: str) -> Head | None:
    found = _DOMAIN_JOIN.match(text)
    stamp = iso_stamp(found[1]) if found else None
    return Head(stamp, level_of(found[2]), found[3]) if found and stamp else None


def diagnostics(text: str) -> Head | None:
    found = _DIAGNOSTICS.match(text)
    stamp = us_stamp(found[3]) if found else None
    if found is None or stamp is None:
        return None
    return Head(stamp, level_of(found[2]), found[4], fields={"program": found[1]})


def msi(text: str) -> Head | None:
    found = _MSI.match(text)
    stamp = slashed_stamp(found[2]) if found else None
    if found is None or stamp is None:
        return None
    return Head(stamp, level_of(found[3] or ""), found[4], version=found[1] or None)


def xml_event(text: str) -> Head | None:
    found = _XML.match(text)
    stamp = iso_stamp(found[1]) if found else None
    return Head(stamp, level_of(found[2]), found[3]) if found and stamp else None


def without_tags(head: Head, message: str) -> tuple[Head, str]:
    """The event's text; its end tag may stand lines after its head, with the end of the document."""
    return head, html.unescape(_TAG.sub("", message)).strip()


DOMAIN_JOIN = Format("domain-join", domain_join)
DIAGNOSTICS = Format("wad", diagnostics)
MSI = Format("msi", msi)
XML_EVENTS = Format("xml-events", xml_event, without_tags)
