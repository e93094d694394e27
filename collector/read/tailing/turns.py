"""One stream's turn: is the file still its own, and which lines are there to be given?"""

from __future__ import annotations

import io
import os

from collector.read.split import chunk_of
from collector.read.tailing.cutting import BINARY, ENOUGH, Cut, Text, cut, lines_of, text_of_beginning
from collector.read.tailing.following import Following
from collector.read.tailing.handles import file_id, stamp
from collector.read.tailing.identity import BEGINNING, NEXT, SEAM, At, begins_alike, digest, grown, seam_before
from collector.read.tailing.kinship import LEAST_TOLD, Content, may_be_read
from collector.read.tailing.line_ends import aligned, last_end
from collector.read.tailing.packed import is_packed
from collector.read.tailing.piece import Piece
from collector.read.tailing.reading import next_data, reader_of
from collector.read.tailing.stream import NOT_SEEN, Stream
from collector.read.tailing.unpacking import Unpacking

#: Less is not read at a time.
LEAST = 16
#: Bytes of a character of a line that is kept, and some more, so that a line of the limit is not taken for too long.
_CHARACTER, _MORE = 4, 8


class Turns:
    def __init__(self, follow: Following) -> None:
        self._follow = follow
        self._most_line = follow.limits.line_limit * _CHARACTER + _MORE
        self._unpacking = Unpacking(follow, self._given, self._most_line)

    def is_unpacking(self, stream: Stream) -> bool:
        return self._unpacking.is_busy(stream)

    def close(self) -> None:
        self._unpacking.close()

    def turn(self, stream: Stream, most_bytes: int) -> Piece | None:
        """At most so many bytes of it, whole lines; more only where one line is longer. What is wrong with the file
        stands in its `problem` afterwards."""
        try:
            if stream.packed:
                return self._unpacking.turn(stream, most_bytes)
            file = self._opened(stream)
            return self._plain(stream, file, most_bytes) if file is not None else None
        except OSError as error:
            stream.problem = error.strerror or str(error)
            self._follow.handles.close(stream.number)
            return None
        finally:
            self._follow.handles.release(stream.number)

    def is_own(self, stream: Stream) -> bool | None:
        """Whether its file is still its own; None where that can't be told now. Touches it, since it has news."""
        follow = self._follow
        follow.touch(stream)
        if stream.packed:
            stream.checked = True
            return True
        try:
            file = self._opened(stream)
            if file is not None:
                size = os.fstat(file.fileno()).st_size
                at = reader_of(file)
                return self._is_its(stream, at, at(0, min(BEGINNING, size)), size)
        except OSError as error:
            stream.problem = error.strerror or str(error)
            follow.handles.close(stream.number)
        finally:
            follow.handles.release(stream.number)
        return None

    def hold(self, stream: Stream) -> None:
        """Opens a new stream's file while its name is known: it may move on or go before its turn."""
        try:
            self._opened(stream)
        except OSError as error:
            stream.problem = error.strerror or str(error)
            self._follow.handles.close(stream.number)

    def pass_over(self, stream: Stream) -> None:
        """What its file holds counts as read, but for a last line without an end."""
        follow = self._follow
        try:
            file = self._opened(stream)
            if file is None:
                return
            size = os.fstat(file.fileno()).st_size
            at = reader_of(file)
            beginning = at(0, min(BEGINNING, size))
            stream.looked = stamp(os.fstat(file.fileno()))
            if is_packed(beginning):
                stream.packed, stream.fresh = True, False
                follow.finish(stream)
                return
            stream.fresh, stream.size = False, size
            stream.heads = grown(stream.heads, beginning)
            text = self._told(stream, at, final=False)
            if text is not None and text.encoding != BINARY:
                self._pass_lines(stream, text, at, size)
        except OSError as error:
            stream.problem = error.strerror or str(error)
            follow.handles.close(stream.number)
        finally:
            follow.handles.release(stream.number)

    def _pass_lines(self, stream: Stream, text: Text, at: At, size: int) -> None:
        begin = max(stream.offset, aligned(max(0, size - self._most_line), text.encoding, 0))
        end = last_end(at(begin, size - begin), text.encoding, begin, text.carriage)
        if end:
            stream.begin_at(begin + end, seam_before(at, begin + end))
        elif begin > stream.offset:
            place = aligned(size, text.encoding, 0)
            stream.begin_at(place, seam_before(at, place), inside=True)

    def unfinished(self, stream: Stream) -> Piece | None:
        """Its last line that has no end yet, as it stands there; it is given again when it is whole."""
        if stream.packed or stream.fresh or stream.inside:
            return None
        try:
            file = self._opened(stream)
            if file is None:
                return None
            at = reader_of(file)
            size = os.fstat(file.fileno()).st_size
            text = self._text(stream) or text_of_beginning(at(0, ENOUGH), final=True)
            offset = stream.offset or (text.mark if text else 0)
            stream.partial_given = size
            if text is None or text.encoding == BINARY or not offset <= size <= offset + self._most_line:
                return None
            seam = at(max(0, offset - SEAM), min(SEAM, offset))
            block = at(offset, size - offset)
            if not self._continues(stream, seam, min(SEAM, stream.offset)) and stream.offset:
                return None
            found = self._cut(stream, text, block, offset, seam, at_end=True, final=True)
            return self._piece(stream, text, block, offset, found, final=False)
        except OSError as error:
            stream.problem = error.strerror or str(error)
            return None
        finally:
            self._follow.handles.release(stream.number)

    def _opened(self, stream: Stream) -> io.FileIO | None:
        """Its file, if the one at its path is it."""
        if stream.unlinked is not None:  # at its path lies another one's, or none
            return self._follow.handles.held(stream.number)
        file = self._follow.open(stream)
        if file is None:
            return None
        if file_id(os.fstat(file.fileno()), stream.source.file) != stream.file_id:
            self._follow.handles.close(stream.number)
            self._follow.needs_scan = True
            stream.looked = (-1, -1)  # wherever it lies by then, it is looked at
            return None
        return file

    def _is_its(self, stream: Stream, at: At, beginning: bytes, size: int) -> bool:
        """Whether what is there is what was read, as far as it was."""
        if (
            size < stream.offset
            or (size < stream.size and not stream.padded)
            or (stream.heads and not begins_alike(stream.heads, beginning))
        ):
            return False
        if not stream.checked:
            for mark in (*stream.marks[-1:], *stream.later[-1:]):
                if size < mark.offset or seam_before(at, mark.offset) != mark.seam:
                    return False
        stream.checked = True
        heads = grown(stream.heads, beginning)
        if heads is not stream.heads:
            stream.heads, self._follow.dirty, self._follow.is_new_unsaved = heads, True, True
        return True

    def begin_anew(self, stream: Stream) -> None:
        """The file was emptied or written anew: it is a new stream, and what was not read of the old one may lie in a
        copy."""
        follow = self._follow
        identity = stream.file_id
        is_nameless = stream.number in follow.nameless
        other = follow.at.get(stream.path)
        follow.leave(stream)
        new = follow.add(stream.source, identity)
        new.rotated, new.after = stream.rotated, stream.after
        new.round = NOT_SEEN  # no other file was put in its place: the old stream does not go on here
        if is_nameless:
            new.unlinked, new.gone_round = stream.unlinked, stream.gone_round
            follow.nameless[new.number] = None
        if other is not None and other is not stream:
            follow.at[stream.path] = other
        for later in follow.streams.values():
            if later.after == stream.number:
                later.after = new.number
        follow.handles.move(stream.number, new.number)
        follow.needs_scan = True
        for number in follow.copies:
            follow.touch(follow.streams[number])
        follow.touch(new)
        if not stream.offset and not stream.later:
            follow.drop(stream)  # nothing of it was given: its copy is another one's

    def _plain(self, stream: Stream, file: io.FileIO, most_bytes: int) -> Piece | None:
        follow = self._follow
        status = os.fstat(file.fileno())
        size = status.st_size
        at = reader_of(file)
        beginning = at(0, min(BEGINNING, size))
        if not self._is_its(stream, at, beginning, size):
            self.begin_anew(stream)
            return None
        if size != stream.size:
            stream.grown = follow.clock()
        stream.size, stream.looked, stream.problem = size, stamp(status), ""
        if stream.fresh and not self._may_be_read(stream, at, beginning, size):
            return None
        text = self._told(stream, at, stream.is_final)
        if text is None or text.encoding == BINARY:
            return None
        return self._lines(stream, text, file, at, beginning, size, most_bytes)

    def _may_be_read(self, stream: Stream, at: At, beginning: bytes, size: int) -> bool:
        if len(beginning) < LEAST_TOLD and not stream.is_final:
            self._set_unfinished(stream, len(beginning) > 0)
            return False
        if is_packed(beginning):
            stream.packed, stream.heads = True, ()
            self._follow.again(stream)
            return False
        return may_be_read(
            self._follow, stream, Content(size, beginning, lambda offset: seam_before(at, offset), at=at)
        )

    def _text(self, stream: Stream) -> Text | None:
        return Text(stream.encoding, 0, stream.carriage) if stream.encoding else None

    def _told(self, stream: Stream, at: At, final: bool) -> Text | None:
        """How its text is written, once the beginning tells it."""
        text = self._text(stream)
        if text is None:
            text = text_of_beginning(at(0, ENOUGH), final)
            if text is None:
                self._set_unfinished(stream, stream.size > stream.offset)
                return None
            stream.encoding, stream.carriage = text.encoding, text.carriage
            if text.mark and not stream.offset:
                stream.advance(text.mark, seam_before(at, text.mark), 1, silent=True)
            self._follow.dirty = True
        if text.encoding == BINARY:
            stream.problem = "binary content"
            stream.offset = stream.acknowledged = stream.size
            stream.marks.clear()
        return text

    def _lines(
        self, stream: Stream, text: Text, file: io.FileIO, at: At, beginning: bytes, size: int, most_bytes: int
    ) -> Piece | None:
        offset = stream.offset
        before = min(SEAM, offset)
        wanted = min(max(most_bytes, LEAST), size - offset)
        while True:
            data = at(offset - before, before + wanted)
            if len(data) < before + wanted or (before == offset and not data.startswith(beginning[: len(data)])):
                stream.looked = (-1, -1)  # it was emptied or written anew just now: what was read is of two files
                return None
            if not self._continues(stream, data[:before], before):
                self.begin_anew(stream)
                return None
            at_end = offset - before + len(data) >= size
            found = self._cut(
                stream, text, data[before:], offset, data[:before], at_end=at_end, final=stream.is_final and at_end
            )
            if not found.more:
                break
            wanted = min(size - offset, max(wanted * 2, found.begin + self._most_line + _CHARACTER))
        stream.padded = at_end and data.endswith(b"\0")
        if found.nuls and not found.to and not at_end:
            return self._skip_nuls(stream, text, file, at, size, max(most_bytes, ENOUGH))
        return self._given(stream, text, data, before, found, at_end)

    def _continues(self, stream: Stream, seam: bytes, length: int) -> bool:
        """Whether the bytes before the stream's offset, `length` of them, are those that were read."""
        mark = stream.marks[-1] if stream.marks else None
        return len(seam) == length and (mark is None or mark.offset != stream.offset or digest(seam) == mark.seam)

    def _cut(
        self, stream: Stream, text: Text, block: bytes, offset: int, before: bytes, at_end: bool, final: bool
    ) -> Cut:
        most, inside = self._most_line, stream.inside
        return cut(block, text, offset, before=before, inside=inside, at_end=at_end, final=final, most_line=most)

    def _given(self, stream: Stream, text: Text, data: bytes, before: int, found: Cut, at_end: bool) -> Piece | None:
        """The piece, after the stream went on. `data`: the bytes read; the first `before` of them were given."""
        follow = self._follow
        final = stream.is_final and at_end
        offset = stream.offset
        piece = self._piece(stream, text, data[before:], offset, found, final)
        if found.to:
            line = stream.line
            if piece is not None and line:
                line += piece.chunk.lines
            stream.goes_on_with(data[before : before + min(NEXT, found.to)])
            seam = digest(data[max(0, before + found.to - SEAM) : before + found.to])
            stream.advance(offset + found.to, seam, line, found.inside, silent=piece is None)
            follow.dirty = True
        if final:
            stream.is_final = False
        is_long = stream.size - stream.offset >= self._most_line
        if found.to and (not at_end or found.broken or found.nuls or is_long):
            follow.again(stream)
        self._set_unfinished(stream, at_end and stream.offset < stream.size)
        return piece

    def _piece(self, stream: Stream, text: Text, block: bytes, offset: int, found: Cut, final: bool) -> Piece | None:
        data = block if found.begin == 0 and found.end == len(block) else block[found.begin : found.end]
        lines = lines_of(data, text, found.broken) if data else b""
        if not lines:
            return None
        begin = offset + found.begin
        chunk = chunk_of(stream.line or begin + 1, lines)
        return Piece(
            stream.number, stream.source, begin, offset + found.end, chunk, text.encoding, final,
            bool(stream.line),
        )  # fmt: skip

    def _set_unfinished(self, stream: Stream, is_so: bool) -> None:
        if is_so:
            self._follow.unfinished[stream.number] = None
        else:
            self._follow.unfinished.pop(stream.number, None)

    def _skip_nuls(
        self, stream: Stream, text: Text, file: io.FileIO, at: At, size: int, most_bytes: int
    ) -> Piece | None:
        """Goes on to where text begins again. NULs at the end of the file are not passed: they may be space that is
        kept for text to come."""
        place = max(stream.nuls_to, stream.offset)
        place = max(place, aligned(next_data(file, place, size), text.encoding, 0))
        block = at(place, min(most_bytes, size - place))
        rest = block.lstrip(b"\0")
        if rest:
            place += aligned(len(block) - len(rest), text.encoding, 0)
            stream.advance(place, seam_before(at, place), stream.line, silent=True)
            self._follow.dirty = True
        else:
            stream.nuls_to = place = max(place, stream.offset) + len(block)
        if rest or place < size:
            self._follow.again(stream)
        return None
