"""Which processes of this machine work in a folder that is laid out like another machine's disk."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

from collector.discover.handler_paths import extension_in
from collector.discover.processes import Running, ancestors, children, plain, told, tree_below
from collector.platforms import proc as procfs

#: A log's folder is named like its extension.
_LOG_FOLDER = re.compile(r"[\\/](?:azure|[Pp]lugins)[\\/](?P<name>[A-Za-z][\w-]*(?:\.[A-Za-z][\w-]*)+)[\\/]")
#: vmext itself works in the folder as well.
_OURS = re.compile(r"(?:^|[\s/\\])vmext(?:\.exe)?(?:\s|$)|\s-m collector(?:\s|$)")


class Below:
    """Answers for processes whose command line, working folder or open files lie below a folder."""

    def __init__(self, root: Path) -> None:
        given = {str(root.absolute()), str(root.resolve())}
        folders = [folder.rstrip(os.sep) for folder in given]
        self._named = tuple(f"{folder}{end}" for folder in folders for end in (os.sep, " "))

    def places(self, one: Running) -> list[str]:
        """What of it lies there, the most telling first."""
        if _OURS.search(one.command):
            return []
        cwd = told(one.process.cwd) or ""
        open_now = procfs.descriptors(one.pid).values()
        return [text for text in (one.command, f"{plain(cwd)}{os.sep}", *open_now) if self._is_below(text)]

    def _is_below(self, text: str) -> bool:
        return any(named in f"{text} " for named in self._named)


def of_folder(everything: Mapping[int, Running], below: Below, own: int) -> Mapping[int, str | None]:
    """The processes and all that they started, with the extension of each where it is known. Neither the process
    `own` is among them nor one that it was started by."""
    beneath = children(everything)
    left_out = {own, *ancestors(own, everything)}
    extensions: dict[int, str | None] = {}
    for pid, one in everything.items():
        if pid not in left_out and (places := below.places(one)):
            extensions[pid] = next((name for text in places if (name := _extension(text))), None)
    chosen: dict[int, str | None] = {}
    for pid in tree_below(extensions, beneath):
        if pid not in left_out and not _OURS.search(everything[pid].command):
            above = (extensions.get(upper) for upper in (pid, *ancestors(pid, everything)))
            chosen[pid] = next((extension for extension in above if extension), None)
    return chosen


def _extension(text: str) -> str | None:
    found = _LOG_FOLDER.search(text)
    return extension_in(text) or (found["name"] if found else None)
