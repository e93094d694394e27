"""Whether a file that was not there before holds what a stream of the same rotated log has given already: it was
copied, packed, or written anew with more."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

from collector.data.rotated import is_rotated_name
from collector.read.tailing.following import Following
from collector.read.tailing.handles import file_id
from collector.read.tailing.identity import BEGINNING, At, Likeness, Mark, alike_up_to, digest, likeness, seam_before
from collector.read.tailing.reading import reader_of
from collector.read.tailing.stream import Stream

#: Of fewer bytes nothing is told.
LEAST_TOLD = 2
Seam = Callable[[int], str]


@dataclass(frozen=True, slots=True)
class Content:
    """What is there of a new file."""

    size: int  # bytes, unpacked ones
    beginning: bytes
    seam: Seam  # the hash before a place; empty where it is not known
    known: frozenset[int] | None = None  # the places where it is; None: all
    at: At | None = None


@dataclass(frozen=True, slots=True)
class _Kin:
    stream: Stream
    like: Likeness
    alike: int  # bytes up to which they are known to be alike


#: To be read as a stream of its own, from its `offset`; or not: another stream went on in that file, or it waits.
_Answer = Literal["own", "not"]


def may_be_read(follow: Following, fresh: Stream, content: Content) -> bool:
    """Whether the stream of a new file is one of its own, to be read from its `offset`.

    Else another stream went on in that file and this one is gone, or it has to wait until that can be told.
    """
    others = tuple(follow.of_set(fresh))
    if is_rotated_name(fresh.path) and any(_is_to_be_told_first(follow, other) for other in others):
        follow.copies[fresh.number] = None
        return False
    follow.copies.pop(fresh.number, None)
    follow.dirty = follow.is_new_unsaved = True
    for kin in sorted(_kins(fresh, others, content), key=lambda one: (one.like == "whole", one.alike), reverse=True):
        answer = _answer(follow, fresh, kin, content)
        if answer is not None:
            return answer == "own"
    fresh.fresh = False
    return True


def is_outdated(follow: Following, fresh: Stream, content: Content) -> bool:
    """Whether a stream that is like the new file was read on to a place of which `content.known` does not tell: logs
    with the same header are alike until that is compared."""
    known = content.known
    if known is None:
        return False
    last = (_last_mark(kin.stream, content.size) for kin in _kins(fresh, follow.of_set(fresh), content))
    return any(mark is not None and mark.offset not in known for mark in last)


def _last_mark(stream: Stream, size: int) -> Mark | None:
    return next((mark for mark in reversed((*stream.marks, *stream.later)) if mark.offset <= size), None)


def _kins(fresh: Stream, others: Iterable[Stream], content: Content) -> list[_Kin]:
    return [kin for other in others if (kin := _kin(fresh, other, content)) is not None]


def _kin(fresh: Stream, other: Stream, content: Content) -> _Kin | None:
    if not other.heads or other.fresh or not _may_be_held(other, fresh):
        return None
    known = content.known
    marks = [mark for mark in (*other.marks, *other.later) if known is None or mark.offset in known]
    given = other.later[-1].offset if other.later else other.offset
    like = likeness(other.heads, marks, given, content.size, content.beginning, content.seam)
    if like == "other":
        return None
    return _Kin(other, like, alike_up_to(other.heads, marks, content.size, content.beginning, content.seam))


def _answer(follow: Following, fresh: Stream, kin: _Kin, content: Content) -> _Answer | None:
    """None if they are alike only as all logs with the same header are."""
    other = kin.stream
    if other.file_id is None or (other.packed and kin.like == "part"):
        return _of_one_without_file(follow, fresh, kin, content)
    if other.unlinked is not None and kin.like == "whole" and _is_written_anew(follow, other, content):
        follow.take_over(other, fresh)
        return "not"
    if not is_rotated_name(fresh.path):
        return None
    return _of_one_living(follow, fresh, kin, content)


def _is_to_be_told_first(follow: Following, other: Stream) -> bool:
    """Whether a log's own file, of which a rotated one may be a copy, has not been looked at yet."""
    is_known = other.heads and not other.fresh
    if is_known or other.problem or other.over or other.file_id is None or is_rotated_name(other.path):
        return False
    return _size_now(follow, other) >= LEAST_TOLD


