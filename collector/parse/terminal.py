"""What a terminal would not show of a line: escape sequences and the carriage returns of progress meters."""

from __future__ import annotations

import re

#: Control sequences (colours, moves), titles and single functions of ECMA-48 and xterm. Bounded: a log may hold
#: beginnings of sequences without an end.
_ESCAPE = re.compile(
    r"\x1b(?:\[[0-?]{0,64}[ -/]{0,8}[@-~]|\][^\x07\x1b]{0,2048}(?:\x07|\x1b\\)?|[()][0-9A-Za-z]|[=>78DEHMc])"
)
_RETURNS = re.compile(r"\n?\r+\n?")


def plain(text: str) -> str:
    """Without escape sequences."""
    return _ESCAPE.sub("", text) if "\x1b" in text else text


def shown(message: str) -> str:
    """A message without escape sequences, each state of a progress meter on a line of its own: nothing is lost."""
    message = plain(message)
    return _RETURNS.sub("\n", message.strip("\r")) if "\r" in message else message
