"""Walks below a root that may be another machine's disk: bounded, and never out of it."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from fnmatch import translate
from functools import lru_cache
from pathlib import Path

#: Files listed at most in one run, and links followed one after another.
MOST_FILES, _MOST_LINKS = 50_000, 16


@lru_cache(maxsize=1024)
def _pattern(glob: str, fold: bool) -> re.Pattern[str]:
    return re.compile(translate(glob), re.IGNORECASE if fold else 0)


@dataclass(slots=True)
class Tree:
    """One disk. `fold`: names are matched without regard to case, as on a Windows disk."""

    root: Path
    fold: bool
    denied: dict[str, str] = field(default_factory=dict)  # relative path of a folder -> reason
    listed: int = 0
    full: bool = False
    _names: dict[str, list[str]] = field(default_factory=dict)

    def glob(self, pattern: str) -> Iterator[str]:
        """Relative paths that match, in order; links lead to where they point inside the root."""
        found = [""]
        for part in pattern.split("/"):
            found = [path for base in found for path in self._children(base, part)]
        yield from found

    def _children(self, base: str, part: str) -> Iterator[str]:
        if not self.fold and not any(mark in part for mark in "*?["):
            path = f"{base}/{part}" if base else part
            if self._exists(path):
                yield path
            return
        matches = _pattern(part, self.fold).match
        for name in self._list(base):
            if matches(name):
                yield f"{base}/{name}" if base else name

    def _exists(self, path: str) -> bool:
        try:
            os.lstat(self.root / path)
        except PermissionError:
            self.denied.setdefault(path.rpartition("/")[0], "no permission to enter the folder")
            return False
        except (OSError, ValueError):
            return False
        return True

    def _list(self, path: str) -> list[str]:
        if path in self._names:
            return self._names[path]
        names: list[str] = []
        folder = self.resolve(path)
        try:
            if folder is not None and folder.is_dir():
                names = sorted(entry.name for entry in folder.iterdir())
        except PermissionError:
            self.denied[path] = "no permission to list the folder"
        except OSError:
            names = []  # vanished, or not readable as a folder: there is nothing to find in it
        self.listed += len(names)
        if self.listed > MOST_FILES:
            self.full, names = True, []
        self._names[path] = names
        return names

    def resolve(self, path: str) -> Path | None:
        """Where a relative path lies on this machine, every link on the way taken inside the root.

        None for a loop or a link that leads out by ``..``.
        """
        left = [part for part in path.split("/") if part]
        done: list[str] = []
        links = 0
        while left:
            part = left.pop(0)
            if part == "..":
                if not done:
                    return None
                done.pop()
                continue
            here = self.root.joinpath(*done, part)
            try:
                is_link = stat.S_ISLNK(os.lstat(here).st_mode)
                target = str(here.readlink()) if is_link else ""
            except OSError:
                return here.joinpath(*left)
            if not is_link:
                done.append(part)
                continue
            links += 1
            if links > _MOST_LINKS:
                return None
            parts = [one for one in target.replace("\\", "/").split("/") if one not in ("", ".")]
            if target.startswith("/"):
                done = []
            left = parts + left
        return self.root.joinpath(*done)

    def read(self, path: str, most_bytes: int = 1_048_576) -> bytes | None:
        """The beginning of a small file inside the root; None where there is none that can be read."""
        file = self.resolve(path)
        try:
            if file is None or not file.is_file():
                return None
            with file.open("rb") as stream:
                return stream.read(most_bytes)
        except OSError:
            return None
