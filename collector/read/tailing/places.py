"""After each look at the folders: which stream lies where by now, what is new and what is gone."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable

from collector.data.rotated import is_rotated_name, set_name
from collector.model import Source
from collector.platforms.files import KEEPS_OPEN
from collector.read.tailing.following import Following
from collector.read.tailing.handles import file_id, stamp
from collector.read.tailing.identity import FileId
from collector.read.tailing.stream import Stream
from collector.read.tailing.turns import Turns

_KINDS = ("log", "output")
#: Looks at the folders for which a stream that is gone is remembered at least: whoever was halted, or whose clock was
#: set, has had no chance to meet its copy.
_LEAST_ROUNDS = 2
#: ... and at most because some file that was there by then is not told yet.
_MOST_ROUNDS = 10
Present = dict[FileId, tuple[Source, os.stat_result]]


class Places:
    def __init__(self, follow: Following, turns: Turns) -> None:
        self._follow = follow
        self._turns = turns

    def see(self, sources: Iterable[Source], from_end: bool) -> None:
        follow = self._follow
        follow.round += 1
        follow.needs_scan = False
        present = self._present(sources)
        paths = {source.path: identity for identity, (source, _) in present.items()}
        before = dict(follow.at)
        new = [one for identity, one in present.items() if not self._is_known(identity, *one, paths)]
        for stream in list(follow.streams.values()):
            if stream.file_id is not None and stream.file_id not in present:
                self._missing(stream)
        for source, status in new:
            self._new(source, status, before.get(source.path), from_end)
        self._forget()
        for number in follow.copies:
            follow.touch(follow.streams[number])

    def look(self) -> None:
        """Finds out by the files' sizes and times which have news."""
        follow = self._follow
        for stream in follow.streams.values():
            if stream.file_id is None or stream.over or stream.number in follow.nameless:
                continue
            try:
                status = stream.source.file.stat()
            except OSError:
                follow.needs_scan = True
                follow.touch(stream)
                continue
            if file_id(status, stream.source.file) != stream.file_id:
                follow.needs_scan = True
                follow.touch(stream)
            elif stream.problem or stamp(status) != stream.looked:
                follow.touch(stream)

    def _present(self, sources: Iterable[Source]) -> Present:
        """The files there are. Of several paths to one the stream's own counts, else the one that is not rotated."""
        present: Present = {}
        for source in sources:
            if source.kind not in _KINDS or source.problem not in (None, "denied"):
                continue
            try:
                status = source.file.stat()
            except (OSError, ValueError):
                continue
            if not stat.S_ISREG(status.st_mode):
                continue
            identity = file_id(status, source.file)
            if identity in present:
                stream = self._follow.by_id.get(identity)
                own = stream.path if stream is not None else None
                if source.path != own and (present[identity][0].path == own or is_rotated_name(source.path)):
                    continue
            present[identity] = (source, status)
        return present

    def _is_known(self, identity: FileId, source: Source, status: os.stat_result, paths: dict[str, FileId]) -> bool:
        follow = self._follow
        stream = follow.by_id.get(identity)
        if stream is not None and stream.packed and stream.looked != stamp(status):
            stream = self._of_changed_pack(stream)
        if stream is None:
            return False
        before, is_moved = stream.source, stream.path != source.path
        stream.source = source
        stream.checked = stream.checked and stamp(status) == stream.looked
        is_own = stream.over or (stream.checked and not stream.problem) or self._turns.is_own(stream)
        if is_moved and is_own is None:
            stream.source = before
            return True
        if is_moved and not (is_own and self._may_have_moved(stream, before)):
            stream.source = before
            follow.handles.close(stream.number)
            follow.leave(stream)
            return False
        if is_moved:
            if follow.at.get(before.path) is stream:
                del follow.at[before.path]
            stream.rotated = is_rotated_name(source.path) or before.path in paths
            follow.dirty = True
        stream.gone, stream.gone_round = None, -1
        follow.nameless.pop(stream.number, None)
        follow.at[source.path] = stream
        if is_own is False:
            self._turns.begin_anew(stream)
        return True

    def _may_have_moved(self, stream: Stream, before: Source) -> bool:
        """Of a file of which nothing was read only its log tells: its number may be that of a file that is deleted."""
        is_open = self._follow.handles.held(stream.number) is not None
        return is_open or not stream.fresh or set_name(stream.path) == set_name(before.path)

    def _of_changed_pack(self, stream: Stream) -> Stream | None:
        """A packed file may be still being written; else it was deleted, and its number given to another file."""
        if self._turns.is_unpacking(stream):
            return stream
        if stream.fresh:
            stream.packed, stream.heads = False, ()
            return stream
        self._follow.leave(stream)
        return None

    def _missing(self, stream: Stream) -> None:
        follow = self._follow
        if stream.gone_round < 0:
            stream.gone_round = follow.round
        file = follow.handles.held(stream.number)
        is_read = not stream.fresh or (file is not None and os.fstat(file.fileno()).st_size)
        if not is_read:  # what this one had replaced may go on in the next one
            for other in follow.of_set(stream):
                if other.path == stream.path and 0 <= other.gone_round == stream.round:
                    other.gone_round = follow.round
        if stream.packed and self._turns.is_unpacking(stream):
            return
        if file is None or stream.packed or stream.over:
            if not KEEPS_OPEN:  # then the numbers of files that were deleted are not given again either
                stream.moved = stream.file_id
            follow.handles.close(stream.number)
            follow.leave(stream)
            return
        follow.nameless[stream.number] = None
        if stream.unlinked is None and os.fstat(file.fileno()).st_nlink == 0:
            stream.unlinked = follow.clock()
        follow.touch(stream)

    def _new(self, source: Source, status: os.stat_result, before: Stream | None, from_end: bool) -> None:
        follow = self._follow
        stream = follow.add(source, file_id(status, source.file))
        if before is not None and not before.over and before.file_id is not None:
            stream.after = before.number
            before.rotated = True
        elif before is not None and before.fresh:
            stream.after = before.after
        follow.touch(stream)
        if from_end:
            self._turns.pass_over(stream)
        elif KEEPS_OPEN:
            self._turns.hold(stream)

    def _forget(self) -> None:
        follow = self._follow
        now, limits = follow.wall(), follow.limits
        gone = sorted(
            (stream for stream in follow.streams.values() if stream.file_id is None),
            key=lambda stream: stream.gone or 0.0,
        )
        too_many = max(0, len(follow.streams) - limits.most_streams)
        too_old = len(gone) - limits.most_gone
        waiting = sorted((one for one in follow.streams.values() if one.is_to_be_told), key=lambda one: -one.round)
        oldest = {set_name(stream.path): stream.round for stream in waiting}
        for index, stream in enumerate(gone):
            may_come_back = KEEPS_OPEN and stream.moved is not None  # elsewhere nothing tells moved from deleted
            met = stream.gone_round + _LEAST_ROUNDS  # what was there by then may be its copy
            is_met = oldest.get(set_name(stream.path), met + 1) > met or follow.round >= met + _MOST_ROUNDS
            is_over = stream.is_done and not may_come_back and is_met
            kept = limits.forget_done if is_over else limits.forget
            kept = limits.grace if index < too_old else kept
            is_old = now - (stream.gone or 0.0) >= kept and follow.round >= met
            if index < too_many or is_old:
                follow.drop(stream)
