"""All streams that are followed: by number, by file and by path, which of them have news, and their open files."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from collector.data.rotated import set_name
from collector.model import Source
from collector.read.tailing.handles import Handles
from collector.read.tailing.identity import FileId
from collector.read.tailing.stream import Stream


@dataclass(frozen=True, slots=True)
class TailLimits:
    """Sizes in bytes, times in seconds."""

    line_limit: int = 65_536  # characters of a line
    most_open: int = 128  # files held open
    idle: float = 60.0  # an open file in which nothing happens is closed after that
    grace: float = 60.0  # a deleted file is read on for so long after it grew last
    settle: float = 1.0  # after that the unfinished last line of a rotated or deleted file is taken as it is
    partial: float = 5.0  # after that the unfinished last line of a file is shown
    weak: float = 5.0  # a short file that is the beginning of another is no copy that is being written, after that
    broken: float = 60.0  # a packed file that breaks off is not being written any more, after that
    forget: float = 86_400.0  # a stream whose file is gone is forgotten after that
    forget_done: float = 600.0  # ... and one of which all is processed: a copy appears at once or never
    most_gone: int = 256  # streams whose file is gone that are remembered, but for those that are gone since `grace`
    most_streams: int = 4_096


@dataclass(slots=True)
class Following:
    limits: TailLimits
    clock: Callable[[], float]
    wall: Callable[[], float]
    handles: Handles
    next_number: int = 1
    streams: dict[int, Stream] = field(default_factory=dict)
    by_id: dict[FileId, Stream] = field(default_factory=dict)
    at: dict[str, Stream] = field(default_factory=dict)  # the one at a path
    touched: dict[int, None] = field(default_factory=dict)  # in order, oldest first
    held: dict[int, None] = field(default_factory=dict)  # wait for the stream that lay there before
    unfinished: dict[int, None] = field(default_factory=dict)  # have a line without an end
    nameless: dict[int, None] = field(default_factory=dict)  # open, but their file is not listed any more
    copies: dict[int, None] = field(default_factory=dict)  # seem to be copies of streams that live
    round: int = 0
    needs_scan: bool = False
    dirty: bool = False  # differs from the checkpoint
    is_new_unsaved: bool = False  # a number, or what tells its file, is not in the checkpoint

    def add(self, source: Source, file_id: FileId | None) -> Stream:
        """A new stream at the source's path."""
        stream = Stream(self.next_number, source, file_id, grown=self.clock(), round=self.round, checked=True)
        self.next_number += 1
        self.streams[stream.number] = stream
        if file_id is not None:
            self.by_id[file_id] = stream
        self.at[source.path] = stream
        self.dirty = self.is_new_unsaved = True
        return stream

    def touch(self, stream: Stream) -> None:
        if stream.number not in self.held:
            self.touched.setdefault(stream.number, None)

    def again(self, stream: Stream) -> None:
        """There is more; it waits behind the others."""
        self.touched.pop(stream.number, None)
        self.touched[stream.number] = None

    def leave(self, stream: Stream) -> None:
        """Its file is not its any more."""
        if stream.file_id is not None and self.by_id.get(stream.file_id) is stream:
            del self.by_id[stream.file_id]
        stream.file_id = None
        if stream.gone is None:
            stream.gone = self.wall()
        if stream.gone_round < 0:
            stream.gone_round = self.round
        self.dirty = True
        self._settle(stream)

    def _settle(self, stream: Stream) -> None:
        for waiting in (self.touched, self.held, self.unfinished, self.nameless, self.copies):
            waiting.pop(stream.number, None)

    def finish(self, stream: Stream) -> None:
        """Nothing more is read of it."""
        stream.over = True
        self.handles.close(stream.number)
        self._settle(stream)
        self.dirty = True

    def take_over(self, stream: Stream, other: Stream) -> None:
        """A stream without a file goes on in the file of another, which was not given anything of."""
        self.handles.close(stream.number)
        if stream.file_id is not None:
            self.leave(stream)
        self.handles.move(other.number, stream.number)
        stream.file_id, stream.source, stream.packed = other.file_id, other.source, other.packed
        stream.gone, stream.gone_round, stream.unlinked, stream.over = None, other.gone_round, other.unlinked, False
        if other.number in self.nameless:
            self.nameless[stream.number] = None
        stream.checked, stream.size, stream.looked = True, other.size, other.looked
        stream.after = None
        self.drop(other)
        if stream.file_id is not None:
            self.by_id[stream.file_id] = stream
        self.at[stream.path] = stream
        self.touch(stream)
        self.dirty = True

    def drop(self, stream: Stream) -> None:
        """Forgets it."""
        self.handles.close(stream.number)
        self._settle(stream)
        self.streams.pop(stream.number, None)
        if stream.file_id is not None and self.by_id.get(stream.file_id) is stream:
            del self.by_id[stream.file_id]
        if self.at.get(stream.path) is stream:
            del self.at[stream.path]
        self.dirty = True

    def of_set(self, stream: Stream) -> Iterator[Stream]:
        """The others of the same rotated log."""
        name = set_name(stream.path)
        return (other for other in self.streams.values() if other is not stream and set_name(other.path) == name)

    def _is_spare(self, number: int) -> bool:
        """Whether nothing is left to be read in an open file, which may have no name any more."""
        return number not in self.touched and self.streams[number].is_drained

    def open(self, stream: Stream) -> io.FileIO | None:
        """Its file; None where it can't be opened, which `problem` tells."""
        try:
            file = self.handles.get(stream.number, stream.source.file, self._is_spare)
        except PermissionError as error:
            stream.problem = error.strerror or "no permission"
        except FileNotFoundError:
            self.needs_scan = True
            stream.looked = (-1, -1)  # wherever it lies by then, it is looked at
        except (OSError, ValueError) as error:
            stream.problem = getattr(error, "strerror", None) or str(error)
        else:
            return file
        return None
