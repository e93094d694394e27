"""Logs of an unknown form, and outputs without stamps.

Serves the logs whose form no public text tells: Windows' CommandExecution.log, BGInfo, JsonVMAccessExtension,
AzureMonitorWindowsAgent's Extension.N.log and ExtensionHealth.N.log, Key Vault, DependencyAgent, Microsoft Monitoring
Agent's 0.log. A line begins a record if a stamp stands near its beginning, after blanks alone or after other words that
begin in its first column (an indented line continues a record):

    2021-01-12T16:35:45.123Z     ISO, with T or a blank, a fraction of any length after ``.`` or ``,``, and ``Z``, ``UTC``,
                                 ``GMT``, ``+05:30``, ``+0530``, ``+05`` (the first four also after a blank) or no zone;
                                 within 40 characters
    2021/01/12 16:35:45.123      year first, no zone; within 24 characters
    Sun Nov 17 00:03:18 UTC 2019 as date(1) prints it, at the very beginning; no zone is read from letters but UTC and GMT
    01/12/2021 04:35:45 PM       month first, 12 or 24 hours, no zone; within 24 characters. Day first is not read: where
                                 it could be either, no one can tell

The level is a word such as ERROR, WARN or Information before the stamp or near the beginning of the message: in
capitals anywhere there, in other letters only where it stands first, in brackets or before a colon; or it stands alone
in one of several brackets that the message begins with (Guest Configuration: ``[PID 1] [TID 2] [ext] [ERROR] [id]``).
Stamps without a year (syslog) or without seconds are not read.
"""

from __future__ import annotations

import re

from collector.parse.heads import Format, Head, level_of
from collector.parse.stamps import Stamp, date_stamp, iso_stamp, slashed_stamp, us_stamp

_ISO_STAMP = (
    r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,12})?(?: ?(?:Z|UTC|GMT)\b| ?[+-](?:0\d|1[0-4]):?[0-5]\d(?!\d)"
    r"|[+-](?:0\d|1[0-4])(?![\d:]))?"
)
_SLASHED_STAMP = r"\d{4}/\d\d/\d\d,? \d\d:\d\d:\d\d(?:[.,]\d{1,12})?"
_US_STAMP = r"\d\d?/\d\d?/\d{4},? \d\d?:\d\d:\d\d(?:\.\d{1,12})?(?:[ \u202f]?[AaPp][Mm]\b)?"
_DATE_STAMP = r"[A-Z][a-z][a-z] [A-Z][a-z][a-z] {1,2}\d\d? \d\d:\d\d:\d\d(?: [AP]M)? [A-Z]{3,5} \d{4}"
_REST = r"[\])]?[:,]?\s{0,40}(.*)"


def _near(stamp: str, characters: int) -> re.Pattern[str]:
    """Blanks or other words, a stamp within so many characters, the rest of the line."""
    return re.compile(rf"(\s{{0,{characters}}}|\S.{{0,{characters - 1}}}?)(?<![\d/])({stamp}){_REST}", re.DOTALL)


_FORMS = (
    (_near(_ISO_STAMP, 40), iso_stamp),
    (_near(_SLASHED_STAMP, 24), slashed_stamp),
    (_near(_US_STAMP, 24), us_stamp),
    (re.compile(rf"()({_DATE_STAMP}){_REST}", re.DOTALL), date_stamp),
)
_ISO_AT_START = re.compile(rf"(\[?)({_ISO_STAMP}){_REST}", re.DOTALL)
#: Every stamp has this within its reach: a quick look spares most lines the rest.
_CLOCK = re.compile(r".{0,60}?\d:\d\d:\d\d", re.DOTALL)
_LEVELS = "ERROR|ERR|FATAL|CRITICAL|WARNING|WARN|INFORMATION|INFO|DEBUG|VERBOSE|TRACE"
_CAPITALS = re.compile(rf"\b({_LEVELS})\b")
_MARKED = re.compile(rf"(?:^[^\w]{{0,3}}|[\[(<|\"])({_LEVELS})\b|\b({_LEVELS})[\])>|:]", re.IGNORECASE)
#: Several brackets at the beginning, and one that holds a level and nothing else.
_BRACKETS = re.compile(r"(?:\[[^\[\]]{1,60}\]\s?){2,8}")
_IN_BRACKETS = re.compile(rf"\[({_LEVELS})\]", re.IGNORECASE)
#: The level is looked for this near the start of the message, in characters.
_NEAR = 24


def head(text: str) -> Head | None:
    if _CLOCK.match(text) is None:
        return None
    for pattern, stamp_of in _FORMS:
        found = pattern.match(text)
        stamp = stamp_of(found[2]) if found else None
        if found is not None and stamp is not None:
            return _head(stamp, found[1], found[3])
    return None


def iso_head(text: str) -> Head | None:
    """AKS on Windows: ``Get-Date -Format o`` at the very beginning, then a colon (Azure/AgentBaker)."""
    found = _ISO_AT_START.match(text)
    stamp = iso_stamp(found[2]) if found else None
    return _head(stamp, "", found[3]) if found and stamp else None


def _head(stamp: Stamp, before: str, rest: str) -> Head:
    before = before.strip().rstrip("[( \t")
    level = (before and _level(before)) or _level(rest[:_NEAR]) or _level_in_brackets(rest)
    return Head(stamp, level, f"{before} {rest}".strip())


def _level(text: str) -> str:
    if found := _CAPITALS.search(text):
        return level_of(found[1])
    found = _MARKED.search(text)
    return level_of(found[1] or found[2]) if found else ""


def _level_in_brackets(text: str) -> str:
    brackets = _BRACKETS.match(text)
    found = _IN_BRACKETS.search(brackets[0]) if brackets else None
    return level_of(found[1]) if found else ""


def plain_head(text: str) -> Head | None:
    """Every line of an output stands alone and has no time."""
    return Head(None, "", text, alone=True)


ISO = Format("iso", iso_head)
GENERIC = Format("generic", head)
PLAIN = Format("plain", plain_head, stampless=True)
