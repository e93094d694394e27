"""Records what a piece of code does to a folder, and plays back what a power cut would have left of it.

The model is a file system at its worst: a file's bytes are there only as far as they were synced, names only as far
as their folder was synced. A change of a name is whole or not made; of those that were not synced, the last ones are
lost in all folders alike, or all of them in some of the folders and none in the others.
"""

from __future__ import annotations

import itertools
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_active: list[Recording] = []


@dataclass(frozen=True)
class Step:
    """`kind`: make, folder, rename, remove, sync (with the file's bytes), sync folder. Paths are relative."""

    kind: str
    path: str
    other: str = ""
    content: bytes = b""


@dataclass
class Recording:
    root: Path
    before: dict[str, bytes] = field(default_factory=dict)
    steps: list[Step] = field(default_factory=list)

    def inside(self, path: object) -> str | None:
        try:
            return str(Path(os.fsdecode(path)).relative_to(self.root))  # type: ignore[arg-type]
        except (ValueError, TypeError):
            return None

    def note(self, event: str, arguments: tuple[Any, ...]) -> None:
        path = self.inside(arguments[0]) if arguments else None
        if path is None:
            return
        if event == "open" and arguments[2] & os.O_CREAT and not (self.root / path).exists():
            self.steps.append(Step("make", path))
        elif event == "os.mkdir" and not (self.root / path).exists():
            self.steps.append(Step("folder", path))
        elif event == "os.remove" and (self.root / path).exists():
            self.steps.append(Step("remove", path))
        elif event == "os.rename":
            self.steps.append(Step("rename", path, self.inside(arguments[1]) or ""))


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if _active and event in ("open", "os.mkdir", "os.remove", "os.rename"):
        _active[-1].note(event, arguments)


@contextmanager
def recorded(root: Path) -> Iterator[Recording]:
    """All changes below `root` made by this process meanwhile, in their order."""
    if not getattr(sys, "_vmext_recording", False):
        sys.addaudithook(_hook)  # it can't be taken out again
        sys._vmext_recording = True  # type: ignore[attr-defined]
    recording = Recording(root, {str(file.relative_to(root)): file.read_bytes() for file in _files(root)})
    fsync = os.fsync

    def sync(fd: Any) -> None:
        fsync(fd)
        path = recording.inside(Path(f"/proc/self/fd/{fd}").readlink())
        if path is None:
            return
        place = root / path
        step = Step("sync folder", path) if place.is_dir() else Step("sync", path, content=place.read_bytes())
        recording.steps.append(step)

    _active.append(recording)
    os.fsync = sync
    try:
        yield recording
    finally:
        os.fsync = fsync
        _active.pop()


def _files(root: Path) -> list[Path]:
    return [file for file in root.rglob("*") if file.is_file()]


def after_power_cuts(recording: Recording) -> Iterator[tuple[str, dict[str, bytes]]]:
    """For a cut after each step: the files as they are found, for each choice of unsynced changes of names that
    are lost. Names of files whose bytes were never synced hold nothing, or the half of what was to come."""
    for cut in range(len(recording.steps) + 1):
        done = recording.steps[:cut]
        for lost in _losses(done):
            for half in (False, True):
                state = _state(recording, [step for step in done if step not in lost], half)
                for step in lost:
                    if step.kind == "folder":
                        state = {name: data for name, data in state.items() if not name.startswith(f"{step.path}/")}
                yield f"cut after {cut} steps, {[step.path for step in lost]} lost", state


def _losses(done: list[Step]) -> list[list[Step]]:
    """Each choice of changes of names that may be lost."""
    unsynced: list[Step] = []
    for step in done:
        if step.kind == "sync folder":
            unsynced = [one for one in unsynced if step.path not in _folders(one)]
        elif step.kind != "sync":
            unsynced.append(step)
    choices = [unsynced[number:] for number in range(len(unsynced) + 1)]
    folders = sorted({_folders(step)[0] for step in unsynced})
    for count in range(1, len(folders)):
        for some in itertools.combinations(folders, count):
            choices.append([step for step in unsynced if _folders(step)[0] in some])
    return choices


def _folders(step: Step) -> list[str]:
    """Those that hold the name, its new one first."""
    return [str(Path(name).parent) for name in (step.other, step.path) if name]


def _state(recording: Recording, steps: list[Step], half: bool) -> dict[str, bytes]:
    files = dict(recording.before)
    coming = {step.path: step.content for step in recording.steps if step.kind == "sync"}
    for step in steps:
        if step.kind == "make":
            whole = coming.get(step.path, b"")
            files[step.path] = whole[: len(whole) // 2] if half else b""
        elif step.kind == "sync" and step.path in files:
            files[step.path] = step.content
        elif step.kind == "remove":
            files.pop(step.path, None)
        elif step.kind == "rename" and step.path in files:
            files[step.other] = files.pop(step.path)
    return files
