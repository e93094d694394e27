"""waagent.log and CommandExecution.log of the Linux guest agent 2.0: local time in whole seconds, no level but ``ERROR:``.

A command that failed is told in several lines, of which the first has the code and the last names the extension
(Azure/azure-linux-extensions:Common/WALinuxAgent-2.0.16/waagent); they are one record:

    2016/08/04 10:16:36 ERROR:Process 32178 returned non-zero exit code (126)
    2016/08/04 10:16:36 SetHandlerState: Pub.Type-1.4.1.0, NotInstalled
    2016/08/04 10:16:36 ERROR:Installation failed for Pub.Type-1.4.1.0

The agent may have been updated since the file began: then later lines have the form of its successors.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

from collector.parse import pyext, waagent
from collector.parse.heads import Format, Head, Unfinished
from collector.parse.stamps import Stamp

_HANDLER = r"(?P<extension>[A-Za-z][\w.]{0,200})-(?P<version>\d{1,9}(?:\.\d{1,9}){1,8})"
_FAILED = re.compile(rf"(?:^|\n)(?P<what>Installation|Enable|Update|Disable|Uninstall) failed for {_HANDLER}")
_OPERATIONS = {"Installation": "Install"}
#: How the first line of a command that failed begins.
_FIRST = ("Process ", "Exception launching ", "Error launching ", "HandlerManifest.json", "Unable to read ")
_SET = "SetHandlerState: "
#: The agent writes these lines at once; between two of them the clock goes on by a second at most.
_AT_ONCE = timedelta(seconds=2)


def head(text: str) -> Head | None:
    return waagent.head(text) or pyext.head(text)


def quick_stamp(text: str) -> Stamp | None:
    return waagent.quick_stamp(text) or pyext.quick_stamp(text)


def belongs(opened: Unfinished, head: Head, text: str) -> str | None:
    """The lines after the first of a command that failed, until the extension is named."""
    if waagent.quick_stamp(opened.raw[0]) is not None:
        return waagent.belongs(opened, head, text)
    before, now = opened.head.stamp, head.stamp
    if (
        before is None
        or now is None
        or before.basis != now.basis
        or not timedelta(0) <= now.moment - before.moment <= _AT_ONCE
    ):
        return None
    if not opened.message[0].startswith(_FIRST) or _FAILED.match(opened.message[-1]):
        return None
    return head.message if head.message.startswith(_SET) or _FAILED.match(head.message) else None


def finish(head: Head, message: str) -> tuple[Head, str]:
    """The extension and the operation that a failure names."""
    found = _FAILED.search(message)
    if found is None:
        return waagent.finish(head, message)
    operation = _OPERATIONS.get(found["what"], found["what"])
    named = replace(head, extension=found["extension"], version=found["version"], operation=operation)
    return replace(named, fields={**head.fields, "name": found["extension"], "op": operation}), message


FORMAT = Format("waagent-old", head, finish, belongs, quick_stamp=quick_stamp)
