"""Follows log files that others write, rotate, copy, empty, delete and pack, and gives every line once.

A stream is one log file's content, known by its file and by hashes of what was read of it (`identity`), not by its
path: it goes on when the file is renamed, copied away before it is emptied, packed, or written anew with more.

What may be lost, because no file holds it any more when it would be read:

- lines written and deleted (with their file, or by emptying it) between two looks at that file; of a file that is
  open here, nothing is lost by its deletion;
- lines that a rotation by copying and emptying itself loses: written after the copy was made and before the file was
  emptied, if they were not read in between;
- while the agent does not run: files that came and went.

What may come twice: what was given and not acknowledged before the agent was killed, with the same stream and offset;
a file that was written anew with less than before, with another beginning, or without its unfinished last line, since
it is another file then; and the copy of a file that comes ten minutes after that is gone, since it is forgotten then.

What can't be told: after the agent was killed, a file from which nothing was acknowledged and that was written anew
since with the same first 1,024 bytes is taken for the same stream, from its beginning.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from collector.model import Source
from collector.read.tailing import checkpoint as kept_file
from collector.read.tailing.checkpoint import Start
from collector.read.tailing.following import Following, TailLimits
from collector.read.tailing.handles import Handles
from collector.read.tailing.piece import Piece, TailState
from collector.read.tailing.places import Places
from collector.read.tailing.stream import Stream
from collector.read.tailing.turns import Turns

__all__ = ["Piece", "TailLimits", "TailState", "Tails"]

#: Seconds between looks at what needs no event to go on: deleted files, copies, open files.
_SWEEP = 1.0
_IDLE_SWEEP = 5.0


class Tails:
    """Use it from one thread. Nothing raises out of it for what is wrong with a file or with the checkpoint.

    `start` tells what the checkpoint was: after "first" call `see` with `from_end=True`, so that what is there counts
    as read; likewise after "damaged" and "newer", where that holds for the files that are not known: of those, lines
    written since the checkpoint was saved are then not given. `trouble` tells in words what is wrong with the
    checkpoint, empty if nothing is. `needs_scan`: something was met (a rotation, an unknown file) that the next `see`
    tells.
    """

    def __init__(
        self,
        checkpoint: Path,
        *,
        limits: TailLimits = TailLimits(),  # noqa: B008 - it is frozen
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
        first_number: int = 1,
    ) -> None:
        """`clock`: seconds that grow evenly; `wall`: seconds since the epoch. `first_number`: no stream gets a lower
        one from now on, whatever the checkpoint says."""
        self._file = checkpoint
        kept = kept_file.load(checkpoint, wall())
        self.start: Start = kept.start
        self.trouble = kept.note
        self._follow = follow = Following(limits, clock, wall, Handles(limits.most_open), max(kept.next, first_number))
        for stream in kept.streams:
            follow.streams[stream.number] = stream
            if stream.file_id is not None:
                follow.by_id[stream.file_id] = stream
                follow.at[stream.path] = stream
        self._turns = Turns(follow)
        self._places = Places(follow, self._turns)
        self._ready: deque[Piece] = deque()
        self._swept = self._idle_swept = clock()

    # ---- what changed ----------------------------------------------------------------------------------------

    def see(self, sources: Sequence[Source], *, from_end: bool = False) -> None:
        """After each look at the folders. `from_end`: what new files hold counts as read."""
        self._places.see(sources, from_end)
        if from_end:
            self._follow.dirty = True  # even of a disk without logs: what comes later is new

    def touch(self, paths: Iterable[str] | None) -> None:
        """`Source.path` of files that changed; None: find out by size and time of every file."""
        follow = self._follow
        if paths is None:
            self._places.look()
            return
        for path in paths:
            stream = follow.at.get(path)
            if stream is None:
                follow.needs_scan = True
            elif not stream.over:
                follow.touch(stream)

    @property
    def needs_scan(self) -> bool:
        return self._follow.needs_scan

    # ---- lines -----------------------------------------------------------------------------------------------

    def read(self, most_bytes: int) -> Iterator[Piece]:
        """One turn: of every stream with news at most so many bytes, that of the oldest news first.

        Before a piece of a new stream is given the checkpoint is saved: its number must stand for it from then on. So
        that many new ones cost one save, what comes is held back until so many bytes, or all of this turn, are there.
        """
        self._sweep()
        held = 0
        for piece in self._turn(most_bytes):
            self._ready.append(piece)
            held += piece.end - piece.offset
            if not self._follow.is_new_unsaved or held >= most_bytes:
                yield from self._give()
                held = 0
        yield from self._give()

    def _give(self) -> Iterator[Piece]:
        """One that is not fetched is given by the next `read`."""
        if self._ready and self._follow.is_new_unsaved:
            self.save()
        while self._ready:
            yield self._ready.popleft()

    def _turn(self, most_bytes: int) -> Iterator[Piece]:
        follow = self._follow
        for number in tuple(follow.touched):
            if number not in follow.touched:
                continue
            del follow.touched[number]
            yield from self._turn_of(follow.streams[number], most_bytes)
        while (freed := self._next_free()) is not None:
            del follow.held[freed]
            yield from self._turn_of(follow.streams[freed], most_bytes)

    def _next_free(self) -> int | None:
        """One of those that had to wait and need not any more; each may set free the next."""
        return next((number for number in self._follow.held if self._is_free(self._follow.streams[number])), None)

    @property
    def is_behind(self) -> bool:
        """Whether some stream has more to be read at once."""
        return bool(self._follow.touched or self._ready)

    def partial(self) -> Iterator[Piece]:
        """Last lines without an end that have not grown for a while, each once as long as it stays as it is. They come
        again, whole, by `read`."""
        follow = self._follow
        now = follow.clock()
        for number in tuple(follow.unfinished):
            stream = follow.streams.get(number)
            if stream is None or stream.partial_given == stream.size or now - stream.grown < follow.limits.partial:
                continue
            piece = self._turns.unfinished(stream)
            if piece is not None:
                yield piece

    def _turn_of(self, stream: Stream, most_bytes: int) -> Iterator[Piece]:
        follow = self._follow
        if stream.over or stream.file_id is None:
            return
        if not self._is_free(stream):
            follow.held[stream.number] = None
            return
        piece = self._turns.turn(stream, most_bytes)
        if piece is not None:
            yield piece

    def _is_free(self, stream: Stream) -> bool:
        """Whether the stream that lay at its path before has given all that comes first."""
        before = self._follow.streams.get(stream.after) if stream.after is not None else None
        if before is None or before.file_id is None or before.over or before.problem:
            stream.after = None
            return True
        if before.number in self._follow.touched or before.number in self._follow.held:
            return False
        return before.fresh or before.is_drained

    def _sweep(self) -> None:
        follow, limits = self._follow, self._follow.limits
        now = follow.clock()
        for number in follow.unfinished:
            stream = follow.streams[number]
            if (stream.rotated or stream.unlinked is not None) and now - stream.grown >= limits.settle:
                stream.is_final = True
                follow.touch(stream)
        for number in tuple(follow.nameless):
            self._watch_nameless(follow.streams[number], now)
        if now - self._swept >= _SWEEP:
            self._swept = now
            for number in follow.copies:
                follow.touch(follow.streams[number])
        if now - self._idle_swept >= _IDLE_SWEEP:
            self._idle_swept = now
            for number in follow.handles:
                stream = follow.streams[number]
                if stream.unlinked is None and now - stream.grown >= limits.idle and stream.is_drained:
                    follow.handles.close(number)
                    if number in follow.nameless:
                        stream.moved = stream.file_id
                        follow.leave(stream)

    def _watch_nameless(self, stream: Stream, now: float) -> None:
        """Files that are open but not listed any more tell no one that they grew."""
        follow = self._follow
        status = follow.handles.status(stream.number)
        if status is None:
            follow.leave(stream)
            return
        if stream.unlinked is None and status.st_nlink == 0:
            stream.unlinked = now
        if status.st_size != stream.size:
            follow.touch(stream)
        elif (
            stream.unlinked is not None
            and (stream.is_drained or stream.number in follow.copies)
            and now - max(stream.unlinked, stream.grown) >= follow.limits.grace
        ):
            follow.leave(stream)
            follow.finish(stream)

    # ---- what is done with -----------------------------------------------------------------------------------

    def done(self, stream: int, offset: int, state: Mapping[str, str | int] | None = None) -> None:
        """Everything of the stream before this offset is processed; `state` is kept with it."""
        one = self._follow.streams.get(stream)
        if one is None:
            return
        if one.acknowledge(offset):
            self._follow.dirty = True
        if state is not None and state != one.state:
            one.state = dict(state)
            self._follow.dirty = True

    def state_of(self, stream: int) -> Mapping[str, str | int]:
        one = self._follow.streams.get(stream)
        return dict(one.state) if one is not None else {}

    def knows(self, stream: int) -> bool:
        """Whether it may go on; one that was forgotten never does."""
        return stream in self._follow.streams

    def unsaved(self) -> None:
        """What was saved is gone."""
        self._follow.dirty = True

    def save(self) -> None:
        """Writes the checkpoint, if something changed. Where that fails `trouble` tells why, and the next call tries
        again."""
        follow = self._follow
        if not follow.dirty:
            return
        try:
            kept_file.save(self._file, follow.streams.values(), follow.next_number)
        except OSError as error:
            self.trouble = f"the checkpoint can't be written: {error.strerror or error}"
            return
        self.trouble = ""
        follow.dirty = follow.is_new_unsaved = False

    def followed(self) -> tuple[TailState, ...]:
        return tuple(
            TailState(
                stream.path, stream.number, stream.size, stream.offset, stream.acknowledged,
                max(0, stream.size - stream.offset) if not stream.over else 0, stream.problem,
            )
            for stream in self._follow.streams.values()
            if stream.file_id is not None
        )  # fmt: skip

    def close(self) -> None:
        """Closes the files and saves."""
        self.save()
        self._turns.close()
        self._follow.handles.close_all()
