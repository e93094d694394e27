"""A stream: what is known of one log file that is followed, wherever it lies by now. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from collector.data.rotated import is_rotated_name
from collector.model import Source
from collector.read.tailing.identity import FileId, Head, Mark, digest, thinned

#: What a consumer keeps with a stream; plain values of JSON.
State = Mapping[str, str | int]


#: Of no look at the folders.
NOT_SEEN = -2


@dataclass(slots=True, eq=False)
class Stream:
    """`offset`: given up to there. `acknowledged`: processed up to there. Both in bytes, of a packed file unpacked.

    `marks` holds the places between which pieces were given, the last one at `offset`.
    """

    number: int
    source: Source
    file_id: FileId | None  # None: no file is known that holds it
    packed: bool = False
    heads: tuple[Head, ...] = ()
    marks: list[Mark] = field(default_factory=list)
    later: list[Mark] = field(default_factory=list)  # after a restart: places after `offset` that were given before it
    offset: int = 0
    acknowledged: int = 0
    line: int = 1  # number of the line at `offset`; 0 where it is not known
    inside: bool = False  # at `offset` is the rest of a line that was too long
    encoding: str = ""  # empty until the beginning tells it
    carriage: bool = False
    state: dict[str, str | int] = field(default_factory=dict)
    fresh: bool = True  # whether its file holds what another stream has given already is not known yet
    rotated: bool = False  # another file has taken its place, or it lies in a copy
    over: bool = False  # nothing more is read of it; it is kept to know its copies
    looked: tuple[int, int] = (-1, -1)  # size and time of change (nanoseconds) of its file when it was looked at last
    gone: float | None = None  # since when its file is not there (seconds since the epoch)

    # of this process only
    size: int = 0  # bytes of the file when it was looked at last
    checked: bool = False  # the file was found to be the stream's since the start
    grown: float = 0.0  # when it was last seen to grow (seconds of the clock)
    unlinked: float | None = None  # since when its open file has no name
    partial_given: int = -1  # size at which its unfinished line was shown
    is_final: bool = False  # its unfinished line is to be given
    padded: bool = False  # it ended in NULs, which whoever writes it may take away again
    nuls_to: int = 0  # from `offset` up to there are NULs only
    after: int | None = None  # the stream that lay at its path before, whose lines come first
    moved: FileId | None = None  # its file when that was no longer listed, but not deleted either
    gone_round: int = -1  # in which look at the folders its file was first missing ...
    round: int = -1  # ... and in which this one was first seen
    problem: str = ""

    @property
    def path(self) -> str:
        return self.source.path

    @property
    def is_drained(self) -> bool:
        """Whether everything that its file held when last looked at was given, but for an unfinished line."""
        return self.offset >= self.size

    @property
    def is_to_be_told(self) -> bool:
        """Whether its file may hold what another stream has given."""
        return self.fresh and self.file_id is not None and self.looked[0] != 0 and is_rotated_name(self.path)

    @property
    def is_done(self) -> bool:
        """Whether all that its file was seen to hold is processed, also where that was before a restart."""
        size = 0 if self.packed else self.looked[0]
        return (self.over or self.offset >= max(self.size, size)) and self.acknowledged >= self.offset

    def advance(self, offset: int, seam: str, line: int, inside: bool = False, silent: bool = False) -> None:
        """It was given up to there. `silent`: what lies between is no line, so that no one will acknowledge it."""
        if silent and self.acknowledged == self.offset:
            self.acknowledged = offset
        if self.marks and self.marks[-1].offset >= offset:
            self.marks.pop()
        self.marks = thinned([*self.marks, Mark(offset, seam, line, inside)], self.acknowledged)
        self.offset, self.line, self.inside = offset, line, inside
        self.later = [mark for mark in self.later if mark.offset > offset]
        self.nuls_to = 0

    def goes_on_with(self, first: bytes) -> None:
        """The bytes after its offset, before it advances over them."""
        if self.marks and self.marks[-1].offset == self.offset:
            self.marks[-1] = self.marks[-1]._replace(next_length=len(first), next=digest(first))

    def begin_at(self, offset: int, seam: str, line: int = 0, inside: bool = False) -> None:
        """What is before was given by someone else, or is not wanted."""
        self.offset = self.acknowledged = offset
        self.line, self.inside, self.fresh = line, inside, False
        self.marks = [Mark(offset, seam, line, inside)] if offset else []
        self.later = []

    def acknowledge(self, offset: int) -> bool:
        """Whether that tells something new."""
        offset = min(offset, self.offset)
        if offset <= self.acknowledged:
            return False
        self.acknowledged = offset
        return True

    def rewind(self) -> None:
        """Back to what was acknowledged."""
        mark = self.mark_at(self.acknowledged)
        self.later = [one for one in self.marks if one.offset > self.acknowledged]
        self.marks = [one for one in self.marks if one.offset <= self.acknowledged]
        self.offset = self.acknowledged
        exact = mark is not None and mark.offset == self.offset
        self.line = (mark.line if mark else 1) if exact or not self.offset else 0
        self.inside = bool(exact and mark and mark.inside)

    def mark_at(self, offset: int) -> Mark | None:
        """The last mark up to an offset."""
        return next((mark for mark in reversed(self.marks) if mark.offset <= offset), None)


def to_json(stream: Stream) -> dict[str, Any]:
    """What outlives the process. Of the content only hashes."""
    source = stream.source
    return {
        "stream": stream.number,
        "path": source.path,
        "file": str(source.file),
        "kind": source.kind,
        "id": list(stream.file_id) if stream.file_id else None,
        "packed": stream.packed,
        "heads": [list(head) for head in stream.heads],
        "marks": [list(mark) for mark in (*stream.marks, *stream.later)],
        "offset": stream.acknowledged,
        "encoding": stream.encoding,
        "carriage": stream.carriage,
        "state": dict(stream.state),
        "fresh": stream.fresh,
        "rotated": stream.rotated,
        "over": stream.over,
        "looked": list(stream.looked),
        "gone": stream.gone,
    }


def from_json(value: Any) -> Stream:
    """Raises KeyError, TypeError or ValueError for what `to_json` does not write."""
    file_id = value["id"]
    stream = Stream(
        int(value["stream"]),
        Source(str(value["path"]), Path(str(value["file"])), "output" if value["kind"] == "output" else "log"),
        (int(file_id[0]), int(file_id[1])) if file_id is not None else None,
        packed=bool(value["packed"]),
        heads=tuple(Head(int(length), str(hash_)) for length, hash_ in value["heads"]),
        marks=[_mark(one) for one in value["marks"]],
        acknowledged=int(value["offset"]),
        encoding=str(value["encoding"]),
        carriage=bool(value["carriage"]),
        state={str(key): one if isinstance(one, int) else str(one) for key, one in value["state"].items()},
        fresh=bool(value["fresh"]),
        rotated=bool(value["rotated"]),
        over=bool(value["over"]),
        looked=(int(value["looked"][0]), int(value["looked"][1])),
        gone=float(value["gone"]) if value["gone"] is not None else None,
    )
    stream.rewind()
    return stream


def _mark(value: Any) -> Mark:
    offset, seam, line, inside, length, after = value
    return Mark(int(offset), str(seam), int(line), bool(inside), int(length), str(after))