def _may_be_held(other: Stream, fresh: Stream) -> bool:
    """Whether the other's content may lie in the new file, as names and times tell."""
    if other.file_id is not None and other.unlinked is None:
        return is_rotated_name(fresh.path)
    if is_rotated_name(fresh.path) or (other.moved is not None and other.moved == fresh.file_id):
        return True
    return other.path == fresh.path and other.gone_round == fresh.round  # replaced; not deleted, and written later


def _of_one_without_file(follow: Following, fresh: Stream, kin: _Kin, content: Content) -> _Answer | None:
    other = kin.stream
    if kin.like == "whole":
        is_known = fresh.packed and content.size == other.offset
        follow.take_over(other, fresh)
        other.rotated = other.rotated or is_rotated_name(other.path)
        if is_known:
            follow.finish(other)
        return "not"
    mark = next((mark for mark in other.marks if mark.offset == kin.alike), None)
    if mark is None or not is_rotated_name(fresh.path) or not _goes_on_alike(mark, content):
        return None
    fresh.begin_at(content.size, content.seam(content.size))
    if fresh.packed:
        follow.finish(fresh)
        return "not"
    return "own"


def _goes_on_alike(mark: Mark, content: Content) -> bool:
    """Whether a file does not only hold the same header up to a mark."""
    if content.at is None or mark.offset == content.size:
        return mark.offset == content.size
    length = min(mark.next_length, content.size - mark.offset)
    return length == mark.next_length and digest(content.at(mark.offset, length)) == mark.next


def _is_written_anew(follow: Following, other: Stream, content: Content) -> bool:
    """Whether a file holds all that is left in the open file of a stream whose name is gone."""
    file = follow.handles.held(other.number)
    if file is None:
        return False
    end = os.fstat(file.fileno()).st_size
    return end <= content.size and content.seam(end) == seam_before(reader_of(file), end)


def _of_one_living(follow: Following, fresh: Stream, kin: _Kin, content: Content) -> _Answer | None:
    other, size = kin.stream, content.size
    if _is_elsewhere(follow, other):
        follow.copies[fresh.number] = None
        return "not"
    now = _size_now(follow, other)
    mark = other.marks[-1] if other.marks else None
    if now < other.offset or (mark is not None and not _holds(follow, other, mark.offset, mark.seam)):
        follow.touch(other)  # it was emptied, which its own turn will find
        follow.copies[fresh.number] = None
        return "not"
    if kin.like == "whole" and size > now and other.offset >= now:
        fresh.begin_at(other.offset, other.marks[-1].seam if other.marks else "", other.line, other.inside)
        return "own"
    place = min(size, now)
    if (there := content.seam(place)) and not _holds(follow, other, place, there):
        return None
    if kin.like == "part" and fresh.packed:
        fresh.begin_at(size, content.seam(size))
        follow.finish(fresh)
        return "not"
    is_weak = (kin.like == "part" and size < BEGINNING) or (fresh.packed and not content.seam(place))
    if is_weak and follow.clock() - fresh.grown >= follow.limits.weak:
        return None
    follow.copies[fresh.number] = None
    return "not"


def _is_elsewhere(follow: Following, stream: Stream) -> bool:
    """Whether its file was renamed since the look at the folders, so that nothing can be told before the next."""
    if follow.handles.held(stream.number) is not None:
        return False
    try:
        is_so = file_id(stream.source.file.stat(), stream.source.file) != stream.file_id
    except FileNotFoundError:
        is_so = True
    except OSError:
        return False
    if is_so:
        follow.needs_scan = True
        stream.looked = stream.looked if stream.packed else (-1, -1)
    return is_so


def _holds(follow: Following, stream: Stream, place: int, seam: str) -> bool:
    """Whether a stream's file has the same before a place."""
    file = follow.open(stream) if not stream.packed else None
    try:
        return file is None or seam_before(reader_of(file), place) == seam
    except OSError:
        return True
    finally:
        follow.handles.release(stream.number)


def _size_now(follow: Following, stream: Stream) -> int:
    if stream.packed:
        return stream.size
    file = follow.handles.held(stream.number)
    try:
        return os.fstat(file.fileno()).st_size if file is not None else stream.source.file.stat().st_size
    except OSError:
        return stream.size
