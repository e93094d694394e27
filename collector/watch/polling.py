"""Finds out by looking whether something came or went in folders."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

#: The places of logs and state files lie at most so deep below the folders that hold them.
_DEPTH = 4
_MOST = 4_096


def folders_below(path: Path, is_deep: bool) -> Iterator[str]:
    """The folder itself and, if it is deep, those below it, at most some thousand. Never raises."""
    level = [str(path)]
    given = 0
    for depth in range(_DEPTH + 1 if is_deep else 1):
        below: list[str] = []
        for folder in level:
            yield folder
            given += 1
            if given >= _MOST:
                return
            if is_deep and depth < _DEPTH:
                below += _inside(folder)
        level = below


def _inside(folder: str) -> list[str]:
    try:
        with os.scandir(folder) as entries:
            return [entry.path for entry in entries if entry.is_dir(follow_symlinks=False)]
    except OSError:
        return []


class FolderTimes:
    """When folders last changed: a name that comes or goes changes its folder's time."""

    def __init__(self) -> None:
        self._times: dict[str, int] = {}

    @property
    def count(self) -> int:
        return len(self._times)

    def learn(self, folders: Iterable[str]) -> None:
        """From now on these folders; of those known already the time is kept."""
        self._times = {folder: self._times.get(folder, 0) or _time(folder) for folder in folders}

    def changed(self) -> bool:
        """Whether one has changed since the last look."""
        found = False
        for folder, before in self._times.items():
            now = _time(folder)
            if now != before:
                self._times[folder] = now
                found = True
        return found


def _time(folder: str) -> int:
    try:
        return Path(folder).stat().st_mtime_ns
    except OSError:
        return -1
