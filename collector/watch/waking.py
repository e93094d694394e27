"""Tells the loop when files change: by the system's own notification where it works, by looking in turns where not.

An event only wakes the loop and names a file; what happened to the file is found out by looking at it. So a lost event
costs time, nothing else, and the loop looks at everything now and then.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from watchdog import events
from watchdog.events import FileSystemEvent, FileSystemEventHandler
from watchdog.observers.api import ObservedWatch

from collector.platforms.file_systems import notifies
from collector.platforms.observing import observer
from collector.watch.polling import FolderTimes, folders_below
from collector.watch.status import Mode

log = logging.getLogger(__name__)

_WANTED: list[type[FileSystemEvent]] = [
    events.FileModifiedEvent,
    events.FileCreatedEvent,
    events.FileDeletedEvent,
    events.FileMovedEvent,
    events.DirCreatedEvent,
    events.DirDeletedEvent,
    events.DirMovedEvent,
]
_GOINGS = (events.EVENT_TYPE_DELETED, events.EVENT_TYPE_MOVED)
_COMINGS = (events.EVENT_TYPE_CREATED, *_GOINGS)
#: The observer notes where each file lay that was renamed, and never forgets it (watchdog 4 to 6, 300 bytes each):
#: after so many it is told to.
_MOST_MOVED = 512
#: Files that are remembered between two turns; beyond so many, everything is looked at.
_MOST_FILES = 4_096
#: An event costs this machine about 50 microseconds; so many in so many seconds are more than looking in turns costs.
_FLOOD_EVENTS, _FLOOD_SECONDS = 100, 0.25
#: Then the folder is looked at in turns for so long, twice as long each time it is flooded again at once.
_CALM_SECONDS, _CALM_MOST_SECONDS = 10.0, 160.0
#: The turns meanwhile; files that were not busy are looked at once a second.
_BUSY_POLL_SECONDS, _REST_POLL_SECONDS = 0.025, 1.0


@dataclass(frozen=True, slots=True)
class Changes:
    """What may have changed. `files`: absolute paths, None for all. `came`: paths that came, went or were renamed.
    `folders`: whether folders did, or something came where only looking in turns is possible."""

    files: frozenset[str] | None = frozenset()
    came: frozenset[str] = frozenset()
    folders: bool = False


class _Inbox(FileSystemEventHandler):
    """Gathers events of all watches; called by watchdog's thread."""

    def __init__(self) -> None:
        self.arrived = threading.Event()
        self.flooded: set[str] = set()  # folders
        self._lock = threading.Lock()
        self._files: set[str] = set()
        self._came: set[str] = set()
        self._folders = False
        self._moved = 0  # or deleted, as a file that is moved out of the folder seems to be
        self._counts: dict[str, tuple[float, int]] = {}

    def of(self, folder: str) -> FileSystemEventHandler:
        return _Door(self, folder)

    def put(self, folder: str, event: FileSystemEvent) -> None:
        with self._lock:
            paths = [str(path) for path in (event.src_path, event.dest_path) if path]
            if event.is_directory:
                self._folders = True
            else:
                self._files.update(paths)
                if event.event_type in _COMINGS:
                    self._came.update(paths)
            self._moved += event.event_type in _GOINGS
            self._count(folder)
        self.arrived.set()

    def take(self) -> Changes:
        with self._lock:
            self.arrived.clear()
            files: frozenset[str] | None = frozenset(self._files)
            if len(self._files) > _MOST_FILES or len(self._came) > _MOST_FILES:
                files, self._folders = None, True
            changes = Changes(files, frozenset(self._came), self._folders)
            self._files.clear()
            self._came.clear()
            self._folders = False
            return changes

    def are_many_moved(self) -> bool:
        """Whether so many files were renamed since this was last so."""
        with self._lock:
            if self._moved < _MOST_MOVED:
                return False
            self._moved = 0
            return True

    def _count(self, folder: str) -> None:
        begin, count = self._counts.get(folder, (0.0, 0))
        now = time.monotonic()
        if now - begin > _FLOOD_SECONDS:
            begin, count = now, 0
        self._counts[folder] = begin, count + 1
        if count + 1 >= _FLOOD_EVENTS:
            self.flooded.add(folder)


