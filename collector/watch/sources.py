"""The logs and state files of a disk as they change: from what was touched to signals, and what is kept of it."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import tzinfo
from pathlib import Path
from typing import Any

from collector.discover.catalog import OwnTable
from collector.discover.scan import scan
from collector.extract.signals import Signal
from collector.model import Source, System
from collector.platforms.paths import plain, reachable
from collector.read.keeping.recent import Recent
from collector.read.keeping.ring import Ring
from collector.read.tailing.tail import Piece, Tails, TailState
from collector.redact.redactor import Redactor
from collector.watch.notices import StreamNotices, history
from collector.watch.polling import FolderTimes
from collector.watch.states import States
from collector.watch.waking import Changes

log = logging.getLogger(__name__)

#: After so many seconds without a new line the last record of a log counts as whole.
_WHOLE_SECONDS = 1.5
#: A look for files that costs t seconds of CPU is not made again before so many times t; on a machine that is busy
#: otherwise, or has slow disks, it takes longer than it costs.
_SCAN_PACE, _SCAN_REST = 25, 2
_LEAST_SCAN_SECONDS, _MOST_SCAN_SECONDS = 0.5, 10.0
#: Looks in a row that are left out where no folder has changed.
_MOST_SKIPPED = 4
_FOLLOWED = frozenset({"log", "output"})


class Sources:
    """Everything that is followed."""

    def __init__(
        self,
        root: Path,
        system: System,
        zone: tzinfo | None,
        tails: Tails,
        ring: Ring,
        redactor: Redactor,
        *,
        tables: tuple[OwnTable, ...] = (),
        is_own: Callable[[Path], bool] = lambda file: False,
        is_fresh: bool = False,
        clock: Callable[[], float] = time.monotonic,
        cpu: Callable[[], float] = time.thread_time,
        recent: Recent | None = None,
    ) -> None:
        """`zone`: of stamps without one. `is_own` tells of a file that it is the agent's own. `is_fresh`: nothing was
        followed before, so that logs count as read up to their ends."""
        self._root, self._system, self._zone, self._tables = root, system, zone, tables
        self._tails, self._ring, self._redactor = tails, ring, redactor
        self._recent = recent or Recent()
        self._is_own = is_own
        self._clock, self._cpu = clock, cpu
        self._states = States()
        self._noticing: dict[int, StreamNotices] = {}
        self._fed: dict[int, float] = {}  # streams with a record that is held back, and since when nothing came
        self._ends: dict[int, int] = {}  # offset after what was read of a stream since the last `settle`
        self._paths: dict[str, str] = {}  # of each file where it is opened, its source's path
        self._touched_states: set[str] | None = None
        self._is_fresh = is_fresh
        self._scanned_at = self._scan_pause = 0.0
        self._scan_wanted = True
        self._skipped = 0  # looks that were left out since the last one
        self._folders = FolderTimes()  # those in which sources lie
        self.found: tuple[Source, ...] = ()

    @property
    def is_behind(self) -> bool:
        """Whether more can be read at once."""
        return self._tails.is_behind

    @property
    def ring_problem(self) -> str:
        """Why lines can't be kept on the disk, "" where they can."""
        return self._ring.problem

    def followed(self) -> Sequence[TailState]:
        return self._tails.followed()

    # ---- what is there ---------------------------------------------------------------------------------

    def scan_wait(self, every: float) -> float:
        """Seconds until the disk should be looked through again."""
        since = self._clock() - self._scanned_at
        least = max(_LEAST_SCAN_SECONDS, self._scan_pause)
        is_wanted = self._scan_wanted or self._tails.needs_scan
        return max(0.0, (least if is_wanted else max(every, least)) - since)

    def skips_scan(self, is_unchanged: Callable[[], bool]) -> bool:
        """Whether the look that is due can be left out this time: nothing asks for it, `is_unchanged` says that no
        followed folder has changed, nor has one that is followed through a link. Some are made in any case."""
        is_asked = self._scan_wanted or self._tails.needs_scan or self._skipped >= _MOST_SKIPPED
        if is_asked or self._folders.changed() or not is_unchanged():
            return False
        self._skipped += 1
        self._scanned_at = self._clock()
        return True

    def scan(self) -> Iterator[Signal]:
        """Looks through the disk. Gives what the ends of logs say that are not read from their beginnings: it only
        tells what goes on."""
        began, used = self._clock(), self._cpu()
        self._scan_wanted, self._skipped = False, 0
        sources = scan(self._root, self._system, (), self._tables).sources
        self.found = tuple(source for source in sources if not self._is_own(source.file))
        self._paths = {plain(str(source.file)): source.path for source in self.found}
        self._folders.learn({str(source.file.parent) for source in self.found})
        followed = [source for source in self.found if source.kind in _FOLLOWED and source.problem is None]
        is_fresh, self._is_fresh = self._is_fresh, False
        self._tails.see(followed, from_end=is_fresh)
        self._states.see(self.found)
        self._touched_states = None  # an old file may have come back
        if is_fresh:
            self._tails.save()
            for source in followed:
                yield from history(source, self._zone)
        self._scanned_at = self._clock()
        pause = max(_SCAN_PACE * (self._cpu() - used), _SCAN_REST * (self._scanned_at - began))
        self._scan_pause = min(pause, _MOST_SCAN_SECONDS)

    def touch(self, changes: Changes) -> None:
        """What was told to have changed will be looked at."""
        if changes.files is None:
            self._tails.touch(None)
            self._touched_states = None
        else:
            known = [self._paths[file] for file in map(plain, changes.files) if file in self._paths]
            self._tails.touch(known)
            if self._touched_states is not None:
                self._touched_states.update(known)
        if changes.folders or any(plain(file) not in self._paths or not _is_there(file) for file in changes.came):
            self._scan_wanted = True

    # ---- what it says ----------------------------------------------------------------------------------

    def read(self, most_bytes: int) -> Iterator[tuple[Piece | None, list[Signal]]]:
        """One turn through everything that was touched, at most so many bytes of each log."""
        at = self._clock()
        signals = self._states.look(self._touched_states, at)
        self._touched_states = set(self._states.unsure)
        if signals:
            yield None, signals
        for piece in self._tails.read(most_bytes):
            yield piece, self._take(piece)

    def quiet(self) -> list[Signal]:
        """What records say after which nothing came for a while, and lines without an end on which nobody works."""
        at = self._clock()
        found: list[Signal] = []
        for stream, since in list(self._fed.items()):
            if at - since >= _WHOLE_SECONDS:
                found += self._noticing[stream].idle()
                del self._fed[stream]
        for piece in self._tails.partial():
            once = StreamNotices(self._zone, self._noticing_of(piece.stream).state)
            found += [*once.feed(piece), *once.idle()]
        return found

    @property
    def quiet_wait(self) -> float | None:
        """Seconds until `quiet` may have something to tell."""
        if not self._fed:
            return None
        return max(0.0, min(self._fed.values()) + _WHOLE_SECONDS - self._clock())

    def _take(self, piece: Piece) -> list[Signal]:
        at = self._clock()
        noticing = self._noticing_of(piece.stream)
        signals = noticing.feed(piece)
        self._recent.add(piece, at)
        self._ends[piece.stream] = piece.end
        if noticing.is_holding:
            self._fed[piece.stream] = at
        else:
            self._fed.pop(piece.stream, None)
        return signals

    def _noticing_of(self, stream: int) -> StreamNotices:
        if stream not in self._noticing:
            self._noticing[stream] = StreamNotices(self._zone, self._tails.state_of(stream))
        return self._noticing[stream]

    # ---- what is kept ----------------------------------------------------------------------------------

    def settle(self, *, everything: bool = False, remember: Callable[[], None] = lambda: None) -> None:
        """Keeps the newest lines on the disk, has `remember` called, then lets the checkpoint go on.

        `everything`: also lines that would wait for more, at the end of the run.
        """
        self._ring.flush(self._recent, self._redactor, self._clock(), everything=everything)
        remember()
        for stream, end in list(self._ends.items()):
            noticing = self._noticing[stream]
            waiting = self._recent.begin(stream)
            safe = noticing.safe if noticing.is_holding else end
            self._tails.done(stream, min(safe, end if waiting is None else waiting), noticing.state)
            if waiting is None and safe == end:
                del self._ends[stream]
        self._tails.save()
        self._forget()

    def unsaved(self) -> None:
        """The checkpoint is gone: it is written again though nothing has changed."""
        self._tails.unsaved()

    def dump(self) -> Mapping[str, Any]:
        return self._states.dump()

    def load(self, state: Mapping[str, Any]) -> None:
        self._states.load(state)

    def close(self) -> None:
        self._ring.close()
        self._tails.close()

    def _forget(self) -> None:
        """Who reads a stream is made anew when something comes: the checkpoint knows its format. Logs that are rotated
        every minute leave a stream each time."""
        self._recent.forget(self._tails.knows)
        for stream in [stream for stream in self._noticing if stream not in self._ends and stream not in self._fed]:
            del self._noticing[stream]


def _is_there(file: str) -> bool:
    try:
        return reachable(Path(file)).exists()
    except OSError:  # in a folder that was closed meanwhile
        return False
