"""CommandExecution.log: what the guest agent says of a handler's commands.

The Linux agent writes it in its own form (Azure/WALinuxAgent:azurelinuxagent/ga/exthandlers.py). The form of the
Windows agent is not documented; ``[ISO stamp] text`` is read as the generic parser does.
"""

from __future__ import annotations

from collector.parse import generic, waagent
from collector.parse.heads import Format, Head, Unfinished
from collector.parse.stamps import Stamp


def head(text: str) -> Head | None:
    return generic.head(text) if text.startswith("[") else waagent.head(text)


def quick_stamp(text: str) -> Stamp | None:
    if not text.startswith("["):
        return waagent.quick_stamp(text)
    told = generic.head(text)
    return told.stamp if told is not None else None


def belongs(opened: Unfinished, head: Head, text: str) -> str | None:
    """A script's own stamps in brackets, below a record of the Linux agent, are its output."""
    if text.startswith("["):
        return None if opened.raw[0].startswith("[") else text
    return waagent.belongs(opened, head, text)


FORMAT = Format("command-execution", head, waagent.finish, belongs, quick_stamp=quick_stamp)