class _Door(FileSystemEventHandler):
    def __init__(self, inbox: _Inbox, folder: str) -> None:
        self._inbox = inbox
        self._folder = folder

    def dispatch(self, event: FileSystemEvent) -> None:
        self._inbox.put(self._folder, event)


@dataclass(slots=True)
class _Folder:
    path: Path
    is_deep: bool
    watch: ObservedWatch | None = None
    watched: tuple[int, int] | None = None  # device and number of the folder that is watched
    why_polled: str = ""
    is_for_good: bool = False  # polled as long as it is followed
    calm_at: float = 0.0
    calm_seconds: float = _CALM_SECONDS
    busy: frozenset[str] = frozenset()  # files, while flooded
    times: FolderTimes = field(default_factory=FolderTimes)


class Waker:
    """Follows folders. `wait` is for one thread only; `wake` may be called from any, also from a signal handler."""

    def __init__(self, *, poll: bool = False, poll_seconds: float = 1.0, most_watches: int = 4_096) -> None:
        """`poll`: never ask for notification. `most_watches`: folders that may be watched by the system."""
        self._poll = poll
        self._poll_seconds = poll_seconds
        self._most = most_watches
        self._inbox = _Inbox()
        self._folders: dict[Path, _Folder] = {}
        self._observer: Any = None
        self._polled_at = self._rest_at = 0.0
        self._is_broken = False
        self._before = threading.excepthook
        threading.excepthook = self._thread_died

    @property
    def mode(self) -> Mode:
        """How changes are found out."""
        polled = [bool(folder.why_polled) for folder in self._folders.values()]
        return "polling" if all(polled) else "mixed" if any(polled) else "native"

    @property
    def notes(self) -> tuple[str, ...]:
        """Which folders are looked at in turns, and why."""
        return tuple(f"{one.path}: {one.why_polled}" for one in self._folders.values() if one.why_polled)

    @property
    def watches(self) -> int:
        """Folders that the system watches for us."""
        return sum(one.times.count for one in self._folders.values() if one.watch is not None)

    def follow(self, folders: Mapping[Path, bool]) -> None:
        """From now on these folders; those that are True with all below them. Never raises."""
        for path in [path for path, one in self._folders.items() if folders.get(path) is not one.is_deep]:
            self._unschedule(self._folders.pop(path))
        for path, is_deep in folders.items():
            if path not in self._folders:
                self._folders[path] = _Folder(path, is_deep)
                self._schedule(self._folders[path])
            elif self._folders[path].watch is None and not self._folders[path].why_polled:  # gone, and made again
                self._schedule(self._folders[path])
            else:
                self._folders[path].times.learn(folders_below(path, is_deep))

    def wait(self, seconds: float) -> Changes:
        """What changed, as soon as something did; at the latest after so many seconds."""
        self._mend()
        now = time.monotonic()
        polled = [one for one in self._folders.values() if one.why_polled]
        if polled:
            pace = _BUSY_POLL_SECONDS if any(one.busy for one in polled) else self._poll_seconds
            seconds = min(seconds, max(0.0, self._polled_at + pace - now))
        self._inbox.arrived.wait(seconds)
        changes = self._inbox.take()
        if self._inbox.are_many_moved():
            self._forget_moved()
        self._start_polling_flooded(changes)
        now = time.monotonic()
        if polled and now >= self._polled_at + min(self._poll_seconds, _BUSY_POLL_SECONDS):
            self._polled_at = now
            changes = self._looked(polled, changes, now)
        return changes

    def is_unchanged(self) -> bool:
        """Whether nothing came or went in the folders since they were given, or since the last answer."""
        looked = [one.times.changed() for one in self._folders.values()]  # each of them
        return not any(looked)

    def wake(self) -> None:
        self._inbox.arrived.set()

    def close(self) -> None:
        threading.excepthook = self._before
        self._stop()

    def _looked(self, polled: list[_Folder], changes: Changes, now: float) -> Changes:
        """With what can only be found by looking."""
        folders = changes.folders
        files = changes.files
        if now >= self._rest_at + min(_REST_POLL_SECONDS, self._poll_seconds):
            self._rest_at = now
            files = None
            looked = [one.times.changed() for one in polled]
            folders = folders or any(looked)
            for one in polled:
                if not one.is_for_good and now >= one.calm_at:
                    self._schedule(one)
        elif files is not None:
            files = files.union(*(one.busy for one in polled))
        return Changes(files, changes.came, folders)

    def _start_polling_flooded(self, changes: Changes) -> None:
        while self._inbox.flooded:
            one = self._folders.get(Path(self._inbox.flooded.pop()))
            if one is None or one.watch is None:
                continue
            now = time.monotonic()
            again = now - one.calm_at < 2 * _FLOOD_SECONDS
            one.calm_seconds = min(one.calm_seconds * 2, _CALM_MOST_SECONDS) if again else _CALM_SECONDS
            one.calm_at = now + one.calm_seconds
            one.busy = changes.files or frozenset()
            one.why_polled = "so much is written that events would cost more than looking"
            self._unschedule(one)

    def _schedule(self, one: _Folder) -> None:
        one.why_polled, one.busy = "", frozenset()
        below = list(folders_below(one.path, one.is_deep))
        one.times.learn(below)
        reason = "asked for" if self._poll else notifies(one.path)
        if not reason and self.watches + len(below) > self._most:
            reason = f"more than {self._most} folders would have to be watched"
        if not reason:
            reason = self._watched(one)
        if reason:
            one.why_polled, one.is_for_good = reason, True
            log.info("%s is looked at every %s s: %s", one.path, self._poll_seconds, reason)

    def _watched(self, one: _Folder) -> str:
        """Asks the system to tell; why it does not."""
        try:
            if self._observer is None:
                self._observer = observer()
                self._observer.daemon = True
                self._observer.start()
            door = self._inbox.of(str(one.path))
            one.watched = _identity(one.path)
            one.watch = self._observer.schedule(door, str(one.path), recursive=one.is_deep, event_filter=_WANTED)
        except (OSError, RuntimeError) as error:
            one.watch = None
            return f"the system does not watch it: {error.strerror if isinstance(error, OSError) else error}"
        return ""

    def _unschedule(self, one: _Folder) -> None:
        if one.watch is not None and self._observer is not None:
            watch, one.watch = one.watch, None
            try:
                self._observer.unschedule(watch)
            except (KeyError, OSError) as error:  # its folder is gone, and the watch went with it
                log.debug("%s was no longer watched: %r", one.path, error)

    def _mend(self) -> None:
        """Starts anew where a thread of the observer died, and where a watched folder was deleted and made again."""
        watched = [one for one in self._folders.values() if one.watch is not None]
        dead = [one for one in watched if one.watched != _identity(one.path) or not self._is_alive(one.watch)]
        if self._is_broken:
            self._is_broken = False
            self._stop()
            dead = [one for one in self._folders.values() if not one.why_polled]
        for one in dead:
            self._unschedule(one)
            if _is_folder(one.path):
                self._schedule(one)

    def _is_alive(self, watch: ObservedWatch | None) -> bool:
        return any(emitter.watch == watch and emitter.is_alive() for emitter in self._emitters())

    def _emitters(self) -> Iterator[Any]:
        yield from tuple(self._observer.emitters) if self._observer is not None else ()

    def _forget_moved(self) -> None:
        """Has the observer let go of its notes. If one is lost before it was used, that of a folder, then events in it
        name the path that it had; what is there is found by looking."""
        for emitter in self._emitters():
            inotify = getattr(getattr(emitter, "_inotify", None), "_inotify", None)
            if inotify is not None:
                inotify.clear_move_records()

    def _stop(self) -> None:
        observer, self._observer = self._observer, None
        for one in self._folders.values():
            one.watch = None
        if observer is not None:
            observer.stop()
            observer.join(timeout=5.0)

    def _thread_died(self, died: threading.ExceptHookArgs) -> None:
        if not type(died.thread).__module__.startswith("watchdog."):
            self._before(died)
            return
        log.warning("a thread of the observer died and is started anew: %r", died.exc_value)
        self._is_broken = True
        self._inbox.arrived.set()


def _identity(folder: Path) -> tuple[int, int] | None:
    try:
        status = folder.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:
        return False
