"""CommandExecution.log: what the guest agent says of a handler's commands.

The Linux agent writes it in its own form (Azure/WALinuxAgent:azurelinuxagent/ga/exthandlers.py). The form of the
Windows agent is not documented; ``[stamp] text`` is read as the generic parser does. In public samples
(MicrosoftDocs/azure-docs#90008 and #34559, chef-partners/azure-chef-extension#225) it tells of a command

    [stamp] Executing: C:\\Packages\\Plugins\\Publisher.Type\\1.0\\enable.cmd
    [stamp] Execution Complete.
    ######
    Execution Output:
    ...
    Execution Error:
    ...
    ######
"""

from __future__ import annotations

import re

from collector.parse import generic, waagent
from collector.parse.heads import Format, Head, Unfinished
from collector.parse.stamps import Stamp

#: A line with which the Windows agent itself begins a record.
_BEGINS = re.compile(r"\[[^\]]{8,40}\] {1,4}(?:Executing: |Execution Complete)")
_RULER = "######"


def head(text: str) -> Head | None:
    return generic.head(text) if text.startswith("[") else waagent.head(text)


def quick_stamp(text: str) -> Stamp | None:
    if not text.startswith("["):
        return waagent.quick_stamp(text)
    told = generic.head(text)
    return told.stamp if told is not None else None


def belongs(opened: Unfinished, head: Head, text: str) -> str | None:
    """A script's own stamps in brackets, below a record of the Linux agent, are its output; so are all stamps between
    the rulers of the Windows agent."""
    if opened.head.message.startswith("Execution Complete") and not _is_closed(opened):
        return None if _BEGINS.match(text) else text
    if text.startswith("["):
        return None if opened.raw[0].startswith("[") else text
    return waagent.belongs(opened, head, text)


def _is_closed(opened: Unfinished) -> bool:
    """Whether the second ruler has come; the first stands above the output."""
    return len(opened.message) > 3 and any(line.strip() == _RULER for line in opened.message[-2:])


FORMAT = Format("command-execution", head, waagent.finish, belongs, quick_stamp=quick_stamp)
