"""Walks below a root that may be another machine's disk: bounded, and never out of it."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fnmatch import translate
from functools import lru_cache
from itertools import islice
from pathlib import Path

from collector.platforms.files import long_name, open_to_read
from collector.platforms.paths import drive_of, reachable

#: Names listed at most in one run and in one folder, and links followed one after another.
MOST_FILES, MOST_IN_FOLDER, _MOST_LINKS = 50_000, 10_000, 16
#: What Windows writes before an absolute path, and the drive letter after it.
_DEVICE = re.compile(r"^(?://[?.]/|/\?\?/)")
#: What Windows calls a mount point: it leads away as a link does, though lstat calls it a folder (winnt.h).
_JUNCTION = 0xA0000003
_DRIVE = re.compile(r"^([A-Za-z]):")


@lru_cache(maxsize=1024)
def _pattern(glob: str, fold: bool) -> re.Pattern[str]:
    return re.compile(translate(glob), re.IGNORECASE if fold else 0)


def shown(path: str) -> str:
    """A path as text that can be encoded: bytes of a name that are no UTF-8 as ``\\xff``."""
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


@dataclass(slots=True)
class Tree:
    """One disk. `fold`: names are matched without regard to case, as on a Windows disk."""

    root: Path
    fold: bool
    denied: dict[str, str] = field(default_factory=dict)  # relative path of a folder -> reason
    crowded: dict[str, str] = field(default_factory=dict)  # of a folder that was not listed whole -> reason
    most_files: int = MOST_FILES
    most_in_folder: int = MOST_IN_FOLDER
    _listed: int = 0
    _names: dict[str, list[str]] = field(default_factory=dict)

    def glob(self, pattern: str) -> Iterator[str]:
        """Relative paths that match, in order; links lead to where they point inside the root."""
        found = [""]
        for part in pattern.split("/"):
            found = [path for base in found for path in self._children(base, part)]
        yield from found

    def read(self, path: str, most_bytes: int = 1_048_576) -> bytes | None:
        """The beginning of a small file inside the root; None where there is none that can be read."""
        file = self.resolve(path)
        try:
            if file is None or not file.is_file():
                return None
            with os.fdopen(open_to_read(file), "rb") as stream:
                return stream.read(most_bytes)
        except (OSError, ValueError):
            return None

    def _children(self, base: str, part: str) -> Iterator[str]:
        if not self.fold and not any(mark in part for mark in "*?["):
            path = f"{base}/{part}" if base else part
            if self._exists(base, part):
                yield path
            return
        matches = _pattern(part, self.fold).match
        for name in self._list(base):
            if matches(name):
                yield f"{base}/{name}" if base else name

    def _exists(self, base: str, name: str) -> bool:
        folder = self.resolve(base)
        try:
            if folder is None:
                return False
            os.lstat(reachable(folder / name))
        except PermissionError:
            self.denied.setdefault(base, "no permission to enter the folder")
            return False
        except (OSError, ValueError):
            return False
        return True

    def _list(self, path: str) -> list[str]:
        if path not in self._names:
            self._names[path] = self._scan(path)
        return self._names[path]

    def _scan(self, path: str) -> list[str]:
        left = self.most_files - self._listed
        most = min(self.most_in_folder, left)
        folder = self.resolve(path)
        if folder is None:
            return []
        try:
            with os.scandir(folder) as entries:
                names = sorted(entry.name for entry in islice(entries, most + 1))
        except PermissionError:
            self.denied[path] = "no permission to list the folder"
            return []
        except OSError:
            return []  # vanished, or no folder: there is nothing to find in it
        if len(names) > most:
            names = names[:most]
            self.crowded[path] = (
                f"more than {self.most_in_folder} names in one folder; only {most} were looked at"
                if most == self.most_in_folder
                else f"more than {self.most_files} names on the disk; only {most} of this folder were looked at"
            )
        self._listed += len(names)
        return names

    def resolve(self, path: str) -> Path | None:
        """Where a relative path lies on this machine, every link on the way taken inside the root.

        None for a loop or a link that leads out of the disk.
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
            name, target = self._look(done, part)
            if name is None:  # nothing there, or closed: opening it says which
                return None if ".." in left else reachable(self.root.joinpath(*done, part, *left))
            if target is None:
                done.append(name)
                continue
            links += 1
            led = _inside(target, self.fold, drive_of(self.root))
            if links > _MOST_LINKS or led is None:
                return None
            absolute, parts = led
            done = [] if absolute else done
            left = [*parts, *left]
        return reachable(self.root.joinpath(*done))

    def _look(self, folder: Sequence[str], name: str, *, again: bool = False) -> tuple[str | None, str | None]:
        """The name as the disk spells it (None where there is nothing) and where it leads if it is a link."""
        here = reachable(self.root.joinpath(*folder, name))
        try:
            status = os.lstat(here)
            if "~" in name and self.fold:
                name = long_name(here)
            if not stat.S_ISLNK(status.st_mode) and getattr(status, "st_reparse_tag", 0) != _JUNCTION:
                return name, None
            return name, str(here.readlink())
        except FileNotFoundError:
            spelled = self._spelled(folder, name) if self.fold and not again else None
            return self._look(folder, spelled, again=True) if spelled else (None, None)
        except (OSError, ValueError):
            return None, None

    def _spelled(self, folder: Sequence[str], name: str) -> str | None:
        lower = name.lower()
        return next((one for one in self._list("/".join(folder)) if one.lower() == lower and one != name), None)


def _inside(target: str, fold: bool, drive: str) -> tuple[bool, list[str]] | None:
    """Whether a link's target is absolute, and its parts; None for another drive, a volume or a share."""
    if fold:
        target = target.replace("\\", "/")
        device = _DEVICE.match(target)
        target = target[device.end() :] if device else target
        letter = _DRIVE.match(target)
        if letter is not None:
            if f"{letter[1]}:".lower() not in ("c:", drive.lower()):
                return None
            target = "/" + target[letter.end() :].lstrip("/")
        elif device is not None or target.startswith("//"):
            return None
    return target.startswith("/"), [one for one in target.split("/") if one not in ("", ".")]
